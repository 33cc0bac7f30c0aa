//! `GET /api/docs/`: the documentation, which Swagger UI makes of the description, and the files that it is made with.

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

/// That of all pages, and the images that are written into Swagger UI's style.
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

/// The page.
pub(crate) async fn page(
    CurrentBrowserSession(browser_session): CurrentBrowserSession,
    parts: Parts,
) -> Response {
    let page = DocsPage { frame: Frame::new("Documentation", &parts, browser_session.as_deref()) };
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page)).into_response()
}

/// `GET /static/docs/{version}/{name}`.
pub(crate) async fn file(
    Path((version, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    FILES.answer(&version, &name, &headers)
}
