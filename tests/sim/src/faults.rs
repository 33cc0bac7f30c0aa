//! Faults of single calls: their frequency, and the answers that they give. See `tests/it/harness/proxy.rs` for the same
//! faults at chosen calls.

use std::time::Duration;

use rand::{RngExt as _, rngs::StdRng};
use serde_json::json;
use shared::store::Answer;

use crate::{
    call::{Call, Operation},
    engine::HOLD,
    refusals::{self, HalfBatch},
};

/// The fault of one call.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// An error before the call has an effect.
    Before(Failure),
    /// An error after the call took effect.
    After(Failure),
    /// Another transaction holds an item of the call.
    Conflict,
    /// An earlier attempt of the transaction is in progress.
    InProgress,
    /// A batch executes half of its requests.
    Unprocessed,
    /// A query returns at most this number of items.
    ShortPage(u64),
    /// The write waits until another one has written its item.
    Hold,
    /// The call takes effect late; the SDK may have given it up.
    Delay(Duration),
    /// The call takes effect, and its answer is late.
    LateAnswer(Duration),
}

/// The error of a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    Error500,
    Reset,
    Throttled,
}

/// Draws the fault of a call: about one read in twelve and one write in six have one.
pub fn draw(call: &Call, rng: &mut StdRng) -> Option<Fault> {
    let share = if call.writes() { 1.0 / 6.0 } else { 1.0 / 12.0 };
    if call.operation == Operation::Other || !rng.random_bool(share) {
        return None;
    }
    if call.writes() && rng.random_bool(0.5) {
        return Some(Fault::Hold);
    }
    let failure = |rng: &mut StdRng| match rng.random_range(0..3) {
        0 => Failure::Error500,
        1 => Failure::Reset,
        _ => Failure::Throttled,
    };
    // From 10 ms to 40 s, short ones more often.
    let delay = |rng: &mut StdRng| Duration::from_secs_f64(0.01 * 4000_f64.powf(rng.random_range(0.0..1.0)));
    let fault = match rng.random_range(0..10) {
        0 | 1 => Fault::Before(failure(rng)),
        2 | 3 => match failure(rng) {
            Failure::Throttled => Fault::After(Failure::Error500),
            failure => Fault::After(failure),
        },
        4 if call.writes() => Fault::Conflict,
        5 if call.operation == Operation::Transact => Fault::InProgress,
        6 if matches!(call.operation, Operation::BatchGet | Operation::BatchWrite) => Fault::Unprocessed,
        7 if call.operation == Operation::Query => Fault::ShortPage(rng.random_range(1..4)),
        8 => Fault::LateAnswer(delay(rng)),
        _ => Fault::Delay(delay(rng)),
    };
    Some(fault)
}

impl Fault {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Before(Failure::Error500) => "500 before",
            Self::Before(Failure::Reset) => "reset before",
            Self::Before(Failure::Throttled) => "throttled",
            Self::After(Failure::Reset) => "reset after",
            Self::After(_) => "500 after",
            Self::Conflict => "conflict",
            Self::InProgress => "in progress",
            Self::Unprocessed => "unprocessed",
            Self::ShortPage(_) => "short page",
            Self::Hold => "held",
            Self::Delay(_) => "delay",
            Self::LateAnswer(_) => "late answer",
        }
    }

    /// Returns true if the call fails.
    pub const fn fails(&self) -> bool {
        matches!(self, Self::Before(_) | Self::After(_) | Self::Conflict | Self::InProgress)
    }

    /// Returns the longest time that the fault takes.
    pub const fn delay(&self) -> Duration {
        match self {
            Self::Delay(delay) | Self::LateAnswer(delay) => *delay,
            Self::Hold => HOLD,
            _ => Duration::ZERO,
        }
    }

    /// Returns the answer of a call with this fault; `None` is a reset. `execute` runs a call.
    pub fn apply(&self, call: &Call, mut execute: impl FnMut(&Call) -> Answer) -> Option<Answer> {
        match self {
            Self::Before(failure) => failed(*failure),
            Self::After(failure) => {
                execute(call);
                failed(*failure)
            }
            Self::Conflict if call.operation == Operation::Transact => Some(cancelled(call)),
            Self::Conflict => Some(error(400, "TransactionConflictException")),
            Self::InProgress => Some(error(400, "TransactionInProgressException")),
            Self::Unprocessed => Some(half_of(call, execute)),
            Self::ShortPage(most) => {
                let mut short = call.clone();
                short.body["Limit"] = json!(call.body["Limit"].as_u64().unwrap_or(*most).min(*most));
                Some(execute(&short))
            }
            Self::Hold | Self::Delay(_) | Self::LateAnswer(_) => Some(execute(call)),
        }
    }
}

fn failed(failure: Failure) -> Option<Answer> {
    match failure {
        Failure::Error500 => Some(error(500, "InternalServerError")),
        Failure::Reset => None,
        Failure::Throttled => Some(error(400, "ThrottlingException")),
    }
}

fn error(status: u16, code: &str) -> Answer {
    Answer::Json { status, body: refusals::error(code).to_string() }
}

/// The first step of the transaction conflicts.
fn cancelled(call: &Call) -> Answer {
    let body = refusals::cancelled(call, &[(0, "TransactionConflict")]);
    Answer::Json { status: 400, body: body.to_string() }
}

/// Executes the first half of a batch and returns the rest as unprocessed.
fn half_of(call: &Call, mut execute: impl FnMut(&Call) -> Answer) -> Answer {
    let Some(half) = HalfBatch::of(call) else {
        return execute(call);
    };
    let mut executed = None;
    if let Some(now) = &half.now {
        let answer = execute(now);
        let Answer::Json { status: 200, body } = answer else {
            return answer;
        };
        executed = serde_json::from_str(&body).ok();
    }
    Answer::Json { status: 200, body: half.answer(executed).to_string() }
}
