//! `POST /api/realtime/ticket/`: makes a ticket that opens one WebSocket connection. A client requests it right before it
//! connects, because a WebSocket cannot carry the header `Authorization` of a browser.

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use serde::Serialize;
use shared::{
    App,
    auth::{TicketSecret, ticket::TICKET_LIFETIME},
    http::{Authenticated, NoParameters, Origin, Problem, Query, Reply},
    store::items::Ticket,
};
use utoipa::ToSchema;

/// A ticket that opens one WebSocket connection.
#[derive(Serialize, ToSchema)]
#[schema(as = RealtimeTicket)]
pub struct TicketView {
    /// The ticket. It is valid for 30 seconds and for one connection.
    #[schema(example = "yqKcNjGUsEQZ2Xq5h3kwXcCxT5dV3h9Tg8Ye0bVnT3A")]
    ticket: String,
    /// The whole address to connect to, with the ticket.
    #[schema(
        example = "ws://127.0.0.1:3000/live?ticket=yqKcNjGUsEQZ2Xq5h3kwXcCxT5dV3h9Tg8Ye0bVnT3A",
        max_length = 2048
    )]
    url: String,
}

/// The origin of the page that sends a request: its header `Origin`, or the address of the API if it has none.
#[derive(Debug)]
pub struct PageOrigin(String);

impl FromRequestParts<App> for PageOrigin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let sent = parts.headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
        let sent = sent.map(str::to_owned);
        let Ok(own) = Origin::from_request_parts(parts, app).await;
        Ok(Self(sent.unwrap_or_else(|| own.link(""))))
    }
}

/// Makes a ticket that opens one WebSocket connection.
///
/// Connect to `url` within 30 seconds. The connection ends with the session of this request. A page can use only the
/// tickets that it has requested itself: the header `Origin` of both requests must be the same.
#[utoipa::path(post, path = "/api/realtime/ticket/", operation_id = "create_realtime_ticket",
    responses((status = 201, body = TicketView)))]
pub async fn create(
    Authenticated(caller, app): Authenticated,
    origin: Origin,
    PageOrigin(page): PageOrigin,
    Query(NoParameters {}): Query<NoParameters>,
) -> Result<Reply<TicketView>, Problem> {
    // A session that ends after this read is noticed when the ticket is used.
    let user = app.store.user(caller.user).await?.ok_or_else(Problem::token_not_valid)?;
    let secret = TicketSecret::new(&app.random);
    let ticket = Ticket {
        digest: secret.digest(),
        user: caller.user,
        session: caller.session,
        credential_version: user.credential_version,
        origin: page,
        expires_at: app.clock.now() + TICKET_LIFETIME,
    };
    app.store.put_ticket(&ticket).await?;
    let ticket = secret.encode();
    let url = format!("{}?ticket={ticket}", address(&app, &origin));
    Ok(Reply::made(TicketView { ticket, url }))
}

/// Returns the address of the WebSocket API. Without a configured one, it is a path of the address of this request.
fn address(app: &App, origin: &Origin) -> String {
    app.config.realtime_url.clone().unwrap_or_else(|| origin.link("/live").replacen("http", "ws", 1))
}
