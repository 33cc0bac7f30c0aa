//! A conversation's own words: its kind, its name, and the role of a participant in it.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use utoipa::ToSchema;

use super::{Invalid, text::Rule};
use crate::ids::{ConversationId, UserId};

/// Most participants of one conversation.
pub const MAX_PARTICIPANTS: usize = 1000;
/// Most participants that one request creates, adds or sets by id.
pub const PARTICIPANTS_PER_REQUEST: usize = 40;
/// Most participants that a conversation shows nested, and that PUT and PATCH can replace.
pub const NESTED_PARTICIPANTS: usize = 50;
/// Most owners of one conversation: they stand in its item.
pub const MAX_OWNERS: usize = 20;

/// The kind of a conversation: `direct` between two users, or a `group` of any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(examples("group"))]
pub enum ConversationKind {
    /// The one conversation of a pair, whose participants never change.
    Direct,
    /// Any number of participants, who come and go.
    #[default]
    Group,
}

/// The role of a participant. An `owner` can also change roles, remove others and delete the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberRole {
    /// Changes, deletes and moderates the conversation.
    Owner,
    /// Reads and writes.
    Member,
}

/// What a conversation's name may be.
pub const NAME: Rule = Rule::line("name", 0, 200);

/// A conversation's name, at most 200 characters. White space alone means none; other text needs a visible character.
pub fn name(text: String) -> Result<Option<String>, Invalid> {
    let name = NAME.check(text)?;
    if name.trim().is_empty() {
        return Ok(None);
    }
    Rule { min: 1, ..NAME }.check(name).map(Some)
}

/// The secret that ids of direct conversations are derived with, so that nobody else can derive one from two user ids.
#[derive(Clone, PartialEq, Eq)]
pub struct PairKey([u8; 32]);

impl PairKey {
    /// A key of random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes in base64url, as they are stored.
    #[must_use]
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Reads what was stored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The id of the one direct conversation of two users: the first 80 bits of HMAC-SHA-256 over a tag and the sorted pair.
    #[must_use]
    pub fn direct_id(&self, pair: [UserId; 2]) -> ConversationId {
        // HMAC fills a shorter key with zeros up to the block of the hash.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.0);
        let mut hmac = Hmac::<Sha256>::new(&block.into());
        hmac.update(b"messaging/direct-conversation/1");
        hmac.update(pair[0].min(pair[1]).uuid().as_bytes());
        hmac.update(pair[0].max(pair[1]).uuid().as_bytes());
        let mut prefix = [0; 10];
        prefix.copy_from_slice(&hmac.finalize().into_bytes()[..10]);
        ConversationId::from_prefix(prefix)
    }
}

impl fmt::Debug for PairKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairKey")
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_pair_has_one_direct_conversation() {
        let [ann, ben] = [1, 2].map(|n| UserId::new(Uuid::from_u128(n)));
        let key = PairKey::new([7; 32]);
        assert_eq!(key.direct_id([ann, ben]), key.direct_id([ben, ann]));
        assert_ne!(key.direct_id([ann, ben]), key.direct_id([ann, ann]));
        // HMAC-SHA-256 of Python's `hmac` module: an id never changes.
        assert_eq!(key.direct_id([ann, ben]).to_string(), "41e289de-bd01-8b46-b8e4-300000000000");
        assert_ne!(PairKey::new([8; 32]).direct_id([ann, ben]), key.direct_id([ann, ben]));
    }

    #[test]
    fn a_key_is_read_back_and_never_printed() {
        let key = PairKey::new([7; 32]);
        assert_eq!(PairKey::parse(&key.text()), Some(key.clone()));
        for bad in ["", "AAAA", "*", &PairKey::new([7; 32]).text()[1..]] {
            assert_eq!(PairKey::parse(bad), None, "{bad}");
        }
        assert_eq!(format!("{key:?}"), "PairKey");
    }

    #[test]
    fn a_blank_name_is_none() {
        assert_eq!(name(" ".to_owned()).unwrap(), None);
        assert_eq!(name("Weekend".to_owned()).unwrap().as_deref(), Some("Weekend"));
        assert!(name("x".repeat(201)).is_err());
        assert!(name("\u{200b}".to_owned()).is_err() && name("a\u{202e}".to_owned()).is_err());
    }
}
