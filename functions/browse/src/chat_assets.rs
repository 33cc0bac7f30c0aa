//! The chat's style and script. Modules import each other by relative names, so all of them live under one address that
//! names their content: browsers keep them for good. They are compressed once a process, as no gateway does it; the page
//! itself is not, because it holds a secret beside what others wrote (BREACH).

use std::{
    io::{self, Write as _},
    sync::LazyLock,
};

use axum::{
    extract::Path,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};
use shared::http::{
    Problem,
    assets::{self, Asset},
};

macro_rules! files {
    ($($name:literal: $media_type:literal;)*) => {
        [$(Asset::new($name, $media_type, include_bytes!(concat!("../static/", $name)))),*]
    };
}

static FILES: [Asset; 10] = files! {
    "chat.css": "text/css; charset=utf-8";
    "chat.js": "text/javascript; charset=utf-8";
    "chat-api.js": "text/javascript; charset=utf-8";
    "chat-composer.js": "text/javascript; charset=utf-8";
    "chat-conversation.js": "text/javascript; charset=utf-8";
    "chat-inbox.js": "text/javascript; charset=utf-8";
    "chat-live.js": "text/javascript; charset=utf-8";
    "chat-outbox.js": "text/javascript; charset=utf-8";
    "chat-thread.js": "text/javascript; charset=utf-8";
    "chat-times.js": "text/javascript; charset=utf-8";
};

/// Tells these files from those of every other release.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let all: Vec<&[u8]> = FILES.iter().flat_map(|file| [file.name.as_bytes(), file.bytes]).collect();
    assets::version(&all.concat())
});

static COMPRESSED: LazyLock<io::Result<Vec<Vec<u8>>>> =
    LazyLock::new(|| FILES.iter().map(|file| compressed(file.bytes)).collect());

fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Where the page finds a file.
pub(crate) fn href(name: &str) -> String {
    format!("/static/chat/{}/{name}", *VERSION)
}

/// Where the script's modules are, to be fetched side by side.
pub(crate) fn modules() -> Vec<String> {
    let modules = FILES.iter().filter(|file| file.name.starts_with("chat-"));
    modules.map(|file| href(file.name)).collect()
}

/// `GET /static/chat/{version}/{name}`. A page of another release gets this one's files, and they are not kept.
pub(crate) async fn file(
    Path((version, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = FILES.iter().position(|file| file.name == name).ok_or_else(Problem::not_found)?;
    let file = &FILES[place];
    let kept = if version == *VERSION { assets::KEPT_FOR_GOOD } else { "no-store" };
    let about = [
        (header::CONTENT_TYPE, file.media_type),
        (header::CACHE_CONTROL, kept),
        (header::VARY, "Accept-Encoding"),
    ];
    let gzip = takes_gzip(&headers);
    let packed = COMPRESSED.as_ref().ok().filter(|_| gzip).and_then(|packed| packed.get(place));
    Ok(match packed {
        Some(packed) => (about, [(header::CONTENT_ENCODING, "gzip")], packed.clone()).into_response(),
        None => (about, file.bytes).into_response(),
    })
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = values.flat_map(|value| value.split(',')).map(|coding| coding.replace(' ', ""));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(";q=").unwrap_or((&coding, "1"));
        name.eq_ignore_ascii_case("gzip") && !weight.trim_matches(['0', '.']).is_empty()
    })
}
