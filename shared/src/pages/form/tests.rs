use serde_json::json;

use super::*;

fn field(name: &str, kind: FieldKind, is_required: bool) -> Field {
    let (help, max_length) = (String::new(), None);
    Field { name: name.to_owned(), help, kind, is_required, is_nullable: true, max_length }
}

fn fields() -> Vec<Field> {
    vec![
        field("participants", FieldKind::List, true),
        field("name", FieldKind::Line("text"), false),
        field("metadata", FieldKind::Json, false),
        field("unread", FieldKind::Switch, false),
        field("password", FieldKind::Line("password"), false),
    ]
}

#[test]
fn a_form_is_the_json_that_it_stands_for() {
    let operation = Operation { fields: Some(fields()), ..Operation::default() };
    let pairs = [
        ("participants", "a, b\r\nc"),
        ("name", ""),
        ("metadata", "{\"a\":[1]}"),
        ("unread", "true"),
        ("x", "1"),
    ];
    let pairs = pairs.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let body = |method| serde_json::to_value(read_back(method, &operation, &pairs)).unwrap();
    let posted =
        json!({ "participants": ["a", "b", "c"], "metadata": { "a": [1] }, "unread": true, "x": "1" });
    assert_eq!(body("POST"), posted);
    assert_eq!(body("PATCH")["name"], Value::Null);
    assert!(body("PATCH").as_object().unwrap().contains_key("name"));
    let bad = read_back("POST", &operation, &[("metadata".to_owned(), "{".to_owned())]);
    assert_eq!(bad["metadata"].get(), r#""{""#);
    let numbers = r#"{"b": 1E5, "a": [-0, 1.0, 1e400]}"#;
    let read = read_back("PUT", &operation, &[("metadata".to_owned(), numbers.to_owned())]);
    assert_eq!(read["metadata"].get(), numbers, "as it was typed");
}

#[test]
fn a_form_shows_what_is_there_or_what_was_sent_and_never_a_password() {
    let present =
        r#"{"participants": [{"user_id": "u"}], "name": "n", "metadata": {"b":1E5,"a":-0}, "password": "p"}"#;
    let present: Texts = serde_json::from_str(present).unwrap();
    let none = Map::new();
    let form = Form::new("PUT", &fields(), Some(&present), None, &none);
    let values: Vec<&str> = form.inputs.iter().map(|input| input.value.as_str()).collect();
    assert_eq!(values, ["u", "n", "{\n    \"b\": 1E5,\n    \"a\": -0\n}", "", ""]);
    assert!(
        form.raw.contains("\"b\": 1E5,") && form.raw.find("\"b\"") < form.raw.find("\"a\""),
        "{}",
        form.raw
    );
    assert_eq!(serde_json::from_str::<Value>(&form.raw).unwrap()["participants"], json!(["u"]));
    let sent = SubmittedForm(
        [("name", "x"), ("password", "memo")].map(|(a, b)| (a.to_owned(), b.to_owned())).into(),
    );
    let errors = json!({ "name": ["is bad"], "other": ["is none"], "metadata": ["too"] });
    let form = Form::new("PUT", &fields(), None, Some(&sent), errors.as_object().unwrap());
    assert_eq!((form.inputs[1].value.as_str(), form.inputs[4].value.as_str()), ("x", ""));
    assert_eq!(form.inputs[1].faults, ["is bad"]);
    assert_eq!(form.faults, ["other is none"]);
    let first: Vec<bool> = form.inputs.iter().map(|input| input.is_first_fault).collect();
    assert_eq!(first, [false, true, false, false, false]);
}
