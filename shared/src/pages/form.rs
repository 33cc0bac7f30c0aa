//! HTML forms for an operation's body. They are made from the API's description, filled with the present values or the
//! submitted ones, and converted back into the JSON that a program would send.

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

/// The members of a JSON object, each as JSON text, so that a form does not change a client's own JSON.
pub type Texts = BTreeMap<String, Box<RawValue>>;

/// The name of the field that contains the whole body of a raw form. Django REST framework uses the same name.
pub const CONTENT: &str = "_content";
/// The name of the field that contains the body's media type.
pub const CONTENT_TYPE: &str = "_content_type";

/// The fields of a submitted form, by name. The page shows them again if the request was refused.
#[derive(Debug, Clone, Default)]
pub struct SubmittedForm(pub BTreeMap<String, String>);

/// An HTML form for the template.
#[derive(Debug)]
pub struct Form {
    /// The HTTP method of the form's request.
    pub method: &'static str,
    /// The fields of the form; empty if the body is only raw JSON.
    pub inputs: Vec<Input>,
    /// The faults that belong to none of the fields.
    pub faults: Vec<String>,
    /// The body as JSON, for the raw form.
    pub raw: String,
    /// True if the raw form was submitted.
    pub is_raw: bool,
}

/// A field of a form, for the template.
#[derive(Debug)]
pub struct Input {
    /// The description of the field.
    pub field: Field,
    /// The value that the form shows.
    pub value: String,
    /// The faults of the submitted value.
    pub faults: Vec<String>,
    /// True for the first field that has a fault.
    pub is_first_fault: bool,
}

impl Input {
    /// Returns the `type` of an `<input>`; `None` for other elements.
    pub fn line(&self) -> Option<&'static str> {
        match &self.field.kind {
            FieldKind::Line(line) => Some(line),
            FieldKind::Number => Some("number"),
            _ => None,
        }
    }

    /// Returns the options of a `<select>`; `None` for other elements.
    pub fn choices(&self) -> Option<Vec<&str>> {
        match &self.field.kind {
            FieldKind::Choice(choices) => Some(choices.iter().map(String::as_str).collect()),
            FieldKind::Switch => Some(vec!["true", "false"]),
            _ => None,
        }
    }

    /// Returns the label of the field: `first_name` becomes `First name`.
    pub fn label(&self) -> String {
        capitalised(&self.field.name.replace('_', " "))
    }

    /// Returns an explanation of the value's format; empty if the format is plain text.
    pub fn hint(&self) -> &'static str {
        match self.field.kind {
            FieldKind::List => "Enter one value on each line.",
            FieldKind::Json if !self.field.help.contains("JSON") => "Enter JSON.",
            _ => "",
        }
    }

    /// Returns the value of the attribute `autocomplete`.
    pub fn autocomplete(&self) -> &'static str {
        match self.field.name.as_str() {
            "old_password" | "password" => "current-password",
            "new_password" => "new-password",
            _ => "off",
        }
    }
}

impl Form {
    /// Creates the form of an operation. It is filled with `sent` if the request was refused, otherwise with `present`.
    pub fn new(
        method: &'static str,
        fields: &[Field],
        present: Option<&Texts>,
        sent: Option<&SubmittedForm>,
        errors: &Map<String, Value>,
    ) -> Self {
        let raw_sent = sent.and_then(|sent| sent.0.get(CONTENT));
        let shown = |field: &Field| match sent {
            // A password is never shown again, because the page's source would contain it.
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
            .flat_map(|(name, why)| reasons(Some(why)).into_iter().map(move |why| format!("{name} {why}")));
        Self {
            method,
            inputs,
            faults: faults.collect(),
            raw: raw_sent.cloned().unwrap_or_else(|| raw(fields, present)),
            is_raw: raw_sent.is_some(),
        }
    }

    /// Fills an empty field for the idempotency key, so that a form that is submitted twice has its effect once.
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

/// Returns a value as the text of a form's field. A list contains the ids of its objects, one on each line.
fn written(json: &RawValue) -> String {
    match Level::of(json) {
        Ok(Level::Literal("null")) => String::new(),
        Ok(Level::Text(text)) => text,
        Ok(Level::Array(list)) => list.iter().map(|one| written(&id_of(one))).collect::<Vec<_>>().join("\n"),
        _ => indented(json),
    }
}

/// Returns the id of a nested object, or the value itself if it has no id.
fn id_of(json: &RawValue) -> Box<RawValue> {
    let members = match Level::of(json) {
        Ok(Level::Object(members)) => members,
        _ => Vec::new(),
    };
    let id = members.into_iter().find(|(key, _)| key == "user_id");
    id.map_or(json, |(_, id)| id).to_owned()
}

/// Returns the JSON text of a value; `None` if it cannot be serialized.
fn text_of(value: &impl Serialize) -> Option<Box<RawValue>> {
    to_raw_value(value).ok()
}

/// Returns a body to edit: the present values, and an empty value for each required field without one.
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

/// Returns the body that a page's form represents, with each field converted by its kind. An empty field is left out,
/// or becomes `null` if a change removes its value.
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

/// Converts a typed text to JSON of this kind. A text that is not valid for the kind stays a JSON string, so that the
/// API refuses the field by name.
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
