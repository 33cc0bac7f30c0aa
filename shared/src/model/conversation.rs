//! The parts of a conversation: its kind, its name, its limits, and the roles of participants. The secret from which
//! the ids of direct conversations are derived is here too; the store reads and writes it.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use utoipa::ToSchema;

use super::{Invalid, characters::is_visible, text::Rule};
use crate::ids::{ConversationId, UserId};

/// The maximum number of participants of a conversation.
pub const MAX_PARTICIPANTS: usize = 1000;
/// The maximum number of participants that one request can create, add or set by id.
pub const PARTICIPANTS_PER_REQUEST: usize = 40;
/// The maximum number of participants that a representation nests, and that PUT and PATCH can replace.
pub const NESTED_PARTICIPANTS: usize = 50;
/// The maximum number of owners of a conversation. The item of the conversation contains their ids.
pub const MAX_OWNERS: usize = 20;

/// The kind of a conversation: `direct` for two users, or `group` for any number of users.
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

/// The role of a participant. An `owner` can change roles, remove other participants and delete the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberRole {
    /// Changes, deletes and moderates the conversation.
    Owner,
    /// Reads and writes.
    Member,
}

/// The rule for the name of a conversation.
pub const NAME: Rule = Rule::line("name", 0, 200);

/// Parses the name of a conversation, at most 200 characters. A text without a visible character means no name.
pub fn name(text: String) -> Result<Option<String>, Invalid> {
    let name = NAME.check(text)?;
    Ok(name.chars().any(is_visible).then_some(name))
}

/// The secret from which the ids of direct conversations are derived. Nobody without it can derive an id from two user
/// ids.
#[derive(Clone, PartialEq, Eq)]
pub struct PairKey([u8; 32]);

impl PairKey {
    /// Creates a key from 32 random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes in base64url, the stored form.
    #[must_use]
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Reads the stored form; `None` if it is not 32 bytes in base64url.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// Returns the id of the one direct conversation of two users: the first 80 bits of HMAC-SHA-256 over a domain tag
    /// and the sorted pair.
    #[must_use]
    pub fn direct_id(&self, pair: [UserId; 2]) -> ConversationId {
        // HMAC pads a shorter key with zeros to the block size of the hash.
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
        // The expected id was computed with Python's module `hmac`. An id never changes.
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
        for blank in ["", "\u{200b}", " \u{2060}\u{3164}", "\u{301}"] {
            assert_eq!(name(blank.to_owned()).unwrap(), None, "{blank:?}");
        }
        assert!(name("a\u{202e}".to_owned()).is_err() && name("\u{e000}".to_owned()).is_err());
    }
}
