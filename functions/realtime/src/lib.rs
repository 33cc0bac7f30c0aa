//! The `realtime` endpoints: `POST /api/realtime/ticket/`, and the events of WebSocket connections.

use std::sync::Arc;

use axum::Router;
use shared::{
    App, pages,
    realtime::{
        Connections,
        event::{SocketAnswer, SocketEvent},
    },
};

shared::routes! {
    api {
    }
}

/// The state of this function.
#[derive(Debug, Clone)]
pub struct Realtime {
    /// The state that all functions share.
    pub app: App,
    /// The connections of the WebSocket API.
    pub connections: Arc<dyn Connections>,
}

/// Creates the router of this function.
pub fn router(app: &App) -> Router {
    pages::into_router(routes(), app)
}

impl Realtime {
    /// Answers an event of a WebSocket connection.
    pub async fn answer(&self, event: SocketEvent) -> SocketAnswer {
        tracing::info!(connection = %event.connection, "event");
        SocketAnswer::OK
    }
}
