//! What an operation costs: requests, capacity units, and how many of its round trips had to wait for one another.

use serde_json::Value;

use super::call::Call;

/// The cost of what ran while the meter was on.
#[derive(Debug, Clone, Default)]
pub struct Cost {
    /// Calls of the SDK, retries included.
    pub calls: Vec<String>,
    /// Sequential round trips: a call's depth is one more than the greatest depth among the calls that had been answered
    /// before it began.
    pub depth: u32,
    pub read_units: f64,
    pub write_units: f64,
    answered: u32,
    writes: usize,
}

impl Cost {
    /// How many of the calls write.
    pub fn writes(&self) -> usize {
        self.writes
    }

    pub fn requests(&self) -> usize {
        self.calls.len()
    }

    /// The depth of a call that begins now.
    pub(super) fn begin(&mut self, call: &Call) -> u32 {
        self.calls.push(call.describe());
        self.writes += usize::from(call.writes());
        self.answered + 1
    }

    pub(super) fn end(&mut self, call: &Call, depth: u32, answer: &[u8]) {
        self.answered = self.answered.max(depth);
        self.depth = self.depth.max(depth);
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let consumed = match &answer["ConsumedCapacity"] {
            Value::Array(tables) => tables.iter().map(units).sum(),
            one => units(one),
        };
        if call.writes() {
            self.write_units += consumed;
        } else {
            self.read_units += consumed;
        }
    }
}

fn units(consumed: &Value) -> f64 {
    consumed["CapacityUnits"].as_f64().unwrap_or_default()
}
