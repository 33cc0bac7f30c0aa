//! `/api/users/me/blocks/`: lists the users whom the caller has blocked, blocks a user, and removes a block.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::{
    App,
    http::{
        Authenticated, Code, Fields, FromFields, Ids, Limit, NoParameters, Origin, Page, Problem, Query,
        Reply, Routes, UncheckedQuery, Unversioned, UserView,
        page::{List, Owned, owned_cursor, read_owned_cursor, read_timed_position, timed_position},
        schemas::Cursor,
        typed,
        user::timestamp,
    },
    ids::UserId,
    model::Invalid,
    store::blocks::{BlockError, MOST_BLOCKS},
};
use utoipa::{IntoParams, ToSchema};

/// A blocked user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Block)]
pub struct BlockView {
    /// The blocked user; `null` if the user no longer exists. `email` and `phone_number` are always `null` here.
    #[schema(required)]
    pub user: Option<UserView>,
    /// The time of the block.
    #[serde(serialize_with = "timestamp")]
    pub blocked_at: DateTime<Utc>,
}

/// A block: its time, then the blocked user. Later blocks come first in the list.
type Position = (DateTime<Utc>, UserId);

/// A page of blocked users.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListBlocks {
    /// The maximum number of entries on the page.
    #[param(required = false)]
    pub limit: Limit,
    /// The position at which the page begins.
    #[param(value_type = Option<Cursor>)]
    pub cursor: Option<Owned<Position>>,
}

impl FromFields for ListBlocks {
    fn read(fields: &mut Fields) -> Option<Self> {
        let limit = fields.given("limit", typed).unwrap_or_default();
        let cursor = fields.optional("cursor", |text: String| position(&text));
        Some(Self { limit, cursor })
    }
}

fn position(text: &str) -> Result<Owned<Position>, Invalid> {
    let position = read_owned_cursor(List::Blocks, text)?.and_then(read_timed_position)?;
    Ok(position.map(|(time, user)| (time, UserId::new(user))))
}

fn cursor_of(owner: UserId, (time, user): Position) -> String {
    owned_cursor(List::Blocks, owner.uuid(), &timed_position((time, user.uuid())))
}

/// Lists the users whom the caller has blocked.
///
/// The newest block comes first.
#[utoipa::path(get, path = "/api/users/me/blocks/", operation_id = "list_blocks", params(ListBlocks),
    responses((status = 200, body = Page<BlockView>)))]
pub async fn list(
    Authenticated(caller, app): Authenticated,
    origin: Origin,
    Query(query): Query<ListBlocks>,
) -> Result<Reply<Page<BlockView>>, Problem> {
    let after = query.cursor.map(|cursor| cursor.of(caller.user.uuid())).transpose()?;
    let mut blocks =
        app.store.blocks(caller.user).await?.map(|blocks| blocks.newest_first()).unwrap_or_default();
    if let Some(after) = after {
        blocks.retain(|block| *block < after);
    }
    let limit = query.limit.0;
    let more = blocks.len() > limit;
    blocks.truncate(limit);
    let next = blocks.last().filter(|_| more).map(|last| {
        let cursor = cursor_of(caller.user, *last);
        origin.link(&format!("/api/users/me/blocks/?limit={limit}&cursor={cursor}"))
    });
    Ok(Reply::ok(Page { next, previous: None, results: views(&app, blocks).await? }))
}

/// Returns a blocked user.
///
/// The response is 404 if the caller has not blocked the user.
#[utoipa::path(get, path = "/api/users/me/blocks/{id}/", operation_id = "read_block", params(Ids<UserId>),
    responses((status = 200, body = BlockView)))]
pub async fn read(
    Authenticated(caller, app): Authenticated,
    Ids(user): Ids<UserId>,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<Reply<BlockView>, Problem> {
    let since = app.store.blocks(caller.user).await?.and_then(|blocks| blocks.since(user));
    let since = since.ok_or_else(Problem::not_found)?;
    query.finish()?;
    Ok(Reply::ok(view(&app, (since, user)).await?))
}

/// Blocks a user.
///
/// The blocked user cannot start a conversation with the caller and cannot add the caller to one. In shared
/// conversations, the caller sees the messages of the blocked user without their text. The blocked user is not told. The
/// response is the same if the user is blocked already. A user can block at most 1,000 users.
#[utoipa::path(put, path = "/api/users/me/blocks/{id}/", operation_id = "block_user", params(Ids<UserId>),
    responses((status = 200, body = BlockView)))]
pub async fn block(
    Authenticated(caller, app): Authenticated,
    Ids(user): Ids<UserId>,
    Unversioned(unversioned): Unversioned,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<Reply<BlockView>, Problem> {
    app.store.user(user).await?.ok_or_else(Problem::not_found)?;
    query.and(unversioned).finish()?;
    let since = add(&app, caller.user, user).await?;
    Ok(Reply::ok(view(&app, (since, user)).await?))
}

/// Adds a block of a user who exists. Returns the time since which the user is blocked.
pub(crate) async fn add(app: &App, blocker: UserId, user: UserId) -> Result<DateTime<Utc>, Problem> {
    if user == blocker {
        return Err(Problem::new(Code::InvalidRequest, "You cannot block yourself."));
    }
    app.store.block(blocker, user, app.clock.now()).await.map_err(refused)
}

/// Removes a block.
///
/// The response is the same if the caller has not blocked the user. The messages of the user are shown again, also those
/// that were sent meanwhile.
#[utoipa::path(delete, path = "/api/users/me/blocks/{id}/", operation_id = "unblock_user", params(Ids<UserId>),
    responses((status = 204)))]
pub async fn unblock(
    Authenticated(caller, app): Authenticated,
    Ids(user): Ids<UserId>,
    Unversioned(unversioned): Unversioned,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<StatusCode, Problem> {
    query.and(unversioned).finish()?;
    app.store.unblock(caller.user, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the routes that only read blocks. The chat calls them.
#[must_use]
pub fn reads() -> Routes {
    Routes::new().get("/api/users/me/blocks/", list).get("/api/users/me/blocks/{id}/", read)
}

/// Returns the answer to a block that was refused or failed.
fn refused(error: BlockError) -> Problem {
    match error {
        BlockError::TooMany => Problem::new(
            Code::InvalidRequest,
            format!("You have blocked {MOST_BLOCKS} users, which is the maximum. Remove a block first."),
        ),
        BlockError::Store(error) => error.into(),
    }
}

async fn view(app: &App, block: Position) -> Result<BlockView, Problem> {
    views(app, vec![block]).await?.pop().ok_or_else(Problem::not_found)
}

async fn views(app: &App, blocks: Vec<Position>) -> Result<Vec<BlockView>, Problem> {
    let users = blocks.iter().map(|(_, user)| *user).collect();
    let profiles = app.store.senders(users, std::collections::BTreeSet::new()).await?.profiles;
    let view = |(blocked_at, user)| BlockView {
        user: profiles.get(&user).map(|user| UserView::new(user, false)),
        blocked_at,
    };
    Ok(blocks.into_iter().map(view).collect())
}
