//! The items of realtime delivery: the WebSocket connections of a user, the users of connections, and the tickets that
//! open connections.

use chrono::{
    DateTime, Utc,
    serde::{ts_microseconds, ts_seconds},
};
use serde::{Deserialize, Serialize};

use crate::{
    ids::{ConnectionId, SessionId, UserId},
    store::table::parts,
};

/// A WebSocket connection of a user. While this item exists, the connection gets every frame of its user, or is closed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Link {
    /// The user of the connection.
    #[serde(rename = "pk", deserialize_with = "parts::links_pk", skip_serializing)]
    pub user: UserId,
    /// The id of the connection.
    #[serde(rename = "sk", deserialize_with = "parts::link_sk", skip_serializing)]
    pub connection: ConnectionId,
    /// The session that has opened the connection. The connection ends with it.
    pub session: SessionId,
    /// The version of the user's credential at that time. A password change ends the connection.
    pub credential_version: u64,
    /// The time of the connection, in microseconds.
    #[serde(with = "ts_microseconds")]
    pub connected_at: DateTime<Utc>,
    /// True after the frame `ready` was sent. Until then, every other frame is sent behind another `ready`, because the
    /// first frame of a connection is always `ready`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_ready: bool,
    /// The time at which the item may be deleted, in seconds. API Gateway ends a connection after two hours, and does not
    /// always report it.
    #[serde(with = "ts_seconds")]
    pub expires_at: DateTime<Utc>,
}

/// The user and the session of a WebSocket connection. API Gateway names only the connection in the events of a client's
/// frames. This item grants nothing: [`Link`] does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConnectionUser {
    /// The id of the connection.
    #[serde(rename = "pk", deserialize_with = "parts::connection_pk", skip_serializing)]
    pub connection: ConnectionId,
    /// The user of the connection.
    pub user: UserId,
    /// The session that has opened the connection.
    pub session: SessionId,
    /// The time at which the item may be deleted, in seconds, like that of the link.
    #[serde(with = "ts_seconds")]
    pub expires_at: DateTime<Utc>,
}

impl From<&Link> for ConnectionUser {
    fn from(link: &Link) -> Self {
        Self {
            connection: link.connection.clone(),
            user: link.user,
            session: link.session,
            expires_at: link.expires_at,
        }
    }
}

/// A note that the presence of a user was told, for its rate. There is one for each of the two states.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Presence {
    /// The user.
    #[serde(rename = "pk", deserialize_with = "parts::links_pk", skip_serializing)]
    pub user: UserId,
    /// The state, `online` or `offline`.
    #[serde(rename = "sk", deserialize_with = "parts::presence_sk", skip_serializing)]
    pub state: String,
    /// The time at which it was told, in microseconds.
    #[serde(with = "ts_microseconds")]
    pub told_at: DateTime<Utc>,
    /// The time at which the item may be deleted, in seconds.
    #[serde(with = "ts_seconds")]
    pub expires_at: DateTime<Utc>,
}

/// A ticket that opens one connection. The item is deleted when it is used.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ticket {
    /// SHA-256 of the ticket in base64url.
    #[serde(rename = "pk", deserialize_with = "parts::ticket_pk", skip_serializing)]
    pub digest: String,
    /// The user who has requested the ticket.
    pub user: UserId,
    /// The session of that request.
    pub session: SessionId,
    /// The version of the user's credential at the time of that request.
    pub credential_version: u64,
    /// The origin of the page that may use the ticket: the header `Origin` of the request, or the address of the API if
    /// there was none.
    pub origin: String,
    /// The time at which the ticket becomes invalid, in seconds. The item can exist longer, because TTL deletes late.
    #[serde(with = "ts_seconds")]
    pub expires_at: DateTime<Utc>,
}
