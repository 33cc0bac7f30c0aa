//! The client of the table: one method for each question, named after the question. Decisions about access use only
//! strongly consistent reads of the base table. Each write has a comment about the race that its condition closes.

mod backoff;
mod batches;
pub mod blocks;
mod buckets;
mod changes;
mod cleaning;
mod closing;
mod command;
pub mod consent;
pub mod conversations;
mod credentials;
pub mod edits;
mod error;
pub mod fanout;
pub mod inbox;
pub mod inbox_settings;
pub mod items;
mod keys;
mod kinds;
mod leaving;
pub mod links;
pub mod log;
mod members;
mod message_changes;
pub mod messages;
mod newest;
mod ops;
mod pair_key;
pub mod participants;
pub mod pins;
mod presence;
pub mod reactions;
mod read_budget;
pub mod read_marks;
pub mod records;
pub mod reports;
mod retries;
mod scan;
mod schema;
pub mod senders;
mod session_check;
mod session_limit;
mod sessions;
mod standing;
pub mod sync;
pub mod table;
mod tallies;
pub mod threads;
mod tickets;
mod transactions;
mod unread;
mod users;

use std::sync::Arc;

use aws_sdk_dynamodb::{
    Client,
    config::{Builder, retry::RetryConfig, timeout::TimeoutConfig},
};
use aws_types::SdkConfig;
use tokio::sync::OnceCell;

use self::session_check::SessionCheck;
pub use self::{
    backoff::PATIENCE,
    buckets::LimitReached,
    command::Command,
    credentials::{PasswordChange, PasswordChangeError, Replacement},
    error::StoreError,
    read_budget::ReadBudget,
    schema::TableDefinition,
    session_limit::MOST_SESSIONS,
    sessions::{Rotation, RotationError},
    standing::{ChangedStanding, MOST_ADMINS, StandingChange, StandingError},
    tallies::AttemptItems,
    unread::UnreadCount,
    users::{Candidates, ClosingError, ProfileChange, UserPosition},
};
pub use crate::sdk::{Answer, Engine, EngineItem, EngineValue, Queried};
use crate::{model::conversation::PairKey, random::Random, sdk};

/// A time in UTC, in whole microseconds, as the table stores it.
pub(crate) type Time = chrono::DateTime<chrono::Utc>;

/// The client of the table. A clone is cheap.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    table: String,
    random: Random,
    /// The secret for ids of direct conversations, read at its first use.
    pair_key: Arc<OnceCell<PairKey>>,
    /// The check of the session that this store is for; `None` outside of such a request.
    session_check: Option<Arc<SessionCheck>>,
}

/// Returns the SDK's settings for retries. DynamoDB answers in milliseconds, so the first wait is short. Retries are
/// safe, because each write carries either a condition that fails recognisably on the write's own earlier effect, or a
/// client request token.
fn retries() -> RetryConfig {
    use std::time::Duration;
    RetryConfig::standard()
        .with_max_attempts(4)
        .with_initial_backoff(Duration::from_millis(25))
        .with_max_backoff(Duration::from_millis(400))
}

/// Returns the SDK's timeouts, multiplied by `factor`.
fn timeouts(factor: u32) -> TimeoutConfig {
    use std::time::Duration;
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_millis(1500) * factor)
        .operation_timeout(Duration::from_secs(5) * factor)
        .build()
}

fn settings(config: &SdkConfig) -> Builder {
    Builder::from(config).retry_config(retries()).timeout_config(timeouts(1))
}

impl Store {
    /// Creates a client from a function's environment (region, credentials, `AWS_ENDPOINT_URL_DYNAMODB`). Sends no
    /// request.
    #[must_use]
    pub fn from_env(table: &str, random: Random) -> Self {
        Self::new(&sdk::of_function("AWS_ENDPOINT_URL_DYNAMODB"), table, random)
    }

    /// Creates a client on a developer's machine for the given address. Region and credentials come from the
    /// environment, or, with the feature `aws-profiles`, from the same places as for the AWS CLI.
    pub async fn at(endpoint: &str, table: &str, random: Random) -> Self {
        Self::new(&sdk::of_machine(endpoint).await, table, random)
    }

    /// Creates a client for an engine on this machine that accepts any credentials.
    #[must_use]
    pub fn local(endpoint: &str, table: &str, random: Random) -> Self {
        Self::new(&sdk::of_engine(endpoint), table, random)
    }

    /// Creates a client for an engine inside this process, without a connection or a signature.
    #[must_use]
    pub fn in_process(engine: Arc<dyn Engine>, table: &str, random: Random) -> Self {
        let settings = settings(&sdk::of_process(engine)).allow_no_auth().interceptor(sdk::TakesValues);
        Self::with(settings, table, random)
    }

    fn new(config: &SdkConfig, table: &str, random: Random) -> Self {
        Self::with(settings(config), table, random)
    }

    fn with(settings: Builder, table: &str, random: Random) -> Self {
        let (client, pair_key) = (Client::from_conf(settings.build()), Arc::default());
        Self { client, table: table.to_owned(), random, pair_key, session_check: None }
    }

    /// Returns a client for the same table at another address, with the same connections, credentials and settings. The
    /// cached secret is not copied.
    #[must_use]
    pub fn through(&self, endpoint: &str) -> Self {
        self.reconfigured(|config| config.endpoint_url(endpoint))
    }

    /// Returns the same client with `factor` times the timeouts, for an engine that may be slow: `DynamoDB` Local on a busy
    /// machine.
    #[must_use]
    pub fn with_longer_timeouts(&self, factor: u32) -> Self {
        self.reconfigured(|config| config.timeout_config(timeouts(factor)))
    }

    fn reconfigured(&self, change: impl FnOnce(Builder) -> Builder) -> Self {
        let config = change(self.client.config().to_builder()).build();
        Self { client: Client::from_conf(config), pair_key: Arc::default(), ..self.clone() }
    }

    /// Checks that the table answers: reads a key that no item has. Fails with the error of this read.
    pub async fn answers(&self) -> Result<(), StoreError> {
        self.get(table::Key::signing_key("-"), ops::Consistency::Eventual).await.map(drop)
    }
}
