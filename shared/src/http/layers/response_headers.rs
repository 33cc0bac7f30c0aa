//! Headers of every answer: caching, content sniffing, `Vary`, HTTPS only, and the media types of PATCH.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};

use crate::http::{
    request::{Site, body::ACCEPT_PATCH},
    route_table::{RouteInfo, RouteKind, RouteTable},
};

/// One year of HTTPS only, for this host. Other hosts of the domain have other owners, so `includeSubDomains` is not
/// set.
const ONLY_HTTPS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The request headers that every answer depends on: the accepted format and the session.
pub(crate) const VARY: HeaderValue = HeaderValue::from_static("Accept, Cookie");

/// Adds the headers that the handler has not set. The layers of tower-http add the same header to all routes, but these
/// headers depend on the route.
pub(super) async fn add(State(routes): State<RouteTable>, request: Request, next: Next) -> Response {
    let route = routes.find(&request).cloned();
    let method = request.method().clone();
    let is_secure = Site::at(request.uri(), request.headers()).is_some_and(|site| site.is_secure());
    let mut response = next.run(request).await;
    let status = response.status();
    let headers = response.headers_mut();
    if is_secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, ONLY_HTTPS);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    if route.as_ref().is_none_or(|route| route.kind != RouteKind::File) {
        headers.entry(header::VARY).or_insert(VARY);
    }
    if let Some(route) = route {
        name_patch_types(&route, &method, status, headers);
    }
    response
}

/// Adds the header `Accept-Patch` to answers to OPTIONS, and to a 415 of PATCH (RFC 5789, section 3.1).
fn name_patch_types(route: &RouteInfo, method: &Method, status: StatusCode, headers: &mut HeaderMap) {
    let has_patch = route.allow.as_bytes().windows(5).any(|name| name == b"PATCH");
    let refused = *method == Method::PATCH && status == StatusCode::UNSUPPORTED_MEDIA_TYPE;
    if has_patch && (*method == Method::OPTIONS || refused) {
        headers.insert(HeaderName::from_static("accept-patch"), HeaderValue::from_static(ACCEPT_PATCH));
    }
}
