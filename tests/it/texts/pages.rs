//! The texts of the pages: those in templates, and the strings in scripts of the browser.

use super::rules::{Kind, Text};

/// Attributes that people read or hear.
const ATTRIBUTES: [&str; 4] = ["aria-label", "placeholder", "alt", "title"];

/// Labels have fewer words than this. A longer text, or one with a full stop inside, is a sentence.
const LABEL: usize = 7;

/// The texts of an HTML template: its paragraphs, its other pieces of text, and the attributes that people read.
pub fn template_texts(origin: &str, template: &str) -> Vec<Text> {
    let html = without_blocks(template);
    let (mut texts, mut rest) = (Vec::new(), html.as_str());
    while let Some((before, tag)) = rest.split_once('<') {
        texts.extend(piece(origin, before));
        let (tag, after) = tag.split_once('>').unwrap_or((tag, ""));
        texts.extend(attributes(origin, tag));
        let is_paragraph = tag == "p" || tag.starts_with("p ");
        let paragraph = after.split_once("</p>").filter(|_| is_paragraph);
        if let Some((inner, _)) = paragraph {
            texts.extend(piece(origin, &without_tags(inner)));
        }
        // The attributes of tags inside of a paragraph are still to be read, and its text is not.
        rest = after;
    }
    texts.extend(piece(origin, rest));
    texts
}

/// Removes the code of a template. An inserted value becomes an ellipsis.
fn without_blocks(template: &str) -> String {
    let mut html = template.to_owned();
    for (open, close, value) in [("{#", "#}", ""), ("{%", "%}", ""), ("{{", "}}", "…")] {
        while let Some(start) = html.find(open) {
            let end = html[start..].find(close).map_or(html.len(), |length| start + length + close.len());
            html.replace_range(start..end, value);
        }
    }
    html
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    text
}

fn attributes(origin: &str, tag: &str) -> Vec<Text> {
    let value = |name: &&str| tag.split_once(&format!(" {name}=\""))?.1.split('"').next();
    ATTRIBUTES.iter().filter_map(value).filter_map(|value| piece(origin, value)).collect()
}

/// A text with letters; `None` for white space and inserted values alone.
fn piece(origin: &str, text: &str) -> Option<Text> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let kind = kind_of(&text);
    text.contains(char::is_alphabetic).then(|| Text::new(origin, kind, &text))
}

fn kind_of(text: &str) -> Kind {
    let is_long = text.split(' ').count() >= LABEL || text.contains(". ") || text.ends_with('.');
    match text.starts_with(char::is_uppercase) {
        true if is_long => Kind::Sentence,
        true => Kind::Title,
        false => Kind::Other,
    }
}

/// The strings of a script of the browser that contain a space.
pub fn script_texts(origin: &str, script: &str) -> Vec<Text> {
    let texts = strings(script).into_iter().filter(|text| text.trim().contains(' '));
    texts.filter_map(|text| piece(origin, &text)).collect()
}

/// The string literals of a script. An inserted value becomes an ellipsis.
fn strings(script: &str) -> Vec<String> {
    let (mut found, mut rest, mut last) = (Vec::new(), script, ' ');
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '/' if "(,=:[!&|?{};".contains(last) => literal_length(rest, '/'),
            '"' | '\'' | '`' => {
                let length = literal_length(rest, first);
                found.push(with_ellipses(&rest[1..length - 1]));
                length
            }
            first => first.len_utf8(),
        };
        last = if first.is_whitespace() { last } else { first };
        rest = &rest[length..];
    }
    found
}

/// The length of a literal with its marks. A backslash takes away the meaning of the next character.
fn literal_length(text: &str, mark: char) -> usize {
    let (mut is_escaped, mut is_class) = (false, false);
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '[' if mark == '/' => is_class = true,
            ']' if mark == '/' => is_class = false,
            character if character == mark && !is_class => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn with_ellipses(text: &str) -> String {
    let mut parts = text.split("${");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push('…');
        plain.push_str(part.rsplit_once('}').map_or("", |(_, rest)| rest));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[Text]) -> Vec<(Kind, &str)> {
        texts.iter().map(|text| (text.kind, text.content.as_str())).collect()
    }

    #[test]
    fn a_template_is_read() {
        let found = template_texts(
            "test",
            r#"{% if x %}<h1>Log out?</h1><p class="a">You are {{ name }}. <a href="/">Go on</a></p>
               <input placeholder="Write a message">{# no text #}"#,
        );
        assert_eq!(
            read(&found),
            [
                (Kind::Title, "Log out?"),
                (Kind::Sentence, "You are …. Go on"),
                (Kind::Sentence, "You are …."),
                (Kind::Title, "Go on"),
                (Kind::Title, "Write a message"),
            ]
        );
    }

    #[test]
    fn a_script_is_read() {
        let found = script_texts(
            "test",
            r#"// "a comment here"
               say(x.replace(/"[/"]/u, ''), "Not sent."); throw new Error(`No user ${x} has this email address.`);
               use("no sentence");"#,
        );
        assert_eq!(
            read(&found),
            [
                (Kind::Sentence, "Not sent."),
                (Kind::Sentence, "No user … has this email address."),
                (Kind::Other, "no sentence")
            ]
        );
    }
}
