//! Forms for an operation's body: built from the API's description, filled with what is there or what was sent, and read
//! back into the JSON that a program would have sent.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};

use super::{
    capitalised,
    document::{Field, FieldKind, Operation},
    pretty::indented,
};
use crate::model::json::Level;

/// The members of a JSON object, each as its text: a client's own JSON passes through a form as it was written.
pub type Texts = BTreeMap<String, Box<RawValue>>;

/// The field of a raw form that holds the body, as Django REST Framework calls it.
pub const CONTENT: &str = "_content";
/// The field that holds the body's media type.
pub const CONTENT_TYPE: &str = "_content_type";

/// What a form was sent with, to be shown again where it was refused.
#[derive(Debug, Clone, Default)]
pub struct SubmittedForm(pub BTreeMap<String, String>);

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
            FieldKind::Line(line) => Some(line),
            FieldKind::Number => Some("number"),
            _ => None,
        }
    }

    /// What to choose among.
    pub fn choices(&self) -> Option<Vec<&str>> {
        match &self.field.kind {
            FieldKind::Choice(choices) => Some(choices.iter().map(String::as_str).collect()),
            FieldKind::Switch => Some(vec!["true", "false"]),
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
            FieldKind::List => "One to a line.",
            FieldKind::Json if !self.field.help.contains("JSON") => "JSON.",
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
        present: Option<&Texts>,
        sent: Option<&SubmittedForm>,
        errors: &Map<String, Value>,
    ) -> Self {
        let raw_sent = sent.and_then(|sent| sent.0.get(CONTENT));
        let shown = |field: &Field| match sent {
            // Never a password, which would stand in the page's source.
            _ if field.kind == FieldKind::Line("password") => String::new(),
            Some(sent) => sent.0.get(&field.name).cloned().unwrap_or_default(),
            None => present
                .and_then(|present| present.get(&field.name))
                .map(|json| written(json))
                .unwrap_or_default(),
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
fn written(json: &RawValue) -> String {
    match Level::of(json) {
        Ok(Level::Literal("null")) => String::new(),
        Ok(Level::Text(text)) => text,
        Ok(Level::Array(list)) => list.iter().map(|one| written(&id_of(one))).collect::<Vec<_>>().join("\n"),
        _ => indented(json),
    }
}

/// A nested thing's id, as a request names it.
fn id_of(json: &RawValue) -> Box<RawValue> {
    let members = match Level::of(json) {
        Ok(Level::Object(members)) => members,
        _ => Vec::new(),
    };
    let id = members.into_iter().find(|(key, _)| key == "user_id");
    id.map_or(json, |(_, id)| id).to_owned()
}

/// The text of a value that is made here.
fn text_of(value: &impl Serialize) -> Option<Box<RawValue>> {
    to_raw_value(value).ok()
}

/// A body to begin with: what is there, or an empty value for each field that there has to be.
fn raw(fields: &[Field], present: Option<&Texts>) -> String {
    let value = |field: &Field| {
        let there = present.and_then(|present| present.get(&field.name));
        match (there, &field.kind) {
            (Some(json), _) => match Level::of(json) {
                Ok(Level::Array(list)) => text_of(&list.into_iter().map(id_of).collect::<Vec<_>>()),
                _ => Some(json.clone()),
            },
            (None, _) if !field.is_required => None,
            (None, FieldKind::List) => text_of(&Value::Array(Vec::new())),
            (None, _) => text_of(&""),
        }
    };
    let body: Texts = fields.iter().filter_map(|field| Some((field.name.clone(), value(field)?))).collect();
    text_of(&body).map(|body| indented(&body)).unwrap_or_default()
}

/// The body that a page's form stands for: each field by its kind. A field that was left empty is one that is not there,
/// or `null` where a change empties it.
pub fn read_back(method: &str, operation: &Operation, pairs: &[(String, String)]) -> Texts {
    let fields = operation.fields.as_deref().unwrap_or_default();
    let mut body = Texts::new();
    for (name, text) in pairs {
        let text = text.replace("\r\n", "\n");
        let field = fields.iter().find(|field| field.name == *name);
        let value = match field {
            Some(field) if text.is_empty() && !field.is_required && field.kind != FieldKind::List => {
                if method == "POST" || !field.is_nullable {
                    continue;
                }
                text_of(&Value::Null)
            }
            Some(field) => value(&field.kind, &text),
            None => text_of(&text),
        };
        body.extend(value.map(|value| (name.clone(), value)));
    }
    body
}

/// What somebody has typed, as JSON of this kind; where it is none, as it is, so that the refusal names the field.
fn value(kind: &FieldKind, text: &str) -> Option<Box<RawValue>> {
    match kind {
        FieldKind::List => {
            let list = text.split([' ', ',', '\n', '\t']).filter(|one| !one.is_empty());
            text_of(&list.collect::<Vec<_>>())
        }
        FieldKind::Switch | FieldKind::Number | FieldKind::Json => {
            serde_json::from_str(text).ok().or_else(|| text_of(&text))
        }
        FieldKind::Line(_) | FieldKind::Text | FieldKind::Choice(_) => text_of(&text),
    }
}

#[cfg(test)]
mod tests;
