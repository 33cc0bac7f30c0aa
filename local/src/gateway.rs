//! A local API Gateway HTTP API. Each request becomes the event that AWS would send (payload format 2.0), and goes
//! through `lambda_http` into the router that is deployed for its path. The gateway knows paths and limits, but nothing
//! of the API's data.

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
use shared::lambda::Events;
use shared::random::Random;
use tracing::Instrument as _;
use tracing::instrument::WithSubscriber as _;

use crate::sockets::{self, Sockets};
use crate::stream::QueueService;
use answer::{Answer, message};
pub use cors::Cors;
pub use hosts::Hosts;
pub use serve::serve;

/// The maximum size of a body that an HTTP API accepts, in bytes.
pub const MAX_BODY: usize = 10 * 1024 * 1024;

/// The maximum size of the request line and headers together that an HTTP API accepts, in bytes.
pub const MAX_HEAD: usize = 10_240;

/// The time after which the gateway answers 503 for a function without an answer, as in `template.yaml`.
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(20);

/// The time after which Lambda ends a function, as in `template.yaml`.
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(15);

/// A request extension for requests over HTTPS, like all requests on AWS. Without it, a request came over HTTP.
#[derive(Debug, Clone, Copy)]
pub struct OverTls;

/// The functions behind one address. Clones share them.
#[derive(Debug, Clone)]
pub struct Gateway {
    functions: Arc<[(&'static str, Router)]>,
    /// Answers every path that belongs to no function.
    otherwise: Option<Router>,
    cors: Cors,
    /// The WebSocket API at the same address.
    sockets: Option<Sockets>,
    /// The queues at the same address.
    queues: Option<QueueService>,
    clock: Clock,
    random: Random,
}

impl Gateway {
    /// Creates a gateway to the deployed functions, each at its paths in `template.yaml`. `browse` answers all other
    /// paths, like its `$default` route.
    #[must_use]
    pub fn new(app: &App) -> Self {
        Self::each(app, |_| app.clone())
    }

    /// Creates a gateway like [`Gateway::new`]. Each function has its own app, which `of` makes from the function's
    /// name.
    #[must_use]
    pub fn each(app: &App, of: impl Fn(&str) -> App) -> Self {
        // Only `auth` can sign tokens, as in a deployment.
        let unsigned = |name: &str| App { signing: None, ..of(name) };
        let auth = auth::router(&of("auth"));
        let browse = browse::router(&unsigned("browse"));
        let conversations = conversations::router(&unsigned("conversations"));
        let functions = [
            ("/api/users", auth.clone()),
            ("/api/token", auth.clone()),
            ("/.well-known/jwks.json", auth.clone()),
            ("/api-auth", auth.clone()),
            ("/healthz", auth),
            ("/api/conversations", conversations.clone()),
            ("/api/sync", conversations),
            ("/api/messages", messages::router(&unsigned("messages"))),
            ("/api/reports", moderation::router(&unsigned("moderation"))),
            ("/api/realtime", realtime::router(&unsigned("realtime"))),
        ];
        let gateway = Self::of(functions, app.clock.clone(), app.random.clone());
        Self { otherwise: Some(browse), ..gateway }
    }

    /// Creates a gateway to functions, each with a path prefix: `/api/users` matches itself and all paths below
    /// `/api/users/`. The first function that matches gets the request.
    #[must_use]
    pub fn of(
        functions: impl IntoIterator<Item = (&'static str, Router)>,
        clock: Clock,
        random: Random,
    ) -> Self {
        let functions = functions.into_iter().collect();
        Self { functions, otherwise: None, cors: Cors::default(), sockets: None, queues: None, clock, random }
    }

    /// Returns the gateway with a WebSocket API at the path `/live`.
    #[must_use]
    pub fn with_sockets(self, sockets: Sockets) -> Self {
        Self { sockets: Some(sockets), ..self }
    }

    /// Returns the gateway with queues for functions in other processes.
    #[must_use]
    pub fn with_queues(self, queues: QueueService) -> Self {
        Self { queues: Some(queues), ..self }
    }

    /// Returns the gateway with the origins whose pages may call it.
    #[must_use]
    pub fn with_cors(self, cors: Cors) -> Self {
        Self { cors, ..self }
    }

    /// Answers one request in the same way as over the network. The caller's address comes from a `SocketAddr` among
    /// the extensions; without one, it is the loopback address.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (method, headers) = (request.method().clone(), request.headers().clone());
        let bodiless = method == Method::HEAD;
        let mut answer = self.answer(request).await;
        self.cors.add(&method, &headers, &mut answer);
        let is_dropped = answer.headers().contains_key(header::CONTENT_LENGTH) || answer.body().is_empty();
        if bodiless && is_dropped {
            // The router has removed the body, and has set the length if the body of a GET has this length too.
            return answer;
        }
        let length = HeaderValue::from(answer.body().len());
        answer.headers_mut().insert(header::CONTENT_LENGTH, length);
        if bodiless {
            *answer.body_mut() = Bytes::new();
        }
        answer
    }

    /// Returns the answer to a request with a body that the gateway refuses. Pages of allowed origins can read it.
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
        let managed = self.sockets.as_ref().filter(|sockets| sockets.is_managed());
        if let Some(sockets) = managed.filter(|_| sockets::is_for_management(request.uri())) {
            return sockets::manage(sockets.connections(), &request);
        }
        if let Some(queues) = self.queues.as_ref().filter(|_| QueueService::is_for_queues(&request)) {
            return queues.answer(&request).await;
        }
        // An encoded slash counts as a slash, here and in the event.
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

/// Runs a function on an event like Lambda: it runs to its end even if the client has gone, and a panic is a 500.
async fn invoke(function: Router, event: LambdaEvent<LambdaRequest>) -> Response<Bytes> {
    // A router is always ready to be called. The new task uses the caller's span and subscriber for its logs.
    let answering = Events(function).call(event).in_current_span();
    let running = tokio::spawn(answering.with_current_subscriber());
    let Ok(ended) = tokio::time::timeout(INTEGRATION_TIMEOUT, running).await else {
        return message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
    };
    // The task can only fail by a panic.
    let Ok(answered) = ended else {
        return message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    };
    let Ok(response) = answered;
    Answer::read(&response).map_or_else(
        |error| {
            tracing::error!(%error, "the function's answer is not an API Gateway response");
            message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        },
        Answer::into_response,
    )
}

/// Returns the context of an invocation, as the Lambda runtime would set it.
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
