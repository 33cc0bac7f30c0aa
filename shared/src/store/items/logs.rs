//! The entries of a conversation's two logs: messages, changes, the closing entry of both logs, and earlier bodies of
//! messages. The code that writes the logs is in `store::log` and `store::changes`.

use chrono::{
    DateTime, Utc,
    serde::{ts_microseconds, ts_microseconds_option},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{metadata_text, reactions_text, user_ids};
use crate::{
    ids::{ConversationId, IdempotencyKey, MessageId, UserId},
    model::{Metadata, reactions::Reactions},
    store::table::{LogPosition, parts},
};

/// A message, or its tombstone if `deleted_at` is set.
#[derive(Clone, Serialize, Deserialize)]
pub struct Message {
    /// The conversation that contains the message.
    #[serde(rename = "pk", deserialize_with = "parts::conversation_pk", skip_serializing)]
    pub conversation: ConversationId,
    /// The message's number in the log, from 1.
    #[serde(rename = "sk", deserialize_with = "parts::message_sk", skip_serializing)]
    pub number: u64,
    /// The user who sent the message.
    pub sender: UserId,
    /// The text of the message; empty in a tombstone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// The time at which the server accepted the message, in microseconds. It strictly increases inside a conversation.
    #[serde(with = "ts_microseconds")]
    pub sent_at: DateTime<Utc>,
    /// The idempotency key of the send, by which a retry is recognised. Edits and the deletion keep it.
    pub idempotency_key: IdempotencyKey,
    /// The digest of the request as first sent. Edits and the deletion keep it.
    pub digest: String,
    /// The version of the message. Each change of the message increments it.
    #[serde(default)]
    pub revision: u64,
    /// The number of edits, each of which keeps an earlier body; `None` if no other change than edits was made. See
    /// [`Message::edit_count`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edits: Option<u64>,
    /// The number of the message that this one replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// The client's own data, stored as an attribute of compact JSON.
    #[serde(default, with = "metadata_text", skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// The number of the first message of the thread that this reply belongs to; `None` for a message that is no reply, and
    /// for a reply of an earlier release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<u64>,
    /// The participants whom the text mentions; none in a tombstone.
    #[serde(default, with = "user_ids", skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// The reactions of participants; none in a tombstone.
    #[serde(default, with = "reactions_text", skip_serializing_if = "Reactions::is_empty")]
    pub reactions: Reactions,
    /// True if the message is pinned. Then its conversation contains its pin.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// The time of the last edit, in microseconds.
    #[serde(default, with = "ts_microseconds_option", skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<DateTime<Utc>>,
    /// The time of the deletion, in microseconds.
    #[serde(default, with = "ts_microseconds_option", skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime<Utc>>,
    /// The number since which all messages up to this one were small when they were sent, see `store::read_budget`; `None` if
    /// this one was not, and for a message of an earlier release. A page reads small messages in one round trip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub small_since: Option<u64>,
    /// True if the user who reads the message has blocked its sender. It is not stored.
    #[serde(skip)]
    pub masked: bool,
}

impl std::fmt::Debug for Message {
    /// Hides the body and the client's own data, because logs must not contain them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("conversation", &self.conversation)
            .field("number", &self.number)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

impl Message {
    /// Returns the message's id, which consists of its conversation and its number.
    #[must_use]
    pub fn id(&self) -> MessageId {
        self.conversation.message(self.number)
    }

    /// Returns the message with the next revision, for a change that is not an edit.
    pub(in crate::store) fn changed(&self) -> Self {
        Self { revision: self.revision + 1, edits: Some(self.edit_count()), ..self.clone() }
    }

    /// Returns the number of edits, which is the number of earlier bodies until the message is deleted.
    #[must_use]
    pub fn edit_count(&self) -> u64 {
        self.edits.unwrap_or(self.revision)
    }
}

/// The closing entry of a deleted conversation, the last entry of both logs. A request that reads it gets the same
/// answer as if the conversation did not exist.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Closed {
    /// The conversation that was deleted.
    #[serde(rename = "pk", deserialize_with = "parts::conversation_pk", skip_serializing)]
    pub conversation: ConversationId,
    /// The position of the entry in its log.
    #[serde(rename = "sk", deserialize_with = "parts::position_sk", skip_serializing)]
    pub position: LogPosition,
    /// The user who deleted the conversation.
    pub actor: UserId,
    /// The time of the deletion, in microseconds.
    #[serde(with = "ts_microseconds")]
    pub closed_at: DateTime<Utc>,
    /// The id of the request that deleted the conversation, so that a retry recognises its own entry.
    pub request: Uuid,
}

/// The body of a message before an edit. The sender and admins can read it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Revision {
    /// The conversation that contains the message.
    #[serde(rename = "pk", deserialize_with = "parts::conversation_pk", skip_serializing)]
    pub conversation: ConversationId,
    /// The message's number, and the number of edits before which it had this body.
    #[serde(rename = "sk", deserialize_with = "parts::revision_sk", skip_serializing)]
    pub place: (u64, u64),
    /// The text of the message at that version.
    pub body: String,
    /// The client's own data at that version.
    #[serde(default, with = "metadata_text", skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// The time at which this version was written, in microseconds.
    #[serde(with = "ts_microseconds")]
    pub written_at: DateTime<Utc>,
}

