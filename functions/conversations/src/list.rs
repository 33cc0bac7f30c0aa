//! `GET /api/conversations/`: the inbox, which is the list of the caller's conversations by their last activity.

use chrono::DateTime;
use futures::future::try_join;
use serde::{Deserialize, Deserializer, de};
use serde_json::value::{RawValue, to_raw_value};
use shared::{
    App,
    http::{
        Authenticated, Caller, Fields, FromFields, Limit, Origin, Page, Problem, Query, Reply, VisibleUsers,
        page::{List, Owned, bad_cursor, owned_cursor, read_owned_cursor},
        schemas::{Cursor, InboxLimit},
        typed,
    },
    ids::{ConversationId, UserId},
    model::Invalid,
    store::{
        StoreError,
        inbox::{
            Detail, InboxCursor, InboxPage, InboxPosition, InboxRequest, InvitationsRequest, NESTED_MESSAGES,
        },
        table::Activity,
    },
};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::view::{ConversationState, ConversationView, Nesting};

/// A page of the inbox.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListConversations {
    /// The maximum number of entries on the page.
    #[param(value_type = InboxLimit, required = false)]
    limit: Limit,
    /// The maximum number of messages nested in each conversation. `last_message` is always included.
    #[param(required = false, value_type = u8, minimum = 0, maximum = 20, default = 20)]
    messages: Nested,
    /// The state of the conversations. An invitation nests at most 5 messages.
    #[param(inline, required = false)]
    state: ConversationState,
    /// The position at which the page begins.
    #[param(value_type = Option<Cursor>)]
    cursor: Option<Owned<InboxCursor>>,
}

impl FromFields for ListConversations {
    fn read(fields: &mut Fields) -> Option<Self> {
        let limit = fields.given("limit", typed).unwrap_or(InboxLimit::DEFAULT);
        let messages = fields.given("messages", typed).unwrap_or_default();
        let state = fields.given("state", typed).unwrap_or_default();
        let cursor = fields.optional("cursor", |text: String| position(state, &text));
        Some(Self { limit, messages, state, cursor })
    }
}

/// The maximum number of nested messages in each conversation: the parameter `messages`, from 0 to 20.
#[derive(Debug, Clone, Copy)]
pub struct Nested(usize);

impl Default for Nested {
    fn default() -> Self {
        Self(NESTED_MESSAGES)
    }
}

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        match number {
            Some(count @ 0..=NESTED_MESSAGES) => Ok(Self(count)),
            _ => Err(de::Error::custom("must be a number from 0 to 20")),
        }
    }
}

/// Reads a cursor: the hour and conversation of the window, the time and conversation of the position, and the hour and
/// conversation of the window's end. Zeros mean `None`.
fn position(state: ConversationState, text: &str) -> Result<Owned<InboxCursor>, Invalid> {
    cursor_bytes(list_of(state), text)?.and_then(position_of)
}

/// Returns the list of a state. A cursor of one list is not valid for the others.
const fn list_of(state: ConversationState) -> List {
    match state {
        ConversationState::Active => List::ActiveConversations,
        ConversationState::Archived => List::ArchivedConversations,
        ConversationState::Invited => List::Invitations,
    }
}

fn position_of(bytes: [u8; 64]) -> Result<InboxCursor, Invalid> {
    let conversation = |at: usize| {
        let id = bytes.get(at..at + 16).and_then(|bytes| Uuid::from_slice(bytes).ok());
        id.and_then(ConversationId::from_uuid)
    };
    let hour = |at: usize| bytes[at..].first_chunk().map(|hour| u32::from_be_bytes(*hour));
    let time =
        bytes[20..].first_chunk().and_then(|time| DateTime::from_timestamp_micros(i64::from_be_bytes(*time)));
    let window = conversation(4).zip(hour(0)).map(|(conversation, hour)| Activity { hour, conversation });
    let end = conversation(48).zip(hour(44)).map(|(conversation, hour)| Activity { hour, conversation });
    let before = conversation(28).zip(time);
    let before = before.map(|(conversation, active_at)| InboxPosition { active_at, conversation });
    let position = InboxCursor { window, end, before };
    // The position of a cursor has the same bytes again. Other bytes are refused.
    if bytes_of(position) == bytes { Ok(position) } else { Err(bad_cursor()) }
}

/// Returns the bytes of a cursor. The end of the window is left out where sizes do not decide on it.
fn cursor_bytes(list: List, text: &str) -> Result<Owned<[u8; 64]>, Invalid> {
    let Ok(start) = read_owned_cursor::<44>(list, text) else {
        return read_owned_cursor(list, text);
    };
    Ok(start.map(|start| {
        let mut bytes = [0; 64];
        bytes[..44].copy_from_slice(&start);
        bytes
    }))
}

fn cursor_of(state: ConversationState, owner: UserId, position: InboxCursor) -> String {
    let bytes = bytes_of(position);
    let used = if position.end.is_some() { &bytes[..] } else { &bytes[..44] };
    owned_cursor(list_of(state), owner.uuid(), used)
}

