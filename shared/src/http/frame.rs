//! What all pages have around them: the head, who is logged in, and the headers that keep what people wrote from being run.

use askama::Template;
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::{assets, problem::Problem, visitor::Visit};

/// The frame of a page: the fields of `base.html`.
#[derive(Debug)]
pub struct Frame {
    /// What the page is called.
    pub title: String,
    /// Who is logged in.
    pub user: Option<Person>,
    /// The token that forms of this page show; empty where nobody is logged in and the page has no form.
    pub csrf: String,
    /// Path and query of this page, to come back to.
    pub here: String,
}

/// Who is logged in.
#[derive(Debug)]
pub struct Person {
    /// First and last name.
    pub name: String,
    /// Id.
    pub id: String,
}

impl From<&Visit> for Person {
    fn from(Visit { user, .. }: &Visit) -> Self {
        Self { name: format!("{} {}", user.first_name, user.last_name), id: user.id.to_string() }
    }
}

impl Frame {
    /// Of a page for whoever sent the request.
    #[must_use]
    pub fn new(title: &str, parts: &Parts, visit: Option<&Visit>) -> Self {
        let here = here(&parts.uri);
        // Back from the login to the login would lead nowhere.
        let here = if here.starts_with("/api-auth/") { "/api/" } else { here };
        Self {
            title: title.to_owned(),
            user: visit.map(Person::from),
            csrf: visit.map(Visit::csrf_token).unwrap_or_default(),
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

/// A page, by the template engine, which escapes.
#[derive(Debug)]
pub struct Html<T>(pub T);

impl<T: Template> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(page) => {
                (StatusCode::OK, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
            }
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

/// Nothing but our own files, nothing inline, in nobody's frame, forms to ourselves.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What a page's headers keep browsers from. A page that needs more of the policy sets its own.
pub(super) fn protect(headers: &mut HeaderMap) {
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

/// Whether a response is a page.
pub(super) fn is_page(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
}
