//! The API's description as the pages need it: the texts of each operation and the fields of its body. It is parsed
//! once, for the first page.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::Value;

/// The description of the API, in JSON. The API serves these bytes.
pub const DOCUMENT: &str = include_str!("../../openapi.json");

/// The maximum length, in characters, of text fields with an input of one line.
const LINE: u64 = 300;

static OPERATIONS: LazyLock<HashMap<String, Operation>> = LazyLock::new(|| {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap_or_default();
    operations(&document)
});

/// An operation: one method of one path.
#[derive(Debug, Default)]
pub struct Operation {
    /// The name of the operation, for people.
    pub summary: String,
    /// The explanation of the operation, for people.
    pub description: String,
    /// True if the operation needs no login.
    pub is_open: bool,
    /// The fields of the body; `None` if the operation has no body.
    pub fields: Option<Vec<Field>>,
    /// The names of the query parameters.
    pub parameters: Vec<String>,
}

/// A field of a body.
#[derive(Debug, Clone)]
pub struct Field {
    /// The name of the field in the API.
    pub name: String,
    /// The description of the field, for people.
    pub help: String,
    /// The kind of the field's values.
    pub kind: FieldKind,
    /// True if the field is required.
    pub is_required: bool,
    /// True if the field may be `null`.
    pub is_nullable: bool,
    /// The maximum length in characters.
    pub max_length: Option<u64>,
}

/// The kind of a field's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    /// A text of one line, with the `type` of its `<input>`.
    Line(&'static str),
    /// A text of several lines.
    Text,
    /// One of these texts.
    Choice(Vec<String>),
    /// True or false.
    Switch,
    /// An integer or a decimal number.
    Number,
    /// A list of texts.
    List,
    /// Any other value, as JSON.
    Json,
}

impl FieldKind {
    /// Returns the effort of filling in the field, for sorting: fields with less effort come first.
    const fn effort(&self) -> u8 {
        match self {
            Self::Line(_) | Self::Text => 0,
            Self::Choice(_) | Self::Switch | Self::Number => 1,
            Self::List => 2,
            Self::Json => 3,
        }
    }
}

/// Returns the operation of a method at a path, in the spelling of the routes; `None` if the description does not
/// contain it.
pub fn operation(method: &str, path: &str) -> Option<&'static Operation> {
    OPERATIONS.get(&format!("{method} {path}"))
}

fn operations(document: &Value) -> HashMap<String, Operation> {
    let mut found = HashMap::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            found.insert(format!("{} {path}", method.to_uppercase()), read(document, operation));
        }
    }
    found
}

fn read(document: &Value, operation: &Value) -> Operation {
    let body = operation.pointer("/requestBody/content/application~1json/schema");
    let security = operation["security"].as_array().or(document["security"].as_array());
    Operation {
        summary: text(&operation["summary"]),
        description: text(&operation["description"]),
        is_open: security.is_none_or(|ways| {
            ways.is_empty() || ways.iter().any(|way| way.as_object().is_some_and(serde_json::Map::is_empty))
        }),
        fields: body.map(|schema| fields(document, schema)),
        parameters: parameters(operation),
    }
}

fn parameters(operation: &Value) -> Vec<String> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    let of_query = all.filter(|parameter| parameter["in"] == "query");
    of_query.filter_map(|parameter| parameter["name"].as_str()).map(str::to_owned).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn fields(document: &Value, schema: &Value) -> Vec<Field> {
    let schema = resolved(document, schema);
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    let mut fields: Vec<Field> = properties
        .filter(|(_, property)| property["readOnly"] != true)
        .map(|(name, property)| field(document, name, property, required.contains(&name.as_str())))
        .collect();
    // Required fields come first, in the order of the schema's list `required`.
    let place = |name: &String| required.iter().position(|required| required == name).unwrap_or(usize::MAX);
    fields.sort_by_key(|field| (place(&field.name), field.kind.effort()));
    fields
}

fn field(document: &Value, name: &str, property: &Value, is_required: bool) -> Field {
    let schema = resolved(document, property);
    let described = chain(document, property).find_map(|schema| schema["description"].as_str());
    Field {
        name: name.to_owned(),
        help: described.unwrap_or_default().replace('`', ""),
        kind: kind(schema),
        is_required,
        is_nullable: is_nullable(property) || is_nullable(schema),
        max_length: schema["maxLength"].as_u64(),
    }
}

