//! The present time, injected: code asks a [`Clock`], and tests pass a clock that they set. No other module reads the
//! machine's time.

use std::{fmt, sync::Arc};

use chrono::{DateTime, SubsecRound, Utc};

/// A source of the present time. All clones share it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// Returns the clock of the machine.
    #[must_use]
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place where the time of day is read")]
        Self::new(Utc::now)
    }

    /// Creates a clock that returns the result of `now`.
    pub fn new(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Returns the present time in UTC, truncated to whole microseconds, because the table stores microseconds.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)().trunc_subsecs(6)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
