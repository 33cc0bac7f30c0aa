//! The token buckets that limit new conversations, added participants and reports. A write takes its tokens in a step of its own
//! transaction, so nothing is paid if nothing is written.
//!
//! The step replaces the bucket on condition that it is as it was read. Of parallel requests that read the same bucket,
//! one takes effect, and the others read it again. A bucket never returns to an earlier state: a payment reduces the
//! tokens, and tokens come back only together with a later time.
//!
//! If the answer of the transaction is lost, the conversation, the membership, the change log or the report shows to the next try
//! that the write took effect. This try finds nothing to write and pays nothing.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Command, Store, StoreError,
    items::{BucketPurpose, Item, TokenBucket},
    ops::{ABSENT, Consistency, Expression},
    table::Key,
    transactions::Step,
};
use crate::{config::ConversationLimit, ids::UserId};

/// The reason why a bucket does not pay for a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitReached {
    /// The write costs more tokens than a full bucket has.
    #[error("the write costs more than the {size} tokens of a full bucket")]
    MoreThanFull {
        /// The number of tokens in a full bucket.
        size: u32,
    },
    /// The bucket has enough tokens after this time.
    #[error("the bucket has enough tokens in {wait}")]
    Wait {
        /// The time from now.
        wait: TimeDelta,
    },
}

/// The user and the purpose of a bucket.
pub(super) type BucketOwner = (UserId, BucketPurpose);

/// Returns the time in which this number of tokens comes back. One token takes whole microseconds, rounded up.
fn time_of(tokens: u32, limit: ConversationLimit) -> TimeDelta {
    TimeDelta::microseconds(interval(limit) * i64::from(tokens))
}

/// Returns the number of microseconds in which one token comes back.
fn interval(limit: ConversationLimit) -> i64 {
    let refill = i64::from(limit.refill.max(1));
    (TimeDelta::hours(1).num_microseconds().unwrap_or_default() + refill - 1) / refill
}

impl TokenBucket {
    fn full((user, purpose): BucketOwner, limit: ConversationLimit, now: DateTime<Utc>) -> Self {
        Self { user, purpose, tokens: limit.size, updated_at: now, expires_at: now }
    }

    /// Returns the step that pays `cost` tokens at `now` from a bucket that was read as `seen`.
    ///
    /// Another request may have paid from the bucket since it was read. Then the condition fails, and the transaction
    /// writes nothing.
    pub(super) fn payment(
        seen: Option<&Self>,
        owner: BucketOwner,
        limit: ConversationLimit,
        cost: u32,
        now: DateTime<Utc>,
    ) -> Result<Step, LimitReached> {
        let paid = Self::refilled(seen, owner, limit, now).paying(cost, limit, now)?;
        let unchanged = match seen {
            None => Expression::condition(ABSENT),
            Some(seen) => Expression::condition("#tokens = :seen AND #updated_at = :before")
                .number(":seen", seen.tokens)
                .number(":before", seen.updated_at.timestamp_micros()),
        };
        Ok(Step::Put(Item::TokenBucket(paid), unchanged))
    }

    /// Returns the bucket of a user with the tokens that have come back until `now`.
    fn refilled(
        seen: Option<&Self>,
        owner: BucketOwner,
        limit: ConversationLimit,
        now: DateTime<Utc>,
    ) -> Self {
        let Some(seen) = seen.filter(|seen| seen.expires_at > now) else {
            return Self::full(owner, limit, now);
        };
        let missing = limit.size.saturating_sub(seen.tokens);
        // The clock of the process that wrote the bucket can be ahead of this one. Then no token has come back.
        let passed = (now - seen.updated_at).num_microseconds().unwrap_or(i64::MAX).max(0);
        match u32::try_from(passed / interval(limit)) {
            Ok(back) if back < missing => Self {
                tokens: seen.tokens + back,
                updated_at: seen.updated_at + time_of(back, limit),
                ..seen.clone()
            },
            _ => Self::full(owner, limit, now.max(seen.updated_at)),
        }
    }

    /// Returns the bucket after it has paid `cost` tokens at `now`.
    fn paying(self, cost: u32, limit: ConversationLimit, now: DateTime<Utc>) -> Result<Self, LimitReached> {
        if cost > limit.size {
            return Err(LimitReached::MoreThanFull { size: limit.size });
        }
        let Some(tokens) = self.tokens.checked_sub(cost) else {
            let enough_at = self.updated_at + time_of(cost - self.tokens, limit);
            return Err(LimitReached::Wait { wait: enough_at - now });
        };
        let full_at = self.updated_at + time_of(limit.size - tokens, limit);
        // The item has whole seconds. It must not be forgotten before the bucket is full.
        let expires_at = full_at + TimeDelta::seconds(1);
        Ok(Self { tokens, expires_at, ..self })
    }
}

