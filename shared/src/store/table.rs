//! The keys of the one table, and the access patterns that they serve. Only this module and its submodules contain the
//! formats of keys: `spans` has the ranges of keys, `index` the keys of the index, and `parts` the readers of parts of
//! keys.
//!
//! | question | answered by |
//! |---|---|
//! | who is this user? | `USER#<user>` / `PROFILE` |
//! | which account has this email, and may this password log in? | `EMAIL#<email>` / `CREDENTIAL` |
//! | how many attempts did this source make at this email? | `EMAIL#<email>` / `TALLY#<network, device or session>` |
//! | how many attempts failed from unknown devices? | `EMAIL#<email>` / `TALLY#unknown` |
//! | has this device logged in before? | `USER#<user>` / `DEVICE#<device>` |
//! | how many conversations may this user still start? | `LIMITS#<user>` / `CREATE` |
//! | whom has a user blocked? | `USER#<user>` / `BLOCKS` |
//! | which sessions does a user have? | `USER#<user>` / `SESSION#…` |
//! | which conversations does a user have? (complete) | `INBOX#<user>` / `CONV#…` |
//! | the same by hour of the last activity (may be stale) | index: `INBOX#<user>` / `ACTIVE#<hour>#<conversation>`, descending |
//! | which invitations has a user not answered? (complete, by time) | `INBOX#<user>` / `INVITED#<time>#<conversation>`, descending |
//! | which users exist? (for admins) | index: `USERS` / `<time of creation>#<user>` |
//! | what is this conversation? | `CONV#<conversation>` / `META` |
//! | may this user read and write in it? | `CONV#<conversation>` / `MEMBER#<user>` |
//! | who are the participants? | `CONV#<conversation>` / `MEMBER#…` |
//! | which messages does it contain? which number is last? | `CONV#<conversation>` / `MSG#<number>`, up or down |
//! | what was the text of a message before an edit? | `CONV#<conversation>` / `REV#<number>#<revision>` |
//! | which replies has a message? | `CONV#<conversation>` / `THREAD#<number of the first message>#<number>` |
//! | which messages are pinned? | `CONV#<conversation>` / `PIN#<number>` |
//! | what has changed since a number? | `CONV#<conversation>` / `CHANGE#<number>` |
//! | which reports are open? | `REPORTS` / `OPEN#<report>` |
//! | which reports are closed? | `REPORTS` / `CLOSED#<report>` |
//! | how many reports may this user still file? | `LIMITS#<user>` / `REPORT` |
//! | which WebSocket connections does a user have? | `LINKS#<user>` / `LINK#…` |
//! | whose WebSocket connection is this? | `CONNECTION#<connection>` / `USER` |
//! | when was the presence of a user told? | `LINKS#<user>` / `PRESENCE#online`, `PRESENCE#offline` |
//! | who may open a connection with this ticket? | `TICKET#<SHA-256 of the ticket>` / `TICKET` |
//! | which keys verify tokens? | `KEYS` / `KEY#<kid>` |
//! | from which secret are the ids of direct conversations derived? | `KEYS` / `PAIR` |
//!
//! Numbers have 13 digits with leading zeros, so that the order of the strings is the order of the numbers.

mod index;
pub(super) mod parts;
mod spans;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

pub use self::{index::Activity, parts::InvitationPosition};
pub(super) use self::{
    index::{INDEX, inbox_index, user_index},
    spans::Span,
};
use crate::{
    ids::{ConnectionId, ConversationId, DeviceId, MessageId, ReportId, SessionId, UserId},
    model::{report::ReportState, user::Email},
    store::items::{AttemptSource, BucketPurpose, Member},
};

const USERS: &str = "USERS";
const KEYS: &str = "KEYS";
const PAIR: &str = "PAIR";
const REPORTS: &str = "REPORTS";
const ADMINS: &str = "ADMINS";
const PROFILE: &str = "PROFILE";
const BLOCKS: &str = "BLOCKS";
const CREDENTIAL: &str = "CREDENTIAL";
const META: &str = "META";
const CREATE: &str = "CREATE";
const REPORT: &str = "REPORT";
const TICKET: &str = "TICKET";
const CONNECTION_USER: &str = "USER";

