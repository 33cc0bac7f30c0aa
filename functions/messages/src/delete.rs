//! `DELETE /api/messages/{id}/`: deletes a message, for its sender, an owner of the conversation, or an admin. A
//! tombstone remains.

use axum::http::StatusCode;
use shared::{
    http::{Authenticated, Ids, IfMatch, NoParameters, Problem, UncheckedQuery},
    ids::MessageId,
    store::edits::DeleteError,
};

/// Deletes a message.
///
/// Only the sender, owners of the conversation and admins can delete a message. A tombstone without the text remains.
#[utoipa::path(delete, path = "/api/messages/{id}/", operation_id = "delete_message",
    params(Ids<MessageId>, IfMatch), responses((status = 204), (status = 403)))]
pub async fn delete(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<MessageId>,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    let (message, actor) = crate::retrieve::writable(&app, &caller, id).await?;
    if !actor.may_delete_message(message.sender) {
        return Err(Problem::forbidden(
            "Only the sender, owners of the conversation and admins can delete a message.",
        ));
    }
    let (NoParameters {}, expected) = query.and(expected).finish()?;
    let deleted = app.store.delete_message(id, &expected, caller.command(&app)).await;
    deleted.map(|()| StatusCode::NO_CONTENT).map_err(|error| match error {
        DeleteError::Stale => Problem::precondition_failed(),
        DeleteError::NotFound => Problem::not_found(),
        DeleteError::Store(error) => error.into(),
    })
}
