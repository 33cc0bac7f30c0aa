use serde_json::json;

use super::*;
use crate::http::Unchecked;
use crate::model::MAX_FAULTS;

#[derive(Debug, PartialEq)]
struct Request {
    text: String,
    count: String,
    name: Option<Option<String>>,
    letters: Vec<String>,
    flag: bool,
}

fn short(text: String) -> Result<String, Invalid> {
    if text.len() > 3 { Err(Invalid::new("text", "is too long")) } else { Ok(text) }
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let text = fields.required("text", short);
        let count = fields.required("count", typed);
        let name = fields.nullable("name", typed);
        let letters = fields.required("letters", typed);
        let letters = letters.and_then(|list| fields.elements("letters", list));
        let flag = fields.given("flag", typed).unwrap_or_default();
        Some(Self { text: text?, count: count?, name, letters: letters?, flag })
    }
}

fn read(value: &Value) -> Result<Request, String> {
    let read = Unchecked::of(value.as_object().unwrap().clone(), DateTime::UNIX_EPOCH).finish();
    read.map_err(|problem| problem.to_string())
}

#[test]
fn a_request_is_read() {
    let request = read(&json!({"text": "abc", "count": "1", "name": null, "letters": ["a", "b"]})).unwrap();
    let letters = vec!["a".to_owned(), "b".to_owned()];
    let (text, count) = ("abc".to_owned(), "1".to_owned());
    assert_eq!(request, Request { text, count, name: Some(None), letters, flag: false });
}

#[test]
fn all_faults_are_named_without_the_values() {
    let faults = read(&json!({
        "text": "memo!", "name": 7, "letters": ["a", 1, "b", null], "flag": null, "memo": 1, "b": 2,
    }));
    assert_eq!(
        faults.unwrap_err(),
        "text is too long; count is required; name must be a string; letters[1] must be a string; \
         letters[3] must be a string; flag must be a boolean; b is not a field of this request; \
         memo is not a field of this request"
    );
}

#[test]
fn an_answer_repeats_little_of_what_was_sent() {
    let many: Map<String, Value> = (0..5000).map(|n| (format!("f{n}"), Value::Null)).collect();
    let Err(faults) = read(&Value::Object(many)) else { panic!("it was read") };
    assert_eq!(faults.split("; ").count(), MAX_FAULTS, "{faults}");
    let long = read(&json!({ "x".repeat(5000): 1 })).unwrap_err();
    assert!(long.len() < 500 && long.contains("xxx… is not a field"), "{long}");
}

#[test]
fn further_rules_are_checked_beside_the_faults() {
    let values = json!({"text": "abc", "count": "1", "letters": [], "other": 1});
    let unchecked = Unchecked::<Request>::of(values.as_object().unwrap().clone(), DateTime::UNIX_EPOCH);
    let problem = unchecked.check(|request, faults| {
        assert_eq!(request.count, "1");
        faults.note(Invalid::new("count", "is taken"));
    });
    let text = problem.unwrap_err().to_string();
    assert_eq!(text, "other is not a field of this request; count is taken");
}
