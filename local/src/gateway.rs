//! A local API Gateway HTTP API: each request becomes the event that AWS would send (payload format 2.0), and goes through
//! `lambda_http` into the router that is deployed for its path. It knows paths and limits, and nothing of what the API does.

mod answer;
pub mod cors;
mod event;
mod hosts;
mod serve;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use chrono::{DateTime, Utc};
use lambda_http::request::LambdaRequest;
use lambda_http::{Context, LambdaEvent, Service as _};
use shared::App;
use shared::clock::Clock;
use shared::random::Random;
use tracing::Instrument as _;
use tracing::instrument::WithSubscriber as _;

use answer::{Answer, message};
pub use cors::Cors;
pub use hosts::Hosts;
pub use serve::serve;

/// The largest body that an HTTP API takes, in bytes.
pub const MAX_BODY: usize = 10 * 1024 * 1024;

/// The most that an HTTP API takes of request line and headers together, in bytes.
pub const MAX_HEAD: usize = 10_240;

/// After this time the gateway answers 503 for a function that has not, as `template.yaml` says.
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(20);

/// After this time Lambda ends a function, as `template.yaml` says.
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(15);

/// Says, among a request's extensions, that it came over https, as all do on AWS. Without it, it came over http.
#[derive(Debug, Clone, Copy)]
pub struct OverTls;

/// The functions behind one address. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gateway {
    functions: Arc<[(&'static str, Router)]>,
    /// Answers every path that no function has.
    otherwise: Option<Router>,
    cors: Cors,
    clock: Clock,
    random: Random,
}

impl Gateway {
    /// The deployed functions, each at the paths that `template.yaml` gives it. `browse` has all others, as its `$default` route.
    #[must_use]
    pub fn new(app: &App) -> Self {
        Self::each(app, |_| app.clone())
    }

    /// The same, each function with an app of its own, which `of` makes for its name.
    #[must_use]
    pub fn each(app: &App, of: impl Fn(&str) -> App) -> Self {
        // As deployed: what only `auth` may sign with is not within the others' reach.
        let unsigned = |name: &str| App { signing: None, ..of(name) };
        let auth = auth::router(&of("auth"));
        let browse = browse::router(&unsigned("browse"));
        let functions = [
            ("/api/users", auth.clone()),
            ("/api/token", auth.clone()),
            ("/.well-known/jwks.json", auth.clone()),
            ("/api-auth", auth.clone()),
            ("/healthz", auth),
            ("/api/conversations", conversations::router(&unsigned("conversations"))),
            ("/api/messages", messages::router(&unsigned("messages"))),
        ];
        let gateway = Self::of(functions, app.clock.clone(), app.random.clone());
        Self { otherwise: Some(browse), ..gateway }
    }

    /// A gateway over functions, each named by the first segments of the paths that it answers: `/api/users` takes
    /// itself and everything below `/api/users/`. The first that fits is asked.
    #[must_use]
    pub fn of(
        functions: impl IntoIterator<Item = (&'static str, Router)>,
        clock: Clock,
        random: Random,
    ) -> Self {
        let functions = functions.into_iter().collect();
        Self { functions, otherwise: None, cors: Cors::default(), clock, random }
    }

    /// The same, which pages of other origins may call.
    #[must_use]
    pub fn with_cors(self, cors: Cors) -> Self {
        Self { cors, ..self }
    }

    /// One request as over the network, without one. The caller's address is taken from a `SocketAddr` among the
    /// extensions and is the loopback address without it.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (method, headers) = (request.method().clone(), request.headers().clone());
        let bodiless = method == Method::HEAD;
        let mut answer = self.answer(request).await;
        self.cors.add(&method, &headers, &mut answer);
        let is_dropped = answer.headers().contains_key(header::CONTENT_LENGTH) || answer.body().is_empty();
        if bodiless && is_dropped {
            // The router has dropped the body itself, and has told its length if a GET's body has that length too.
            return answer;
        }
        let length = HeaderValue::from(answer.body().len());
        answer.headers_mut().insert(header::CONTENT_LENGTH, length);
        if bodiless {
            *answer.body_mut() = Bytes::new();
        }
        answer
    }

    /// The answer to a request that the gateway refuses for its body, which pages of other origins may read.
    fn refusal(&self, head: &Parts, status: StatusCode, text: &str) -> Response<Bytes> {
        let mut response = message(status, text);
        self.cors.add(&head.method, &head.headers, &mut response);
        response
    }

    async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        if event::head_size(&request) > MAX_HEAD {
            return message(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large");
        }
        if request.body().len() > MAX_BODY {
            return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        }
        let Some(path) = event::raw_path(request.uri()) else {
            return message(StatusCode::BAD_REQUEST, "Bad Request");
        };
        // An encoded slash is a slash, here as in the event.
        let Some(function) = self.function(&path) else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        let caller = request.extensions().get::<SocketAddr>().copied();
        let caller = caller.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
        let arrival = event::ConnectionFacts { caller, id: self.random.uuid(), time: self.clock.now() };
        match event::from(&request, &arrival) {
            Some(event) => invoke(function.clone(), LambdaEvent::new(event, context(&arrival))).await,
            None => message(StatusCode::BAD_REQUEST, "Bad Request"),
        }
    }

    fn function(&self, path: &str) -> Option<&Router> {
        let fits = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let found = self.functions.iter().find(|(prefix, _)| fits(prefix)).map(|(_, router)| router);
        found.or(self.otherwise.as_ref())
    }
}

/// Runs a function on an event as Lambda would: to its end, whether or not anybody still waits, and a panic is a 500.
async fn invoke(function: Router, event: LambdaEvent<LambdaRequest>) -> Response<Bytes> {
    // A router is always ready to be called. What the caller set up for its logs holds in the new task as well.
    let answering = lambda_http::Adapter::from(function).call(event).in_current_span();
    let running = tokio::spawn(answering.with_current_subscriber());
    match tokio::time::timeout(INTEGRATION_TIMEOUT, running).await {
        Ok(Ok(Ok(response))) => Answer::read(&response).map_or_else(
            |error| {
                tracing::error!(%error, "the function's answer is not an API Gateway response");
                message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            },
            Answer::into_response,
        ),
        Ok(Ok(Err(never))) => match never {},
        Ok(Err(_panicked)) => message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        Err(_elapsed) => message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
    }
}

/// What the Lambda runtime says of an invocation.
fn context(arrival: &event::ConnectionFacts) -> Context {
    let mut context = Context::default();
    context.request_id = arrival.id.to_string();
    context.deadline = millis(arrival.time + FUNCTION_TIMEOUT);
    context
}

fn millis(time: DateTime<Utc>) -> u64 {
    u64::try_from(time.timestamp_millis()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
