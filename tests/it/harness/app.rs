//! One application for each test: its own engine or table, the deployed routers, and a clock that the test moves. It is
//! not a fake: requests pass through the local gateway and the AWS SDK to a real engine, with a proxy before the
//! engine.
//!
//! ```rust
//! let app = TestApp::new().await;
//! let (ann, ben) = (app.user("ann").await, app.user("ben").await);
//! let conversation = ann.group(&[&ben]).await;
//! ann.send(&conversation, "memo, hello").await;
//! app.check().await;
//! ```

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{
        Arc, LazyLock, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use local::{
    engine::{Engine, Storage},
    gateway::Gateway,
};
use shared::{
    App,
    auth::Signer,
    clock::Clock,
    config::{Config, Limits, Registration},
    model::user::{Contact, Role},
    random::Random,
    store::{StandingChange, Store, TableDefinition},
};

use super::{
    api::Api,
    environment, invariants, logs,
    people::People,
    permissions,
    proxy::Proxy,
    replica::Replica,
    table::{Endpoint, Table},
    user::User,
};

/// The 32 bytes of the key that signs the tokens of the suite.
pub const SIGNING_SEED: [u8; 32] = [7; 32];

/// An application under test. Dropping it asserts that no secret was logged and that the roles allowed every call.
pub struct TestApp {
    api: Api,
    pub people: People,
    /// The table, reached without the proxy.
    pub table: Table,
    /// The proxy between the AWS SDK and the engine.
    pub proxy: Proxy,
    /// The state that the deployed functions receive.
    pub app: App,
    time: Time,
    /// The engine, which stops at the end of the test; `None` if the test uses the engine at `DYNAMODB_ENDPOINT`.
    _engine: Option<Engine>,
}

impl Deref for TestApp {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl TestApp {
    pub async fn new() -> Self {
        Self::build(Registration::Open, Contact::Everyone, Limits::NONE, false).await
    }

    /// Starts an application with limits. In all other tests, users have no limits.
    pub async fn limited(limits: Limits) -> Self {
        Self::build(Registration::Open, Contact::Everyone, limits, false).await
    }

    /// Starts an application with the default of a deployment: only admins register users.
    pub async fn with_closed_registration() -> Self {
        Self::build(Registration::Admin, Contact::Everyone, Limits::NONE, false).await
    }

    /// Starts an application whose users must consent before strangers can write to them.
    pub async fn with_requests() -> Self {
        Self::build(Registration::Open, Contact::Requests, Limits::NONE, false).await
    }

    /// Starts an application where every read that is not strongly consistent, and every read of an index, misses the
    /// last write.
    pub async fn lagging() -> Self {
        Self::build(Registration::Open, Contact::Everyone, Limits::NONE, true).await
    }

    /// Starts an application like [`TestApp::lagging`], with limits.
    pub async fn lagging_and_limited(limits: Limits) -> Self {
        Self::build(Registration::Open, Contact::Everyone, limits, true).await
    }

    /// Starts an application of both kinds: with stale reads, and with consent.
    pub async fn lagging_with_requests() -> Self {
        Self::build(Registration::Open, Contact::Requests, Limits::NONE, true).await
    }

    async fn build(registration: Registration, contact: Contact, limits: Limits, lags: bool) -> Self {
        logs::watch();
        let engine = environment::dynamodb().is_none().then(|| Engine::start(Storage::Temporary).unwrap());
        let address = engine.as_ref().map(Engine::endpoint).or_else(environment::dynamodb).unwrap();
        let endpoint = Endpoint::new(&address);
        let proxy = Proxy::start(endpoint.clone()).await;
        let random = Random::from_system();
        let name = format!("test-{}", random.uuid().simple());
        let store = Store::local(&proxy.endpoint, &name, random.clone());
        // `DynamoDB` Local answers from one core. On a busy machine, a large transaction may take seconds.
        // The attack at full size takes minutes, and nothing may be unknown at its end.
        let factor = match (environment::attack(), &engine) {
            (Some(_), _) => 20,
            (None, Some(_)) => 1,
            (None, None) => 3,
        };
        let store = store.with_longer_timeouts(factor);
        create(&store).await;
        if lags {
            let replica = format!("past-{}", random.uuid().simple());
            create(&Store::local(&address, &replica, random.clone())).await;
            proxy.lag(Replica::new(endpoint.clone(), &name, &replica)).await;
        }
        let time = Time::default();
        let clock = time.clock();
        let config = Config {
            table: name.clone(),
            issuer: "https://api.test".to_owned(),
            audience: "messaging".to_owned(),
            registration,
            limits,
            contact,
            realtime_url: None,
            signing: None,
        };
        let signer = Signer::from_seed(SIGNING_SEED);
        let now = clock.now();
        store.ensure_pair_key().await.unwrap();
        store.publish_signing_key(signer.kid(), signer.public_x(), now, now).await.unwrap();
        let app = App::new(store, config, Some(signer), clock.clone(), random.clone());
        let gateway = gateway(&app, &proxy).await;
        let people = People {
            table: Table::new(Endpoint::new(&proxy.endpoint), &name),
            signer: Arc::new(Signer::from_seed(SIGNING_SEED)),
            clock,
            config: app.config.clone(),
            random,
        };
        Self {
            api: Api::in_process(gateway),
            people,
            table: Table::new(endpoint, &name),
            proxy,
            app,
            time,
            _engine: engine,
        }
    }

    /// Starts the deployed functions again, with empty caches.
    pub async fn gateway(&self) -> Gateway {
        gateway(&self.app, &self.proxy).await
    }

    /// Starts a second process on the same table, with its own caches.
    pub async fn second_process(&self) -> Api {
        Api::in_process(self.gateway().await)
    }

    /// Returns the state that the function of this name receives at its start.
    pub async fn function(&self, name: &str) -> App {
        function(&self.app, &self.proxy, name).await
    }

    /// Adds a user with the role `guest`.
    pub async fn user(&self, name: &str) -> User {
        self.user_with_role(name, Role::Guest).await
    }

    pub async fn admin(&self, name: &str) -> User {
        self.user_with_role(name, Role::Admin).await
    }

    pub async fn user_with_role(&self, name: &str, role: Role) -> User {
        let (id, email) = self.people.add(name, if role == Role::Admin { Role::Guest } else { role }).await;
        if role == Role::Admin {
            // The item that contains all admins changes too.
            let change = StandingChange { role: Some(role), suspended: None };
            self.app.store.change_standing(id, change, self.app.clock.now()).await.unwrap();
        }
        let token = self.people.token(id, role);
        User::new(self.api.clone(), name, &id.to_string(), &email, &token)
    }

    /// Returns the same guest with a new token. A token is valid for 15 minutes.
    pub fn renewed(&self, user: &User) -> User {
        User { token: self.people.token(user.id.parse().unwrap(), Role::Guest), ..user.clone() }
    }

    /// Stops the clock. Afterwards only `advance` moves it.
    pub fn freeze(&self) {
        self.time.frozen.set(Clock::system().now()).unwrap();
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: TimeDelta) {
        self.time.ahead.fetch_add(by.num_microseconds().unwrap(), Ordering::SeqCst);
    }

    /// Returns an idempotency key with the present time.
    pub fn key(&self) -> String {
        self.key_from(TimeDelta::zero())
    }

    /// Returns an idempotency key with the time `ago` before now; a negative `ago` is in the future.
    pub fn key_from(&self, ago: TimeDelta) -> String {
        self.app.random.uuid_at(self.app.clock.now() - ago).to_string()
    }

    /// Asserts the rules of the whole table (`invariants`).
    pub async fn check(&self) {
        invariants::check(&self.table).await;
    }

    pub fn api(&self) -> Api {
        self.api.clone()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            logs::assert_clean();
            self.proxy.used.assert_allowed();
        }
    }
}

/// The clock of a test: the time of the machine or a fixed time, plus the time that the test added.
#[derive(Clone, Default)]
struct Time {
    ahead: Arc<AtomicI64>,
    frozen: Arc<OnceLock<DateTime<Utc>>>,
}

impl Time {
    fn clock(&self) -> Clock {
        let (system, time) = (Clock::system(), self.clone());
        Clock::new(move || {
            let now = time.frozen.get().copied().unwrap_or_else(|| system.now());
            now + TimeDelta::microseconds(time.ahead.load(Ordering::SeqCst))
        })
    }
}

/// Starts the deployed functions. Each is a process with its own path at the proxy, so that the proxy knows which
/// function makes a call.
async fn gateway(app: &App, proxy: &Proxy) -> Gateway {
    let names: Vec<String> = permissions::functions();
    let started = names.iter().map(|name| function(app, proxy, name));
    let apps: HashMap<&String, App> = names.iter().zip(join_all(started).await).collect();
    Gateway::each(app, |name| apps[&name.to_owned()].clone())
}

/// Returns the state of one function, with its own caches; the signing keys are already read.
async fn function(app: &App, proxy: &Proxy, name: &str) -> App {
    let store = app.store.through(&format!("{}/{name}", proxy.endpoint));
    let config = (*app.config).clone();
    let signer = Some(Signer::from_seed(SIGNING_SEED));
    let function = App::new(store, config, signer, app.clock.clone(), app.random.clone());
    // `deliver` gets no requests, so it reads no keys.
    if name != "deliver" {
        function.keys.warm(&function.store, app.clock.now()).await.unwrap();
    }
    function
}

/// The definition of the table, read once: parsing the template takes as long as a dozen requests.
static DEFINITION: LazyLock<TableDefinition> = LazyLock::new(|| local::template::table().unwrap());

async fn create(store: &Store) {
    assert!(store.create_table(&DEFINITION).await.unwrap(), "the table exists already");
}
