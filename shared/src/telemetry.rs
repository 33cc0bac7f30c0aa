//! Logging: JSON lines on standard output, for `CloudWatch`. No code of the workspace logs message bodies, tokens,
//! emails or hashes.

use std::error::Error;

use tracing::Level;
use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::variable;

/// Starts logging. `RUST_LOG` sets the levels (`info`, `warn,shared=debug`); the default is `info`. A second call has
/// no effect.
pub fn init() {
    let wanted = variable("RUST_LOG").and_then(|filter| filter.parse().ok());
    let filter = wanted.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    let lines = fmt::layer().json().flatten_event(true).with_target(false).with_filter(filter);
    // This fails only if a subscriber is already installed. Then the caller has chosen its own, and it stays.
    drop(tracing_subscriber::registry().with(lines).try_init());
}

/// Returns the text of an error and the texts of its sources, separated by colons. For the log and for the user of a
/// command, never for clients: one of the texts may name the host or a missing permission.
#[must_use]
pub fn causes(error: &dyn Error) -> String {
    let sources = std::iter::successors(error.source(), |source: &&dyn Error| (*source).source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}
