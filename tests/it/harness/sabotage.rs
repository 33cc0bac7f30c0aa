//! Takes one protection away under the SDK, to see that a test fails of it: a clause of a condition expression, or the
//! consistency of a read. `tests/sabotage` runs the suite once for each, as the suite itself has listed them.

use std::{
    collections::HashSet,
    fs::File,
    io::Write,
    sync::{LazyLock, Mutex},
};

use serde_json::Value;

use super::{call::Call, environment};

/// What is taken away in this run: `condition|Put|MSG#|<condition>|<clause>` or `strong|Get|MEMBER#`.
static TARGET: LazyLock<Option<Vec<String>>> = LazyLock::new(|| {
    let text = environment::sabotage()?;
    Some(text.split('|').map(str::to_owned).collect())
});

/// A file, and what stands in it.
type Listed = (File, HashSet<String>);

/// Where what could be taken away is listed, and what is there already.
static LIST: LazyLock<Option<Mutex<Listed>>> = LazyLock::new(|| {
    let file = File::options().create(true).append(true).open(environment::sabotage_list()?).unwrap();
    Some(Mutex::new((file, HashSet::new())))
});

pub fn is_on() -> bool {
    TARGET.is_some() || LIST.is_some()
}

/// The request without what is taken away.
pub fn done_to(call: &Call, body: Vec<u8>) -> Vec<u8> {
    if !is_on() {
        return body;
    }
    let mut request: Value = serde_json::from_slice(&body).unwrap_or_default();
    if call.reads() && !call.may_be_stale() {
        call.keys.iter().for_each(|key| list(&format!("strong|{:?}|{}", call.operation, prefix(key))));
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

/// Whether this read is answered as if it did not ask for consistency.
pub fn weakens(call: &Call) -> bool {
    let Some([what, operation, wanted]) = TARGET.as_deref() else {
        return false;
    };
    let touches = call.keys.iter().any(|key| prefix(key) == *wanted);
    what == "strong" && *operation == format!("{:?}", call.operation) && touches
}

/// Makes one clause of a step's condition true of everything; the names and values in it stay in use.
fn weaken(kind: &str, step: &mut Value) {
    let Some(condition) = step["ConditionExpression"].as_str().map(str::to_owned) else {
        return;
    };
    let key = step.pointer("/Item/sk/S").or_else(|| step.pointer("/Key/sk/S"));
    let prefix = prefix(key.and_then(Value::as_str).unwrap_or_default());
    // Two parts of one clause, as in `a OR b`, are taken away together.
    let clauses: Vec<&str> = condition.split(" AND ").collect();
    let mut weakened = Vec::new();
    for (place, clause) in clauses.iter().enumerate() {
        let name = ["condition", kind, &prefix, &condition, &place.to_string()].join("|");
        list(&name);
        let away = TARGET.as_ref().is_some_and(|target| target.join("|") == name);
        weakened.push(if away {
            format!("(({clause}) OR attribute_exists(pk) OR attribute_not_exists(pk))")
        } else {
            format!("({clause})")
        });
    }
    step["ConditionExpression"] = weakened.join(" AND ").into();
}

/// The kind of item behind a sort key; an id that a query names is none.
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
