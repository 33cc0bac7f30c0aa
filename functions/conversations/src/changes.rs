//! `GET /api/conversations/{id}/changes/`: what happened besides new messages, after a number, in order.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    App,
    http::{
        Caller, Fields, FromFields, Ids, Limit, Origin, Page, Problem, Query, Reply, describe::ChangeNumber,
        typed, user::timestamp,
    },
    ids::{ConversationId, MAX_NUMBER, MessageId, UserId},
    model::Invalid,
    store::items::{Change, ChangeKind},
};
use utoipa::{IntoParams, ToSchema};

/// Which changes.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListChanges {
    /// Those with higher numbers; all without it.
    #[param(value_type = ChangeNumber, required = false)]
    after: u64,
    /// At most so many, 1 to 100.
    #[param(required = false)]
    limit: Limit,
    /// Oldest first, page by page, without it.
    #[param(inline, required = false)]
    order: Order,
}

/// The order of a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Order {
    /// Oldest first.
    #[default]
    Oldest,
    /// Newest first and one page only: where a client begins that has the messages as they are now.
    Newest,
}

impl FromFields for ListChanges {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            after: fields.given("after", number).unwrap_or_default(),
            limit: fields.given("limit", typed).unwrap_or_default(),
            order: fields.given("order", typed).unwrap_or_default(),
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form of a field's rule")]
fn number(text: String) -> Result<u64, Invalid> {
    let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    number
        .filter(|number| *number < MAX_NUMBER)
        .ok_or_else(|| Invalid::new("after", "must be the number of a change"))
}

/// A change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
pub struct ChangeView {
    number: u64,
    kind: ChangeKind,
    /// The message that it happened to; read it again if its `revision` is older.
    #[schema(required)]
    message: Option<MessageId>,
    /// The participants that it happened to.
    users: Vec<UserId>,
    actor: UserId,
    /// The revision, of the message or of the conversation, that resulted.
    revision: u64,
    #[serde(serialize_with = "timestamp")]
    changed_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    participant_count: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    owners: Vec<UserId>,
}

impl From<Change> for ChangeView {
    fn from(change: Change) -> Self {
        Self {
            number: change.number,
            kind: change.kind,
            message: change.message.map(|number| change.conversation.message(number)),
            users: change.users,
            actor: change.actor,
            revision: change.revision,
            changed_at: change.changed_at,
            participant_count: change.participant_count,
            owners: change.owners,
        }
    }
}

/// Lists changes.
///
/// What happened besides new messages, after a number, oldest first unless asked for otherwise.
#[utoipa::path(get, path = "/api/conversations/{id}/changes/", operation_id = "list_changes",
    params(Ids<ConversationId>, ListChanges), responses((status = 200, body = Page<ChangeView>)))]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    Ids(id): Ids<ConversationId>,
    origin: Origin,
    Query(ListChanges { after, limit: Limit(limit), order }): Query<ListChanges>,
) -> Result<Reply<Page<ChangeView>>, Problem> {
    let (member, changes) = match order {
        Order::Oldest => app.store.changes_after(id, caller.user, after, limit).await?,
        Order::Newest => {
            let (member, changes) = app.store.newest_changes(id, caller.user, after, limit).await?;
            (member, changes.map(|changes| (changes, false)))
        }
    };
    let actor = caller.actor(&app, member.as_ref()).await?;
    let open = actor.may_read() && (member.is_some() || app.store.is_open(id).await?);
    let (changes, more) = changes.filter(|_| open).ok_or_else(Problem::not_found)?;
    let next = changes.last().filter(|_| more).map(|last| {
        origin.link(&format!("/api/conversations/{id}/changes/?after={}&limit={limit}", last.number))
    });
    let results = changes.into_iter().map(ChangeView::from).collect();
    Ok(Reply::ok(Page { next, previous: None, results }))
}
