//! An application of its own for each test: an engine or a table that nobody else uses, the routers that are deployed, a
//! clock that the test moves.

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
    config::{Config, Registration},
    model::user::Role,
    random::Random,
    store::{Store, TableDefinition},
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

/// The seed of the key that signs the tokens of the suite.
pub const SIGNING_SEED: [u8; 32] = [7; 32];

/// An application under test.
pub struct TestApp {
    api: Api,
    pub people: People,
    /// The table itself, past the proxy.
    pub table: Table,
    /// The layer under the SDK.
    pub proxy: Proxy,
    /// What the deployed functions are given.
    pub app: App,
    time: Time,
    /// Stops when the test ends; `None` on an engine that was there before.
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
        Self::build(Registration::Open, false).await
    }

    /// As a deployment is by default: admins make users.
    pub async fn with_closed_registration() -> Self {
        Self::build(Registration::Admin, false).await
    }

    /// On a table where every read that is not strongly consistent, and every read of an index, is answered from before the
    /// last write.
    pub async fn lagging() -> Self {
        Self::build(Registration::Open, true).await
    }

    async fn build(registration: Registration, lags: bool) -> Self {
        logs::watch();
        let engine = environment::dynamodb().is_none().then(|| Engine::start(Storage::Temporary).unwrap());
        let address = engine.as_ref().map(Engine::endpoint).or_else(environment::dynamodb).unwrap();
        let endpoint = Endpoint::new(&address);
        let proxy = Proxy::start(endpoint.clone()).await;
        let random = Random::from_system();
        let name = format!("test-{}", random.uuid().simple());
        let store = Store::local(&proxy.endpoint, &name, random.clone());
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

    /// The deployed functions, started anew.
    pub async fn gateway(&self) -> Gateway {
        gateway(&self.app, &self.proxy).await
    }

    /// A second process on the same table, with caches of its own.
    pub async fn second_process(&self) -> Api {
        Api::in_process(self.gateway().await)
    }

    /// What the function of this name is given when it starts.
    pub async fn function(&self, name: &str) -> App {
        function(&self.app, &self.proxy, name).await
    }

    /// A guest.
    pub async fn user(&self, name: &str) -> User {
        self.user_with_role(name, Role::Guest).await
    }

    pub async fn admin(&self, name: &str) -> User {
        self.user_with_role(name, Role::Admin).await
    }

    pub async fn user_with_role(&self, name: &str, role: Role) -> User {
        let (id, email) = self.people.add(name, role).await;
        let token = self.people.token(id, role);
        User::new(self.api.clone(), name, &id.to_string(), &email, &token)
    }

    /// The same guest with a new token, as the old one ends after a quarter of an hour.
    pub fn renewed(&self, user: &User) -> User {
        User { token: self.people.token(user.id.parse().unwrap(), Role::Guest), ..user.clone() }
    }

    /// Stops the clock, which then moves by `advance` only.
    pub fn freeze(&self) {
        self.time.frozen.set(Clock::system().now()).unwrap();
    }

    /// Moves the clock.
    pub fn advance(&self, by: TimeDelta) {
        self.time.ahead.fetch_add(by.num_microseconds().unwrap(), Ordering::SeqCst);
    }

    /// A client key that is made now.
    pub fn key(&self) -> String {
        self.key_from(TimeDelta::zero())
    }

    /// A client key that was made so long before now, or after it.
    pub fn key_from(&self, ago: TimeDelta) -> String {
        self.app.random.uuid_at(self.app.clock.now() - ago).to_string()
    }

    /// All rules of the table hold.
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

/// The machine's time plus what the test adds, or a time that stands still but for that.
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

/// The deployed functions, each a process of its own that reaches the table by a path of its own, so that the proxy knows
/// whose call it is.
async fn gateway(app: &App, proxy: &Proxy) -> Gateway {
    let names: Vec<String> = permissions::functions();
    let started = names.iter().map(|name| function(app, proxy, name));
    let apps: HashMap<&String, App> = names.iter().zip(join_all(started).await).collect();
    Gateway::each(app, |name| apps[&name.to_owned()].clone())
}

/// A function's app, with caches of its own; its keys are read ahead.
async fn function(app: &App, proxy: &Proxy, name: &str) -> App {
    let store = app.store.through(&format!("{}/{name}", proxy.endpoint));
    let config = (*app.config).clone();
    let signer = Some(Signer::from_seed(SIGNING_SEED));
    let function = App::new(store, config, signer, app.clock.clone(), app.random.clone());
    function.keys.warm(&function.store, app.clock.now()).await.unwrap();
    function
}

/// Read once: a test would spend as long on the template's YAML as on a dozen requests.
static DEFINITION: LazyLock<TableDefinition> = LazyLock::new(|| local::template::table().unwrap());

async fn create(store: &Store) {
    assert!(store.create_table(&DEFINITION).await.unwrap(), "the table is not fresh");
}
