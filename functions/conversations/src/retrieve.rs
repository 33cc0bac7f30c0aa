//! `GET /api/conversations/{id}/`: one conversation.

use axum::extract::State;
use shared::{
    App,
    http::{Caller, Ids, NoParameters, Origin, People, Problem, Query, Reply},
    ids::ConversationId,
    policy::Actor,
    store::{conversations::Seat, items::Conversation},
};

use crate::view::ConversationView;

/// A conversation's representation for the caller, and its version; 404 unless the caller may know of it.
pub(crate) async fn view(
    app: &App,
    caller: &Caller,
    origin: &Origin,
    id: ConversationId,
) -> Result<(ConversationView, u64), Problem> {
    let mut details = app.store.details(caller.user, &[id]).await?;
    let actor = caller
        .actor(app, details.first().and_then(|detail| detail.member.as_ref()))
        .await?;
    details.retain(|_| actor.may_read());
    let version = details.first().map_or(0, |detail| detail.conversation.v);
    let view = ConversationView::all(app, origin, details, People::default())
        .await?
        .pop();
    view.map(|view| (view, version)).ok_or_else(Problem::not_found)
}

/// A conversation that the caller may read, and the caller before it; 404 otherwise. Whether it is closed is met by what
/// is written next; an admin without a membership asks the log now.
pub(crate) async fn seat(
    app: &App,
    caller: &Caller,
    id: ConversationId,
) -> Result<(Conversation, Actor), Problem> {
    let seat = app.store.seat(id, caller.user).await?;
    let member = seat.as_ref().and_then(|seat| seat.member.as_ref());
    let actor = caller.actor(app, member).await?;
    let open = actor.may_read() && (member.is_some() || app.store.is_open(id).await?);
    let conversation = seat
        .filter(|_| open)
        .map(|Seat { conversation, .. }| conversation);
    conversation
        .map(|conversation| (conversation, actor))
        .ok_or_else(Problem::not_found)
}

/// The conversation.
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
