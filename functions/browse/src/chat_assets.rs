//! The chat's style and script.

use axum::{extract::Path, http::HeaderMap, response::Response};
use shared::http::Problem;

use crate::packed::{Folder, folder};

static FILES: Folder = folder! { "/static/chat/":
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

/// Where the page finds a file.
pub(crate) fn href(name: &str) -> String {
    FILES.href(name)
}

/// Where the script's modules are, to be fetched side by side.
pub(crate) fn modules() -> Vec<String> {
    FILES.names().filter(|name| name.starts_with("chat-")).map(href).collect()
}

/// `GET /static/chat/{version}/{name}`.
pub(crate) async fn file(
    Path((version, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    FILES.answer(&version, &name, &headers)
}
