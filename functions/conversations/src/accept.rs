//! `POST /api/conversations/{id}/accept/`: accepts an invitation. Leaving the conversation declines it.

use shared::{
    http::{Authenticated, Ids, NoParameters, Origin, Problem, Reply, UncheckedQuery},
    ids::ConversationId,
    store::consent::AcceptError,
};

use crate::{
    retrieve::{conversation_access, view},
    view::ConversationView,
};

/// Accepts an invitation.
///
/// The conversation moves to the inbox, and the caller can write in it. A repeated request has no further effect. To
/// decline, leave the conversation, or delete it if it is a direct conversation.
#[utoipa::path(post, path = "/api/conversations/{id}/accept/", operation_id = "accept_invitation",
    params(Ids<ConversationId>), responses((status = 200, body = ConversationView), (status = 403)))]
pub async fn accept(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<ConversationId>,
    origin: Origin,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<Reply<ConversationView>, Problem> {
    let (_, actor) = conversation_access(&app, &caller, id).await?;
    if actor.member.is_none() {
        return Err(Problem::forbidden("Only participants can accept an invitation."));
    }
    query.finish()?;
    app.store.accept_invitation(id, caller.command(&app)).await.map_err(refused)?;
    let (view, version) = view(&app, &caller, &origin, id).await?;
    Ok(Reply::ok(view).version(version))
}

/// Returns the answer to an invitation that was not accepted.
fn refused(error: AcceptError) -> Problem {
    match error {
        AcceptError::NotFound => Problem::not_found(),
        AcceptError::Store(error) => error.into(),
    }
}
