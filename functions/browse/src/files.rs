//! `GET /static/…`: the files of all pages, embedded in the binary. Files of single pages are in `chat_assets` and
//! `docs`.

use axum::{
    extract::Path,
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use shared::{
    http::{IfNoneMatch, Problem},
    pages::assets,
};

/// Answers with the file. If the URL contains the current version, browsers keep the file for a year. Otherwise, for
/// example for a page of another release, browsers check it again before each use.
pub async fn file(
    Path(name): Path<String>,
    uri: Uri,
    if_none_match: IfNoneMatch,
) -> Result<Response, Problem> {
    let asset =
        assets::shared().into_iter().find(|asset| asset.name == name).ok_or_else(Problem::not_found)?;
    let is_present = uri.query().and_then(|query| query.strip_prefix("v=")) == Some(asset.version());
    let kept = if is_present { assets::KEPT_FOR_GOOD } else { "no-cache" };
    let tag = format!("\"{}\"", asset.version());
    let described = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static(kept)),
        (header::ETAG, HeaderValue::from_str(&tag).map_err(Problem::internal)?),
    ];
    if if_none_match.names(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, described).into_response());
    }
    Ok((described, asset.bytes).into_response())
}
