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
        self.read(store, now).await.map(drop)
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
            _ => self.read(store, now).await,
        }
    }

    async fn read(&self, store: &Store, now: DateTime<Utc>) -> Result<Arc<Snapshot>, Problem> {
        let mut keys = HashMap::new();
        for key in store.signing_keys().await? {
            let decoding = DecodingKey::from_ed_components(&key.x).map_err(|error| {
                Problem::from(crate::store::StoreError::corrupt("KEY", "not an Ed25519 key")).caused_by(error)
            })?;
            keys.insert(key.kid, (decoding, key.not_after));
        }
        let snapshot = Arc::new(Snapshot { keys, read_at: now });
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Some(snapshot.clone());
        Ok(snapshot)
    }
}

impl Snapshot {
    fn serves(&self, kid: &str, now: DateTime<Utc>) -> bool {
        let age = now - self.read_at;
        age < LOOK_AGAIN || (age < FRESH && self.keys.contains_key(kid))
    }
}
