//! The parts of a report: its target, its reason, its state, and the texts of the reporter and of the admins. Nothing
//! here decides who may report what.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::{Builder, Version};

use super::{Invalid, characters::is_visible, text::Rule};
use crate::ids::{ConversationId, IdempotencyKey, MessageId, ReportId, UserId};

/// The reason of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Unwanted advertising, or the same content many times.
    Spam,
    /// Insults or threats against a person.
    Harassment,
    /// Hate against a group of people.
    Hate,
    /// Violence, or a call for violence.
    Violence,
    /// Sexual content.
    Sexual,
    /// Self-harm or suicide.
    SelfHarm,
    /// Content that is against the law.
    Illegal,
    /// A user who pretends to be another person.
    Impersonation,
    /// A reason that is not in this list. The comment explains it.
    Other,
}

impl Reason {
    /// Returns the name of the reason in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spam => "spam",
            Self::Harassment => "harassment",
            Self::Hate => "hate",
            Self::Violence => "violence",
            Self::Sexual => "sexual",
            Self::SelfHarm => "self_harm",
            Self::Illegal => "illegal",
            Self::Impersonation => "impersonation",
            Self::Other => "other",
        }
    }
}

/// The state of a report. A closed report does not change any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportState {
    /// An admin has to decide about the report.
    Open,
    /// An admin has closed the report.
    Closed,
}

impl ReportState {
    /// Returns the name of the state in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// The resource that a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A message.
    Message(MessageId),
    /// A user.
    User(UserId),
    /// A conversation.
    Conversation(ConversationId),
}

/// The rule for the comment of the reporter.
pub const COMMENT: Rule = text("comment");
/// The rule for the note of the admins.
pub const NOTE: Rule = text("note");

const fn text(field: &'static str) -> Rule {
    Rule { is_line: false, ..Rule::line(field, 0, 1000) }
}

/// Parses the comment of a report. A text without a visible character means no comment.
pub fn comment(text: String) -> Result<Option<String>, Invalid> {
    COMMENT.check(text).map(if_visible)
}

/// Parses the note of the admins. A text without a visible character means no note.
pub fn note(text: String) -> Result<Option<String>, Invalid> {
    NOTE.check(text).map(if_visible)
}

fn if_visible(text: String) -> Option<String> {
    text.chars().any(is_visible).then_some(text)
}

/// Returns the id of the report that a user files with a key: the 48 bits of the key's time, then a hash of the user and
/// the key. So a retry files the same report, and the order of the ids is the order of the keys' times.
#[must_use]
pub fn id_of_request(reporter: UserId, key: IdempotencyKey) -> ReportId {
    let hash = Sha256::new()
        .chain_update(b"messaging/report/1")
        .chain_update(reporter.uuid().as_bytes())
        .chain_update(key.uuid().as_bytes())
        .finalize();
    let mut bytes = *key.uuid().as_bytes();
    bytes[6..].copy_from_slice(&hash[..10]);
    ReportId::new(Builder::from_bytes(bytes).with_version(Version::Custom).into_uuid())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn key(text: &str) -> IdempotencyKey {
        text.parse().unwrap()
    }

    #[test]
    fn an_id_depends_on_the_reporter_and_the_key_and_has_the_time_of_the_key() {
        let (ann, ben) = (UserId::new(Uuid::from_u128(1)), UserId::new(Uuid::from_u128(2)));
        let (first, later) =
            (key("017f22e2-79b0-7cc3-98c4-dc0c0c07398f"), key("017f22e2-79b1-7000-8000-000000000000"));
        let id = id_of_request(ann, first);
        assert_eq!(id, id_of_request(ann, first));
        assert_ne!(id, id_of_request(ben, first));
        assert!(id.to_string().starts_with("017f22e2-79b0-8"), "{id}");
        assert!(id.to_string() < id_of_request(ben, later).to_string());
    }

    #[test]
    fn a_blank_comment_is_none() {
        assert_eq!(comment(" \n".to_owned()).unwrap(), None);
        assert_eq!(comment(" é".to_owned()).unwrap().as_deref(), Some(" é"));
        assert_eq!(comment("é".repeat(1000)).unwrap().map(|text| text.chars().count()), Some(1000));
        for bad in ["é".repeat(1001), "a\0".to_owned()] {
            assert_eq!(comment(bad.clone()).unwrap_err().field, "comment");
            assert_eq!(note(bad).unwrap_err().field, "note");
        }
    }

    #[test]
    fn names_are_those_of_serde() {
        for reason in [Reason::Spam, Reason::SelfHarm, Reason::Other] {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        for state in [ReportState::Open, ReportState::Closed] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }
}
