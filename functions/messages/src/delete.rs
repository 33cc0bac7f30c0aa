//! `DELETE /api/messages/{id}/`: deletes a message, for its sender, an owner of the group, or an admin. A tombstone
//! remains.

use axum::http::StatusCode;
use shared::{
    App,
    http::{Authenticated, Ids, IfMatch, NoParameters, Problem, UncheckedQuery},
    ids::{ConversationId, MessageId},
    policy::Actor,
    store::{StoreError, edits::DeleteError},
};

/// Deletes a message.
///
/// Only the sender, owners of the group and admins can delete a message. In a direct conversation, users can delete only
/// their own messages. A tombstone without the text remains. A repetition gets a 404, because the message is deleted.
#[utoipa::path(delete, path = "/api/messages/{id}/", operation_id = "delete_message",
    params(Ids<MessageId>, IfMatch), responses((status = 204), (status = 403)))]
pub async fn delete(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<MessageId>,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    let (message, actor) = crate::retrieve::writable(&app, &caller, id).await?;
    if !actor.may_delete_message(message.sender) && !moderates(&app, &actor, id.conversation).await? {
        return Err(Problem::forbidden(
            "Only the sender, owners of the group and admins can delete a message. In a direct conversation, you can \
             delete only your own messages.",
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

/// Returns true if the actor may delete messages of others in the conversation. Only an owner's request reads the
/// conversation for that: its kind never changes.
async fn moderates(app: &App, actor: &Actor, conversation: ConversationId) -> Result<bool, StoreError> {
    if !actor.may_own() {
        return Ok(false);
    }
    let found = app.store.conversation_access(conversation, actor.user).await?;
    Ok(found.is_some_and(|found| actor.may_delete_messages_of_others(found.conversation.kind)))
}
