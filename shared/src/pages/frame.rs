//! The frame of all pages: the head, the logged-in user, and the security headers. The content of a page is in its own
//! template.

use askama::Template;
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};

use url::{Position, Url};

use super::assets;
use crate::http::{Problem, request::browser_session::BrowserSession};

/// The frame of a page: the fields of `base.html`.
#[derive(Debug)]
pub struct Frame {
    /// The title of the page.
    pub title: String,
    /// The logged-in user; `None` without a browser session.
    pub user: Option<LoggedInUser>,
    /// The CSRF token of the page's forms; empty without a browser session.
    pub csrf: String,
    /// The path and query of this page, to return to it after a login or logout.
    pub here: String,
}

/// The logged-in user, for display.
#[derive(Debug)]
pub struct LoggedInUser {
    /// The first and the last name.
    pub name: String,
    /// The id of the user.
    pub id: String,
}

impl From<&BrowserSession> for LoggedInUser {
    fn from(BrowserSession { user, .. }: &BrowserSession) -> Self {
        Self { name: format!("{} {}", user.first_name, user.last_name), id: user.id.to_string() }
    }
}

impl Frame {
    /// Creates the frame of a page for the user of the browser session.
    #[must_use]
    pub fn new(title: &str, parts: &Parts, browser_session: Option<&BrowserSession>) -> Self {
        let here = here(&parts.uri);
        // A login must not return to the login page.
        let here = if here.starts_with("/api-auth/") { "/api/" } else { here };
        Self {
            title: title.to_owned(),
            user: browser_session.map(LoggedInUser::from),
            csrf: browser_session.map(BrowserSession::csrf_token).unwrap_or_default(),
            here: here.to_owned(),
        }
    }

    /// Returns the text of the element `title`.
    #[must_use]
    pub fn document_title(&self) -> String {
        format!("{} – Messaging API", self.title)
    }

    /// Returns the path of the style sheet.
    #[must_use]
    pub fn style(&self) -> String {
        assets::STYLE.href()
    }

    /// Returns the path of the script.
    #[must_use]
    pub fn script(&self) -> String {
        assets::SCRIPT.href()
    }

    /// Returns the path of the icon.
    #[must_use]
    pub fn icon(&self) -> String {
        assets::ICON.href()
    }
}

/// Returns the path and query of a URL, for links and forms that return to it. For a path that begins with two slashes
/// it returns `/`, because browsers read such a path as the name of another host.
pub(super) fn here(uri: &Uri) -> &str {
    let here = uri.path_and_query().map_or("/", |here| here.as_str());
    let is_path = here.starts_with('/') && !here.starts_with("//") && !here.starts_with("/\\");
    if is_path { here } else { "/" }
}

/// A page, rendered by the template engine, which escapes all values. It has the headers that protect a page, unless
/// its handler sets them itself.
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

/// The content security policy: only files of this site, nothing inline, no frames of other sites, and forms only to
/// this site.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Returns the content security policy of a page that also connects to `address`, for example `wss://live.example.com/live`.
/// `None` if there is no such address or it cannot be part of a policy.
#[must_use]
pub fn policy_with_connections_to(address: Option<&str>) -> Option<HeaderValue> {
    let address = Url::parse(address?).ok()?;
    let origin = &address[..Position::BeforePath];
    HeaderValue::from_str(&POLICY.replace("connect-src 'self'", &format!("connect-src 'self' {origin}"))).ok()
}

/// Adds the headers that protect a page from scripts and frames of others.
fn protect(headers: &mut HeaderMap) {
    let protections = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // With `no-referrer`, browsers would send forms with `Origin: null`.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in protections {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_names_the_origin_of_the_address_alone() {
        let policy = policy_with_connections_to(Some("wss://live.example.com:8443/live?x")).unwrap();
        assert!(policy.to_str().unwrap().contains("connect-src 'self' wss://live.example.com:8443; "));
        for address in [None, Some(""), Some("live")] {
            assert_eq!(policy_with_connections_to(address), None);
        }
    }
}
