//! The list of a function's routes, and what surrounds every one of them: both spellings of the path, 405 with `Allow`,
//! OPTIONS, the request's id, its one line in the log, and problems rendered.

use std::{any::Any, collections::BTreeMap, sync::Arc, time::Instant};

use axum::{
    Router,
    body::{Body, HttpBody as _},
    extract::{MatchedPath, Request, State},
    handler::Handler,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use lambda_http::request::RequestContext;
use tower::Layer as _;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument, field, info, info_span, warn};

use super::{
    body,
    browsable::{
        Asked,
        document::{self, Operation},
        form::Sent,
    },
    frame,
    negotiate::{self, Form, Offer},
    posted,
    problem::{Code, Problem},
    routed_path,
    visitor::Site,
};
use crate::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// A year of https for this host, but not for others of its domain, which are not ours to decide about.
const ONLY_HTTPS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Routes of one function, in the order in which they were named.
#[derive(Debug, Default)]
pub struct Routes {
    paths: BTreeMap<&'static str, MethodRouter<App>>,
    listed: Vec<(Method, &'static str)>,
    offers: BTreeMap<&'static str, Offer>,
}

/// What surrounds every request of a router.
#[derive(Debug, Clone)]
struct Surroundings {
    app: App,
    places: Arc<BTreeMap<&'static str, Place>>,
}

/// What is known of a path.
#[derive(Debug, Clone)]
struct Place {
    /// As the routes spell it, with the slash at its end.
    path: &'static str,
    offer: Offer,
    allow: HeaderValue,
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

/// Declares one builder method for each HTTP method.
macro_rules! methods {
    ($($name:ident: $method:ident;)*) => {$(
        #[doc = concat!("Adds `", stringify!($method), "` of a path, which is spelled with its trailing slash.")]
        #[must_use]
        pub fn $name<H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H) -> Self {
            self.add(Method::$method, MethodFilter::$method, path, handler)
        }
    )*};
}

impl Routes {
    /// No routes yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    methods! {
        get: GET;
        post: POST;
        put: PUT;
        patch: PATCH;
        delete: DELETE;
    }

    /// Says that a path is a page, and has no JSON.
    #[must_use]
    pub fn page(mut self, path: &'static str) -> Self {
        self.offers.insert(path, Offer::Page);
        self
    }

    /// Says that a path is a file, which is sent whatever the client takes.
    #[must_use]
    pub fn file(mut self, path: &'static str) -> Self {
        self.offers.insert(path, Offer::File);
        self
    }

