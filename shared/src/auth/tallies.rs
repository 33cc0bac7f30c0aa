//! The delays between attempts at the password of one email. Each source of attempts has its own tally, so nobody can
//! delay the attempts from another network, device or session.
//!
//! | attempts of one source | delay before the next one |
//! |---|---|
//! | 1 to 9 | none |
//! | 10 and more | 1 s, doubling up to 60 s |
//! | the same from an unknown device, after 100 failures from unknown devices within a day | 15 min, doubling up to a day |
//!
//! So an attacker with `n` networks makes at most `100 + 16 n` guesses a day at one email. 16 attempts are ten without a
//! delay, and those after 0.25, 0.75, 1.75, 3.75, 7.75 and 15.75 hours. A thief of a known device, or of a session whose
//! password is asked for, makes at most 1,454 guesses a day: 16 in the first 63 seconds, and then one a minute.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    model::user::Email,
    store::items::{AttemptSource, Tally},
};

/// The number of attempts of one source without a delay between them.
const FREE: u32 = 10;

/// The number of failures from unknown devices within a day after which unknown devices wait longer.
const SUSPICIOUS: u32 = 100;

/// The time for which a tally is kept after its last attempt was allowed, and for which failures from unknown devices
/// are counted together.
const DAY: TimeDelta = TimeDelta::days(1);

/// The delays between the attempts of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Seconds.
    Usual,
    /// Minutes to a day: for unknown devices during an attack.
    Slow,
}

impl Pace {
    /// Returns the pace of unknown devices, from the tally of their failures.
    pub(super) fn of_unknown_devices(failures: Option<&Tally>, now: DateTime<Utc>) -> Self {
        match counted(failures, now) {
            Some(tally) if tally.failures >= SUSPICIOUS => Self::Slow,
            _ => Self::Usual,
        }
    }

    /// Returns the delay after `attempts` attempts.
    fn delay(self, attempts: u32) -> TimeDelta {
        let (first, longest) = match self {
            Self::Usual => (TimeDelta::seconds(1), TimeDelta::seconds(60)),
            Self::Slow => (TimeDelta::minutes(15), DAY),
        };
        match attempts.checked_sub(FREE) {
            None => TimeDelta::zero(),
            // From 2^10 on, the product is longer than the longest delay.
            Some(doublings) => (first * (1 << doublings.min(10))).min(longest),
        }
    }
}

/// Returns the tally of `source` with one more attempt, or the time for which the attempt has to wait.
pub(super) fn with_attempt(
    (email, source): (&Email, AttemptSource),
    seen: Option<&Tally>,
    pace: Pace,
    now: DateTime<Utc>,
) -> Result<Tally, TimeDelta> {
    let seen = counted(seen, now);
    // Without a delay, `not_before` is the time of the last attempt by the clock of another process, which may be fast.
    if let Some(seen) = seen.filter(|seen| seen.failures >= FREE)
        && now < seen.not_before
    {
        return Err(seen.not_before - now);
    }
    let failures = seen.map_or(0, |seen| seen.failures).saturating_add(1);
    let not_before = now + pace.delay(failures);
    Ok(Tally { email: email.clone(), source, failures, not_before, expires_at: not_before + DAY })
}

/// Returns the tally of unknown devices with one more failure; `None` if it has counted enough of them.
pub(super) fn with_failure(email: &Email, seen: Option<&Tally>, now: DateTime<Utc>) -> Option<Tally> {
    match counted(seen, now) {
        Some(seen) if seen.failures >= SUSPICIOUS => None,
        Some(seen) => Some(Tally { failures: seen.failures + 1, ..seen.clone() }),
        None => Some(Tally {
            email: email.clone(),
            source: AttemptSource::UnknownDevices,
            failures: 1,
            not_before: now,
            expires_at: now + DAY,
        }),
    }
}

