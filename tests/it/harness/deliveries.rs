//! The function `deliver` as Lambda may run it: an invocation can get records twice, get the records of different items in
//! another order, or die before or after its work. Each of these happens only if a test asks for it.
//!
//! ```rust
//! live.deliveries.twice(true);
//! live.deliveries.die(Death::After);
//! ```

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
};

use futures::future::BoxFuture;
use local::function::{Function, FunctionError};
use serde_json::Value;

/// The death of one invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// The process has died before it did anything.
    Before,
    /// The process has done everything, and died before its answer.
    After,
}

/// A function with the faults that a test asks for.
#[derive(Debug)]
pub struct Deliveries {
    inner: Arc<dyn Function>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    twice: bool,
    shuffles: Option<u64>,
    deaths: VecDeque<Death>,
    events: Vec<Value>,
}

impl Deliveries {
    pub fn new(inner: Arc<dyn Function>) -> Arc<Self> {
        Arc::new(Self { inner, state: Mutex::default() })
    }

    /// Invokes the function twice with each batch, from now on.
    pub fn twice(&self, twice: bool) {
        self.state.lock().unwrap().twice = twice;
    }

    /// Puts the records of each batch into another order, from now on. The records of one item keep their order.
    pub fn shuffle(&self, seed: u64) {
        self.state.lock().unwrap().shuffles = Some(seed);
    }

    /// Lets the next invocation die, or the one after the deaths that are already planned.
    pub fn die(&self, death: Death) {
        self.state.lock().unwrap().deaths.push_back(death);
    }

    /// Returns all events so far, as the function got them.
    pub fn events(&self) -> Vec<Value> {
        self.state.lock().unwrap().events.clone()
    }

    async fn run(&self, mut event: Value) -> Result<Value, FunctionError> {
        let (death, twice) = {
            let mut state = self.state.lock().unwrap();
            if let Some(seed) = &mut state.shuffles {
                *seed = next(*seed);
                let seed = *seed;
                shuffle(event["Records"].as_array_mut().unwrap(), seed);
            }
            state.events.push(event.clone());
            (state.deaths.pop_front(), state.twice)
        };
        if death == Some(Death::Before) {
            return Err(FunctionError("the process has died".into()));
        }
        if twice {
            self.inner.invoke(event.clone()).await?;
        }
        let answer = self.inner.invoke(event).await?;
        if death == Some(Death::After) {
            return Err(FunctionError("the process has died".into()));
        }
        Ok(answer)
    }
}

impl Function for Deliveries {
    fn invoke(&self, event: Value) -> BoxFuture<'_, Result<Value, FunctionError>> {
        Box::pin(self.run(event))
    }
}

/// Returns the next number of a xorshift generator; a test that fails can be repeated with its seed.
fn next(seed: u64) -> u64 {
    let seed = seed.max(1);
    let seed = seed ^ (seed << 13);
    let seed = seed ^ (seed >> 7);
    seed ^ (seed << 17)
}

/// Puts records into a random order. The places of one item are filled with its records in their order.
fn shuffle(records: &mut Vec<Value>, mut seed: u64) {
    let mut keys: Vec<String> = records.iter().map(key_of).collect();
    let mut of_item: HashMap<String, VecDeque<Value>> = HashMap::new();
    for record in records.drain(..) {
        of_item.entry(key_of(&record)).or_default().push_back(record);
    }
    for place in (1..keys.len()).rev() {
        seed = next(seed);
        keys.swap(place, usize::try_from(seed % (place as u64 + 1)).unwrap());
    }
    records.extend(keys.iter().filter_map(|key| of_item.get_mut(key).and_then(VecDeque::pop_front)));
}

fn key_of(record: &Value) -> String {
    // A message of a queue has no key, but an id.
    format!("{} {}", record["dynamodb"]["Keys"], record["messageId"])
}
