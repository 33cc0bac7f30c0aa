//! The attribute `reactions` of a message: `👍:<users>;🎉:<users>`, with 16 bytes for each user in base64url. One text keeps
//! the order of the emoji and takes the least space.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

use super::user_ids;
use crate::model::reactions::Reactions;

/// Returns the text of the attribute.
pub(in crate::store) fn text(reactions: &Reactions) -> String {
    let each = |(emoji, users): &(String, Vec<_>)| format!("{emoji}:{}", user_ids::text(users));
    reactions.by_emoji().iter().map(each).collect::<Vec<_>>().join(";")
}

pub(super) fn serialize<S: Serializer>(reactions: &Reactions, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(reactions))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Reactions, D::Error> {
    let text = String::deserialize(deserializer)?;
    let each = |part: &str| {
        let (emoji, users) = part.split_once(':').ok_or_else(|| D::Error::custom("expected an emoji"))?;
        Ok((emoji.to_owned(), user_ids::parse(users)?))
    };
    text.split(';').map(each).collect::<Result<_, D::Error>>().map(Reactions::stored)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{ids::UserId, model::emoji::Emoji};

    #[test]
    fn reactions_survive_the_attribute() {
        let mut reactions = Reactions::default();
        for (emoji, user) in [("👍", 1), ("🎉", 1), ("👍", 2)] {
            reactions.add(Emoji::parse(emoji).unwrap(), UserId::new(Uuid::from_u128(user))).unwrap();
        }
        let stored = text(&reactions);
        assert_eq!(stored, "👍:AAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAI;🎉:AAAAAAAAAAAAAAAAAAAAAQ",);
        assert!(stored.len() <= reactions.bytes());
        let read = deserialize(&mut serde_json::Deserializer::from_str(&format!("\"{stored}\""))).unwrap();
        assert_eq!(read, reactions);
        for bad in [r#""👍""#, r#""👍:AAAA""#, r#""👍:;""#, "1"] {
            assert!(deserialize(&mut serde_json::Deserializer::from_str(bad)).is_err(), "{bad}");
        }
    }
}
