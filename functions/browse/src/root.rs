//! `GET /api/`: the root of the API, with the URLs where a client begins.

use serde::Serialize;
use shared::http::{NoParameters, Origin, Problem, Query, Reply};
use utoipa::ToSchema;

/// The URLs at which a client starts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Root {
    /// The URL of the caller's conversations.
    #[schema(example = "http://127.0.0.1:3000/api/conversations/")]
    pub conversations: String,
    /// The URL of the caller's messages.
    #[schema(example = "http://127.0.0.1:3000/api/messages/")]
    pub messages: String,
    /// The URL of the users.
    #[schema(example = "http://127.0.0.1:3000/api/users/")]
    pub users: String,
    /// The URL of the caller's profile.
    #[schema(example = "http://127.0.0.1:3000/api/users/me/")]
    pub me: String,
    /// The URL of the caller's sessions.
    #[schema(example = "http://127.0.0.1:3000/api/users/me/sessions/")]
    pub sessions: String,
    /// The URL of the reports.
    #[schema(example = "http://127.0.0.1:3000/api/reports/")]
    pub reports: String,
    /// The URL at which programs log in.
    #[schema(example = "http://127.0.0.1:3000/api/token/")]
    pub token: String,
    /// The URL of the OpenAPI document.
    #[schema(example = "http://127.0.0.1:3000/api/schema/")]
    pub schema: String,
    /// The URL of the documentation for people.
    #[schema(example = "http://127.0.0.1:3000/api/docs/")]
    pub docs: String,
    /// The URL of the public keys that verify tokens.
    #[schema(example = "http://127.0.0.1:3000/.well-known/jwks.json")]
    pub keys: String,
    /// The URL of the health check.
    #[schema(example = "http://127.0.0.1:3000/healthz")]
    pub health: String,
}

/// Returns the URLs at which a client starts.
///
/// This operation does not need authentication.
#[utoipa::path(get, path = "/api/", operation_id = "read_root", security(()), responses((status = 200, body = Root)))]
pub async fn root(
    origin: Origin,
    Query(NoParameters {}): Query<NoParameters>,
) -> Result<Reply<Root>, Problem> {
    Ok(Reply::ok(Root {
        conversations: origin.link("/api/conversations/"),
        messages: origin.link("/api/messages/"),
        users: origin.link("/api/users/"),
        me: origin.link("/api/users/me/"),
        sessions: origin.link("/api/users/me/sessions/"),
        reports: origin.link("/api/reports/"),
        token: origin.link("/api/token/"),
        schema: origin.link("/api/schema/"),
        docs: origin.link("/api/docs/"),
        keys: origin.link("/.well-known/jwks.json"),
        health: origin.link("/healthz"),
    }))
}
