//! The events of API Gateway's WebSocket API
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-integrations.html>).

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::ConnectionId;

/// An event of a connection.
#[derive(Debug, Clone)]
pub struct SocketEvent {
    /// The connection.
    pub connection: ConnectionId,
    /// The id of the request, for logs.
    pub request_id: String,
    /// The time at which the connection was made.
    pub connected_at: DateTime<Utc>,
    /// The IP address of the client as text.
    pub source_ip: String,
    /// The kind of the event.
    pub kind: SocketEventKind,
}

/// The kinds of events.
#[derive(Debug, Clone)]
pub enum SocketEventKind {
    /// A client wants to connect. Any answer except 200 refuses the connection.
    Connect(Handshake),
    /// The connection has ended. This event is not guaranteed.
    Disconnect,
    /// The client has sent a message. `None` if it was not text.
    Message(Option<String>),
}

/// The request that opens a connection.
#[derive(Debug, Clone, Default)]
pub struct Handshake {
    /// The ticket of the query; `None` if there is none.
    pub ticket: Option<String>,
    /// The header `Origin`; browsers always send it.
    pub origin: Option<String>,
    /// The header `Host`.
    pub host: Option<String>,
}

/// The answer to an event. API Gateway uses only the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SocketAnswer {
    /// The HTTP status: 200, or the reason for refusing a connection.
    #[serde(rename = "statusCode")]
    pub status: u16,
}

impl SocketAnswer {
    /// The answer of a success.
    pub const OK: Self = Self { status: 200 };
}

/// The JSON of an event, as API Gateway sends it. `local` writes it, and functions read it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of API Gateway")]
pub struct SocketEventJson {
    #[serde(default, skip_serializing_if = "HashMap::is_empty")]
    pub headers: HashMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_string_parameters: Option<HashMap<String, String>>,
    pub request_context: SocketContextJson,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(default)]
    pub is_base64_encoded: bool,
}

/// The member `requestContext` of an event.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of API Gateway")]
pub struct SocketContextJson {
    pub route_key: String,
    /// `CONNECT`, `DISCONNECT` or `MESSAGE`.
    pub event_type: String,
    pub connection_id: String,
    #[serde(default)]
    pub request_id: String,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub connected_at: i64,
    #[serde(default)]
    pub stage: String,
    #[serde(default)]
    pub domain_name: String,
    #[serde(default)]
    pub identity: SocketIdentityJson,
}

/// The member `requestContext.identity` of an event.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of API Gateway")]
pub struct SocketIdentityJson {
    #[serde(default)]
    pub source_ip: String,
}

/// An event that is not one of a WebSocket API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event is not an event of a WebSocket connection")]
pub struct NotASocketEvent;

impl TryFrom<SocketEventJson> for SocketEvent {
    type Error = NotASocketEvent;

    fn try_from(json: SocketEventJson) -> Result<Self, NotASocketEvent> {
        let context = &json.request_context;
        let kind = match context.event_type.as_str() {
            "CONNECT" => SocketEventKind::Connect(Handshake {
                ticket: json.query_string_parameters.as_ref().and_then(|query| query.get("ticket")).cloned(),
                origin: header(&json.headers, "origin"),
                host: header(&json.headers, "host"),
            }),
            "DISCONNECT" => SocketEventKind::Disconnect,
            "MESSAGE" => SocketEventKind::Message(json.body.clone().filter(|_| !json.is_base64_encoded)),
            _ => return Err(NotASocketEvent),
        };
        Ok(Self {
            connection: context.connection_id.parse().map_err(|_| NotASocketEvent)?,
            request_id: context.request_id.clone(),
            connected_at: DateTime::from_timestamp_millis(context.connected_at).unwrap_or_default(),
            source_ip: context.identity.source_ip.clone(),
            kind,
        })
    }
}

/// Returns the value of a header. API Gateway passes the names on as the client wrote them.
fn header(headers: &HashMap<String, String>, name: &str) -> Option<String> {
    headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
}
