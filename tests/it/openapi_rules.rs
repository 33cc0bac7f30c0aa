//! Rules for the whole OpenAPI document, because client generators need them.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Map, Value, json};

use crate::harness::{
    TestApp,
    description::{DOCUMENT, resolve},
    user::message_path,
};

const PROBLEM: &str = "#/components/schemas/Problem";
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Returns every object of the document with its path, except examples.
fn objects() -> Vec<(String, &'static Map<String, Value>)> {
    fn collect(place: &str, value: &'static Value, found: &mut Vec<(String, &'static Map<String, Value>)>) {
        match value {
            Value::Object(fields) => {
                found.push((place.to_owned(), fields));
                let inside =
                    fields.iter().filter(|(name, _)| !["example", "examples"].contains(&name.as_str()));
                inside.for_each(|(name, value)| collect(&format!("{place}/{name}"), value, found));
            }
            Value::Array(values) => {
                let inside = values.iter().enumerate();
                inside.for_each(|(index, value)| collect(&format!("{place}/{index}"), value, found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect("#", &DOCUMENT, &mut found);
    found
}

fn schemas() -> &'static Map<String, Value> {
    DOCUMENT["components"]["schemas"].as_object().unwrap()
}

/// Returns every field of a schema with its path.
fn fields() -> impl Iterator<Item = (String, &'static Value)> {
    objects().into_iter().flat_map(|(place, object)| {
        let fields = object.get("properties").and_then(Value::as_object).into_iter().flatten();
        fields.map(move |(name, field)| (format!("{place}/{name}"), field)).collect::<Vec<_>>()
    })
}

fn operations() -> impl Iterator<Item = (String, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        let methods = METHODS.iter().filter_map(|method| Some((method, item.get(method)?)));
        methods.map(|(method, operation)| (format!("{method} {path}"), operation)).collect::<Vec<_>>()
    })
}

fn is_described(value: &Value) -> bool {
    value["description"].as_str().is_some_and(|text| text.len() > 5)
}

#[test]
fn every_schema_field_and_parameter_is_described() {
    for (name, schema) in schemas() {
        assert!(is_described(schema), "{name}: {schema}");
    }
    for (place, field) in fields() {
        assert!(is_described(field), "{place}: {field}");
    }
    for (name, operation) in operations() {
        for parameter in operation["parameters"].as_array().unwrap() {
            assert!(is_described(parameter), "{name}: {parameter}");
        }
    }
}

/// Descriptions are for clients in any language. They contain no rustdoc links and no types of the implementation.
#[test]
fn descriptions_have_nothing_of_the_implementation() {
    // Names with this spelling in their own standards.
    let standards = ["`AsyncAPI`", "`ETag`", "`OpenAPI`", "`EdDSA`", "`UUIDv7`", "`UUIDv8`"];
    for (place, object) in objects() {
        let Some(text) = object.get("description").and_then(Value::as_str) else { continue };
        let plain = standards.iter().fold(text.to_owned(), |text, name| text.replace(name, ""));
        assert!(
            !plain.contains("[`") && !plain.contains("::") && !plain.contains("Debug"),
            "{place}: {text}"
        );
        let quoted = plain.split('`').skip(1).step_by(2);
        for name in quoted.filter(|name| name.chars().all(char::is_alphanumeric)) {
            let capitals = name.chars().filter(char::is_ascii_uppercase).count();
            let is_type = capitals > 1 && name.chars().any(char::is_lowercase);
            assert!(!is_type, "{place}: `{name}` in {text}");
        }
    }
}

#[test]
fn problems_have_one_schema_and_every_operation_a_default_answer() {
    for (name, operation) in operations() {
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.contains_key("default"), "{name}");
        for (status, response) in responses.iter().filter(|(status, _)| !status.starts_with(['2', '3'])) {
            let content = resolve(response)["content"].as_object().unwrap();
            assert_eq!(content.keys().collect::<Vec<_>>(), ["application/problem+json"], "{name} {status}");
            assert_eq!(
                content["application/problem+json"]["schema"],
                json!({ "$ref": PROBLEM }),
                "{name} {status}"
            );
        }
    }
    let code = &schemas()["Problem"]["properties"]["code"];
    assert_eq!((&code["type"], code.get("enum")), (&json!("string"), None), "later versions add codes");
}

