//! Answers that a layer under the SDK gives in place of `DynamoDB`: errors, cancelled transactions, and batches whose
//! second half is unprocessed. The proxy of the suite and the simulator use them.

use serde_json::{Value, json};

use super::call::{Call, Operation};

/// The message of every such error.
const MESSAGE: &str = "made by a layer under the SDK";

/// Returns the body of an error.
pub fn error(code: &str) -> Value {
    json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": MESSAGE })
}

/// Returns the body of the error of a cancelled transaction, with reasons by the positions of their steps.
pub fn cancelled(call: &Call, codes: &[(usize, &str)]) -> Value {
    let steps = call.body["TransactItems"].as_array().map_or(1, Vec::len);
    let mut reasons = vec![json!({ "Code": "None" }); steps];
    for (place, code) in codes {
        reasons[*place] = json!({ "Code": code, "Message": MESSAGE });
    }
    let named: Vec<&str> = reasons.iter().filter_map(|reason| reason["Code"].as_str()).collect();
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        named.join(", ")
    );
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": message,
        "CancellationReasons": reasons,
    })
}

/// A batch whose second half is left unprocessed.
pub struct HalfBatch {
    /// The call with the first half of the requests; `None` if that half is empty.
    pub now: Option<Call>,
    table: String,
    /// The name of the unprocessed half in the answer, and its requests.
    rest: (&'static str, Value),
}

impl HalfBatch {
    /// Divides a batch; `None` for other calls.
    pub fn of(call: &Call) -> Option<Self> {
        let (rest, list) = match call.operation {
            Operation::BatchGet => ("UnprocessedKeys", "/Keys"),
            Operation::BatchWrite => ("UnprocessedItems", ""),
            _ => return None,
        };
        let (table, wanted) = call.body["RequestItems"].as_object()?.iter().next()?;
        let all = wanted.pointer(list)?.as_array()?;
        let (now, later) = all.split_at(all.len() / 2);
        let with = |part: &[Value]| {
            let mut wanted = wanted.clone();
            *wanted.pointer_mut(list).unwrap() = part.to_vec().into();
            json!({ table.as_str(): wanted })
        };
        let first = || {
            let mut first = call.clone();
            first.body["RequestItems"] = with(now);
            first
        };
        let now = (!now.is_empty()).then(first);
        Some(Self { now, table: table.clone(), rest: (rest, with(later)) })
    }

    /// Returns the body of the answer. `executed` is the answer to the first half.
    pub fn answer(self, executed: Option<Value>) -> Value {
        let mut answer = executed.unwrap_or_else(|| json!({ "Responses": { self.table.as_str(): [] } }));
        let (name, rest) = self.rest;
        answer[name] = rest;
        answer
    }
}
