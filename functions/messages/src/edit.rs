//! `PUT` and `PATCH /api/messages/{id}/`: the sender changes the text or the metadata of a message.

use shared::{
    App,
    http::{
        Authenticated, Caller, Code, Fields, FromFields, Ids, IfMatch, MessageView, Problem, Reply,
        RequestBody, Unchecked,
        schemas::{self, MessageBody},
        typed,
    },
    ids::MessageId,
    model::{Invalid, Metadata, MetadataChange, message},
    store::edits::{EditError, MAX_EDITS, MessageEdit},
};
use utoipa::ToSchema;

/// The fields of the representation that an edit ignores.
const READ_ONLY: &[&str] = &[
    "message_id",
    "sender",
    "conversation",
    "sent_at",
    "edited_at",
    "reply_to",
    "thread",
    "mentions",
    "client_id",
    "revision",
    "reactions",
    "pinned",
    "deleted_at",
    "masked",
];

/// The new state of a message. Fields that the request does not name become empty.
#[derive(Debug, ToSchema)]
pub struct ReplaceMessage {
    /// The text of the message.
    #[schema(value_type = MessageBody)]
    message_body: String,
    /// The client's own data.
    #[schema(value_type = Option<schemas::Metadata>)]
    metadata: Option<Metadata>,
}

impl RequestBody for ReplaceMessage {
    const READ_ONLY: &'static [&'static str] = READ_ONLY;
}

/// The fields to change. Other fields do not change.
#[derive(Debug, ToSchema)]
pub struct ChangeMessage {
    /// The text of the message.
    #[schema(value_type = MessageBody, required = false)]
    message_body: Option<String>,
    /// The client's own data; `null` removes it.
    #[schema(value_type = Option<schemas::Metadata>)]
    metadata: Option<MetadataChange>,
}

impl RequestBody for ChangeMessage {
    const READ_ONLY: &'static [&'static str] = READ_ONLY;
}

impl FromFields for ReplaceMessage {
    fn read(fields: &mut Fields) -> Option<Self> {
        let message_body = fields.required("message_body", message::body);
        let metadata = fields.optional("metadata", typed);
        Some(Self { message_body: message_body?, metadata })
    }
}

impl FromFields for ChangeMessage {
    fn read(fields: &mut Fields) -> Option<Self> {
        let message_body = fields.given("message_body", message::body);
        let metadata = fields.nullable("metadata", typed);
        let metadata = metadata.map(|metadata| MetadataChange::of(metadata, fields.merges()));
        Some(Self { message_body, metadata })
    }
}

/// Replaces the text and the metadata of a message.
///
/// Only the sender can change a message.
#[utoipa::path(put, path = "/api/messages/{id}/", operation_id = "replace_message",
    params(Ids<MessageId>, IfMatch), request_body = ReplaceMessage,
    responses((status = 200, body = MessageView), (status = 403)))]
pub async fn replace(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<MessageId>,
    IfMatch(expected): IfMatch,
    request: Unchecked<ReplaceMessage>,
) -> Result<Reply<MessageView>, Problem> {
    let edit = request.and(expected).map(|(request, expected)| {
        let metadata = Some(MetadataChange::Replace(request.metadata));
        MessageEdit { body: Some(request.message_body), metadata, expected }
    });
    apply(&app, &caller, id, edit).await
}

/// Changes the text or the metadata of a message.
///
/// Only the sender can change a message. Fields that the request does not name do not change.
#[utoipa::path(patch, path = "/api/messages/{id}/", operation_id = "change_message",
    params(Ids<MessageId>, IfMatch), request_body = ChangeMessage,
    responses((status = 200, body = MessageView), (status = 403)))]
pub async fn change(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<MessageId>,
    IfMatch(expected): IfMatch,
    request: Unchecked<ChangeMessage>,
) -> Result<Reply<MessageView>, Problem> {
    let edit = request.and(expected).map(|(request, expected)| MessageEdit {
        body: request.message_body,
        metadata: request.metadata,
        expected,
    });
    apply(&app, &caller, id, edit).await
}

async fn apply(
    app: &App,
    caller: &Caller,
    id: MessageId,
    edit: Unchecked<MessageEdit>,
) -> Result<Reply<MessageView>, Problem> {
    let (message, actor) = crate::retrieve::writable(app, caller, id).await?;
    if !actor.may_edit_message(message.sender) {
        return Err(Problem::forbidden("Only the sender can change a message."));
    }
    let edit = edit.finish()?;
    let message = app.store.edit_message(id, &edit, caller.command(app)).await.map_err(refused)?;
    crate::retrieve::shown(app, &actor, message).await
}

/// Returns the answer to an edit that was refused or failed.
fn refused(error: EditError) -> Problem {
    match error {
        EditError::NotFound => Problem::not_found(),
        EditError::Stale => Problem::precondition_failed(),
        EditError::Unanswered => Problem::invitation_pending(),
        EditError::TooLarge => Problem::field(
            "message_body",
            "must be shorter, because the message has many reactions; send a new message",
        ),
        EditError::MetadataTooLarge(error) => Invalid::from(error).into(),
        EditError::TooManyEdits => Problem::new(
            Code::InvalidRequest,
            format!(
                "This message has been changed {MAX_EDITS} times and cannot be changed again. Send a new \
                 message."
            ),
        ),
        EditError::Store(error) => error.into(),
    }
}
