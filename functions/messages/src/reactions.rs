//! `PUT` and `DELETE /api/messages/{id}/reactions/{emoji}/`: the caller reacts to a message with an emoji, and takes the reaction
//! back.

use shared::{
    App,
    http::{
        Authenticated, Caller, Code, Ids, MessageView, NoParameters, Problem, Reply, Unchecked,
        UncheckedQuery, Unversioned,
    },
    ids::MessageId,
    model::{
        emoji::Emoji,
        reactions::{MOST_EMOJI, MOST_REACTIONS, TooManyReactions},
    },
    store::reactions::{ReactionChange, ReactionError},
};

/// Reacts to a message.
///
/// The response is the same if the caller has already reacted with this emoji. Spellings of one emoji with and without
/// variation selectors are the same emoji.
#[utoipa::path(put, path = "/api/messages/{id}/reactions/{emoji}/", operation_id = "add_reaction",
    params(Ids<(MessageId, Emoji)>),
    responses((status = 200, body = MessageView), (status = 403), (status = 409)))]
pub async fn add(
    Authenticated(caller, app): Authenticated,
    Ids((id, emoji)): Ids<(MessageId, String)>,
    Unversioned(unversioned): Unversioned,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<Reply<MessageView>, Problem> {
    apply(&app, &caller, (id, emoji), query.and(unversioned), true).await
}

/// Takes a reaction back.
///
/// The response is the same if the caller has not reacted with this emoji.
#[utoipa::path(delete, path = "/api/messages/{id}/reactions/{emoji}/", operation_id = "remove_reaction",
    params(Ids<(MessageId, Emoji)>), responses((status = 200, body = MessageView), (status = 403)))]
pub async fn remove(
    Authenticated(caller, app): Authenticated,
    Ids((id, emoji)): Ids<(MessageId, String)>,
    Unversioned(unversioned): Unversioned,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<Reply<MessageView>, Problem> {
    apply(&app, &caller, (id, emoji), query.and(unversioned), false).await
}

async fn apply(
    app: &App,
    caller: &Caller,
    (id, emoji): (MessageId, String),
    request: Unchecked<(NoParameters, ())>,
    present: bool,
) -> Result<Reply<MessageView>, Problem> {
    let (_, actor) = crate::retrieve::writable(app, caller, id).await?;
    if !actor.may_react() {
        return Err(Problem::forbidden("Only participants can react to a message."));
    }
    request.check(|_, faults| {
        faults.check(Emoji::parse(&emoji));
    })?;
    let reaction = ReactionChange { emoji: Emoji::parse(&emoji)?, present };
    let message = app.store.change_reaction(id, reaction, caller.command(app)).await.map_err(refused)?;
    crate::retrieve::shown(app, &actor, message).await
}

/// Returns the answer to a reaction that was refused or failed.
fn refused(error: ReactionError) -> Problem {
    match error {
        ReactionError::NotFound => Problem::not_found(),
        ReactionError::TooMany(TooManyReactions::Emoji) => Problem::new(
            Code::TooManyReactions,
            format!("A message can have {MOST_EMOJI} different emoji. Use one of those that it has."),
        ),
        ReactionError::TooMany(TooManyReactions::Reactions) => Problem::new(
            Code::TooManyReactions,
            format!(
                "A message can have {MOST_REACTIONS} reactions, and fewer if its text has more than 40 KB. Send a \
                 message instead."
            ),
        ),
        ReactionError::Store(error) => error.into(),
    }
}
