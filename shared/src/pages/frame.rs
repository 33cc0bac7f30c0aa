//! What all pages have around them: the head, who is logged in, and the headers that keep what people wrote from being run.

use askama::Template;
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::assets;
use crate::http::{Problem, request::browser_session::BrowserSession};

/// The frame of a page: the fields of `base.html`.
#[derive(Debug)]
pub struct Frame {
    /// What the page is called.
    pub title: String,
    /// Who is logged in.
    pub user: Option<LoggedInUser>,
    /// The token that forms of this page show; empty where nobody is logged in and the page has no form.
    pub csrf: String,
    /// Path and query of this page, to come back to.
    pub here: String,
}

/// Who is logged in.
#[derive(Debug)]
pub struct LoggedInUser {
    /// First and last name.
    pub name: String,
    /// Id.
    pub id: String,
}

impl From<&BrowserSession> for LoggedInUser {
    fn from(BrowserSession { user, .. }: &BrowserSession) -> Self {
        Self { name: format!("{} {}", user.first_name, user.last_name), id: user.id.to_string() }
    }
}

impl Frame {
    /// Of a page for whoever sent the request.
    #[must_use]
    pub fn new(title: &str, parts: &Parts, browser_session: Option<&BrowserSession>) -> Self {
        let here = here(&parts.uri);
        // Back from the login to the login would lead nowhere.
        let here = if here.starts_with("/api-auth/") { "/api/" } else { here };
        Self {
            title: title.to_owned(),
            user: browser_session.map(LoggedInUser::from),
            csrf: browser_session.map(BrowserSession::csrf_token).unwrap_or_default(),
            here: here.to_owned(),
        }
    }

    /// Where the style is.
    #[must_use]
    pub fn style(&self) -> String {
        assets::STYLE.href()
    }

    /// Where the script is.
    #[must_use]
    pub fn script(&self) -> String {
        assets::SCRIPT.href()
    }

    /// Where the icon is.
    #[must_use]
    pub fn icon(&self) -> String {
        assets::ICON.href()
    }
}

/// The path and query of an address, for links and forms that lead back to it. What begins with two slashes is no path to a
/// browser: it names another host.
pub(super) fn here(uri: &Uri) -> &str {
    let here = uri.path_and_query().map_or("/", |here| here.as_str());
    let is_path = here.starts_with('/') && !here.starts_with("//") && !here.starts_with("/\\");
    if is_path { here } else { "/" }
}

/// A page, rendered by the template engine, which escapes. It has the headers that protect a page; a handler that sets one of
/// them itself overrides it.
#[derive(Debug)]
pub struct Html<T>(pub T);

impl<T: Template> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(page) => {
                let media = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
                let mut response = (StatusCode::OK, media, page).into_response();
                protect(response.headers_mut());
                response
            }
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

/// Nothing but our own files, nothing inline, in nobody's frame, forms to ourselves.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Adds the headers that protect a page.
fn protect(headers: &mut HeaderMap) {
    let protections = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // Not `no-referrer`, with which browsers send forms with `Origin: null`.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in protections {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