    fn add<H: Handler<T, App>, T: 'static>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        handler: H,
    ) -> Self {
        let router = self.paths.remove(path).unwrap_or_default();
        self.paths.insert(path, router.on(filter, handler));
        self.listed.push((method, path));
        self
    }

    /// Each route's method and path.
    #[must_use]
    pub fn list(&self) -> &[(Method, &'static str)] {
        &self.listed
    }

    /// Those that answer with JSON, and with a page around it: neither pages alone nor files.
    pub fn of_the_api(&self) -> impl Iterator<Item = &(Method, &'static str)> {
        self.listed.iter().filter(|(_, path)| !self.offers.contains_key(path))
    }

    /// The `Allow` header of a path.
    fn allow(&self, path: &str) -> HeaderValue {
        let mut methods: Vec<&str> = self
            .listed
            .iter()
            .filter(|(_, listed)| *listed == path)
            .map(|(method, _)| method.as_str())
            .collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        HeaderValue::from_str(&methods.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
    }

    /// The router that runs on Lambda, under `cargo lambda watch` and in `local`.
    pub fn into_router(mut self, app: App) -> Router {
        let mut router = Router::new();
        let mut places = BTreeMap::new();
        for (path, methods) in std::mem::take(&mut self.paths) {
            let allow = self.allow(path);
            let methods = surround(methods, &allow);
            let place = Place { path, offer: self.offers.get(path).copied().unwrap_or_default(), allow };
            let bare = path.trim_end_matches('/');
            if bare != path && !bare.is_empty() {
                router = router.route(bare, methods.clone());
                places.insert(bare, place.clone());
            }
            router = router.route(path, methods);
            places.insert(path, place);
        }
        let surroundings = Surroundings { app: app.clone(), places: Arc::new(places) };
        let router = router
            .fallback(async || Problem::not_found())
            .layer(CatchPanicLayer::custom(panicked))
            .layer(middleware::from_fn_with_state(surroundings.clone(), around))
            .with_state(app);
        // In front of the router, which otherwise adds an `Allow` of the path that it has read.
        Router::new().fallback_service(middleware::from_fn_with_state(surroundings, admit).layer(router))
    }
}

/// Adds OPTIONS and the answer to methods that a path does not have.
fn surround(methods: MethodRouter<App>, allow: &HeaderValue) -> MethodRouter<App> {
    let options = (StatusCode::NO_CONTENT, [(header::ALLOW, allow.clone())]);
    let refusal =
        Problem::new(Code::MethodNotAllowed, "This path does not have that method; see the header `Allow`.")
            .allow(allow.clone());
    methods.merge(on(MethodFilter::OPTIONS, async move || options)).fallback(async move || refusal)
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that CatchPanicLayer asks for")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let said = panic.downcast_ref::<String>().cloned();
    let said = said.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
    Problem::new(Code::Internal, "Something is wrong on our side.")
        .caused_by(format!("panic: {said}"))
        .into_response()
}

/// Hands a request to the router if the router will read the path that was asked for.
async fn admit(State(surroundings): State<Surroundings>, request: Request, next: Next) -> Response {
    if routed_path::is_as_asked(&request) {
        return next.run(request).await;
    }
    respond(&surroundings, request, None).await
}

/// What happens around every request that the router has read.
async fn around(State(surroundings): State<Surroundings>, request: Request, next: Next) -> Response {
    respond(&surroundings, request, Some(next)).await
}

/// The complete answer; without `next`, that of a path that there is not. HEAD is answered as GET, without the body.
async fn respond(surroundings: &Surroundings, mut request: Request, next: Option<Next>) -> Response {
    let begun = Instant::now();
    let id = request_id(&request).unwrap_or_else(|| surroundings.app.random.uuid().to_string());
    let method = request.method().clone();
    if method == Method::HEAD {
        *request.method_mut() = Method::GET;
    }
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let span = info_span!("request", request_id = id, user = field::Empty);
    let place = route.as_deref().and_then(|route| surroundings.places.get(route));
    let is_secure = Site::at(request.uri(), request.headers()).is_some_and(|site| site.is_secure());
    let mut response = answer(&surroundings.app, place, &id, request, next).instrument(span.clone()).await;
    let _entered = span.enter();
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    if frame::is_page(headers) {
        frame::protect(headers);
    }
    if is_secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, ONLY_HTTPS);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    if place.is_none_or(|place| place.offer != Offer::File) {
        headers.entry(header::VARY).or_insert(HeaderValue::from_static("Accept, Cookie"));
    }
    if let Some(place) = place {
        place.name_patch_types(&method, &mut response);
    }
    let status = response.status().as_u16();
    // As a number: what is wider is logged as text, which no query adds up.
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    info!(method = method.as_str(), route = route.as_deref().unwrap_or("-"), status, millis, "request");
    measured(response, &method)
}

/// The response with the length of its body, and without the body if only the head was asked for.
fn measured(mut response: Response, method: &Method) -> Response {
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    if method == Method::HEAD { response.map(|_| Body::empty()) } else { response }
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
    match posted::opened(request, operation).await {
        Ok((request, sent)) => (next.run(request).await, sent),
        Err(problem) => (problem.into_response(), None),
    }
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

/// A problem's full answer, its cause logged; any other response as it is.
fn rendered(mut response: Response, id: &str) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    if let Some(causes) = problem.causes() {
        warn!(code = problem.code().parts().1, causes, "problem");
    }
    problem.render(id)
}
