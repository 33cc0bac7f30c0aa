//! The one table: its keys, and the access patterns that they answer. The formats of keys stand here and nowhere else.
//!
//! | question | answered by |
//! |---|---|
//! | who is this user? | `USER#<user>` / `PROFILE` |
//! | who has this email, and may this password log in? | `EMAIL#<email>` / `CREDENTIAL` |
//! | which devices are logged in? | `USER#<user>` / `SESSION#…` |
//! | which conversations has a user? (complete) | `USER#<user>` / `CONV#…` |
//! | the same by last activity (eventually) | index: `USER#<user>` / `ACTIVE#<hour>#<conversation>`, descending |
//! | who is there? (for admins) | index: `USERS` / `<time of creation>#<user>` |
//! | what is this conversation? | `CONV#<conversation>` / `META` |
//! | may this user read and write in it? | `CONV#<conversation>` / `MEMBER#<user>` |
//! | who takes part? | `CONV#<conversation>` / `MEMBER#…` |
//! | what was said? what is the last number? | `CONV#<conversation>` / `MSG#<number>`, either direction |
//! | what did it say before an edit? | `CONV#<conversation>` / `REV#<number>#<revision>` |
//! | what changed since? | `CONV#<conversation>` / `CHANGE#<number>` |
//! | which keys verify tokens? | `KEYS` / `KEY#<kid>` |
//!
//! Numbers have 13 digits with leading zeros, so that the order of the strings is the order of the numbers.

use std::{collections::HashMap, fmt::Display, str::FromStr};

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de};

use crate::{
    ids::{ConversationId, MAX_NUMBER, MessageId, SessionId, UserId},
    model::user::Email,
};

/// The name of the index.
pub(crate) const INDEX: &str = "gsi1";

const USERS: &str = "USERS";
const KEYS: &str = "KEYS";
const PROFILE: &str = "PROFILE";
const CREDENTIAL: &str = "CREDENTIAL";
const META: &str = "META";

/// An item's primary key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    pk: String,
    sk: String,
}

/// A place in one of a conversation's two logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// A number of the message log.
    Message(u64),
    /// A number of the change log.
    Change(u64),
}

impl Key {
    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }

    /// A user's profile.
    #[must_use]
    pub fn user(user: UserId) -> Self {
        Self::new(of_user(user), PROFILE)
    }

    /// What logs in with this email.
    #[must_use]
    pub fn credential(email: &Email) -> Self {
        Self::new(format!("EMAIL#{}", email.as_str()), CREDENTIAL)
    }

    /// A device that is logged in.
    #[must_use]
    pub fn session(user: UserId, session: SessionId) -> Self {
        Self::new(of_user(user), format!("SESSION#{session}"))
    }

    /// A conversation in its participant's list.
    #[must_use]
    pub fn inbox(user: UserId, conversation: ConversationId) -> Self {
        Self::new(of_user(user), format!("CONV#{conversation}"))
    }

    /// A conversation's own item.
    #[must_use]
    pub fn conversation(conversation: ConversationId) -> Self {
        Self::new(of_conversation(conversation), META)
    }

    /// A participant's membership.
    #[must_use]
    pub fn member(conversation: ConversationId, user: UserId) -> Self {
        Self::new(of_conversation(conversation), format!("MEMBER#{user}"))
    }

    /// A message.
    #[must_use]
    pub fn message(id: MessageId) -> Self {
        Self::slot(id.conversation, Slot::Message(id.number))
    }

    /// A place in one of the two logs.
    #[must_use]
    pub fn slot(conversation: ConversationId, slot: Slot) -> Self {
        let sk = match slot {
            Slot::Message(number) => format!("MSG#{number:013}"),
            Slot::Change(number) => format!("CHANGE#{number:013}"),
        };
        Self::new(of_conversation(conversation), sk)
    }

    /// What message `id` said as its revision `revision`.
    #[must_use]
    pub fn revision(id: MessageId, revision: u64) -> Self {
        Self::new(of_conversation(id.conversation), format!("REV#{:013}#{revision:06}", id.number))
    }

    /// A public key.
    #[must_use]
    pub fn signing_key(kid: &str) -> Self {
        Self::new(KEYS.to_owned(), format!("KEY#{kid}"))
    }

    /// Which kind of item stands here, for logs: the keys themselves hold emails.
    #[must_use]
    pub fn entity(&self) -> String {
        self.sk.split('#').next().unwrap_or_default().to_owned()
    }

    pub(crate) fn into_attributes(self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(self.pk)),
            ("sk".to_owned(), AttributeValue::S(self.sk)),
        ])
    }

    /// The key of an item as it came from the table.
    pub(crate) fn of(item: &HashMap<String, AttributeValue>) -> Option<Self> {
        let text = |name| item.get(name)?.as_s().ok().cloned();
        Some(Self { pk: text("pk")?, sk: text("sk")? })
    }

    /// The conversation of an inbox entry.
    pub(crate) fn inbox_conversation(&self) -> Option<ConversationId> {
        self.sk.strip_prefix("CONV#")?.parse().ok()
    }

    /// The user of a profile.
    pub(crate) fn profile_user(&self) -> Option<UserId> {
        self.pk.strip_prefix("USER#")?.parse().ok()
    }
}

