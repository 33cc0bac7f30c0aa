//! Lists in headers (RFC 9110, section 5.6.1), whose elements may contain commas in quotation marks.

/// The treatment of a backslash in quoted text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// A backslash escapes the next character, as in media type parameters.
    Escaped,
    /// A backslash is an ordinary character, as in entity tags.
    Plain,
}

/// Returns the parts of `text` between separators that are outside quotation marks. White space around a part is
/// removed, and empty parts are left out.
pub(crate) fn parts(text: &str, separator: char, quoting: Quoting) -> Vec<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let between = |character: char| {
        let separates = character == separator && !is_quoted;
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted && quoting == Quoting::Escaped => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => {}
        }
        separates
    };
    text.split(between).map(str::trim).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_quotation_marks_do_not_separate() {
        assert_eq!(parts("a, \"b,c\" ,, d", ',', Quoting::Plain), ["a", "\"b,c\"", "d"]);
        assert_eq!(parts(r#"a;x="1\",2";q=0, b"#, ',', Quoting::Escaped), [r#"a;x="1\",2";q=0"#, "b"]);
        assert_eq!(parts(r#""a\", b"#, ',', Quoting::Plain), [r#""a\""#, "b"]);
        assert!(parts(" , ", ',', Quoting::Plain).is_empty());
    }
}
