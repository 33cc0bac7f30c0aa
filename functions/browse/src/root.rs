//! `GET /api/`: what there is.

use serde::Serialize;
use shared::http::{NoParameters, Origin, Problem, Query, Reply};
use utoipa::ToSchema;

/// Where the lists and the rest of the API begin.
#[derive(Debug, Serialize, ToSchema)]
pub struct Root {
    /// One's own conversations.
    pub conversations: String,
    /// One's own messages.
    pub messages: String,
    /// Users.
    pub users: String,
    /// Oneself.
    pub me: String,
    /// The devices on which one is logged in.
    pub sessions: String,
    /// Where programs log in.
    pub token: String,
    /// The keys that verify tokens.
    pub keys: String,
    /// Whether all is well.
    pub health: String,
}

/// Says where the lists and the rest of the API begin.
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
        token: origin.link("/api/token/"),
        keys: origin.link("/.well-known/jwks.json"),
        health: origin.link("/healthz"),
    }))
}
