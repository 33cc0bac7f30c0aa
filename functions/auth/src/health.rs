//! `GET /healthz`: whether the process is up, and whether the table answers.

use axum::extract::State;
use serde::Serialize;
use shared::{
    App,
    http::{Code, NoParameters, Problem, Query, Reply},
};

/// What is well.
#[derive(Debug, Serialize)]
pub struct Health {
    /// `ok`.
    pub status: &'static str,
    /// `ok`.
    pub table: &'static str,
}

/// Answers 200, or 503 where the table does not answer.
pub async fn health(
    State(app): State<App>,
    Query(NoParameters {}): Query<NoParameters>,
) -> Result<Reply<Health>, Problem> {
    app.store.answers().await.map_err(|error| {
        Problem::new(Code::Unavailable, "The process is up, and the table does not answer.")
            .retry_after(1)
            .caused_by(error)
    })?;
    Ok(Reply::ok(Health { status: "ok", table: "ok" }))
}
