//! The rules for a text that clients or users read: those of the project's language that a program can check.

use std::collections::BTreeSet;

/// The kind of a text decides the shape that it must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// One or more complete sentences, such as the detail of a problem.
    Sentence,
    /// The reason in a field error. It continues the name of the field: "must be at most 200 characters".
    FieldError,
    /// A part of a line that stands behind a colon, such as the message of a command.
    Clause,
    /// A heading, a label, a button or the summary of an operation.
    Title,
    /// A text of unknown shape. Only its words are checked.
    Other,
}

/// A text with the place where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The file, or the path in a document.
    pub origin: String,
    pub kind: Kind,
    pub content: String,
}

impl Text {
    pub fn new(origin: &str, kind: Kind, text: &str) -> Self {
        let content = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Self { origin: origin.to_owned(), kind, content }
    }
}

/// The words that can follow the name of a field.
pub const VERBS: [&str; 14] = [
    "must", "is", "are", "has", "have", "can", "cannot", "contains", "belongs", "differs", "does", "needs",
    "exceeds", "ends",
];

/// A sentence must not begin with one of these words: the clause would stand for a noun. Questions are allowed.
const QUESTION_WORDS: [&str; 11] =
    ["what", "who", "whom", "whose", "where", "whether", "which", "why", "how", "whoever", "whatever"];

/// Forms that are hard to read, and terms that have another name in the glossary.
const FORMS: [&str; 47] = [
    "who takes part",
    "takes part",
    "take part",
    "taking part",
    "takes no part",
    "is none of",
    "are none of",
    "is no field",
    "is no parameter",
    "has an account already",
    "to be had",
    "be had",
    "somebody",
    "everybody",
    "whoever",
    "whatever",
    "there is nothing",
    "nothing here",
    "nothing but",
    "may know about",
    "how to reach",
    "what became of",
    "what stands",
    "stands in",
    "stands for",
    "is there in any case",
    "as it is now",
    "as they are now",
    "named twice",
    "is made of",
    "it was made",
    "it was done",
    "goes on",
    "leads on",
    "broke off",
    "by now",
    "on our side",
    "seat",
    "seats",
    "client key",
    "clientkey",
    "seal",
    "unsealed",
    "sealed",
    "visitor",
    "offer",
    "place in the log",
];

/// Marks of links between items of the code.
const LINKS: [&str; 5] = ["[`", "`]", "crate::", "Self::", "super::"];

/// Returns the faults of a text. `types` are the names of the workspace's types.
pub fn faults(text: &Text, types: &BTreeSet<String>) -> Vec<String> {
    let mut faults: Vec<String> = shape(text.kind, &text.content).into_iter().collect();
    faults.extend(openings(&text.content));
    faults.extend(forms(&text.content));
    faults.extend(
        LINKS.iter().filter(|link| text.content.contains(**link)).map(|link| format!("it contains `{link}`")),
    );
    faults.extend(
        words(&text.content).filter(|word| types.contains(*word)).map(|word| format!("{word} is a type")),
    );
    faults
}

fn shape(kind: Kind, text: &str) -> Option<String> {
    match kind {
        Kind::Sentence if !begins_large(text) => Some("it does not begin with a capital letter".to_owned()),
        Kind::Sentence if !ends_as_sentence(text) => Some("it does not end with a full stop".to_owned()),
        Kind::FieldError if !VERBS.contains(&first_word(text)) => {
            Some("it cannot be read behind the name of a field".to_owned())
        }
        Kind::FieldError | Kind::Clause | Kind::Title if ends_needlessly(text) => {
            Some("it is no sentence and ends with a full stop".to_owned())
        }
        Kind::Clause if begins_as_sentence(text) => Some("it begins with a capital letter".to_owned()),
        Kind::Title if !begins_large(text) => Some("it does not begin with a capital letter".to_owned()),
        _ => None,
    }
}

/// Returns true for a full stop behind a text that has only one part.
fn ends_needlessly(text: &str) -> bool {
    text.ends_with('.') && parts(text, ".?!").len() == 1
}

/// Digits, names in backticks and inserted values can begin a sentence.
fn begins_large(text: &str) -> bool {
    text.starts_with(|c: char| !c.is_lowercase())
}

