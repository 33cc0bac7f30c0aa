//! The answer to a request, around its handler: the path as it was asked for, the format that the client takes, the form that
//! was posted, problems rendered, the headers of every response, compression, and the request's one line in the log.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use axum::{
    body::{Body, HttpBody as _},
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use lambda_http::request::RequestContext;
use tracing::{Instrument, field, info, info_span, warn};

use crate::{
    App,
    http::{
        body,
        browsable::{
            Asked,
            document::{self, Operation},
            form::Sent,
        },
        compression::{self, Wanted, compressed},
        frame,
        negotiate::{self, Form, Offer},
        posted,
        problem::{Code, Problem},
        routed_path,
        visitor::Site,
    },
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// A year of https for this host, but not for others of its domain, which are not ours to decide about.
const ONLY_HTTPS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The parts of a router that all its requests share.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    pub(super) app: App,
    /// By their patterns, in each spelling.
    pub(super) places: Arc<BTreeMap<String, Place>>,
}

/// Properties of a path.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// As the list of routes spells it.
    pub(super) path: &'static str,
    pub(super) offer: Offer,
    pub(super) allow: HeaderValue,
}

impl Place {
    /// Adds the header `Accept-Patch` to answers to OPTIONS, and to those that refuse another media type (RFC 5789,
    /// section 3.1).
    fn name_patch_types(&self, method: &Method, response: &mut Response) {
        let has_patch = self.allow.as_bytes().windows(5).any(|name| name == b"PATCH");
        let refused = *method == Method::PATCH && response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE;
        if has_patch && (*method == Method::OPTIONS || refused) {
            response.headers_mut().insert(ACCEPT_PATCH, HeaderValue::from_static(body::ACCEPT_PATCH));
        }
    }
}

/// Hands a request to the router if the router will read the path that was asked for.
pub(super) async fn admit(
    State(surroundings): State<Surroundings>,
    request: Request,
    next: Next,
) -> Response {
    if routed_path::is_as_asked(&request) {
        return next.run(request).await;
    }
    respond(&surroundings, request, None).await
}

/// Handles one request that the router has matched: adds the request id, common headers and the log line.
pub(super) async fn around(
    State(surroundings): State<Surroundings>,
    request: Request,
    next: Next,
) -> Response {
    respond(&surroundings, request, Some(next)).await
}

/// The complete answer; without `next`, that of a path that there is not. HEAD is answered as GET, without the body.
async fn respond(surroundings: &Surroundings, mut request: Request, next: Option<Next>) -> Response {
    let begun = Instant::now();
    let id = request_id(&request).unwrap_or_else(|| surroundings.app.random.uuid().to_string());
    let method = request.method().clone();
    let wanted =
        Wanted { takes_gzip: compression::takes_gzip(request.headers()), is_head: method == Method::HEAD };
    if wanted.is_head {
        *request.method_mut() = Method::GET;
    }
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let span = info_span!("request", request_id = id, user = field::Empty);
    let place = route.as_deref().and_then(|route| surroundings.places.get(route));
    let is_secure = Site::at(request.uri(), request.headers()).is_some_and(|site| site.is_secure());
    let mut response = answer(&surroundings.app, place, &id, request, next).instrument(span.clone()).await;
    if is_secure {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, ONLY_HTTPS);
    }
    if let Some(place) = place {
        place.name_patch_types(&method, &mut response);
    }
    complete(&mut response, &id, place);
    let response = compressed(response, wanted, &surroundings.app.random).await;
    let response = response.unwrap_or_else(|error| rendered(Problem::internal(error).into_response(), &id));
    let status = response.status().as_u16();
    // As a number: what is wider is logged as text, which no query adds up.
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let _entered = span.enter();
    info!(method = method.as_str(), route = route.as_deref().unwrap_or("-"), status, millis, "request");
    measured(response, wanted.is_head)
}

/// Adds the headers that every response has.
fn complete(response: &mut Response, id: &str, place: Option<&Place>) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    if frame::is_page(headers) {
        frame::protect(headers);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    if place.is_none_or(|place| place.offer != Offer::File) {
        headers.entry(header::VARY).or_insert(HeaderValue::from_static("Accept, Cookie"));
    }
}

/// The response with the length of its body if that is known, and without the body if only the head was asked for.
fn measured(mut response: Response, is_head: bool) -> Response {
    let Some(length) = response.body().size_hint().exact() else {
        return response;
    };
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if is_head { response.map(|_| Body::empty()) } else { response }
}

/// The handler's answer in the form that the client takes.
async fn answer(
    app: &App,
    place: Option<&Place>,
    id: &str,
    mut request: Request,
    next: Option<Next>,
) -> Response {
    let offer = place.map(|place| place.offer).unwrap_or_default();
    match negotiate::form(offer, &request) {
        Form::Neither => rendered(Problem::new(Code::NotAcceptable, offer.refusal()).into_response(), id),
        Form::Json => rendered(handled(request, None, next).await.0, id),
        Form::Html => {
            let route = place.map(|place| place.path);
            let allow = place.map_or(HeaderValue::from_static(""), |place| place.allow.clone());
            let operation = route.and_then(|route| document::operation(request.method().as_str(), route));
            let asked = Asked::of(&mut request, app, route, allow).await;
            let (response, sent) = handled(request, operation, next).await;
            let mut response = rendered(response, id);
            if let Ok(id) = HeaderValue::from_str(id) {
                response.headers_mut().insert(REQUEST_ID, id);
            }
            asked.shown(response, sent.as_ref()).await
        }
    }
}

/// The handler's answer, and the form that it was sent.
async fn handled(
    request: Request,
    operation: Option<&Operation>,
    next: Option<Next>,
) -> (Response, Option<Sent>) {
    let Some(next) = next else {
        return (Problem::not_found().into_response(), None);
    };
    if is_encoded(&request) {
        return (unsupported_coding(), None);
    }
    match posted::opened(request, operation).await {
        Ok((request, sent)) => (next.run(request).await, sent),
        Err(problem) => (problem.into_response(), None),
    }
}

/// Returns true if the request has a body that is compressed or coded otherwise. Bodies of other methods are not read.
fn is_encoded(request: &Request) -> bool {
    let has_body = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
    let lines = request.headers().get_all(header::CONTENT_ENCODING).iter();
    let mut codings = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let is_none = |coding: &[u8]| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity");
    has_body && codings.any(|coding| !is_none(coding.trim_ascii()))
}

/// The header names the codings that are supported: none (RFC 9110, section 12.5.3).
fn unsupported_coding() -> Response {
    let problem = Problem::new(
        Code::UnsupportedMediaType,
        "Compressed bodies are not supported. Send the body as it is, without the header `Content-Encoding`.",
    );
    ([(header::ACCEPT_ENCODING, "identity")], problem).into_response()
}

/// The gateway's id of the request, so that its logs and ours meet.
fn request_id(request: &Request) -> Option<String> {
    let context = request.extensions().get::<RequestContext>()?;
    match context {
        RequestContext::ApiGatewayV2(context) => context.request_id.clone().filter(|id| !id.is_empty()),
        #[allow(unreachable_patterns, reason = "other gateways are features of lambda_http")]
        _ => None,
    }
}

/// A problem's full answer with the headers that were put beside it, its cause logged; any other response as it is.
fn rendered(mut response: Response, id: &str) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    if let Some(causes) = problem.causes() {
        warn!(code = problem.code().parts().1, causes, "problem");
    }
    let mut full = problem.render(id);
    for (name, value) in response.headers() {
        full.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    full
}
