//! What goes wrong between the SDK and the table, as a test asks for it: `faults.fail(on(Put).of("MSG#"), After(Reset))`.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::call::{Call, On};

/// In which way a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// 500 `InternalServerError`, which the SDK retries.
    Error500,
    /// The connection is reset, which the SDK retries.
    Reset,
    /// No answer until the SDK gives up on the attempt, and retries.
    Timeout,
    /// An error that nobody retries: what a client sees of a function that dies at this call.
    Death,
}

/// What happens to a call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It fails and has no effect.
    Before(How),
    /// It takes effect, and its answer is lost.
    After(How),
    /// Another transaction is at the same item: `TransactionCanceledException` with its reasons for a transaction,
    /// `TransactionConflictException` for a single write. No effect; the SDK retries neither.
    Conflict,
    /// The table is still at an earlier try of this transaction: `TransactionInProgressException`. No effect; the SDK
    /// retries.
    InProgress,
    /// Another transaction has come to the last item of this one, where its condition fails, and is still at the first.
    HalfDone,
    /// `ThrottlingException`; no effect, and the SDK retries.
    Throttle,
    /// A transaction cancelled for throttling, which the SDK does not retry.
    ThrottledTransaction,
    /// A batch does the first half of what it is asked for, and hands back the rest.
    Unprocessed,
    /// A query's page ends after so many items, with a `LastEvaluatedKey`.
    ShortPage(u64),
    /// The call waits at the gate, then takes its course.
    Hold(Gate),
    /// The call takes its course, then its answer waits at the gate.
    HoldAnswer(Gate),
}

/// How often a rule applies.
#[derive(Debug, Clone, Copy)]
enum Often {
    /// To the n-th matching call (from 0) and so many after it.
    Window(usize, usize),
    /// To every other matching call, beginning with the first.
    EveryOther,
    /// To each matching call from the n-th (from 0).
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
    /// The first matching call.
    pub fn fail(&self, on: On, fault: Fault) {
        self.add(on, Often::Window(0, 1), fault);
    }

    /// The n-th matching call, counted from 0.
    pub fn fail_nth(&self, n: usize, on: On, fault: Fault) {
        self.add(on, Often::Window(n, 1), fault);
    }

    /// The first so many matching calls.
    pub fn fail_times(&self, times: usize, on: On, fault: Fault) {
        self.add(on, Often::Window(0, times), fault);
    }

    /// Every matching call from the n-th on, counted from 0: as if the function had died there.
    pub fn fail_from(&self, n: usize, on: On, fault: Fault) {
        self.add(on, Often::From(n), fault);
    }

    /// Every matching call.
    pub fn always(&self, on: On, fault: Fault) {
        self.add(on, Often::From(0), fault);
    }

    /// Every other matching call, beginning with the first.
    pub fn every_other(&self, on: On, fault: Fault) {
        self.add(on, Often::EveryOther, fault);
    }

    /// Holds the first matching call.
    pub fn hold(&self, on: On) -> Gate {
        self.hold_nth(0, on)
    }

    /// Holds the answer of the first matching call, which takes effect.
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

    /// Lets the first matching call pass; its gate tells when it has taken its course.
    pub fn watch(&self, on: On) -> Gate {
        self.watch_nth(0, on)
    }

    /// Lets the n-th matching call pass, counted from 0; its gate tells when it has taken its course.
    pub fn watch_nth(&self, n: usize, on: On) -> Gate {
        let gate = self.hold_nth(n, on);
        gate.release();
        gate
    }

    /// Back to a network where all goes well; how many calls were hit, so that a test can say that its fault occurred.
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

    /// What is to happen to this call: every rule counts it, the first that applies wins.
    pub(super) fn of(&self, call: &Call) -> Option<Fault> {
        let mut rules = self.0.lock().unwrap();
        let hits: Vec<Fault> = rules.iter_mut().filter_map(|rule| rule.apply(call)).collect();
        hits.into_iter().next()
    }
}

/// Where a call is held. Cheap to clone.
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
    /// Waits until the call is here; the call.
    pub async fn reached(&self) -> Call {
        self.arrived.subscribe().wait_for(Option::is_some).await.unwrap().clone().unwrap()
    }

    /// Lets it go.
    pub fn release(&self) {
        self.open.send_replace(true);
    }

    /// Waits until the call, let go, has taken its course.
    pub async fn finished(&self) {
        self.done.subscribe().wait_for(|done| *done).await.unwrap();
    }

    pub(super) fn finish(&self) {
        self.done.send_replace(true);
    }

    pub(super) async fn pass(&self, call: &Call) {
        self.arrived.send_replace(Some(call.clone()));
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
    }
}
