//! The operations of the OpenAPI document, and generated plans: for each field of a request, the fault that it has.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::description::resolve;

/// The fields of which a report has one.
const TARGETS: [&str; 3] = ["message", "user", "conversation"];

/// A change to a field of a valid request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Make {
    Good,
    Absent,
    WrongType,
    BadValue,
}

/// A small generator of pseudo-random numbers, the same in each run.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// An operation of the OpenAPI document.
pub struct Operation {
    pub method: Method,
    pub path: String,
    pub fields: Vec<String>,
    pub required: BTreeSet<String>,
    pub parameters: Vec<String>,
}

impl Operation {
    pub fn read(method: Method, path: String, operation: &Value) -> Self {
        let schema = resolve(&operation["requestBody"]["content"]["application/json"]["schema"]);
        let properties = schema["properties"].as_object().into_iter().flatten();
        let fields = properties.filter(|(_, field)| field["readOnly"] != true).map(|(name, _)| name.clone());
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let parameters = operation["parameters"].as_array().into_iter().flatten().map(resolve);
        let parameters = parameters.filter(|parameter| parameter["in"] == "query");
        Self {
            method,
            path,
            fields: fields.collect(),
            required: required.map(str::to_owned).collect(),
            parameters: parameters.filter_map(|one| one["name"].as_str()).map(str::to_owned).collect(),
        }
    }

    /// Generates a random change for each field.
    pub fn plan(&self, dice: &mut Dice) -> Vec<(String, Make)> {
        let plan = self.fields.iter().map(|name| {
            // A login and a closing accept any text as a password, and compare it after all other checks.
            let bad = bad_value(name).filter(|_| self.path == "/api/users/" || name != "password");
            let make = match (dice.roll(5), bad) {
                (0, _) => Make::WrongType,
                (1 | 2, Some(_)) => Make::BadValue,
                (3, _) => Make::Absent,
                _ if self.required.contains(name) => Make::Good,
                _ => Make::Absent,
            };
            (name.clone(), make)
        });
        plan.collect()
    }

    fn is_report(&self) -> bool {
        self.path == "/api/reports/"
    }

    /// Returns the fields that the answer has to contain in `errors`.
    pub fn faults(&self, plan: &[(String, Make)]) -> BTreeSet<String> {
        let faults = plan.iter().filter_map(|(name, make)| match make {
            Make::BadValue if name == "participants" => Some("participants[1]".to_owned()),
            Make::BadValue | Make::WrongType => Some(name.clone()),
            Make::Absent => self.required.contains(name).then(|| name.clone()),
            Make::Good => None,
        });
        let mut faults: BTreeSet<String> = faults.collect();
        // A report needs one of three fields.
        let has = |name: &&str| plan.iter().any(|(field, make)| field == name && *make != Make::Absent);
        if self.method == Method::POST && !TARGETS.iter().any(has) && self.is_report() {
            faults.insert("message".to_owned());
        }
        faults
    }
}

/// Returns a value that has the right type but is never valid; `None` if every value is valid.
pub fn bad_value(field: &str) -> Option<Value> {
    let text = match field {
        "email" => "ann@127.0.0.1",
        "password" | "new_password" => "12345678901234567890",
        "first_name" => "\u{200b}",
        "last_name" => "Mil\nler",
        "phone_number" => "call me",
        "role" => "king",
        "name" => "a\u{202e}b",
        "message_body" => "\u{2060}\u{3164}",
        "kind" => "channel",
        "conversation" | "message" | "user" | "reply_to" | "after" | "client_id" => "mine",
        "reason" => "rude",
        "state" => "ajar",
        "handled_by" => "you",
        "comment" | "note" => return Some(json!("a".repeat(1001))),
        "participants" => return Some(json!(["5e2f3f6e-4a0e-4cbb-8f0f-5f8b1f2d9a10", "ben"])),
        _ => return None,
    };
    Some(json!(text))
}

pub fn bad_parameter(name: &str) -> &'static str {
    match name {
        "limit" | "messages" => "1000",
        _ => "%21",
    }
}
