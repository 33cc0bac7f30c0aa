//! The engine under the AWS SDK: the embedded engine in memory, with delays, failures, stale reads and late writes. All of
//! them are drawn from the seed; the engine itself does none of this.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::BoxFuture;
use local::{check, engine::InMemory};
use rand::{RngExt as _, rngs::StdRng};
use serde_json::{Value, json};
use shared::store::{Answer, Engine};
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, sleep, timeout},
};

use crate::{
    call::{Call, Operation},
    faults::{self, Fault},
    probes::{self, Probes},
    random::generator,
    sabotage,
    stream::{Key, Stream},
    trace::Trace,
    world::TABLE,
    writes::{self, Write},
};

tokio::task_local! {
    /// The request whose function makes a call.
    pub static REQUEST: Arc<Request>;
}

/// A replica is behind in two of five such periods, from the beginning of the period on.
const PERIOD: Duration = Duration::from_secs(4);
const LAGS: f64 = 0.4;

/// The period of every fifth history: longer than a write tries again that has met another one. A write that decides on a stale
/// read never comes to an end there.
const LONG_PERIOD: Duration = Duration::from_secs(30);

/// The share of the writes that are probed in one state, and the number of writes of each kind that are probed in each state.
const PROBED: f64 = 0.05;
const ALWAYS_PROBED: u64 = 4;

/// The share of the repeated transactions that meet another transaction.
const REPEATED_CONFLICT: f64 = 0.2;

/// The SDK's time limit of an attempt, as `Store` sets it.
const ATTEMPT: Duration = Duration::from_millis(1500);

/// The longest time that a write waits for another writer of its item: less than the SDK's time limit of an attempt.
pub const HOLD: Duration = Duration::from_millis(1300);

/// One request to a function, with what its calls have met.
#[derive(Debug)]
pub struct Request {
    /// The numbers of the operation and of its request.
    pub number: (u64, u64),
    calls: Mutex<Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    count: u64,
    /// The calls that failed because of a fault.
    failed: u64,
    /// The time that faults have taken.
    delayed: Duration,
    /// The tokens of its transactions so far. The SDK repeats a transaction with the same token.
    tokens: HashSet<String>,
}

impl Request {
    pub fn new(number: (u64, u64)) -> Arc<Self> {
        Arc::new(Self { number, calls: Mutex::default() })
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a call. Returns true if it repeats a transaction.
    fn repeats(&self, call: &Call) -> bool {
        let token = call.body["ClientRequestToken"].as_str();
        token.is_some_and(|token| !self.calls().tokens.insert(token.to_owned()))
    }

    /// Returns the number of the SDK's attempts that the faults of this request have taken.
    pub fn lost_attempts(&self) -> f64 {
        let calls = self.calls();
        calls.delayed.div_duration_f64(ATTEMPT) + f64::from(u32::try_from(calls.failed).unwrap_or(u32::MAX))
    }
}

/// The simulated table. Clones share it.
#[derive(Clone)]
pub struct SimEngine(Arc<Inner>);

struct Inner {
    seed: u64,
    main: InMemory,
    replica: InMemory,
    trace: Trace,
    begun: Instant,
    /// The calls of the world itself.
    own: Arc<Request>,
    /// Tells of each write.
    written: Notify,
    state: Mutex<State>,
}

struct State {
    is_faulty: bool,
    /// The writes that the replica has not repeated yet.
    pending: VecDeque<(Instant, String, Vec<u8>)>,
    /// The calls that were not answered yet.
    running: usize,
    faults: BTreeMap<&'static str, u64>,
    /// The number of writes of each item so far.
    versions: HashMap<Key, u64>,
    stream: Stream,
    probes: Probes,
    /// The number of writes of each kind so far.
    kinds: BTreeMap<String, u64>,
    findings: Vec<String>,
}

impl fmt::Debug for SimEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimEngine")
    }
}

impl SimEngine {
    /// Creates the engine with an empty table. `seconds` is its fixed time, in seconds since 1970.
    pub fn new(seed: u64, seconds: u64, trace: Trace) -> Result<Self, String> {
        let (main, replica) = (InMemory::new(seconds)?, InMemory::new(seconds)?);
        let state = State {
            is_faulty: false,
            pending: VecDeque::new(),
            running: 0,
            faults: BTreeMap::new(),
            versions: HashMap::new(),
            stream: Stream::default(),
            probes: Probes::new(seconds)?,
            kinds: BTreeMap::new(),
            findings: Vec::new(),
        };
        let (own, written, state) = (Request::new((u64::MAX, 0)), Notify::new(), Mutex::new(state));
        Ok(Self(Arc::new(Inner { seed, main, replica, trace, begun: Instant::now(), own, written, state })))
    }

