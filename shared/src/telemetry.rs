//! Logs: JSON lines on standard output, for `CloudWatch`. Nothing here or elsewhere logs bodies, tokens, emails or hashes.

use tracing_subscriber::EnvFilter;

/// Starts logging; `RUST_LOG` says what, `info` without it. Starting twice changes nothing.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().json().with_env_filter(filter).with_target(false);
    // Fails only where a subscriber stands already, which is the caller's own then.
    drop(subscriber.flatten_event(true).try_init());
}
