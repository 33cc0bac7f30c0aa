//! The browsable pages: an endpoint's JSON answer as an HTML page, with forms for the other methods of its path. They
//! wrap the layers of [`crate::http`], which do not depend on them.

pub mod assets;
pub mod document;
mod form;
pub mod frame;
mod pretty;
mod submitted;
mod view;

use std::sync::Arc;

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};

use self::form::SubmittedForm;
pub use self::frame::{Frame, Html};
use crate::{
    App,
    http::{
        Problem, Routes, Site,
        layers::{
            compression::{self, Acceptance},
            head,
            negotiation::{self, Representation},
            response_headers::VARY,
        },
        request::{
            browser_session::{self, BrowserSession, Known, NextBrowserSession},
            csrf,
            query::ForPage,
        },
        response::cookies,
        route_table::{RouteInfo, RouteTable},
    },
};

/// Creates the router for Lambda, for `cargo lambda watch` and for `local`: the routes, wrapped in pages.
pub fn into_router(routes: Routes, app: &App) -> Router {
    let state = |table: &RouteTable| (app.clone(), table.clone());
    routes.into_router(app, |router, table| router.layer(from_fn_with_state(state(table), answer)))
}

/// Answers browsers with pages, and reads the HTML forms that browsers send. Passes every other request on unchanged.
async fn answer(State((app, routes)): State<(App, RouteTable)>, request: Request, next: Next) -> Response {
    match negotiation::representation(routes.kind(&request), &request) {
        Some(Representation::Html) => page(&app, routes.find(&request), request, next).await,
        _ if submitted::is_of_browser(&request) => {
            let (request, _) = submitted::read(request, None).await;
            next.run(request).await
        }
        _ => next.run(request).await,
    }
}

/// Answers with a page that shows the handler's answer.
async fn page(app: &App, route: Option<&RouteInfo>, mut request: Request, next: Next) -> Response {
    let is_head = request.method() == Method::HEAD;
    let acceptance = Acceptance { takes_gzip: compression::takes_gzip(request.headers()), is_head };
    if is_head {
        *request.method_mut() = Method::GET;
    }
    let operation = route.and_then(|route| document::operation(request.method().as_str(), route.path));
    let page_request = PageRequest::of(&mut request, app, route).await;
    let (request, submitted) = submitted::read(request, operation).await;
    let response = page_request.show(next.run(request).await, submitted.as_ref()).await;
    let response = compression::compressed(response, acceptance, &app.random).await;
    head::with_length(response.unwrap_or_else(failed), is_head)
}

/// Returns the answer to a request whose page could not be made.
fn failed(error: axum::Error) -> Response {
    tracing::error!(%error, "a page could not be made");
    Problem::internal(error).render("")
}

/// The headers that describe the handler's answer, and are wrong for the page that shows it.
const OF_DATA: [HeaderName; 5] =
    [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::ETAG, header::CACHE_CONTROL, header::VARY];

/// The facts about a request whose answer becomes a page.
#[derive(Debug)]
struct PageRequest {
    parts: Parts,
    browser_session: Option<Arc<BrowserSession>>,
    /// True if the request has logged the browser out.
    is_logged_out: bool,
    /// The path in the spelling of the routes; `None` for an unknown path.
    route: Option<&'static str>,
    allow: HeaderValue,
    /// A new idempotency key, for forms that have a field for one.
    idempotency_key: String,
}

impl PageRequest {
    /// Reads the browser session once for the request, and stores it in the extensions, where handlers find it.
    async fn of(request: &mut Request, app: &App, route: Option<&RouteInfo>) -> Self {
        let known = browser_session::read(request.uri(), request.headers(), app).await;
        let browser_session = known.clone().unwrap_or_default();
        request.extensions_mut().insert(Known(known));
        if [Method::GET, Method::HEAD].contains(request.method()) {
            request.extensions_mut().insert(ForPage);
        }
        let mut copy = Request::new(());
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.headers_mut() = request.headers().clone();
        // The page needs the answer without compression, and needs the body even if the browser has a cached copy.
        for name in [header::ACCEPT_ENCODING, header::IF_NONE_MATCH] {
            request.headers_mut().remove(name);
        }
        let idempotency_key = app.random.uuid_at(app.clock.now()).to_string();
        Self {
            parts: copy.into_parts().0,
            browser_session,
            is_logged_out: false,
            route: route.map(|route| route.path),
            allow: route.map_or(HeaderValue::from_static(""), |route| route.allow.clone()),
            idempotency_key,
        }
    }

    /// Returns the page of a handler's answer, for the browser session after it. An answer that is a page or a redirect stays unchanged.
    async fn show(mut self, response: Response, sent: Option<&SubmittedForm>) -> Response {
        let (mut parts, body) = response.into_parts();
        if let Some(NextBrowserSession(next)) = parts.extensions.remove() {
            self.is_logged_out = next.is_none();
            self.browser_session = next;
        }
        let kind = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let is_data = kind.starts_with(b"application/json") || kind.starts_with(b"application/problem+json");
        let mut response = if parts.status == StatusCode::NO_CONTENT || is_data {
            let body = match to_bytes(body, usize::MAX).await {
                Ok(body) => body,
                Err(error) => return failed(error),
            };
            let page = view::BrowsePage::new(&self, &parts, &body, sent);
            let mut page = Html(page).into_response();
            for name in OF_DATA {
                parts.headers.remove(name);
            }
            // A browser would show no page for a 204.
            let status = if parts.status == StatusCode::NO_CONTENT { StatusCode::OK } else { parts.status };
            *page.status_mut() = status;
            page.headers_mut().extend(parts.headers);
            page.headers_mut().insert(header::VARY, VARY);
            page
        } else {
            Response::from_parts(parts, body)
        };
        self.give_token(&mut response);
        response
    }

    /// Sets the cookie with the CSRF token if the browser does not have it.
    fn give_token(&self, response: &mut Response) {
        let Some((browser_session, site)) = self.browser_session.as_ref().zip(Site::of(&self.parts)) else {
            return;
        };
        let token = browser_session.csrf_token();
        let has =
            browser_session::cookie(&self.parts.headers, csrf::CSRF_COOKIE).is_some_and(|held| held == token);
        if !has && !response.headers().contains_key(header::SET_COOKIE) {
            cookies::set_csrf(response.headers_mut(), &site, token);
        }
    }
}

/// Returns the word with its first letter in upper case, if it is an ASCII letter.
fn capitalised(word: &str) -> String {
    let mut word = word.to_owned();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    word
}
