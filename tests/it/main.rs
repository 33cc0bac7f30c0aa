//! The suite: the deployed routers on a real engine, a fresh table per test, driven as users drive them.

#![allow(clippy::large_futures, reason = "a test is one future that holds the whole story")]

#[cfg(test)]
mod harness;

#[cfg(test)]
mod account_races;
#[cfg(test)]
mod all_faults;
#[cfg(test)]
mod attempts;
#[cfg(test)]
mod black_box_bad_input;
#[cfg(test)]
mod black_box_flows;
#[cfg(test)]
mod black_box_paths;
#[cfg(test)]
mod browser_csrf;
#[cfg(test)]
mod browser_forms;
#[cfg(test)]
mod browser_https;
#[cfg(test)]
mod browser_pages;
#[cfg(test)]
mod browser_sessions;
#[cfg(test)]
mod budgets;
#[cfg(test)]
mod chat;
#[cfg(test)]
mod compatibility;
#[cfg(test)]
mod direct;
#[cfg(test)]
mod documentation;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod heads;
#[cfg(test)]
mod held;
#[cfg(test)]
mod held_answers;
#[cfg(test)]
mod held_changes;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod inbox;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod lenient;
#[cfg(test)]
mod log;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod merge_patch;
#[cfg(test)]
mod metadata;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod openapi_rules;
#[cfg(test)]
mod order;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod session_races;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod stale;
#[cfg(test)]
mod tampered;
#[cfg(test)]
mod template;
#[cfg(test)]
mod throttles;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod unread;
