//! A proxy between the AWS SDK and the `DynamoDB` engine. It counts and measures calls, makes them fail before or after
//! their effect, answers reads from old data, and holds calls; local engines cannot do this.
//!
//! ```rust
//! app.proxy.faults.fail(on(Put).of("MSG#"), Before(Error500));      // `faults`: make a call fail.
//! let gate = app.proxy.faults.hold(writes());                       // `race`: hold a call.
//! let (answer, cost) = app.proxy.measure(ann.get("/api/")).await;   // `meter`: measure calls.
//! ```

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;
use tokio::time::sleep;

use super::{
    call::{Call, Operation},
    faults::{Fault, Faults, How},
    meter::Cost,
    permissions::{self, Used},
    refusals::{self, HalfBatch},
    replica::Replica,
    sabotage,
    table::Endpoint,
    wire::{self, Answers, Reply, Request},
};

/// The delay of every answer during a measurement, so that parallel calls certainly overlap.
const OVERLAP: Duration = Duration::from_millis(25);

/// A proxy. Cheap to clone.
#[derive(Clone)]
pub struct Proxy {
    pub endpoint: String,
    pub faults: Faults,
    /// The permissions that calls have used, and the calls that were refused.
    pub used: Used,
    core: Arc<Core>,
}

struct Core {
    upstream: Endpoint,
    faults: Faults,
    used: Used,
    cost: Mutex<Option<Cost>>,
    counts: Mutex<HashMap<&'static str, usize>>,
    replica: tokio::sync::RwLock<Option<Replica>>,
}

impl Proxy {
    pub async fn start(upstream: Endpoint) -> Self {
        let (faults, used) = (Faults::default(), Used::default());
        let core = Arc::new(Core {
            upstream,
            faults: faults.clone(),
            used: used.clone(),
            cost: Mutex::default(),
            counts: Mutex::default(),
            replica: tokio::sync::RwLock::default(),
        });
        let address = wire::serve(core.clone()).await;
        Self { endpoint: format!("http://{address}"), faults, used, core }
    }

    /// Measures the calls of `operation`. No other operation may run at the same time.
    pub async fn measure<T>(&self, operation: impl Future<Output = T>) -> (T, Cost) {
        *self.core.cost.lock().unwrap() = Some(Cost::default());
        let result = operation.await;
        let cost = self.core.cost.lock().unwrap().take();
        (result, cost.unwrap())
    }

    /// Answers every read that may be stale without the last write, from now on.
    pub async fn lag(&self, replica: Replica) {
        *self.core.replica.write().await = Some(replica);
    }

    /// Answers every read that may be stale with the data of this moment, from now on; later writes are never visible
    /// to it.
    pub async fn stop_the_past(&self) {
        self.core
            .replica
            .read()
            .await
            .as_ref()
            .expect("only an application from `TestApp::lagging` has a replica")
            .stop();
    }

    /// Returns the number of all calls, and the number of puts of single items that succeeded or were refused.
    pub fn counts(&self) -> (usize, usize) {
        let counts = self.core.counts.lock().unwrap();
        let of = |what| counts.get(what).copied().unwrap_or_default();
        (of("call"), of("put") + of("put refused"))
    }
}

impl Answers for Core {
    async fn answer(self: Arc<Self>, request: Request) -> Reply {
        if request.path.is_empty() && self.is_idle().await {
            return self.pass(request).await;
        }
        let call = Call::parse(&request.operation, &request.body);
        if !permissions::allow(&request.path, &call, &self.used) {
            return error(400, "AccessDeniedException");
        }
        let depth = self.cost.lock().unwrap().as_mut().map(|cost| cost.begin(&call));
        let reply = match self.faults.of(&call) {
            Some(fault) => self.faulty(&call, request.body, fault).await,
            None => self.forward(&call, request.body).await,
        };
        if let Some(depth) = depth {
            sleep(OVERLAP).await;
            if let (Some(cost), Reply::Answer { body, .. }) = (self.cost.lock().unwrap().as_mut(), &reply) {
                cost.end(&call, depth, body);
            }
        }
        reply
    }
}

impl Core {
    /// Returns true if the proxy only forwards calls. Then it does not parse them.
    async fn is_idle(&self) -> bool {
        self.faults.are_none()
            && self.cost.lock().unwrap().is_none()
            && self.replica.read().await.is_none()
            && !sabotage::is_on()
    }

    async fn pass(&self, request: Request) -> Reply {
        let (status, body) = self.upstream.send(&request.operation, request.body).await;
        self.count(&request.operation, status);
        Reply::Answer { status, body }
    }

