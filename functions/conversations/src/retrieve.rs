//! `GET /api/conversations/{id}/`: reads one conversation. Other endpoints use its access check.

use shared::{
    App,
    http::{Authenticated, Caller, Ids, NoParameters, Origin, Problem, Reply, UncheckedQuery, VisibleUsers},
    ids::ConversationId,
    policy::Actor,
    store::{conversations::ConversationAccess, items::Conversation},
};

use crate::view::ConversationView;

/// Returns the caller's view of a conversation, and its version. Fails with a 404 unless the caller may know about it.
pub(crate) async fn view(
    app: &App,
    caller: &Caller,
    origin: &Origin,
    id: ConversationId,
) -> Result<(ConversationView, u64), Problem> {
    // The version is read before the content. If another request changes the conversation between the two reads, the
    // `ETag` is too old: an edit with it gets a 412 and cannot overwrite the change.
    let (conversation, actor) = conversation_access(app, caller, id).await?;
    let detail = app.store.detail(caller.user, id).await?.ok_or_else(Problem::not_found)?;
    let view = ConversationView::of(app, origin, detail, VisibleUsers::of(&actor, id)).await?;
    Ok((view, conversation.version))
}

/// Returns a conversation that the caller may read, and the caller as an actor in it; fails with a 404 otherwise. If a
/// participant's conversation is closed, the next write notices it. For an admin without a membership, the log is read
/// now.
pub(crate) async fn conversation_access(
    app: &App,
    caller: &Caller,
    id: ConversationId,
) -> Result<(Conversation, Actor), Problem> {
    let (conversation, actor) = standing(app, caller, id).await?;
    let readable = caller.may_read(app, &actor, id).await?;
    if readable { Ok((conversation, actor)) } else { Err(Problem::not_found()) }
}

/// Returns a conversation like [`conversation_access`]; fails with a 403 if the caller is invited and has not accepted.
pub(crate) async fn accepted_access(
    app: &App,
    caller: &Caller,
    id: ConversationId,
) -> Result<(Conversation, Actor), Problem> {
    let (conversation, actor) = conversation_access(app, caller, id).await?;
    if actor.is_invited() { Err(Problem::not_accepted()) } else { Ok((conversation, actor)) }
}

/// Returns a conversation like [`conversation_access`], also if it is closed: a repeated deletion completes an
/// interrupted one.
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

/// Returns a conversation.
///
/// The participants and the newest messages are nested. Send the `ETag` in `If-Match` to change the conversation.
#[utoipa::path(get, path = "/api/conversations/{id}/", operation_id = "read_conversation", params(Ids<ConversationId>),
    responses((status = 200, body = ConversationView)))]
pub async fn retrieve(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<ConversationId>,
    origin: Origin,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<Reply<ConversationView>, Problem> {
    let (view, version) = view(&app, &caller, &origin, id).await?;
    query.finish()?;
    Ok(Reply::ok(view).version(version))
}
