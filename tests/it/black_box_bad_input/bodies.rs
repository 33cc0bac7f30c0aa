//! Bodies that are not valid JSON, not a valid form, or not of an accepted media type.

use super::Row;

/// JSON that is refused with any fields.
#[rustfmt::skip]
const MALFORMED: [(&str, &str); 21] = [
    ("a truncated object", r#"{"message_body": "hu"#),
    ("an open brace", "{"),
    ("no value", r#"{"message_body": }"#),
    ("an array", "[]"),
    ("a string", r#""memo""#),
    ("a number", "42"),
    ("null", "null"),
    ("text after the object", "{} x"),
    ("two values", "{}{}"),
    ("single quotes", "{'message_body': 'memo'}"),
    ("a comment", "{/* memo */}"),
    ("a trailing comma", r#"{"message_body": "memo",}"#),
    ("NaN", r#"{"metadata": {"a": NaN}}"#),
    ("Infinity", r#"{"metadata": {"a": -Infinity}}"#),
    ("a number beyond a double in a text field", r#"{"conversation": 1e400, "message_body": "memo"}"#),
    ("a leading zero", r#"{"metadata": {"a": 01}}"#),
    ("a lone high surrogate", r#"{"conversation": "{conversation}", "message_body": "\ud800"}"#),
    ("a lone low surrogate", r#"{"conversation": "{conversation}", "message_body": "\udc00x"}"#),
    ("surrogates in the wrong order", r#"{"conversation": "{conversation}", "message_body": "\udc00\ud800"}"#),
    ("an unescaped control character", "{\"conversation\": \"{conversation}\", \"message_body\": \"a\u{1}b\"}"),
    ("an unknown escape", r#"{"conversation": "{conversation}", "message_body": "\x41"}"#),
];

/// Bodies that are valid JSON, with the field that cannot be accepted.
#[rustfmt::skip]
const FAULTY: [(&str, &str, &str); 11] = [
    ("a number beyond a double", r#"{"conversation": "{conversation}", "message_body": "memo", "metadata": {"a": 1e400}}"#, "metadata"),
    ("a negative number beyond a double", r#"{"conversation": "{conversation}", "message_body": "memo", "metadata": {"a": [-1E309]}}"#, "metadata"),
    ("a duplicate key", r#"{"conversation": "{conversation}", "message_body": "memo", "message_body": "memo"}"#, "message_body"),
    ("a duplicate key inside", r#"{"conversation": "{conversation}", "message_body": "memo", "metadata": {"a": 1, "a": 2}}"#, "metadata"),
    ("a duplicate key with an escape", r#"{"conversation": "{conversation}", "message_body": "memo", "message_b\u006fdy": "memo"}"#, "message_body"),
    ("NUL", r#"{"conversation": "{conversation}", "message_body": "a\u0000b"}"#, "message_body"),
    ("ESC", r#"{"conversation": "{conversation}", "message_body": "\u001b[31m"}"#, "message_body"),
    ("a carriage return", r#"{"conversation": "{conversation}", "message_body": "a\rb"}"#, "message_body"),
    ("NUL in a key", r#"{"conversation": "{conversation}", "message_body": "memo", "metadata": {"a\u0000": 1}}"#, "metadata"),
    ("a duplicate key in an object", r#"{"conversation": "{conversation}", "message_body": {"a": 1, "a": 2}}"#, "message_body.a"),
    ("a large number in a text field", r#"{"conversation": "{conversation}", "message_body": 1e300}"#, "message_body"),
];

fn send(name: &str) -> Row {
    Row::new(&format!("body: {name}"), "POST", "/api/messages/")
}

/// Returns a body with these bytes as the text of a message.
fn around(bytes: &[u8]) -> Vec<u8> {
    [br#"{"message_body": ""#.as_slice(), bytes, br#""}"#].concat()
}

fn nested(depth: usize) -> String {
    format!(
        r#"{{"conversation": "{{conversation}}", "message_body": "memo", "metadata": {{"a": {}{}}}}}"#,
        "[".repeat(depth),
        "]".repeat(depth)
    )
}

pub fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = MALFORMED.iter().map(|(name, body)| send(name).json(body).malformed()).collect();
    rows.extend(FAULTY.iter().map(|(name, body, field)| send(name).json(body).field(field)));
    rows.extend([
        send("nested too deep").json(&nested(17)).field("metadata"),
        send("nested far too deep").raw("application/json", "[".repeat(100_000)).malformed(),
        send("objects nested far too deep").raw("application/json", r#"{"a":"#.repeat(20_000)).malformed(),
        send("invalid UTF-8")
            .raw("application/json", around(b"\xff"))
            .gap("body that is not text")
            .malformed(),
        send("overlong UTF-8")
            .raw("application/json", around(b"\xc0\x80"))
            .gap("body that is not text")
            .malformed(),
        send("a surrogate in UTF-8")
            .raw("application/json", around(b"\xed\xa0\x80"))
            .gap("body that is not text")
            .malformed(),
        send("UTF-8 broken off")
            .raw("application/json", around(b"\xe2\x82"))
            .gap("body that is not text")
            .malformed(),
        send("UTF-16")
            .raw("application/json", b"\xff\xfe{\0}\0".to_vec())
            .gap("body that is not text")
            .malformed(),
        send("a byte order mark").raw("application/json", b"\xef\xbb\xbf{}".to_vec()).malformed(),
        send("nothing").raw("application/json", "").field("conversation"),
        send("over 256 KB")
            .raw("application/json", around(&vec![b'x'; 256 * 1024]))
            .is(413, "payload_too_large"),
        send("over 256 KB of white space")
            .raw("application/json", vec![b' '; 256 * 1024 + 1])
            .is(413, "payload_too_large"),
        send("no media type").raw("", around(b"memo")).is(415, "unsupported_media_type"),
    ]);
    for media in [
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json-seq",
        "text/json",
    ] {
        let row = send(&format!("as {media}")).raw(media, br#"{"message_body": "memo"}"#.as_slice());
        rows.push(row.is(415, "unsupported_media_type"));
    }
    rows.extend([
        send("a form with a field twice")
            .form("conversation={conversation}&message_body=memo&message_body=memo")
            .field("message_body"),
        send("a form that is not UTF-8").form("conversation={conversation}&message_body=%ff").malformed(),
        send("a form with NUL").form("conversation={conversation}&message_body=a%00b").malformed(),
        send("a form with a field that we do not have")
            .form("conversation={conversation}&message_body=memo&x=1")
            .field("x"),
        send("a form as JSON").raw("application/json", "message_body=memo").malformed(),
        send("JSON as a form").form(r#"{"message_body": "memo"}"#),
    ]);
    rows
}
