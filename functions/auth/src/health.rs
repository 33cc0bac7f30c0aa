//! `GET /healthz`: whether the process is up, and whether the table answers.

use axum::extract::State;
use serde::Serialize;
use shared::{
    App,
    http::{Code, NoParameters, Problem, Query, Reply},
};
use utoipa::ToSchema;

/// What is well.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    pub status: &'static str,
    /// `ok`.
    #[schema(example = "ok")]
    pub table: &'static str,
}

/// Says whether the process is up and the table answers.
#[utoipa::path(get, path = "/healthz", operation_id = "read_health", security(()), responses((status = 200, body = Health)))]
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
