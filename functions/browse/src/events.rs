//! `GET /api/schema/events/`: the description of the WebSocket connections from the repository.

use axum::{http::HeaderMap, response::Response};
use serde_json::Value;
use shared::http::{IfNoneMatch, NoParameters, Problem, Query};
use utoipa::ToSchema;

use crate::{
    packed::{Packed, packed},
    schema::answer,
};

static DOCUMENT: Packed = packed!("asyncapi.json");

/// An `AsyncAPI` document that describes the frames of WebSocket connections.
#[derive(ToSchema)]
#[schema(as = AsyncApiDocument)]
#[expect(dead_code, reason = "what is sent is a file")]
pub struct Document {
    /// The version of the `AsyncAPI` specification.
    #[schema(example = "3.0.0")]
    asyncapi: String,
    /// The name and the version of the API.
    #[schema(value_type = Object)]
    info: Value,
    /// The media type of frames.
    #[schema(example = "application/json")]
    #[serde(rename = "defaultContentType")]
    default_content_type: String,
    /// The address of a local server. Each ticket has the address of its deployment.
    #[schema(value_type = Object)]
    servers: Value,
    /// The connection.
    #[schema(value_type = Object)]
    channels: Value,
    /// The directions of frames.
    #[schema(value_type = Object)]
    operations: Value,
    /// The frames, and the schemas to which they refer.
    #[schema(value_type = Object)]
    components: Value,
}

/// Returns the `AsyncAPI` document of the frames.
///
/// It describes the frames of WebSocket connections in both directions.
#[utoipa::path(get, path = "/api/schema/events/", operation_id = "read_event_schema", security(()), params(IfNoneMatch), responses(
    (status = 200, body = Document, headers(("ETag" = String, description = "The version of the document, \
                                                                             for `If-None-Match`."))),
    (status = 304, description = "The caller's copy is the current version.",
        headers(("ETag" = String, description = "The version of the document."))),
))]
pub async fn events(
    if_none_match: IfNoneMatch,
    headers: HeaderMap,
    Query(NoParameters {}): Query<NoParameters>,
) -> Result<Response, Problem> {
    answer(DOCUMENT, ["", ""], &if_none_match, &headers)
}
