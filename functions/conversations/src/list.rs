//! `GET /api/conversations/`: the inbox, by last activity.

use std::cmp::Reverse;

use axum::extract::State;
use serde::Deserialize;
use shared::{
    App,
    http::{
        Caller, Limit, Origin, Page, People, Problem, Query, Reply,
        page::{List, bad_cursor, cursor, read_cursor},
    },
    ids::ConversationId,
    model::conversation::Kind,
    store::{inbox::Detail, table::Activity},
};
use uuid::Uuid;

use crate::view::ConversationView;

/// A page of the inbox.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListConversations {
    /// At most so many, 1 to 100; 20 without it.
    #[serde(default = "usual_limit")]
    limit: Limit,
    /// Where the list goes on.
    cursor: Option<String>,
}

const fn usual_limit() -> Limit {
    Limit(20)
}

fn position(text: &str) -> Result<Activity, Problem> {
    let bytes: [u8; 20] = read_cursor(List::Conversations, text)?;
    let (hour, id) = bytes.split_at(4);
    let hour = hour.try_into().map(u32::from_be_bytes).ok();
    let id = Uuid::from_slice(id).ok().and_then(ConversationId::from_uuid);
    hour.zip(id)
        .map(|(hour, conversation)| Activity { hour, conversation })
        .ok_or_else(bad_cursor)
}

fn cursor_of(activity: Activity) -> String {
    let bytes = [
        activity.hour.to_be_bytes().as_slice(),
        activity.conversation.uuid().as_bytes(),
    ]
    .concat();
    cursor(List::Conversations, &bytes)
}

/// Shown in the list: the caller takes part, and has not hidden it since the last message.
fn is_listed(detail: &Detail) -> bool {
    let hidden = |base: u64| detail.conversation.kind == Kind::Direct && base > 0 && detail.newest.is_empty();
    detail.member.as_ref().is_some_and(|member| !hidden(member.base))
}

/// A page of conversations; inside it the order is by newest message.
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    origin: Origin,
    Query(query): Query<ListConversations>,
) -> Result<Reply<Page<ConversationView>>, Problem> {
    let position = query.cursor.as_deref().map(position).transpose()?;
    let limit = query.limit.0;
    let (active, more) = app
        .store
        .active_conversations(caller.user, position, limit)
        .await?;
    let ids: Vec<ConversationId> = active.iter().map(|activity| activity.conversation).collect();
    let mut details = app.store.details(caller.user, &ids).await?;
    details.retain(is_listed);
    details.sort_by_key(|detail| {
        Reverse(
            detail
                .newest
                .first()
                .map_or(detail.conversation.created_at, |message| message.sent_at),
        )
    });
    let results = ConversationView::all(&app, &origin, details, People::default()).await?;
    let next = active.last().filter(|_| more).map(|last| {
        origin.link(&format!(
            "/api/conversations/?limit={limit}&cursor={}",
            cursor_of(*last)
        ))
    });
    Ok(Reply::ok(Page {
        next,
        previous: None,
        results,
    }))
}
