//! A local API Gateway WebSocket API. The function `realtime` gets an event for each handshake, message and end of a
//! connection, and functions send messages to connections through [`LocalConnections`]. The limits are those of AWS
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html>).
//!
//! It knows nothing of the frames of the API. `gateway` has the network: it accepts handshakes at `/live`.

mod connections;
mod event;
mod handshake;
mod management;
mod session;

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;
use shared::clock::Clock;
use shared::random::Random;

pub use connections::LocalConnections;
pub use event::{Opening, SocketContext};
pub use handshake::PATH;
pub(crate) use handshake::{is_for_sockets, key_of, switching};
pub(crate) use management::{answer as manage, is_for_management};
pub use session::Accepted;

use crate::function::Function;

/// The maximum size of a frame of a client, in bytes. Larger messages consist of several frames.
pub const MAX_FRAME: usize = 32 * 1024;

/// The time limits of a connection.
#[derive(Debug, Clone, Copy)]
pub struct SocketLimits {
    /// The time without a frame in either direction.
    pub idle: Duration,
    /// The time since the handshake.
    pub lifetime: Duration,
    /// The maximum time for writing what waits for a client when its connection is closed, and for its answer.
    pub grace: Duration,
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self {
            idle: Duration::from_mins(10),
            lifetime: Duration::from_hours(2),
            grace: Duration::from_secs(2),
        }
    }
}

/// A WebSocket API. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Sockets {
    connections: LocalConnections,
    function: Arc<dyn Function>,
    limits: SocketLimits,
    clock: Clock,
    random: Random,
    is_managed: bool,
}

impl Sockets {
    /// Creates a WebSocket API without connections. `function` answers its events; it sends messages through
    /// `connections`.
    #[must_use]
    pub fn new(
        connections: LocalConnections,
        function: Arc<dyn Function>,
        limits: SocketLimits,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self { connections, function, limits, clock, random, is_managed: false }
    }

    /// Returns the API with the paths below `/@connections/`, for functions in other processes.
    #[must_use]
    pub fn with_management(self) -> Self {
        Self { is_managed: true, ..self }
    }

    pub(crate) const fn is_managed(&self) -> bool {
        self.is_managed
    }

    /// Returns the connections, for functions in this process.
    #[must_use]
    pub const fn connections(&self) -> &LocalConnections {
        &self.connections
    }

    /// Asks the function about a new connection. Returns the status of the refusal if its answer is not a success.
    pub async fn open(&self, opening: &Opening) -> Result<Accepted, StatusCode> {
        let now = self.clock.now();
        let context = SocketContext::new(opening, event::connection_id(&self.random), now);
        let event = event::connect(&context, opening, &self.random);
        match self.function.invoke(event).await.map(|answer| status_of(&answer)) {
            Ok(Some(status)) if status.is_success() => Ok(Accepted::new(self.clone(), context)),
            Ok(Some(status)) => Err(status),
            Ok(None) => {
                tracing::error!("the answer of the function to $connect has no valid status");
                Err(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Err(error) => {
                tracing::error!(%error, "the function has not answered $connect");
                Err(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

fn status_of(answer: &Value) -> Option<StatusCode> {
    let status = u16::try_from(answer["statusCode"].as_u64()?).ok()?;
    StatusCode::from_u16(status).ok()
}

#[cfg(test)]
mod tests;
