//! Emoji: the texts that can be a reaction. The table of emoji, of the Unicode Emoji specification, is in the crate
//! `emojis`.

use std::fmt;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::Invalid;

/// The maximum size of an emoji, in bytes.
pub const EMOJI_BYTES: usize = 40;

/// One emoji, with all its variation selectors. Spellings that differ only in these selectors are the same emoji.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emoji(&'static str);

impl Emoji {
    /// Parses a text that is one emoji. Skin tones and genders are different emoji.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let reason = "must be one emoji, such as `👍`, encoded for a URL (`%F0%9F%91%8D`)";
        let emoji = emojis::get(text).ok_or_else(|| Invalid::new("emoji", reason))?;
        Ok(Self(emoji.as_str()))
    }

    /// Returns the text of the emoji.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Emoji {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl PartialSchema for Emoji {
    fn schema() -> RefOr<Schema> {
        let emoji = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1));
        emoji.description(Some("One emoji.")).examples(["👍"]).into()
    }
}

impl ToSchema for Emoji {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_emoji_are_the_same() {
        let heart = Emoji::parse("\u{2764}\u{fe0f}").unwrap();
        assert_eq!(Emoji::parse("\u{2764}").unwrap(), heart);
        assert_eq!(heart.as_str(), "\u{2764}\u{fe0f}");
        assert_ne!(Emoji::parse("👍").unwrap(), Emoji::parse("👍🏽").unwrap(), "another skin tone");
        for emoji in ["👩‍👩‍👧‍👦", "🇪🇺", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "🏳️‍🌈", "👩🏻‍❤️‍💋‍👩🏿"]
        {
            assert_eq!(Emoji::parse(emoji).unwrap().as_str(), emoji);
        }
    }

    #[test]
    fn other_texts_are_no_emoji() {
        for text in
            ["", "a", "1", "#", "👍👍", "👍 ", " 👍", "\u{fe0f}", "\u{200d}", "🇪", "thumbsup", ":+1:", "👍\0"]
        {
            assert!(Emoji::parse(text).is_err(), "{text:?}");
        }
        assert!(Emoji::parse(&"👍".repeat(10_000)).is_err());
    }

    /// The form of stored reactions separates emoji and users with these characters.
    #[test]
    fn no_emoji_is_large_or_contains_a_separator() {
        let toned = |emoji: &'static emojis::Emoji| emoji.skin_tones().into_iter().flatten();
        for emoji in emojis::iter().flat_map(|emoji| std::iter::once(emoji).chain(toned(emoji))) {
            let text = emoji.as_str();
            assert!(text.len() <= EMOJI_BYTES && !text.contains([':', ';']), "{text}");
        }
    }
}
