//! Lines on keyboards and in alphabets: characters that follow one another in one direction, such as `qwert`, `1qaz`
//! and `abc`. Words, dates and other patterns are not recognised here; zxcvbn knows them, but only one keyboard.

/// The minimum number of characters of a line.
const SHORTEST: usize = 3;

/// The minimum number of characters of a line that counts as one choice. Three random characters form a line too
/// often.
const CLEAR: usize = 4;

/// The number of guesses for a line: its first key, its direction and its length.
const GUESSES: u64 = 50;

/// The maximum number of characters outside of lines in a text that is made of lines.
const OUTSIDE: u32 = 2;

/// The rows of a keyboard or an alphabet, from the top, and the same rows with the shift key if they differ. Letters are
/// in lower case.
struct Layout {
    rows: &'static [&'static str],
    shifted: &'static [&'static str],
}

const fn keyboard(rows: &'static [&'static str], shifted: &'static [&'static str]) -> Layout {
    Layout { rows, shifted }
}

const fn alphabet(rows: &'static [&'static str]) -> Layout {
    Layout { rows, shifted: &[] }
}

/// The digits of most keyboards with the shift key.
const DIGITS: &[&str] = &["!@#$%^&*()_+"];

const LAYOUTS: [Layout; 17] = [
    // English, German, French, Turkish.
    keyboard(
        &["1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"],
        &["!@#$%^&*()_+", "qwertyuiop{}", "asdfghjkl:\"", "zxcvbnm<>?"],
    ),
    keyboard(
        &["1234567890ß´", "qwertzuiopü+", "asdfghjklöä#", "yxcvbnm,.-"],
        &["!\"§$%&/()=?`", "qwertzuiopü*", "asdfghjklöä'", "yxcvbnm;:_"],
    ),
    keyboard(
        &["&é\"'(-è_çà)=", "azertyuiop^$", "qsdfghjklmù*", "wxcvbn,;:!"],
        &["1234567890°+", "azertyuiop¨£", "qsdfghjklm%µ", "wxcvbn?./§"],
    ),
    keyboard(&["1234567890*-", "qwertyuıopğü", "asdfghjklşi,", "zxcvbnmöç."], &["!'^+%&/()=?_"]),
    // Russian, Ukrainian, Greek, Hebrew, Arabic.
    keyboard(&["1234567890-=", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю."], &["!\"№;%:?*()_+"]),
    keyboard(&["1234567890-=", "йцукенгшщзхї", "фівапролджє", "ячсмитьбю."], &["!\"№;%:?*()_+"]),
    keyboard(&["1234567890-=", ";ςερτυθιοπ[]", "ασδφγηξκλ'", "ζχψωβνμ,./"], DIGITS),
    keyboard(&["1234567890-=", "/'קראטוןםפ", "שדגכעיחלךף", "זסבהנמצתץ."], DIGITS),
    keyboard(&["1234567890-=", "ضصثقفغعهخحجد", "شسيبلاتنمكط", "ئءؤرىةوزظ"], DIGITS),
    // Dvorak, Colemak.
    keyboard(&["1234567890[]", "',.pyfgcrl/=", "aoeuidhtns-", ";qjkxbmwvz"], DIGITS),
    keyboard(&["1234567890-=", "qwfpgjluy;[]", "arstdhneio'", "zxcvbkm,./"], DIGITS),
    // The keypads of computers and telephones.
    keyboard(&["789", "456", "123", "0"], &[]),
    keyboard(&["123", "456", "789", "*0#"], &[]),
    alphabet(&["abcdefghijklmnopqrstuvwxyz"]),
    alphabet(&["абвгдеёжзийклмнопрстуфхцчшщъыьэюя"]),
    alphabet(&["αβγδεζηθικλμνξοπρστυφχψω"]),
    alphabet(&["0123456789"]),
];

