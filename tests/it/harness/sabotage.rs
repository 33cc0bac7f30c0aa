//! Removes one protection under the AWS SDK: a clause of a condition expression, or the consistency of a read. The
//! script `tests/sabotage` removes each protection in turn and runs the test that `tests/sabotage.tsv` names for it;
//! that test has to fail.
//!
//! ```sh
//! SABOTAGE='strong|Get|META|' cargo test --workspace --test it stale::an_admin_reads_what_was_made
//! ```

use std::{
    collections::{BTreeSet, HashSet},
    fs::File,
    io::Write,
    sync::{LazyLock, Mutex},
};

use serde_json::Value;

use super::{
    call::{Call, Operation},
    environment,
};

/// The protection to remove: `condition|Put|MSG# message|<condition>|<clause>` or `strong|Query|MSG#|newest one`.
static TARGET: LazyLock<Option<String>> = LazyLock::new(environment::sabotage);

/// A file and its lines.
type Listed = (File, HashSet<String>);

/// The file that lists every protection that the proxy has seen, and its present lines.
static LIST: LazyLock<Option<Mutex<Listed>>> = LazyLock::new(|| {
    let file = File::options().create(true).append(true).open(environment::sabotage_list()?).unwrap();
    Some(Mutex::new((file, HashSet::new())))
});

pub fn is_on() -> bool {
    TARGET.is_some() || LIST.is_some()
}

/// Returns the request without the protection to remove.
pub fn done_to(call: &Call, body: Vec<u8>) -> Vec<u8> {
    if !is_on() {
        return body;
    }
    let mut request: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Some(name) = strong(call) {
        list(&name);
    }
    match request["TransactItems"].as_array_mut() {
        Some(steps) => steps.iter_mut().for_each(|step| {
            let (kind, step) = step.as_object_mut().unwrap().iter_mut().next().unwrap();
            weaken(&format!("Transact{kind}"), step);
        }),
        None => weaken(&format!("{:?}", call.operation), &mut request),
    }
    request.to_string().into_bytes()
}

/// Returns true if this read is answered as if it were not strongly consistent.
pub fn weakens(call: &Call) -> bool {
    TARGET.is_some() && strong(call) == *TARGET
}

/// Returns the name of a strongly consistent read: the kinds of items and the extent of the read. The name is different
/// for most places in the store; `None` for other calls.
fn strong(call: &Call) -> Option<String> {
    if !call.reads() || call.may_be_stale() {
        return None;
    }
    let (kinds, how) = if call.operation == Operation::Query {
        let low = call.body.pointer("/ExpressionAttributeValues/:low/S").and_then(Value::as_str);
        (prefix(low.unwrap_or_default()), extent(&call.body))
    } else {
        let mut kinds: BTreeSet<String> = call.keys.iter().map(|key| prefix(key)).collect();
        // The first batch of a request also reads the session.
        if kinds.len() > 1 {
            kinds.remove("SESSION#");
        }
        (kinds.into_iter().collect::<Vec<_>>().join(" "), "")
    };
    Some(format!("strong|{:?}|{kinds}|{how}", call.operation))
}

fn extent(query: &Value) -> &'static str {
    match (query["ScanIndexForward"].as_bool(), query["Limit"].as_u64()) {
        (Some(false), Some(1)) => "newest one",
        (Some(false), Some(_)) => "newest",
        (Some(false), None) => "all, newest first",
        (_, Some(_)) => "oldest",
        (_, None) => "all",
    }
}

/// Makes one clause of a step's condition always true. The names and values in the clause stay in use, as `DynamoDB`
/// requires.
fn weaken(kind: &str, step: &mut Value) {
    let Some(condition) = step["ConditionExpression"].as_str().map(str::to_owned) else {
        return;
    };
    let key = step.pointer("/Item/sk/S").or_else(|| step.pointer("/Key/sk/S"));
    let item = format!("{}{}", prefix(key.and_then(Value::as_str).unwrap_or_default()), written(step));
    // The two parts of a clause such as `a OR b` are removed together.
    let clauses: Vec<&str> = condition.split(" AND ").collect();
    let mut weakened = Vec::new();
    for (place, clause) in clauses.iter().enumerate() {
        let name = ["condition", kind, &item, &condition, &place.to_string()].join("|");
        list(&name);
        let away = TARGET.as_ref() == Some(&name);
        // DynamoDB refuses a second pair of parentheses.
        let clause = if clause.starts_with('(') { (*clause).to_owned() } else { format!("({clause})") };
        weakened.push(if away {
            format!("({clause} OR attribute_exists(pk) OR attribute_not_exists(pk))")
        } else {
            clause
        });
    }
    step["ConditionExpression"] = weakened.join(" AND ").into();
}

/// Returns the kind of the item of a put, or the first attribute of an update. It distinguishes places in the store
/// with the same condition.
fn written(step: &Value) -> String {
    let put = step.pointer("/Item/item/S").and_then(Value::as_str);
    let update = step["UpdateExpression"].as_str().and_then(|update| update.split('#').nth(1));
    let name = |text: &str| text.split([' ', ',']).next().map(|name| format!(" {name}"));
    put.or(update).and_then(name).unwrap_or_default()
}

/// Returns the kind of an item from its sort key, without the id.
fn prefix(key: &str) -> String {
    match key.split_once('#') {
        Some((kind, _)) => format!("{kind}#"),
        None => key.to_owned(),
    }
}

fn list(name: &str) {
    if let Some(list) = &*LIST {
        let (file, seen) = &mut *list.lock().unwrap();
        if seen.insert(name.to_owned()) {
            writeln!(file, "{name}").unwrap();
        }
    }
}
