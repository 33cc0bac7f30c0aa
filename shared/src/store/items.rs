//! The items of the table: one struct for each kind of item, and one tagged enum that decodes the store's reads and the
//! stream's records alike. Unknown attributes and kinds are skipped, because functions of two releases can run at the
//! same time.

mod attempts;
mod blocks;
mod bucket;
mod conversations;
mod identity;
mod links;
mod logs;
mod metadata_text;
pub(super) mod reactions_text;
mod reading;
mod report;
pub(super) mod user_ids;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

pub use self::{
    attempts::{AttemptSource, Device, Tally},
    blocks::Blocks,
    bucket::{BucketPurpose, TokenBucket},
    conversations::{Conversation, InboxEntry, InboxSettings, Invitation, Member},
    identity::{
        Admins, ClosedCredential, Credential, EndedSession, PairKeyItem, Session, SessionKind, SigningKey,
        User,
    },
    links::{ConnectionUser, Link, Presence, Ticket},
    logs::{Change, ChangeKind, Closed, Message, Pin, Revision, ThreadPointer},
    report::Report,
};
use super::{
    error::StoreError,
    table::{Activity, Key, LogPosition, inbox_index, user_index},
};

/// The attributes of one item in the SDK's form.
pub(super) type Attributes = HashMap<String, AttributeValue>;

/// An item of any kind. The attribute `item` contains its kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "item", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is documented at its struct")]
pub enum Item {
    User(User),
    Credential(Credential),
    ClosedCredential(ClosedCredential),
    Session(Session),
    Tally(Tally),
    Device(Device),
    Blocks(Blocks),
    TokenBucket(TokenBucket),
    EndedSession(EndedSession),
    Inbox(InboxEntry),
    Invitation(Invitation),
    Conversation(Conversation),
    Member(Member),
    Message(Message),
    Closed(Closed),
    Revision(Revision),
    Pin(Pin),
    ThreadPointer(ThreadPointer),
    Change(Change),
    Report(Report),
    SigningKey(SigningKey),
    PairKey(PairKeyItem),
    Admins(Admins),
    Link(Link),
    ConnectionUser(ConnectionUser),
    Presence(Presence),
    Ticket(Ticket),
    /// An item of a kind that only a later release knows.
    #[serde(other)]
    Unknown,
}

impl Item {
    /// Returns the item's key; `None` for [`Item::Unknown`], which is never written.
    fn key(&self) -> Option<Key> {
        Some(match self {
            Self::User(user) => Key::user(user.id),
            Self::Credential(credential) => Key::credential(&credential.email),
            Self::ClosedCredential(closed) => Key::credential(&closed.email),
            Self::Session(session) => Key::session(session.user, session.id),
            Self::Tally(tally) => Key::tally(&tally.email, &tally.source),
            Self::Device(device) => Key::device(device.user, device.id),
            Self::Blocks(blocks) => Key::blocks(blocks.user),
            Self::TokenBucket(bucket) => Key::bucket(bucket.user, bucket.purpose),
            Self::EndedSession(ended) => Key::session(ended.user, ended.id),
            Self::Inbox(entry) => Key::inbox(entry.user, entry.conversation),
            Self::Invitation(invitation) => Key::invitation(invitation.user, invitation.position),
            Self::Conversation(conversation) => Key::conversation(conversation.id),
            Self::Member(member) => Key::member(member.conversation, member.user),
            Self::Message(message) => Key::message(message.id()),
            Self::Closed(closed) => Key::log_entry(closed.conversation, closed.position),
            Self::Revision(revision) => {
                Key::revision(revision.conversation.message(revision.place.0), revision.place.1)
            }
            Self::ThreadPointer(pointer) => {
                Key::thread_pointer(pointer.conversation.message(pointer.place.0), pointer.place.1)
            }
            Self::Pin(pin) => Key::pin(pin.conversation.message(pin.number)),
            Self::Change(change) => Key::log_entry(change.conversation, LogPosition::Change(change.number)),
            Self::Report(report) => Key::report(report.place.0, report.place.1),
            Self::SigningKey(key) => Key::signing_key(&key.kid),
            Self::PairKey(_) => Key::pair_key(),
            Self::Admins(_) => Key::admins(),
            Self::Link(link) => Key::link(link.user, &link.connection),
            Self::ConnectionUser(of) => Key::connection_user(&of.connection),
            Self::Presence(presence) => Key::presence(presence.user, &presence.state),
            Self::Ticket(ticket) => Key::ticket(&ticket.digest),
            Self::Unknown => return None,
        })
    }

