//! The texts of commands: the help of `local`, and the usage and messages of the scripts that users run.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::{
    rules::{Kind, Text},
    rust::{string, tokens},
};

/// The help texts in the definition of a command line: the documentation and the attribute `help` of arguments, commands
/// and variants. Each is a title, or a title and sentences.
pub fn help(origin: &str, source: &str) -> Vec<Text> {
    let mut texts = Vec::new();
    collect(tokens(source), false, &mut |text: &str| texts.push(Text::new(origin, Kind::Title, text)));
    texts
}

/// Sees the help texts among tokens. In an enum (`has_variants`), each documented item is a variant.
fn collect(stream: TokenStream, has_variants: bool, see: &mut impl FnMut(&str)) {
    let (mut docs, mut is_help, mut in_enum) = (String::new(), false, false);
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match (&token, tokens.peek()) {
            (TokenTree::Punct(mark), Some(TokenTree::Group(group))) if mark.as_char() == '#' => {
                let text = group.stream().to_string();
                is_help |= text.starts_with("arg") || text.starts_with("command");
                docs += &doc(group.stream());
                help_of(group.stream(), see);
                tokens.next();
            }
            (TokenTree::Group(group), _) => {
                collect(group.stream(), in_enum, see);
                in_enum &= group.delimiter() != Delimiter::Brace;
            }
            (token, _) => {
                if !docs.is_empty() && (is_help || has_variants) {
                    see(&docs);
                }
                (docs, is_help) = (String::new(), false);
                in_enum |= token.to_string() == "enum";
            }
        }
    }
}

/// The text of the attribute of a documentation comment, or nothing.
fn doc(attribute: TokenStream) -> String {
    let tokens: Vec<String> = attribute.into_iter().map(|token| token.to_string()).collect();
    match tokens.as_slice() {
        [name, _, text] if name == "doc" => string(text).unwrap_or_default(),
        _ => String::new(),
    }
}

/// Finds `help = "…"` among the arguments of an attribute.
fn help_of(attribute: TokenStream, see: &mut impl FnMut(&str)) {
    for token in attribute {
        let TokenTree::Group(group) = token else { continue };
        let tokens: Vec<String> = group.stream().into_iter().map(|token| token.to_string()).collect();
        for window in tokens.windows(3) {
            if window[0] == "help"
                && let Some(text) = string(&window[2])
            {
                see(&text);
            }
        }
    }
}

/// The messages of a shell script, and the sentences of its usage.
pub fn shell_texts(origin: &str, script: &str) -> Vec<Text> {
    let usage = script.split_once("cat <<EOF\n").and_then(|(_, rest)| rest.split_once("\nEOF\n"));
    let paragraphs = usage.map(|(usage, _)| usage).unwrap_or_default().split("\n\n");
    let sentences = paragraphs.filter(|text| !text.starts_with("Usage:") && !text.starts_with(' '));
    let mut texts: Vec<Text> = sentences.map(|text| Text::new(origin, Kind::Sentence, text)).collect();
    let options = script.lines().filter(|line| line.starts_with("  --"));
    texts.extend(
        options.filter_map(|line| Some(Text::new(origin, Kind::Clause, line.trim().split_once("  ")?.1))),
    );
    texts.extend(quoted(script, "die \"").map(|text| Text::new(origin, Kind::Clause, text)));
    texts.extend(quoted(script, "echo \"").map(|text| Text::new(origin, Kind::Other, text)));
    texts
}

/// The texts between `before` and the next quotation mark.
fn quoted<'a>(script: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    let parts = script.split(before).skip(1);
    parts.filter_map(|part| part.split('"').next()).filter(|text| text.contains(' '))
}

/// The strings of a Python script that contain a space.
pub fn python_texts(origin: &str, script: &str) -> Vec<Text> {
    let code =
        script.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    let strings = code.split("\"\"\"").enumerate().flat_map(|(place, part)| match place % 2 {
        1 => vec![part],
        _ => part.lines().flat_map(|line| line.split('"').skip(1).step_by(2)).collect(),
    });
    strings
        .filter(|text| text.trim().contains(' '))
        .map(|text| Text::new(origin, Kind::Other, text))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[Text]) -> Vec<(Kind, &str)> {
        texts.iter().map(|text| (text.kind, text.content.as_str())).collect()
    }

    #[test]
    fn help_is_found_and_other_documentation_is_not() {
        let source = r#"
            /// Not shown.
            #[derive(Debug)]
            enum Command {
                /// Make
                /// a table
                Init(Init),
            }
            struct Init {
                /// Port to listen on
                #[arg(long)]
                port: u16,
                #[arg(long, help = "A name of the host")]
                host: String,
                /// Not shown either.
                other: u16,
            }
        "#;
        let found = help("test", source);
        let found: Vec<&str> = found.iter().map(|text| text.content.as_str()).collect();
        assert_eq!(found, ["Make a table", "Port to listen on", "A name of the host"]);
    }

    #[test]
    fn scripts_are_read() {
        let shell =
            "cat <<EOF\nUsage: x\n\nRuns it.\n\n  --port N  listen on N\nEOF\ndie \"port $x is in use\"\n";
        assert_eq!(
            read(&shell_texts("test", shell)),
            [
                (Kind::Sentence, "Runs it."),
                (Kind::Clause, "listen on N"),
                (Kind::Clause, "port $x is in use")
            ]
        );
        let python = "\"\"\"Checks it.\nAll.\"\"\"\n# \"a comment\"\nexpect(x, \"not found\")\n";
        assert_eq!(
            read(&python_texts("test", python)),
            [(Kind::Other, "Checks it. All."), (Kind::Other, "not found")]
        );
    }
}
