//! A message's own words: its body, and what identifies a send so that a retry is recognised.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::{Invalid, Metadata, text::Rule};
use crate::ids::{ConversationId, IdempotencyKey, MessageId};

/// What a message may say.
pub const BODY: Rule =
    Rule { field: "message_body", min: 1, max: 16_384, max_bytes: 48 * 1024, is_line: false };

/// A key may be this far ahead of the server's clock.
const KEY_AHEAD: TimeDelta = TimeDelta::minutes(5);

/// A message body: 1 to 16,384 code points and at most 48 KB, one of them visible.
pub fn body(text: String) -> Result<String, Invalid> {
    BODY.check(text)
}

/// Checks that a key is not more than five minutes ahead of `now`, the server's time.
pub fn timely(key: IdempotencyKey, now: DateTime<Utc>) -> Result<IdempotencyKey, Invalid> {
    if key.made_at() > now + KEY_AHEAD {
        let reason = "is a UUIDv7 of more than five minutes in the future: set the clock";
        return Err(Invalid::new("client_id", reason));
    }
    Ok(key)
}

/// Checks that the message which `field` names is of `conversation`.
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

/// A send as its user meant it: parsed, and not yet known to be allowed.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Where it goes.
    pub conversation: ConversationId,
    /// What it says.
    pub body: String,
    /// The message that it answers, of the same conversation.
    pub reply_to: Option<MessageId>,
    /// What makes a retry recognisable; `None` when the client names none.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The last message that the client had seen when its user pressed send.
    pub after: Option<MessageId>,
    /// The client's own data.
    pub metadata: Option<Metadata>,
}

impl Draft {
    /// Digest of what the request said, as first sent.
    /// `after` is no part of it: it bounds the look-back. A retry names the same one as the first try, or a lower one.
    #[must_use]
    pub fn digest(&self) -> String {
        let reply_to = self.reply_to.map(|id| id.to_string()).unwrap_or_default();
        digest([self.body.as_str(), &reply_to, self.metadata.as_ref().map_or("", Metadata::as_str)])
    }
}

/// Digest of a request's parts: 128 bits of SHA-256 in base64url over the parts, each with its length.
#[must_use]
pub fn digest<const N: usize>(parts: [&str; N]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..16])
}
