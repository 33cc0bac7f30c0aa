//! The layers that every request passes through, one file for each. None of them is specific to pages: the code for
//! pages wraps these layers, see [`crate::pages`].

pub mod compression;
mod content_coding;
mod even_times;
pub mod head;
mod log_line;
pub mod negotiation;
mod panics;
mod problems;
mod request_id;
pub(crate) mod response_headers;
pub(super) mod routed_path;
pub(crate) mod session;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use super::route_table::RouteTable;
use crate::App;

/// Puts the layers around the routes of a function. The first layer is the outermost.
pub(super) fn around(handlers: Router, routes: &RouteTable, app: &App) -> Router {
    let layers = ServiceBuilder::new()
        .layer(from_fn_with_state(app.random.clone(), request_id::assign))
        .layer(from_fn(log_line::write))
        .layer(from_fn(even_times::even_out))
        .layer(from_fn(head::answer_as_get))
        .layer(from_fn_with_state(app.random.clone(), compression::compress_answer))
        .layer(from_fn_with_state(routes.clone(), response_headers::add))
        .layer(from_fn(problems::render))
        .layer(from_fn_with_state(routes.clone(), negotiation::refuse_unacceptable))
        .layer(from_fn(content_coding::refuse_coded_bodies))
        .layer(CatchPanicLayer::custom(panics::answer))
        .layer(from_fn(session::check));
    handlers.layer(layers)
}
