//! Forms for an operation's body: built from the API's description, filled with what is there or what was sent, and read
//! back into the JSON that a program would have sent.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    capitalised,
    document::{Field, Kind, Operation},
};

/// The field of a raw form that holds the body, as Django REST Framework calls it.
pub const CONTENT: &str = "_content";
/// The field that holds the body's media type.
pub const CONTENT_TYPE: &str = "_content_type";

/// What a form was sent with, to be shown again where it was refused.
#[derive(Debug, Clone, Default)]
pub struct Sent(pub BTreeMap<String, String>);

/// A form as the template shows it.
#[derive(Debug)]
pub struct Form {
    /// The method that it sends.
    pub method: &'static str,
    /// Its fields; none where the body is raw JSON only.
    pub inputs: Vec<Input>,
    /// What is wrong with none of its fields.
    pub faults: Vec<String>,
    /// The body as JSON, for the raw form.
    pub raw: String,
    /// Whether the raw form was sent.
    pub is_raw: bool,
}

/// A field as the template shows it.
#[derive(Debug)]
pub struct Input {
    /// What it is.
    pub field: Field,
    /// What is in it.
    pub value: String,
    /// What is wrong with what was sent.
    pub faults: Vec<String>,
    /// Whether it is the first that something is wrong with.
    pub is_first_fault: bool,
}

impl Input {
    /// The type of a one-line input; none for other elements.
    pub fn line(&self) -> Option<&'static str> {
        match &self.field.kind {
            Kind::Line(line) => Some(line),
            Kind::Number => Some("number"),
            _ => None,
        }
    }

    /// What to choose among.
    pub fn choices(&self) -> Option<Vec<&str>> {
        match &self.field.kind {
            Kind::Choice(choices) => Some(choices.iter().map(String::as_str).collect()),
            Kind::Switch => Some(vec!["true", "false"]),
            _ => None,
        }
    }

    /// `first_name` as `First name`.
    pub fn label(&self) -> String {
        capitalised(&self.field.name.replace('_', " "))
    }

    /// How its value is written where that is not plain.
    pub fn hint(&self) -> &'static str {
        match self.field.kind {
            Kind::List => "One to a line.",
            Kind::Json if !self.field.help.contains("JSON") => "JSON.",
            _ => "",
        }
    }

    /// What a browser may fill it with.
    pub fn autocomplete(&self) -> &'static str {
        match self.field.name.as_str() {
            "old_password" | "password" => "current-password",
            "new_password" => "new-password",
            _ => "off",
        }
    }
}

impl Form {
    /// Of an operation, filled with what is there (`present`), or with what was sent and refused.
    pub fn new(
        method: &'static str,
        fields: &[Field],
        present: Option<&Map<String, Value>>,
        sent: Option<&Sent>,
        errors: &Map<String, Value>,
    ) -> Self {
        let raw_sent = sent.and_then(|sent| sent.0.get(CONTENT));
        let shown = |field: &Field| match sent {
            // Never a password, which would stand in the page's source.
            _ if field.kind == Kind::Line("password") => String::new(),
            Some(sent) => sent.0.get(&field.name).cloned().unwrap_or_default(),
            None => present.and_then(|present| present.get(&field.name)).map(written).unwrap_or_default(),
        };
        let mut has_fault = false;
        let inputs = fields.iter().map(|field| {
            let faults = reasons(errors.get(&field.name));
            let is_first_fault = !faults.is_empty() && !has_fault;
            has_fault |= !faults.is_empty();
            Input { field: field.clone(), value: shown(field), faults, is_first_fault }
        });
        let inputs: Vec<Input> = inputs.collect();
        let others = errors.iter().filter(|(name, _)| !fields.iter().any(|field| field.name == **name));
        let faults = others
            .flat_map(|(name, why)| reasons(Some(why)).into_iter().map(move |why| format!("{name}: {why}")));
        Self {
            method,
            inputs,
            faults: faults.collect(),
            raw: raw_sent.cloned().unwrap_or_else(|| raw(fields, present)),
            is_raw: raw_sent.is_some(),
        }
    }

    /// Fills the field for a client key: a form that is sent twice does its work once.
    pub fn give_key(&mut self, key: &str) {
        let field =
            self.inputs.iter_mut().find(|input| input.field.name == "client_id" && input.value.is_empty());
        if let Some(input) = field {
            key.clone_into(&mut input.value);
        }
    }
}

