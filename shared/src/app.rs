//! What every handler has at hand. One value a process, made at start; cheap to clone.

use std::{error::Error, sync::Arc};

use crate::{
    auth::{Guesses, KeyCache, Signer, Signing, SigningSecret},
    clock::Clock,
    config::{Config, ConfigError, SigningSource},
    random::Random,
    store::Store,
    telemetry,
};

/// The process's shared state.
#[derive(Debug, Clone)]
pub struct App {
    /// The table.
    pub store: Store,
    /// Keys that verify tokens.
    pub keys: Arc<KeyCache>,
    /// Signs tokens; only `auth` has one.
    pub signing: Option<Arc<Signing>>,
    /// Attempts to log in with emails that nobody has.
    pub guesses: Arc<Guesses>,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// The deployment's settings.
    pub config: Arc<Config>,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(store: Store, config: Config, signer: Option<Signer>, clock: Clock, random: Random) -> Self {
        let config = Arc::new(config);
        let keys = Arc::new(KeyCache::new(config.clone()));
        let signing = signer.map(|signer| Arc::new(Signing::with(signer)));
        Self { store, keys, signing, guesses: Arc::default(), clock, random, config }
    }

    /// The same with what signs tokens, for `auth`: the secret is read while the connections to the table are made.
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

    /// The same with another thing that signs.
    #[must_use]
    pub fn signing_with(self, signing: Signing) -> Self {
        Self { signing: Some(Arc::new(signing)), ..self }
    }

    /// Publishes the key that signs, which has to be done before its first use, ahead of the first request. What fails is
    /// tried again when something is to be signed; all that needs no signature is answered meanwhile.
    async fn publish_ahead(&self) {
        if let Some(signing) = &self.signing
            && let Err(problem) = signing.signer(self).await
        {
            tracing::error!(causes = problem.causes(), "there is no key to sign with");
        }
    }

    /// What a function's `main` starts with: logs, settings, the table's client, keys read ahead.
    pub async fn from_env() -> Result<Self, Box<dyn Error + Send + Sync>> {
        let app = Self::cold()?;
        app.warm().await;
        Ok(app)
    }

    /// All that needs no call.
    fn cold() -> Result<Self, ConfigError> {
        telemetry::init();
        let config = Config::from_env()?;
        let random = Random::from_system();
        let store = Store::from_env(&config.table, random.clone());
        Ok(Self::new(store, config, None, Clock::system(), random))
    }

    /// Reads the keys twice, side by side: that leaves two connections open, as many as most requests need. A table that
    /// does not answer now may do so at the first request: that one will say what is wrong.
    async fn warm(&self) {
        let (warm, _second) =
            tokio::join!(self.keys.warm(&self.store, self.clock.now()), self.store.signing_keys());
        if let Err(problem) = warm {
            tracing::warn!(causes = problem.causes(), "keys could not be read ahead");
        }
    }
}
