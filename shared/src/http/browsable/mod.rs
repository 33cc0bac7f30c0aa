//! The browsable API: an endpoint's JSON answer as a page, with forms for what else can be asked of it. It stands around the
//! handlers, which know nothing of it.

pub mod document;
pub(super) mod form;
mod pretty;
mod view;

use std::sync::Arc;

use axum::{
    body::to_bytes,
    extract::Request,
    http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};

use self::form::Sent;
use super::{
    cookies, csrf,
    frame::Html,
    problem::Problem,
    query::ForPage,
    visitor::{self, Known, Site, Visit},
};
use crate::App;

/// Headers of an answer that are not true of the page that shows it.
const OF_DATA: [HeaderName; 5] =
    [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::ETAG, header::CACHE_CONTROL, header::VARY];

/// What is known of a request whose answer will be a page.
#[derive(Debug)]
pub(super) struct Asked {
    parts: Parts,
    visit: Option<Arc<Visit>>,
    /// The path as the routes spell it; `None` where there is nothing.
    route: Option<&'static str>,
    allow: HeaderValue,
    /// A new client key, for forms that have a field for one.
    client_key: String,
}

impl Asked {
    /// Finds out who asks, once: handlers find it beside the request.
    pub(super) async fn of(
        request: &mut Request,
        app: &App,
        route: Option<&'static str>,
        allow: HeaderValue,
    ) -> Self {
        let known = visitor::read(request.uri(), request.headers(), app).await;
        let visit = known.clone().unwrap_or_default();
        request.extensions_mut().insert(Known(known));
        if [Method::GET, Method::HEAD].contains(request.method()) {
            request.extensions_mut().insert(ForPage);
        }
        let mut asked = Request::new(());
        *asked.method_mut() = request.method().clone();
        *asked.uri_mut() = request.uri().clone();
        *asked.headers_mut() = request.headers().clone();
        // What is shown has to be read first, and has to be there.
        for name in [header::ACCEPT_ENCODING, header::IF_NONE_MATCH] {
            request.headers_mut().remove(name);
        }
        let client_key = app.random.uuid_at(app.clock.now()).to_string();
        Self { parts: asked.into_parts().0, visit, route, allow, client_key }
    }

    /// The page of a handler's answer. What is a page already, or leads elsewhere, stays what it is.
    pub(super) async fn shown(&self, response: Response, sent: Option<&Sent>) -> Response {
        let (mut parts, body) = response.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let is_data = kind.starts_with(b"application/json") || kind.starts_with(b"application/problem+json");
        let mut response = if parts.status == StatusCode::NO_CONTENT || is_data {
            let body = match to_bytes(body, usize::MAX).await {
                Ok(body) => body,
                Err(error) => return Problem::internal(error).into_response(),
            };
            let page = view::BrowsePage::new(self, &parts, &body, sent);
            let mut page = Html(page).into_response();
            for name in OF_DATA {
                parts.headers.remove(name);
            }
            // A browser shows nothing of a 204.
            let status = if parts.status == StatusCode::NO_CONTENT { StatusCode::OK } else { parts.status };
            *page.status_mut() = status;
            page.headers_mut().extend(parts.headers);
            page
        } else {
            Response::from_parts(parts, body)
        };
        self.give_token(&mut response);
        response
    }

    /// The cookie that scripts read the token from, where the browser has lost it.
    fn give_token(&self, response: &mut Response) {
        let Some((visit, site)) = self.visit.as_ref().zip(Site::of(&self.parts)) else {
            return;
        };
        let token = visit.csrf_token();
        let has = visitor::cookie(&self.parts.headers, csrf::CSRF_COOKIE).is_some_and(|held| held == token);
        if !has && !response.headers().contains_key(header::SET_COOKIE) {
            cookies::set_csrf(response.headers_mut(), &site, token);
        }
    }
}

/// A word with its first letter, if that is one of ASCII, in upper case.
fn capitalised(word: &str) -> String {
    let mut word = word.to_owned();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    word
}
