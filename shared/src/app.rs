//! The state that every handler can use. A process creates it once, at its start. A clone is cheap.

use std::{error::Error, sync::Arc};

use crate::{
    auth::{AuthError, Hashing, KeyCache, Signer, Signing, SigningSecret},
    clock::Clock,
    config::{Config, ConfigError, Limits, SigningSource},
    random::Random,
    store::Store,
    telemetry,
};

/// The process's shared state.
#[derive(Debug, Clone)]
pub struct App {
    /// The client of the table.
    pub store: Store,
    /// The public keys that verify tokens.
    pub keys: Arc<KeyCache>,
    /// The signer of tokens; `None` in every function except `auth`.
    pub signing: Option<Arc<Signing>>,
    /// The source of the present time.
    pub clock: Clock,
    /// The source of random ids, secrets and waiting times.
    pub random: Random,
    /// The cost of password hashes.
    pub hashing: Hashing,
    /// The deployment's settings.
    pub config: Arc<Config>,
}

impl App {
    /// Creates the state from its parts.
    #[must_use]
    pub fn new(store: Store, config: Config, signer: Option<Signer>, clock: Clock, random: Random) -> Self {
        let config = Arc::new(config);
        let keys = Arc::new(KeyCache::new(config.clone()));
        let signing = signer.map(|signer| Arc::new(Signing::with(signer)));
        Self { store, keys, signing, clock, random, hashing: Hashing::standard(), config }
    }

    /// Creates the state from the environment for the function `auth`, which signs tokens. The secret is read while the
    /// connections to the table are opened. Fails if the environment is incomplete or the seed cannot be read.
    pub async fn signing_from_env() -> Result<Self, Box<dyn Error + Send + Sync>> {
        let app = Self::cold()?;
        let signing = match &app.config.signing {
            Some(SigningSource::SeedFile(file)) => {
                Signing::with(Signer::from_text(&tokio::fs::read_to_string(file).await?)?)
            }
            Some(SigningSource::Secret(arn)) => Signing::from_secret(SigningSecret::from_env(arn)),
            None => return Err("neither SIGNING_SECRET_ARN nor SIGNING_SEED_FILE is set".into()),
        };
        let app = app.signing_with(signing);
        tokio::join!(app.warm(), Box::pin(app.publish_ahead()));
        Ok(app)
    }

    /// Returns the same state with another signer.
    #[must_use]
    pub fn signing_with(self, signing: Signing) -> Self {
        Self { signing: Some(Arc::new(signing)), ..self }
    }

    /// Returns the same state without limits of users, for data that a process makes itself.
    #[must_use]
    pub fn without_limits(self) -> Self {
        let config = Config { limits: Limits::NONE, ..(*self.config).clone() };
        Self { config: Arc::new(config), ..self }
    }

    /// Publishes the fixed signing key of this process, as local processes do; a process without a key reads the
    /// published keys. Fails if the key already has a successor.
    pub async fn publish_key(&self) -> Result<(), AuthError> {
        let now = self.clock.now();
        match &self.signing {
            Some(signing) => signing.publish(&self.keys, &self.store, now).await,
            None => self.keys.warm(&self.store, now).await,
        }
    }

    /// Publishes the signing key before the first request, because a key must be published before its first use. After
    /// a failure, the next request that needs a signature tries again; requests that need no signature are answered in
    /// the meantime.
    async fn publish_ahead(&self) {
        if let Some(signing) = &self.signing
            && let Err(error) = signing.signer(&self.keys, &self.store, self.clock.now()).await
        {
            tracing::error!(causes = telemetry::causes(&error), "there is no key to sign with");
        }
    }

    /// Creates the state from the environment for a function that signs nothing: starts logging, reads the settings,
    /// creates the client of the table and reads the public keys.
    pub async fn from_env() -> Result<Self, Box<dyn Error + Send + Sync>> {
        let app = Self::cold()?;
        app.warm().await;
        Ok(app)
    }

    /// Creates the state from the environment for a function that gets no requests. It verifies no tokens, so it reads no
    /// keys.
    pub fn of_events_from_env() -> Result<Self, ConfigError> {
        Self::cold()
    }

    /// Creates the state without any call over the network.
    fn cold() -> Result<Self, ConfigError> {
        telemetry::init();
        let config = Config::from_env()?;
        let random = Random::from_system();
        let store = Store::from_env(&config.table, random.clone());
        Ok(Self::new(store, config, None, Clock::system(), random))
    }

    /// Reads the keys twice in parallel. This leaves two connections open, as many as most requests need. A failure is
    /// only logged: the table may answer at the first request, and otherwise that request fails with the cause.
    async fn warm(&self) {
        let (warm, _second) =
            tokio::join!(self.keys.warm(&self.store, self.clock.now()), self.store.signing_keys());
        if let Err(error) = warm {
            tracing::warn!(causes = telemetry::causes(&error), "keys could not be read ahead");
        }
    }
}
