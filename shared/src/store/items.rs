//! What stands in the table: one struct a kind of item, one tagged enum that decodes the store's reads and the stream's
//! records alike. Unknown attributes and kinds are skipped, as functions of two releases run side by side.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{
    DateTime, Utc,
    serde::{ts_microseconds, ts_microseconds_option, ts_seconds},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    error::StoreError,
    table::{self, Activity, Key, Slot},
};
use crate::{
    ids::{ClientKey, ConversationId, MessageId, SessionId, UserId},
    model::{
        conversation::{Kind, MemberRole},
        user::{Email, Role},
    },
};

/// Attributes of one item as the SDK has them.
pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// Any item of the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "item", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is documented at its struct")]
pub enum Item {
    User(User),
    Credential(Credential),
    Session(Session),
    Inbox(InboxEntry),
    Conversation(Conversation),
    Member(Member),
    Message(Message),
    Closed(Closed),
    Revision(Revision),
    Change(Change),
    SigningKey(SigningKey),
    /// A kind of a later release.
    #[serde(other)]
    Unknown,
}

/// A user's profile. A closed account keeps its item, without names, so that its messages keep a sender.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct User {
    #[serde(rename = "pk", deserialize_with = "table::user_pk", skip_serializing)]
    pub id: UserId,
    pub email: Option<Email>,
    pub first_name: String,
    pub last_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    pub role: Role,
    /// Equal to the credential's; sessions of another version are over.
    pub credential_version: u64,
    #[serde(with = "ts_microseconds")]
    pub created_at: DateTime<Utc>,
    #[serde(default, with = "ts_microseconds_option", skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<DateTime<Utc>>,
}

/// What logs in with an email: its existence is what makes the email unique.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credential {
    /// The email, normalised.
    #[serde(rename = "pk", deserialize_with = "table::credential_pk", skip_serializing)]
    pub email: Email,
    /// Whose it is.
    pub user: UserId,
    /// Argon2id in PHC string format.
    pub hash: String,
    /// Counts changes of the password.
    pub version: u64,
    /// Attempts since the last success.
    pub failures: u32,
    /// No attempt before this time.
    #[serde(with = "ts_microseconds")]
    pub not_before: DateTime<Utc>,
}

impl std::fmt::Debug for Credential {
    /// Neither the hash nor the email belongs into a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("user", &self.user)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// How a session authenticates; one kind is never taken for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// By refresh and access tokens.
    Token,
    /// By the cookie of a browser.
    Cookie,
    /// A kind of a later release, which this one does not take.
    #[serde(other)]
    Unknown,
}

/// A device that is logged in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// Whose it is.
    #[serde(rename = "pk", deserialize_with = "table::user_pk", skip_serializing)]
    pub user: UserId,
    /// Which of the user's.
    #[serde(rename = "sk", deserialize_with = "table::session_sk", skip_serializing)]
    pub id: SessionId,
    /// How it authenticates.
    pub kind: SessionKind,
    /// SHA-256 of the cookie's secret, where the kind is that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Counts refreshes; the refresh token of this generation is the live one. A cookie's session stays in its first.
    pub generation: u64,
    /// When this generation began.
    #[serde(with = "ts_microseconds")]
    pub rotated_at: DateTime<Utc>,
    /// The credential's version when the session began.
    pub credential_version: u64,
    /// What the device called itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// When the user logged in.
    #[serde(with = "ts_microseconds")]
    pub created_at: DateTime<Utc>,
    /// Over after this time, also where the item still stands (TTL deletes late).
    #[serde(with = "ts_seconds")]
    pub expires_at: DateTime<Utc>,
}

impl Session {
    /// Not expired, nor ended by a password change or by closing the account, which have not come to delete it.
    #[must_use]
    pub fn is_live(&self, user: &User, now: DateTime<Utc>) -> bool {
        self.expires_at > now
            && self.credential_version == user.credential_version
            && user.closed_at.is_none()
    }
}

