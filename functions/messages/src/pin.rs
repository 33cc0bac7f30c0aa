//! `PUT` and `DELETE /api/messages/{id}/pin/`: pins a message in its conversation, and removes the pin. The list of pins is in the
//! function `conversations`.

use shared::{
    App,
    http::{
        Authenticated, Caller, Code, Ids, MessageView, NoParameters, Problem, Reply, Unchecked,
        UncheckedQuery, Unversioned,
    },
    ids::MessageId,
    store::pins::{MOST_PINS, PinError},
};

/// Pins a message.
///
/// Every participant can pin messages and remove pins. The response is the same if the message is already pinned.
#[utoipa::path(put, path = "/api/messages/{id}/pin/", operation_id = "pin_message", params(Ids<MessageId>),
    responses((status = 200, body = MessageView), (status = 403), (status = 409)))]
pub async fn pin(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<MessageId>,
    Unversioned(unversioned): Unversioned,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<Reply<MessageView>, Problem> {
    apply(&app, &caller, id, query.and(unversioned), true).await
}

/// Removes the pin of a message.
///
/// The response is the same if the message is not pinned.
#[utoipa::path(delete, path = "/api/messages/{id}/pin/", operation_id = "unpin_message", params(Ids<MessageId>),
    responses((status = 200, body = MessageView), (status = 403)))]
pub async fn unpin(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<MessageId>,
    Unversioned(unversioned): Unversioned,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<Reply<MessageView>, Problem> {
    apply(&app, &caller, id, query.and(unversioned), false).await
}

async fn apply(
    app: &App,
    caller: &Caller,
    id: MessageId,
    request: Unchecked<(NoParameters, ())>,
    pinned: bool,
) -> Result<Reply<MessageView>, Problem> {
    let (_, actor) = crate::retrieve::writable(app, caller, id).await?;
    if !actor.may_pin() {
        return Err(Problem::forbidden("Only participants and admins can pin messages."));
    }
    request.finish()?;
    let message = app.store.change_pin(id, pinned, caller.command(app)).await.map_err(refused)?;
    crate::retrieve::shown(app, &actor, message).await
}

/// Returns the answer to a change of a pin that was refused or failed.
fn refused(error: PinError) -> Problem {
    match error {
        PinError::NotFound => Problem::not_found(),
        PinError::TooMany => Problem::new(
            Code::TooManyPins,
            format!("A conversation can have {MOST_PINS} pinned messages. Remove a pin first."),
        ),
        PinError::Store(error) => error.into(),
    }
}
