//! Logs: JSON lines on standard output, for `CloudWatch`. Nothing here or elsewhere logs bodies, tokens, emails or hashes.

use tracing::Level;
use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::variable;

/// Starts logging; `RUST_LOG` says what (`info`, `warn,shared=debug`), `info` without it. Starting twice changes nothing.
pub fn init() {
    let wanted = variable("RUST_LOG").and_then(|filter| filter.parse().ok());
    let filter = wanted.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    let lines = fmt::layer().json().flatten_event(true).with_target(false).with_filter(filter);
    // Fails only where a subscriber stands already, which is the caller's own then.
    drop(tracing_subscriber::registry().with(lines).try_init());
}
