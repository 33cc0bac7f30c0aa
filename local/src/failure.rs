//! The reasons for exit code 1, each as one line for the user of the command. Problems of single requests are not here:
//! they are answered over HTTP.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use local::engine::EngineError;
use local::stream::FilterError;
use local::template::TemplateError;
use shared::auth::AuthError;
use shared::store::StoreError;
use shared::telemetry::causes;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Engine(#[from] EngineError),
    #[error("{0}")]
    Template(#[from] TemplateError),
    #[error("{0}")]
    Filter(#[from] FilterError),
    #[error("cannot use {}: {source}", file.display())]
    State { file: PathBuf, source: io::Error },
    #[error("port {port} on {ip} is already in use; choose another port with --port")]
    PortTaken { ip: IpAddr, port: u16 },
    #[error("cannot listen on port {port} of {ip}: {source}")]
    Port { ip: IpAddr, port: u16, source: io::Error },
    #[error("the process on port {port} of 127.0.0.1 is not healthy: {reason}")]
    Unhealthy { port: u16, reason: String },
    #[error("the server on {address} stopped: {source}")]
    Serving { address: SocketAddr, source: io::Error },
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    #[error("cannot use table {table} at {location}: {}{hint}", causes(source))]
    Table { table: String, location: String, source: StoreError, hint: &'static str },
    #[error("cannot use the signing seed in {}: {reason}", file.display())]
    Seed { file: PathBuf, reason: String },
    #[error(
        "table {table} belongs to a deployment with another signing key, and this process would end its \
         tokens; use --signing-seed to name the file with the seed of the deployment"
    )]
    ForeignKey { table: String },
    #[error("cannot publish the signing key: {0}")]
    Key(AuthError),
    #[error("cannot read the password: {0}")]
    Password(io::Error),
    #[error("the password is missing; type it when asked, or send it as the first line of standard input")]
    NoPassword,
    #[error("the two passwords differ; run the command again")]
    PasswordsDiffer,
    #[error("cannot write the OpenAPI document to {}: {source}", file.display())]
    Description { file: PathBuf, source: io::Error },
    #[error("table {table} violates {count} rules of its structure")]
    Violations { table: String, count: usize },
    #[error("cannot create the account: {0}")]
    Account(AuthError),
}
