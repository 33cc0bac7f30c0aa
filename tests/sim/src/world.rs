//! The simulated deployment: several instances of each function on one engine, each with its own clock, keys and generator,
//! and the way of a request from a client to an instance.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::{Either, select};
use lambda_http::{
    RequestExt as _, aws_lambda_events::apigw::ApiGatewayV2httpRequestContext, request::RequestContext,
};
use rand::{RngExt as _, rngs::StdRng};
use serde_json::Value;
use shared::{
    App,
    auth::{Hashing, Signer},
    clock::Clock,
    config::{Config, LimitNumbers, Limits, Registration},
    model::user::{Contact, Role},
    random::Random,
    store::{StandingChange, Store},
};
use tokio::time::{Instant, sleep};
use tower::ServiceExt as _;

use crate::{engine::SimEngine, random::generator, trace::Trace};

/// The name of the simulated table.
pub const TABLE: &str = "simulated";

/// The virtual time at which every simulation begins, in seconds since 1970: 2026-01-01.
const BEGIN: i64 = 1_767_225_600;

/// The largest difference between the clock of an instance and the virtual time.
const SKEW: i64 = 300_000;

/// The time after which Lambda ends a function, as in `template.yaml`.
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(15);

/// The shortest time between two rotations of the signing key: longer than instances cache keys, because an instance that has
/// just looked for one new key looks for the next one after 10 s.
const BETWEEN_ROTATIONS: Duration = Duration::from_secs(330);

/// The limits of those histories that have some: low, and soon over.
pub const LIMITS: LimitNumbers =
    LimitNumbers { send_limit: 6, send_window: 5, conversation_limit: 8, conversation_refill: 3_600 };

/// The instances of each function. Each has a clock of its own.
pub const INSTANCES: u64 = 3;

/// The instances of the functions.
struct Instance {
    auth: Router,
    conversations: Router,
    messages: Router,
    moderation: Router,
}

/// The simulated deployment: the engine and the instances of the functions.
pub struct World {
    pub engine: SimEngine,
    pub trace: Trace,
    seed: u64,
    begun: Instant,
    instances: Mutex<Vec<Arc<Instance>>>,
    /// The time of the last rotation.
    rotated: Mutex<Option<Instant>>,
}

/// The answer to a request, as the client sees it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status; 0 if no answer arrived.
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// Returns true if the request may have had an effect that the client does not know of.
    pub const fn is_unknown(&self) -> bool {
        self.status == 0 || self.status >= 500
    }

    /// Returns true if the request took effect and false if it was refused; `None` if it may have had an effect.
    pub fn outcome(&self) -> Option<bool> {
        (!self.is_unknown()).then(|| self.is_success())
    }

    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..300)
    }

    const LOST: Self = Self { status: 0, body: Value::Null };
}

