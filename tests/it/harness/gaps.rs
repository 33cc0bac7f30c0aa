//! Known gaps of the servers that the black-box tests run against. A case is skipped if `API_GAPS` names its server;
//! the skip is printed with its reason. Every other server has to pass the case.

use super::environment;

/// The name of a case, the server that cannot pass it, and the reason.
#[rustfmt::skip]
const GAPS: [(&str, &str, &str); 6] = [
    ("encoded path", "watch", "it passes paths on encoded, and a path that has another reading is no path"),
    ("body that is no text", "watch", "it hands bodies on as JSON text, and fails with a 500 of its own for others"),
    ("header that is no text", "watch", "it hands headers on as JSON text, and fails with a 500 of its own for others"),
    ("repeated header", "watch", "of headers with the same name it hands on the first only"),
    ("raw path", "ministack", "its APIs are below a path of its own, which it takes off by rules of its own"),
    ("body that is no text", "ministack", "it puts replacement characters for what is no UTF-8"),
];

/// Returns true if the case is skipped, and prints the reason.
pub fn skips(case: &str) -> bool {
    assert!(GAPS.iter().any(|(name, ..)| *name == case), "{case} is no case of the table");
    let server = environment::gaps();
    let gap = GAPS.iter().find(|(name, its, _)| *name == case && Some(*its) == server.as_deref());
    if let Some((_, server, reason)) = gap {
        eprintln!("skipped: {case}: {server}: {reason}");
    }
    gap.is_some()
}