fn of_user(user: UserId) -> String {
    format!("USER#{user}")
}

fn of_conversation(conversation: ConversationId) -> String {
    format!("CONV#{conversation}")
}

/// Sort keys of one partition between two bounds, both included; of the table, or of its index.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) pk: String,
    pub(crate) low: String,
    pub(crate) high: String,
    pub(crate) index: bool,
}

impl Span {
    fn new(pk: String, low: String, high: String) -> Self {
        Self { pk, low, high, index: false }
    }

    /// Everything that begins with `prefix`, above `above` if that is named. `:` and `~` come after every character of an id.
    fn prefixed(pk: String, prefix: &str, above: Option<&dyn Display>) -> Self {
        let low = above.map_or_else(|| prefix.to_owned(), |above| format!("{prefix}{above}~"));
        Self::new(pk, low, format!("{prefix}~"))
    }

    /// Messages numbered `low` to `high`.
    pub(crate) fn messages(conversation: ConversationId, low: u64, high: u64) -> Self {
        let sk = |number: u64| Key::slot(conversation, Slot::Message(number.min(MAX_NUMBER))).sk;
        Self::new(of_conversation(conversation), sk(low), sk(high))
    }

    /// Changes numbered from `low`.
    pub(crate) fn changes(conversation: ConversationId, low: u64) -> Self {
        let sk = |number: u64| Key::slot(conversation, Slot::Change(number.min(MAX_NUMBER))).sk;
        Self::new(of_conversation(conversation), sk(low), sk(MAX_NUMBER))
    }

    /// Earlier bodies of a message.
    pub(crate) fn revisions(id: MessageId) -> Self {
        Self::prefixed(of_conversation(id.conversation), &format!("REV#{:013}#", id.number), None)
    }

    /// Participants, after one by the order of ids.
    pub(crate) fn members(conversation: ConversationId, after: Option<UserId>) -> Self {
        Self::prefixed(
            of_conversation(conversation),
            "MEMBER#",
            after.as_ref().map(|user| user as &dyn Display),
        )
    }

    /// A user's sessions, after one by the order of ids.
    pub(crate) fn sessions(user: UserId, after: Option<SessionId>) -> Self {
        Self::prefixed(of_user(user), "SESSION#", after.as_ref().map(|session| session as &dyn Display))
    }

    /// A user's conversations in the order of their ids, from one on.
    pub(crate) fn inbox(user: UserId, from: Option<ConversationId>) -> Self {
        let low = from.map_or_else(|| "CONV#".to_owned(), |from| format!("CONV#{from}"));
        Self::new(of_user(user), low, "CONV#~".to_owned())
    }

    /// A user's conversations by activity: those that come before `position` in descending order.
    pub(crate) fn active(user: UserId, position: Option<&Activity>) -> Self {
        let high = position.map_or_else(|| "ACTIVE#~".to_owned(), |position| position.sort_key_before());
        Self { index: true, ..Self::new(of_user(user), "ACTIVE#".to_owned(), high) }
    }

    /// All users by time of creation, after one.
    pub(crate) fn users(after: Option<(DateTime<Utc>, UserId)>) -> Self {
        let low =
            after.map_or_else(|| "0".to_owned(), |(created_at, user)| user_sort_key(created_at, user) + "~");
        Self { index: true, ..Self::new(USERS.to_owned(), low, "~".to_owned()) }
    }

    /// All signing keys.
    pub(crate) fn signing_keys() -> Self {
        Self::prefixed(KEYS.to_owned(), "KEY#", None)
    }
}

/// Where a conversation stands in its participant's list: by the hour of its last activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// Hours since 1970-01-01T00:00Z.
    pub hour: u32,
    /// Which conversation.
    pub conversation: ConversationId,
}

impl Activity {
    /// The activity of `time`.
    #[must_use]
    pub fn at(time: DateTime<Utc>, conversation: ConversationId) -> Self {
        Self { hour: u32::try_from(time.timestamp() / 3600).unwrap_or_default(), conversation }
    }

    fn sort_key(self) -> String {
        format!("ACTIVE#{:07}#{}", self.hour, self.conversation)
    }

    /// The highest key below this one: `~` is never part of a key, and `!` comes before every character of an id.
    fn sort_key_before(self) -> String {
        let mut key = self.sort_key();
        if let Some(last) = key.pop() {
            let before = char::from_u32(u32::from(last) - 1).unwrap_or('!');
            key.push(before);
            key.push('~');
        }
        key
    }

    pub(crate) fn parse(sort_key: &str) -> Option<Self> {
        let (hour, conversation) = sort_key.strip_prefix("ACTIVE#")?.split_once('#')?;
        Some(Self { hour: hour.parse().ok()?, conversation: conversation.parse().ok()? })
    }
}

fn user_sort_key(created_at: DateTime<Utc>, user: UserId) -> String {
    format!("{:017}#{user}", created_at.timestamp_micros())
}

