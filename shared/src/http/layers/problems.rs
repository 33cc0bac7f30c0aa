//! Renders problems. A handler answers with a [`Problem`] as an extension; only this layer knows the request id for its
//! body.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::request_id::RequestId;
use crate::http::Problem;

/// Renders the problem of an answer. A problem among the request's extensions comes from an outer layer; it is the
/// answer, and the handler does not run.
pub(super) async fn render(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(&request);
    let response = match request.extensions_mut().remove::<Problem>() {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    };
    rendered(response, &id)
}

/// Returns the full answer of a problem, with the headers that the handler has set, and logs the causes. Returns every
/// other response unchanged.
pub(super) fn rendered(mut response: Response, id: &RequestId) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    problem.log_causes();
    let mut full = problem.render(&id.0);
    for (name, value) in response.headers() {
        full.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    full
}
