//! The public keys that verify tokens: read from the table, kept for five minutes, read again for a key that is not known.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::DecodingKey;

use super::jwt::{self, AccessClaims, Claims, RefreshClaims};
use crate::{App, auth::jwt::REFRESH_LIFETIME, config::Config, http::Problem, store::Store};

/// How long keys are kept.
const FRESH: TimeDelta = TimeDelta::minutes(5);
/// An unknown key is looked up at most this often, or anybody could make us read the table.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(10);

/// Keys as they were read at some time.
struct Snapshot {
    keys: HashMap<String, (DecodingKey, Option<DateTime<Utc>>)>,
    read_at: DateTime<Utc>,
    /// When a key that was not known was last looked up.
    looked_up_at: Option<DateTime<Utc>>,
}

/// Publishes the signer's key, which has to be done before its first use, and reads it back. Keys before it verify for as
/// long as a token that they have signed may be good. Repeating it changes nothing.
pub async fn publish(app: &App) -> Result<(), Problem> {
    let now = app.clock.now();
    if let Some(signer) = &app.signer {
        app.store
            .publish_signing_key(signer.kid(), signer.public_x(), now, now + REFRESH_LIFETIME)
            .await?;
    }
    app.keys.warm(&app.store, now).await
}

/// Verifies tokens.
pub struct KeyCache {
    config: Arc<Config>,
    snapshot: RwLock<Option<Arc<Snapshot>>>,
}

impl std::fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyCache")
    }
}

impl KeyCache {
    /// An empty cache.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        Self {
            config,
            snapshot: RwLock::new(None),
        }
    }

    /// The claims of an access token.
    pub async fn access(
        &self,
        store: &Store,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<AccessClaims, Problem> {
        self.claims(store, token, now).await
    }

    /// The claims of a refresh token; whether its session lives is another question.
    pub async fn refresh(
        &self,
        store: &Store,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<RefreshClaims, Problem> {
        self.claims(store, token, now).await
    }

    async fn claims<C: Claims>(&self, store: &Store, token: &str, now: DateTime<Utc>) -> Result<C, Problem> {
        let kid = jwt::key_of::<C>(token).ok_or_else(Problem::token_not_valid)?;
        let snapshot = self.snapshot_with(&kid, store, now).await?;
        let key = snapshot
            .keys
            .get(&kid)
            .filter(|(_, not_after)| not_after.is_none_or(|not_after| now < not_after));
        let claims = key.and_then(|(key, _)| jwt::verify(token, key, &self.config, now));
        claims.ok_or_else(Problem::token_not_valid)
    }

    /// Reads the keys ahead of the first request.
    pub async fn warm(&self, store: &Store, now: DateTime<Utc>) -> Result<(), Problem> {
        self.read(store, now, None).await.map(drop)
    }

    /// Keys that are fresh and, if it can be helped, have `kid` among them.
    async fn snapshot_with(
        &self,
        kid: &str,
        store: &Store,
        now: DateTime<Utc>,
    ) -> Result<Arc<Snapshot>, Problem> {
        let kept = self
            .snapshot
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match kept {
            Some(kept) if kept.serves(kid, now) => Ok(kept),
            Some(kept) if kept.keys.contains_key(kid) => self.read(store, now, kept.looked_up_at).await,
            _ => self.read(store, now, Some(now)).await,
        }
    }

    async fn read(
        &self,
        store: &Store,
        now: DateTime<Utc>,
        looked_up_at: Option<DateTime<Utc>>,
    ) -> Result<Arc<Snapshot>, Problem> {
        let mut keys = HashMap::new();
        for key in store.signing_keys().await? {
            let decoding = DecodingKey::from_ed_components(&key.x).map_err(|error| {
                Problem::from(crate::store::StoreError::corrupt("KEY", "not an Ed25519 key")).caused_by(error)
            })?;
            keys.insert(key.kid, (decoding, key.not_after));
        }
        let snapshot = Arc::new(Snapshot {
            keys,
            read_at: now,
            looked_up_at,
        });
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Some(snapshot.clone());
        Ok(snapshot)
    }
}

impl Snapshot {
    /// A key that was published a moment after an ordinary reading is looked up at once, so that its first tokens are good
    /// everywhere; what limits the looking up is the last time that it was done.
    fn serves(&self, kid: &str, now: DateTime<Utc>) -> bool {
        let looked_up = self.looked_up_at.is_some_and(|at| now - at < LOOK_AGAIN);
        now - self.read_at < FRESH && (looked_up || self.keys.contains_key(kid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_looked_up_once_in_a_while() {
        let read_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let snapshot = |looked_up_at| Snapshot {
            keys: HashMap::new(),
            read_at,
            looked_up_at,
        };
        assert!(!snapshot(None).serves("new", read_at));
        assert!(snapshot(Some(read_at)).serves("new", read_at + TimeDelta::seconds(9)));
        assert!(!snapshot(Some(read_at)).serves("new", read_at + LOOK_AGAIN));
    }

    #[test]
    fn a_known_key_is_kept_for_five_minutes() {
        let read_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let key = DecodingKey::from_ed_components("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let snapshot = Snapshot {
            keys: HashMap::from([("known".to_owned(), (key, None))]),
            read_at,
            looked_up_at: Some(read_at),
        };
        assert!(snapshot.serves("known", read_at + TimeDelta::seconds(299)));
        assert!(!snapshot.serves("known", read_at + FRESH));
    }
}