impl Layout {
    /// Returns the row and the column of a character; `None` if the layout does not contain it.
    fn position(&self, wanted: char) -> Option<(usize, usize)> {
        let mut rows = self.rows.iter().enumerate().chain(self.shifted.iter().enumerate());
        rows.find_map(|(row, keys)| Some((row, keys.chars().position(|key| key == wanted)?)))
    }

    /// Returns the number of characters at the start of `text` that form a line: each is next to the one before it, or
    /// on the same key, and always in the same direction.
    fn line(&self, text: &[char]) -> usize {
        let positions: Vec<_> = text.iter().map_while(|key| self.position(*key)).collect();
        let steps: Vec<_> = positions
            .windows(2)
            .map(|pair| {
                let [from, to] = [pair[0], pair[1]];
                (to.0.wrapping_sub(from.0).cast_signed(), to.1.wrapping_sub(from.1).cast_signed())
            })
            .collect();
        match steps.first() {
            Some(step) if step.0.abs() <= 1 && step.1.abs() <= 1 => {
                1 + steps.iter().take_while(|other| *other == step).count()
            }
            _ => positions.len().min(1),
        }
    }
}

/// Returns the lengths of the lines that make up a text. A character outside of lines has the length 1.
fn parts(text: &[char]) -> Vec<usize> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let longest = LAYOUTS.iter().map(|layout| layout.line(rest)).max().unwrap_or_default();
        let length = if longest < SHORTEST { 1 } else { longest };
        parts.push(length);
        rest = &rest[length..];
    }
    parts
}

/// Returns true if lines make up a text, except for [`OUTSIDE`] characters.
fn is_made_of_lines(text: &[char]) -> bool {
    let outside = parts(text).iter().filter(|length| **length == 1).count();
    outside <= OUTSIDE as usize
}

/// Returns the number of guesses that find a text whose lines the attacker knows: ten for each character outside of
/// lines. A text that is made of lines, or of two lines whose characters alternate, is found at once.
pub(super) fn guesses(text: &str) -> u64 {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let [even, odd] = halves(&text);
    if is_made_of_lines(&text) || is_made_of_lines(&even) && is_made_of_lines(&odd) {
        return 1;
    }
    parts(&text).into_iter().fold(1, |guesses, length| {
        let exponent = u32::try_from(length).unwrap_or(u32::MAX);
        guesses.saturating_mul(if length < CLEAR { 10_u64.saturating_pow(exponent) } else { GUESSES })
    })
}

/// Returns every second character of a text, from the first and from the second.
pub(super) fn halves(text: &[char]) -> [Vec<char>; 2] {
    [0, 1].map(|start| text.iter().copied().skip(start).step_by(2).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_layout_are_found() {
        for text in [
            "qwertyuiop",
            "poiuytrewq",
            "azertyuiop",
            "qwertzuiop",
            "йцукенгш",
            "ЙЦУКЕНгш",
            "1qaz2wsx3edc",
            "1qaz@WSX3edc$RFV",
            "zse4xdr5",
            "147258369",
            "abcdefghij",
            "абвгдежз",
            "aaabbbccc",
            "a1b2c3d4e5f6",
            "q1w2e3r4t5y6",
            "aoeuidhtns",
            "8ik,*IK<",
        ] {
            assert_eq!(guesses(text), 1, "{text}");
        }
    }

    #[test]
    fn characters_outside_of_lines_count_ten_each() {
        assert_eq!(guesses("asdfgh"), 1);
        assert_eq!(guesses("asdfgh7k!"), 1000 * GUESSES);
        assert_eq!(guesses("xk7#qz2!"), 100_000_000);
        assert_eq!(guesses(&"xk7#qz2!".repeat(16)), u64::MAX);
        assert_eq!(guesses(""), 1);
    }

    #[test]
    fn no_key_is_twice_in_a_row() {
        for layout in &LAYOUTS {
            for row in layout.rows.iter().chain(layout.shifted) {
                let keys: Vec<char> = row.chars().collect();
                assert!(
                    keys.iter().all(|key| keys.iter().filter(|other| *other == key).count() == 1),
                    "{row}"
                );
            }
        }
    }
}
