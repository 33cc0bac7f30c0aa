//! The items of a conversation and its participants: the conversation's own item, memberships, and inbox entries. The
//! entries of its logs are in `logs`.

use chrono::{
    DateTime, Utc,
    serde::{ts_microseconds, ts_microseconds_option},
};
use serde::{Deserialize, Serialize};

use super::{metadata_text, user_ids};
use crate::{
    ids::{ConversationId, IdempotencyKey, UserId},
    model::{
        Metadata,
        conversation::{ConversationKind, MemberRole},
    },
    store::table::{InvitationPosition, parts},
};

/// A conversation in the list of one of its participants. It is written and deleted in the same transaction as the
/// membership.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InboxEntry {
    /// The participant whose list contains the conversation.
    #[serde(rename = "pk", deserialize_with = "parts::inbox_pk", skip_serializing)]
    pub user: UserId,
    /// The conversation in the list.
    #[serde(rename = "sk", deserialize_with = "parts::conversation_sk", skip_serializing)]
    pub conversation: ConversationId,
    /// The time at which the user joined, in microseconds. It sets the position in the list until the conversation is
    /// active.
    #[serde(with = "ts_microseconds")]
    pub joined_at: DateTime<Utc>,
    /// The number of the last message when the user archived the conversation; `None` if it is not archived. A later
    /// message brings the conversation back to the inbox, unless it is muted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_tail: Option<u64>,
    /// True if the user has muted the conversation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub muted: bool,
}

impl InboxEntry {
    /// Returns a new entry of the inbox. `since` sets its position until the conversation is active.
    #[must_use]
    pub const fn new(user: UserId, conversation: ConversationId, since: DateTime<Utc>) -> Self {
        Self { user, conversation, joined_at: since, archived_tail: None, muted: false }
    }

    /// Returns the settings of the user. The membership contains the same, written in one transaction. Because the entry
    /// contains them too, a list reads no membership to leave a conversation out.
    #[must_use]
    pub const fn settings(&self) -> InboxSettings {
        InboxSettings { archived_tail: self.archived_tail, muted: self.muted }
    }
}

/// The settings of one participant that decide in which list of theirs a conversation is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InboxSettings {
    /// The number of the last message when the user archived the conversation; `None` if it is not archived.
    pub archived_tail: Option<u64>,
    /// True if the user has muted the conversation.
    pub muted: bool,
}

impl InboxSettings {
    /// Returns true if the conversation is archived. `tail` is the number of its last message.
    #[must_use]
    pub fn is_archived(self, tail: u64) -> bool {
        self.archived_tail.is_some_and(|archived| self.muted || tail <= archived)
    }
}

/// An invitation in the list of the invited user. It is written in the transaction of the invitation and deleted when the
/// user accepts or declines. Its sort key differs from the one of an inbox entry, so that reading the inbox does not read
/// invitations.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invitation {
    /// The invited user.
    #[serde(rename = "pk", deserialize_with = "parts::inbox_pk", skip_serializing)]
    pub user: UserId,
    /// The time of the invitation and the conversation.
    #[serde(rename = "sk", deserialize_with = "parts::invitation_sk", skip_serializing)]
    pub position: InvitationPosition,
}

/// The conversation's own item. Each conversation has exactly one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Conversation {
    /// The conversation's id.
    #[serde(rename = "pk", deserialize_with = "parts::conversation_pk", skip_serializing)]
    pub id: ConversationId,
    /// The kind, direct or group. It never changes.
    pub kind: ConversationKind,
    /// The two users of a direct conversation, sorted. Each request to open the conversation compares them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<[UserId; 2]>,
    /// The name of the conversation; `None` if it has no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The client's own data, stored as an attribute of compact JSON.
    #[serde(default, with = "metadata_text", skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// The idempotency key of the request that opened a direct conversation. The id of a group is derived from its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<IdempotencyKey>,
    /// The digest of the request that created the conversation. A retry of that request has the same digest. Later
    /// changes do not change it. `None` for a direct conversation that was opened without a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The user who created the conversation.
    pub created_by: UserId,
    /// The time of creation, in microseconds.
    #[serde(with = "ts_microseconds")]
    pub created_at: DateTime<Utc>,
    /// The number of participants. Each change of `version` sets it to a number; it is never incremented in place.
    pub participant_count: u64,
    /// The participants with the role of owner.
    pub owners: Vec<UserId>,
    /// The first participants of a group in the order of their ids, as many as a representation nests. Each change of
    /// `version` writes them. Empty for a direct conversation, and for an item that an earlier release wrote.
    #[serde(default, with = "user_ids", skip_serializing_if = "Vec::is_empty")]
    pub first_participants: Vec<UserId>,
    /// True if a participant was invited and may not have accepted yet. False means that every membership is accepted, so
    /// that no membership is read to show its user.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_invited: bool,
    /// The participant who has invited all others, of whom nobody has accepted yet; `None` in other conversations. The
    /// membership of this participant limits what they send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaiting: Option<UserId>,
    /// True if an edit has made a small message large. Then no message knows the sizes of the messages before it, see
    /// `store::read_budget`. It never becomes false again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_large_edits: bool,
    /// The version of the conversation. Each write of this item requires the version that it read, and sets the next
    /// one.
    pub version: u64,
}

