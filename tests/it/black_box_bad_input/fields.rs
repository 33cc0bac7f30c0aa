//! Fields with invalid values.

use super::{As, Row};

/// Bodies of a send with one wrong field.
#[rustfmt::skip]
const SENDS: [(&str, &str, &str); 44] = [
    // Columns: the fault, the fields, the expected field in `errors`.
    ("no conversation", r#""message_body": "memo""#, "conversation"),
    ("conversation null", r#""message_body": "memo", "conversation": null"#, "conversation"),
    ("conversation a number", r#""message_body": "memo", "conversation": 7"#, "conversation"),
    ("conversation a list", r#""message_body": "memo", "conversation": ["{conversation}"]"#, "conversation"),
    ("conversation empty", r#""message_body": "memo", "conversation": """#, "conversation"),
    ("conversation a word", r#""message_body": "memo", "conversation": "friends""#, "conversation"),
    ("conversation a user's id", r#""message_body": "memo", "conversation": "{ben}""#, "conversation"),
    ("conversation a message's id", r#""message_body": "memo", "conversation": "{message}""#, "conversation"),
    ("conversation that does not exist", r#""message_body": "memo", "conversation": "5a5a5a5a-5a5a-8a5a-9696-968000000000""#, "conversation"),
    ("conversation in braces", r#""message_body": "memo", "conversation": "{{conversation}}""#, "conversation"),
    ("conversation as a URN", r#""message_body": "memo", "conversation": "urn:uuid:{conversation}""#, "conversation"),
    ("conversation with #", r#""message_body": "memo", "conversation": "{conversation}#META""#, "conversation"),
    ("conversation with a space", r#""message_body": "memo", "conversation": " {conversation}""#, "conversation"),
    ("conversation of full-width digits", r#""message_body": "memo", "conversation": "０1234567-89ab-8cde-bc04-8c0000000""#, "conversation"),
    ("no body", r#""conversation": "{conversation}""#, "message_body"),
    ("body null", r#""conversation": "{conversation}", "message_body": null"#, "message_body"),
    ("body a number", r#""conversation": "{conversation}", "message_body": 1"#, "message_body"),
    ("body true", r#""conversation": "{conversation}", "message_body": true"#, "message_body"),
    ("body a list", r#""conversation": "{conversation}", "message_body": ["memo"]"#, "message_body"),
    ("body an object", r#""conversation": "{conversation}", "message_body": {"text": "memo"}"#, "message_body"),
    ("body empty", r#""conversation": "{conversation}", "message_body": """#, "message_body"),
    ("body blank", r#""conversation": "{conversation}", "message_body": " \n\t ""#, "message_body"),
    ("body of other white space", r#""conversation": "{conversation}", "message_body": "\u00a0\u2003\u3000""#, "message_body"),
    ("reply to a missing message", r#""conversation": "{conversation}", "message_body": "memo", "reply_to": "{beyond}""#, "reply_to"),
    ("reply to another conversation's message", r#""conversation": "{conversation}", "message_body": "memo", "reply_to": "{elsewhere}""#, "reply_to"),
    ("reply to a conversation", r#""conversation": "{conversation}", "message_body": "memo", "reply_to": "{conversation}""#, "reply_to"),
    ("reply to a number", r#""conversation": "{conversation}", "message_body": "memo", "reply_to": 1"#, "reply_to"),
    ("after a missing message", r#""conversation": "{conversation}", "message_body": "memo", "after": "{beyond}""#, "after"),
    ("after another conversation's message", r#""conversation": "{conversation}", "message_body": "memo", "after": "{elsewhere}""#, "after"),
    ("client_id a word", r#""conversation": "{conversation}", "message_body": "memo", "client_id": "mine""#, "client_id"),
    ("client_id a UUIDv4", r#""conversation": "{conversation}", "message_body": "memo", "client_id": "8c8a8c8e-1111-4222-8333-444455556666""#, "client_id"),
    ("client_id nil", r#""conversation": "{conversation}", "message_body": "memo", "client_id": "00000000-0000-0000-0000-000000000000""#, "client_id"),
    ("client_id of the far future", r#""conversation": "{conversation}", "message_body": "memo", "client_id": "ffffffff-ffff-7fff-8fff-ffffffffffff""#, "client_id"),
    ("client_id a number", r#""conversation": "{conversation}", "message_body": "memo", "client_id": 1"#, "client_id"),
    ("metadata a list", r#""conversation": "{conversation}", "message_body": "memo", "metadata": []"#, "metadata"),
    ("metadata text", r#""conversation": "{conversation}", "message_body": "memo", "metadata": "{}""#, "metadata"),
    ("metadata a number", r#""conversation": "{conversation}", "message_body": "memo", "metadata": 1"#, "metadata"),
    ("an unknown field", r#""conversation": "{conversation}", "message_body": "memo", "body": "memo""#, "body"),
    ("a field of the table", r#""conversation": "{conversation}", "message_body": "memo", "pk": "USER#1""#, "pk"),
    ("a field of objects", r#""conversation": "{conversation}", "message_body": "memo", "__proto__": {}"#, "__proto__"),
    ("an empty field name", r#""conversation": "{conversation}", "message_body": "memo", "": 1"#, ""),
    ("a field in capitals", r#""conversation": "{conversation}", "MESSAGE_BODY": "memo""#, "MESSAGE_BODY"),
    ("a field with a space", r#""conversation": "{conversation}", "message_body ": "memo""#, "message_body "),
    ("reply_to an object", r#""conversation": "{conversation}", "message_body": "memo", "reply_to": {"message_id": "{message}"}"#, "reply_to"),
];

#[rustfmt::skip]
const REGISTRATIONS: [(&str, &str, &str); 22] = [
    ("no email", r#""password": "correct-horse-battery-staple", "first_name": "A", "last_name": "B""#, "email"),
    ("no password", r#""email": "{new}", "first_name": "A", "last_name": "B""#, "password"),
    ("no first name", r#""email": "{new}", "password": "correct-horse-battery-staple", "last_name": "B""#, "first_name"),
    ("no last name", r#""email": "{new}", "password": "correct-horse-battery-staple", "first_name": "A""#, "last_name"),
    ("email a word", r#""email": "ann", "password": "correct-horse-battery-staple", "first_name": "A", "last_name": "B""#, "email"),
    ("email without a domain", r#""email": "ann@", "password": "correct-horse-battery-staple", "first_name": "A", "last_name": "B""#, "email"),
    ("email with two @", r#""email": "a@b@c.de", "password": "correct-horse-battery-staple", "first_name": "A", "last_name": "B""#, "email"),
    ("email with a name", r#""email": "Ann <ann@example.com>", "password": "correct-horse-battery-staple", "first_name": "A", "last_name": "B""#, "email"),
    ("email with #", r#""email": "USER#1", "password": "correct-horse-battery-staple", "first_name": "A", "last_name": "B""#, "email"),
    ("email null", r#""email": null, "password": "correct-horse-battery-staple", "first_name": "A", "last_name": "B""#, "email"),
    ("email a list", r#""email": ["{new}"], "password": "correct-horse-battery-staple", "first_name": "A", "last_name": "B""#, "email"),
    ("password short", r#""email": "{new}", "password": "x7$Kq", "first_name": "A", "last_name": "B""#, "password"),
    ("password common", r#""email": "{new}", "password": "password1", "first_name": "A", "last_name": "B""#, "password"),
    ("password a number", r#""email": "{new}", "password": 123456789012345678, "first_name": "A", "last_name": "B""#, "password"),
    ("password null", r#""email": "{new}", "password": null, "first_name": "A", "last_name": "B""#, "password"),
    ("first name blank", r#""email": "{new}", "password": "correct-horse-battery-staple", "first_name": " ", "last_name": "B""#, "first_name"),
    ("first name a number", r#""email": "{new}", "password": "correct-horse-battery-staple", "first_name": 1, "last_name": "B""#, "first_name"),
    ("phone number words", r#""email": "{new}", "password": "correct-horse-battery-staple", "first_name": "A", "last_name": "B", "phone_number": "call me""#, "phone_number"),
    ("phone number of too many digits", r#""email": "{new}", "password": "correct-horse-battery-staple", "first_name": "A", "last_name": "B", "phone_number": "1234567890123456""#, "phone_number"),
    ("phone number a number", r#""email": "{new}", "password": "correct-horse-battery-staple", "first_name": "A", "last_name": "B", "phone_number": 12345"#, "phone_number"),
    ("an unknown field", r#""email": "{new}", "password": "correct-horse-battery-staple", "first_name": "A", "last_name": "B", "is_staff": true"#, "is_staff"),
    ("the hash", r#""email": "{new}", "password": "correct-horse-battery-staple", "first_name": "A", "last_name": "B", "hash": "x""#, "hash"),
];

#[rustfmt::skip]
const CONVERSATIONS: [(&str, &str, &str); 19] = [
    ("participants a word", r#"{"participants": "{ben}"}"#, "participants"),
    ("participants an object", r#"{"participants": {"user_id": "{ben}"}}"#, "participants"),
    ("participants numbers", r#"{"participants": [1]}"#, "participants[0]"),
    ("participants that do not exist", r#"{"participants": ["00000000-0000-4000-8000-000000000000"]}"#, "participants"),
    ("participants a conversation", r#"{"participants": ["{conversation}"]}"#, "participants"),
    ("participants emails", r#"{"participants": ["ben@example.com"]}"#, "participants[0]"),
    ("participants null inside", r#"{"participants": [null]}"#, "participants[0]"),
    ("participants objects without an id", r#"{"participants": [{"first_name": "Ben"}]}"#, "participants[0]"),
    ("an unknown kind", r#"{"participants": ["{ben}"], "kind": "channel"}"#, "kind"),
    ("kind a number", r#"{"participants": ["{ben}"], "kind": 1}"#, "kind"),
    ("direct without another user", r#"{"participants": [], "kind": "direct"}"#, "participants"),
    ("direct with oneself", r#"{"participants": ["{ann}"], "kind": "direct"}"#, "participants"),
    ("name a number", r#"{"participants": ["{ben}"], "name": 5}"#, "name"),
    ("name a list", r#"{"participants": ["{ben}"], "name": ["memo"]}"#, "name"),
    ("metadata text", r#"{"participants": ["{ben}"], "metadata": "memo"}"#, "metadata"),
    ("an unknown field", r#"{"participants": ["{ben}"], "owner": "{ben}"}"#, "owner"),
    ("participants nested", r#"{"participants": [["{ben}"]]}"#, "participants[0]"),
    ("participants true", r#"{"participants": true}"#, "participants"),
    ("kind in capitals", r#"{"participants": ["{ben}"], "kind": "GROUP"}"#, "kind"),
];

/// Columns: method, path, body, the expected field in `errors`.
#[rustfmt::skip]
const OTHERS: [(&str, &str, &str, &str); 26] = [
    ("PATCH", "/api/messages/{message}/", r#"{"message_body": ""}"#, "message_body"),
    ("PATCH", "/api/messages/{message}/", r#"{"message_body": 3}"#, "message_body"),
    ("PATCH", "/api/messages/{message}/", r#"{"text": "memo"}"#, "text"),
    ("PATCH", "/api/messages/{message}/", r#"{"metadata": "memo"}"#, "metadata"),
    ("PUT", "/api/messages/{message}/", "{}", "message_body"),
    ("PATCH", "/api/conversations/{conversation}/", r#"{"kind": 5}"#, "kind"),
    ("PATCH", "/api/conversations/{conversation}/", r#"{"participants": ["nobody"]}"#, "participants[0]"),
    ("PATCH", "/api/conversations/{conversation}/", r#"{"participants": ["00000000-0000-4000-8000-000000000000"]}"#, "participants"),
    ("PATCH", "/api/conversations/{conversation}/", r#"{"title": "memo"}"#, "title"),
    ("PUT", "/api/conversations/{conversation}/", r#"{"participants": ["{ben}"], "metadata": 7}"#, "metadata"),
    ("POST", "/api/conversations/{conversation}/participants/", "{}", "participants"),
    ("POST", "/api/conversations/{conversation}/participants/", r#"{"participants": "{ben}"}"#, "participants"),
    ("POST", "/api/conversations/{conversation}/participants/", r#"{"participants": ["00000000-0000-4000-8000-000000000000"]}"#, "participants"),
    ("PATCH", "/api/conversations/{conversation}/participants/{ben}/", r#"{"role": "admin"}"#, "role"),
    ("PUT", "/api/conversations/{conversation}/read/", "{}", "message"),
    ("PUT", "/api/conversations/{conversation}/read/", r#"{"message": "{beyond}"}"#, "message"),
    ("PUT", "/api/conversations/{conversation}/read/", r#"{"message": "{elsewhere}"}"#, "message"),
    ("PUT", "/api/conversations/{conversation}/read/", r#"{"message": "{message}", "unread": "yes"}"#, "unread"),
    ("PUT", "/api/conversations/{conversation}/read/", r#"{"message": 1}"#, "message"),
    ("PATCH", "/api/users/me/", r#"{"role": "admin"}"#, "role"),
    ("PATCH", "/api/users/me/", r#"{"email": "other@example.org"}"#, "email"),
    ("PATCH", "/api/users/me/", r#"{"first_name": null}"#, "first_name"),
    ("PATCH", "/api/users/me/", r#"{"first_name": ""}"#, "first_name"),
    ("PATCH", "/api/users/me/", r#"{"password": "correct-horse-battery-staple"}"#, "password"),
    ("POST", "/api/users/me/password/", r#"{"old_password": "correct-horse-battery-staple"}"#, "new_password"),
    ("POST", "/api/users/me/password/", r#"{"old_password": "correct-horse-battery-staple", "new_password": "short"}"#, "new_password"),
];

/// Bodies of the token endpoints.
#[rustfmt::skip]
const TOKENS: [(&str, &str, &str); 8] = [
    ("/api/token/", r#"{"password": "correct-horse-battery-staple"}"#, "email"),
    ("/api/token/", r#"{"email": "{new}"}"#, "password"),
    ("/api/token/", r#"{"username": "{new}", "password": "correct-horse-battery-staple"}"#, "username"),
    ("/api/token/", r#"{"email": 1, "password": "correct-horse-battery-staple"}"#, "email"),
    ("/api/token/", r#"{"email": "{new}", "password": ["correct-horse-battery-staple"]}"#, "password"),
    ("/api/token/refresh/", "{}", "refresh"),
    ("/api/token/refresh/", r#"{"refresh": 1}"#, "refresh"),
    ("/api/token/verify/", r#"{"token": null}"#, "token"),
];

fn long(name: &str, path: &str, body: &str, field: &'static str) -> Row {
    Row::new(&format!("overlong: {name}"), "POST", path).json(body).field(field)
}

fn overlong() -> Vec<Row> {
    let send = |body: &str, more: &str| {
        format!(r#"{{"conversation": "{{conversation}}", "message_body": "{body}"{more}}}"#)
    };
    let register = |field: &str, value: &str| {
        let mut fields = [
            ("email", "{new}"),
            ("password", "correct-horse-battery-staple"),
            ("first_name", "A"),
            ("last_name", "B"),
            ("phone_number", "12345"),
        ];
        fields.iter_mut().filter(|(name, _)| *name == field).for_each(|pair| pair.1 = value);
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!(r#""{name}": "{value}""#)).collect();
        format!("{{{}}}", fields.join(", "))
    };
    let nobody = r#""00000000-0000-4000-8000-000000000000""#;
    let many = vec![nobody; 41].join(", ");
    let metadata = format!(r#", "metadata": {{"a": "{}"}}"#, "x".repeat(4096));
    vec![
        long(
            "message of 16,385 characters",
            "/api/messages/",
            &send(&"x".repeat(16_385), ""),
            "message_body",
        ),
        long("message over 48 KB", "/api/messages/", &send(&"😀".repeat(12_289), ""), "message_body"),
        long("metadata over 4 KB", "/api/messages/", &send("memo", &metadata), "metadata"),
        long(
            "name of 201 characters",
            "/api/conversations/",
            &format!(r#"{{"participants": ["{{ben}}"], "name": "{}"}}"#, "x".repeat(201)),
            "name",
        ),
        long(
            "41 participants",
            "/api/conversations/",
            &format!(r#"{{"participants": [{many}]}}"#),
            "participants",
        ),
        long(
            "41 more participants",
            "/api/conversations/{conversation}/participants/",
            &format!(r#"{{"participants": [{many}]}}"#),
            "participants",
        ),
        long(
            "email of 255 bytes",
            "/api/users/",
            &register("email", &format!("{}@example.com", "a".repeat(243))),
            "email",
        ),
        long(
            "password of 129 characters",
            "/api/users/",
            &register("password", &"horse ".repeat(22)),
            "password",
        ),
        long(
            "first name of 151 characters",
            "/api/users/",
            &register("first_name", &"x".repeat(151)),
            "first_name",
        ),
        long(
            "last name of 151 characters",
            "/api/users/",
            &register("last_name", &"x".repeat(151)),
            "last_name",
        ),
        long(
            "phone number of 33 characters",
            "/api/users/",
            &register("phone_number", &" 1".repeat(17)),
            "phone_number",
        ),
    ]
}

pub fn rows() -> Vec<Row> {
    let mut rows = overlong();
    for (name, fields, field) in SENDS {
        rows.push(
            Row::new(&format!("send: {name}"), "POST", "/api/messages/")
                .json(&format!("{{{fields}}}"))
                .field(field),
        );
    }
    for (name, fields, field) in REGISTRATIONS {
        let row =
            Row::new(&format!("register: {name}"), "POST", "/api/users/").json(&format!("{{{fields}}}"));
        rows.push(row.who(As::Nobody).field(field));
    }
    for (name, body, field) in CONVERSATIONS {
        rows.push(
            Row::new(&format!("conversation: {name}"), "POST", "/api/conversations/").json(body).field(field),
        );
    }
    for (method, path, body, field) in OTHERS {
        rows.push(Row::new(&format!("{method} {path} {body}"), method, path).json(body).field(field));
    }
    for (path, body, field) in TOKENS {
        rows.push(
            Row::new(&format!("POST {path} {body}"), "POST", path).json(body).who(As::Nobody).field(field),
        );
    }
    rows.push(
        Row::new("register: an email address that is registered", "POST", "/api/users/")
            .json(r#"{"email": "{taken}", "password": "correct-horse-battery-staple", "first_name": "A", "last_name": "B"}"#)
            .who(As::Nobody)
            .field("email"),
    );
    rows.push(
        Row::new("log in: an unknown user", "POST", "/api/token/")
            .json(r#"{"email": "{new}", "password": "correct-horse-battery-staple"}"#)
            .who(As::Nobody)
            .is(401, "invalid_credentials"),
    );
    rows
}
