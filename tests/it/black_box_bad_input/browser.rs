//! Bad requests that browsers send: cookies, forms with tokens, and the paths for them.

use super::{As, Row};

/// Cookies that do not log anybody in.
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
        rows.push(row.json(r#"{"message_body": "memo"}"#).is(401, "not_authenticated"));
    }
    for (method, path) in [
        ("PUT", "/api-auth/login/"),
        ("DELETE", "/api-auth/logout/"),
        ("POST", "/api/"),
        ("PUT", "/api/schema/"),
        ("POST", "/api/docs/"),
        ("DELETE", "/static/style.css"),
    ] {
        rows.push(Row::new(&format!("method: {method} {path}"), method, path).is(405, "method_not_allowed"));
    }
    for path in ["/static/nothing.css", "/static/docs/any/nothing.js", "/api-auth/nothing/"] {
        rows.push(Row::new(&format!("nowhere: {path}"), "GET", path).is(404, "not_found"));
    }
    for (path, field) in [
        ("/api/?page=1", "page"),
        ("/api/?format=xml", "format"),
        ("/api/schema/?format=yaml", "format"),
        ("/api/schema/?lang=de", "lang"),
    ] {
        rows.push(Row::new(&format!("parameter: {path}"), "GET", path).field(field));
    }
    for path in ["/api-auth/login/", "/api/docs/"] {
        let row = Row::new(&format!("a page as JSON: {path}"), "GET", path);
        rows.push(row.header("accept", "application/json").is(406, "not_acceptable"));
    }
    rows
}
