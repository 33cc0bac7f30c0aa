//! Bad paths, methods, parameters, cursors and headers.

use super::{As, Row};

/// Parameters of `GET /api/messages/`, and the expected field in `errors`.
#[rustfmt::skip]
const PARAMETERS: [(&str, &str); 29] = [
    ("limit=0", "limit"),
    ("limit=101", "limit"),
    ("limit=-1", "limit"),
    ("limit=+5", "limit"),
    ("limit=1.5", "limit"),
    ("limit=1e1", "limit"),
    ("limit=ten", "limit"),
    ("limit=", "limit"),
    ("limit=%D9%A3", "limit"),
    ("limit=99999999999999999999999", "limit"),
    ("limit=5&limit=5", "limit"),
    ("page=2", "page"),
    ("LIMIT=5", "LIMIT"),
    ("conversation=friends", "conversation"),
    ("conversation={message}", "conversation"),
    ("conversation={conversation}&conversation={conversation}", "conversation"),
    ("before={conversation}", "before"),
    ("before={ben}", "before"),
    ("before={message}&after={message}", "after"),
    ("conversation={conversation}&before={elsewhere}", "before"),
    ("around=1", "around"),
    ("order=sideways", "order"),
    ("tombstones=maybe", "tombstones"),
    ("cursor=nonsense", "cursor"),
    ("cursor=", "cursor"),
    ("conversation={conversation}&cursor=bQ", "cursor"),
    ("format=xml", "format"),
    ("%00=1", "query"),
    ("limit=%FF", "query"),
];

/// Cursors that are not valid for the list: cursors of other lists, shortened, lengthened, or with other alphabets.
#[rustfmt::skip]
const CURSORS: [(&str, &str); 10] = [
    ("/api/conversations/?cursor=nonsense", "a word"),
    ("/api/conversations/?cursor=Y3d3d3d3d3d3d3d3d3d3d3d3d3c", "too long"),
    ("/api/conversations/?cursor=cGFhYWFhYWFhYWFhYWFhYWE", "of another list"),
    ("/api/conversations/?cursor=Yw", "cut"),
    ("/api/conversations/?cursor=Y%2B%2F%3D", "of another alphabet"),
    ("/api/conversations/{conversation}/participants/?cursor=nonsense", "a word"),
    ("/api/conversations/{conversation}/participants/?cursor=Y2FhYWFhYWFhYWFhYWFhYWE", "of another list"),
    ("/api/users/me/sessions/?cursor=nonsense", "a word"),
    ("/api/messages/?cursor=bWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYQ", "of no conversation"),
    ("/api/messages/?cursor=Y2FhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYQ", "of another list"),
];

const CHANGES: [&str; 5] =
    ["after=-1", "after=one", "after=1.5", "after=99999999999999999999999", "after=1&after=1"];

/// Paths without a resource.
const NOWHERE: [&str; 18] = [
    "/api/messages/nonsense/",
    "/api/messages/{conversation}/",
    "/api/messages/{beyond}/",
    "/api/messages/{ben}/",
    "/api/messages/{message}%23/",
    "/api/messages/{message}%00/",
    "/api/messages/%20{message}/",
    "/api/messages/MSG%230000000000001/",
    "/api/messages/1/",
    "/api/messages/-1/",
    "/api/conversations/{message}/",
    "/api/conversations/{ben}/",
    "/api/conversations/META/",
    "/api/conversations/{conversation}%23META/",
    "/api/conversations/{conversation}/nonsense/",
    "/api/conversations/{conversation}/participants/nobody/",
    "/api/users/nobody/",
    "/api/users/00000000-0000-4000-8000-000000000000/",
];

#[rustfmt::skip]
const METHODS: [(&str, &str); 11] = [
    ("PUT", "/api/messages/"),
    ("PATCH", "/api/messages/"),
    ("DELETE", "/api/messages/"),
    ("POST", "/api/messages/{message}/"),
    ("DELETE", "/api/conversations/"),
    ("PUT", "/api/conversations/"),
    ("POST", "/api/conversations/{conversation}/"),
    ("POST", "/api/conversations/{conversation}/read/"),
    ("POST", "/api/conversations/{conversation}/changes/"),
    ("GET", "/api/token/"),
    ("DELETE", "/api/users/"),
];

