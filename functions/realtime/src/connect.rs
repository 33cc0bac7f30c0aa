//! `$connect`: a client opens a connection with a ticket. Any answer except 200 refuses the connection.

use chrono::TimeDelta;
use shared::{
    App,
    auth::TicketSecret,
    http::Problem,
    realtime::event::{Handshake, SocketEvent},
    store::items::{ConnectionUser, Link, Ticket},
};

use crate::Realtime;

/// The time after which a connection has certainly ended: API Gateway ends it after two hours.
const LONGEST_CONNECTION: TimeDelta = TimeDelta::minutes(125);

/// Lets a client connect that has a valid ticket and comes from the page that has requested it.
///
/// The link is put before the session is read. So a session that ends later is seen by `deliver`, which finds the link and
/// closes the connection, and a session that has ended before is seen here. If this function dies between the two, API
/// Gateway refuses the connection, and the first post finds it gone and deletes the link.
pub async fn connect(
    realtime: &Realtime,
    event: &SocketEvent,
    handshake: &Handshake,
) -> Result<u16, Problem> {
    let app = &realtime.app;
    let Some(ticket) = take(app, handshake).await? else {
        return Ok(401);
    };
    tracing::Span::current().record("user", tracing::field::display(ticket.user));
    if !is_of(&ticket, handshake) {
        return Ok(403);
    }
    let link = link(app, event, &ticket);
    app.store.put_link(&link).await?;
    if app.store.live_link(&ConnectionUser::from(&link), app.clock.now()).await?.is_none() {
        app.store.forget_connection(link.user, &link.connection).await?;
        return Ok(401);
    }
    Ok(200)
}

/// Takes the ticket of a handshake, so that it cannot be used again; `None` without a valid one.
async fn take(app: &App, handshake: &Handshake) -> Result<Option<Ticket>, Problem> {
    let secret = handshake.ticket.as_deref().and_then(TicketSecret::parse);
    match secret {
        Some(secret) => Ok(app.store.take_ticket(&secret.digest(), app.clock.now()).await?),
        None => Ok(None),
    }
}

/// Returns true if the handshake comes from the page that has requested the ticket, from a page of the WebSocket API's own
/// host, or from a program that is not a browser: browsers always send the header `Origin`.
fn is_of(ticket: &Ticket, handshake: &Handshake) -> bool {
    let Some(origin) = &handshake.origin else {
        return true;
    };
    let host = origin.split_once("://").map(|(_, host)| host);
    let is_own =
        host.zip(handshake.host.as_deref()).is_some_and(|(host, own)| host.eq_ignore_ascii_case(own));
    is_own || origin.eq_ignore_ascii_case(&ticket.origin)
}

fn link(app: &App, event: &SocketEvent, ticket: &Ticket) -> Link {
    let now = app.clock.now();
    Link {
        user: ticket.user,
        connection: event.connection.clone(),
        session: ticket.session,
        credential_version: ticket.credential_version,
        connected_at: now,
        is_ready: false,
        expires_at: now + LONGEST_CONNECTION,
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        ids::{SessionId, UserId},
        store::items::Ticket,
    };

    use super::*;

    fn ticket() -> Ticket {
        Ticket {
            digest: String::new(),
            user: UserId::new(uuid::Uuid::nil()),
            session: SessionId::new(uuid::Uuid::nil()),
            credential_version: 1,
            origin: "https://app.example.com".to_owned(),
            expires_at: chrono::DateTime::default(),
        }
    }

    #[test]
    fn a_page_uses_only_its_own_tickets() {
        let is_taken = |origin: Option<&str>| {
            let (origin, host) = (origin.map(str::to_owned), Some("ws.example.com".to_owned()));
            is_of(&ticket(), &Handshake { ticket: None, origin, host })
        };
        for origin in [
            None,
            Some("https://app.example.com"),
            Some("HTTPS://APP.example.com"),
            Some("https://ws.example.com"),
        ] {
            assert!(is_taken(origin), "{origin:?}");
        }
        for origin in [
            "",
            "null",
            "https://evil.example.com",
            "http://app.example.com",
            "https://app.example.com.evil.test",
            "ws.example.com",
        ] {
            assert!(!is_taken(Some(origin)), "{origin}");
        }
    }
}
