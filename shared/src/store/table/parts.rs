//! Readers of the parts of a key, for `#[serde(deserialize_with)]` in `items`, because only the key of an item contains
//! its ids and numbers. The constructors of [`Key`](super::Key) are the opposite direction.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de};

use super::{CREATE, LogPosition, REPORT, of_state};
use crate::{
    ids::{ConnectionId, ConversationId, DeviceId, ReportId, SessionId, UserId},
    model::{report::ReportState, user::Email},
    store::items::{AttemptSource, BucketPurpose},
};

/// The position of an invitation in the list of its user: its time, then its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InvitationPosition {
    /// The time of the invitation, in whole microseconds.
    pub invited_at: DateTime<Utc>,
    /// The conversation of the invitation.
    pub conversation: ConversationId,
}

impl fmt::Display for InvitationPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:017}#{}", self.invited_at.timestamp_micros(), self.conversation)
    }
}

impl FromStr for InvitationPosition {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (micros, conversation) = text.split_once('#').ok_or(())?;
        let micros = micros.parse().ok().and_then(DateTime::from_timestamp_micros);
        let conversation = conversation.parse().ok();
        micros.zip(conversation).map(|(invited_at, conversation)| Self { invited_at, conversation }).ok_or(())
    }
}

/// Reads the part of a key that follows `prefix`.
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
        pub(in crate::store) fn $name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
            behind(deserializer, $prefix)
        }
    )*};
}

key_parts! {
    user_pk: UserId = "USER#";
    limits_pk: UserId = "LIMITS#";
    inbox_pk: UserId = "INBOX#";
    conversation_pk: ConversationId = "CONV#";
    conversation_sk: ConversationId = "CONV#";
    invitation_sk: InvitationPosition = "INVITED#";
    session_sk: SessionId = "SESSION#";
    device_sk: DeviceId = "DEVICE#";
    tally_sk: AttemptSource = "TALLY#";
    member_sk: UserId = "MEMBER#";
    message_sk: u64 = "MSG#";
    change_sk: u64 = "CHANGE#";
    pin_sk: u64 = "PIN#";
    signing_key_sk: String = "KEY#";
    links_pk: UserId = "LINKS#";
    link_sk: ConnectionId = "LINK#";
    presence_sk: String = "PRESENCE#";
    ticket_pk: String = "TICKET#";
    connection_pk: ConnectionId = "CONNECTION#";
}

pub(in crate::store) fn email_pk<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Email, D::Error> {
    let text: String = behind(deserializer, "EMAIL#")?;
    Email::parse(&text).map_err(|_| de::Error::custom("expected an email"))
}

pub(in crate::store) fn position_sk<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<LogPosition, D::Error> {
    let text = String::deserialize(deserializer)?;
    let number = |prefix| text.strip_prefix(prefix).and_then(|number: &str| number.parse().ok());
    let position =
        number("MSG#").map(LogPosition::Message).or_else(|| number("CHANGE#").map(LogPosition::Change));
    position.ok_or_else(|| de::Error::custom("expected a place in a log"))
}

/// Reads two numbers that follow `prefix`.
fn two_numbers<'de, D: Deserializer<'de>>(
    deserializer: D,
    prefix: &'static str,
) -> Result<(u64, u64), D::Error> {
    let text: String = behind(deserializer, prefix)?;
    let parts = text.split_once('#').and_then(|(one, other)| Some((one.parse().ok()?, other.parse().ok()?)));
    parts.ok_or_else(|| de::Error::custom(format_args!("expected two numbers behind {prefix}")))
}

pub(in crate::store) fn thread_sk<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(u64, u64), D::Error> {
    two_numbers(deserializer, "THREAD#")
}

pub(in crate::store) fn revision_sk<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(u64, u64), D::Error> {
    two_numbers(deserializer, "REV#")
}

pub(in crate::store) fn report_sk<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(ReportState, ReportId), D::Error> {
    let text = String::deserialize(deserializer)?;
    let read = |state| Some((state, text.strip_prefix(of_state(state))?.parse().ok()?));
    let place = read(ReportState::Open).or_else(|| read(ReportState::Closed));
    place.ok_or_else(|| de::Error::custom("expected the key of a report"))
}

pub(in crate::store) fn bucket_sk<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BucketPurpose, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        CREATE => Ok(BucketPurpose::Conversations),
        REPORT => Ok(BucketPurpose::Reports),
        _ => Err(de::Error::custom("expected the key of a bucket")),
    }
}
