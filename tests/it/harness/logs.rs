//! A check of everything that the suite logs: no line may contain a password, a token, a cookie, a hash, an email
//! address or the text of a message. The check works with canaries: words that occur in every secret of the suite and
//! nowhere else.
//!
//! Every password of the suite contains `PASSWORD_CANARY`. Every message body, name and metadata value contains
//! `BODY_CANARY`, the word `memo`; it has no other meaning in the tests. If a log line contains a canary, the code has
//! logged a secret. Each test asserts this at its end (`TestApp::drop`), so the check covers the whole suite.
//!
//! ```rust
//! ann.send(&conversation, "memo, see you at eight").await; // No log line may now contain "memo".
//! logs::assert_clean();
//! ```

use std::{
    io::{self, Write},
    sync::{Mutex, Once},
};

use serde_json::Value;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// A part of every password of the suite.
pub const PASSWORD_CANARY: &str = "horse-battery";
/// A part of every message body, name and metadata value that the tests send.
pub const BODY_CANARY: &str = "memo";

/// Texts that no log line may contain, and the kind of secret of each.
#[rustfmt::skip]
const FORBIDDEN: [(&str, &str); 9] = [
    (PASSWORD_CANARY, "a password"),
    (BODY_CANARY, "the text of a message"),
    ("eyJ", "a token"),
    ("$argon2", "the hash of a password"),
    ("example.com", "an email address"),
    ("example.org", "an email address"),
    ("20 7946", "a phone number"),
    ("sessionid", "a cookie"),
    ("Bearer ", "a header with a token"),
];

static VIOLATIONS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static LINES: Mutex<usize> = Mutex::new(0);
static EVENTS: Mutex<Vec<Value>> = Mutex::new(Vec::new());

/// Starts the check, once in each process. Log level: as in the deployed functions, and `trace` for the crates of the
/// workspace.
pub fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let filter =
            "info,shared=trace,auth=trace,conversations=trace,messages=trace,browse=trace,local=trace";
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_target(false)
            .with_env_filter(EnvFilter::new(filter))
            .with_writer(Watchers)
            .init();
    });
}

/// Returns the number of lines that were checked.
pub fn lines() -> usize {
    *LINES.lock().unwrap()
}

/// Returns the security events whose source is this address.
pub fn events(source: &str) -> Vec<Value> {
    let events = EVENTS.lock().unwrap();
    events.iter().filter(|line| line["source"] == source).cloned().collect()
}

/// Asserts that no line so far contains a forbidden text.
#[track_caller]
pub fn assert_clean() {
    let violations = VIOLATIONS.lock().unwrap().clone();
    assert!(violations.is_empty(), "logged:\n{}", violations.join("\n"));
}

/// Checks lines. It stores the lines with a forbidden text in its own list, or in the list of the process.
#[derive(Default)]
pub struct Watcher {
    own: Option<Vec<String>>,
}

impl Watcher {
    /// Returns a watcher with its own list, for tests of the watcher.
    pub fn for_test() -> Self {
        Self { own: Some(Vec::new()) }
    }

    pub fn seen(&self) -> &[String] {
        self.own.as_deref().unwrap_or_default()
    }
}

/// Makes a watcher for each line that the subscriber writes.
struct Watchers;

impl<'a> MakeWriter<'a> for Watchers {
    type Writer = Watcher;

    fn make_writer(&'a self) -> Watcher {
        Watcher::default()
    }
}

impl Write for Watcher {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let found = FORBIDDEN.iter().filter(|(canary, _)| text.contains(canary));
        let found = found.map(|(_, what)| format!("{what}: {text}"));
        if let Some(own) = &mut self.own {
            own.extend(found);
        } else {
            *LINES.lock().unwrap() += 1;
            VIOLATIONS.lock().unwrap().extend(found);
            let line: Option<Value> =
                text.contains("\"event\":").then(|| serde_json::from_str(&text).unwrap());
            EVENTS.lock().unwrap().extend(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
