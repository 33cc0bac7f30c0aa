//! Faults between the AWS SDK and the table. A test adds rules; each rule selects calls and says how they fail or wait.
//!
//! ```rust
//! app.proxy.faults.fail(on(Put).of("MSG#"), After(Reset)); // The message is stored, but its answer is lost.
//! ann.send(&conversation, "memo").await;                   // The SDK retries; the API finds the message.
//! assert_eq!(app.proxy.faults.clear(), 1);                 // The fault occurred.
//! ```

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{sync::watch, time::timeout};

use super::call::{Call, On};

/// The way in which a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// 500 `InternalServerError`. The SDK retries it.
    Error500,
    /// The connection is reset. The SDK retries the call.
    Reset,
    /// No answer. The SDK ends the attempt after its time limit and retries.
    Timeout,
    /// An error without a retry. The client sees the same as when the function dies at this call.
    Death,
}

/// The effect of a rule on a call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The call fails and has no effect.
    Before(How),
    /// The call takes effect, but its answer is lost.
    After(How),
    /// Another transaction holds the same item: `TransactionCanceledException` with its reasons for a transaction,
    /// `TransactionConflictException` for a single write. No effect; the SDK retries neither.
    Conflict,
    /// An earlier attempt of this transaction is still in progress: `TransactionInProgressException`. No effect; the
    /// SDK retries.
    InProgress,
    /// Another transaction has written the last item of this one, so that its condition fails, and still holds the
    /// first item.
    HalfDone,
    /// `ThrottlingException`: no effect; the SDK retries.
    Throttle,
    /// A transaction that was cancelled for throttling. The SDK does not retry it.
    ThrottledTransaction,
    /// A batch executes the first half of its requests and returns the rest as unprocessed.
    Unprocessed,
    /// The page of a query ends after this number of items, with a `LastEvaluatedKey`.
    ShortPage(u64),
    /// The call waits at the gate and is then executed.
    Hold(Gate),
    /// The call is executed, and then its answer waits at the gate.
    HoldAnswer(Gate),
}

/// The matching calls to which a rule applies.
#[derive(Debug, Clone, Copy)]
enum Often {
    /// The n-th matching call (from 0) and the calls after it, up to this number of calls.
    Window(usize, usize),
    /// Every second matching call, beginning with the first.
    EveryOther,
    /// Each matching call from the n-th (from 0).
    From(usize),
}

#[derive(Debug)]
struct Rule {
    on: On,
    often: Often,
    fault: Fault,
    seen: usize,
    applied: usize,
}

impl Rule {
    fn apply(&mut self, call: &Call) -> Option<Fault> {
        if !self.on.matches(call) {
            return None;
        }
        let number = self.seen;
        self.seen += 1;
        let applies = match self.often {
            Often::Window(first, count) => (first..first + count).contains(&number),
            Often::EveryOther => number.is_multiple_of(2),
            Often::From(first) => number >= first,
        };
        self.applied += usize::from(applies);
        applies.then(|| self.fault.clone())
    }
}

/// The rules of one proxy. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Rule>>>);

impl Faults {
    /// Applies a fault to the first matching call.
    pub fn fail(&self, on: On, fault: Fault) {
        self.add(on, Often::Window(0, 1), fault);
    }

    /// Applies a fault to the n-th matching call, counted from 0.
    pub fn fail_nth(&self, n: usize, on: On, fault: Fault) {
        self.add(on, Often::Window(n, 1), fault);
    }

    /// Applies a fault to the first `times` matching calls.
    pub fn fail_times(&self, times: usize, on: On, fault: Fault) {
        self.add(on, Often::Window(0, times), fault);
    }

    /// Applies a fault to every matching call from the n-th, counted from 0, as if the function had died there.
    pub fn fail_from(&self, n: usize, on: On, fault: Fault) {
        self.add(on, Often::From(n), fault);
    }

    /// Applies a fault to every matching call.
    pub fn always(&self, on: On, fault: Fault) {
        self.add(on, Often::From(0), fault);
    }

    /// Applies a fault to every second matching call, beginning with the first.
    pub fn every_other(&self, on: On, fault: Fault) {
        self.add(on, Often::EveryOther, fault);
    }

    /// Holds the first matching call before it is executed.
    pub fn hold(&self, on: On) -> Gate {
        self.hold_nth(0, on)
    }

    /// Executes the first matching call and holds its answer.
    pub fn hold_answer(&self, on: On) -> Gate {
        let gate = Gate::default();
        self.fail(on, Fault::HoldAnswer(gate.clone()));
        gate
    }

    /// Holds the n-th matching call, counted from 0.
    pub fn hold_nth(&self, n: usize, on: On) -> Gate {
        let gate = Gate::default();
        self.fail_nth(n, on, Fault::Hold(gate.clone()));
        gate
    }

    /// Lets the first matching call pass. `finished` of its gate waits until the call was executed.
    pub fn watch(&self, on: On) -> Gate {
        self.watch_nth(0, on)
    }

    /// Lets the n-th matching call pass, counted from 0. `finished` of its gate waits until the call was executed.
    pub fn watch_nth(&self, n: usize, on: On) -> Gate {
        let gate = self.hold_nth(n, on);
        gate.release();
        gate
    }

    /// Removes all rules. Returns the number of calls that were hit, so that a test can assert that its fault occurred.
    pub fn clear(&self) -> usize {
        let rules = std::mem::take(&mut *self.0.lock().unwrap());
        rules.iter().map(|rule| rule.applied).sum()
    }

    fn add(&self, on: On, often: Often, fault: Fault) {
        self.0.lock().unwrap().push(Rule { on, often, fault, seen: 0, applied: 0 });
    }

    pub(super) fn are_none(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }

    /// Returns the fault of this call. Every rule counts the call; the first rule that applies wins.
    pub(super) fn of(&self, call: &Call) -> Option<Fault> {
        let mut rules = self.0.lock().unwrap();
        let hits: Vec<Fault> = rules.iter_mut().filter_map(|rule| rule.apply(call)).collect();
        hits.into_iter().next()
    }
}

/// The time after which a test that waits for a call fails. Without it, a call that does not come would end no test.
const GATE: Duration = Duration::from_mins(1);

/// A gate holds one call until the test releases it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gate {
    arrived: watch::Sender<Option<Call>>,
    open: watch::Sender<bool>,
    done: watch::Sender<bool>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            arrived: watch::Sender::new(None),
            open: watch::Sender::new(false),
            done: watch::Sender::new(false),
        }
    }
}

impl Gate {
    /// Waits until the call has arrived at the gate, and returns the call.
    pub async fn reached(&self) -> Call {
        let mut arrived = self.arrived.subscribe();
        let call = timeout(GATE, arrived.wait_for(Option::is_some)).await.expect("the call has not arrived");
        call.unwrap().clone().unwrap()
    }

    /// Opens the gate.
    pub fn release(&self) {
        self.open.send_replace(true);
    }

    /// Waits until the released call was executed.
    pub async fn finished(&self) {
        let mut done = self.done.subscribe();
        timeout(GATE, done.wait_for(|done| *done)).await.expect("the call was not executed").unwrap();
    }

    pub(super) fn finish(&self) {
        self.done.send_replace(true);
    }

    pub(super) async fn pass(&self, call: &Call) {
        self.arrived.send_replace(Some(call.clone()));
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
    }
}