/// Returns the schema at the end of all references. Of a schema and `null`, it returns the schema.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    chain(document, schema).last().unwrap_or(schema)
}

/// Returns a schema, the schema that it refers to, the next one, and so on.
fn chain<'a>(document: &'a Value, schema: &'a Value) -> impl Iterator<Item = &'a Value> {
    let next = move |schema: &&'a Value| {
        let referred =
            schema["$ref"].as_str().and_then(|reference| document.pointer(reference.strip_prefix('#')?));
        let mut ways = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|name| schema[name].as_array());
        referred.or_else(|| ways.next()?.iter().find(|way| way["type"] != "null"))
    };
    // The references of the API's own description have no cycles. The bound ends the loop if a mistake makes one.
    std::iter::successors(Some(schema), next).take(8)
}

fn is_nullable(schema: &Value) -> bool {
    let names_null = |value: &Value| *value == "null" || value["type"] == "null";
    ["type", "oneOf", "anyOf"]
        .into_iter()
        .any(|name| schema[name].as_array().is_some_and(|ways| ways.iter().any(names_null)))
}

fn kind(schema: &Value) -> FieldKind {
    if let Some(choices) = schema["enum"].as_array() {
        return FieldKind::Choice(choices.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    }
    let named = match &schema["type"] {
        Value::Array(types) => types.iter().find(|name| **name != "null").and_then(Value::as_str),
        name => name.as_str(),
    };
    match (named, schema["format"].as_str()) {
        (Some("string"), Some("password")) => FieldKind::Line("password"),
        (Some("string"), Some("email" | "idn-email")) => FieldKind::Line("email"),
        (Some("string"), _) if schema["maxLength"].as_u64().is_some_and(|most| most > LINE) => {
            FieldKind::Text
        }
        (Some("string"), _) => FieldKind::Line("text"),
        (Some("boolean"), _) => FieldKind::Switch,
        (Some("integer" | "number"), _) => FieldKind::Number,
        (Some("array"), _) => FieldKind::List,
        _ => FieldKind::Json,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_read_through_its_references() {
        let document = json!({
            "security": [{ "token": [] }],
            "paths": { "/a/": { "post": {
                "summary": "Make", "security": [{}],
                "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/A" } } } },
            } } },
            "components": { "schemas": {
                "A": { "required": ["z"], "properties": {
                    "a": { "type": ["string", "null"], "maxLength": 9, "description": "Some `text`" },
                    "b": { "oneOf": [{ "$ref": "#/components/schemas/B", "description": "Which" }, { "type": "null" }] },
                    "c": { "type": "array" }, "d": { "type": "object" }, "e": { "type": "boolean" }, "f": {},
                    "g": { "type": "string", "readOnly": true }, "h": { "type": "string", "maxLength": 1000 },
                    "z": { "type": "string", "format": "password" },
                } },
                "B": { "type": "string", "enum": ["x", "y"] },
            } },
        });
        let read = operations(&document);
        let post = &read["POST /a/"];
        assert!(post.is_open && post.summary == "Make");
        let fields = post.fields.as_ref().unwrap();
        let kinds: Vec<(&str, &FieldKind)> =
            fields.iter().map(|field| (field.name.as_str(), &field.kind)).collect();
        let choice = FieldKind::Choice(vec!["x".to_owned(), "y".to_owned()]);
        assert_eq!(
            kinds,
            [
                ("z", &FieldKind::Line("password")),
                ("a", &FieldKind::Line("text")),
                ("h", &FieldKind::Text),
                ("b", &choice),
                ("e", &FieldKind::Switch),
                ("c", &FieldKind::List),
                ("d", &FieldKind::Json),
                ("f", &FieldKind::Json),
            ]
        );
        assert!(fields[0].is_required && !fields[1].is_required);
        assert!(fields[1].is_nullable && fields[3].is_nullable && !fields[2].is_nullable);
        assert_eq!(fields[3].help, "Which");
        assert_eq!((fields[1].max_length, fields[1].help.as_str()), (Some(9), "Some text"));
    }

    #[test]
    fn the_description_that_is_served_can_be_read() {
        assert!(operation("POST", "/api/messages/").is_some_and(|operation| operation.fields.is_some()));
    }
}