    /// Counts a call, and a put of a single item by its outcome.
    fn count(&self, operation: &str, status: u16) {
        if operation == "PutItem" {
            let what = if status == 200 { "put" } else { "put refused" };
            *self.counts.lock().unwrap().entry(what).or_default() += 1;
        }
        *self.counts.lock().unwrap().entry("call").or_default() += 1;
    }

    async fn faulty(&self, call: &Call, body: Vec<u8>, fault: Fault) -> Reply {
        match fault {
            Fault::Before(how) => failed(how),
            Fault::After(how) => {
                self.forward(call, body).await;
                failed(how)
            }
            Fault::Conflict => match call.operation {
                Operation::Transact => cancelled(call, "None", "TransactionConflict"),
                _ if call.writes() => error(400, "TransactionConflictException"),
                _ => self.forward(call, body).await,
            },
            Fault::InProgress => match call.operation {
                Operation::Transact => error(400, "TransactionInProgressException"),
                _ => self.forward(call, body).await,
            },
            Fault::HalfDone => match call.operation {
                Operation::Transact => cancelled(call, "TransactionConflict", "ConditionalCheckFailed"),
                _ => self.forward(call, body).await,
            },
            Fault::Throttle => error(400, "ThrottlingException"),
            Fault::ThrottledTransaction => match call.operation {
                Operation::Transact => cancelled(call, "None", "ThrottlingError"),
                _ => self.forward(call, body).await,
            },
            Fault::Unprocessed => self.half_of(call).await,
            Fault::ShortPage(most) => self.short_page(call, most).await,
            Fault::Hold(gate) => {
                gate.pass(call).await;
                let reply = self.forward(call, body).await;
                gate.finish();
                reply
            }
            Fault::HoldAnswer(gate) => {
                let reply = self.forward(call, body).await;
                gate.pass(call).await;
                gate.finish();
                reply
            }
        }
    }

    /// Forwards the call: a read that may be stale to the replica, a write to the table and then to the replica.
    async fn forward(&self, call: &Call, body: Vec<u8>) -> Reply {
        let body = if self.cost.lock().unwrap().is_some() && call.operation != Operation::Other {
            let mut counted = call.body.clone();
            counted["ReturnConsumedCapacity"] = json!("TOTAL");
            counted.to_string().into_bytes()
        } else {
            body
        };
        let body = sabotage::done_to(call, body);
        let replica = self.replica.read().await;
        let (status, answer) = match &*replica {
            Some(replica) if call.may_be_stale() || sabotage::weakens(call) => replica.read(call, body).await,
            Some(replica) if call.writes() => replica.write(call, body, &self.upstream).await,
            _ => self.upstream.send(&call.name, body).await,
        };
        self.count(&call.name, status);
        Reply::Answer { status, body: answer }
    }

    /// Executes the first half of a batch; nothing of a batch with one request.
    async fn half_of(&self, call: &Call) -> Reply {
        let Some(half) = HalfBatch::of(call) else {
            return self.forward(call, call.body.to_string().into_bytes()).await;
        };
        let mut executed = None;
        if let Some(now) = &half.now {
            let body = now.body.to_string().into_bytes();
            let Reply::Answer { status: 200, body } = self.forward(now, body).await else {
                return error(500, "InternalServerError");
            };
            executed = Some(serde_json::from_slice(&body).unwrap());
        }
        Reply::Answer { status: 200, body: half.answer(executed).to_string().into_bytes() }
    }

    /// Returns a page that the engine ends early. A lower limit makes the engine compute the right `LastEvaluatedKey`,
    /// also for an index.
    async fn short_page(&self, call: &Call, most: u64) -> Reply {
        let mut short = call.clone();
        if call.operation == Operation::Query {
            let limit = call.body["Limit"].as_u64().unwrap_or(most);
            short.body["Limit"] = json!(limit.min(most));
        }
        let body = short.body.to_string().into_bytes();
        self.forward(&short, body).await
    }
}

fn failed(how: How) -> Reply {
    match how {
        How::Error500 => error(500, "InternalServerError"),
        How::Reset => Reply::Reset,
        How::Timeout => Reply::Silence,
        How::Death => error(400, "AccessDeniedException"),
    }
}

fn error(status: u16, code: &str) -> Reply {
    Reply::Answer { status, body: refusals::error(code).to_string().into_bytes() }
}

/// Returns the error of a cancelled transaction, with a reason for its first and its last step.
fn cancelled(call: &Call, first: &str, last: &str) -> Reply {
    let end = call.body["TransactItems"].as_array().map_or(1, Vec::len) - 1;
    let body = refusals::cancelled(call, &[(0, first), (end, last)]);
    Reply::Answer { status: 400, body: body.to_string().into_bytes() }
}
