//! The description of WebSocket connections in AsyncAPI 3: one message for each type of frame, in both directions. The API
//! serves the file `shared/asyncapi.json`, which `cargo run -- openapi` writes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use shared::realtime::{ClientFrame, frames::Frame};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::openapi::fields;

/// The path of the description's file, from the workspace's folder.
pub const FILE: &str = "shared/asyncapi.json";

const ABOUT: &str = "\
The frames of the WebSocket connections of the Messaging API.

`POST /api/realtime/ticket/` of the HTTP API returns the whole address to connect to, with a ticket that is valid for 30 seconds \
and for one connection. Connect, wait for the frame `ready`, call `POST /api/sync/` with the numbers that you hold, and merge \
frames by number.

A WebSocket message from the server is one frame, or a JSON array of frames in their order. A WebSocket message from a client \
is one frame of at most 32 KB. Ignore types and fields that you do not know.";

/// The error that the type of a frame cannot be found in its schema, or that a schema is not JSON.
#[derive(Debug, thiserror::Error)]
pub enum DescriptionError {
    /// A schema cannot be serialized.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The schema of a frame has no constant `type`.
    #[error("the schema of a frame has no type: {0}")]
    NoType(Value),
}

/// Returns the complete description.
pub fn document() -> Result<Value, DescriptionError> {
    let sent = messages::<Frame>("")?;
    let received = messages::<ClientFrame>("client.")?;
    let names = |messages: &Map<String, Value>| messages.keys().cloned().collect::<Vec<_>>();
    let operation = |action, summary, messages: &Map<String, Value>| {
        let messages: Vec<Value> =
            names(messages).iter().map(|name| reference("#/channels/live/messages", name)).collect();
        json!({ "action": action, "summary": summary, "channel": { "$ref": "#/channels/live" }, "messages": messages })
    };
    let operations = json!({
        "sendFrames": operation("send", "The server sends frames to a client.", &sent),
        "receiveFrames": operation("receive", "The server receives frames of a client.", &received),
    });
    let in_channel: Map<String, Value> = names(&sent)
        .into_iter()
        .chain(names(&received))
        .map(|name| (name.clone(), reference("#/components/messages", &name)))
        .collect();
    let messages: Map<String, Value> = sent.into_iter().chain(received).collect();
    Ok(json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Messaging API: frames",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": { "local": {
            "host": "127.0.0.1:3000", "protocol": "ws",
            "description": "The address of `cargo run`. The `url` of each ticket has the address of its deployment.",
        } },
        "channels": { "live": channel(&in_channel) },
        "operations": operations,
        "components": { "messages": messages, "schemas": schemas()? },
    }))
}

/// Returns the description as JSON, as in the file.
pub fn text() -> Result<String, DescriptionError> {
    Ok(serde_json::to_string_pretty(&document()?)? + "\n")
}

fn reference(folder: &str, name: &str) -> Value {
    json!({ "$ref": format!("{folder}/{name}") })
}

fn channel(messages: &Map<String, Value>) -> Value {
    let ticket = json!({ "type": "string", "description": "The ticket of `POST /api/realtime/ticket/`." });
    let query = json!({ "type": "object", "required": ["ticket"], "properties": { "ticket": ticket } });
    json!({
        "address": "/live",
        "description": "A connection of one user.",
        "messages": messages,
        "bindings": { "ws": { "method": "GET", "query": query, "bindingVersion": "0.1.0" } },
    })
}

/// Returns a message for each variant of an enum of frames. Its name is `prefix` and its type.
fn messages<T: PartialSchema>(prefix: &str) -> Result<Map<String, Value>, DescriptionError> {
    let mut schema = T::schema();
    fields::rewrite(&mut schema);
    let mut schema = serde_json::to_value(schema)?;
    let variants = schema["oneOf"].as_array_mut().map(std::mem::take).unwrap_or_default();
    variants
        .into_iter()
        .map(|mut payload| {
            let name = type_of(&payload).ok_or_else(|| DescriptionError::NoType(payload.clone()))?;
            let summary = payload.as_object_mut().and_then(|payload| payload.remove("description"));
            let message = json!({ "name": name, "title": name, "summary": summary, "payload": payload });
            Ok((format!("{prefix}{name}"), message))
        })
        .collect()
}

/// Returns the constant value of the field `type` in the schema of a frame.
fn type_of(schema: &Value) -> Option<String> {
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let mut found = parts.chain([schema]).filter_map(|part| part["properties"]["type"]["enum"][0].as_str());
    found.next().map(str::to_owned)
}

/// Returns the schemas to which the messages refer, by name.
fn schemas() -> Result<BTreeMap<String, Value>, serde_json::Error> {
    let mut found: Vec<(String, RefOr<Schema>)> = Vec::new();
    Frame::schemas(&mut found);
    ClientFrame::schemas(&mut found);
    found
        .into_iter()
        .map(|(name, mut schema)| {
            fields::rewrite(&mut schema);
            Ok((name, serde_json::to_value(schema)?))
        })
        .collect()
}