/// Returns a tally that has not expired.
fn counted(tally: Option<&Tally>, now: DateTime<Utc>) -> Option<&Tally> {
    tally.filter(|tally| tally.expires_at > now)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        ids::{DeviceId, SessionId},
        model::network::Network,
    };

    fn start() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn email() -> Email {
        Email::parse("ann@example.com").unwrap()
    }

    fn network(n: u32) -> AttemptSource {
        AttemptSource::Network(Network::of(std::net::Ipv4Addr::from(n << 8).into()))
    }

    #[test]
    fn delays_begin_after_ten_attempts_and_double() {
        let seconds = |pace: Pace| -> Vec<i64> { (9..19).map(|n| pace.delay(n).num_seconds()).collect() };
        assert_eq!(seconds(Pace::Usual), [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        let minutes = [0, 15, 30, 60, 120, 240, 480, 960, 1440, 1440].map(|minutes| minutes * 60);
        assert_eq!(seconds(Pace::Slow), minutes);
        assert_eq!(Pace::Usual.delay(u32::MAX).num_seconds(), 60);
        assert_eq!(Pace::Slow.delay(u32::MAX), DAY);
    }

    #[test]
    fn an_attempt_waits_exactly_until_its_time() {
        let (email, now) = (email(), start());
        let mut tally = None;
        for _ in 0..10 {
            tally = Some(with_attempt((&email, network(1)), tally.as_ref(), Pace::Usual, now).unwrap());
        }
        let wait = with_attempt((&email, network(1)), tally.as_ref(), Pace::Usual, now).unwrap_err();
        assert_eq!(wait, TimeDelta::seconds(1));
        let next = with_attempt((&email, network(1)), tally.as_ref(), Pace::Usual, now + wait).unwrap();
        assert_eq!((next.failures, next.not_before), (11, now + wait + TimeDelta::seconds(2)));
        let forgotten = with_attempt((&email, network(1)), Some(&next), Pace::Usual, next.expires_at);
        assert_eq!(forgotten.unwrap().failures, 1);
    }

    #[test]
    fn the_fast_clock_of_another_process_delays_nobody() {
        let (email, now) = (email(), start());
        let fast = now + TimeDelta::minutes(5);
        let mut tally = with_attempt((&email, network(1)), None, Pace::Usual, fast).unwrap();
        for _ in 1..10 {
            tally = with_attempt((&email, network(1)), Some(&tally), Pace::Usual, now).unwrap();
        }
        assert_eq!(
            with_attempt((&email, network(1)), Some(&tally), Pace::Slow, now),
            Err(TimeDelta::seconds(1))
        );
    }

    /// Networks that guess as soon as they may, for a number of days. Returns the guesses of each day.
    fn guesses(networks: u32, days: i64) -> Vec<u32> {
        let email = email();
        let mut tallies: Vec<Option<Tally>> = vec![None; networks as usize];
        let mut failures: Option<Tally> = None;
        let mut guesses = vec![0; usize::try_from(days).unwrap()];
        let mut now = start();
        let end = start() + DAY * i32::try_from(days).unwrap();
        while now < end {
            let day = usize::try_from((now - start()).num_days()).unwrap();
            let mut next = end;
            for (n, tally) in (0..).zip(&mut tallies) {
                loop {
                    let pace = Pace::of_unknown_devices(failures.as_ref(), now);
                    match with_attempt((&email, network(n)), tally.as_ref(), pace, now) {
                        Ok(attempt) => {
                            *tally = Some(attempt);
                            guesses[day] += 1;
                            failures = with_failure(&email, failures.as_ref(), now).or(failures);
                        }
                        Err(wait) => {
                            next = next.min(now + wait);
                            break;
                        }
                    }
                }
            }
            now = next;
        }
        guesses
    }

    #[test]
    fn an_attacker_with_a_thousand_networks_makes_few_guesses_a_day() {
        assert_eq!(guesses(1000, 1), [16_000]);
        for networks in [1, 7, 1000] {
            for (day, guesses) in guesses(networks, 4).into_iter().enumerate() {
                assert!(guesses <= 100 + 16 * networks, "{networks} networks, day {day}: {guesses}");
            }
        }
    }

    /// A thief of a token or of a device guesses as soon as possible. The pace of these sources is always the usual one.
    #[test]
    fn a_thief_of_a_session_or_a_device_makes_few_guesses_a_day() {
        let email = email();
        for source in [
            AttemptSource::session(SessionId::new(Uuid::from_u128(1))),
            AttemptSource::Device(DeviceId::new(Uuid::from_u128(2))),
        ] {
            let (mut tally, mut guesses, mut now) = (None, 0, start());
            while now < start() + DAY {
                match with_attempt((&email, source), tally.as_ref(), Pace::Usual, now) {
                    Ok(attempt) => {
                        tally = Some(attempt);
                        guesses += 1;
                    }
                    Err(wait) => now += wait,
                }
            }
            assert_eq!(guesses, 1454);
        }
    }

    #[test]
    fn an_attack_does_not_delay_another_network() {
        let (email, now) = (email(), start());
        let mut failures = None;
        for _ in 0..SUSPICIOUS {
            assert_eq!(Pace::of_unknown_devices(failures.as_ref(), now), Pace::Usual);
            failures = with_failure(&email, failures.as_ref(), now);
        }
        assert_eq!(Pace::of_unknown_devices(failures.as_ref(), now), Pace::Slow);
        assert_eq!(with_failure(&email, failures.as_ref(), now), None);
        assert!(with_attempt((&email, network(2)), None, Pace::Slow, now).is_ok());
        // A day after the first failure, the count begins again.
        assert_eq!(Pace::of_unknown_devices(failures.as_ref(), now + DAY), Pace::Usual);
        assert_eq!(with_failure(&email, failures.as_ref(), now + DAY).unwrap().failures, 1);
    }
}
