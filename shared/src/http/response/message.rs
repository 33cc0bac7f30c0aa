//! The representation of a message in the API, on its own and nested in others. Stored messages are in `store::items`.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    user::{UserView, timestamp, timestamp_option},
    visible_users::VisibleUsers,
};
use crate::{
    http::schemas::{self, KeptBody},
    ids::{ConversationId, IdempotencyKey, MessageId, UserId},
    model::{
        Metadata,
        emoji::Emoji,
        reactions::{ReactionCount, Reactions},
    },
    store::items::Message,
};

/// The reactions to a message with one emoji.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reaction)]
pub struct ReactionView {
    /// The emoji.
    #[schema(value_type = Emoji)]
    emoji: String,
    /// The number of users who have reacted with the emoji. Users whom the caller has blocked are not counted.
    count: u64,
    /// True if the caller is among them.
    me: bool,
}

impl From<ReactionCount> for ReactionView {
    fn from(ReactionCount { emoji, count, by_viewer }: ReactionCount) -> Self {
        Self { emoji, count: count as u64, me: by_viewer }
    }
}

/// A message. A deleted message is listed only on request, as a tombstone with `deleted_at` and an empty text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageView {
    /// The id of the message.
    pub message_id: MessageId,
    /// The user who sent the message; `null` if the user no longer exists.
    #[schema(required)]
    pub sender: Option<UserView>,
    /// The id of the conversation of the message.
    pub conversation: ConversationId,
    /// The text of the message.
    #[schema(value_type = KeptBody)]
    pub message_body: String,
    /// The time when the message was sent. It increases from message to message in a conversation.
    #[serde(serialize_with = "timestamp")]
    pub sent_at: DateTime<Utc>,
    /// The time of the last edit; `null` if the message was never edited.
    #[serde(serialize_with = "timestamp_option")]
    #[schema(required)]
    pub edited_at: Option<DateTime<Utc>>,
    /// The message that this message replies to, in the same conversation; `null` if there is none.
    #[schema(required)]
    pub reply_to: Option<MessageId>,
    /// The first message of the thread that this reply belongs to; `null` if this message is no reply.
    #[schema(required)]
    pub thread: Option<MessageId>,
    /// The participants whom the text mentions, each written as `@` and the id of the user.
    pub mentions: Vec<UserId>,
    /// The idempotency key of the message.
    pub client_id: IdempotencyKey,
    /// The number of changes of the message. The `ETag` contains this number.
    pub revision: u64,
    /// The client's own data.
    #[schema(value_type = Option<schemas::Metadata>, required)]
    pub metadata: Option<Metadata>,
    /// The reactions, in the order in which their emoji were first used.
    pub reactions: Vec<ReactionView>,
    /// True if the message is pinned in its conversation.
    pub pinned: bool,
    /// The time of deletion. Only tombstones have this field.
    #[serde(serialize_with = "timestamp_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = DateTime<Utc>, required = false)]
    pub deleted_at: Option<DateTime<Utc>>,
    /// True if the caller has blocked the sender. Then the text is empty, `metadata`, `reply_to` and `thread` are `null`,
    /// and there are no mentions and no reactions. Other messages do not have this field.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub masked: bool,
}

impl MessageView {
    /// Creates the view of a message. A masked message shows nothing that its sender wrote. Its sender is `null` if `visible_users` does not contain them.
    #[must_use]
    pub fn new(mut message: Message, visible_users: &VisibleUsers) -> Self {
        message.masked &= !visible_users.sees_masked();
        if message.masked {
            message = masked(message);
        }
        Self {
            message_id: message.id(),
            sender: visible_users.view(message.conversation, message.sender),
            conversation: message.conversation,
            reply_to: message.reply_to.map(|number| message.conversation.message(number)),
            thread: message.thread.map(|number| message.conversation.message(number)),
            mentions: message.mentions,
            message_body: message.body,
            sent_at: message.sent_at,
            edited_at: message.edited_at,
            client_id: message.idempotency_key,
            revision: message.revision,
            metadata: message.metadata,
            reactions: visible_users.reactions(&message.reactions),
            pinned: message.pinned,
            deleted_at: message.deleted_at,
            masked: message.masked,
        }
    }
}

/// Returns the parts of a masked message that its reader sees.
fn masked(message: Message) -> Message {
    let (body, mentions, reactions) = (String::new(), Vec::new(), Reactions::default());
    Message { body, metadata: None, reply_to: None, thread: None, mentions, reactions, ..message }
}
