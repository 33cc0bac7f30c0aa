//! `POST /api/messages/`: sends a message. Retries with the same idempotency key have no further effect.

use shared::{
    http::{
        Authenticated, Code, Fields, FromFields, IdempotencyKeyHeader, Json, MessageView, Origin, Problem,
        Reply, RequestBody, VisibleUsers,
        schemas::{self, MessageBody},
        typed,
    },
    ids::{ConversationId, IdempotencyKey, MessageId},
    model::{
        Invalid, Metadata,
        message::{self, Draft, of_conversation},
    },
    store::log::{SendError, Sending},
};
use utoipa::ToSchema;

/// A message to send.
#[derive(Debug, ToSchema)]
pub struct SendMessage {
    /// The id of one of the caller's conversations.
    conversation: ConversationId,
    /// The text of the message. `@` and the id of a participant mentions the participant.
    #[schema(value_type = MessageBody)]
    message_body: String,
    /// The message that this message replies to. It must be in the same conversation.
    reply_to: Option<MessageId>,
    /// The idempotency key. The header `Idempotency-Key` has the same meaning.
    client_id: Option<IdempotencyKey>,
    /// The last message that the client had received when its user pressed send. It must be the same in every retry.
    /// The server looks for an earlier attempt after this message.
    after: Option<MessageId>,
    /// The client's own data.
    #[schema(value_type = Option<schemas::Metadata>)]
    metadata: Option<Metadata>,
}

impl RequestBody for SendMessage {
    const READ_ONLY: &'static [&'static str] = &[
        "message_id",
        "sender",
        "sent_at",
        "edited_at",
        "thread",
        "mentions",
        "revision",
        "reactions",
        "pinned",
        "deleted_at",
        "masked",
    ];
}

impl FromFields for SendMessage {
    fn read(fields: &mut Fields) -> Option<Self> {
        let conversation = fields.required("conversation", typed);
        let message_body = fields.required("message_body", message::body);
        let reply_to = fields.optional("reply_to", typed);
        let client_id = fields.client_id();
        let after = fields.optional("after", typed);
        let metadata = fields.optional("metadata", typed);
        for (name, id) in [("reply_to", reply_to), ("after", after)] {
            if let Some((id, conversation)) = id.zip(conversation) {
                fields.check(of_conversation(name, id, conversation));
            }
        }
        let (conversation, message_body) = (conversation?, message_body?);
        Some(Self { conversation, message_body, reply_to, client_id, after, metadata })
    }
}

impl From<SendMessage> for Draft {
    fn from(request: SendMessage) -> Self {
        let SendMessage { conversation, message_body, reply_to, client_id, after, metadata } = request;
        Self { conversation, body: message_body, reply_to, idempotency_key: client_id, after, metadata }
    }
}

/// Sends a message.
///
/// A repeated request with the same `client_id` does not send the message again. The first response is 201. Later
/// responses are 200 with the current state of the message. The number of messages that a user may send to a
/// conversation within a time is limited. The limit does not refuse a repeated request whose message is stored.
#[utoipa::path(post, path = "/api/messages/", operation_id = "send_message",
    params(IdempotencyKeyHeader), request_body = SendMessage,
    responses((status = 201, body = MessageView), (status = 200, body = MessageView), (status = 403),
        (status = 429)))]
pub async fn send(
    Authenticated(caller, app): Authenticated,
    origin: Origin,
    Json(request): Json<SendMessage>,
) -> Result<Reply<MessageView>, Problem> {
    let draft = Draft::from(request);
    let key =
        draft.idempotency_key.unwrap_or_else(|| IdempotencyKey::new(app.random.uuid_at(app.clock.now())));
    let limit = app.config.limits.sends;
    let sending = Sending { sender: caller.user, draft: &draft, made_key: key, limit };
    let sent = app.store.append_message(sending, &app.clock).await;
    let sent = sent.map_err(|error| refused(error, key))?;
    let (id, revision) = (sent.message.id(), sent.message.revision);
    let view = MessageView::new(sent.message, &VisibleUsers::seen_by(&caller).knowing([sent.sender]));
    let location = || origin.link(&format!("/api/messages/{id}/"));
    let reply = if sent.is_new { Reply::created(view, location()) } else { Reply::ok(view) };
    Ok(reply.version(revision))
}

/// Returns the answer to a send that was refused or failed. The answer contains the `client_id` to retry with if the outcome is
/// unknown.
fn refused(error: SendError, key: IdempotencyKey) -> Problem {
    match error {
        SendError::NoSuchMessages { reply_to, after } => {
            let missing =
                [("reply_to", reply_to), ("after", after)].into_iter().filter(|(_, missing)| *missing);
            let faults =
                missing.map(|(field, _)| Invalid::new(field, "is not a message of this conversation"));
            faults.collect::<Vec<_>>().into()
        }
        SendError::KeyReused => Problem::new(
            Code::ClientIdReused,
            "Another message was sent with this `client_id`. Use a new `client_id` for each message.",
        ),
        SendError::OutcomeUnknown => Problem::new(
            Code::OutcomeUnknown,
            "This `client_id` is too old to look for an earlier attempt. Read the conversation. If the \
             message is not there, send it with a new `client_id`.",
        )
        .member("client_id", key.to_string()),
        SendError::NoSuchConversation => {
            Problem::field("conversation", "does not exist, or you do not have access")
        }
        SendError::Limit { wait } => Problem::throttled(
            "You have sent too many messages to this conversation. Wait for the seconds in the header \
             `Retry-After`.",
            wait,
        ),
        SendError::NotAccepted => Problem::not_accepted(),
        SendError::Unanswered => Problem::invitation_pending(),
        SendError::LogFull => Problem::internal(error).member("client_id", key.to_string()),
        SendError::Store(error) => Problem::from(error).member("client_id", key.to_string()),
    }
}
