//! Compares each answer that the suite receives with the OpenAPI document: the status is listed for the operation, and
//! the body is valid. Objects must not have undocumented fields here, although clients must ignore them.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use axum::http::Method;
use jsonschema::Validator;
use serde_json::{Value, json};

use super::answer::Answer;

/// Returns the text of the checked-in OpenAPI document.
pub fn written() -> String {
    let workspace = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(workspace.join(local::openapi::FILE)).unwrap()
}

/// The checked-in OpenAPI document.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&written()).unwrap());

/// The document with `additionalProperties: false` in every object.
static CLOSED: LazyLock<Value> = LazyLock::new(|| {
    let mut document = DOCUMENT.clone();
    document["components"]["schemas"].as_object_mut().unwrap().values_mut().for_each(close);
    document
});

fn close(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    if fields.contains_key("properties") {
        fields.entry("additionalProperties").or_insert(json!(false));
    }
}

/// The statuses that the response `default` of every operation covers.
const OTHER_STATUSES: [u16; 7] = [405, 406, 413, 415, 431, 500, 503];

/// Returns a validator for a schema of the document. Each schema is compiled once.
pub fn validator(schema: &Value, document: &Value) -> Arc<Validator> {
    static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let closed = std::ptr::eq(document, &raw const *CLOSED);
    let mut compiled = COMPILED.lock().unwrap();
    let validator = compiled.entry(format!("{closed} {schema}")).or_insert_with(|| {
        let mut root = schema.clone();
        root["components"] = document["components"].clone();
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        Arc::new(options.build(&root).unwrap_or_else(|error| panic!("{schema}: {error}")))
    });
    validator.clone()
}

/// Follows a `$ref` into the document.
pub fn resolve(value: &Value) -> &Value {
    let pointer = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.map_or(value, |pointer| {
        DOCUMENT.pointer(pointer).unwrap_or_else(|| panic!("the document has no {pointer}"))
    })
}

/// Returns the path of the document that matches the path of a request; `None` if none does. A path with a fixed
/// segment wins against a path with a variable there.
fn template(path: &str) -> Option<&'static str> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let segments = |path: &str| path.trim_end_matches('/').split('/').map(str::to_owned).collect::<Vec<_>>();
    let asked = segments(path);
    let fits = |template: &str| {
        let template = segments(template);
        let fits = |(a, b): (&String, &String)| b.starts_with('{') && !a.is_empty() || a == b;
        template.len() == asked.len() && asked.iter().zip(&template).all(fits)
    };
    let paths = DOCUMENT["paths"].as_object().unwrap().keys().filter(|template| fits(template));
    paths.min_by_key(|template| template.matches('{').count()).map(String::as_str)
}

/// Asserts that the document contains this answer. Pages are not compared: they show the same data as HTML.
#[track_caller]
pub fn check(method: &Method, path: &str, answer: &Answer) {
    let is_page = answer.header("content-type").is_some_and(|media| media.starts_with("text/html"));
    let Some(template) = template(path).filter(|_| !is_page) else { return };
    let name = if *method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
    let operation = &DOCUMENT["paths"][template][&name];
    if operation.is_null() {
        let known = [204, 404, 405, 406].contains(&answer.status) || answer.header("x-request-id").is_none();
        assert!(known, "the document has no {method} for {template}: {answer}");
        return;
    }
    let listed = &operation["responses"][answer.status.to_string()];
    let is_other = listed.is_null() && OTHER_STATUSES.contains(&answer.status);
    let response = resolve(if is_other { &operation["responses"]["default"] } else { listed });
    assert!(!response.is_null(), "the document lists no such status for {template}: {answer}");
    for name in ["etag", "location", "retry-after", "www-authenticate"] {
        let listed = response["headers"].as_object().into_iter().flatten();
        let listed = listed.map(|(name, _)| name.to_lowercase()).any(|header| header == name);
        assert!(
            listed || answer.header(name).is_none(),
            "the document lists no header {name} for {template}: {answer}"
        );
    }
    let location = answer.header("location");
    let is_absolute = location.is_some_and(|location| location.starts_with("http"));
    // A ticket is the only new thing that has no URL.
    let has_url = answer.status == 201 && template != "/api/realtime/ticket/";
    assert_eq!(is_absolute, has_url, "a 201 has the absolute URL of the new resource: {answer}");
    if *method != Method::HEAD {
        check_body(template, response, answer);
    }
}

#[track_caller]
fn check_body(template: &str, response: &Value, answer: &Answer) {
    let Some(content) = response["content"].as_object() else {
        assert!(answer.body.is_empty(), "the document lists no body for {template}: {answer}");
        return;
    };
    let media = answer.header("content-type").unwrap_or_default();
    if answer.status >= 400 && media == "application/json" {
        assert!(is_of_the_gateway(answer), "{template} answers with a problem in another format: {answer}");
        return;
    }
    let schema = &content
        .get(media)
        .unwrap_or_else(|| panic!("the document lists no {media} for {template}: {answer}"))["schema"];
    let body = answer.json();
    let errors: Vec<String> = validator(schema, &CLOSED)
        .iter_errors(&body)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "the body does not match the schema of {template}: {errors:?}: {answer}");
    if let Some(code) = body["code"].as_str().filter(|_| answer.status >= 400) {
        assert!(is_known(code), "the description of `code` does not list `{code}`: {answer}");
    }
}

/// Returns true for an answer of API Gateway itself: a field `message` without problem details, and a status that the
/// introduction of the document lists.
fn is_of_the_gateway(answer: &Answer) -> bool {
    let body = answer.json();
    let is_message = body.as_object().is_some_and(|fields| fields.len() == 1) && body["message"].is_string();
    is_message && [400, 413, 429, 431, 500, 503].contains(&answer.status)
}

fn is_known(code: &str) -> bool {
    let codes = &DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["description"];
    codes.as_str().unwrap().contains(&format!("`{code}`"))
}