impl std::fmt::Debug for Revision {
    /// Hides the body and the client's own data, because logs must not contain them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revision")
            .field("conversation", &self.conversation)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// The pointer of a reply in the list of its thread.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ThreadPointer {
    /// The conversation of the reply.
    #[serde(rename = "pk", deserialize_with = "parts::conversation_pk", skip_serializing)]
    pub conversation: ConversationId,
    /// The number of the first message of the thread, and the number of the reply.
    #[serde(rename = "sk", deserialize_with = "parts::thread_sk", skip_serializing)]
    pub place: (u64, u64),
}

/// The pin of a message. A message with a pin has the attribute `pinned`, written in one transaction.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pin {
    /// The conversation that contains the message.
    #[serde(rename = "pk", deserialize_with = "parts::conversation_pk", skip_serializing)]
    pub conversation: ConversationId,
    /// The message's number.
    #[serde(rename = "sk", deserialize_with = "parts::pin_sk", skip_serializing)]
    pub number: u64,
    /// The user who pinned the message.
    pub pinned_by: UserId,
    /// The time at which the message was pinned, in microseconds.
    #[serde(with = "ts_microseconds")]
    pub pinned_at: DateTime<Utc>,
}

/// An entry of the change log: a change of a conversation other than a new message. It never contains text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Change {
    /// The conversation that was changed.
    #[serde(rename = "pk", deserialize_with = "parts::conversation_pk", skip_serializing)]
    pub conversation: ConversationId,
    /// The entry's number in the change log, from 1.
    #[serde(rename = "sk", deserialize_with = "parts::change_sk", skip_serializing)]
    pub number: u64,
    /// The kind of the change.
    pub kind: ChangeKind,
    /// The number of the message that was changed; `None` for other changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<u64>,
    /// The participants that were changed; empty for other changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserId>,
    /// The user who made the change.
    pub actor: UserId,
    /// The version of the changed message, or the `version` of the conversation, after the change.
    pub revision: u64,
    /// The id of the request that made the change, so that a retry recognises its own entry.
    pub request: Uuid,
    /// The time of the change, in microseconds.
    #[serde(with = "ts_microseconds")]
    pub changed_at: DateTime<Utc>,
    /// The number of participants after the change; `None` for changes of other kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant_count: Option<u64>,
    /// The owners after the change; empty for changes of other kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<UserId>,
}

/// The kind of a change. Later releases can add kinds. An earlier release returns these as `unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum ChangeKind {
    MessageEdited,
    MessageDeleted,
    ReactionAdded,
    ReactionRemoved,
    MessagePinned,
    MessageUnpinned,
    ParticipantsAdded,
    ParticipantsRemoved,
    ParticipantsSet,
    RoleChanged,
    ConversationUpdated,
    InvitationAccepted,
    /// A kind of a later release.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::items::Item;

    #[test]
    fn nothing_prints_what_a_message_says() {
        let conversation = ConversationId::from_prefix([1; 10]);
        let message = Message {
            conversation,
            number: 7,
            sender: UserId::new(Uuid::nil()),
            body: "memo".to_owned(),
            sent_at: DateTime::UNIX_EPOCH,
            idempotency_key: IdempotencyKey::new(Uuid::nil()),
            digest: "memo".to_owned(),
            revision: 0,
            edits: None,
            reply_to: None,
            thread: None,
            mentions: Vec::new(),
            reactions: Reactions::default(),
            pinned: false,
            metadata: Metadata::stored("{\"memo\":1}".to_owned()).ok(),
            edited_at: None,
            deleted_at: None,
            small_since: None,
            masked: false,
        };
        let revision = Revision {
            conversation,
            place: (7, 0),
            body: "memo".to_owned(),
            metadata: Metadata::stored("{\"memo\":1}".to_owned()).ok(),
            written_at: DateTime::UNIX_EPOCH,
        };
        let text = format!("{:?} {:?}", Item::Message(message), Item::Revision(revision));
        assert!(text.contains("number: 7") && !text.contains("memo"), "{text}");
    }
}