fn reasons(value: Option<&Value>) -> Vec<String> {
    let reasons = value.and_then(Value::as_array).into_iter().flatten();
    reasons.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A value as a form's field holds it. A thing in a list is named by its id.
fn written(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(|one| written(&id_of(one))).collect::<Vec<_>>().join("\n"),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

/// A nested thing's id, as a request names it.
fn id_of(value: &Value) -> Value {
    value.get("user_id").unwrap_or(value).clone()
}

/// A body to begin with: what is there, or an empty value for each field that there has to be.
fn raw(fields: &[Field], present: Option<&Map<String, Value>>) -> String {
    let value = |field: &Field| {
        let there = present.and_then(|present| present.get(&field.name));
        match (there, &field.kind) {
            (Some(Value::Array(list)), _) => Some(list.iter().map(id_of).collect()),
            (Some(value), _) => Some(value.clone()),
            (None, _) if !field.is_required => None,
            (None, Kind::List) => Some(Value::Array(Vec::new())),
            (None, _) => Some(Value::String(String::new())),
        }
    };
    let body: Map<String, Value> =
        fields.iter().filter_map(|field| Some((field.name.clone(), value(field)?))).collect();
    serde_json::to_string_pretty(&body).unwrap_or_default()
}

/// The body that a page's form stands for: each field by its kind. A field that was left empty is one that is not there,
/// or `null` where a change empties it.
pub fn read_back(method: &str, operation: &Operation, pairs: &[(String, String)]) -> Map<String, Value> {
    let fields = operation.fields.as_deref().unwrap_or_default();
    let mut body = Map::new();
    for (name, text) in pairs {
        let text = text.replace("\r\n", "\n");
        let field = fields.iter().find(|field| field.name == *name);
        let value = match field {
            Some(field) if text.is_empty() && !field.is_required && field.kind != Kind::List => {
                if method == "POST" || !field.is_nullable {
                    continue;
                }
                Value::Null
            }
            Some(field) => value(&field.kind, text),
            None => Value::String(text),
        };
        body.insert(name.clone(), value);
    }
    body
}

/// What somebody has typed, as JSON of this kind; where it is none, as it is, so that the refusal names the field.
fn value(kind: &Kind, text: String) -> Value {
    let parsed = || serde_json::from_str(&text).ok();
    match kind {
        Kind::List => text.split([' ', ',', '\n', '\t']).filter(|one| !one.is_empty()).collect(),
        Kind::Switch | Kind::Number | Kind::Json => parsed().unwrap_or(Value::String(text)),
        Kind::Line(_) | Kind::Text | Kind::Choice(_) => Value::String(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(name: &str, kind: Kind, is_required: bool) -> Field {
        let (help, max_length) = (String::new(), None);
        Field { name: name.to_owned(), help, kind, is_required, is_nullable: true, max_length }
    }

    fn fields() -> Vec<Field> {
        vec![
            field("participants", Kind::List, true),
            field("name", Kind::Line("text"), false),
            field("metadata", Kind::Json, false),
            field("unread", Kind::Switch, false),
            field("password", Kind::Line("password"), false),
        ]
    }

    #[test]
    fn a_form_is_the_json_that_it_stands_for() {
        let operation = Operation { fields: Some(fields()), ..Operation::default() };
        let pairs = [
            ("participants", "a, b\r\nc"),
            ("name", ""),
            ("metadata", "{\"a\":[1]}"),
            ("unread", "true"),
            ("x", "1"),
        ];
        let pairs = pairs.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let body = |method| Value::Object(read_back(method, &operation, &pairs));
        let posted =
            json!({ "participants": ["a", "b", "c"], "metadata": { "a": [1] }, "unread": true, "x": "1" });
        assert_eq!(body("POST"), posted);
        assert_eq!(body("PATCH")["name"], Value::Null);
        assert!(body("PATCH").as_object().unwrap().contains_key("name"));
        let bad = read_back("POST", &operation, &[("metadata".to_owned(), "{".to_owned())]);
        assert_eq!(bad["metadata"], "{");
    }

    #[test]
    fn a_form_shows_what_is_there_or_what_was_sent_and_never_a_password() {
        let present =
            json!({ "participants": [{ "user_id": "u" }], "name": "n", "metadata": {}, "password": "p" });
        let none = Map::new();
        let form = Form::new("PUT", &fields(), present.as_object(), None, &none);
        let values: Vec<&str> = form.inputs.iter().map(|input| input.value.as_str()).collect();
        assert_eq!(values, ["u", "n", "{}", "", ""]);
        assert_eq!(serde_json::from_str::<Value>(&form.raw).unwrap()["participants"], json!(["u"]));
        let sent =
            Sent([("name", "x"), ("password", "hush")].map(|(a, b)| (a.to_owned(), b.to_owned())).into());
        let errors = json!({ "name": ["is bad"], "other": ["is none"], "metadata": ["too"] });
        let form = Form::new("PUT", &fields(), None, Some(&sent), errors.as_object().unwrap());
        assert_eq!((form.inputs[1].value.as_str(), form.inputs[4].value.as_str()), ("x", ""));
        assert_eq!(form.inputs[1].faults, ["is bad"]);
        assert_eq!(form.faults, ["other: is none"]);
        let first: Vec<bool> = form.inputs.iter().map(|input| input.is_first_fault).collect();
        assert_eq!(first, [false, true, false, false, false]);
    }
}