/// The membership of a participant. This item grants access to the conversation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Member {
    /// The conversation of the membership.
    #[serde(rename = "pk", deserialize_with = "parts::conversation_pk", skip_serializing)]
    pub conversation: ConversationId,
    /// The user who is the participant.
    #[serde(rename = "sk", deserialize_with = "parts::member_sk", skip_serializing)]
    pub user: UserId,
    /// The participant's role in the conversation.
    pub role: MemberRole,
    /// The time at which the user joined, in microseconds.
    #[serde(with = "ts_microseconds")]
    pub joined_at: DateTime<Utc>,
    /// The read mark: the number of the last message that the user has read, 0 for none.
    pub read: u64,
    /// The number up to which (inclusive) messages are neither shown to this participant nor counted for them.
    #[serde(default)]
    pub base: u64,
    /// The number of times that the user has marked messages as unread. It distinguishes the read mark before from the same
    /// mark after.
    #[serde(default)]
    pub moved_back: u64,
    /// True if the conversation is left out of the participant's list as long as its log has no entry above `base`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// The user who invited this participant; `None` if the participant did not have to be asked. It is written once
    /// and stays after the participant has accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_by: Option<UserId>,
    /// The time at which an invited participant accepted, in microseconds.
    #[serde(default, with = "ts_microseconds_option", skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<DateTime<Utc>>,
    /// The number of the last message when this participant invited the others, as long as nobody has accepted; `None`
    /// otherwise. The participant can send only few messages after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaiting_from: Option<u64>,
    /// The number of the last message when the user archived the conversation; `None` if it is not archived. A later
    /// message brings the conversation back to the inbox, unless it is muted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_tail: Option<u64>,
    /// True if the user has muted the conversation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub muted: bool,
}

impl Member {
    /// Returns true if the user takes part in the conversation, false if the user is only invited. A membership
    /// without an inviter is accepted: memberships of earlier releases, and those that need no consent, have neither
    /// attribute.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        self.invited_by.is_none() || self.accepted_at.is_some()
    }

    /// Returns the settings of the user that decide in which list the conversation is.
    #[must_use]
    pub const fn settings(&self) -> InboxSettings {
        InboxSettings { archived_tail: self.archived_tail, muted: self.muted }
    }

    /// Returns the position of an invited participant's invitation in the list of invitations; `None` if the participant
    /// has accepted and so has an inbox entry.
    #[must_use]
    pub fn invitation(&self) -> Option<InvitationPosition> {
        let position = InvitationPosition { invited_at: self.joined_at, conversation: self.conversation };
        (!self.is_accepted()).then_some(position)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use crate::store::items::{Attributes, Item};

    fn is_accepted(attributes: &[(&str, AttributeValue)]) -> bool {
        let id = "00000000-0000-4000-8000-000000000001";
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let number = || AttributeValue::N("1".to_owned());
        let mut item = Attributes::from([
            ("pk".to_owned(), text("CONV#01010101-0101-8010-8404-040000000000")),
            ("sk".to_owned(), text(&format!("MEMBER#{id}"))),
            ("item".to_owned(), text("member")),
            ("role".to_owned(), text("member")),
            ("joined_at".to_owned(), number()),
            ("read".to_owned(), number()),
        ]);
        item.extend(attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Item::decode(item).unwrap().into_member().unwrap().is_accepted()
    }

    #[test]
    fn only_an_invitation_without_an_acceptance_is_not_accepted() {
        let by = ("invited_by", AttributeValue::S("00000000-0000-4000-8000-000000000002".to_owned()));
        let at = ("accepted_at", AttributeValue::N("1".to_owned()));
        assert!(is_accepted(&[]), "a membership of an earlier release");
        assert!(!is_accepted(std::slice::from_ref(&by)), "an invitation");
        assert!(is_accepted(&[by, at]), "an accepted invitation");
    }
}