/// Index attributes of a user's profile.
pub(crate) fn user_index(created_at: DateTime<Utc>, user: UserId) -> [(&'static str, String); 2] {
    [("gsi1pk", USERS.to_owned()), ("gsi1sk", user_sort_key(created_at, user))]
}

/// Index attributes of an inbox entry.
pub(crate) fn inbox_index(user: UserId, activity: Activity) -> [(&'static str, String); 2] {
    [("gsi1pk", of_user(user)), ("gsi1sk", activity.sort_key())]
}

/// Reads what stands behind `prefix` in a key.
fn behind<'de, T: FromStr, D: Deserializer<'de>>(
    deserializer: D,
    prefix: &'static str,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    let value = text.strip_prefix(prefix).and_then(|rest| rest.parse().ok());
    value.ok_or_else(|| de::Error::custom(format_args!("expected a key beginning with {prefix}")))
}

/// Declares readers of one part of a key, for `#[serde(deserialize_with)]`.
macro_rules! key_parts {
    ($($name:ident: $type:ty = $prefix:literal;)*) => {$(
        pub(crate) fn $name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
            behind(deserializer, $prefix)
        }
    )*};
}

key_parts! {
    user_pk: UserId = "USER#";
    conversation_pk: ConversationId = "CONV#";
    conversation_sk: ConversationId = "CONV#";
    session_sk: SessionId = "SESSION#";
    member_sk: UserId = "MEMBER#";
    message_sk: u64 = "MSG#";
    change_sk: u64 = "CHANGE#";
    signing_key_sk: String = "KEY#";
}

pub(crate) fn credential_pk<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Email, D::Error> {
    let text: String = behind(deserializer, "EMAIL#")?;
    Email::parse(&text).map_err(|_| de::Error::custom("expected an email"))
}

pub(crate) fn slot_sk<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Slot, D::Error> {
    let text = String::deserialize(deserializer)?;
    let number = |prefix| text.strip_prefix(prefix).and_then(|number: &str| number.parse().ok());
    let slot = number("MSG#").map(Slot::Message).or_else(|| number("CHANGE#").map(Slot::Change));
    slot.ok_or_else(|| de::Error::custom("expected a place in a log"))
}

pub(crate) fn revision_sk<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(u64, u64), D::Error> {
    let text: String = behind(deserializer, "REV#")?;
    let parts = text
        .split_once('#')
        .and_then(|(number, revision)| Some((number.parse().ok()?, revision.parse().ok()?)));
    parts.ok_or_else(|| de::Error::custom("expected an earlier revision"))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn keys_have_their_golden_form() {
        let user = UserId::new(Uuid::from_u128(1));
        let conversation = ConversationId::from_prefix([1; 10]);
        let id = conversation.message(7);
        let email = Email::parse("ann@example.com").unwrap();
        let keys = [
            (Key::user(user), "USER#00000000-0000-0000-0000-000000000001|PROFILE"),
            (Key::credential(&email), "EMAIL#ann@example.com|CREDENTIAL"),
            (
                Key::session(user, SessionId::new(Uuid::from_u128(2))),
                "USER#00000000-0000-0000-0000-000000000001|SESSION#00000000-0000-0000-0000-000000000002",
            ),
            (
                Key::inbox(user, conversation),
                "USER#00000000-0000-0000-0000-000000000001|CONV#01010101-0101-8010-8404-040000000000",
            ),
            (Key::conversation(conversation), "CONV#01010101-0101-8010-8404-040000000000|META"),
            (
                Key::member(conversation, user),
                "CONV#01010101-0101-8010-8404-040000000000|MEMBER#00000000-0000-0000-0000-000000000001",
            ),
            (Key::message(id), "CONV#01010101-0101-8010-8404-040000000000|MSG#0000000000007"),
            (Key::revision(id, 2), "CONV#01010101-0101-8010-8404-040000000000|REV#0000000000007#000002"),
            (
                Key::slot(conversation, Slot::Change(3)),
                "CONV#01010101-0101-8010-8404-040000000000|CHANGE#0000000000003",
            ),
            (Key::signing_key("abc"), "KEYS|KEY#abc"),
        ];
        for (key, golden) in keys {
            assert_eq!(format!("{}|{}", key.pk, key.sk), golden);
        }
    }

    #[test]
    fn a_position_in_the_list_excludes_itself_and_nothing_below() {
        let activity = Activity { hour: 494_000, conversation: ConversationId::from_prefix([1; 10]) };
        let before = activity.sort_key_before();
        assert!(before < activity.sort_key());
        assert!(
            before
                > Activity { hour: 494_000, conversation: ConversationId::from_prefix([0; 10]) }.sort_key()
        );
        assert_eq!(Activity::parse(&activity.sort_key()), Some(activity));
    }

    #[test]
    fn the_span_of_users_begins_at_the_first() {
        let user = UserId::new(Uuid::from_u128(1));
        assert_eq!(Span::users(None).low, "0");
        let after = Span::users(Some((DateTime::UNIX_EPOCH, user)));
        assert_eq!(after.low, "00000000000000000#00000000-0000-0000-0000-000000000001~");
    }
}