#[test]
fn bodies_are_described_as_json_alone() {
    for (name, operation) in operations() {
        let media = operation["requestBody"]["content"].as_object();
        let media: Vec<_> = media.into_iter().flatten().map(|(media, _)| media.as_str()).collect();
        assert!(media.is_empty() || media == ["application/json"], "{name}: {media:?}");
    }
}

/// Schemas have none of the forms that make generators fail.
#[test]
fn schemas_use_what_generators_understand() {
    for (place, object) in objects() {
        for name in
            ["exclusiveMaximum", "exclusiveMinimum", "allOf", "anyOf", "not", "propertyNames", "example"]
        {
            let is_body = place.contains("/content/");
            assert!(!object.contains_key(name) || (name == "example" && is_body), "{place} has {name}");
        }
        for (choices, choice) in
            object.get("oneOf").and_then(Value::as_array).into_iter().flatten().enumerate()
        {
            assert!(
                choice["maxLength"] != 0 && choice["const"] != "",
                "{place}/oneOf/{choices} is an empty text"
            );
        }
        if object.get("readOnly") == Some(&json!(true)) {
            let is_typed = ["type", "$ref", "oneOf"].iter().any(|name| object.contains_key(*name));
            assert!(is_typed, "{place} has no type");
        }
    }
    let metadata = &schemas()["Metadata"];
    assert_eq!((&metadata["type"], &metadata["additionalProperties"]), (&json!("object"), &json!(true)));
}

/// Generators make one type for each schema and each security scheme, so their names must be different.
#[test]
fn no_schema_has_the_name_of_a_security_scheme() {
    let lower = |names: &'static Value| {
        names.as_object().unwrap().keys().map(|name| name.to_lowercase()).collect::<BTreeSet<_>>()
    };
    let components = &DOCUMENT["components"];
    let both: Vec<_> =
        lower(&components["schemas"]).intersection(&lower(&components["securitySchemes"])).cloned().collect();
    assert!(both.is_empty(), "{both:?}");
}

#[test]
fn no_schema_refers_to_itself() {
    fn reaches(value: &'static Value, wanted: &str, seen: &mut BTreeSet<String>) -> bool {
        match value {
            Value::Object(fields) => fields.iter().any(|(name, inner)| match inner.as_str() {
                Some(reference) if name == "$ref" => {
                    let name = reference.rsplit('/').next().unwrap();
                    name == wanted
                        || (seen.insert(name.to_owned()) && reaches(&schemas()[name], wanted, seen))
                }
                _ => reaches(inner, wanted, seen),
            }),
            Value::Array(values) => values.iter().any(|value| reaches(value, wanted, seen)),
            _ => false,
        }
    }
    for (name, schema) in schemas() {
        assert!(!reaches(schema, name, &mut BTreeSet::new()), "{name}");
    }
}

#[test]
fn the_server_has_an_absolute_address() {
    let servers = DOCUMENT["servers"].as_array().unwrap();
    assert!(!servers.is_empty());
    for server in servers {
        let url: axum::http::Uri = server["url"].as_str().unwrap().parse().unwrap();
        assert!(url.scheme().is_some() && url.authority().is_some(), "{server}");
        assert!(!server["url"].as_str().unwrap().ends_with('/'), "{server}");
    }
}