impl World {
    /// Creates the table and the instances. There are no faults yet.
    pub async fn new(seed: u64, trace: Trace) -> Result<Self, String> {
        let engine = SimEngine::new(seed, BEGIN.unsigned_abs(), trace.clone())?;
        let world = Self {
            engine,
            trace,
            seed,
            begun: Instant::now(),
            instances: Mutex::default(),
            rotated: Mutex::default(),
        };
        let definition = local::template::table().map_err(|error| error.to_string())?;
        world.app(0, 0).store.create_table(&definition).await.map_err(|error| error.to_string())?;
        for number in 0..INSTANCES {
            let instance = world.instance(number, 0).await?;
            world.instances.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(instance));
        }
        Ok(world)
    }

    /// Gives a user the role of admin.
    pub async fn appoint(&self, user: &str) -> Result<(), String> {
        let user = user.parse().map_err(|_| format!("{user} is no id"))?;
        let app = self.app(0, 0);
        let change = StandingChange { role: Some(Role::Admin), suspended: None };
        let set = app.store.change_standing(user, change, app.clock.now()).await;
        set.map(drop).map_err(|error| error.to_string())
    }

    /// Replaces one instance by one that signs with a new key, unless that was done a moment ago: an instance looks for new keys
    /// every 10 s. The others keep the keys that they know.
    pub async fn rotate(&self, number: u64, generation: u64) -> Result<(), String> {
        {
            let mut rotated = self.rotated.lock().unwrap_or_else(PoisonError::into_inner);
            if rotated.is_some_and(|rotated| rotated.elapsed() < BETWEEN_ROTATIONS) {
                return Ok(());
            }
            *rotated = Some(Instant::now());
        }
        let instance = Arc::new(self.instance(number, generation).await?);
        let mut instances = self.instances.lock().unwrap_or_else(PoisonError::into_inner);
        let index = usize::try_from(number).unwrap_or_default() % instances.len();
        instances[index] = instance;
        Ok(())
    }

    async fn instance(&self, number: u64, generation: u64) -> Result<Instance, String> {
        let app = self.app(number, generation);
        app.publish_key().await.map_err(|error| error.to_string())?;
        app.store.ensure_pair_key().await.map_err(|error| error.to_string())?;
        let of = |part: u64| App { signing: None, ..self.app(number * 8 + part + 100, generation) };
        Ok(Instance {
            auth: auth::router(&app),
            conversations: conversations::router(&of(1)),
            messages: messages::router(&of(2)),
            moderation: moderation::router(&of(3)),
        })
    }

    /// Returns true if users must consent before strangers can write to them: in every second history.
    pub const fn asks(&self) -> bool {
        self.seed.is_multiple_of(2)
    }

    /// Returns true if users have limits, low ones: in every third history.
    pub const fn has_limits(&self) -> bool {
        self.seed.is_multiple_of(3)
    }

    fn limits(&self) -> Limits {
        if self.has_limits() { Limits::of(LIMITS) } else { Limits::NONE }
    }

    /// Creates the state of one function's instance. Its clock is up to five minutes fast or slow.
    fn app(&self, number: u64, generation: u64) -> App {
        let mut rng = generator(self.seed, &[u64::MAX - 1, number]);
        let skew = if number == 0 { 0 } else { rng.random_range(-SKEW..SKEW) };
        let begun = self.begun;
        let clock = Clock::new(move || {
            let passed = TimeDelta::from_std(begun.elapsed()).unwrap_or_default();
            DateTime::<Utc>::from_timestamp(BEGIN, 0).unwrap_or_default()
                + passed
                + TimeDelta::milliseconds(skew)
        });
        // A new instance must not draw the ids of the one that it replaces.
        let random = Random::from_seed(generator(self.seed, &[u64::MAX - 2, number, generation]).random());
        let store = Store::in_process(Arc::new(self.engine.clone()), TABLE, random.clone());
        let config = Config {
            table: TABLE.to_owned(),
            issuer: "https://api.test".to_owned(),
            audience: "messaging".to_owned(),
            registration: Registration::Open,
            limits: self.limits(),
            contact: if self.asks() { Contact::Requests } else { Contact::Everyone },
            realtime_url: None,
            signing: None,
        };
        let key = u8::try_from(generation % 200).unwrap_or_default();
        let app = App::new(store, config, Some(Signer::from_seed([key; 32])), clock, random);
        // Until its key is rotated, one instance is of an earlier release, which hashes passwords at another cost.
        let passes = if (number, generation) == (1, 0) { 2 } else { 1 };
        App { hashing: Hashing::for_simulation(passes), ..app }
    }

    /// Sends a request to a random instance. With faults, the function may die, or its answer may be lost.
    pub async fn request(&self, rng: &mut StdRng, from: Ipv4Addr, request: Request<Body>) -> Answer {
        let path = request.uri().path().to_owned();
        let instance = {
            let instances = self.instances.lock().unwrap_or_else(PoisonError::into_inner);
            instances[rng.random_range(0..instances.len())].clone()
        };
        let router = match path.split('/').nth(2) {
            Some("conversations" | "sync") => instance.conversations.clone(),
            Some("messages") => instance.messages.clone(),
            Some("reports") => instance.moderation.clone(),
            _ => instance.auth.clone(),
        };
        let is_faulty = self.engine.is_faulty();
        let (dies, is_lost) = (is_faulty && rng.random_bool(0.04), is_faulty && rng.random_bool(0.04));
        let life = if dies { Duration::from_millis(rng.random_range(0..120)) } else { FUNCTION_TIMEOUT };
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.http.source_ip = Some(from.to_string());
        let context = RequestContext::ApiGatewayV2(context);
        let running =
            Box::pin(router.oneshot(request.with_raw_http_path(&path).with_request_context(context)));
        let response = match select(running, Box::pin(sleep(life))).await {
            Either::Left((Ok(response), _)) => response,
            Either::Left((Err(never), _)) => match never {},
            Either::Right(_) => return Answer::LOST,
        };
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
        if is_lost {
            return Answer::LOST;
        }
        Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_default() }
    }
}

/// Builds a request with a JSON body and a token.
pub fn request(method: Method, uri: &str, token: Option<&str>, body: Option<&Value>) -> Request<Body> {
    let mut request = Request::new(body.map_or_else(Body::empty, |body| Body::from(body.to_string())));
    *request.method_mut() = method;
    *request.uri_mut() = uri.parse().expect("paths of the simulator are valid");
    let headers = request.headers_mut();
    if body.is_some() {
        headers.insert("content-type", "application/json".parse().expect("a valid header"));
    }
    if let Some(token) = token {
        headers
            .insert("authorization", format!("Bearer {token}").parse().expect("a token is a valid header"));
    }
    request
}

impl World {
    /// Returns the virtual time since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}