const ACCEPTED: [&str; 4] =
    ["text/xml", "image/*", "application/json;q=0", "application/xml, text/csv;q=0.5"];

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (query, field) in PARAMETERS {
        rows.push(
            Row::new(&format!("messages: {query}"), "GET", &format!("/api/messages/?{query}")).field(field),
        );
    }
    for (path, what) in CURSORS {
        rows.push(Row::new(&format!("cursor {what}: {path}"), "GET", path).field("cursor"));
    }
    for query in CHANGES {
        let path = format!("/api/conversations/{{conversation}}/changes/?{query}");
        rows.push(Row::new(&format!("changes: {query}"), "GET", &path).field("after"));
    }
    let order = "/api/conversations/{conversation}/changes/?order=random";
    rows.push(Row::new("changes: order=random", "GET", order).field("order"));
    for path in NOWHERE {
        rows.push(Row::new(&format!("nowhere: {path}"), "GET", path).is(404, "not_found"));
    }
    for (method, path) in METHODS {
        rows.push(Row::new(&format!("method: {method} {path}"), method, path).is(405, "method_not_allowed"));
    }
    for accept in ACCEPTED {
        let row = Row::new(&format!("accept: {accept}"), "GET", "/api/users/me/");
        rows.push(row.header("accept", accept).is(406, "not_acceptable"));
    }
    for name in ["x-http-method-override", "x-method-override", "x-http-method"] {
        let row = Row::new(&format!("{name}: DELETE"), "POST", "/api/messages/{message}/");
        rows.push(row.json("{}").header(name, "DELETE").is(405, "method_not_allowed"));
    }
    rows.extend([
        Row::new("a very long id", "GET", &format!("/api/messages/{}/", "a".repeat(4000)))
            .is(404, "not_found"),
        Row::new("an unknown method", "BREW", "/api/messages/").is(405, "method_not_allowed"),
        Row::new("a method in a parameter", "POST", "/api/messages/?_method=DELETE")
            .json(r#"{"conversation": "{conversation}", "message_body": "memo"}"#)
            .field("_method"),
        Row::new("a path with an additional segment", "GET", "/api/messages/{message}/revisions/1/")
            .is(404, "not_found"),
        Row::new("the list of all users, for a guest", "GET", "/api/users/").is(403, "permission_denied"),
        Row::new("a user with an invalid email address", "GET", "/api/users/?email=nonsense").field("email"),
        Row::new("an ETag of no revision", "PATCH", "/api/messages/{message}/")
            .json(r#"{"message_body": "memo, other"}"#)
            .header("if-match", "\"999\"")
            .is(412, "precondition_failed"),
        Row::new("an invalid ETag", "DELETE", "/api/conversations/{conversation}/")
            .header("if-match", "nonsense")
            .field("If-Match"),
        Row::new("an ETag of another form", "DELETE", "/api/conversations/{conversation}/")
            .header("if-match", "\"nonsense\"")
            .is(412, "precondition_failed"),
        Row::new("an invalid Idempotency-Key", "POST", "/api/messages/")
            .json(r#"{"conversation": "{conversation}", "message_body": "memo"}"#)
            .header("idempotency-key", "nonsense")
            .field("Idempotency-Key"),
        Row::new("two Idempotency-Keys", "POST", "/api/messages/")
            .json(r#"{"conversation": "{conversation}", "message_body": "memo"}"#)
            .header("idempotency-key", "01890a5d-ac96-774b-bcce-b302099a8057")
            .header("idempotency-key", "01890a5d-ac96-774b-bcce-b302099a8058")
            .field("Idempotency-Key")
            .gap("repeated header"),
        Row::new("changes without a token", "GET", "/api/conversations/{conversation}/changes/?after=x")
            .who(As::Nobody)
            .is(401, "not_authenticated"),
    ]);
    rows
}