/// A conversation in its participant's list; stands and goes with the membership.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InboxEntry {
    /// Whose list.
    #[serde(rename = "pk", deserialize_with = "table::user_pk", skip_serializing)]
    pub user: UserId,
    /// Which conversation.
    #[serde(rename = "sk", deserialize_with = "table::conversation_sk", skip_serializing)]
    pub conversation: ConversationId,
    /// Since when; also the place in the list until the conversation is active.
    #[serde(with = "ts_microseconds")]
    pub joined_at: DateTime<Utc>,
}

/// A conversation's own item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Conversation {
    /// Which one.
    #[serde(rename = "pk", deserialize_with = "table::conversation_pk", skip_serializing)]
    pub id: ConversationId,
    /// Direct or group.
    pub kind: Kind,
    /// The two users of a direct conversation, sorted; compared on every open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<[UserId; 2]>,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Compact JSON of the client's own data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    #[serde(with = "ts_microseconds")]
    pub created_at: DateTime<Utc>,
    /// How many take part: written as a number with each change of `v`, never added to.
    pub participant_count: u64,
    /// Who owns it, of those who take part.
    pub owners: Vec<UserId>,
    /// Version: each write of this item asks for the one it has read, and sets the next.
    pub v: u64,
}

/// A participant's membership: the item that authorises.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Member {
    /// Where.
    #[serde(rename = "pk", deserialize_with = "table::conversation_pk", skip_serializing)]
    pub conversation: ConversationId,
    /// Who.
    #[serde(rename = "sk", deserialize_with = "table::member_sk", skip_serializing)]
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

/// A message, or its tombstone once `deleted_at` is set.
#[derive(Clone, Serialize, Deserialize)]
pub struct Message {
    /// Where.
    #[serde(rename = "pk", deserialize_with = "table::conversation_pk", skip_serializing)]
    pub conversation: ConversationId,
    /// Its place, from 1.
    #[serde(rename = "sk", deserialize_with = "table::message_sk", skip_serializing)]
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
    pub client_key: ClientKey,
    /// What the request said as first sent; kept likewise.
    pub digest: String,
    /// Counts edits and the deletion.
    #[serde(default)]
    pub revision: u64,
    /// The number of the message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// Compact JSON of the client's own data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
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

/// The seal of a deleted conversation, the last entry of both its logs: who meets it answers as if there were no
/// conversation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Closed {
    /// Which conversation.
    #[serde(rename = "pk", deserialize_with = "table::conversation_pk", skip_serializing)]
    pub conversation: ConversationId,
    /// Where the log ends.
    #[serde(rename = "sk", deserialize_with = "table::slot_sk", skip_serializing)]
    pub slot: Slot,
    /// Who deleted it.
    pub actor: UserId,
    /// When.
    #[serde(with = "ts_microseconds")]
    pub closed_at: DateTime<Utc>,
    /// The request that did it.
    pub request: uuid::Uuid,
}

/// What a message said before an edit; readable by its sender and by admins.
#[derive(Clone, Serialize, Deserialize)]
pub struct Revision {
    /// Where.
    #[serde(rename = "pk", deserialize_with = "table::conversation_pk", skip_serializing)]
    pub conversation: ConversationId,
    /// The message's number, and which revision this was.
    #[serde(rename = "sk", deserialize_with = "table::revision_sk", skip_serializing)]
    pub place: (u64, u64),
    /// What it said.
    pub body: String,
    /// The client's own data then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
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
    #[serde(rename = "pk", deserialize_with = "table::conversation_pk", skip_serializing)]
    pub conversation: ConversationId,
    /// Its place in the change log, from 1.
    #[serde(rename = "sk", deserialize_with = "table::change_sk", skip_serializing)]
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
    /// The target's revision (a message's, or the conversation's `v`) that resulted.
    pub revision: u64,
    /// The request that did it, so that a retry recognises its own work.
    pub request: uuid::Uuid,
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

/// Kinds of changes.
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

/// A public key that verifies tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SigningKey {
    /// JWK thumbprint (RFC 7638).
    #[serde(rename = "sk", deserialize_with = "table::signing_key_sk", skip_serializing)]
    pub kid: String,
    /// The Ed25519 public key in base64url: the JWK's `x` (RFC 8037).
    pub x: String,
    /// When what it is made of was made: of two keys, the later made one is the other's successor, whichever was
    /// published first. Earlier releases wrote the time of publication, which is as good for the keys of that time.
    #[serde(with = "ts_microseconds", alias = "published_at")]
    pub made_at: DateTime<Utc>,
    /// Verifies until then; set when its successor is there.
    #[serde(default, with = "ts_microseconds_option", skip_serializing_if = "Option::is_none")]
    pub not_after: Option<DateTime<Utc>>,
}

