//! Items of a conversation and of who takes part in it: its own, memberships, and entries in its participants' lists. What is
//! said in it is in `logs`.

use chrono::{DateTime, Utc, serde::ts_microseconds};
use serde::{Deserialize, Serialize};

use super::{metadata_text, user_ids};
use crate::{
    ids::{ConversationId, IdempotencyKey, UserId},
    model::{
        Metadata,
        conversation::{ConversationKind, MemberRole},
    },
    store::table::parts,
};

/// A conversation in its participant's list; stands and goes with the membership.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InboxEntry {
    /// Whose list.
    #[serde(rename = "pk", deserialize_with = "parts::inbox_pk", skip_serializing)]
    pub user: UserId,
    /// Which conversation.
    #[serde(rename = "sk", deserialize_with = "parts::conversation_sk", skip_serializing)]
    pub conversation: ConversationId,
    /// Since when; also the place in the list until the conversation is active.
    #[serde(with = "ts_microseconds")]
    pub joined_at: DateTime<Utc>,
}

/// A conversation's own item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Conversation {
    /// Which one.
    #[serde(rename = "pk", deserialize_with = "parts::conversation_pk", skip_serializing)]
    pub id: ConversationId,
    /// Direct or group.
    pub kind: ConversationKind,
    /// The two users of a direct conversation, sorted; compared on every open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<[UserId; 2]>,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The client's own data; an attribute of compact JSON.
    #[serde(default, with = "metadata_text", skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// The idempotency key under which a direct conversation was opened. A group's id is derived from its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<IdempotencyKey>,
    /// Digest of the request that made it, which a retry of that request has too. Later changes leave it as it is. A
    /// direct conversation that was opened without a key has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    #[serde(with = "ts_microseconds")]
    pub created_at: DateTime<Utc>,
    /// How many take part: written as a number with each change of `version`, never added to.
    pub participant_count: u64,
    /// Who owns it, of those who take part.
    pub owners: Vec<UserId>,
    /// The first participants of a group by id, as many as are shown nested: written with each change of `version`. Empty where
    /// an earlier release wrote the item, and for a pair.
    #[serde(default, with = "user_ids", skip_serializing_if = "Vec::is_empty")]
    pub first_participants: Vec<UserId>,
    /// Version: each write of this item asks for the one it has read, and sets the next.
    pub version: u64,
}

/// A participant's membership: the item that authorises.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Member {
    /// Where.
    #[serde(rename = "pk", deserialize_with = "parts::conversation_pk", skip_serializing)]
    pub conversation: ConversationId,
    /// Who.
    #[serde(rename = "sk", deserialize_with = "parts::member_sk", skip_serializing)]
    pub user: UserId,
    /// Owner or member.
    pub role: MemberRole,
    /// Since when.
    #[serde(with = "ts_microseconds")]
    pub joined_at: DateTime<Utc>,
    /// Read mark: the last message that was read, 0 for none.
    pub read: u64,
    /// Nothing at or below this number is shown or counted.
    #[serde(default)]
    pub base: u64,
    /// Left out of the list for as long as nothing stands above the base.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}
