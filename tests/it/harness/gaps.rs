//! Known gaps of the servers that the black-box tests run against. A case is skipped if `API_GAPS` names its server;
//! the skip is printed with its reason. Every other server has to pass the case.

use super::environment;

/// The name of a case, the server that cannot pass it, and the reason.
#[rustfmt::skip]
const GAPS: [(&str, &str, &str); 6] = [
    ("encoded path", "watch", "it passes paths on encoded; the API refuses encoded paths that are ambiguous"),
    ("body that is not text", "watch", "it passes bodies on as JSON text; for other bodies it answers 500 itself"),
    ("header that is not text", "watch", "it passes headers on as JSON text; for other headers it answers 500 itself"),
    ("repeated header", "watch", "it passes on only the first of several headers with the same name"),
    ("raw path", "ministack", "its APIs have a path prefix, which it removes by its own rules"),
    ("body that is not text", "ministack", "it replaces bytes that are not UTF-8"),
];

/// Returns true if the case is skipped, and prints the reason.
pub fn skips(case: &str) -> bool {
    assert!(GAPS.iter().any(|(name, ..)| *name == case), "{case} is not in the table of gaps");
    let server = environment::gaps();
    let gap = GAPS.iter().find(|(name, its, _)| *name == case && Some(*its) == server.as_deref());
    if let Some((_, server, reason)) = gap {
        eprintln!("skipped: {case}: {server}: {reason}");
    }
    gap.is_some()
}
