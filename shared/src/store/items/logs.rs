//! Items of a conversation's two logs: messages, changes, and the closing entry of both; and what messages said before. How the logs
//! are written is in `store::log` and `store::changes`.

use chrono::{
    DateTime, Utc,
    serde::{ts_microseconds, ts_microseconds_option},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::metadata_text;
use crate::{
    ids::{ConversationId, IdempotencyKey, MessageId, UserId},
    model::Metadata,
    store::table::{LogPosition, parts},
};

/// A message, or its tombstone once `deleted_at` is set.
#[derive(Clone, Serialize, Deserialize)]
pub struct Message {
    /// Where.
    #[serde(rename = "pk", deserialize_with = "parts::conversation_pk", skip_serializing)]
    pub conversation: ConversationId,
    /// Its place, from 1.
    #[serde(rename = "sk", deserialize_with = "parts::message_sk", skip_serializing)]
    pub number: u64,
    /// Who sent it.
    pub sender: UserId,
    /// What it says; a tombstone says nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// When the server took it; strictly increasing inside a conversation.
    #[serde(with = "ts_microseconds")]
    pub sent_at: DateTime<Utc>,
    /// What makes its retry recognisable; kept by edits and by the tombstone.
    pub idempotency_key: IdempotencyKey,
    /// What the request said as first sent; kept likewise.
    pub digest: String,
    /// Counts edits and the deletion.
    #[serde(default)]
    pub revision: u64,
    /// The number of the message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// The client's own data; an attribute of compact JSON.
    #[serde(default, with = "metadata_text", skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// When it was last edited.
    #[serde(default, with = "ts_microseconds_option", skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<DateTime<Utc>>,
    /// When it was deleted.
    #[serde(default, with = "ts_microseconds_option", skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for Message {
    /// Neither what it says nor the client's own data belongs into a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("conversation", &self.conversation)
            .field("number", &self.number)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

impl Message {
    /// The id, which is the place.
    #[must_use]
    pub fn id(&self) -> MessageId {
        self.conversation.message(self.number)
    }
}

/// The closing entry of a deleted conversation, the last entry of both its logs: who meets it answers as if there were no
/// conversation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Closed {
    /// Which conversation.
    #[serde(rename = "pk", deserialize_with = "parts::conversation_pk", skip_serializing)]
    pub conversation: ConversationId,
    /// Where the log ends.
    #[serde(rename = "sk", deserialize_with = "parts::position_sk", skip_serializing)]
    pub position: LogPosition,
    /// Who deleted it.
    pub actor: UserId,
    /// When.
    #[serde(with = "ts_microseconds")]
    pub closed_at: DateTime<Utc>,
    /// The request that did it.
    pub request: Uuid,
}

/// What a message said before an edit; readable by its sender and by admins.
#[derive(Clone, Serialize, Deserialize)]
pub struct Revision {
    /// Where.
    #[serde(rename = "pk", deserialize_with = "parts::conversation_pk", skip_serializing)]
    pub conversation: ConversationId,
    /// The message's number, and which revision this was.
    #[serde(rename = "sk", deserialize_with = "parts::revision_sk", skip_serializing)]
    pub place: (u64, u64),
    /// What it said.
    pub body: String,
    /// The client's own data then.
    #[serde(default, with = "metadata_text", skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Since when it said so.
    #[serde(with = "ts_microseconds")]
    pub written_at: DateTime<Utc>,
}

impl std::fmt::Debug for Revision {
    /// Neither what it said nor the client's own data belongs into a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revision")
            .field("conversation", &self.conversation)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// What happened to a conversation besides new messages. Never text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Change {
    /// Where.
    #[serde(rename = "pk", deserialize_with = "parts::conversation_pk", skip_serializing)]
    pub conversation: ConversationId,
    /// Its place in the change log, from 1.
    #[serde(rename = "sk", deserialize_with = "parts::change_sk", skip_serializing)]
    pub number: u64,
    /// What happened.
    pub kind: ChangeKind,
    /// The message that it happened to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<u64>,
    /// The participants that it happened to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserId>,
    /// Who did it.
    pub actor: UserId,
    /// The target's revision (a message's, or the conversation's `version`) that resulted.
    pub revision: u64,
    /// The request that did it, so that a retry recognises its own work.
    pub request: Uuid,
    /// When.
    #[serde(with = "ts_microseconds")]
    pub changed_at: DateTime<Utc>,
    /// How many take part as a result; for changes of participants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant_count: Option<u64>,
    /// Who owns it as a result; for changes of participants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<UserId>,
}

/// The kind of a change. Later releases add kinds, which earlier ones return as `unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum ChangeKind {
    MessageEdited,
    MessageDeleted,
    ParticipantsAdded,
    ParticipantsRemoved,
    ParticipantsSet,
    RoleChanged,
    ConversationUpdated,
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
            reply_to: None,
            metadata: Metadata::stored("{\"memo\":1}".to_owned()).ok(),
            edited_at: None,
            deleted_at: None,
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
