//! What `cargo lambda watch` itself cannot pass, in one place. These cases are skipped with `API_GAPS=watch` only, and each
//! skip says why; everywhere else they run.

use super::environment;

/// Name of a case, and why `cargo lambda watch` cannot pass it.
#[rustfmt::skip]
const GAPS: [(&str, &str); 3] = [
    ("unknown path", "its router answers with a 404 of its own before a function is asked"),
    ("bytes that are no text", "it hands headers and bodies on as JSON text, and fails with a 500 of its own for others"),
    ("repeated header", "of headers with the same name it hands on the first only"),
];

/// Whether the case is to be passed over, which is said.
pub fn skips(case: &str) -> bool {
    let (_, reason) = GAPS.iter().find(|(name, _)| *name == case).unwrap();
    let skips = environment::gaps().as_deref() == Some("watch");
    if skips {
        eprintln!("skipped: {case}: {reason}");
    }
    skips
}
