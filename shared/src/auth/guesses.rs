//! Failed attempts and the delays that they cause, and the attempts with emails without an account, which a process
//! counts in memory. The attempts with accounts are counted in the table, see `attempt`.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::{model::user::Email, store::FailedAttempts};

/// The maximum number of emails without an account whose attempts a process remembers.
const REMEMBERED: usize = 4096;

/// Returns the delay after `failures` failed attempts: none up to two, then one second, doubling up to one minute.
fn delay(failures: u32) -> TimeDelta {
    match failures {
        0..=2 => TimeDelta::zero(),
        more => TimeDelta::seconds((1 << (more - 3).min(6)).min(60)),
    }
}

impl FailedAttempts {
    /// Returns the state after one more attempt, or the time for which the attempt has to wait.
    pub(super) fn next(self, now: DateTime<Utc>) -> Result<Self, TimeDelta> {
        if now < self.not_before {
            return Err(self.not_before - now);
        }
        let failures = self.failures.saturating_add(1);
        Ok(Self { failures, not_before: now + delay(failures) })
    }
}

/// The attempts with emails that have no account, by the digests of the emails. They are throttled too, so that a 429
/// does not show which emails have an account.
#[derive(Default)]
pub struct Guesses(Mutex<HashMap<[u8; 32], FailedAttempts>>);

impl std::fmt::Debug for Guesses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Guesses")
    }
}

impl Guesses {
    fn failed_attempts(&self) -> MutexGuard<'_, HashMap<[u8; 32], FailedAttempts>> {
        // A panic in another thread leaves the counts in a valid state, so the poisoned lock can be used.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an attempt, or returns the time for which it has to wait. If the map is full, the email whose delay ended
    /// first is removed.
    pub(super) fn claim(&self, email: &Email, now: DateTime<Utc>) -> Result<FailedAttempts, TimeDelta> {
        let digest: [u8; 32] = Sha256::digest(email.as_str()).into();
        let mut failed_attempts = self.failed_attempts();
        let never = FailedAttempts { failures: 0, not_before: DateTime::UNIX_EPOCH };
        let next = failed_attempts.get(&digest).copied().unwrap_or(never).next(now)?;
        if failed_attempts.len() >= REMEMBERED && !failed_attempts.contains_key(&digest) {
            let oldest = failed_attempts.iter().min_by_key(|(_, failed_attempts)| failed_attempts.not_before);
            if let Some(oldest) = oldest.map(|(digest, _)| *digest) {
                failed_attempts.remove(&oldest);
            }
        }
        failed_attempts.insert(digest, next);
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_up_to_a_minute() {
        let seconds: Vec<i64> = (0..12).map(|failures| delay(failures).num_seconds()).collect();
        assert_eq!(seconds, [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(delay(u32::MAX).num_seconds(), 60);
    }

    #[test]
    fn an_email_that_nobody_has_is_throttled_too() {
        let guesses = Guesses::default();
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let email = Email::parse("nobody@example.com").unwrap();
        for _ in 0..3 {
            assert!(guesses.claim(&email, now).is_ok());
        }
        assert_eq!(guesses.claim(&email, now), Err(TimeDelta::seconds(1)));
        let later = now + TimeDelta::seconds(1);
        assert_eq!(guesses.claim(&email, later).unwrap().not_before, later + TimeDelta::seconds(2));
        assert!(guesses.claim(&Email::parse("other@example.com").unwrap(), now).is_ok());
    }

    #[test]
    fn only_so_many_emails_are_remembered() {
        let guesses = Guesses::default();
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for n in 0..REMEMBERED + 10 {
            let email = Email::parse(&format!("nobody{n}@example.com")).unwrap();
            guesses.claim(&email, now).unwrap();
        }
        assert_eq!(guesses.failed_attempts().len(), REMEMBERED);
    }
}
