//! The data of a page of the browsable API, in the form that its template needs. The JSON itself is formatted in
//! `pretty`.

use askama::Template;
use axum::http::{HeaderName, header, response::Parts};
use serde_json::{Map, Value, value::to_raw_value};

use super::{
    PageRequest, capitalised,
    document::{self, Operation},
    form::{Form, SubmittedForm, Texts},
    frame::{self, Frame},
    pretty::{self, Token},
};
use crate::http::request::pairs::pairs;

/// The headers of an answer that a page shows, in this order.
const SHOWN: [HeaderName; 8] = [
    header::CONTENT_TYPE,
    header::ETAG,
    header::LOCATION,
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
    header::CACHE_CONTROL,
    header::VARY,
    HeaderName::from_static("x-request-id"),
];

/// The list of sessions whose entries have no pages of their own.
const SESSIONS_OF_ANOTHER: &str = "/api/users/{id}/sessions/";

/// The fields of a page of the browsable API.
#[derive(Template)]
#[template(path = "browse.html")]
pub(super) struct BrowsePage {
    frame: Frame,
    breadcrumbs: Vec<Breadcrumb>,
    description: String,
    method: String,
    /// The path and query of the request.
    target: String,
    /// The path alone, because requests that write have no parameters.
    path: String,
    /// The URL of the same answer as JSON.
    json: String,
    status: String,
    is_problem: bool,
    /// The detail of a problem; empty for a successful answer.
    detail: String,
    headers: Vec<(String, String)>,
    tokens: Vec<Token>,
    is_whole: bool,
    next: Option<String>,
    previous: Option<String>,
    methods: Vec<&'static str>,
    forms: Vec<Form>,
    /// The `ETag` of the shown version, for the header `If-Match` of a change.
    etag: String,
}

/// A link in the path from the root to the page.
struct Breadcrumb {
    name: String,
    /// The target of the link; `None` for an unknown path.
    href: Option<String>,
}

