//! `DELETE /api/conversations/{id}/`: deletes a group for all participants, or hides a direct conversation for the
//! caller.

use axum::http::StatusCode;
use shared::{
    events::{Data, Event},
    http::{Authenticated, Ids, IfMatch, NoParameters, Problem, UncheckedQuery},
    ids::ConversationId,
    model::conversation::ConversationKind,
};

use crate::retrieve::standing;

/// Deletes or hides a conversation.
///
/// Deletes a group for all participants. Only owners and admins can delete a group. Hides a direct conversation for
/// the caller only, and so declines an invitation to it.
#[utoipa::path(delete, path = "/api/conversations/{id}/", operation_id = "delete_conversation",
    params(Ids<ConversationId>, IfMatch), responses((status = 204), (status = 403)))]
pub async fn delete(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<ConversationId>,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    let (conversation, actor) = standing(&app, &caller, id).await?;
    let (NoParameters {}, expected) = query.and(expected).finish()?;
    if !expected.allows(conversation.version) {
        return Err(Problem::precondition_failed());
    }
    match conversation.kind {
        ConversationKind::Direct if actor.member.is_none() => {
            return Err(Problem::forbidden("Only its participants can hide a direct conversation."));
        }
        ConversationKind::Direct => {
            app.store.hide_conversation(id, caller.user).await?;
        }
        ConversationKind::Group if actor.is_invited() => return Err(Problem::not_accepted()),
        ConversationKind::Group if !actor.may_own() => {
            return Err(Problem::forbidden(
                "Only owners and admins can delete a group. You can leave it instead.",
            ));
        }
        ConversationKind::Group => {
            let closed = app.store.close_conversation(id, caller.command(&app)).await?;
            // The group was closed before, and this request has removed the memberships that remained. A caller without
            // a membership gets the answer for a conversation that does not exist.
            if !closed && actor.member.is_none() {
                return Err(Problem::not_found());
            }
            if actor.member.is_none() {
                caller.report(Event::AdminAccess(Data::Conversation), Some(&id));
            }
        }
    }
    Ok(StatusCode::NO_CONTENT)
}
