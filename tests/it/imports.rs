//! The directions of imports: a lower layer must not know a higher one. See `docs/architecture.md`.

use std::collections::BTreeSet;

use crate::harness::sources::sources;

/// Returns the modules of the crate that a file names: `store` for `crate::store::Store` and for `use crate::{App, store::…}`.
fn modules(text: &str) -> BTreeSet<String> {
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for (start, _) in code.match_indices("crate::") {
        let rest = &code[start + "crate::".len()..];
        if let Some(tree) = rest.strip_prefix('{') {
            found.extend(first_names(tree));
        } else {
            found.extend(name(rest));
        }
    }
    found
}

/// Returns the first name of each branch of a use tree, up to the brace that closes it.
fn first_names(tree: &str) -> Vec<String> {
    let (mut depth, mut names, mut is_first) = (0_usize, Vec::new(), true);
    for (at, character) in tree.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => is_first = true,
            _ if depth == 0 && is_first && !character.is_whitespace() => {
                names.extend(name(&tree[at..]));
                is_first = false;
            }
            _ => {}
        }
    }
    names
}

fn name(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

/// Returns the files of a folder that import one of the forbidden modules.
fn violations(folder: &str, forbidden: &[&str]) -> Vec<String> {
    let files = sources(folder, &["rs"]);
    assert!(!files.is_empty(), "{folder} has no source files");
    let forbidden_of =
        |text: &str| modules(text).into_iter().find(|module| forbidden.contains(&module.as_str()));
    files
        .iter()
        .filter_map(|(path, text)| Some(format!("{} imports `{}`", path, forbidden_of(text)?)))
        .collect()
}

#[test]
fn lower_layers_do_not_import_higher_ones() {
    for (folder, forbidden) in [
        ("shared/src/model", &["store", "http", "pages", "auth", "policy", "App"][..]),
        ("shared/src/ids", &["store", "http", "pages", "auth", "policy", "App"]),
        ("shared/src/store", &["http", "pages", "auth", "App"]),
        ("shared/src/auth", &["http", "pages"]),
        ("shared/src/http", &["pages"]),
    ] {
        assert_eq!(violations(folder, forbidden), [""; 0], "{folder}");
    }
}

#[test]
fn only_the_shared_crate_uses_the_sdk() {
    for folder in ["functions", "local", "tests"] {
        let users: Vec<_> = sources(folder, &["rs"])
            .into_iter()
            .filter(|(path, _)| !path.split('/').any(|part| part == "target"))
            .filter(|(_, text)| {
                ["use aws_", "aws_sdk_", "aws_config::"].iter().any(|name| text.contains(name))
            })
            .map(|(path, _)| path)
            .filter(|path| !path.ends_with("imports.rs"))
            .collect();
        assert_eq!(users, Vec::<String>::new(), "{folder}");
    }
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "use crate::{\n    App,\n    http::{Code, layers::{self, head}},\n    model::Metadata,\n};\nuse crate::store::Store;\n\
                // use crate::pages::Html;\nfn f() { crate::auth::prove() }";
    assert_eq!(modules(text), ["App", "auth", "http", "model", "store"].map(str::to_owned).into());
}
