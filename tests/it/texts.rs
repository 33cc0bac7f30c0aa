//! The texts that clients and users read: they keep the rules of the project's language. They are collected from the sources, the
//! templates, the `OpenAPI` document and the scripts, so that a new text is checked too.

mod commands;
mod description;
mod pages;
mod rules;
mod rust;

use std::{collections::BTreeSet, fs};

use self::rules::{Kind, Text, faults};
use crate::harness::{
    description::DOCUMENT,
    sources::{root, sources},
};

/// The folders of the code whose problems and messages people read.
const CODE: [&str; 3] = ["shared/src", "functions", "local/src"];

/// Parts of these folders without texts for clients. The `OpenAPI` document is read itself, and the demo conversation is
/// fiction.
const LEFT_OUT: [&str; 3] = ["shared/src/sdk", "local/src/openapi", "local/src/demo/script.rs"];

/// The folder of the store. Its texts are keys and expressions, apart from the texts of its errors.
const STORE: &str = "shared/src/store";

/// Files of the code that clients get texts from.
fn code() -> Vec<(String, String)> {
    let files = CODE.iter().flat_map(|folder| sources(folder, &["rs"]));
    files
        .filter(|(path, _)| !path.contains("tests") && !LEFT_OUT.iter().any(|part| path.starts_with(part)))
        .collect()
}

fn code_texts() -> Vec<Text> {
    let texts = code().into_iter().flat_map(|(path, source)| rust::texts(&path, &source));
    texts.filter(|text| text.kind == Kind::Clause || !text.origin.starts_with(STORE)).collect()
}

fn page_texts() -> Vec<Text> {
    let of = |extension: &'static str| {
        ["shared", "functions"].into_iter().flat_map(move |folder| sources(folder, &[extension]))
    };
    let templates = of("html").flat_map(|(path, text)| pages::template_texts(&path, &text));
    templates.chain(of("js").flat_map(|(path, text)| pages::script_texts(&path, &text))).collect()
}

fn command_texts() -> Vec<Text> {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let mut texts = commands::help("local/src/cli.rs", &read("local/src/cli.rs"));
    texts.extend(commands::help("local/src/cli/limits.rs", &read("local/src/cli/limits.rs")));
    for script in ["local/watch", "local/dynamodb-local"] {
        texts.extend(commands::shell_texts(script, &read(script)));
    }
    texts.extend(commands::python_texts("tests/smoke", &read("tests/smoke")));
    texts
}

fn types() -> BTreeSet<String> {
    let files = CODE.iter().flat_map(|folder| sources(folder, &["rs"]));
    files.flat_map(|(_, source)| rust::types(&source)).collect()
}

/// Fails with every fault of the texts, and if fewer texts of a kind were found than there are at least.
fn check(texts: &[Text], at_least: &[(Kind, usize)]) {
    let types = types();
    assert!(types.len() > 100, "{}", types.len());
    let describe = |text: &Text| -> Vec<String> {
        let faults = faults(text, &types);
        faults.iter().map(|fault| format!("{}: {fault}: {}", text.origin, text.content)).collect()
    };
    let found: Vec<String> = texts.iter().flat_map(describe).collect();
    assert!(found.is_empty(), "{} faults:\n{}", found.len(), found.join("\n"));
    for (kind, least) in at_least {
        let count = texts.iter().filter(|text| text.kind == *kind).count();
        assert!(count >= *least, "{kind:?}: {count} texts");
    }
}

#[test]
fn problems_and_messages_are_plain() {
    check(&code_texts(), &[(Kind::Sentence, 50), (Kind::FieldError, 50), (Kind::Clause, 30)]);
}

#[test]
fn the_description_is_plain() {
    let texts = description::texts("", &DOCUMENT);
    let summaries = texts.iter().filter(|text| text.kind == Kind::Title);
    let others: Vec<&Text> =
        summaries.filter(|text| !text.content.split(' ').next().unwrap().ends_with('s')).collect();
    assert!(others.is_empty(), "without a verb in the third person: {others:#?}");
    check(&texts, &[(Kind::Title, 35), (Kind::Sentence, 300), (Kind::FieldError, 2)]);
}

#[test]
fn pages_are_plain() {
    check(&page_texts(), &[(Kind::Sentence, 20), (Kind::Title, 50)]);
}

#[test]
fn commands_are_plain() {
    check(&command_texts(), &[(Kind::Title, 20), (Kind::Sentence, 3), (Kind::Clause, 12), (Kind::Other, 50)]);
}
