//! The options for WebSocket connections.

use clap::{Args, value_parser};
use url::Url;

use super::endpoint;

/// The time limits of WebSocket connections. The defaults are those of API Gateway.
#[derive(Debug, Args)]
pub(crate) struct SocketTimes {
    /// Time without a frame after which a WebSocket connection ends, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = value_parser!(u32).range(1..=600))]
    pub(crate) websocket_idle: u32,

    /// Time after which a WebSocket connection ends in any case, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 7200, value_parser = value_parser!(u32).range(1..=7200))]
    pub(crate) websocket_lifetime: u32,
}

#[derive(Debug, Args)]
pub(crate) struct SocketServer {
    /// Port to listen on; 0 means any free port
    #[arg(long, value_name = "N", default_value_t = 9001)]
    pub(crate) port: u16,

    #[arg(long, value_name = "URL", value_parser = endpoint, help = "Address of `cargo lambda watch`, which runs the functions")]
    pub(crate) functions: Url,

    #[arg(long, value_name = "URL", value_parser = endpoint, help = "Address of DynamoDB Local")]
    pub(crate) dynamodb_endpoint: Url,

    /// Name of the table
    #[arg(long, value_name = "NAME", env = "TABLE_NAME", default_value = "messaging")]
    pub(crate) table: String,

    #[command(flatten)]
    pub(crate) times: SocketTimes,
}