/// The primary key of an item. Each kind of item has one constructor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    pk: String,
    sk: String,
}

/// A position in one of a conversation's two logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogPosition {
    /// A number in the message log.
    Message(u64),
    /// A number in the change log.
    Change(u64),
}

impl Key {
    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }

    /// Returns the key of a user's profile.
    #[must_use]
    pub fn user(user: UserId) -> Self {
        Self::new(of_user(user), PROFILE)
    }

    /// Returns the key of the credential of an email.
    #[must_use]
    pub fn credential(email: &Email) -> Self {
        Self::new(of_email(email), CREDENTIAL)
    }

    /// Returns the key of the tally of the attempts that a source made at an email.
    #[must_use]
    pub fn tally(email: &Email, source: &AttemptSource) -> Self {
        Self::new(of_email(email), format!("TALLY#{source}"))
    }

    /// Returns the key of a device on which a user has logged in.
    #[must_use]
    pub fn device(user: UserId, device: DeviceId) -> Self {
        Self::new(of_user(user), format!("DEVICE#{device}"))
    }

    /// Returns the key of the blocks of a user.
    #[must_use]
    pub fn blocks(user: UserId) -> Self {
        Self::new(of_user(user), BLOCKS)
    }

    /// Returns the key of a session.
    #[must_use]
    pub fn session(user: UserId, session: SessionId) -> Self {
        Self::new(of_user(user), format!("SESSION#{session}"))
    }

    /// Returns the key of the tokens that a user has left for one purpose. Buckets have their own partition, like an inbox.
    #[must_use]
    pub fn bucket(user: UserId, purpose: BucketPurpose) -> Self {
        Self::new(format!("LIMITS#{user}"), of_purpose(purpose))
    }

    /// Returns the key of an inbox entry. Inboxes have their own partitions, so that functions that may write inboxes
    /// cannot write accounts.
    #[must_use]
    pub fn inbox(user: UserId, conversation: ConversationId) -> Self {
        Self::new(of_inbox(user), format!("CONV#{conversation}"))
    }

    /// Returns the key of an invitation. It is in the partition of the inbox, but outside of the list of conversations.
    #[must_use]
    pub fn invitation(user: UserId, position: InvitationPosition) -> Self {
        Self::new(of_inbox(user), format!("INVITED#{position}"))
    }

    /// Returns the key of a membership's entry in the lists of its user: the invitation or the inbox entry.
    #[must_use]
    pub fn entry_of(member: &Member) -> Self {
        match member.invitation() {
            Some(position) => Self::invitation(member.user, position),
            None => Self::inbox(member.user, member.conversation),
        }
    }

    /// Returns the key of a conversation's own item.
    #[must_use]
    pub fn conversation(conversation: ConversationId) -> Self {
        Self::new(of_conversation(conversation), META)
    }

    /// Returns the key of a membership.
    #[must_use]
    pub fn member(conversation: ConversationId, user: UserId) -> Self {
        Self::new(of_conversation(conversation), format!("MEMBER#{user}"))
    }

    /// Returns the key of a message.
    #[must_use]
    pub fn message(id: MessageId) -> Self {
        Self::log_entry(id.conversation, LogPosition::Message(id.number))
    }

    /// Returns the key of an entry in one of the two logs.
    #[must_use]
    pub fn log_entry(conversation: ConversationId, position: LogPosition) -> Self {
        let sk = match position {
            LogPosition::Message(number) => format!("MSG#{number:013}"),
            LogPosition::Change(number) => format!("CHANGE#{number:013}"),
        };
        Self::new(of_conversation(conversation), sk)
    }

    /// Returns the key of the earlier body that message `id` had after `edits` edits.
    #[must_use]
    pub fn revision(id: MessageId, edits: u64) -> Self {
        Self::new(of_conversation(id.conversation), format!("REV#{:013}#{edits:06}", id.number))
    }

    /// Returns the key of the pin of a message.
    #[must_use]
    pub fn pin(id: MessageId) -> Self {
        Self::new(of_conversation(id.conversation), format!("PIN#{:013}", id.number))
    }

    /// Returns the key of the pointer of reply `number` in the thread that begins with message `root`.
    #[must_use]
    pub fn thread_pointer(root: MessageId, number: u64) -> Self {
        Self::new(of_conversation(root.conversation), format!("THREAD#{:013}#{number:013}", root.number))
    }

    /// Returns the key of a report. It depends on the state, so that the open reports are one span.
    #[must_use]
    pub fn report(state: ReportState, report: ReportId) -> Self {
        Self::new(REPORTS.to_owned(), format!("{}{report}", of_state(state)))
    }

    /// Returns the key of a WebSocket connection of a user.
    #[must_use]
    pub fn link(user: UserId, connection: &ConnectionId) -> Self {
        Self::new(of_links(user), format!("LINK#{connection}"))
    }

    /// Returns the key of the user of a WebSocket connection.
    #[must_use]
    pub fn connection_user(connection: &ConnectionId) -> Self {
        Self::new(format!("CONNECTION#{connection}"), CONNECTION_USER)
    }

    /// Returns the key of the note that a state of a user's presence was told.
    #[must_use]
    pub(super) fn presence(user: UserId, state: &str) -> Self {
        Self::new(of_links(user), format!("PRESENCE#{state}"))
    }

    /// Returns the key of the ticket with this SHA-256 digest.
    #[must_use]
    pub fn ticket(digest: &str) -> Self {
        Self::new(format!("TICKET#{digest}"), TICKET)
    }

    /// Returns the key of a public key that verifies tokens.
    #[must_use]
    pub fn signing_key(kid: &str) -> Self {
        Self::new(KEYS.to_owned(), format!("KEY#{kid}"))
    }

    /// Returns the key of the secret from which the ids of direct conversations are derived.
    #[must_use]
    pub fn pair_key() -> Self {
        Self::new(KEYS.to_owned(), PAIR)
    }

    /// Returns the key of the item that contains all admins.
    #[must_use]
    pub fn admins() -> Self {
        Self::new(ADMINS.to_owned(), ADMINS)
    }

    pub(super) fn into_attributes(self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(self.pk)),
            ("sk".to_owned(), AttributeValue::S(self.sk)),
        ])
    }

    /// Returns the key of an item that was read; `None` if the attributes `pk` and `sk` are not strings.
    pub(super) fn of(item: &HashMap<String, AttributeValue>) -> Option<Self> {
        let text = |name| item.get(name)?.as_s().ok().cloned();
        Some(Self { pk: text("pk")?, sk: text("sk")? })
    }

    /// Returns the conversation of an inbox entry; `None` for the key of another kind.
    pub(super) fn inbox_conversation(&self) -> Option<ConversationId> {
        self.sk.strip_prefix("CONV#")?.parse().ok()
    }

    /// Returns the user of a profile; `None` for the key of another kind.
    pub(super) fn profile_user(&self) -> Option<UserId> {
        self.pk.strip_prefix("USER#")?.parse().ok()
    }
}