impl Item {
    /// Where it stands; `None` for a kind of a later release, which is never written.
    fn key(&self) -> Option<Key> {
        Some(match self {
            Self::User(user) => Key::user(user.id),
            Self::Credential(credential) => Key::credential(&credential.email),
            Self::Session(session) => Key::session(session.user, session.id),
            Self::Inbox(entry) => Key::inbox(entry.user, entry.conversation),
            Self::Conversation(conversation) => Key::conversation(conversation.id),
            Self::Member(member) => Key::member(member.conversation, member.user),
            Self::Message(message) => Key::message(message.id()),
            Self::Closed(closed) => Key::slot(closed.conversation, closed.slot),
            Self::Revision(revision) => {
                Key::revision(revision.conversation.message(revision.place.0), revision.place.1)
            }
            Self::Change(change) => Key::slot(change.conversation, Slot::Change(change.number)),
            Self::SigningKey(key) => Key::signing_key(&key.kid),
            Self::Unknown => return None,
        })
    }

    fn index(&self) -> Option<[(&'static str, String); 2]> {
        match self {
            Self::User(user) => Some(table::user_index(user.created_at, user.id)),
            Self::Inbox(entry) => {
                Some(table::inbox_index(entry.user, Activity::at(entry.joined_at, entry.conversation)))
            }
            _ => None,
        }
    }

    /// The item with its keys, as it is written.
    pub(crate) fn encode(&self) -> Result<Attributes, StoreError> {
        let key = self
            .key()
            .ok_or_else(|| StoreError::corrupt("unknown", "a kind that this release does not write"))?;
        let mut attributes: Attributes = serde_dynamo::to_item(self)
            .map_err(|source| StoreError::Corrupt { entity: key.entity(), source: source.into() })?;
        attributes.extend(key.into_attributes());
        for (name, value) in self.index().into_iter().flatten() {
            attributes.insert(name.to_owned(), AttributeValue::S(value));
        }
        Ok(attributes)
    }

    /// Reads an item.
    pub(crate) fn decode(attributes: Attributes) -> Result<Self, StoreError> {
        let entity = Key::of(&attributes).map(|key| key.entity()).unwrap_or_default();
        serde_dynamo::from_item(attributes)
            .map_err(|source| StoreError::Corrupt { entity, source: source.into() })
    }
}

/// Declares `Item::into_<kind>`: the struct of that kind, or `None` for another.
macro_rules! into_kind {
    ($($name:ident: $variant:ident($type:ty);)*) => {
        impl Item {$(
            pub(crate) fn $name(self) -> Option<$type> {
                match self {
                    Self::$variant(inner) => Some(inner),
                    _ => None,
                }
            }
        )*}
    };
}

into_kind! {
    into_user: User(User);
    into_credential: Credential(Credential);
    into_session: Session(Session);
    into_member: Member(Member);
    into_revision: Revision(Revision);
    into_signing_key: SigningKey(SigningKey);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_prints_what_a_message_says() {
        let conversation = ConversationId::from_prefix([1; 10]);
        let message = Message {
            conversation,
            number: 7,
            sender: UserId::new(uuid::Uuid::nil()),
            body: "hush".to_owned(),
            sent_at: DateTime::UNIX_EPOCH,
            client_key: ClientKey::new(uuid::Uuid::nil()),
            digest: "hush".to_owned(),
            revision: 0,
            reply_to: None,
            metadata: Some("hush".to_owned()),
            edited_at: None,
            deleted_at: None,
        };
        let revision = Revision {
            conversation,
            place: (7, 0),
            body: "hush".to_owned(),
            metadata: Some("hush".to_owned()),
            written_at: DateTime::UNIX_EPOCH,
        };
        let text = format!("{:?} {:?}", Item::Message(message), Item::Revision(revision));
        assert!(text.contains("number: 7") && !text.contains("hush"), "{text}");
    }
}
