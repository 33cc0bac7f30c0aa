//! The parts of a message: its body, and the digest by which the server recognises a retried send. Nothing here reads
//! or writes the table.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::{Invalid, Metadata, text::Rule};
use crate::ids::{ConversationId, IdempotencyKey, MessageId, UserId};

/// The rule for the body of a message.
pub const BODY: Rule =
    Rule { field: "message_body", min: 1, max: 16_384, max_bytes: 48 * 1024, is_line: false };

/// The maximum time by which an idempotency key may be in the future, compared with the server's clock.
const KEY_AHEAD: TimeDelta = TimeDelta::minutes(5);

/// Parses a message body: 1 to 16,384 code points, at most 48 KB, with at least one visible character.
pub fn body(text: String) -> Result<String, Invalid> {
    BODY.check(text)
}

/// The maximum number of users whom a message mentions. Further ones are plain text.
pub const MOST_MENTIONS: usize = 20;

/// Returns the users whom a text mentions as `@` and their id, in the order of the text and each once. An `@` behind a letter
/// or a digit is part of an email address.
#[must_use]
pub fn mentioned(text: &str) -> Vec<UserId> {
    let mut users = Vec::new();
    for (at, _) in text.match_indices('@') {
        let id = text.get(at + 1..at + 37).and_then(|id| id.parse().ok());
        let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        let is_part = joins(text[..at].chars().next_back())
            || joins(text.get(at + 37..).and_then(|it| it.chars().next()));
        if let Some(user) = id.filter(|user| !is_part && !users.contains(user)) {
            users.push(user);
        }
    }
    users.truncate(MOST_MENTIONS);
    users
}

/// Checks that an idempotency key is at most five minutes later than `now`, the server's time.
pub fn timely(key: IdempotencyKey, now: DateTime<Utc>) -> Result<IdempotencyKey, Invalid> {
    if key.made_at() > now + KEY_AHEAD {
        let reason = "is a UUIDv7 more than five minutes in the future; set the clock of the client";
        return Err(Invalid::new("client_id", reason));
    }
    Ok(key)
}

/// Checks that the message id in the field `field` belongs to `conversation`.
pub fn of_conversation(
    field: &'static str,
    id: MessageId,
    conversation: ConversationId,
) -> Result<(), Invalid> {
    if id.conversation != conversation {
        return Err(Invalid::new(field, "must be a message of the same conversation"));
    }
    Ok(())
}

/// A send that was parsed. The check that the user may write to the conversation follows later.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The conversation that receives the message.
    pub conversation: ConversationId,
    /// The text of the message, as [`body`] accepts it.
    pub body: String,
    /// The message that this one replies to, in the same conversation.
    pub reply_to: Option<MessageId>,
    /// The key by which a retry is recognised; `None` if the client sent no key.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The last message that the client had seen when its user pressed send.
    pub after: Option<MessageId>,
    /// The client's own data, stored with the message.
    pub metadata: Option<Metadata>,
}

impl Draft {
    /// Returns the digest of the request as first sent. The digest does not include `after`, which only limits how far
    /// the server looks back. A retry has the same `after` as the first try, or a lower one.
    #[must_use]
    pub fn digest(&self) -> String {
        let reply_to = self.reply_to.map(|id| id.to_string()).unwrap_or_default();
        digest([self.body.as_str(), &reply_to, self.metadata.as_ref().map_or("", Metadata::as_str)])
    }
}

/// Returns the digest of the parts of a request: 128 bits of SHA-256 in base64url over the parts, each preceded by its
/// length.
#[must_use]
pub fn digest<const N: usize>(parts: [&str; N]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_behind_an_at_sign_is_a_mention() {
        let ids = ["5e2f3f6e-4a0e-4cbb-8f0f-5f8b1f2d9a10", "00000000-0000-4000-8000-000000000001"];
        let [one, other] = ids.map(|id| id.parse::<UserId>().unwrap());
        let text = format!("@{} (@{}), and again @{}!", ids[0], ids[1].to_uppercase(), ids[0]);
        assert_eq!(mentioned(&text), [one, other]);
        assert_eq!(mentioned(&format!("@{}", ids[0])), [one]);
        for text in [
            format!("ann@{}", ids[0]),
            format!("@{}0", ids[0]),
            format!("@{}-", ids[0]),
            format!("@ {}", ids[0]),
            format!("@{}", &ids[0][..35]),
            "@ann, call ann@example.com @".to_owned(),
            format!("@{}ä{}", &ids[0][..34], "0"),
        ] {
            assert_eq!(mentioned(&text), [], "{text}");
        }
        let many = (0..30).map(|n| format!("@00000000-0000-4000-8000-{n:012}")).collect::<Vec<_>>();
        assert_eq!(mentioned(&many.join(" ")).len(), MOST_MENTIONS);
    }
}
