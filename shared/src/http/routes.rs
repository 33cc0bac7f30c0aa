//! The list of a function's routes, and the router that is made of it: both spellings of a path, OPTIONS, and 405 with `Allow`.

mod respond;

use std::{any::Any, collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    handler::Handler,
    http::{HeaderValue, Method, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use tower::Layer as _;
use tower_http::catch_panic::CatchPanicLayer;

use self::respond::{Place, Surroundings, admit, around};
use super::{
    negotiate::Offer,
    problem::{Code, Problem},
};
use crate::App;

/// Routes of one function, in the order in which they were named.
#[derive(Debug, Default)]
pub struct Routes {
    paths: BTreeMap<&'static str, MethodRouter<App>>,
    listed: Vec<(Method, &'static str)>,
    offers: BTreeMap<&'static str, Offer>,
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
            for spelled in spellings(path, place.offer) {
                router = router.route(&spelled, methods.clone());
                places.insert(spelled, place.clone());
            }
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

/// The path with and without a slash at its end. The root and a file have one spelling, and a wildcard takes both.
fn spellings(path: &'static str, offer: Offer) -> Vec<String> {
    let bare = path.trim_end_matches('/');
    if offer == Offer::File || bare.is_empty() || path.contains("{*") {
        return vec![path.to_owned()];
    }
    vec![bare.to_owned(), format!("{bare}/")]
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
