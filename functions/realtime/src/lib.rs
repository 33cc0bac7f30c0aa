//! The `realtime` endpoints: `POST /api/realtime/ticket/`, and the events of WebSocket connections.

mod connect;
mod disconnect;
mod frame;
mod read;
mod ticket;
mod typing;

use std::{sync::Arc, time::Instant};

use axum::Router;
use futures::{FutureExt, future::BoxFuture};
use shared::{
    App,
    http::Problem,
    pages,
    realtime::{
        Connections,
        event::{SocketAnswer, SocketEvent, SocketEventKind},
    },
};
use tracing::{Instrument, field, info, info_span};

shared::routes! {
    api {
        post "/api/realtime/ticket/" => ticket::create;
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
    /// Answers an event of a WebSocket connection, and writes its log line. The line has no query, header or frame, because
    /// these contain tickets and ids.
    pub async fn answer(&self, event: SocketEvent) -> SocketAnswer {
        let begun = Instant::now();
        let route = route(&event.kind);
        let request_id = event.request_id.as_str();
        let span = info_span!("request", request_id, connection = %event.connection, user = field::Empty);
        let answered = self.try_to_answer(&event).instrument(span.clone()).await;
        let _entered = span.enter();
        let status = answered.unwrap_or_else(|problem| {
            problem.log_causes();
            problem.code().parts().0.as_u16()
        });
        // `tracing` logs a u128 as text, and log queries cannot add up texts.
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        info!(method = "WEBSOCKET", route, status, millis, "request");
        SocketAnswer { status }
    }

    fn try_to_answer<'a>(&'a self, event: &'a SocketEvent) -> BoxFuture<'a, Result<u16, Problem>> {
        let connection = &event.connection;
        match &event.kind {
            SocketEventKind::Connect(handshake) => connect::connect(self, event, handshake).boxed(),
            SocketEventKind::Disconnect => disconnect::disconnect(self, connection).boxed(),
            SocketEventKind::Message(text) => frame::answer(self, connection, text.as_deref()).boxed(),
        }
    }
}

/// Returns the name of the route of the WebSocket API that gets events of this kind.
const fn route(kind: &SocketEventKind) -> &'static str {
    match kind {
        SocketEventKind::Connect(_) => "$connect",
        SocketEventKind::Disconnect => "$disconnect",
        SocketEventKind::Message(_) => "$default",
    }
}
