//! A message as the API shows one, alone and nested.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    describe::{self, KeptBody},
    people::People,
    user::{UserView, timestamp, timestamp_option},
};
use crate::{
    ids::{ClientKey, ConversationId, MessageId},
    model::Metadata,
    store::items::Message,
};

/// A message. A tombstone, which is shown only to who asks for it, has `deleted_at` and says nothing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
#[allow(missing_docs, reason = "the first five fields are the seed's")]
pub struct MessageView {
    pub message_id: MessageId,
    /// `null` for somebody who was never there.
    #[schema(required)]
    pub sender: Option<UserView>,
    pub conversation: ConversationId,
    #[schema(value_type = KeptBody)]
    pub message_body: String,
    #[serde(serialize_with = "timestamp")]
    pub sent_at: DateTime<Utc>,
    /// When its text was last changed.
    #[serde(serialize_with = "timestamp_option")]
    #[schema(required)]
    pub edited_at: Option<DateTime<Utc>>,
    /// The message that it answers.
    #[schema(required)]
    pub reply_to: Option<MessageId>,
    /// The key that it was sent under.
    pub client_id: ClientKey,
    /// Counts its changes; its `ETag`.
    pub revision: u64,
    /// The client's own data.
    #[schema(value_type = Option<describe::Metadata>, required)]
    pub metadata: Option<Metadata>,
    /// When it was deleted.
    #[serde(serialize_with = "timestamp_option", skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime<Utc>>,
}

impl MessageView {
    /// The view of a message, its sender among `people`.
    #[must_use]
    pub fn new(message: Message, people: &People) -> Self {
        Self {
            message_id: message.id(),
            sender: people.view(message.conversation, message.sender),
            conversation: message.conversation,
            reply_to: message.reply_to.map(|number| message.conversation.message(number)),
            message_body: message.body,
            sent_at: message.sent_at,
            edited_at: message.edited_at,
            client_id: message.client_key,
            revision: message.revision,
            metadata: message.metadata,
            deleted_at: message.deleted_at,
        }
    }
}
