//! `GET /healthz`: the state of the process and of the table, for monitoring.

use axum::extract::State;
use serde::Serialize;
use shared::{
    App,
    http::{Code, NoParameters, Problem, Query, Reply},
};
use utoipa::ToSchema;

/// The health of the service.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// The health of the process, always `ok`.
    #[schema(example = "ok")]
    pub status: &'static str,
    /// The health of the database table, always `ok`. If the table does not answer, the response is 503.
    #[schema(example = "ok")]
    pub table: &'static str,
}

/// Checks the health of the service.
///
/// The response is 503 if the process runs but the database table does not answer.
#[utoipa::path(get, path = "/healthz", operation_id = "read_health", security(()), responses((status = 200, body = Health)))]
pub async fn health(
    State(app): State<App>,
    Query(NoParameters {}): Query<NoParameters>,
) -> Result<Reply<Health>, Problem> {
    app.store.answers().await.map_err(|error| {
        Problem::new(Code::Unavailable, "The service runs, but its database does not answer. Try again.")
            .retry_after(1)
            .caused_by(error)
    })?;
    Ok(Reply::ok(Health { status: "ok", table: "ok" }))
}