impl BrowsePage {
    pub(super) fn new(
        page_request: &PageRequest,
        answer: &Parts,
        body: &[u8],
        sent: Option<&SubmittedForm>,
    ) -> Self {
        let breadcrumbs = breadcrumbs(page_request);
        let title = breadcrumbs.last().map(|last| last.name.clone()).unwrap_or_default();
        let (mut tokens, is_whole) = if body.is_empty() { (Vec::new(), true) } else { pretty::tokens(body) };
        if page_request.route == Some(SESSIONS_OF_ANOTHER) {
            tokens.iter_mut().filter(|token| token.is_own_session()).for_each(|token| token.href = None);
        }
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let is_problem = answer.status.is_client_error() || answer.status.is_server_error();
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let description =
            operation(page_request, "GET").or(operation(page_request, page_request.parts.method.as_str()));
        Self {
            frame: Frame::new(&title, &page_request.parts, page_request.browser_session.as_deref()),
            breadcrumbs,
            description: description.map(in_words).unwrap_or_default(),
            method: page_request.parts.method.to_string(),
            target: page_request.parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            path: path(page_request).to_owned(),
            json: as_json(page_request),
            status: answer.status.to_string(),
            is_problem,
            detail: text("detail").filter(|_| is_problem).unwrap_or_default().replace('`', ""),
            headers: headers(page_request, answer),
            tokens,
            is_whole,
            next: text("next").filter(|_| !is_problem),
            previous: text("previous").filter(|_| !is_problem),
            methods: methods(page_request),
            forms: forms(page_request, answer, body, sent),
            etag: answer
                .headers
                .get(header::ETAG)
                .and_then(|tag| tag.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

impl BrowsePage {
    /// Returns true if the page has a form for the method.
    fn has_form(&self, method: &str) -> bool {
        self.forms.iter().any(|form| form.method == method)
    }
}

/// Returns the operation of a method at the requested path.
fn operation(page_request: &PageRequest, method: &str) -> Option<&'static Operation> {
    document::operation(method, page_request.route?)
}

fn in_words(operation: &Operation) -> String {
    let text = if operation.description.is_empty() { &operation.summary } else { &operation.description };
    text.replace('`', "")
}

/// Returns the links from the root to the requested path. The last entry has no link if the path is unknown.
fn breadcrumbs(page_request: &PageRequest) -> Vec<Breadcrumb> {
    let mut breadcrumbs = vec![Breadcrumb { name: "API".to_owned(), href: Some("/api/".to_owned()) }];
    let Some(route) = page_request.route else {
        breadcrumbs.push(Breadcrumb { name: "Not found".to_owned(), href: None });
        return breadcrumbs;
    };
    let mut href = String::new();
    let mut folder = "";
    for (pattern, segment) in route.split('/').zip(page_request.parts.uri.path().split('/')).skip(1) {
        if pattern.is_empty() {
            break;
        }
        href = format!("{href}/{segment}");
        if pattern != "api" && pattern != ".well-known" {
            let ends = if route.ends_with('/') { "/" } else { "" };
            breadcrumbs.push(Breadcrumb { name: name(pattern, folder), href: Some(format!("{href}{ends}")) });
        }
        folder = pattern;
    }
    breadcrumbs
}

/// Returns the name of a path segment: `messages` is called `Messages`, and an id below it `Message`.
fn name(pattern: &str, folder: &str) -> String {
    let word = match (pattern.starts_with('{'), folder) {
        (true, folder) => folder.trim_end_matches('s'),
        (false, _) => pattern.split('.').next().unwrap_or_default(),
    };
    capitalised(word)
}

/// Returns the path for requests of the page's forms and scripts.
fn path(page_request: &PageRequest) -> &str {
    frame::here(&page_request.parts.uri).split('?').next().unwrap_or("/")
}

/// Returns the URL of the same answer as JSON, without the parameters that only pages ignore.
fn as_json(page_request: &PageRequest) -> String {
    let named =
        operation(page_request, "GET").map(|operation| operation.parameters.as_slice()).unwrap_or_default();
    let pairs = page_request.parts.uri.query().unwrap_or_default().split('&');
    let known = pairs.filter(|pair| named.iter().any(|name| pair.split('=').next() == Some(name)));
    let query: Vec<&str> = known.chain(["format=json"]).collect();
    format!("{}?{}", path(page_request), query.join("&"))
}

fn headers(page_request: &PageRequest, answer: &Parts) -> Vec<(String, String)> {
    let allow = page_request.allow.to_str().unwrap_or_default();
    let mut shown = Vec::new();
    if !allow.is_empty() {
        shown.push(("Allow".to_owned(), allow.to_owned()));
    }
    for name in SHOWN {
        if let Some(value) = answer.headers.get(&name).and_then(|value| value.to_str().ok()) {
            shown.push((spelled(name.as_str()), value.to_owned()));
        }
    }
    shown
}

/// Returns the usual spelling of a header: `x-request-id` becomes `X-Request-Id`.
fn spelled(name: &str) -> String {
    if name == "etag" {
        return "ETag".to_owned();
    }
    name.split('-').map(capitalised).collect::<Vec<_>>().join("-")
}

/// Returns the methods of the path, in the order of the buttons.
fn methods(page_request: &PageRequest) -> Vec<&'static str> {
    let allow = page_request.allow.to_str().unwrap_or_default();
    let all = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    all.into_iter().filter(|method| allow.split(", ").any(|allowed| allowed == *method)).collect()
}

/// Returns a form for each method with a body, and an empty one for each other POST and PUT. There are none if the answer
/// is a 406 or a server error. After a 404, only a PUT without a body has one, because it can make what was not found. After
/// a 401 or a logout, only operations without a login have one.
fn forms(page_request: &PageRequest, answer: &Parts, body: &[u8], sent: Option<&SubmittedForm>) -> Vec<Form> {
    let (none, shown) = (Map::new(), serde_json::from_slice(body).ok());
    let problem: Value = if answer.status.is_client_error() {
        serde_json::from_slice(body).unwrap_or_default()
    } else {
        Value::Null
    };
    let status = answer.status.as_u16();
    if status == 406 || status >= 500 {
        return Vec::new();
    }
    let is_logged_in = status != 401 && !page_request.is_logged_out;
    let named = parameters(page_request);
    // A PUT without a body can make what was not found.
    let is_offered = |method, fields: &Option<_>| status != 404 || (method == "PUT" && fields.is_none());
    methods(page_request)
        .into_iter()
        .filter_map(|method| {
            let operation =
                operation(page_request, method).filter(|operation| is_logged_in || operation.is_open)?;
            let fields = match (&operation.fields, method) {
                (fields, _) if !is_offered(method, fields) => return None,
                (Some(fields), _) => fields.as_slice(),
                (None, "POST" | "PUT") => &[],
                (None, _) => return None,
            };
            let is_this = page_request.parts.method.as_str() == method;
            let was_refused = is_this && answer.status.is_client_error();
            let errors = problem["errors"].as_object().filter(|_| was_refused).unwrap_or(&none);
            let present = match method {
                "POST" => Some(&named),
                _ => shown.as_ref().filter(|_| answer.status.is_success()),
            };
            let mut form = Form::new(method, fields, present, sent.filter(|_| was_refused), errors);
            form.give_key(&page_request.idempotency_key);
            Some(form)
        })
        .collect()
}

/// Returns the query parameters, to fill in the form that adds to the list: a list of one conversation gets a form for
/// a new message in it.
fn parameters(page_request: &PageRequest) -> Texts {
    let pairs = pairs(page_request.parts.uri.query().unwrap_or_default().as_bytes());
    let text = |(name, value): (String, String)| Some((name, to_raw_value(&value).ok()?));
    pairs.ok().flatten().into_iter().flatten().filter_map(text).collect()
}
