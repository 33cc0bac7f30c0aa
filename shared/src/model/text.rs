//! Text that people write: length and characters are checked, and what passes is kept byte for byte.

use serde_json::Value;

use super::Invalid;

/// What a text field allows, lengths in Unicode code points.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The field's name as the API spells it.
    pub field: &'static str,
    /// Fewest code points; with 1 or more, white space alone does not do.
    pub min: usize,
    /// Most code points.
    pub max: usize,
    /// Most bytes in UTF-8.
    pub max_bytes: usize,
}

impl Rule {
    /// A rule on code points, with the bytes that so many can take.
    #[must_use]
    pub const fn new(field: &'static str, min: usize, max: usize) -> Self {
        Self { field, min, max, max_bytes: max * 4 }
    }

    /// Checks `text` and gives it back unchanged.
    pub fn check(self, text: String) -> Result<String, Invalid> {
        let length = text.chars().count();
        let reason = if length > self.max || text.len() > self.max_bytes {
            format!(
                "has {length} characters and {} bytes; at most {} and {} are allowed",
                text.len(),
                self.max,
                self.max_bytes
            )
        } else if self.min > 0 && text.trim().is_empty() {
            "may not be blank".to_owned()
        } else if length < self.min {
            format!("has {length} characters; at least {} are needed", self.min)
        } else if text.chars().any(is_refused) {
            "contains a control character; of those only tab and newline are allowed".to_owned()
        } else {
            return Ok(text);
        };
        Err(Invalid::new(self.field, reason))
    }
}

/// NUL and the other C0 controls, but for tab and newline, and DEL.
#[must_use]
pub fn is_refused(character: char) -> bool {
    matches!(character, '\0'..='\u{1f}' | '\u{7f}') && !matches!(character, '\t' | '\n')
}

/// Most bytes of a `metadata` object as compact JSON.
pub const METADATA_BYTES: usize = 4096;

/// A JSON object that clients attach to a conversation or a message and that the server only keeps; stored as its
/// compact JSON text, so that numbers and order come back as they were sent.
pub fn metadata(value: &Value) -> Result<Option<String>, Invalid> {
    match value {
        Value::Null => Ok(None),
        Value::Object(object) if object.is_empty() => Ok(None),
        Value::Object(_) => {
            let text = value.to_string();
            if text.len() > METADATA_BYTES {
                let reason =
                    format!("is {} bytes as compact JSON; at most {METADATA_BYTES} are allowed", text.len());
                return Err(Invalid::new("metadata", reason));
            }
            Ok(Some(text))
        }
        _ => Err(Invalid::new("metadata", "must be a JSON object")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kept_or_refused() {
        let rule = Rule::new("name", 1, 3);
        assert_eq!(rule.check(" é\n".to_owned()).unwrap(), " é\n");
        for bad in ["", " \n", "abcd", "a\0", "\u{1b}", "\u{7f}a"] {
            assert_eq!(rule.check(bad.to_owned()).unwrap_err().field, "name", "{bad:?}");
        }
    }
}
