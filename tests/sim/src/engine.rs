//! The engine under the AWS SDK: the embedded engine in memory, with delays, failures, stale reads and late writes. All of
//! them are drawn from the seed; the engine itself does none of this.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::BoxFuture;
use local::engine::InMemory;
use rand::{RngExt as _, rngs::StdRng};
use serde_json::Value;
use shared::store::{Answer, Engine};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

use crate::{
    call::{Call, Operation},
    faults::{self, Fault},
    random::generator,
    sabotage,
    trace::Trace,
};

tokio::task_local! {
    /// The operation that makes a call: its number, and the number of its calls so far.
    pub static OPERATION: (u64, Arc<Mutex<u64>>);
}

/// The longest time by which a stale read misses writes.
const LAG: Duration = Duration::from_secs(3);

/// The simulated table. Clones share it.
#[derive(Clone)]
pub struct SimEngine(Arc<Inner>);

struct Inner {
    seed: u64,
    main: InMemory,
    replica: InMemory,
    trace: Trace,
    state: Mutex<State>,
}

struct State {
    is_faulty: bool,
    /// The writes that the replica has not repeated yet.
    pending: VecDeque<(Instant, String, Vec<u8>)>,
    /// The calls that were not answered yet.
    running: usize,
    faults: BTreeMap<&'static str, u64>,
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
        let state = State { is_faulty: false, pending: VecDeque::new(), running: 0, faults: BTreeMap::new() };
        Ok(Self(Arc::new(Inner { seed, main, replica, trace, state: Mutex::new(state) })))
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

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the generator of this call. It depends only on the seed, the operation and the number of the call, so that
    /// leaving out another operation changes nothing here.
    fn generator(&self) -> (u64, u64, StdRng) {
        let (operation, call) = OPERATION
            .try_with(|(operation, calls)| {
                let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
                *calls += 1;
                (*operation, *calls)
            })
            .unwrap_or((u64::MAX, 0));
        (operation, call, generator(self.0.seed, &[operation, call]))
    }

    fn draw(&self, call: &Call, rng: &mut StdRng) -> Option<Fault> {
        let mut state = self.state();
        let fault = if state.is_faulty { faults::draw(call, rng) } else { None };
        if let Some(fault) = &fault {
            *state.faults.entry(fault.name()).or_default() += 1;
        }
        fault
    }

    /// Runs a call on the data of this moment.
    fn execute(&self, call: &Call, rng: &mut StdRng) -> Answer {
        let body = sabotage::done_to(call, call.body.to_string().into_bytes());
        if self.is_faulty() && (call.may_be_stale() || sabotage::weakens(call)) && rng.random_bool(0.5) {
            let lag = LAG.mul_f64(rng.random_range(0.0..1.0));
            self.replicate(Instant::now().checked_sub(lag));
            *self.state().faults.entry("stale read").or_default() += 1;
            return self.0.replica.answer(&call.name, &body);
        }
        let answer = self.0.main.answer(&call.name, &body);
        if call.operation == Operation::Other {
            // The table itself exists in both.
            drop(self.0.replica.answer(&call.name, &body));
            return answer;
        }
        if !call.reads() && answer.status() == 200 {
            self.state().pending.push_back((Instant::now(), call.name.clone(), body));
        }
        answer
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
    async fn answer(self, call: Call, number: (u64, u64), mut rng: StdRng) -> Option<Answer> {
        let fault = self.draw(&call, &mut rng);
        let latency = |rng: &mut StdRng| Duration::from_millis(rng.random_range(1..8));
        sleep(latency(&mut rng)).await;
        if let Some(Fault::Delay(delay)) = fault {
            sleep(delay).await;
        }
        let answer = match &fault {
            Some(fault) => fault.apply(&call, |call| self.execute(call, &mut rng)),
            None => Some(self.execute(&call, &mut rng)),
        };
        let name = fault.as_ref().map_or("", Fault::name);
        let status = answer.as_ref().map_or(0, Answer::status);
        self.0.trace.line(|| format!("  {}.{} {} {name} {status}", number.0, number.1, call.describe()));
        if let Some(Fault::LateAnswer(delay)) = fault {
            sleep(delay).await;
        }
        sleep(latency(&mut rng)).await;
        answer
    }
}

impl Engine for SimEngine {
    fn run(&self, operation: String, body: Vec<u8>) -> BoxFuture<'static, Option<Answer>> {
        let (number, count, rng) = self.generator();
        let call = Call::parse(&operation, &body);
        let (sender, receiver) = oneshot::channel();
        let engine = self.clone();
        engine.state().running += 1;
        // A task of its own: a call that the SDK has given up, or whose function has died, goes on.
        tokio::spawn(async move {
            let answer = engine.clone().answer(call, (number, count), rng).await;
            engine.state().running -= 1;
            drop(sender.send(answer));
        });
        Box::pin(async move { receiver.await.ok().flatten() })
    }
}