    fn index(&self) -> Option<[(&'static str, String); 2]> {
        match self {
            Self::User(user) => Some(user_index(user.created_at, user.id)),
            Self::Inbox(entry) => {
                Some(inbox_index(entry.user, Activity::at(entry.joined_at, entry.conversation)))
            }
            _ => None,
        }
    }

    /// Returns the attributes of the item with its keys, as they are written. Fails for [`Item::Unknown`].
    pub(super) fn encode(&self) -> Result<Attributes, StoreError> {
        let key = self
            .key()
            .ok_or_else(|| StoreError::Refused("this release does not write items of this kind".into()))?;
        let mut attributes: Attributes =
            serde_dynamo::to_item(self).map_err(|source| StoreError::Refused(source.into()))?;
        attributes.extend(key.into_attributes());
        for (name, value) in self.index().into_iter().flatten() {
            attributes.insert(name.to_owned(), AttributeValue::S(value));
        }
        Ok(attributes)
    }

    /// Decodes an item. Fails with [`StoreError::Corrupt`] if its attributes do not fit its kind.
    pub(super) fn decode(attributes: Attributes) -> Result<Self, StoreError> {
        let entity = entity(&attributes);
        Self::of(attributes).map_err(|source| StoreError::Corrupt { entity, source: source.into() })
    }

    /// Decodes the frequent kinds without the tagged enum, because the enum copies every attribute to find the tag. A
    /// test compares both ways.
    fn of(attributes: Attributes) -> serde_dynamo::Result<Self> {
        match attributes.get("item").and_then(|kind| kind.as_s().ok()).map(String::as_str) {
            Some("user") => reading::read(attributes).map(Self::User),
            Some("inbox") => reading::read(attributes).map(Self::Inbox),
            Some("conversation") => reading::read(attributes).map(Self::Conversation),
            Some("member") => reading::read(attributes).map(Self::Member),
            Some("message") => reading::read(attributes).map(Self::Message),
            _ => reading::read(attributes),
        }
    }
}

/// Returns the kind of an item's key, for logs. The keys themselves contain emails.
fn entity(attributes: &Attributes) -> String {
    let sk = attributes.get("sk").and_then(|sk| sk.as_s().ok());
    sk.and_then(|sk| sk.split('#').next()).unwrap_or_default().to_owned()
}

/// Declares `Item::into_<kind>`, which returns the struct of that kind; `None` for an item of another kind.
macro_rules! into_kind {
    ($($name:ident: $variant:ident($type:ty);)*) => {
        impl Item {$(
            pub(super) fn $name(self) -> Option<$type> {
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
    into_tally: Tally(Tally);
    into_blocks: Blocks(Blocks);
    into_token_bucket: TokenBucket(TokenBucket);
    into_member: Member(Member);
    into_report: Report(Report);
    into_link: Link(Link);
    into_connection_user: ConnectionUser(ConnectionUser);
    into_ticket: Ticket(Ticket);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(attributes: &[(&str, &str)]) -> Attributes {
        let attribute = |(name, value): &(&str, &str)| {
            let number = value.bytes().all(|byte| byte.is_ascii_digit());
            let value = (*value).to_owned();
            let value = if number { AttributeValue::N(value) } else { AttributeValue::S(value) };
            ((*name).to_owned(), value)
        };
        attributes.iter().map(attribute).collect()
    }

    #[test]
    fn kinds_that_are_read_by_name_are_read_as_the_enum_reads_them() {
        let id = "00000000-0000-4000-8000-000000000001";
        let conversation = "CONV#01010101-0101-8010-8404-040000000000";
        let (user, member, inbox) = (format!("USER#{id}"), format!("MEMBER#{id}"), format!("INBOX#{id}"));
        let items: [&[(&str, &str)]; 6] = [
            &[
                ("pk", &user),
                ("sk", "PROFILE"),
                ("item", "user"),
                ("email", "ann@example.com"),
                ("first_name", "Ann"),
                ("last_name", "Lee"),
                ("role", "guest"),
                ("credential_version", "1"),
                ("created_at", "1"),
            ],
            &[
                ("pk", &inbox),
                ("sk", conversation),
                ("item", "inbox"),
                ("joined_at", "1"),
                ("gsi1pk", &inbox),
            ],
            &[
                ("pk", conversation),
                ("sk", &member),
                ("item", "member"),
                ("role", "owner"),
                ("joined_at", "1"),
                ("read", "0"),
                ("later", "x"),
            ],
            &[
                ("pk", conversation),
                ("sk", "MSG#0000000000007"),
                ("item", "message"),
                ("sender", id),
                ("body", "memo"),
                ("sent_at", "1"),
                ("idempotency_key", "01890a5d-ac96-774b-bcce-b302099a8057"),
                ("digest", "x"),
            ],
            &[("pk", conversation), ("sk", "LATER#1"), ("item", "later")],
            &[
                ("pk", conversation),
                ("sk", "MSG#0000000000008"),
                ("item", "closed"),
                ("actor", id),
                ("closed_at", "1"),
                ("request", id),
            ],
        ];
        for item in items {
            let read = Item::decode(texts(item)).unwrap();
            let by_enum: Item = serde_dynamo::from_item(texts(item)).unwrap();
            assert_eq!(format!("{read:?}"), format!("{by_enum:?}"));
        }
        assert!(
            Item::decode(texts(&[("pk", conversation), ("sk", "META")])).is_err(),
            "an item without a kind"
        );
    }
}
