//! The wait after losing to another writer: a random time within a window that shrinks with each loss, so that the
//! requests that have waited longest win. On a table that answers slowly, the windows grow with the time of its
//! answers, because a window that is shorter than one try does not separate the writers.
//!
//! The constants were chosen by simulation, with calls of 3 to 9 ms. The figures in brackets are for a window that
//! starts at 8 tries and is halved by each loss. 16 writers that never pause need 3.5 puts for each message (4.1), and
//! 64 writers in the same instant 5.8 (8.0) with a p99 of 0.5 s (0.4 s). 100 messages a second need 2.2 (2.2). A table
//! with a single core, at 12 ms for each call, serves the 16 writers twice as fast.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::StoreError;
use crate::random::Random;

/// The maximum time for which a request tries before it fails with [`StoreError::Contention`].
pub const PATIENCE: Duration = Duration::from_secs(5);

const WIDEST: Duration = Duration::from_millis(80);
const NARROWEST: Duration = Duration::from_millis(4);
/// The minimum length of the widest window, as a multiple of the time of one try.
const TRIES: u32 = 10;
/// The factor by which each loss shrinks the window.
const SHRINKS_TO: f64 = 0.7;

/// The losses of one request, and the time that it has left.
#[derive(Debug)]
pub(crate) struct Backoff<'a> {
    random: &'a Random,
    losses: i32,
    try_began: Instant,
    deadline: Instant,
}

impl<'a> Backoff<'a> {
    pub(crate) fn new(random: &'a Random) -> Self {
        let now = Instant::now();
        Self { random, losses: 0, try_began: now, deadline: now + PATIENCE }
    }

    /// Waits after a loss.
    ///
    /// # Errors
    /// [`StoreError::Contention`] if the request has tried for [`PATIENCE`].
    pub(crate) async fn lose(&mut self) -> Result<(), StoreError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(StoreError::Contention);
        }
        let widest = WIDEST.max(self.try_began.elapsed() * TRIES).min(left / 2);
        let window = widest.mul_f64(SHRINKS_TO.powi(self.losses)).max(NARROWEST);
        sleep(self.random.up_to(window)).await;
        self.losses += 1;
        self.try_began = Instant::now();
        Ok(())
    }
}
