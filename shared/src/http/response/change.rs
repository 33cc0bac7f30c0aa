//! The representation of a change in the API: an entry of a conversation's change log. Stored changes are in
//! `store::items`.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::user::timestamp;
use crate::{
    ids::{ConversationId, MessageId, UserId},
    store::items::{Change, ChangeKind},
};

/// A change of a conversation other than a new message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
pub struct ChangeView {
    /// The conversation that was changed.
    pub conversation: ConversationId,
    /// The number of the change in its conversation.
    pub number: u64,
    /// The kind of the change.
    pub kind: ChangeKind,
    /// The message that was changed; `null` if the change is not about a message. A client that has an older
    /// `revision` of the message should read it again.
    #[schema(required)]
    pub message: Option<MessageId>,
    /// The participants who were added or removed, or whose role was changed.
    pub users: Vec<UserId>,
    /// The user who made the change.
    pub actor: UserId,
    /// The revision of the message, or the version of the conversation, after the change.
    pub revision: u64,
    /// The time of the change.
    #[serde(serialize_with = "timestamp")]
    pub changed_at: DateTime<Utc>,
    /// The number of participants after a change of participants.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    pub participant_count: Option<u64>,
    /// The owners after a change of participants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<UserId>,
}

impl From<Change> for ChangeView {
    fn from(change: Change) -> Self {
        Self {
            conversation: change.conversation,
            number: change.number,
            kind: change.kind,
            message: change.message.map(|number| change.conversation.message(number)),
            users: change.users,
            actor: change.actor,
            revision: change.revision,
            changed_at: change.changed_at,
            participant_count: change.participant_count,
            owners: change.owners,
        }
    }
}
