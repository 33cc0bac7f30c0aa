//! `GET /api/conversations/{id}/`: one conversation.

use axum::extract::State;
use shared::{
    App,
    http::{Caller, Ids, NoParameters, Origin, Problem, Query, Reply, VisibleUsers},
    ids::ConversationId,
    policy::Actor,
    store::{conversations::ConversationAccess, items::Conversation},
};

use crate::view::ConversationView;

/// A conversation's representation for the caller, and its version; 404 unless the caller may know of it.
pub(crate) async fn view(
    app: &App,
    caller: &Caller,
    origin: &Origin,
    id: ConversationId,
) -> Result<(ConversationView, u64), Problem> {
    // The version is read before what it is the version of: a client that puts an older copy back meets a newer one.
    let (conversation, actor) = conversation_access(app, caller, id).await?;
    let detail = app.store.detail(caller.user, id).await?.ok_or_else(Problem::not_found)?;
    let view = ConversationView::of(app, origin, detail, VisibleUsers::of(&actor)).await?;
    Ok((view, conversation.version))
}

/// A conversation that the caller may read, and the caller before it; 404 otherwise. Whether it is closed is met by what
/// is written next; an admin without a membership asks the log now.
pub(crate) async fn conversation_access(
    app: &App,
    caller: &Caller,
    id: ConversationId,
) -> Result<(Conversation, Actor), Problem> {
    let (conversation, actor) = standing(app, caller, id).await?;
    let open = actor.member.is_some() || app.store.is_open(id).await?;
    if open { Ok((conversation, actor)) } else { Err(Problem::not_found()) }
}

/// The same, closed or not: for who deletes it, and may have to finish that.
pub(crate) async fn standing(
    app: &App,
    caller: &Caller,
    id: ConversationId,
) -> Result<(Conversation, Actor), Problem> {
    let access = app.store.conversation_access(id, caller.user).await?;
    let actor = caller.actor(app, access.as_ref().and_then(|access| access.member.as_ref())).await?;
    let readable = access.filter(|_| actor.may_read());
    let conversation = readable.map(|ConversationAccess { conversation, .. }| conversation);
    conversation.map(|conversation| (conversation, actor)).ok_or_else(Problem::not_found)
}

/// Reads a conversation.
///
/// Its participants and newest messages are nested. The `ETag` is for `If-Match`.
#[utoipa::path(get, path = "/api/conversations/{id}/", operation_id = "read_conversation", params(Ids<ConversationId>),
    responses((status = 200, body = ConversationView)))]
pub async fn retrieve(
    caller: Caller,
    State(app): State<App>,
    Ids(id): Ids<ConversationId>,
    origin: Origin,
    Query(NoParameters {}): Query<NoParameters>,
) -> Result<Reply<ConversationView>, Problem> {
    let (view, version) = view(&app, &caller, &origin, id).await?;
    Ok(Reply::ok(view).version(version))
}
