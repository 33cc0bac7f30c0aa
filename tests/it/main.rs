//! The test suite: the deployed routers on a real DynamoDB engine, with a fresh table for each test. Most tests act as
//! users: they send requests through the API and check the answers.
//!
//! `harness` contains the helpers; its module documentation explains how to write a test. The texts that tests send
//! contain the word `memo`. It is a canary: a log line with this word fails the suite, because the code has logged the
//! text of a user (`harness/logs.rs`). A new test has to use the word in its message bodies, names and metadata.

#![allow(clippy::large_futures, reason = "a test is one large future with all of its steps")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed test panics; Clippy permits these only in functions with `#[test]`, not in their helpers"
)]

mod harness;

mod access_first;
mod account_races;
mod all_faults;
mod asyncapi;
mod attack;
mod attempts;
mod black_box_bad_input;
mod black_box_flows;
mod black_box_paths;
mod blocks;
mod browser_csrf;
mod browser_forms;
mod browser_https;
mod browser_pages;
mod browser_sessions;
mod budgets;
mod chat;
mod chat_actions;
mod closing;
mod compatibility;
mod consent;
mod consent_limits;
mod consent_races;
mod contact;
mod cursors;
mod deliver;
mod direct;
mod documentation;
mod documents;
mod ended_sessions;
mod events;
mod faults;
mod forms;
mod groups;
mod heads;
mod held;
mod held_answers;
mod held_changes;
mod idempotency;
mod identity;
mod imports;
mod inbox;
mod inbox_settings;
mod keys;
mod lenient;
mod limits;
mod live;
mod live_template;
mod lockout;
mod log;
mod logs;
mod matrix;
mod merge_patch;
mod metadata;
mod openapi;
mod openapi_rules;
mod order;
mod pages;
mod paths;
mod permissions;
mod pins;
mod privacy;
mod proxy;
mod reactions;
mod realtime;
mod reports;
mod reports_races;
mod routes;
mod security_events;
mod session_races;
mod sessions;
mod shapes;
mod signing;
mod stale;
mod standing;
mod storm;
mod sync;
mod tampered;
mod template;
mod texts;
mod threads;
mod throttles;
mod tokens;
mod unread;
