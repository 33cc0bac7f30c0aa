//! What signs tokens: a key that is published before its first use, and exchanged for its successor while the process runs.
//! A rotation is a new version of the secret; nothing has to be deployed or restarted for it.

use std::{
    error::Error,
    sync::{Arc, PoisonError, RwLock},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::{
    AuthError,
    jwt::{REFRESH_LIFETIME, Signer},
    keys::FOR_GOOD,
    secret::SigningSecret,
};
use crate::{App, telemetry};

/// A process whose key has a successor asks for it at most this often: the place that answers may learn of a new version
/// late, and a secret that was set back has none.
const ASK_AGAIN: TimeDelta = TimeDelta::minutes(1);

/// Signs tokens for as long as the process lives.
#[derive(Debug)]
pub struct Signing {
    /// Where successors come from; a key of a file has none.
    secret: Option<SigningSecret>,
    kept: RwLock<Option<Arc<Signer>>>,
    /// When the secret was last asked for. Held while it is, so that one request does it for all.
    asked_at: Mutex<Option<DateTime<Utc>>>,
}

impl Signing {
    /// With one key for good.
    #[must_use]
    pub fn with(signer: Signer) -> Self {
        Self { secret: None, kept: RwLock::new(Some(Arc::new(signer))), asked_at: Mutex::default() }
    }

    /// With the key of the secret's present version, and later ones.
    #[must_use]
    pub fn from_secret(secret: SigningSecret) -> Self {
        Self { secret: Some(secret), kept: RwLock::default(), asked_at: Mutex::default() }
    }

    /// The key to sign with now.
    ///
    /// A key that has a successor signs on where the successor cannot be had, until the end that was set for it: then
    /// nothing is signed, as nobody would take it.
    pub async fn signer(&self, app: &App) -> Result<Arc<Signer>, AuthError> {
        let now = app.clock.now();
        if let Some(signer) = self.kept()
            && app.keys.good_until(signer.kid(), &app.store, now).await? == FOR_GOOD
        {
            return Ok(signer);
        }
        let mut asked_at = self.asked_at.lock().await;
        let lately = asked_at.is_some_and(|at| now - at < ASK_AGAIN);
        if !(lately && self.kept().is_some()) {
            *asked_at = Some(now);
            self.renew(app, now).await?;
        }
        drop(asked_at);
        let signer = self.kept().ok_or_else(|| unavailable("no signing key was read yet"))?;
        if now < app.keys.good_until(signer.kid(), &app.store, now).await? {
            return Ok(signer);
        }
        Err(unavailable("the signing key was retired, and its successor is not available"))
    }

    /// Publishes the key of the secret as it is now, and keeps it if it is good for longer than the one that is kept: an
    /// older version, read late, is not.
    async fn renew(&self, app: &App, now: DateTime<Utc>) -> Result<(), AuthError> {
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
        let good_until = publish_key(app, &signer, made_at, now).await?;
        if good_until < FOR_GOOD {
            tracing::warn!(kid = signer.kid(), %good_until, "the signing key was retired; make a new version of its secret");
        }
        let better = match kept {
            Some(kept) => app.keys.good_until(kept.kid(), &app.store, now).await? < good_until,
            None => true,
        };
        if better {
            *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(signer);
        }
        Ok(())
    }

    /// The key of the secret's present version, and when that was made.
    async fn present(&self) -> Result<Option<(Arc<Signer>, DateTime<Utc>)>, AuthError> {
        let Some(secret) = &self.secret else {
            return Ok(None);
        };
        let version = secret.read().await.map_err(unavailable)?;
        let signer = Signer::from_secret(&version.text).map_err(unavailable)?;
        Ok(Some((Arc::new(signer), version.made_at)))
    }

    fn kept(&self) -> Option<Arc<Signer>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> AuthError {
    AuthError::CannotSign { retry_after: ASK_AGAIN.num_seconds().unsigned_abs(), source: source.into() }
}

/// Publishes a key and takes the keys over as they are then; until when it is good. Keys that were made before it verify for
/// as long as a token that they have signed may be good. Repeating it changes nothing.
async fn publish_key(
    app: &App,
    signer: &Signer,
    made_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, AuthError> {
    // Before the first token of a deployment: a user's request that needs the secret finds it.
    app.store.ensure_pair_key().await?;
    let others_until = now + REFRESH_LIFETIME;
    let keys = app.store.publish_signing_key(signer.kid(), signer.public_x(), made_at, others_until).await?;
    app.keys.learn(&keys, now)?;
    app.keys.good_until(signer.kid(), &app.store, now).await
}

/// Publishes the key of a process that has one for good, as local ones do. A key that has a successor already is refused:
/// what it signs stops being good at the end that was set for it.
pub async fn publish(app: &App) -> Result<(), AuthError> {
    let now = app.clock.now();
    let Some(signer) = app.signing.as_ref().and_then(|signing| signing.kept()) else {
        return app.keys.warm(&app.store, now).await;
    };
    if publish_key(app, &signer, now, now).await? < FOR_GOOD {
        return Err(AuthError::SigningKeyRetired);
    }
    Ok(())
}
