//! The texts in the Rust sources, by the calls that they are arguments of.

use std::{collections::BTreeSet, str::FromStr as _};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::rules::{Kind, Text, VERBS};

/// The calls whose texts are sentences.
const SENTENCES: [&str; 6] =
    ["Problem::new", "forbidden", "require_admin", "malformed", "failed", "let detail"];
/// The calls whose texts are reasons of field errors.
const FIELD_ERRORS: [&str; 4] = ["Invalid::new", "Problem::field", "fault", "let reason"];
/// Stands for the attribute `error` in place of a call.
const ERROR: &str = "#[error]";
/// The calls whose texts only the log contains.
const NOT_READ: [&str; 12] = [
    "internal",
    "corrupt",
    "caused_by",
    "expect",
    "warn",
    "error",
    "info",
    "debug",
    "trace",
    "assert",
    "panic",
    "write",
];

/// The texts of a source file. Tests and attributes other than `error` are left out.
pub fn texts(origin: &str, source: &str) -> Vec<Text> {
    let mut found = Collector { origin, texts: Vec::new() };
    found.walk(tokens(source), "");
    found.texts
}

pub fn tokens(source: &str) -> TokenStream {
    TokenStream::from_str(source).unwrap()
}

/// The types that a source file defines and whose names have two or more parts, such as `MessagePage`.
pub fn types(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut last = String::new();
    visit(tokens(source), &mut |token| {
        let name = token.to_string();
        let is_type = matches!(last.as_str(), "struct" | "enum" | "trait" | "type");
        let has_parts = name.chars().skip(1).any(char::is_uppercase) && name.contains(char::is_lowercase);
        if is_type && has_parts {
            found.insert(name.clone());
        }
        last = name;
    });
    found
}

fn visit(stream: TokenStream, see: &mut impl FnMut(&TokenTree)) {
    for token in stream {
        match token {
            TokenTree::Group(group) => visit(group.stream(), see),
            token => see(&token),
        }
    }
}

struct Collector<'a> {
    origin: &'a str,
    texts: Vec<Text>,
}

impl Collector<'_> {
    /// Walks through tokens inside of a call.
    fn walk(&mut self, stream: TokenStream, call: &str) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let (mut at, mut binding) = (0, String::new());
        while let Some(token) = tokens.get(at) {
            let call = if binding.is_empty() { call } else { binding.as_str() };
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    at = self.attribute(&tokens, at);
                    continue;
                }
                TokenTree::Literal(literal) => self.literal(&literal.to_string(), call),
                TokenTree::Group(group) => self.group(group, &called(&tokens[..at]), call),
                TokenTree::Punct(punct) if punct.as_char() == ';' => binding.clear(),
                TokenTree::Ident(ident) if *ident == "let" => binding = bound(&tokens[at..]),
                _ => {}
            }
            at += 1;
        }
    }

    /// Returns the position behind an attribute, and behind the item if it is a test.
    fn attribute(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let Some(TokenTree::Group(group)) =
            tokens[at + 1..].iter().find(|token| matches!(token, TokenTree::Group(_)))
        else {
            return at + 1;
        };
        let text = group.stream().to_string();
        let end = at
            + 1
            + tokens[at + 1..].iter().position(|token| matches!(token, TokenTree::Group(_))).unwrap_or(0);
        if text.replace(' ', "") == "cfg(test)" {
            let ends = |token: &TokenTree| match token {
                TokenTree::Punct(punct) => punct.as_char() == ';',
                TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                _ => false,
            };
            return end + 2 + tokens[end + 1..].iter().position(ends).unwrap_or(tokens.len());
        }
        if let Some(TokenTree::Group(arguments)) = group.stream().into_iter().nth(1)
            && text.starts_with("error")
        {
            self.walk(arguments.stream(), ERROR);
        }
        end + 1
    }

    fn group(&mut self, group: &Group, called: &str, call: &str) {
        let name = called.rsplit(':').next().unwrap_or_default();
        let is_call = group.delimiter() == Delimiter::Parenthesis && call != ERROR;
        if is_call && NOT_READ.contains(&name) {
            return;
        }
        self.walk(group.stream(), if is_call && is_known(called) { called } else { call });
    }

    fn literal(&mut self, source: &str, call: &str) {
        let text = string(source).unwrap_or_default();
        for paragraph in text.split("\n\n").filter(|text| text.trim().contains(' ')) {
            self.texts.push(Text::new(self.origin, kind_of(call, paragraph), paragraph));
        }
    }
}

