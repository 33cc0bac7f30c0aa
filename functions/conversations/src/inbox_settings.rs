//! `/api/conversations/{id}/archive/` and `/api/conversations/{id}/mute/`: the caller archives and mutes a conversation. Other
//! participants do not notice it.

use axum::http::StatusCode;
use shared::{
    App,
    http::{
        Authenticated, Caller, Fields, FromFields, Ids, NoParameters, Problem, Unchecked, UncheckedQuery,
        Unversioned, typed,
    },
    ids::{ConversationId, MessageId},
    model::Invalid,
    store::{inbox_settings::InboxSettingsChange, items::Member},
};
use utoipa::IntoParams;

use crate::retrieve::conversation_access;

/// The messages to archive.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ArchiveConversation {
    /// The last message that the caller has seen. A later message brings the conversation back, also if it is older than the
    /// request. Without it, the last message of the conversation.
    after: Option<MessageId>,
}

impl FromFields for ArchiveConversation {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { after: fields.optional("after", typed) })
    }
}

impl ArchiveConversation {
    /// Returns the number of the last message to archive in a conversation whose last message is `tail`.
    fn number(&self, id: ConversationId, tail: u64) -> Result<u64, Invalid> {
        match self.after {
            None => Ok(tail),
            Some(after) if after.conversation == id && after.number <= tail => Ok(after.number),
            Some(_) => Err(Invalid::new("after", "is not a message of this conversation")),
        }
    }
}

/// Archives a conversation for the caller.
///
/// The conversation leaves the inbox and is listed with `state=archived`. The next message brings it back, unless the
/// conversation is muted. With `after`, a repeated request has no further effect. Without it, a repeated request also
/// archives the messages since the first one.
#[utoipa::path(put, path = "/api/conversations/{id}/archive/", operation_id = "archive_conversation",
    params(Ids<ConversationId>, ArchiveConversation), responses((status = 204), (status = 403)))]
pub async fn archive(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<ConversationId>,
    Unversioned(unversioned): Unversioned,
    UncheckedQuery(query): UncheckedQuery<ArchiveConversation>,
) -> Result<StatusCode, Problem> {
    let (member, tail) = accepted(&app, &caller, id).await?;
    let (archive, ()) = query.and(unversioned).check(|(archive, ()), faults| {
        if let Err(fault) = archive.number(id, tail) {
            faults.note(fault);
        }
    })?;
    let tail = archive.number(id, tail)?;
    apply(&app, &member, InboxSettingsChange::Archive { tail }).await
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
    change(&app, &caller, id, query.and(unversioned), InboxSettingsChange::Unarchive).await
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
    change(&app, &caller, id, query.and(unversioned), InboxSettingsChange::Mute).await
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
    change(&app, &caller, id, query.and(unversioned), InboxSettingsChange::Unmute).await
}

/// Returns the accepted membership of the caller and the number of the last message.
async fn accepted(app: &App, caller: &Caller, id: ConversationId) -> Result<(Member, u64), Problem> {
    let Some((member, tail)) = app.store.member_and_tail(id, caller.user).await? else {
        // Only an admin may know of a conversation without being a participant. A participant's conversation is closed.
        let (_, actor) = conversation_access(app, caller, id).await?;
        return Err(match actor.member {
            Some(_) => Problem::not_found(),
            None => Problem::forbidden("Only participants can archive or mute a conversation."),
        });
    };
    if member.is_accepted() { Ok((member, tail)) } else { Err(Problem::not_accepted()) }
}

/// Makes a change for which the request has no parameters.
async fn change(
    app: &App,
    caller: &Caller,
    id: ConversationId,
    request: Unchecked<(NoParameters, ())>,
    change: InboxSettingsChange,
) -> Result<StatusCode, Problem> {
    let (member, _) = accepted(app, caller, id).await?;
    request.finish()?;
    apply(app, &member, change).await
}

async fn apply(app: &App, member: &Member, change: InboxSettingsChange) -> Result<StatusCode, Problem> {
    let changed = app.store.change_inbox_settings(member, change).await?;
    changed.then_some(StatusCode::NO_CONTENT).ok_or_else(Problem::not_found)
}