/// An optional field or parameter that is not text has a default, so that clients know the effect of leaving it out.
#[test]
fn defaults_are_stated() {
    let (mut limits, mut switches) = (0, 0);
    for (name, operation) in operations() {
        for parameter in operation["parameters"].as_array().unwrap() {
            let schema = resolve(&parameter["schema"]);
            if ["integer", "boolean"].iter().any(|kind| schema["type"] == *kind) {
                assert!(!schema["default"].is_null(), "{name}: {parameter}");
                limits += usize::from(parameter["name"] == "limit");
            }
            // A boolean has the type boolean, not an enumeration of words.
            let words = schema["enum"].as_array().into_iter().flatten();
            assert!(words.into_iter().all(|word| word != "true" && word != "1"), "{name}: {parameter}");
        }
        let Some(body) = operation.pointer("/requestBody/content/application~1json/schema") else { continue };
        let body = resolve(body);
        for (field, schema) in body["properties"].as_object().unwrap() {
            let required = body["required"].as_array().is_some_and(|names| names.contains(&json!(field)));
            // A field that PATCH does not name stays as it is, so it has no default.
            let has_default = !required && !name.starts_with("patch ");
            if schema["type"] == "boolean" && schema["readOnly"] != true && has_default {
                assert!(!schema["default"].is_null(), "{name}: {field}");
                switches += 1;
            }
        }
    }
    assert!(limits >= 6 && switches >= 1, "{limits} limits, {switches} switches");
}

#[test]
fn ids_are_described_by_their_version() {
    use crate::harness::description::validator;
    for (schema, good, bad) in [
        ("IdempotencyKey", "019aac3f-8e00-7cc3-98c4-dc0c0c07398f", "5e2f3f6e-4a0e-4cbb-8f0f-5f8b1f2d9a10"),
        ("MessageId", "01234567-89AB-8CDE-BC04-8C0000000002", "019aac3f-8e00-7cc3-98c4-dc0c0c07398f"),
        ("ConversationId", "01234567-89ab-8cde-bc04-8c0000000000", "01234567-89ab-8cde-bc04-8c0000000002"),
    ] {
        let described = validator(&schemas()[schema], &DOCUMENT);
        assert!(described.is_valid(&json!(good)) && !described.is_valid(&json!(bad)), "{schema}");
    }
}

/// Clients may send back the read-only fields of a request. No handler refuses one.
#[tokio::test]
async fn read_only_fields_are_accepted_and_ignored() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    let message = ann.send(&group, "memo").await;
    let (message, mut seen) = (message_path(&message), 0);
    for (name, operation) in operations() {
        let Some(body) = operation.pointer("/requestBody/content/application~1json/example") else {
            continue;
        };
        let schema = resolve(&operation["requestBody"]["content"]["application/json"]["schema"]);
        let properties = schema["properties"].as_object().unwrap();
        let read_only = properties.iter().filter(|(_, field)| field["readOnly"] == true);
        let names: Vec<&String> = read_only.map(|(name, _)| name).collect();
        if names.is_empty() {
            continue;
        }
        let mut sent = body.clone();
        for name in &names {
            sent[name.as_str()] = json!("anything");
        }
        let (method, path) = name.split_once(' ').unwrap();
        let path = match path {
            "/api/messages/{id}/" => message.clone(),
            path => path
                .replace("{id}", if path.contains("users") { &ann.id } else { &group })
                .replace("{user_id}", &ben.id)
                .replace("{emoji}", "%F0%9F%91%8D"),
        };
        let method: Method = method.to_uppercase().parse().unwrap();
        let answer = app.request(method, &path).bearer(&ann.token).json(&sent).send().await;
        if answer.status == 400 {
            let errors = answer.json()["errors"].clone();
            let refused: Vec<_> = names.iter().filter(|name| !errors[name.as_str()].is_null()).collect();
            assert!(refused.is_empty() && !errors.is_null(), "{name}: {refused:?}: {answer}");
        }
        seen += names.len();
    }
    assert!(seen > 40, "only {seen} fields");
}
