//! The list of a function's routes, and the router made from it: both spellings of a path, OPTIONS, and 405 with
//! `Allow`. The handlers are in the functions.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    handler::Handler,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use tower::{Layer as _, ServiceExt as _};

use super::{
    layers::{self, routed_path},
    response::{Code, Problem},
    route_table::{RouteInfo, RouteKind, RouteTable},
};
use crate::App;

/// Declares the routes of a function: the function `routes`, and the type `Description` that describes them for `OpenAPI`.
///
/// `api` lists paths with JSON, `pages` paths with a page only, and `files` paths with a file. A path ends with a slash; the router
/// has it without the slash as well. Only paths of `api` are described.
///
/// ```text
/// shared::routes! {
///     api {
///         post "/api/users/" => register::register;
///     }
/// }
/// ```
#[macro_export]
macro_rules! routes {
    (
        api { $($method:ident $path:literal => $module:ident::$handler:ident;)* }
        $(pages { $($page_method:ident $page:literal => $page_module:ident::$page_handler:ident;)* })?
        $(files { $($file_method:ident $file:literal => $file_module:ident::$file_handler:ident;)* })?
    ) => {
        /// Returns the routes of this function.
        #[must_use]
        pub fn routes() -> $crate::http::Routes {
            $crate::http::Routes::new()
                $(.$method($path, $module::$handler))*
                $($(.$page_method($page, $page_module::$page_handler).page($page))*)?
                $($(.$file_method($file, $file_module::$file_handler).file($file))*)?
        }

        /// Describes the routes of this function in the `OpenAPI` document of the API.
        #[derive(Debug, utoipa::OpenApi)]
        #[openapi(paths($($module::$handler),*))]
        pub struct Description;
    };
}

/// The routes of one function, in the order of their declaration.
#[derive(Debug, Default)]
pub struct Routes {
    paths: BTreeMap<&'static str, MethodRouter<App>>,
    listed: Vec<(Method, &'static str)>,
    kinds: BTreeMap<&'static str, RouteKind>,
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
    /// Creates an empty list of routes.
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

    /// Declares a path as a page, which has no JSON representation.
    #[must_use]
    pub fn page(mut self, path: &'static str) -> Self {
        self.kinds.insert(path, RouteKind::Page);
        self
    }

    /// Declares a path as a file, which is sent to every client.
    #[must_use]
    pub fn file(mut self, path: &'static str) -> Self {
        self.kinds.insert(path, RouteKind::File);
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

    /// Returns the method and the path of each route.
    #[must_use]
    pub fn list(&self) -> &[(Method, &'static str)] {
        &self.listed
    }

    /// Returns the routes that answer with JSON and with a page that shows it: neither pages without JSON nor files.
    pub fn of_the_api(&self) -> impl Iterator<Item = &(Method, &'static str)> {
        self.listed.iter().filter(|(_, path)| !self.kinds.contains_key(path))
    }

    /// Returns the value of the header `Allow` for a path.
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

    /// Returns the router without pages. The routers that run are made by [`crate::pages::into_router`].
    ///
    /// `outer` adds layers around those of this crate. It can read the matched route.
    pub(crate) fn into_router(mut self, app: &App, outer: impl Fn(Router, &RouteTable) -> Router) -> Router {
        let mut known = Router::new();
        let mut table = BTreeMap::new();
        for (path, methods) in std::mem::take(&mut self.paths) {
            let allow = self.allow(path);
            let methods = complete(methods, &allow);
            let route = RouteInfo { path, kind: self.kinds.get(path).copied().unwrap_or_default(), allow };
            for spelled in spellings(path, route.kind) {
                known = known.route(&spelled, methods.clone());
                table.insert(spelled, route.clone());
            }
        }
        let table = RouteTable(Arc::new(table));
        let layered = |router: Router<App>| {
            let router = router.fallback(async || Problem::not_found()).with_state(app.clone());
            outer(layers::around(router, &table, app), &table)
        };
        let (known, unknown) = (layered(known), layered(Router::new()));
        // The check runs before both routers, because a router adds an `Allow` of the path that it has read.
        Router::new().fallback_service(middleware::from_fn_with_state(unknown, check_path).layer(known))
    }
}

/// Sends a request whose routed path is not the path of the client to the router that has no routes.
async fn check_path(State(unknown): State<Router>, request: Request, next: Next) -> Response {
    if routed_path::is_path_of_client(&request) {
        return next.run(request).await;
    }
    unknown.oneshot(request).await.into_response()
}

/// Returns the path with and without a slash at its end. The root and files have one spelling, and a wildcard matches
/// both.
fn spellings(path: &'static str, kind: RouteKind) -> Vec<String> {
    let bare = path.trim_end_matches('/');
    if kind == RouteKind::File || bare.is_empty() || path.contains("{*") {
        return vec![path.to_owned()];
    }
    vec![bare.to_owned(), format!("{bare}/")]
}

/// Adds OPTIONS, and the 405 for methods that the path does not have.
fn complete(methods: MethodRouter<App>, allow: &HeaderValue) -> MethodRouter<App> {
    let options = (StatusCode::NO_CONTENT, [(header::ALLOW, allow.clone())]);
    let refusal = Problem::new(
        Code::MethodNotAllowed,
        "This path does not support this method. Use a method of the header `Allow`.",
    )
    .allow(allow.clone());
    methods.merge(on(MethodFilter::OPTIONS, async move || options)).fallback(async move || refusal)
}
