//! Signs tokens with a key that is published before its first use and that is replaced by its successor while the
//! process runs. A new version of the secret is a rotation; it needs no deployment and no restart.

use std::{
    error::Error,
    sync::{Arc, PoisonError, RwLock},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::{
    AuthError,
    jwt::{REFRESH_LIFETIME, Signer},
    keys::{FOR_GOOD, KeyCache},
    secret::SigningSecret,
};
use crate::{store::Store, telemetry};

/// The minimum time between two reads of the secret by a process whose key has a successor. Secrets Manager may show a
/// new version late, and a secret that was set back to an older version has no successor.
const ASK_AGAIN: TimeDelta = TimeDelta::minutes(1);

/// The signing key of a process, which can change while the process runs.
#[derive(Debug)]
pub struct Signing {
    /// The source of successors; `None` for a key from a file.
    secret: Option<SigningSecret>,
    kept: RwLock<Option<Arc<Signer>>>,
    /// The time of the last read of the secret. The lock is held during the read, so that one request reads it for all.
    asked_at: Mutex<Option<DateTime<Utc>>>,
}

impl Signing {
    /// Uses one key that is never replaced.
    #[must_use]
    pub fn with(signer: Signer) -> Self {
        Self { secret: None, kept: RwLock::new(Some(Arc::new(signer))), asked_at: Mutex::default() }
    }

    /// Uses the keys of the secret's current version and of later ones. Reads nothing yet.
    #[must_use]
    pub fn from_secret(secret: SigningSecret) -> Self {
        Self { secret: Some(secret), kept: RwLock::default(), asked_at: Mutex::default() }
    }

    /// Returns the key to sign with now.
    ///
    /// A key that has a successor continues to sign if the successor is unavailable, until the end that was set for the
    /// key. After that nothing is signed, because no function would accept the tokens.
    pub async fn signer(
        &self,
        keys: &KeyCache,
        store: &Store,
        now: DateTime<Utc>,
    ) -> Result<Arc<Signer>, AuthError> {
        if let Some(signer) = self.kept()
            && keys.good_until(signer.kid(), store, now).await? == FOR_GOOD
        {
            return Ok(signer);
        }
        let mut asked_at = self.asked_at.lock().await;
        let lately = asked_at.is_some_and(|at| now - at < ASK_AGAIN);
        if !(lately && self.kept().is_some()) {
            *asked_at = Some(now);
            self.renew(keys, store, now).await?;
        }
        drop(asked_at);
        let signer = self.kept().ok_or_else(|| unavailable("no signing key was read yet"))?;
        if now < keys.good_until(signer.kid(), store, now).await? {
            return Ok(signer);
        }
        Err(unavailable("the signing key was retired, and its successor is not available"))
    }

    /// Publishes the key of the secret's current version. Keeps the key only if it is valid for longer than the kept
    /// one, which is not true of an older version that was read late.
    async fn renew(&self, keys: &KeyCache, store: &Store, now: DateTime<Utc>) -> Result<(), AuthError> {
        let kept = self.kept();
        let (signer, made_at) = match (self.present().await, &kept) {
            (Ok(Some(present)), _) => present,
            (Ok(None), Some(kept)) => (kept.clone(), now),
            (Ok(None), None) => return Ok(()),
            (Err(error), None) => return Err(error),
            (Err(error), Some(_)) => {
                let causes = telemetry::causes(&error);
                tracing::warn!(causes, "the successor of the signing key is not available");
                return Ok(());
            }
        };
        let good_until = publish_key(keys, store, &signer, (made_at, now)).await?;
        if good_until < FOR_GOOD {
            tracing::warn!(kid = signer.kid(), %good_until, "the signing key was retired; make a new \
                                                             version of its secret");
        }
        let better = match kept {
            Some(kept) => keys.good_until(kept.kid(), store, now).await? < good_until,
            None => true,
        };
        if better {
            *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(signer);
        }
        Ok(())
    }

    /// Returns the key of the secret's current version and the time at which this version was made; `None` if there is
    /// no secret.
    async fn present(&self) -> Result<Option<(Arc<Signer>, DateTime<Utc>)>, AuthError> {
        let Some(secret) = &self.secret else {
            return Ok(None);
        };
        let version = secret.read().await.map_err(unavailable)?;
        let signer = Signer::from_secret(&version.text).map_err(unavailable)?;
        Ok(Some((Arc::new(signer), version.made_at)))
    }

    /// Publishes the key of a process that has one fixed key, as local processes do. A process without a key reads the
    /// published keys. Fails if the key already has a successor, because its tokens become invalid at the end that was
    /// set for it.
    pub async fn publish(&self, keys: &KeyCache, store: &Store, now: DateTime<Utc>) -> Result<(), AuthError> {
        let Some(signer) = self.kept() else {
            return keys.warm(store, now).await;
        };
        if publish_key(keys, store, &signer, (now, now)).await? < FOR_GOOD {
            return Err(AuthError::SigningKeyRetired);
        }
        Ok(())
    }

    fn kept(&self) -> Option<Arc<Signer>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> AuthError {
    AuthError::CannotSign { retry_after: ASK_AGAIN.num_seconds().unsigned_abs(), source: source.into() }
}

/// Publishes a key and caches the published keys as they are after that. Returns the time until which the key is valid.
/// Keys that were made earlier stay valid for as long as a token that they signed can be valid. A repetition changes
/// nothing.
async fn publish_key(
    keys: &KeyCache,
    store: &Store,
    signer: &Signer,
    (made_at, now): (DateTime<Utc>, DateTime<Utc>),
) -> Result<DateTime<Utc>, AuthError> {
    // The secret for ids of direct conversations is put before the first token of a deployment, so every user's request
    // finds it.
    store.ensure_pair_key().await?;
    let others_until = now + REFRESH_LIFETIME;
    let published = store.publish_signing_key(signer.kid(), signer.public_x(), made_at, others_until).await?;
    keys.learn(&published, now)?;
    keys.good_until(signer.kid(), store, now).await
}
