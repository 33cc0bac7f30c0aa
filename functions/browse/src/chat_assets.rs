//! The chat's style and script.

use axum::{extract::Path, http::HeaderMap, response::Response};
use shared::http::Problem;

use crate::packed::{Folder, SCRIPT, STYLE, folder};

static FILES: Folder = folder! { "/static/chat/":
    "chat.css": STYLE;
    "chat-conversation.css": STYLE;
    "chat.js": SCRIPT;
    "chat-api.js": SCRIPT;
    "chat-composer.js": SCRIPT;
    "chat-conversation.js": SCRIPT;
    "chat-edits.js": SCRIPT;
    "chat-inbox.js": SCRIPT;
    "chat-live.js": SCRIPT;
    "chat-outbox.js": SCRIPT;
    "chat-thread.js": SCRIPT;
    "chat-times.js": SCRIPT;
};

/// Where the page finds a file.
pub(crate) fn href(name: &str) -> String {
    FILES.href(name)
}

/// Where the styles are.
pub(crate) fn styles() -> Vec<String> {
    FILES.names(STYLE).map(href).collect()
}

/// Where the script's modules are, to be fetched side by side.
pub(crate) fn modules() -> Vec<String> {
    FILES.names(SCRIPT).filter(|name| name.starts_with("chat-")).map(href).collect()
}

/// `GET /static/chat/{version}/{name}`.
pub(crate) async fn file(
    Path((version, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    FILES.answer(&version, &name, &headers)
}
