//! Sends no answer to a request whose session is not live. Most requests have read the session by then; this layer reads
//! it for those that were refused before their first read.

use std::sync::{Arc, OnceLock};

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{http::Problem, store::Store};

/// The store of an authenticated request, which checks its session. It is among the extensions of each request.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestSession(Arc<OnceLock<Store>>);

impl RequestSession {
    /// Keeps the store of the request. The first one stays.
    pub(crate) fn begin(&self, store: &Store) {
        self.0.get_or_init(|| store.clone());
    }
}

/// Replaces the answer by a 401 if the session of the request is not live, and by a 503 if it cannot be read.
pub(super) async fn check(mut request: Request, next: Next) -> Response {
    let session = RequestSession::default();
    request.extensions_mut().insert(session.clone());
    let response = next.run(request).await;
    match session.0.get() {
        Some(store) => match store.check_session().await {
            Ok(()) => response,
            Err(error) => Problem::from(error).into_response(),
        },
        None => response,
    }
}
