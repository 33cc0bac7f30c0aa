//! Probes of single writes: what would this write do if another writer had been faster? The engine answers it on a copy of the
//! items that the call writes, in which one item is gone, exists already, or was changed. Such a write has to be refused. The
//! rules below say which changes of which items those are; they do not look at the conditions of the write.
//!
//! Most of these states need three requests that meet within milliseconds. A probe needs none.

use local::engine::InMemory;
use serde_json::{Value, json};
use shared::store::Answer;

use crate::{
    call::Call,
    stream::{is_bucket, kind},
    world::TABLE,
    writes::{Kind, Write},
};

/// A time in the past and one far in the future, in the units of the attributes that have them.
const PAST: i64 = 1;
const LATER: i64 = 9_000_000_000_000_000;

/// A number above those that a simulation reaches.
const HIGH: i64 = 1_000_000;

/// The item before the write, as another writer has left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The item does not exist.
    Gone,
    /// The item exists, and another writer has put it.
    Taken,
    /// A number of the item is higher than the write knows.
    Number(&'static str, i64),
    /// A text of the item is another one.
    Text(&'static str, &'static str),
    /// A note of the item is set that the write does not know.
    Noted(&'static str),
}

/// Returns the states in which a call has to be refused: the place of a write and the state of its item.
pub fn refused(writes: &[Write]) -> Vec<(usize, State)> {
    let places = writes.iter().enumerate();
    places.flat_map(|(place, write)| refused_in(write).into_iter().map(move |state| (place, state))).collect()
}

/// Returns the states in which a write has to be refused.
fn refused_in(write: &Write) -> Vec<State> {
    use State::{Gone, Taken};
    if !write.has_condition {
        return Vec::new();
    }
    let mut states = match write.kind {
        // A marker replaces the credential of its own user.
        Kind::Put if write.is_of("CREDENTIAL") && write.has_value("user") => Vec::new(),
        // A marker replaces a session whose version is older.
        Kind::Put if write.is_of("SESSION#") && write.has_value("version") => Vec::new(),
        // An attempt replaces the tally that it has read, and a payment the bucket.
        Kind::Put if write.has_value("seen") && (write.is_of("TALLY#") || is_bucket(&write.sk)) => Vec::new(),
        Kind::Put | Kind::Check => vec![Taken],
        Kind::Update => vec![Gone],
        Kind::Delete if write.is_of("MEMBER#") => vec![Gone],
        Kind::Delete => Vec::new(),
    };
    states.extend(changed_for(write));
    states
}

/// Returns the changes of an attribute with which a write has to be refused.
fn changed_for(write: &Write) -> Vec<State> {
    use State::{Noted, Number, Text};
    let sets = |name: &str| write.sets(name);
    match kind(&write.sk) {
        "MSG" if write.kind == Kind::Update => vec![Number("revision", HIGH)],
        "META" if write.has_value("noted") => vec![Noted("has_large_edits")],
        // A later request has archived more messages.
        "MEMBER" | "CONV" if sets("archived_tail") && write.has_value("tail") => {
            vec![Number("archived_tail", HIGH)]
        }
        "MEMBER" if sets("moved_back") => vec![Number("moved_back", HIGH)],
        "MEMBER" if sets("read") => vec![Number("read", HIGH), Number("moved_back", HIGH)],
        "MEMBER" if sets("base") => vec![Number("base", HIGH)],
        // Closing an account, and a change of the password, need the version that they have read.
        "PROFILE" if write.has_value("seen") => {
            vec![Number("credential_version", HIGH), Text("role", "another")]
        }
        "PROFILE" if sets("credential_version") => vec![Number("credential_version", HIGH)],
        "PROFILE" => vec![Number("closed_at", PAST)],
        "CREDENTIAL" if write.kind == Kind::Put && write.has_value("user") => vec![Text("user", "another")],
        "CREDENTIAL" if sets("hash") => vec![Number("version", HIGH), Text("user", "another")],
        "TALLY" if write.has_value("seen") => vec![Number("failures", 1_000), Number("not_before", LATER)],
        "OPEN" if write.kind == Kind::Delete => vec![Number("version", HIGH)],
        "CREATE" | "REPORT" if write.has_value("seen") => {
            vec![Number("tokens", 1_000), Number("updated_at", LATER)]
        }
        "SESSION" if sets("generation") => vec![
            Number("generation", HIGH),
            Text("kind", "cookie"),
            Number("expires_at", PAST),
            Number("created_at", PAST),
        ],
        "SESSION" if sets("credential_version") || write.has_value("version") => {
            vec![Number("credential_version", HIGH)]
        }
        "KEY" if write.kind == Kind::Update => vec![Number("not_after", PAST)],
        _ => Vec::new(),
    }
}

/// The engine for the copies.
pub struct Probes(InMemory);

impl Probes {
    pub fn new(seconds: u64) -> Result<Self, String> {
        InMemory::new(seconds).map(Self)
    }

    /// Creates the table: runs the calls that are about the table itself.
    pub fn prepare(&self, name: &str, body: &[u8]) {
        drop(self.0.answer(name, body));
    }

    /// Probes a call in which the write at this place is in this state. `present` returns the present item of a key in the format of
    /// DynamoDB. Returns the finding.
    pub fn probe(
        &self,
        call: &Call,
        sent: &[u8],
        (place, state): (usize, State),
        present: impl Fn(&Write) -> Option<Value>,
    ) -> Option<String> {
        let writes = Write::all(call);
        let items: Vec<Option<Value>> = writes.iter().map(&present).collect();
        let changed = altered(&writes[place], items[place].as_ref(), state)?;
        let mut body: Value = serde_json::from_slice(sent).ok()?;
        if let Some(fields) = body.as_object_mut() {
            // The token would make the engine repeat its first answer.
            fields.remove("ClientRequestToken");
        }
        for (number, item) in items.iter().enumerate() {
            let item = if number == place { changed.as_ref() } else { item.as_ref() };
            if let Some(item) = item {
                self.run("PutItem", &json!({ "TableName": TABLE, "Item": item }));
            }
        }
        let answer = self.run(&call.name, &body);
        for write in &writes {
            let key = json!({ "pk": {"S": write.pk}, "sk": {"S": write.sk} });
            self.run("DeleteItem", &json!({ "TableName": TABLE, "Key": key }));
        }
        (answer.status() == 200).then(|| {
            let write = &writes[place];
            format!("{} would take effect although {} {} is {state:?}", call.describe(), write.pk, write.sk)
        })
    }

    fn run(&self, name: &str, body: &Value) -> Answer {
        self.0.answer(name, body.to_string().as_bytes())
    }
}

/// Returns the item as another writer has left it; `None` if this write cannot meet that state now.
fn altered(write: &Write, present: Option<&Value>, state: State) -> Option<Option<Value>> {
    let with = |name: &str, value: Value| {
        let mut item = present?.clone();
        item[name] = value;
        Some(Some(item))
    };
    match state {
        State::Gone => Some(None),
        // A registration may replace the marker of a closed account. Another one has replaced it before.
        State::Taken if present.is_some_and(|item| item["item"]["S"] != "closed_credential") => {
            with("version", json!({ "N": "1000000" }))
        }
        State::Taken => Some(Some(json!({
            "pk": { "S": write.pk }, "sk": { "S": write.sk }, "item": { "S": "another" }, "version": { "N": "1000000" },
        }))),
        State::Number(name, number) => with(name, json!({ "N": number.to_string() })),
        State::Text(name, text) => with(name, json!({ "S": text })),
        // A write that knows the note may find it.
        State::Noted(name) if present.is_some_and(|item| item[name]["BOOL"] == true) => None,
        State::Noted(name) => with(name, json!({ "BOOL": true })),
    }
}
