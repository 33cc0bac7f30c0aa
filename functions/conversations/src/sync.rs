//! `POST /api/sync/`: returns everything above the numbers that a client holds, in pages. A client that was away, for a
//! second or for a month, catches up with it.

mod request;

use chrono::{DateTime, Utc};
use futures::future::try_join;
use serde::Serialize;
use shared::{
    http::{
        Authenticated, ChangeView, MessageView, Problem, Reply, Unchecked, VisibleUsers,
        schemas::{self, ConversationName, Cursor},
        user::timestamp,
    },
    ids::{ConversationId, MessageId, UserId},
    model::{Invalid, Metadata, conversation::ConversationKind},
    store::sync::{SyncPage, Synced},
};
use utoipa::ToSchema;

use self::request::{Held, Sync};
use crate::view::ConversationState;

/// A page of everything above the numbers of the request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncPage)]
pub struct SyncView {
    /// The `cursor` of the next page; `null` if the client has everything.
    #[schema(value_type = Option<Cursor>, required)]
    next: Option<String>,
    /// The conversations of this page, in the order of their ids.
    conversations: Vec<SyncedView>,
    /// The messages above the last message that the client holds, in the order of their ids. Deleted messages are
    /// tombstones.
    messages: Vec<MessageView>,
    /// The changes above the last change that the client holds, by conversation and number.
    changes: Vec<ChangeView>,
    /// The named conversations of which the caller is not a participant, or which the caller has hidden. Clients should
    /// remove them.
    gone: Vec<ConversationId>,
}

/// A conversation of a page, without its messages and participants.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncedConversation)]
pub struct SyncedView {
    /// The id of the conversation.
    conversation_id: ConversationId,
    /// The numbers of the last message and of the last change that the client holds after this page. They belong
    /// into the next call.
    #[schema(value_type = Held)]
    numbers: [u64; 2],
    /// The last message that the caller has read, on any device; `null` if there is none.
    #[schema(required)]
    read: Option<MessageId>,
    /// The last message that the caller has hidden, on any device; `null` if there is none. Clients should remove it and
    /// all messages before it.
    #[schema(required)]
    hidden: Option<MessageId>,
    /// The state of the conversation for the caller.
    state: ConversationState,
    /// True if the caller has muted the conversation.
    muted: bool,
    /// The kind of the conversation.
    kind: ConversationKind,
    /// The name of a group; `null` if it has none.
    #[schema(value_type = Option<ConversationName>, required)]
    name: Option<String>,
    /// The client's own data.
    #[schema(value_type = Option<schemas::Metadata>, required)]
    metadata: Option<Metadata>,
    /// The number of participants.
    participant_count: u64,
    /// The user who created the conversation.
    created_by: UserId,
    /// The time when the conversation was created.
    #[serde(serialize_with = "timestamp")]
    created_at: DateTime<Utc>,
}

impl From<Synced> for SyncedView {
    fn from(Synced { conversation, member, is_archived, reached }: Synced) -> Self {
        let id = conversation.id;
        let message = |number: u64| (number > 0).then(|| id.message(number));
        Self {
            conversation_id: id,
            numbers: [reached.message, reached.change],
            read: message(member.read),
            hidden: message(member.base),
            state: ConversationState::of(Some(&member), is_archived),
            muted: member.muted,
            kind: conversation.kind,
            name: conversation.name,
            metadata: conversation.metadata,
            participant_count: conversation.participant_count,
            created_by: conversation.created_by,
            created_at: conversation.created_at,
        }
    }
}

impl SyncView {
    fn new(page: SyncPage, next: Option<String>, visible_users: &VisibleUsers) -> Self {
        let view = |message| MessageView::new(message, visible_users);
        Self {
            next,
            conversations: page.conversations.into_iter().map(SyncedView::from).collect(),
            messages: page.messages.into_iter().map(view).collect(),
            changes: page.changes.into_iter().map(ChangeView::from).collect(),
            gone: page.gone,
        }
    }
}

/// Returns everything above the numbers that the client holds.
///
/// The answer contains the messages and changes above these numbers, the caller's read marks, and the conversations that are new
/// to the client, each with at most 20 of its newest messages. A call without `conversations` returns all of
/// them. To get the next page, send the same request with `next` as the `cursor`. Numbers never expire. Invitations
/// are not new conversations.
#[utoipa::path(post, path = "/api/sync/", operation_id = "sync", request_body = Sync,
    responses((status = 200, body = SyncView)))]
pub async fn sync(
    Authenticated(caller, app): Authenticated,
    request: Unchecked<Sync>,
) -> Result<Reply<SyncView>, Problem> {
    let request = request.check(|request, faults| {
        faults.check(request.position(caller.user));
    })?;
    let request = request.of(caller.user)?;
    let page = async { Ok(app.store.sync_page(&request.pages()).await?) };
    let (page, role) = try_join(page, caller.role(&app)).await?;
    if !page.beyond.is_empty() {
        return Err(page.beyond.into_iter().map(beyond).collect::<Vec<_>>().into());
    }
    let members = page.conversations.iter().map(|synced| &synced.member);
    let senders = page.messages.iter().map(|message| (message.conversation, message.sender));
    let visible_users = VisibleUsers::seen_by(&caller).of_role(role).members(members);
    let visible_users = visible_users.find_senders(&app, senders).await?;
    let next = page.next.map(|position| request.cursor(position));
    Ok(Reply::ok(SyncView::new(page, next, &visible_users)))
}

/// Returns the fault of numbers above the ends of the logs. With them, the client would miss the next entries.
fn beyond(id: ConversationId) -> Invalid {
    let reason = "must not be above the last message and the last change; send [0, 0] to get all entries";
    Invalid::new(format!("conversations.{id}"), reason)
}