impl Command {
    /// Returns the step that pays `cost` tokens from the actor's bucket, which was read as `seen`; `None` if the actor
    /// has no limit or the write costs nothing.
    pub(super) fn payment(
        &self,
        seen: Option<&TokenBucket>,
        cost: usize,
    ) -> Result<Option<Step>, LimitReached> {
        let Some(limit) = self.limit.filter(|_| cost > 0) else {
            return Ok(None);
        };
        let cost = u32::try_from(cost).unwrap_or(u32::MAX);
        let owner = (self.actor, BucketPurpose::Conversations);
        TokenBucket::payment(seen, owner, limit, cost, self.now).map(Some)
    }

    /// Returns the key of the actor's bucket; `None` if the actor has no limit.
    pub(super) fn bucket_key(&self) -> Option<Key> {
        self.limit.map(|_| Key::bucket(self.actor, BucketPurpose::Conversations))
    }
}

impl Store {
    /// Returns the bucket that pays for a command, strongly consistent; `None` if it does not exist or the actor has no
    /// limit. Reads nothing in the last case.
    pub async fn bucket(&self, command: Command) -> Result<Option<TokenBucket>, StoreError> {
        match command.bucket_key() {
            Some(key) => Ok(self.get(key, Consistency::Strong).await?.and_then(Item::into_token_bucket)),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const LIMIT: ConversationLimit = ConversationLimit { size: 10, refill: 7 };

    const OWNER: BucketOwner = (UserId::new(Uuid::nil()), BucketPurpose::Conversations);

    fn start() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn pay(seen: Option<&TokenBucket>, cost: u32, now: DateTime<Utc>) -> Result<TokenBucket, LimitReached> {
        TokenBucket::refilled(seen, OWNER, LIMIT, now).paying(cost, LIMIT, now)
    }

    #[test]
    fn a_bucket_pays_until_it_is_empty_and_refills_one_by_one() {
        let now = start();
        let bucket = pay(None, 4, now).unwrap();
        assert_eq!((bucket.tokens, bucket.updated_at), (6, now));
        let bucket = pay(Some(&bucket), 6, now).unwrap();
        assert_eq!(bucket.tokens, 0);
        let Err(LimitReached::Wait { wait }) = pay(Some(&bucket), 3, now) else { panic!() };
        assert!(wait >= TimeDelta::hours(1) * 3 / 7 && wait < TimeDelta::minutes(26));
        let early = now + wait - TimeDelta::microseconds(1);
        assert_eq!(
            pay(Some(&bucket), 3, early),
            Err(LimitReached::Wait { wait: TimeDelta::microseconds(1) })
        );
        let paid = pay(Some(&bucket), 3, now + wait).unwrap();
        assert_eq!((paid.tokens, paid.updated_at), (0, now + wait));
    }

    #[test]
    fn no_part_of_a_token_is_lost_by_a_payment() {
        let (mut now, mut bucket) = (start(), pay(None, 10, start()).unwrap());
        let end = now + TimeDelta::hours(24);
        let mut paid = 0;
        while now < end {
            now += TimeDelta::seconds(97);
            if let Ok(next) = pay(Some(&bucket), 1, now) {
                (bucket, paid) = (next, paid + 1);
            }
        }
        assert_eq!(paid, 7 * 24);
    }

    #[test]
    fn a_full_bucket_is_forgotten_and_no_other() {
        let bucket = pay(None, 10, start()).unwrap();
        let full_at = start() + time_of(10, LIMIT);
        assert!(bucket.expires_at.timestamp() >= full_at.timestamp());
        let refilled = TokenBucket::refilled(Some(&bucket), OWNER, LIMIT, full_at);
        assert_eq!(refilled.tokens, LIMIT.size);
        // A bucket that TTL has not deleted yet is full, whatever it contains.
        assert_eq!(pay(Some(&bucket), 10, bucket.expires_at).unwrap().tokens, 0);
        assert_eq!(pay(Some(&bucket), 10, start() + TimeDelta::days(400)).unwrap().tokens, 0);
    }

    #[test]
    fn a_clock_that_is_behind_gives_no_tokens() {
        let bucket = pay(None, 10, start()).unwrap();
        let Err(LimitReached::Wait { wait }) = pay(Some(&bucket), 1, start() - TimeDelta::seconds(9)) else {
            panic!()
        };
        assert_eq!(wait, time_of(1, LIMIT) + TimeDelta::seconds(9));
    }

    #[test]
    fn a_write_that_no_bucket_can_pay_for_never_waits() {
        assert_eq!(pay(None, 11, start()), Err(LimitReached::MoreThanFull { size: 10 }));
    }

    #[test]
    fn a_smaller_limit_holds_for_a_bucket_of_the_limit_before() {
        let large = TokenBucket {
            user: OWNER.0,
            purpose: OWNER.1,
            tokens: 90,
            updated_at: start(),
            expires_at: start() + TimeDelta::days(1),
        };
        assert_eq!(pay(Some(&large), 1, start()).unwrap().tokens, 9);
    }
}
