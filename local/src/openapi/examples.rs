//! Examples of bodies. They are combined from the examples of their fields, so each of them is valid and none is
//! written by hand.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::{Components, Content, Paths, RefOr, Response};

use super::operations_of;

/// Adds an example to every JSON body.
pub(super) fn complete(paths: &mut Paths, components: &mut Components) {
    let schemas = components.schemas.iter();
    let schemas =
        schemas.map(|(name, schema)| (name.clone(), serde_json::to_value(schema).unwrap_or_default()));
    let schemas: Schemas = schemas.collect();
    for (_, _, operation) in operations_of(paths) {
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            body.content.values_mut().for_each(|content| add(content, &schemas));
        }
        operation.responses.responses.values_mut().for_each(|response| add_to_response(response, &schemas));
    }
    components.responses.values_mut().for_each(|response| add_to_response(response, &schemas));
}

type Schemas = BTreeMap<String, Value>;

fn add_to_response(response: &mut RefOr<Response>, schemas: &Schemas) {
    if let RefOr::T(response) = response {
        response.content.values_mut().for_each(|content| add(content, schemas));
    }
}

fn add(content: &mut RefOr<Content>, schemas: &Schemas) {
    if let RefOr::T(content) = content
        && content.example.is_none()
        && let Some(schema) = &content.schema
    {
        let schema = serde_json::to_value(schema).unwrap_or_default();
        content.example = Some(example(&schema, schemas));
    }
}

/// Returns an example value of a schema.
fn example(schema: &Value, schemas: &Schemas) -> Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        return schemas.get(name).map_or(Value::Null, |schema| example(schema, schemas));
    }
    for said in [&schema["examples"][0], &schema["example"], &schema["default"], &schema["enum"][0]] {
        if !said.is_null() {
            return said.clone();
        }
    }
    let of_any = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    if let Some(any) = of_any {
        let any = any.iter().find(|schema| schema["type"] != "null");
        return any.map_or(Value::Null, |schema| example(schema, schemas));
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or_default();
    match kind {
        "object" => object(schema, schemas),
        "array" => json!([example(&schema["items"], schemas)]),
        "integer" => schema["minimum"].as_i64().unwrap_or(1).max(1).into(),
        "boolean" => false.into(),
        "string" if schema["format"] == "date-time" => json!("2026-11-22T18:00:00.000000Z"),
        _ => Value::Null,
    }
}

/// Returns all fields of a request except the read-only ones, or the required fields of an answer.
fn object(schema: &Value, schemas: &Schemas) -> Value {
    let fields = schema["properties"].as_object().into_iter().flatten();
    let is_request = schema["additionalProperties"] == false;
    let required =
        |name: &String| schema["required"].as_array().is_some_and(|names| names.contains(&json!(name)));
    let shown = fields.filter(|(name, field)| field["readOnly"] != true && (is_request || required(name)));
    shown.map(|(name, field)| (name.clone(), example(field, schemas))).collect::<Map<_, _>>().into()
}
