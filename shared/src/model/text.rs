//! Rules for text that people write. A rule checks length and characters; accepted text is stored byte for byte.

use super::Invalid;
pub use super::characters::is_refused;
use super::characters::{breaks_line, is_bidi_control, is_undefined, is_visible};

/// The reason for refusing a text with a control character.
pub const CONTROL_CHARACTER: &str = "contains a control character other than tab and newline";

/// The rule for a text field. Lengths are in Unicode code points unless noted.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The field's name as the API spells it.
    pub field: &'static str,
    /// The minimum number of code points. If it is 1 or more, one of them must be visible.
    pub min: usize,
    /// The maximum number of code points.
    pub max: usize,
    /// The maximum number of bytes in UTF-8.
    pub max_bytes: usize,
    /// True if the text must be a single line without tabs, bidirectional controls and characters without a defined
    /// appearance.
    pub is_line: bool,
}

impl Rule {
    /// Creates a rule for a single line. The limit in bytes is four times the limit in code points, so it never applies
    /// first.
    #[must_use]
    pub const fn line(field: &'static str, min: usize, max: usize) -> Self {
        Self { field, min, max, max_bytes: max * 4, is_line: true }
    }

    /// Returns `text` unchanged if it follows the rule, or the fault.
    pub fn check(self, text: String) -> Result<String, Invalid> {
        match self.fault(&text) {
            Some(reason) => Err(Invalid::new(self.field, reason)),
            None => Ok(text),
        }
    }

    fn fault(self, text: &str) -> Option<String> {
        let length = text.chars().count();
        if length > self.max {
            return Some(format!("must have at most {} characters, and has {length}", self.max));
        }
        if text.len() > self.max_bytes {
            return Some(format!(
                "must have at most {} bytes in UTF-8, and has {}",
                self.max_bytes,
                text.len()
            ));
        }
        let reason = if text.chars().any(is_refused) {
            CONTROL_CHARACTER
        } else if self.is_line && text.chars().any(breaks_line) {
            "must be one line without tabs"
        } else if self.is_line && text.chars().any(is_bidi_control) {
            "must not contain characters that change the direction of text"
        } else if self.is_line && text.chars().any(is_undefined) {
            "must not contain private-use characters, or code points that Unicode has not assigned"
        } else if self.min > 0 && !text.chars().any(is_visible) {
            "must contain a visible character"
        } else if length < self.min {
            return Some(format!("must have at least {} characters, and has {length}", self.min));
        } else {
            return None;
        };
        Some(reason.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kept_or_refused() {
        let rule = Rule { is_line: false, ..Rule::line("message_body", 1, 3) };
        assert_eq!(rule.check(" é\n".to_owned()).unwrap(), " é\n");
        for bad in ["", " \n", "abcd", "a\0", "\u{1b}", "\u{7f}a", "\u{200b}", "\u{2060}\u{3164}", "\u{301}"]
        {
            assert_eq!(rule.check(bad.to_owned()).unwrap_err().field, "message_body", "{bad:?}");
        }
        for good in ["👩\u{200d}🚀", "می\u{200c}", "\u{202e}a", "e\u{301}"] {
            assert_eq!(rule.check(good.to_owned()).unwrap(), good);
        }
    }

    #[test]
    fn a_line_is_one_line_and_one_direction() {
        let rule = Rule::line("first_name", 1, 30);
        for bad in [
            "a\nb",
            "a\tb",
            "a\rb",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{202e}b",
            "\u{2066}a",
            "a\u{200e}",
            "a\u{61c}",
            "a\u{378}",
            "a\u{e000}",
            "a\u{fffc}",
            "a\u{ffff}",
            "\u{100000}",
        ] {
            assert!(rule.check(bad.to_owned()).is_err(), "{bad:?}");
        }
        for good in ["👩\u{200d}🚀", "می\u{200c}خواهم", "Ann-Marie O’Neil", "李 小龍"] {
            assert_eq!(rule.check(good.to_owned()).unwrap(), good);
        }
        assert_eq!(Rule::line("name", 0, 9).check(String::new()).unwrap(), "");
    }
}
