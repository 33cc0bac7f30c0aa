//! `GET /api/schema/`: the description of the API, as it is checked in.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use shared::http::{IfNoneMatch, NoParameters, Problem, Query};
use utoipa::ToSchema;

use crate::packed::{Packed, packed};

static DOCUMENT: Packed = packed!("openapi.json");

/// An `OpenAPI` document.
#[derive(ToSchema)]
#[schema(as = OpenApiDocument)]
#[expect(dead_code, reason = "what is sent is a file")]
pub struct Document {
    /// The version of `OpenAPI`.
    #[schema(example = "3.1.0")]
    openapi: String,
    /// What the API is called, and its version.
    #[schema(value_type = Object)]
    info: Value,
    /// Where it is, as seen from here.
    #[schema(value_type = Vec<Object>)]
    servers: Vec<Value>,
    /// What can be asked.
    #[schema(value_type = Object)]
    paths: Value,
    /// What the paths refer to.
    #[schema(value_type = Object)]
    components: Value,
    /// The groups in which they are shown.
    #[schema(value_type = Vec<Object>)]
    tags: Vec<Value>,
}

/// Describes the API.
///
/// For programs that make clients, and for the documentation at `/api/docs/`.
#[utoipa::path(get, path = "/api/schema/", operation_id = "read_schema", security(()), params(IfNoneMatch), responses(
    (status = 200, body = Document, headers(("ETag" = String, description = "The version, for `If-None-Match`."))),
    (status = 304, description = "The caller's copy is the present one.",
        headers(("ETag" = String, description = "The version."))),
))]
pub async fn schema(
    if_none_match: IfNoneMatch,
    headers: HeaderMap,
    Query(NoParameters {}): Query<NoParameters>,
) -> Result<Response, Problem> {
    // Weak, as it is that of the document and not of its bytes on the way.
    let tag = format!("W/\"{}\"", DOCUMENT.version());
    let about = [
        (header::ETAG, HeaderValue::from_str(&tag).map_err(Problem::internal)?),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::VARY, HeaderValue::from_static("Accept, Accept-Encoding")),
    ];
    if if_none_match.names(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((about, json, DOCUMENT.answer(&headers)?).into_response())
}
