//! The cost of an operation: calls of the SDK, capacity units, and the number of sequential round trips. `budgets.rs`
//! compares these costs with the figures of the design.
//!
//! ```rust
//! let (message, cost) = app.proxy.measure(ann.send(&conversation, "memo")).await;
//! assert!(cost.depth <= 3 && cost.writes() == 1, "{cost:?}");
//! ```

use serde_json::Value;

use super::call::Call;

/// The cost of the calls during one measurement.
#[derive(Debug, Clone, Default)]
pub struct Cost {
    /// The calls of the SDK, including retries.
    pub calls: Vec<String>,
    /// The number of sequential round trips. The depth of a call is one more than the greatest depth of the calls that
    /// were answered before it began.
    pub depth: u32,
    pub read_units: f64,
    pub write_units: f64,
    answered: u32,
    writes: usize,
}

impl Cost {
    /// Returns the number of calls that write.
    pub fn writes(&self) -> usize {
        self.writes
    }

    pub fn requests(&self) -> usize {
        self.calls.len()
    }

    /// Counts a call that begins now, and returns its depth.
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
