//! `GET /api/conversations/{id}/changes/`: reads the change log after a number, in order. New messages are not part of
//! it.

use serde::Deserialize;
use shared::{
    http::{
        Authenticated, ChangeView, Fields, FromFields, Ids, Limit, Origin, Page, Problem, Reply,
        UncheckedQuery, schemas::ChangeNumber, typed,
    },
    ids::{ConversationId, MAX_NUMBER},
    model::Invalid,
};
use utoipa::{IntoParams, ToSchema};

use crate::retrieve::conversation_access;

/// A page of changes.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListChanges {
    /// Returns only changes with a higher number than this.
    #[param(value_type = ChangeNumber, required = false)]
    after: u64,
    /// The maximum number of entries on the page.
    #[param(required = false)]
    limit: Limit,
    /// The order of the page.
    #[param(inline, required = false)]
    order: Order,
}

/// The order of the changes. `oldest` lists all pages, oldest first. `newest` lists one page, newest first, for a
/// client that has no earlier changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(default = "oldest")]
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

/// Lists the changes of a conversation.
///
/// Changes are edits and deletions of messages, reactions to them, pins, and changes of the participants, their roles, the
/// name and the metadata. They are numbered in their order. If `after` is the last number or a higher one, the page is
/// empty.
#[utoipa::path(get, path = "/api/conversations/{id}/changes/", operation_id = "list_changes",
    params(Ids<ConversationId>, ListChanges), responses((status = 200, body = Page<ChangeView>)))]
pub async fn list(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<ConversationId>,
    origin: Origin,
    UncheckedQuery(query): UncheckedQuery<ListChanges>,
) -> Result<Reply<Page<ChangeView>>, Problem> {
    let ListChanges { after, limit: Limit(limit), order } = match query.finish() {
        Ok(query) => query,
        Err(problem) => {
            conversation_access(&app, &caller, id).await?;
            return Err(problem);
        }
    };
    let (member, changes) = match order {
        Order::Oldest => app.store.changes_after(id, caller.user, after, limit).await?,
        Order::Newest => {
            let (member, changes) = app.store.newest_changes(id, caller.user, after, limit).await?;
            (member, changes.map(|changes| (changes, false)))
        }
    };
    let actor = caller.actor(&app, member.as_ref()).await?;
    let readable = caller.may_read(&app, &actor, id).await?;
    let (changes, more) = changes.filter(|_| readable).ok_or_else(Problem::not_found)?;
    let next = changes.last().filter(|_| more).map(|last| {
        origin.link(&format!("/api/conversations/{id}/changes/?after={}&limit={limit}", last.number))
    });
    let results = changes.into_iter().map(ChangeView::from).collect();
    Ok(Reply::ok(Page { next, previous: None, results }))
}
