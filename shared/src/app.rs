//! What every handler has at hand. One value a process, made at start; cheap to clone.

use std::{error::Error, sync::Arc};

use crate::{
    auth::{Guesses, KeyCache, Signer, keys},
    clock::Clock,
    config::Config,
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
    pub signer: Option<Arc<Signer>>,
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
        Self { store, keys, signer: signer.map(Arc::new), guesses: Arc::default(), clock, random, config }
    }

    /// The same with what signs tokens, for `auth`: the key is published before its first use.
    pub async fn signing_from_env() -> Result<Self, Box<dyn Error + Send + Sync>> {
        let app = Self::from_env().await?;
        let file = app
            .config
            .signing_seed_file
            .as_ref()
            .ok_or("the environment variable SIGNING_SEED_FILE is not set")?;
        let signer = Signer::from_text(&tokio::fs::read_to_string(file).await?)?;
        let app = Self { signer: Some(Arc::new(signer)), ..app };
        keys::publish(&app).await?;
        Ok(app)
    }

    /// What a function's `main` starts with: logs, settings, the table's client, keys read ahead.
    pub async fn from_env() -> Result<Self, Box<dyn Error + Send + Sync>> {
        telemetry::init();
        let config = Config::from_env()?;
        let random = Random::from_system();
        let store = Store::from_env(&config.table, random.clone());
        let app = Self::new(store, config, None, Clock::system(), random);
        // Read twice, side by side: that leaves two connections open, as many as most requests need. A table that does not
        // answer now may do so at the first request: that one will say what is wrong.
        let (warm, _second) = tokio::join!(app.keys.warm(&app.store, app.clock.now()), app.store.signing_keys());
        if let Err(problem) = warm {
            tracing::warn!(causes = problem.causes(), "keys could not be read ahead");
        }
        Ok(app)
    }
}
