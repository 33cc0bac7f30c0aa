//! Properties of characters that decide whether a text can be accepted, from the Unicode Character Database.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{BidiControl, DefaultIgnorableCodePoint, GeneralCategory, WhiteSpace},
};

/// Returns true for NUL, the other C0 controls except tab and newline, and DEL.
#[must_use]
pub fn is_refused(character: char) -> bool {
    matches!(character, '\0'..='\u{1f}' | '\u{7f}') && !matches!(character, '\t' | '\n')
}

/// Returns true if a reader sees the character when it is alone: it is not white space, not a format or control
/// character, not a mark without a letter, and not one of the blank letters and symbols.
#[must_use]
pub fn is_visible(character: char) -> bool {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character);
    let white = CodePointSetData::new::<WhiteSpace>().contains(character);
    !ignorable && !white && !is_bare(character) && !is_blank(character)
}

/// Returns true for control characters and for marks, which are visible only after a letter.
fn is_bare(character: char) -> bool {
    matches!(
        CodePointMapData::<GeneralCategory>::new().get(character),
        GeneralCategory::Control | GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark
    )
}

/// Returns true for characters whose appearance Unicode does not define: unassigned code points, noncharacters,
/// private-use characters, and the object replacement character. A later version of Unicode may assign some of them, so
/// only names refuse them.
#[must_use]
pub fn is_undefined(character: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    matches!(category, GeneralCategory::Unassigned | GeneralCategory::PrivateUse) || character == '\u{fffc}'
}

/// Returns true for characters without ink that Unicode classifies as letters, symbols or visible format characters:
/// the Braille pattern without dots, interlinear annotations, the object replacement character, joiners of hieroglyphs,
/// the null note head, and noncharacters.
const fn is_blank(character: char) -> bool {
    let noncharacter = (character as u32) & 0xfffe == 0xfffe || matches!(character, '\u{fdd0}'..='\u{fdef}');
    noncharacter
        || matches!(
            character,
            '\u{2800}' | '\u{fff9}'..='\u{fffc}' | '\u{13430}'..='\u{1343f}' | '\u{1d159}'
        )
}

/// Returns true for characters that are invisible by definition (`Default_Ignorable_Code_Point`).
#[must_use]
pub fn is_ignorable(character: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}

/// Returns true for characters that control the direction of text. They can make one name look like another name.
#[must_use]
pub fn is_bidi_control(character: char) -> bool {
    CodePointSetData::new::<BidiControl>().contains(character)
}

/// Returns true for characters that begin a new line or column: tab, the line ends of Unicode (UAX 14), and C1
/// controls.
#[must_use]
pub fn breaks_line(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// Returns the composed form (NFC) of a text, which does not depend on the way in which the text was typed.
#[must_use]
pub fn composed(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// Returns the compatibility form (NFKC) of a text, which is equal for letters and digits that differ only in their
/// appearance.
#[must_use]
pub fn folded(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfkc().normalize(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_not_visible() {
        for blank in [
            ' ',
            '\t',
            '\n',
            '\0',
            '\u{85}',
            '\u{a0}',
            '\u{ad}',
            '\u{34f}',
            '\u{301}',
            '\u{20dd}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{180e}',
            '\u{2000}',
            '\u{200b}',
            '\u{200d}',
            '\u{200f}',
            '\u{2028}',
            '\u{202e}',
            '\u{2060}',
            '\u{2064}',
            '\u{2800}',
            '\u{3000}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fffb}',
            '\u{fffc}',
            '\u{ffff}',
            '\u{fdd0}',
            '\u{1d159}',
            '\u{1d173}',
            '\u{e0020}',
            '\u{e0100}',
            '\u{e0fff}',
        ] {
            assert!(!is_visible(blank), "{blank:?}");
        }
    }

    #[test]
    fn letters_signs_and_emoji_are_visible() {
        for seen in ['a', '.', '中', 'ы', '😀', '\u{fffd}', 'ी', '\u{600}', '\u{e000}', '𝕏', '\u{10ffd}']
        {
            assert!(is_visible(seen), "{seen:?}");
        }
    }

    #[test]
    fn characters_without_a_defined_appearance_are_known() {
        for undefined in [
            '\u{378}',
            '\u{e000}',
            '\u{f8ff}',
            '\u{fffc}',
            '\u{fffe}',
            '\u{fdd0}',
            '\u{10ffd}',
            '\u{f0000}',
            '\u{10ffff}',
        ] {
            assert!(is_undefined(undefined), "{undefined:?}");
        }
        for defined in ['a', 'é', '中', '😀', '\u{fffd}', '\u{200d}', '\u{301}', '\u{1fae8}', '\u{31350}']
        {
            assert!(!is_undefined(defined), "{defined:?}");
        }
    }

    #[test]
    fn controls_of_direction_and_line_ends_are_known() {
        for control in ['\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}'] {
            assert!(is_bidi_control(control), "{control:?}");
        }
        assert!(!is_bidi_control('\u{200d}') && !is_bidi_control('\u{200c}'));
        for end in ['\t', '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}', '\u{9b}'] {
            assert!(breaks_line(end), "{end:?}");
        }
        assert!(!breaks_line(' ') && !breaks_line('\u{a0}'));
    }
}
