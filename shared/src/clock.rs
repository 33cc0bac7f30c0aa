//! The time, injected: code asks a [`Clock`], tests hand in one that they set. Nothing else here reads the time of day.

use std::{fmt, sync::Arc};

use chrono::{DateTime, SubsecRound, Utc};

/// A source of the present time, shared by whoever was given it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place where the time of day is read")]
        Self::new(Utc::now)
    }

    /// A clock that answers with what `now` answers.
    pub fn new(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The present time in UTC, in whole microseconds, as that is what is stored.
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
