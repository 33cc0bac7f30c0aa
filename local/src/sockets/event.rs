//! The events of connections, as API Gateway sends them to Lambda.

use std::collections::HashMap;
use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::ids::ConnectionId;
use shared::random::Random;
use shared::realtime::event::{SocketContextJson, SocketEventJson, SocketIdentityJson};
use url::form_urlencoded;

use super::handshake;

/// The request that opens a connection.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The headers of the request.
    pub headers: HeaderMap,
    /// The query of the request, empty if there is none.
    pub query: String,
    /// The address of the client.
    pub caller: IpAddr,
}

/// The facts about a connection that all of its events contain.
#[derive(Debug, Clone)]
pub struct SocketContext {
    /// The id of the connection.
    pub id: ConnectionId,
    /// The time of the handshake.
    pub connected_at: DateTime<Utc>,
    pub(super) source_ip: IpAddr,
    pub(super) user_agent: Option<String>,
    domain: String,
}

/// A message of a client.
#[derive(Debug)]
pub(super) enum Incoming {
    Text(String),
    Binary(Vec<u8>),
}

impl SocketContext {
    pub(super) fn new(opening: &Opening, id: ConnectionId, connected_at: DateTime<Utc>) -> Self {
        let text = |name| opening.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self {
            id,
            connected_at,
            source_ip: opening.caller,
            user_agent: text(header::USER_AGENT),
            domain: text(header::HOST).unwrap_or_default(),
        }
    }

    fn json(&self, kind: &str, route: &str, random: &Random) -> SocketContextJson {
        SocketContextJson {
            route_key: route.to_owned(),
            event_type: kind.to_owned(),
            connection_id: self.id.to_string(),
            request_id: random.uuid().to_string(),
            connected_at: self.connected_at.timestamp_millis(),
            stage: handshake::STAGE.to_owned(),
            domain_name: self.domain.clone(),
            identity: SocketIdentityJson { source_ip: self.source_ip.to_string() },
        }
    }
}

/// Returns a new id of the form that API Gateway gives: 16 characters of base64.
pub(super) fn connection_id(random: &Random) -> ConnectionId {
    loop {
        // Every text of this alphabet is an id, so the first one is taken.
        if let Ok(id) = URL_SAFE.encode(random.bytes::<11>()).parse() {
            return id;
        }
    }
}

pub(super) fn connect(context: &SocketContext, opening: &Opening, random: &Random) -> Value {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = opening.headers.iter();
    let query: HashMap<String, String> =
        form_urlencoded::parse(opening.query.as_bytes()).into_owned().collect();
    json(SocketEventJson {
        headers: headers.map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
        query_string_parameters: (!query.is_empty()).then_some(query),
        request_context: context.json("CONNECT", "$connect", random),
        ..SocketEventJson::default()
    })
}

pub(super) fn disconnect(context: &SocketContext, random: &Random) -> Value {
    let request_context = context.json("DISCONNECT", "$disconnect", random);
    json(SocketEventJson { request_context, ..SocketEventJson::default() })
}

/// Returns the event of a message. Bytes that are not text are passed in base64.
pub(super) fn message(context: &SocketContext, message: Incoming, random: &Random) -> Value {
    let (body, is_base64_encoded) = match message {
        Incoming::Text(text) => (text, false),
        Incoming::Binary(bytes) => (STANDARD.encode(bytes), true),
    };
    let request_context = context.json("MESSAGE", "$default", random);
    json(SocketEventJson {
        request_context,
        body: Some(body),
        is_base64_encoded,
        ..SocketEventJson::default()
    })
}

fn json(event: SocketEventJson) -> Value {
    // The type has only texts as keys, so this never fails.
    serde_json::to_value(event).unwrap_or_default()
}
