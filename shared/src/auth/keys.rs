//! The public keys that verify tokens. They are read from the table, cached for five minutes, and read again for an
//! unknown key.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::DecodingKey;
use tokio::sync::Mutex;

use super::{
    AuthError,
    jwt::{self, AccessClaims, Claims, RefreshClaims},
};
use crate::{
    config::Config,
    store::{Store, StoreError, items::SigningKey},
};

/// The maximum age of cached keys.
const FRESH: TimeDelta = TimeDelta::minutes(5);
/// The minimum time between two look-ups of unknown keys. Without it, anybody could make the function read the table
/// often.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(10);

/// The keys as they were read at one time.
pub(super) struct Snapshot {
    keys: HashMap<String, (DecodingKey, Option<DateTime<Utc>>)>,
    read_at: DateTime<Utc>,
}

/// The end of the validity of a key for which no end is set.
pub const FOR_GOOD: DateTime<Utc> = DateTime::<Utc>::MAX_UTC;

/// Verifies tokens with cached public keys.
pub struct KeyCache {
    config: Arc<Config>,
    snapshot: RwLock<Option<Arc<Snapshot>>>,
    /// The time of the last look-up of an unknown key. The lock is held while keys are read, so that one request reads
    /// them for all.
    looked_up_at: Mutex<Option<DateTime<Utc>>>,
}

impl std::fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyCache")
    }
}

