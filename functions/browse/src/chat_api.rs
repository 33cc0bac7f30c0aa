//! The API, asked in this process as the caller would ask it: with the caller's own cookie, through the routers that are
//! deployed. What the page may show and do is decided there and nowhere else.

use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
};
use http_body_util::BodyExt as _;
use lambda_http::RequestExt as _;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use shared::{
    App,
    http::{Code, Problem},
};
use tower::ServiceExt as _;

/// Headers of the caller's request that say who asks, and from where.
const PASSED_ON: [HeaderName; 6] = [
    header::COOKIE,
    header::HOST,
    header::ORIGIN,
    header::USER_AGENT,
    HeaderName::from_static("sec-fetch-site"),
    HeaderName::from_static("x-forwarded-proto"),
];

/// The routers that the page asks. Made once a process; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Routers {
    conversations: Router,
    messages: Router,
}

impl Routers {
    pub(crate) fn new(app: &App) -> Self {
        Self { conversations: conversations::router(app), messages: messages::router(app) }
    }
}

/// The API as one caller sees it.
#[derive(Debug)]
pub(crate) struct Api {
    routers: Routers,
    headers: HeaderMap,
    origin: Uri,
    /// The gateway's id of the request, and what was found out about its cookie, which so is not read again.
    extensions: Extensions,
}

/// An answer that is not of success: a problem as the API words it.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// For people.
    pub(crate) detail: String,
}

impl From<Refusal> for Problem {
    /// For a page that cannot be shown without the answer.
    fn from(refusal: Refusal) -> Self {
        match refusal.status {
            StatusCode::UNAUTHORIZED => Self::not_authenticated(),
            StatusCode::NOT_FOUND => Self::not_found(),
            status if status.is_client_error() => Self::new(Code::InvalidRequest, refusal.detail),
            StatusCode::SERVICE_UNAVAILABLE => Self::new(Code::Unavailable, refusal.detail).retry_after(1),
            _ => Self::internal(refusal.detail),
        }
    }
}

/// What of a problem is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ProblemText {
    detail: String,
    errors: std::collections::BTreeMap<String, Vec<String>>,
}

impl ProblemText {
    fn text(&self) -> String {
        let said = |(field, reasons): (&String, &Vec<String>)| {
            format!("{} {}", field.replace('_', " "), reasons.join(", "))
        };
        if self.errors.is_empty() {
            return self.detail.clone();
        }
        self.errors.iter().map(said).collect::<Vec<_>>().join("; ")
    }
}

impl Api {
    /// As whoever sent `parts`. `csrf` is the token of their session, which this request has passed with already.
    pub(crate) fn new(routers: Routers, parts: &Parts, csrf: &str) -> Self {
        let mut headers = HeaderMap::new();
        for name in PASSED_ON {
            headers.extend(parts.headers.get_all(&name).iter().map(|value| (name.clone(), value.clone())));
        }
        if let Ok(token) = HeaderValue::from_str(csrf) {
            headers.insert(HeaderName::from_static("x-csrftoken"), token);
        }
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let mut extensions = parts.extensions.clone();
        // A router would take it for the path that it is nested under.
        extensions.remove::<MatchedPath>();
        Self { routers, headers, origin: parts.uri.clone(), extensions }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Result<T, Refusal>, Problem> {
        self.ask(Method::GET, path, None).await
    }

    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Result<T, Refusal>, Problem> {
        self.ask(method, path, Some(body)).await
    }

    /// The answer to one request, its success as `T`.
    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Result<T, Refusal>, Problem> {
        let request = self.request(method, path, body).map_err(Problem::internal)?;
        let Routers { conversations, messages } = &self.routers;
        let router = if path.starts_with("/api/messages/") { messages } else { conversations };
        let Ok(response) = router.clone().oneshot(request).await;
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(Problem::internal)?.to_bytes();
        if status.is_success() {
            return serde_json::from_slice(&bytes).map(Ok).map_err(Problem::internal);
        }
        let words: ProblemText = serde_json::from_slice(&bytes).map_err(Problem::internal)?;
        Ok(Err(Refusal { status, detail: words.text() }))
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Request, axum::http::Error> {
        let mut uri = Uri::builder();
        if let Some((scheme, authority)) = self.origin.scheme().zip(self.origin.authority()) {
            uri = uri.scheme(scheme.clone()).authority(authority.clone());
        }
        let mut request = Request::builder().method(method).uri(uri.path_and_query(path).build()?);
        if let Some(headers) = request.headers_mut() {
            headers.clone_from(&self.headers);
            if body.is_some() {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
        }
        if let Some(extensions) = request.extensions_mut() {
            extensions.clone_from(&self.extensions);
        }
        let request = request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))?;
        // The page itself is who asks for this path, in place of the one that the gateway passed on.
        let asked = request.uri().path().to_owned();
        Ok(request.with_raw_http_path(asked))
    }
}
