//! A conversation's own words: its kind, its name, and the role of a participant in it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
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

/// Two people, or any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(example = "group")]
pub enum Kind {
    /// The one conversation of a pair, whose participants never change.
    Direct,
    /// Any number of participants, who come and go.
    #[default]
    Group,
}

/// What a participant is in a conversation.
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

/// The id of the one direct conversation of two users: the first 80 bits of SHA-256 over a tag and the sorted pair.
#[must_use]
pub fn direct_id(pair: [UserId; 2]) -> ConversationId {
    let digest = Sha256::new()
        .chain_update(b"messaging/direct-conversation/1")
        .chain_update(pair[0].min(pair[1]).uuid().as_bytes())
        .chain_update(pair[0].max(pair[1]).uuid().as_bytes())
        .finalize();
    let mut prefix = [0; 10];
    prefix.copy_from_slice(&digest[..10]);
    ConversationId::from_prefix(prefix)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_pair_has_one_direct_conversation() {
        let [ann, ben] = [1, 2].map(|n| UserId::new(Uuid::from_u128(n)));
        assert_eq!(direct_id([ann, ben]), direct_id([ben, ann]));
        assert_ne!(direct_id([ann, ben]), direct_id([ann, ann]));
        assert_eq!(direct_id([ann, ben]).to_string().len(), 36);
    }

    #[test]
    fn a_blank_name_is_none() {
        assert_eq!(name(" ".to_owned()).unwrap(), None);
        assert_eq!(name("Weekend".to_owned()).unwrap().as_deref(), Some("Weekend"));
        assert!(name("x".repeat(201)).is_err());
        assert!(name("\u{200b}".to_owned()).is_err() && name("a\u{202e}".to_owned()).is_err());
    }
}
