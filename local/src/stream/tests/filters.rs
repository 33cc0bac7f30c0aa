//! The rules of the filters.

use serde_json::{Value, json};

use crate::stream::Filter;

#[test]
fn filters_follow_the_rules_of_lambda() {
    let passes =
        |pattern: Value, record: Value| Filter::parse(&[pattern.to_string()]).unwrap().passes(&record);
    let record = || json!({ "eventName": "INSERT", "dynamodb": { "n": { "N": 5 }, "list": ["a", "b"] } });
    for (pattern, expected) in [
        (json!({ "eventName": ["INSERT", "MODIFY"] }), true),
        (json!({ "eventName": ["REMOVE"] }), false),
        (json!({ "eventName": [{ "prefix": "INS" }] }), true),
        (json!({ "eventName": [{ "suffix": "INS" }] }), false),
        (json!({ "eventName": [{ "equals-ignore-case": "insert" }] }), true),
        (json!({ "eventName": [{ "anything-but": ["INSERT"] }] }), false),
        (json!({ "eventName": [{ "anything-but": { "prefix": "REM" } }] }), true),
        (json!({ "eventName": ["INSERT"], "dynamodb": { "n": { "N": [4] } } }), false),
        (json!({ "dynamodb": { "n": { "N": [{ "numeric": [">", 4, "<=", 5] }] } } }), true),
        (json!({ "dynamodb": { "n": { "N": [{ "numeric": ["=", 4] }] } } }), false),
        (json!({ "dynamodb": { "list": ["b"] } }), true),
        (json!({ "dynamodb": { "list": ["c"] } }), false),
        (json!({ "dynamodb": { "none": [{ "exists": false }] } }), true),
        (json!({ "dynamodb": { "none": ["a", null] } }), false),
        (
            json!({ "eventName": [{ "exists": true }], "$or": [{ "x": ["y"] }, { "dynamodb": { "list": ["a"] } }] }),
            true,
        ),
        (json!({ "$or": [{ "x": ["y"] }, { "eventName": ["REMOVE"] }] }), false),
    ] {
        assert_eq!(passes(pattern.clone(), record()), expected, "{pattern}");
    }
    assert!(Filter::parse(&[]).unwrap().passes(&record()));
    for pattern in [
        "",
        "[]",
        "{\"a\": []}",
        "{\"a\": \"b\"}",
        "{\"a\": [{\"cidr\": \"10.0.0.0/8\"}]}",
        "{\"a\": [{}]}",
        "{\"a\": [{\"numeric\": [\">\"]}]}",
        "{\"a\": [{\"numeric\": [\"!\", 1]}]}",
        "{\"a\": [[\"b\"]]}",
        "{\"a\": [{\"prefix\": 1}]}",
        "{\"a\": [{\"prefix\": \"b\", \"suffix\": \"c\"}]}",
        "{\"$or\": [1]}",
    ] {
        assert!(Filter::parse(&[pattern.to_owned()]).is_err(), "{pattern}");
    }
}
