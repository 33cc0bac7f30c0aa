//! The API, called inside this process with the caller's own cookie, through the deployed routers. They alone decide
//! what the page may show and do.

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
    pages,
};
use tower::ServiceExt as _;

/// The headers of the caller's request that identify the caller and the page's site.
const PASSED_ON: [HeaderName; 6] = [
    header::COOKIE,
    header::HOST,
    header::ORIGIN,
    header::USER_AGENT,
    HeaderName::from_static("sec-fetch-site"),
    HeaderName::from_static("x-forwarded-proto"),
];

/// The routers that the page calls. They are created once for each process, and clones are cheap.
#[derive(Debug, Clone)]
pub(crate) struct Routers {
    /// Only the reads of blocks. No function but `auth` writes them.
    blocks: Router,
    conversations: Router,
    messages: Router,
    moderation: Router,
}

impl Routers {
    pub(crate) fn new(app: &App) -> Self {
        Self {
            blocks: pages::into_router(auth::blocks::reads(), app),
            conversations: conversations::router(app),
            messages: messages::router(app),
            moderation: moderation::router(app),
        }
    }

    /// Returns the router of a path.
    fn of(&self, path: &str) -> Router {
        let routers = [
            ("/api/users/", &self.blocks),
            ("/api/messages/", &self.messages),
            ("/api/reports/", &self.moderation),
        ];
        let found = routers.into_iter().find(|(prefix, _)| path.starts_with(prefix));
        found.map_or(&self.conversations, |(_, router)| router).clone()
    }
}

/// The API for one caller.
#[derive(Debug)]
pub(crate) struct Api {
    routers: Routers,
    headers: HeaderMap,
    origin: Uri,
    /// The extensions of the caller's request: the gateway's request id, and the browser session, which is not read
    /// again.
    extensions: Extensions,
}

/// The reason why the API did not answer with success.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The API answered with a problem.
    Refused(Refusal),
    /// The answer could not be read.
    Failed(Problem),
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

impl From<ApiError> for Problem {
    /// The answer of a page that cannot be shown without the API's answer.
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Refused(refusal) => refusal.into(),
            ApiError::Failed(problem) => problem,
        }
    }
}

/// A problem with which the API answered.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// The explanation for the user.
    pub(crate) detail: String,
}

impl From<Refusal> for Problem {
    /// Converts an answer without which the page cannot be shown.
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

/// The fields of a problem that the page shows.
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
    /// Creates the API for the sender of `parts`. `csrf` is the token of the browser session; the caller has checked
    /// the request.
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
        // A nested router would take it for the path of an outer router.
        extensions.remove::<MatchedPath>();
        Self { routers, headers, origin: parts.uri.clone(), extensions }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.send(Method::GET, path, None).await
    }

    /// Sends one request, and returns the successful answer as `T` or the refusal. The error is for answers that cannot
    /// be read.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, ApiError> {
        let request = self.request(method, path, body).map_err(Problem::internal)?;
        let Ok(response) = self.routers.of(path).oneshot(request).await;
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(Problem::internal)?.to_bytes();
        if status.is_success() {
            // A 204 has no body.
            let body = if bytes.is_empty() { b"{}".as_slice() } else { &bytes };
            return Ok(serde_json::from_slice(body).map_err(Problem::internal)?);
        }
        let words: ProblemText = serde_json::from_slice(&bytes).map_err(Problem::internal)?;
        Err(ApiError::Refused(Refusal { status, detail: words.text() }))
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
        // The page sends this request itself, so the path replaces the path from the gateway.
        let asked = request.uri().path().to_owned();
        Ok(request.with_raw_http_path(asked))
    }
}
