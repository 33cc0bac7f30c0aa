//! The OpenAPI document: it is generated from the handlers, it is complete, and its examples match its schemas.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::http::Routes;
use shared::model::characters::is_visible;

use crate::harness::{
    description::{DOCUMENT, resolve, validator, written},
    functions::functions,
};

#[test]
fn the_description_is_the_one_of_the_handlers() {
    let generated = local::openapi::text().unwrap();
    assert!(
        written() == generated,
        "the handlers have changed: run `cargo run -- openapi` to write {}",
        local::openapi::FILE
    );
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let routes = functions();
    let listed = routes.iter().flat_map(Routes::of_the_api);
    let listed: BTreeSet<_> =
        listed.map(|(method, path)| format!("{} {path}", method.as_str().to_lowercase())).collect();
    let described: BTreeSet<_> = operations().map(|(name, _)| name).collect();
    assert_eq!(described, listed);
}

/// Returns every operation with its method and path as the name.
fn operations() -> impl Iterator<Item = (String, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}

#[test]
fn every_operation_says_what_it_is() {
    let mut ids = BTreeSet::new();
    for (name, operation) in operations() {
        assert!(
            ids.insert(operation["operationId"].as_str().unwrap()),
            "{name}: another operation has the same id"
        );
        assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 5), "{name}");
        assert!(operation["description"].as_str().is_some_and(|text| text.len() > 5), "{name}");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{name}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            let response = resolve(response);
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{name} {status}");
            assert_eq!(response["headers"]["X-Request-Id"]["$ref"], "#/components/headers/X-Request-Id");
        }
    }
}

/// Collects every value with this name, at any depth.
fn find<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(name));
            fields
                .iter()
                .filter(|(name, _)| *name != "example")
                .for_each(|(_, value)| find(value, name, found));
        }
        Value::Array(values) => values.iter().for_each(|value| find(value, name, found)),
        _ => {}
    }
}

#[test]
fn references_lead_somewhere_and_components_are_used() {
    let mut references = Vec::new();
    find(&DOCUMENT, "$ref", &mut references);
    let used: BTreeSet<_> = references.iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    let components =
        DOCUMENT["components"].as_object().unwrap().iter().filter(|(kind, _)| *kind != "securitySchemes");
    let there: BTreeSet<_> = components
        .flat_map(|(kind, all)| {
            all.as_object().unwrap().keys().map(move |name| format!("#/components/{kind}/{name}"))
        })
        .collect();
    assert_eq!(used, there);
}

#[test]
fn examples_are_valid() {
    let mut seen = 0;
    let mut contents = Vec::new();
    find(&DOCUMENT, "content", &mut contents);
    for media in contents.iter().flat_map(|content| content.as_object().unwrap().values()) {
        valid(&media["schema"], &media["example"]);
        seen += 1;
    }
    for schema in DOCUMENT["components"]["schemas"].as_object().unwrap().values() {
        for example in schema["examples"].as_array().into_iter().flatten() {
            valid(schema, example);
            seen += 1;
        }
    }
    assert!(seen > 80, "only {seen} examples");
}

#[test]
fn what_is_blank_is_described_as_it_is_checked() {
    let described = validator(&DOCUMENT["components"]["schemas"]["MessageBody"], &DOCUMENT);
    for character in '\0'..='\u{ffff}' {
        let text = character.to_string();
        let is_described = described.is_valid(&json!(text));
        let is_accepted = shared::model::message::body(text).is_ok();
        // A pattern that every client supports covers only white space. The description names the other invisible
        // characters.
        assert!(is_described || !is_accepted, "{character:?} is accepted, but the schema excludes it");
        assert!(
            is_accepted || !is_described || !is_visible(character),
            "{character:?} is visible, but refused"
        );
        assert!(
            !is_described || !character.is_whitespace(),
            "{character:?} is white space, but the schema allows it"
        );
    }
}

#[track_caller]
fn valid(schema: &Value, example: &Value) {
    let errors: Vec<_> =
        validator(schema, &DOCUMENT).iter_errors(example).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{schema}: {example}: {errors:?}");
}

#[test]
fn requests_have_no_fields_but_those_that_are_described() {
    for (name, operation) in operations() {
        for media in
            operation["requestBody"]["content"].as_object().into_iter().flatten().map(|(_, media)| media)
        {
            assert_eq!(resolve(&media["schema"])["additionalProperties"], json!(false), "{name}");
        }
    }
}
