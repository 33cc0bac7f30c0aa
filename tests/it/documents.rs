//! The documents in Markdown. Each link leads to an existing file and heading. A link with a name of the code as its text leads to
//! a file that defines this name.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A link in Markdown: `[text](target)`.
#[derive(Debug, PartialEq, Eq)]
struct Link<'a> {
    text: &'a str,
    target: &'a str,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The documents at the top of the repository and in `docs/`.
fn documents() -> Vec<PathBuf> {
    let files = [root(), root().join("docs")].map(|folder| fs::read_dir(folder).unwrap());
    let paths = files.into_iter().flatten().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// The lines of a document that are outside of fenced blocks.
fn prose(document: &str) -> impl Iterator<Item = &str> {
    let mut is_fenced = false;
    document.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        !is_fence && !is_fenced
    })
}

/// The links of a text without fenced blocks. The text of a link can continue on the next line.
fn links(prose: &str) -> Vec<Link<'_>> {
    let link = |(middle, _): (usize, &str)| {
        let text = prose[..middle].rsplit_once('[')?.1;
        let target = prose[middle + 2..].split_once(')')?.0;
        Some(Link { text, target })
    };
    prose.match_indices("](").filter_map(link).collect()
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

fn has_heading(document: &Path, wanted: &str) -> bool {
    let text = fs::read_to_string(document).unwrap();
    prose(&text)
        .filter_map(|line| line.strip_prefix('#'))
        .any(|line| anchor(line.trim_start_matches('#')) == wanted)
}

/// The last part of a name of the code (`App::from_env`); `None` for a file name or other text.
fn name_of_code(text: &str) -> Option<&str> {
    let name = text.strip_prefix('`')?.strip_suffix('`')?.rsplit("::").next()?;
    name.chars().all(|c| c.is_alphanumeric() || c == '_').then_some(name)
}

/// Returns the fault of a link; `None` for a correct link and for one to another site.
fn fault(document: &Path, link: &Link<'_>) -> Option<String> {
    if link.target.starts_with("http") {
        return None;
    }
    let (path, anchor) = link.target.split_once('#').unwrap_or((link.target, ""));
    let file = if path.is_empty() { document.to_owned() } else { document.parent().unwrap().join(path) };
    if !file.exists() {
        return Some(format!("{}: no file {path}", document.display()));
    }
    if !anchor.is_empty() && !has_heading(&file, anchor) {
        return Some(format!("{}: no heading {}", document.display(), link.target));
    }
    let name = name_of_code(link.text).filter(|_| file.is_file())?;
    let code = fs::read_to_string(&file).unwrap();
    let mut items =
        ["fn", "struct", "enum", "trait", "const"].map(|kind| format!("{kind} {name}")).into_iter();
    let is_in_file = path.contains(name) || items.any(|item| code.contains(&item));
    (!is_in_file).then(|| format!("{}: no {name} in {path}", document.display()))
}

#[test]
fn every_link_leads_to_something_that_exists() {
    let (mut checked, mut faults) = (0, Vec::new());
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for link in links(&prose(&text).collect::<Vec<_>>().join("\n")) {
            checked += 1;
            faults.extend(fault(&document, &link));
        }
    }
    assert!(checked > 50, "{checked} links");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn faults_of_links_are_found() {
    let [first, second] =
        links("See [`send`](send.rs) and [the\nplan](plan.md#first-part).").try_into().unwrap();
    assert_eq!(first, Link { text: "`send`", target: "send.rs" });
    assert_eq!(second, Link { text: "the\nplan", target: "plan.md#first-part" });
    assert_eq!(anchor(" Limits, and what happens: `a_b` "), "limits-and-what-happens-a_b");
    assert_eq!(prose("one\n```sh\ntwo\n```\nthree").collect::<Vec<_>>(), ["one", "three"]);
    let readme = root().join("README.md");
    for (text, target) in [
        ("it", "nothing.md"),
        ("it", "docs/api.md#nothing"),
        ("it", "#nothing"),
        ("`nothing_of_this_name`", "shared/src/lib.rs"),
    ] {
        assert!(fault(&readme, &Link { text, target }).is_some(), "{target}");
    }
    for (text, target) in [
        ("it", "docs/api.md#limits"),
        ("`App::from_env`", "shared/src/app.rs"),
        ("it", "https://example.com/"),
    ] {
        assert_eq!(fault(&readme, &Link { text, target }), None);
    }
}
