//! What only browsers send: cookies, forms with tokens, and the paths that are for them.

use super::{As, Row};

/// Cookies that log nobody in.
const COOKIES: [&str; 6] = [
    "sessionid=",
    "sessionid=nonsense",
    "sessionid=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "sessionid=%00",
    "sessionid=a; sessionid=b",
    ";;=;sessionid",
];

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for cookie in COOKIES {
        let row = Row::new(&format!("cookie: {cookie}"), "GET", "/api/users/me/").who(As::Nobody);
        rows.push(row.header("cookie", cookie).is(401, "not_authenticated"));
        let row = Row::new(&format!("cookie: send with {cookie}"), "POST", "/api/messages/").who(As::Nobody);
        let row = row.header("cookie", cookie).header("x-csrftoken", "x");
        rows.push(row.json(r#"{"message_body": "hush"}"#).is(401, "not_authenticated"));
    }
    for (method, path) in [
        ("PUT", "/api-auth/login/"),
        ("DELETE", "/api-auth/logout/"),
        ("POST", "/api/"),
        ("DELETE", "/static/style.css"),
    ] {
        rows.push(Row::new(&format!("method: {method} {path}"), method, path).is(405, "method_not_allowed"));
    }
    for path in ["/static/nothing.css", "/api-auth/nothing/"] {
        rows.push(Row::new(&format!("nowhere: {path}"), "GET", path).is(404, "not_found"));
    }
    for (path, field) in [
        ("/api/?page=1", "page"),
        ("/api/?format=xml", "format"),
        ("/api-auth/login/?to=1", "to"),
        ("/api-auth/logout/?next=/&next=/", "next"),
    ] {
        rows.push(Row::new(&format!("parameter: {path}"), "GET", path).field(field));
    }
    rows.push(
        Row::new("a page as JSON", "GET", "/api-auth/login/")
            .header("accept", "application/json")
            .is(406, "not_acceptable"),
    );
    rows
}