/// Returns true for a capital letter at the beginning that does not begin a name with more of them, such as `TABLE_NAME`.
fn begins_as_sentence(text: &str) -> bool {
    text.starts_with(char::is_uppercase) && first_word(text).chars().skip(1).all(char::is_lowercase)
}

fn ends_as_sentence(text: &str) -> bool {
    text.ends_with(['.', '?', '!', ':', '…'])
}

fn first_word(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}

/// The parts of a text that end with one of the marks. A mark that no space follows is part of a word.
fn parts<'a>(text: &'a str, marks: &str) -> Vec<&'a str> {
    let ends = text.char_indices().filter(|(at, mark)| {
        let rest = &text[at + mark.len_utf8()..];
        marks.contains(*mark) && (rest.is_empty() || rest.starts_with(' '))
    });
    let mut start = 0;
    let mut found = Vec::new();
    for end in ends.map(|(at, mark)| at + mark.len_utf8()).chain([text.len()]) {
        found.push(text[start..end].trim());
        start = end;
    }
    found.retain(|part| !part.is_empty());
    found
}

/// Finds clauses that stand for a noun at the beginning of a sentence. An inserted value (`{what}`) is no clause.
fn openings(text: &str) -> Vec<String> {
    let opening = |sentence: &str| {
        let word = words(sentence).next()?.to_lowercase();
        let is_free = sentence.ends_with('?') || sentence.starts_with('{');
        (QUESTION_WORDS.contains(&word.as_str()) && !is_free)
            .then(|| format!("a sentence begins with {word}"))
    };
    parts(text, ".?!:;").into_iter().filter_map(opening).collect()
}

fn forms(text: &str) -> Vec<String> {
    let plain = format!(" {} ", words(text).map(str::to_lowercase).collect::<Vec<_>>().join(" "));
    let found = FORMS.iter().filter(|form| plain.contains(&format!(" {form} ")));
    found.map(|form| format!("it contains `{form}`")).collect()
}

/// The words of a text without punctuation.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '\'').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(kind: Kind, text: &str) -> Vec<String> {
        faults(&Text::new("test", kind, text), &BTreeSet::from(["MessagePage".to_owned()]))
    }

    #[test]
    fn good_texts_pass() {
        for (kind, text) in [
            (Kind::Sentence, "Only participants can add participants."),
            (
                Kind::Sentence,
                "Send the header `Authorization: Bearer <access token>`, as in /api/users/?email=ann@x.de.",
            ),
            (Kind::Sentence, "404 is the status."),
            (Kind::Sentence, "What is a conversation?"),
            (Kind::FieldError, "must be at most 200 characters"),
            (Kind::FieldError, "is a UUIDv7 in the future; set the clock"),
            (Kind::Clause, "port 3000 is in use; choose another port"),
            (Kind::Clause, "{email} is in use"),
            (Kind::Title, "Sends a message"),
            (Kind::Title, "Log in"),
        ] {
            assert_eq!(faults_of(kind, text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn planted_faults_are_found() {
        for (kind, text) in [
            (Kind::Sentence, "Only participants can add participants"),
            (Kind::Sentence, "only participants can add participants."),
            (Kind::FieldError, "no message in this conversation"),
            (Kind::FieldError, "Must be at most 200 characters"),
            (Kind::FieldError, "must be at most 200 characters."),
            (Kind::Clause, "Port 3000 is in use"),
            (Kind::Clause, "port 3000 is in use."),
            (Kind::Title, "Sends a message."),
            (Kind::Title, "sends a message"),
            (Kind::Sentence, "What a message says."),
            (Kind::Sentence, "The time. Whether it is over."),
            (Kind::Sentence, "Only who takes part changes a conversation."),
            (Kind::FieldError, "is no field of this request"),
            (Kind::Sentence, "There is nothing here, or nothing that you may know about."),
            (Kind::Sentence, "A [`Message`] of the log."),
            (Kind::Sentence, "A page as crate::store has it."),
            (Kind::Other, "a MessagePage of the log"),
            (Kind::Other, "the visitor"),
        ] {
            assert!(!faults_of(kind, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_full_stop_inside_a_word_ends_no_sentence() {
        assert_eq!(parts("Use 1.5. Then go", "."), ["Use 1.5.", "Then go"]);
    }
}