impl KeyCache {
    /// Creates an empty cache.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        Self { config, snapshot: RwLock::new(None), looked_up_at: Mutex::new(None) }
    }

    /// Returns the claims of a valid access token.
    pub async fn access(
        &self,
        store: &Store,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<AccessClaims, AuthError> {
        self.claims(store, token, now).await
    }

    /// Returns the claims of a valid refresh token. Its session may have ended.
    pub async fn refresh(
        &self,
        store: &Store,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<RefreshClaims, AuthError> {
        self.claims(store, token, now).await.map_err(|error| match error {
            AuthError::TokenNotValid => AuthError::RefreshTokenNotValid,
            error => error,
        })
    }

    async fn claims<C: Claims>(
        &self,
        store: &Store,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<C, AuthError> {
        let kid = jwt::key_of::<C>(token).ok_or_else(|| AuthError::TokenNotValid)?;
        let snapshot = self.snapshot_with(&kid, store, now).await?;
        let key = snapshot.keys.get(&kid).filter(|_| now < snapshot.good_until(&kid));
        let claims = key.and_then(|(key, _)| jwt::verify(token, key, &self.config, now));
        claims.ok_or_else(|| AuthError::TokenNotValid)
    }

    /// Reads the keys before the first request.
    pub async fn warm(&self, store: &Store, now: DateTime<Utc>) -> Result<(), AuthError> {
        self.read(store, now).await.map(drop)
    }

    /// Returns the time until which a key verifies tokens: [`FOR_GOOD`] if it has no successor, and a time long ago if
    /// it is not published.
    pub async fn good_until(
        &self,
        kid: &str,
        store: &Store,
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, AuthError> {
        Ok(self.snapshot_with(kid, store, now).await?.good_until(kid))
    }

    /// Returns the cached keys if they are fresh and contain `kid`. Otherwise, reads the keys, unless an unknown key
    /// was looked up a moment ago. The result may lack `kid`.
    async fn snapshot_with(
        &self,
        kid: &str,
        store: &Store,
        now: DateTime<Utc>,
    ) -> Result<Arc<Snapshot>, AuthError> {
        if let Some(kept) = self.kept().filter(|kept| kept.has(kid, now)) {
            return Ok(kept);
        }
        let mut looked_up_at = self.looked_up_at.lock().await;
        // Another request may have read the keys while this request waited for the lock.
        let kept = self.kept();
        let is_first = kept.is_none();
        let known = kept.as_ref().is_some_and(|kept| kept.keys.contains_key(kid));
        if let Some(kept) = kept {
            match kept.answer(kid, *looked_up_at, now) {
                Answer::Kept => return Ok(kept),
                Answer::NotNow => return Err(not_now()),
                Answer::Read => {}
            }
        }
        if !known {
            // Set before the read, so that a read that fails or is cancelled counts too.
            *looked_up_at = Some(now);
        }
        let read = self.replace(store, now).await?;
        if is_first && read.has(kid, now) {
            // The first read of a process is an ordinary one. A key that is published after it is looked up at once.
            *looked_up_at = None;
        }
        Ok(read)
    }

    /// Reads the keys, also if fresh keys are cached.
    async fn read(&self, store: &Store, now: DateTime<Utc>) -> Result<Arc<Snapshot>, AuthError> {
        let _alone = self.looked_up_at.lock().await;
        self.replace(store, now).await
    }

    async fn replace(&self, store: &Store, now: DateTime<Utc>) -> Result<Arc<Snapshot>, AuthError> {
        self.learn(&store.signing_keys().await?, now)
    }

    /// Caches keys that were read at `now`. Fails if one of them is not an Ed25519 key.
    pub(super) fn learn(&self, keys: &[SigningKey], now: DateTime<Utc>) -> Result<Arc<Snapshot>, AuthError> {
        let decoded = |key: &SigningKey| {
            let decoding = DecodingKey::from_ed_components(&key.x)
                .map_err(|error| StoreError::corrupt("KEY", format!("not an Ed25519 key: {error}")))?;
            Ok((key.kid.clone(), (decoding, key.not_after)))
        };
        let keys = keys.iter().map(decoded).collect::<Result<_, AuthError>>()?;
        Ok(self.keep(Arc::new(Snapshot { keys, read_at: now })))
    }

    fn kept(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Caches a snapshot unless a newer one is cached. Returns the snapshot that is cached after that.
    fn keep(&self, snapshot: Arc<Snapshot>) -> Arc<Snapshot> {
        let mut kept = self.snapshot.write().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some(newer) if newer.read_at > snapshot.read_at => newer.clone(),
            _ => kept.insert(snapshot).clone(),
        }
    }
}

fn not_now() -> AuthError {
    AuthError::KeyNotLookedUp { retry_after: LOOK_AGAIN.num_seconds().unsigned_abs() }
}

/// The decision about a key id with the cached keys.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// The cached keys decide.
    Kept,
    /// The cached keys are too old or lack the key, so the keys must be read.
    Read,
    /// The cached keys lack the key, and a moment ago the keys could not be read.
    NotNow,
}

impl Snapshot {
    fn has(&self, kid: &str, now: DateTime<Utc>) -> bool {
        now - self.read_at < FRESH && self.keys.contains_key(kid)
    }

    /// Returns the decision about `kid`. A key that was published just after an ordinary read is looked up at once, so
    /// that its first tokens are valid everywhere. Only an earlier look-up of an unknown key delays a look-up.
    fn answer(&self, kid: &str, looked_up_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Answer {
        let lately = looked_up_at.filter(|at| now - at < LOOK_AGAIN);
        match lately {
            _ if self.has(kid, now) => Answer::Kept,
            Some(at) if !self.keys.contains_key(kid) && at <= self.read_at => Answer::Kept,
            Some(_) if !self.keys.contains_key(kid) => Answer::NotNow,
            _ => Answer::Read,
        }
    }

    fn good_until(&self, kid: &str) -> DateTime<Utc> {
        let end = self.keys.get(kid).map(|(_, not_after)| not_after.unwrap_or(FOR_GOOD));
        end.unwrap_or(DateTime::<Utc>::MIN_UTC)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{Limits, Registration},
        model::user::Contact,
    };

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    /// Returns a snapshot with one key, which ends at `not_after`.
    fn snapshot(read_at: DateTime<Utc>, not_after: Option<DateTime<Utc>>) -> Snapshot {
        let key = DecodingKey::from_ed_components("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        Snapshot { keys: HashMap::from([("known".to_owned(), (key, not_after))]), read_at }
    }

    #[test]
    fn an_unknown_key_is_looked_up_once_in_a_while() {
        let kept = snapshot(at(), None);
        assert_eq!(kept.answer("new", None, at()), Answer::Read);
        let later = at() + TimeDelta::seconds(9);
        assert_eq!(kept.answer("new", Some(at()), later), Answer::Kept);
        assert_eq!(kept.answer("new", Some(at()), at() + LOOK_AGAIN), Answer::Read);
    }

    #[test]
    fn a_look_up_that_failed_counts_and_decides_nothing() {
        let kept = snapshot(at(), None);
        let failed = at() + TimeDelta::minutes(1);
        assert_eq!(kept.answer("new", Some(failed), failed), Answer::NotNow);
        assert_eq!(kept.answer("known", Some(failed), failed), Answer::Kept);
        assert_eq!(kept.answer("new", Some(failed), failed + LOOK_AGAIN), Answer::Read);
        // Keys that are too old do not decide. The limit on look-ups does not prevent another read for a known key.
        let stale = at() + FRESH;
        assert_eq!(kept.answer("known", Some(stale), stale), Answer::Read);
    }

    #[test]
    fn a_known_key_is_kept_for_five_minutes() {
        let kept = snapshot(at(), None);
        assert!(kept.has("known", at() + TimeDelta::seconds(299)));
        assert!(!kept.has("known", at() + FRESH));
        assert!(!kept.has("new", at()));
    }

    #[test]
    fn an_older_snapshot_replaces_no_newer_one() {
        let cache = KeyCache::new(Arc::new(Config {
            table: String::new(),
            issuer: String::new(),
            audience: String::new(),
            registration: Registration::Admin,
            limits: Limits::NONE,
            contact: Contact::Everyone,
            realtime_url: None,
            signing: None,
        }));
        let newer = at() + TimeDelta::seconds(1);
        assert_eq!(cache.keep(Arc::new(snapshot(newer, None))).read_at, newer);
        assert_eq!(cache.keep(Arc::new(snapshot(at(), None))).read_at, newer);
        let newest = newer + TimeDelta::seconds(1);
        assert_eq!(cache.keep(Arc::new(snapshot(newest, None))).read_at, newest);
    }

    #[test]
    fn a_key_is_good_until_its_end() {
        assert_eq!(snapshot(at(), None).good_until("known"), FOR_GOOD);
        assert_eq!(snapshot(at(), Some(at())).good_until("known"), at());
        assert!(snapshot(at(), None).good_until("new") < at());
    }
}
