//! Everything that the suite's processes log, looked through as it is written: no line may hold a password, a token, a
//! cookie, a hash, an email or what a message says. Each test asks at its end, so that the whole suite is covered.

use std::{
    io::{self, Write},
    sync::{Mutex, Once},
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// Stands in every password of the suite.
pub const PASSWORD_CANARY: &str = "horse-battery";
/// Stands in every message body, name and piece of metadata that the harness sends.
pub const BODY_CANARY: &str = "memo";

/// What no line may hold, and what it would be.
#[rustfmt::skip]
const FORBIDDEN: [(&str, &str); 8] = [
    (PASSWORD_CANARY, "a password"),
    (BODY_CANARY, "what a message says"),
    ("eyJ", "a token"),
    ("$argon2", "a password's hash"),
    ("example.com", "an email"),
    ("example.org", "an email"),
    ("sessionid", "a cookie"),
    ("Bearer ", "a header with a token"),
];

static VIOLATIONS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static LINES: Mutex<usize> = Mutex::new(0);

/// Starts watching, once a process: at the level of the deployed functions, and all of our own crates.
pub fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let filter =
            "info,shared=trace,auth=trace,conversations=trace,messages=trace,browse=trace,local=trace";
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_env_filter(EnvFilter::new(filter))
            .with_writer(Watchers)
            .init();
    });
}

/// How many lines have been looked through.
pub fn lines() -> usize {
    *LINES.lock().unwrap()
}

/// Fails if any line so far said too much.
#[track_caller]
pub fn assert_clean() {
    let violations = VIOLATIONS.lock().unwrap().clone();
    assert!(violations.is_empty(), "logged:\n{}", violations.join("\n"));
}

/// Looks through lines; what it finds goes to a list of its own, or to the process's.
#[derive(Default)]
pub struct Watcher {
    own: Option<Vec<String>>,
}

impl Watcher {
    /// One that keeps what it finds to itself.
    pub fn for_test() -> Self {
        Self { own: Some(Vec::new()) }
    }

    pub fn seen(&self) -> &[String] {
        self.own.as_deref().unwrap_or_default()
    }
}

/// Makes watchers for the subscriber.
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
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
