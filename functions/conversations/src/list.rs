//! `GET /api/conversations/`: the inbox, by last activity.

use std::cmp::Reverse;

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde_json::value::{RawValue, to_raw_value};
use shared::{
    App,
    http::{
        Caller, Fields, FromFields, Limit, Origin, Page, People, Problem, Query, Reply,
        describe::Cursor,
        page::{List, bad_cursor, cursor, read_cursor},
        typed,
    },
    ids::ConversationId,
    model::Invalid,
    store::{inbox::Detail, table::Activity},
};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::view::ConversationView;

/// A page of the inbox.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListConversations {
    /// At most so many, 1 to 100; 20 without it.
    #[param(required = false)]
    limit: Limit,
    /// Where the list goes on.
    #[param(value_type = Option<Cursor>)]
    cursor: Option<Activity>,
}

const USUAL_LIMIT: Limit = Limit(20);

impl FromFields for ListConversations {
    fn read(fields: &mut Fields) -> Option<Self> {
        let limit = fields.given("limit", typed).unwrap_or(USUAL_LIMIT);
        Some(Self { limit, cursor: fields.optional("cursor", position) })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form of a field's rule")]
fn position(text: String) -> Result<Activity, Invalid> {
    let bytes: [u8; 20] = read_cursor(List::Conversations, &text)?;
    let (hour, id) = bytes.split_at(4);
    let hour = hour.try_into().map(u32::from_be_bytes).ok();
    let id = Uuid::from_slice(id).ok().and_then(ConversationId::from_uuid);
    hour.zip(id).map(|(hour, conversation)| Activity { hour, conversation }).ok_or_else(bad_cursor)
}

fn cursor_of(activity: Activity) -> String {
    let bytes = [activity.hour.to_be_bytes().as_slice(), activity.conversation.uuid().as_bytes()].concat();
    cursor(List::Conversations, &bytes)
}

/// Shown in the list: the caller takes part, and has not hidden it since the last message.
fn is_listed(detail: &Detail) -> bool {
    detail.member.as_ref().is_some_and(|member| !member.hidden || !detail.newest.is_empty())
}

/// Where a conversation stands on its page: by its newest message.
fn place(detail: &Detail) -> (Reverse<DateTime<Utc>>, ConversationId) {
    let newest = detail.newest.first().map(|message| message.sent_at);
    (Reverse(newest.unwrap_or(detail.conversation.created_at)), detail.conversation.id)
}

/// About what an answer may take once Lambda has put its JSON into a JSON string, which ends at 6 MB.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// What a representation takes then: quotation marks and backslashes are doubled once more.
fn bytes(view: &RawValue) -> usize {
    let text = view.get();
    text.len() + text.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}

/// Lists the own conversations.
///
/// By last activity; inside a page the order is by newest message.
#[utoipa::path(get, path = "/api/conversations/", operation_id = "list_conversations", params(ListConversations),
    responses((status = 200, body = Page<ConversationView>)))]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    origin: Origin,
    Query(query): Query<ListConversations>,
) -> Result<Reply<Page<Box<RawValue>>>, Problem> {
    let position = query.cursor;
    let limit = query.limit.0;
    let (active, more) = app.store.active_conversations(caller.user, position, limit).await?;
    let ids: Vec<ConversationId> = active.iter().map(|activity| activity.conversation).collect();
    let mut details = app.store.details(caller.user, &ids).await?;
    details.retain(is_listed);
    let places: Vec<(Reverse<DateTime<Utc>>, ConversationId)> = details.iter().map(place).collect();
    let views = ConversationView::all(&app, &origin, details, People::seen_by(&caller)).await?;
    let (mut taken, mut room, mut last) = (Vec::new(), ANSWER_BYTES, active.last().copied().filter(|_| more));
    for ((time, id), view) in places.into_iter().zip(views) {
        let view = to_raw_value(&view).map_err(Problem::internal)?;
        if bytes(&view) > room && !taken.is_empty() {
            // The page ends here, in the order of the list, and the next one begins with this conversation.
            let before = active.iter().take_while(|activity| activity.conversation != id);
            last = before.last().copied();
            break;
        }
        room = room.saturating_sub(bytes(&view));
        taken.push((time, view));
    }
    taken.sort_by_key(|(time, _)| *time);
    let results = taken.into_iter().map(|(_, view)| view).collect();
    let next = last.map(|last| {
        let cursor = cursor_of(last);
        origin.link(&format!("/api/conversations/?limit={limit}&cursor={cursor}"))
    });
    Ok(Reply::ok(Page { next, previous: None, results }))
}
