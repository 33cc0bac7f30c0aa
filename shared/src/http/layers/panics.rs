//! Answers a panic of a handler with 500. The message of the panic is for the log only.

use std::any::Any;

use axum::response::{IntoResponse, Response};

use crate::http::Problem;

/// Returns the answer to a request whose handler has panicked.
#[expect(clippy::needless_pass_by_value, reason = "the signature that CatchPanicLayer asks for")]
pub(super) fn answer(panic: Box<dyn Any + Send>) -> Response {
    let message = panic.downcast_ref::<String>().cloned();
    let message =
        message.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
    Problem::internal(format!("panic: {message}")).into_response()
}
