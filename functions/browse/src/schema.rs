//! `GET /api/schema/`: the description of the API from the repository. Only the address of the server is replaced, with
//! the address of the request.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use shared::{
    http::{IfNoneMatch, NoParameters, Origin, Problem, Query, schemas::ADDRESS},
    pages::assets,
};
use utoipa::ToSchema;

use crate::packed::{Packed, packed};

static DOCUMENT: Packed = packed!("openapi.json");

/// An `OpenAPI` document that describes the API.
#[derive(ToSchema)]
#[schema(as = OpenApiDocument)]
#[expect(dead_code, reason = "what is sent is a file")]
pub struct Document {
    /// The version of the `OpenAPI` specification.
    #[schema(example = "3.1.0")]
    openapi: String,
    /// The name and the version of the API.
    #[schema(value_type = Object)]
    info: Value,
    /// The URL of the API.
    #[schema(value_type = Vec<Object>)]
    servers: Vec<Value>,
    /// The operations of each path.
    #[schema(value_type = Object)]
    paths: Value,
    /// The schemas and other parts that the paths refer to.
    #[schema(value_type = Object)]
    components: Value,
    /// The groups of operations.
    #[schema(value_type = Vec<Object>)]
    tags: Vec<Value>,
}

/// Returns the `OpenAPI` document of the API.
///
/// Client generators and the documentation at `/api/docs/` use this document.
#[utoipa::path(get, path = "/api/schema/", operation_id = "read_schema", security(()), params(IfNoneMatch), responses(
    (status = 200, body = Document, headers(("ETag" = String, description = "The version of the document, \
                                                                             for `If-None-Match`."))),
    (status = 304, description = "The caller's copy is the current version.",
        headers(("ETag" = String, description = "The version of the document."))),
))]
pub async fn schema(
    if_none_match: IfNoneMatch,
    origin: Origin,
    headers: HeaderMap,
    Query(NoParameters {}): Query<NoParameters>,
) -> Result<Response, Problem> {
    let address = origin.link("");
    answer(DOCUMENT, [ADDRESS, &address], &if_none_match, &headers)
}

/// Returns the answer with a document, in which the address of the request replaces the one in the repository.
pub(crate) fn answer(
    document: Packed,
    [written, address]: [&str; 2],
    if_none_match: &IfNoneMatch,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    // The tag is weak, because it identifies the document and not its bytes in one encoding.
    let tag = format!("W/\"{}\"", assets::version(&[document.0, address.as_bytes()].concat()));
    let about = [
        (header::ETAG, HeaderValue::from_str(&tag).map_err(Problem::internal)?),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::VARY, HeaderValue::from_static("Accept, Accept-Encoding")),
    ];
    if if_none_match.names(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((about, json, document.answer_with(written, address, headers)?).into_response())
}
