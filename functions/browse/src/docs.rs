//! `GET /api/docs/`: the documentation page, which Swagger UI renders from the description of the API, and its files.

use askama::Template;
use axum::{
    extract::Path,
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Response},
};
use shared::{
    http::{CurrentBrowserSession, Problem},
    pages::{Frame, Html},
};

use crate::packed::{Folder, SCRIPT, STYLE, folder};

static FILES: Folder = folder! { "/static/docs/":
    "docs.css": STYLE;
    "docs-access.js": SCRIPT;
    "docs.js": SCRIPT;
    "swagger-ui.css": STYLE;
    "swagger-ui-bundle.js": SCRIPT;
};

/// The content security policy of all pages, with the images that Swagger UI's style sheet contains as `data:` URLs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "docs.html")]
struct DocsPage {
    frame: Frame,
}

impl DocsPage {
    fn file(name: &str) -> String {
        FILES.href(name)
    }
}

/// Answers with the documentation page.
pub(crate) async fn page(
    CurrentBrowserSession(browser_session): CurrentBrowserSession,
    parts: Parts,
) -> Response {
    let page = DocsPage { frame: Frame::new("Documentation", &parts, browser_session.as_deref()) };
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page)).into_response()
}

/// Answers `GET /static/docs/{version}/{name}` with the file.
pub(crate) async fn file(
    Path((version, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    FILES.answer(&version, &name, &headers)
}
