//! The AsyncAPI document of the frames: it is generated from the types of the frames, it is valid, and it describes the frames
//! that are sent.
//!
//! `asyncapi/asyncapi-3.0.0.json` is the JSON schema of AsyncAPI (package `@asyncapi/specs`), without descriptions and without
//! the bindings of other protocols; see `NOTICE`.

use std::{collections::BTreeSet, path::Path, sync::LazyLock};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::harness::{TestApp, posts::Sockets};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&written()).unwrap());

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn written() -> String {
    file(&format!("../{}", local::asyncapi::FILE))
}

#[test]
fn the_description_of_the_frames_is_the_one_of_the_types() {
    let generated = local::asyncapi::text().unwrap();
    assert!(written() == generated, "the frames have changed: run `cargo run -- openapi` to write the file");
}

#[test]
fn the_description_of_the_frames_is_valid() {
    let schema: Value = serde_json::from_str(&file("it/asyncapi/asyncapi-3.0.0.json")).unwrap();
    let validator = jsonschema::draft7::new(&schema).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(&DOCUMENT).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let mut spoiled = DOCUMENT.clone();
    spoiled["operations"]["sendFrames"]["action"] = json!("push");
    assert!(!validator.is_valid(&spoiled), "the schema finds a fault");
}

/// Collects the targets of all references.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_has_a_target_and_every_schema_is_referred_to() {
    let mut found = BTreeSet::new();
    references(&DOCUMENT, &mut found);
    for reference in &found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(DOCUMENT.pointer(pointer).is_some(), "{reference}");
    }
    for name in DOCUMENT["components"]["schemas"].as_object().unwrap().keys() {
        assert!(found.contains(&format!("#/components/schemas/{name}")), "{name} is not used");
    }
}

/// Returns a validator for a frame of one type.
fn validator(message: &str) -> Validator {
    let mut schema = DOCUMENT["components"]["messages"][message]["payload"].clone();
    schema["components"] = DOCUMENT["components"].clone();
    jsonschema::draft7::new(&schema).unwrap()
}

#[tokio::test]
async fn frames_are_as_they_are_described() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let (group, sockets) = (ann.group(&[&ben]).await, Sockets::new(&app).await);
    let (here, there) = (sockets.connect(&ann).await, sockets.connect(&ben).await);
    let sent = [
        json!({ "type": "ping" }),
        json!({ "type": "typing", "conversation": group }),
        json!({ "type": "read", "conversation": group, "number": 1 }),
    ];
    for frame in &sent {
        let name = format!("client.{}", frame["type"].as_str().unwrap());
        assert!(validator(&name).is_valid(frame), "{frame}");
        assert!(!validator(&name).is_valid(&json!({ "type": "memo" })), "{name}");
        sockets.frame(&here, frame).await;
    }
    let frames = [sockets.ping(&here).await, sockets.read(&here, &group, 9).await, sockets.posts.of(&there)];
    let frames = frames.concat();
    assert_eq!(frames.len(), 3);
    for frame in frames {
        let name = frame["type"].as_str().unwrap();
        assert!(validator(name).is_valid(&frame), "{frame}");
    }
}
