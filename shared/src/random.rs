//! Randomness, injected: ids, secrets and waiting times come from one [`Random`], which a test may seed.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use uuid::{Builder, Uuid};

/// A cryptographically secure generator (`ChaCha12`), shared by whoever was given it.
#[derive(Clone)]
pub struct Random(Arc<Mutex<StdRng>>);

impl Random {
    /// Seeded by the operating system.
    #[must_use]
    pub fn from_system() -> Self {
        Self(Arc::new(Mutex::new(StdRng::from_rng(&mut rand::rng()))))
    }

    /// Seeded by a number: for tests only.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    fn generator(&self) -> MutexGuard<'_, StdRng> {
        // Another thread's panic leaves the generator as usable as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `N` random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.generator().fill_bytes(&mut bytes);
        bytes
    }

    /// A random UUID (version 4).
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// A UUID of the given time (version 7).
    #[must_use]
    pub fn uuid_at(&self, time: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(time.timestamp_millis()).unwrap_or_default();
        Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }

    /// A time between nothing and `most`, uniformly.
    #[must_use]
    pub fn up_to(&self, most: Duration) -> Duration {
        most.mul_f64(self.generator().random_range(0.0..=1.0))
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