fn bytes_of(InboxCursor { window, end, before }: InboxCursor) -> [u8; 64] {
    let id = |conversation: Option<ConversationId>| {
        *conversation.map_or_else(Uuid::nil, ConversationId::uuid).as_bytes()
    };
    let hour = |activity: Option<Activity>| activity.map_or(0, |activity| activity.hour).to_be_bytes();
    let hours = [hour(window), hour(end)];
    let time = before.map_or(0, |before| before.active_at.timestamp_micros()).to_be_bytes();
    let parts = [
        hours[0].as_slice(),
        &id(window.map(|window| window.conversation)),
        &time,
        &id(before.map(|before| before.conversation)),
        &hours[1],
        &id(end.map(|end| end.conversation)),
    ];
    let mut bytes = [0; 64];
    for (to, from) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
    bytes
}

/// The approximate maximum size of an answer, in bytes. Lambda sends its JSON inside a JSON string, which may have 6
/// MB.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Returns the size of a view inside a JSON string, where quotation marks and backslashes take one byte more.
fn bytes(view: &RawValue) -> usize {
    let text = view.get();
    text.len() + text.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}

/// Lists the caller's conversations.
///
/// Lists the conversations of the inbox, with `state=archived` those that the caller has archived, or with `state=invited`
/// those that wait for the caller's answer, the newest invitation first. In the inbox and in the archive, the
/// conversation with the latest activity comes first. The latest activity is the newest message, deleted or not, or the
/// time of joining if that is later. A page with large conversations has fewer entries. A page can be empty before the end
/// of the list. `next` is `null` only at the end of the list.
#[utoipa::path(get, path = "/api/conversations/", operation_id = "list_conversations", params(ListConversations),
    responses((status = 200, body = Page<ConversationView>)))]
pub async fn list(
    Authenticated(caller, app): Authenticated,
    origin: Origin,
    Query(query): Query<ListConversations>,
) -> Result<Reply<Page<Box<RawValue>>>, Problem> {
    let (limit, messages) = (query.limit.0, query.messages.0);
    let cursor = query.cursor.map(|cursor| cursor.of(caller.user.uuid())).transpose()?.unwrap_or_default();
    let page = async { Ok(page(&app, &caller, &query, cursor).await?) };
    let (page, role) = try_join(page, caller.role(&app)).await?;
    let nesting = Nesting { messages, budget: page.budget };
    let (positions, details): (Vec<InboxPosition>, Vec<Detail>) =
        page.listed.into_iter().map(|listed| (listed.position, listed.detail)).unzip();
    let visible_users = VisibleUsers::seen_by(&caller).of_role(role);
    let views = ConversationView::all(&app, &origin, details, nesting, visible_users).await?;
    let results = fitting(&views)?;
    let last = positions.get(results.len().wrapping_sub(1)).filter(|_| results.len() < positions.len());
    let next =
        last.map(|last| InboxCursor { before: Some(*last), ..page.window }).or(page.next).map(|next| {
            let cursor = cursor_of(query.state, caller.user, next);
            let state = query.state.parameter();
            origin.link(&format!(
                "/api/conversations/?limit={limit}&messages={messages}{state}&cursor={cursor}"
            ))
        });
    Ok(Reply::ok(Page { next, previous: None, results }))
}

async fn page(
    app: &App,
    caller: &Caller,
    query: &ListConversations,
    cursor: InboxCursor,
) -> Result<InboxPage, StoreError> {
    let (user, limit, messages) = (caller.user, query.limit.0, query.messages.0);
    match query.state {
        ConversationState::Active | ConversationState::Archived => {
            let archived = query.state == ConversationState::Archived;
            app.store.inbox_page(&InboxRequest { user, cursor, archived, limit, messages }).await
        }
        ConversationState::Invited => {
            let request = InvitationsRequest { user, before: cursor.before, limit, messages };
            app.store.invitations_page(&request).await
        }
    }
}

/// Returns the first views that fit into one answer together, and always the first one.
fn fitting(views: &[ConversationView]) -> Result<Vec<Box<RawValue>>, Problem> {
    let (mut fitting, mut room) = (Vec::with_capacity(views.len()), ANSWER_BYTES);
    for view in views {
        let view = to_raw_value(view).map_err(Problem::internal)?;
        if bytes(&view) > room && !fitting.is_empty() {
            break;
        }
        room = room.saturating_sub(bytes(&view));
        fitting.push(view);
    }
    Ok(fitting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_made() {
        let (ann, conversation) = (UserId::new(Uuid::from_u128(1)), ConversationId::from_prefix([7; 10]));
        let window = Some(Activity { hour: 497_222, conversation });
        let active_at = DateTime::from_timestamp_micros(1_790_000_000_000_001).unwrap();
        let before = Some(InboxPosition { active_at, conversation });
        for (window, before) in [(None, None), (window, None), (None, before), (window, before)] {
            for end in [None, Some(Activity { hour: 1, conversation })] {
                let made = InboxCursor { window, end, before };
                let text = cursor_of(ConversationState::Active, ann, made);
                let read = position(ConversationState::Active, &text).unwrap();
                assert_eq!((read.of(ann.uuid()), read.of(Uuid::nil())), (Ok(made), Err(bad_cursor())));
                for other in [ConversationState::Archived, ConversationState::Invited] {
                    assert!(position(other, &text).is_err());
                }
            }
        }
        for stray in [&[1; 44][..], &[1; 64]] {
            let text = owned_cursor(List::ActiveConversations, ann.uuid(), stray);
            assert!(position(ConversationState::Active, &text).is_err());
        }
    }
}
