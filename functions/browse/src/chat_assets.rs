//! The style sheets and scripts of the chat page. Their content is in `static/`.

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
    "chat-menu.js": SCRIPT;
    "chat-outbox.js": SCRIPT;
    "chat-socket.js": SCRIPT;
    "chat-thread.js": SCRIPT;
    "chat-times.js": SCRIPT;
};

/// Returns the path of a file, for the page.
pub(crate) fn href(name: &str) -> String {
    FILES.href(name)
}

/// Returns the paths of the style sheets.
pub(crate) fn styles() -> Vec<String> {
    FILES.names(STYLE).map(href).collect()
}

/// Returns the paths of the script's modules, so that browsers can fetch them at the same time.
pub(crate) fn modules() -> Vec<String> {
    FILES.names(SCRIPT).filter(|name| name.starts_with("chat-")).map(href).collect()
}

/// Answers `GET /static/chat/{version}/{name}` with the file.
pub(crate) async fn file(
    Path((version, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    FILES.answer(&version, &name, &headers)
}
