//! `/api/conversations/{id}/archive/` and `/api/conversations/{id}/mute/`: the caller archives and mutes a conversation. Other
//! participants do not notice it.

use axum::http::StatusCode;
use shared::{
    App,
    http::{Authenticated, Caller, Ids, NoParameters, Problem, Unchecked, UncheckedQuery, Unversioned},
    ids::ConversationId,
    store::inbox_settings::InboxSettingsChange,
};

use crate::retrieve::conversation_access;

/// Archives a conversation for the caller.
///
/// The conversation leaves the inbox and is listed with `state=archived`. The next message brings it back, unless the
/// conversation is muted. A repeated request also archives the messages since the first one.
#[utoipa::path(put, path = "/api/conversations/{id}/archive/", operation_id = "archive_conversation",
    params(Ids<ConversationId>), responses((status = 204), (status = 403)))]
pub async fn archive(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<ConversationId>,
    Unversioned(unversioned): Unversioned,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<StatusCode, Problem> {
    apply(&app, &caller, id, query.and(unversioned), InboxSettingsChange::Archive).await
}

/// Brings a conversation back from the archive.
///
/// The response is the same if the caller has not archived the conversation.
#[utoipa::path(delete, path = "/api/conversations/{id}/archive/", operation_id = "unarchive_conversation",
    params(Ids<ConversationId>), responses((status = 204), (status = 403)))]
pub async fn unarchive(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<ConversationId>,
    Unversioned(unversioned): Unversioned,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<StatusCode, Problem> {
    apply(&app, &caller, id, query.and(unversioned), InboxSettingsChange::Unarchive).await
}

/// Mutes a conversation for the caller.
///
/// `muted` is then true, so that clients do not alert the caller. If the conversation is archived, new messages do not
/// bring it back. The response is the same if the caller has muted the conversation already.
#[utoipa::path(put, path = "/api/conversations/{id}/mute/", operation_id = "mute_conversation",
    params(Ids<ConversationId>), responses((status = 204), (status = 403)))]
pub async fn mute(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<ConversationId>,
    Unversioned(unversioned): Unversioned,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<StatusCode, Problem> {
    apply(&app, &caller, id, query.and(unversioned), InboxSettingsChange::Mute).await
}

/// Ends muting a conversation for the caller.
///
/// If the conversation is archived and got messages meanwhile, they bring it back. The response is the same if the caller has
/// not muted the conversation.
#[utoipa::path(delete, path = "/api/conversations/{id}/mute/", operation_id = "unmute_conversation",
    params(Ids<ConversationId>), responses((status = 204), (status = 403)))]
pub async fn unmute(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<ConversationId>,
    Unversioned(unversioned): Unversioned,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<StatusCode, Problem> {
    apply(&app, &caller, id, query.and(unversioned), InboxSettingsChange::Unmute).await
}

async fn apply(
    app: &App,
    caller: &Caller,
    id: ConversationId,
    request: Unchecked<(NoParameters, ())>,
    change: InboxSettingsChange,
) -> Result<StatusCode, Problem> {
    let Some((member, tail)) = app.store.member_and_tail(id, caller.user).await? else {
        // Only an admin may know of a conversation without being a participant. A participant's conversation is closed.
        let (_, actor) = conversation_access(app, caller, id).await?;
        return Err(match actor.member {
            Some(_) => Problem::not_found(),
            None => Problem::forbidden("Only participants can archive or mute a conversation."),
        });
    };
    if !member.is_accepted() {
        return Err(Problem::not_accepted());
    }
    request.finish()?;
    let changed = app.store.change_inbox_settings(&member, tail, change).await?;
    changed.then_some(StatusCode::NO_CONTENT).ok_or_else(Problem::not_found)
}