fn is_known(called: &str) -> bool {
    SENTENCES.contains(&called)
        || FIELD_ERRORS.contains(&called)
        || called.ends_with("custom")
        || called == "Self::new"
}

/// Texts of unknown calls are classified by their form.
fn kind_of(call: &str, text: &str) -> Kind {
    let is_reason = VERBS.contains(&text.split(' ').next().unwrap_or_default());
    match call {
        ERROR => Kind::Clause,
        _ if SENTENCES.contains(&call) => Kind::Sentence,
        _ if FIELD_ERRORS.contains(&call) => Kind::FieldError,
        _ if call.ends_with("custom") && !is_reason => Kind::Clause,
        _ if is_reason => Kind::FieldError,
        "Self::new" => Kind::Sentence,
        _ if text.starts_with(char::is_uppercase) && (text.contains(". ") || text.ends_with('.')) => {
            Kind::Sentence
        }
        _ => Kind::Other,
    }
}

/// The name of the function or macro that is called before a group: its last two parts, or one for a method.
fn called(before: &[TokenTree]) -> String {
    let mut parts: Vec<String> = before.iter().rev().take(5).map(ToString::to_string).collect();
    if parts.first().is_some_and(|part| part == "!") {
        parts.remove(0);
        return parts.into_iter().next().unwrap_or_default();
    }
    match parts.as_slice() {
        [name, second, first, owner, ..] if second == ":" && first == ":" => format!("{owner}::{name}"),
        [name, ..] => name.clone(),
        [] => String::new(),
    }
}

/// Returns `let reason` for the tokens `let reason = …`.
fn bound(tokens: &[TokenTree]) -> String {
    match tokens {
        [_, TokenTree::Ident(name), ..] if *name == "reason" || *name == "detail" => format!("let {name}"),
        _ => String::new(),
    }
}

/// The value of a string literal; `None` for other literals.
pub fn string(source: &str) -> Option<String> {
    if let Some(raw) = source.strip_prefix('r') {
        return Some(raw.trim_matches('#').strip_prefix('"')?.strip_suffix('"')?.to_owned());
    }
    let mut rest = source.strip_prefix('"')?.strip_suffix('"')?;
    let mut value = String::new();
    while let Some((plain, escaped)) = rest.split_once('\\') {
        value.push_str(plain);
        rest = if let Some(continued) = escaped.strip_prefix('\n') {
            continued.trim_start()
        } else {
            let character = escaped.chars().next()?;
            value.push(if character == 'n' { '\n' } else { character });
            &escaped[character.len_utf8()..]
        };
    }
    Some(value + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_by_their_calls() {
        let found = texts(
            "test",
            r#"
            #[error("cannot read {0}")]
            struct ReadError(String);
            fn answer() {
                let reason = if long { "must be short" } else { "must be a text" };
                let detail = "Only admins can do this.";
                tracing::warn!(x, "the log only");
                Problem::internal("not for clients");
                Problem::new(Code::NotFound, format!("Not found: {x}. \
                    Try again."));
                faults.note(Invalid::new("name", "is required here"));
            }
            #[cfg(test)]
            mod tests { const X: &str = "must not be found"; }
            "#,
        );
        let found: Vec<(Kind, &str)> = found.iter().map(|text| (text.kind, text.content.as_str())).collect();
        assert_eq!(
            found,
            [
                (Kind::Clause, "cannot read {0}"),
                (Kind::FieldError, "must be short"),
                (Kind::FieldError, "must be a text"),
                (Kind::Sentence, "Only admins can do this."),
                (Kind::Sentence, "Not found: {x}. Try again."),
                (Kind::FieldError, "is required here"),
            ]
        );
        assert_eq!(types("struct MessagePage; enum Kind {}"), BTreeSet::from(["MessagePage".to_owned()]));
    }
}