fn of_user(user: UserId) -> String {
    format!("USER#{user}")
}

fn of_email(email: &Email) -> String {
    format!("EMAIL#{}", email.as_str())
}

fn of_links(user: UserId) -> String {
    format!("LINKS#{user}")
}

fn of_inbox(user: UserId) -> String {
    format!("INBOX#{user}")
}

const fn of_purpose(purpose: BucketPurpose) -> &'static str {
    match purpose {
        BucketPurpose::Conversations => CREATE,
        BucketPurpose::Reports => REPORT,
    }
}

const fn of_state(state: ReportState) -> &'static str {
    match state {
        ReportState::Open => "OPEN#",
        ReportState::Closed => "CLOSED#",
    }
}

fn of_conversation(conversation: ConversationId) -> String {
    format!("CONV#{conversation}")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::network::Network;

    #[test]
    fn keys_have_their_golden_form() {
        let user = UserId::new(Uuid::from_u128(1));
        let conversation = ConversationId::from_prefix([1; 10]);
        let id = conversation.message(7);
        let email = Email::parse("ann@example.com").unwrap();
        let keys = [
            (Key::user(user), "USER#00000000-0000-0000-0000-000000000001|PROFILE"),
            (Key::blocks(user), "USER#00000000-0000-0000-0000-000000000001|BLOCKS"),
            (Key::credential(&email), "EMAIL#ann@example.com|CREDENTIAL"),
            (
                Key::tally(&email, &AttemptSource::Network(Network::of("192.0.2.77".parse().unwrap()))),
                "EMAIL#ann@example.com|TALLY#192.0.2.0/24",
            ),
            (
                Key::tally(&email, &AttemptSource::Device(DeviceId::new(Uuid::from_u128(3)))),
                "EMAIL#ann@example.com|TALLY#00000000-0000-0000-0000-000000000003",
            ),
            (Key::tally(&email, &AttemptSource::UnknownDevices), "EMAIL#ann@example.com|TALLY#unknown"),
            (
                Key::device(user, DeviceId::new(Uuid::from_u128(3))),
                "USER#00000000-0000-0000-0000-000000000001|DEVICE#00000000-0000-0000-0000-000000000003",
            ),
            (
                Key::session(user, SessionId::new(Uuid::from_u128(2))),
                "USER#00000000-0000-0000-0000-000000000001|SESSION#00000000-0000-0000-0000-000000000002",
            ),
            (
                Key::bucket(user, BucketPurpose::Conversations),
                "LIMITS#00000000-0000-0000-0000-000000000001|CREATE",
            ),
            (Key::bucket(user, BucketPurpose::Reports), "LIMITS#00000000-0000-0000-0000-000000000001|REPORT"),
            (
                Key::inbox(user, conversation),
                "INBOX#00000000-0000-0000-0000-000000000001|CONV#01010101-0101-8010-8404-040000000000",
            ),
            (
                Key::invitation(
                    user,
                    InvitationPosition { invited_at: chrono::DateTime::UNIX_EPOCH, conversation },
                ),
                "INBOX#00000000-0000-0000-0000-000000000001|INVITED#00000000000000000#01010101-0101-8010-8404-040000000000",
            ),
            (Key::conversation(conversation), "CONV#01010101-0101-8010-8404-040000000000|META"),
            (
                Key::member(conversation, user),
                "CONV#01010101-0101-8010-8404-040000000000|MEMBER#00000000-0000-0000-0000-000000000001",
            ),
            (Key::message(id), "CONV#01010101-0101-8010-8404-040000000000|MSG#0000000000007"),
            (Key::revision(id, 2), "CONV#01010101-0101-8010-8404-040000000000|REV#0000000000007#000002"),
            (
                Key::thread_pointer(id, 9),
                "CONV#01010101-0101-8010-8404-040000000000|THREAD#0000000000007#0000000000009",
            ),
            (Key::pin(id), "CONV#01010101-0101-8010-8404-040000000000|PIN#0000000000007"),
            (
                Key::log_entry(conversation, LogPosition::Change(3)),
                "CONV#01010101-0101-8010-8404-040000000000|CHANGE#0000000000003",
            ),
            (
                Key::report(ReportState::Open, ReportId::new(Uuid::from_u128(4))),
                "REPORTS|OPEN#00000000-0000-0000-0000-000000000004",
            ),
            (
                Key::report(ReportState::Closed, ReportId::new(Uuid::from_u128(4))),
                "REPORTS|CLOSED#00000000-0000-0000-0000-000000000004",
            ),
            (Key::signing_key("abc"), "KEYS|KEY#abc"),
            (Key::pair_key(), "KEYS|PAIR"),
        ];
        for (key, golden) in keys {
            assert_eq!(format!("{}|{}", key.pk, key.sk), golden);
        }
    }
}