    /// Begins or ends the faults of calls and functions.
    pub fn set_faulty(&self, is_faulty: bool) {
        self.state().is_faulty = is_faulty;
    }

    /// Returns true while there are faults.
    pub fn is_faulty(&self) -> bool {
        self.state().is_faulty
    }

    /// Returns true if no call is open, so that no late write can arrive.
    pub fn is_idle(&self) -> bool {
        self.state().running == 0
    }

    /// Returns the number of faults of each kind so far.
    pub fn faults(&self) -> BTreeMap<&'static str, u64> {
        self.state().faults.clone()
    }

    /// Returns all items of the table in plain JSON.
    pub fn items(&self, table: &str) -> Vec<serde_json::Map<String, Value>> {
        self.0.main.items(table)
    }

    /// Returns true if a write so far has violated something.
    pub fn has_findings(&self) -> bool {
        let state = self.state();
        !state.findings.is_empty() || state.stream.has_violations()
    }

    /// Returns what the writes so far have violated.
    pub fn take_findings(&self) -> Vec<String> {
        let mut state = self.state();
        let mut findings = std::mem::take(&mut state.findings);
        findings.extend(state.stream.take_violations());
        findings
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of this call and its generator. It depends only on the seed, the request and the number of the call,
    /// so that leaving out another operation changes nothing here.
    fn generator(&self, request: &Request) -> (u64, StdRng) {
        let count = {
            let mut calls = request.calls();
            calls.count += 1;
            calls.count
        };
        (count, generator(self.0.seed, &[request.number.0, request.number.1, count]))
    }

    fn draw(&self, call: &Call, request: &Request, rng: &mut StdRng) -> Option<Fault> {
        let repeats = request.repeats(call);
        let mut state = self.state();
        let fault = match state.is_faulty {
            // The first attempt may have taken effect, and its answer is lost: the request does not know it.
            true if repeats && rng.random_bool(REPEATED_CONFLICT) => Some(Fault::Conflict),
            true => faults::draw(call, rng),
            false => None,
        };
        if let Some(fault) = &fault {
            *state.faults.entry(fault.name()).or_default() += 1;
        }
        fault
    }

    /// Runs a call on the data of this moment.
    fn execute(&self, call: &Call, rng: &mut StdRng) -> Answer {
        if call.operation == Operation::Other {
            return self.prepare(call);
        }
        let body = sabotage::done_to(call, call.body.to_string().into_bytes());
        if self.is_faulty() && (call.may_be_stale() || sabotage::weakens(call)) && self.lags(rng) {
            *self.state().faults.entry("stale read").or_default() += 1;
            return self.0.replica.answer(&call.name, &body);
        }
        if call.reads() {
            return self.0.main.answer(&call.name, &body);
        }
        self.write(call, body, rng)
    }

    /// Runs a call about the table itself, which exists in each of the engines. It has no stream: the simulator follows the writes,
    /// and the engine would search all records of a stream before each write.
    fn prepare(&self, call: &Call) -> Answer {
        let mut body = call.body.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.remove("StreamSpecification");
        }
        let body = body.to_string().into_bytes();
        drop(self.0.replica.answer(&call.name, &body));
        self.state().probes.prepare(&call.name, &body);
        self.0.main.answer(&call.name, &body)
    }

    /// Runs a write, and tells everybody who follows writes.
    fn write(&self, call: &Call, body: Vec<u8>, rng: &mut StdRng) -> Answer {
        let (writes, mut state) = (Write::all(call), self.state());
        let kind = writes::kind(call, &writes);
        let before = state.kinds.entry(kind).or_default();
        *before += 1;
        let mut probed = probes::refused(&writes);
        if *before > ALWAYS_PROBED {
            let one = rng.random_bool(PROBED) && !probed.is_empty();
            probed =
                if one { vec![probed.swap_remove(rng.random_range(0..probed.len()))] } else { Vec::new() };
        }
        for refused in probed {
            let found = state.probes.probe(call, &body, refused, |write| self.image(write));
            *state.faults.entry("probe").or_default() += 1;
            state.findings.extend(found);
        }
        let answer = self.0.main.answer(&call.name, &body);
        if answer.status() == 200 {
            for write in writes.into_iter().filter(|write| write.kind != writes::Kind::Check) {
                let image = self.image_after(call, &write).map(|item| check::plain(&item));
                let key = (write.pk, write.sk);
                *state.versions.entry(key.clone()).or_default() += 1;
                state.stream.note(key, image);
            }
            state.pending.push_back((Instant::now(), call.name.clone(), body));
            self.0.written.notify_waiters();
        }
        answer
    }

    /// Returns the item after a write in a successful call, in the format of DynamoDB. A put tells it, except in a transaction: the
    /// repetition of one is successful, but has no effect.
    fn image_after(&self, call: &Call, write: &Write) -> Option<Value> {
        if call.operation == Operation::Put { write.item.clone() } else { self.image(write) }
    }

    /// Returns the present item that a write names, in the format of DynamoDB.
    fn image(&self, write: &Write) -> Option<Value> {
        let key = json!({ "pk": {"S": write.pk}, "sk": {"S": write.sk} });
        let get = json!({ "TableName": TABLE, "Key": key, "ConsistentRead": true });
        let Answer::Json { body, .. } = self.0.main.answer("GetItem", get.to_string().as_bytes()) else {
            return None;
        };
        let answer: Value = serde_json::from_str(&body).ok()?;
        answer.get("Item").cloned()
    }

    /// Returns true if a read meets a replica that is behind, and brings the replica to the state that the read sees: that of
    /// the beginning of a period, or an arbitrary one within it.
    fn lags(&self, rng: &mut StdRng) -> bool {
        let now = Instant::now();
        let elapsed = now.duration_since(self.0.begun);
        let length = if self.0.seed.is_multiple_of(5) { LONG_PERIOD } else { PERIOD };
        let period = u64::try_from(elapsed.as_millis() / length.as_millis()).unwrap_or_default();
        let lags = generator(self.0.seed, &[u64::MAX - 3, period]).random_bool(LAGS);
        let begun = length.mul_f64(elapsed.div_duration_f64(length).fract());
        let lag = if rng.random_bool(0.7) { begun } else { begun.mul_f64(rng.random_range(0.0..1.0)) };
        if lags {
            self.replicate(now.checked_sub(lag));
        }
        lags
    }

    /// Waits until another call has written an item that this call writes, for a limited time.
    async fn hold(&self, call: &Call) {
        let keys: Vec<Key> = Write::all(call).into_iter().map(|write| (write.pk, write.sk)).collect();
        let versions = || -> Vec<u64> {
            let state = self.state();
            keys.iter().map(|key| state.versions.get(key).copied().unwrap_or_default()).collect()
        };
        let before = versions();
        let overtaken = async {
            loop {
                let written = self.0.written.notified();
                if versions() != before {
                    return;
                }
                written.await;
            }
        };
        // Nobody else writes it.
        drop(timeout(HOLD, overtaken).await);
    }

    /// Repeats the writes up to `until` in the replica. It never goes back.
    fn replicate(&self, until: Option<Instant>) {
        let mut state = self.state();
        while state.pending.front().is_some_and(|(at, ..)| until.is_some_and(|until| *at <= until)) {
            if let Some((_, name, body)) = state.pending.pop_front() {
                // The replica gives the answer that the table gave.
                drop(self.0.replica.answer(&name, &body));
            }
        }
    }

    /// Runs a call with its delays and its fault. `None` is a reset of the connection.
    async fn answer(self, call: Call, request: Arc<Request>) -> Option<Answer> {
        let (count, mut rng) = self.generator(&request);
        let fault = self.draw(&call, &request, &mut rng);
        if let Some(fault) = &fault {
            let mut calls = request.calls();
            calls.failed += u64::from(fault.fails());
            calls.delayed += fault.delay().min(ATTEMPT);
        }
        let latency = |rng: &mut StdRng| Duration::from_millis(rng.random_range(1..8));
        sleep(latency(&mut rng)).await;
        match fault {
            Some(Fault::Delay(delay)) => sleep(delay).await,
            Some(Fault::Hold) => self.hold(&call).await,
            _ => {}
        }
        let answer = match &fault {
            Some(fault) => fault.apply(&call, |call| self.execute(call, &mut rng)),
            None => Some(self.execute(&call, &mut rng)),
        };
        let name = fault.as_ref().map_or("", Fault::name);
        let status = answer.as_ref().map_or(0, Answer::status);
        let (operation, number) = request.number;
        self.0.trace.line(|| format!("  {operation}.{number}.{count} {} {name} {status}", call.describe()));
        if let Some(Fault::LateAnswer(delay)) = fault {
            sleep(delay).await;
        }
        sleep(latency(&mut rng)).await;
        answer
    }
}

impl Engine for SimEngine {
    fn run(&self, operation: String, body: Vec<u8>) -> BoxFuture<'static, Option<Answer>> {
        // The world itself makes calls while it begins.
        let request = REQUEST.try_with(Clone::clone).unwrap_or_else(|_| self.0.own.clone());
        let call = Call::parse(&operation, &body);
        let (sender, receiver) = oneshot::channel();
        let engine = self.clone();
        engine.state().running += 1;
        // A task of its own: a call that the SDK has given up, or whose function has died, goes on.
        tokio::spawn(async move {
            let answer = engine.clone().answer(call, request).await;
            engine.state().running -= 1;
            drop(sender.send(answer));
        });
        Box::pin(async move { receiver.await.ok().flatten() })
    }
}
