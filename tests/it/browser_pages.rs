//! The browsable API: every endpoint is also a page with the same status as its JSON, and no text on a page runs as
//! code.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{
    Answer, Browser, TestApp, User,
    browser::ACCEPT,
    functions::{all_routes, functions},
    user::message_path,
};

/// Texts that would run as code without escaping: as an element, in an attribute, in a script, in a template.
const PROBES: [&str; 4] = [
    "memo <script>alert(1)</script>",
    "memo \"><img src=x onerror=alert(1)>",
    "memo ' onmouseover='alert(1)",
    "memo {{ 7*7 }}</textarea></pre>",
];

/// Asserts a complete page with the headers that forbid inline code, and returns its text.
#[track_caller]
fn page(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{answer}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer}");
    assert!(answer.header("vary").is_some_and(|vary| vary.starts_with("Accept, Cookie")), "{answer}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer}");
    let policy = answer.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self';",
        "style-src 'self';",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    let text = answer.text();
    assert!(text.starts_with("<!doctype html>") && text.trim_end().ends_with("</html>"), "{answer}");
    for inline in ["<script>", "<style", " style=", "javascript:", "<img"] {
        assert!(!text.contains(inline), "{inline}: {answer}");
    }
    text
}

/// Ann and her group, in which every text is one of the probes.
struct Stage {
    ann: User,
    browser: Browser,
    conversation: String,
    message: Value,
}

impl Stage {
    async fn new(app: &TestApp, probe: &str) -> Self {
        let (ann, ben) = (app.user("ann").await, app.user("ben").await);
        for user in [&ann, &ben] {
            user.patch("/api/users/me/", json!({ "first_name": probe, "last_name": probe })).await.ok();
        }
        let body = json!({ "participants": [ben.id], "name": probe, "metadata": { probe: probe } });
        let made = ann.post("/api/conversations/", body).await.created();
        let conversation = made["conversation_id"].as_str().unwrap().to_owned();
        let body = json!({ "conversation": conversation, "message_body": probe, "metadata": { "m": probe } });
        let message = ann.post("/api/messages/", body).await.created();
        ann.edit(&message, &format!("{probe}, edited")).await.ok();
        let browser = Browser::of(&ann).await;
        Self { ann, browser, conversation, message }
    }

    async fn fill(&self, path: &str) -> String {
        let sessions = self.browser.json("/api/users/me/sessions/").await.ok();
        let id = match path {
            path if path.starts_with("/api/conversations/") => self.conversation.clone(),
            path if path.starts_with("/api/messages/") => {
                self.message["message_id"].as_str().unwrap().to_owned()
            }
            path if path.contains("sessions") => {
                sessions["results"][0]["session_id"].as_str().unwrap().to_owned()
            }
            _ => self.ann.id.clone(),
        };
        let path = path.replace("{emoji}", "%F0%9F%91%8D");
        path.replace("{id}", &id).replace("{user_id}", &self.ann.id)
    }
}

#[tokio::test]
async fn every_endpoint_is_a_page_with_the_status_of_its_json() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app, PROBES[0]).await;
    let nobody = Browser::new(app.api());
    // The other routes are pages or files of their own.
    let mut paths: Vec<&str> = functions()
        .iter()
        .flat_map(|routes| routes.of_the_api().map(|(_, path)| *path).collect::<Vec<_>>())
        .filter(|path| *path != "/healthz")
        .collect();
    paths.dedup();
    for path in paths {
        let filled = stage.fill(path).await;
        for browser in [&stage.browser, &nobody] {
            let (html, json) = (browser.get(&filled).await, browser.json(&filled).await);
            assert_eq!(html.status, json.status, "{html}");
            assert_eq!(html.header("www-authenticate"), json.header("www-authenticate"), "{html}");
            assert_eq!(html.header("allow"), json.header("allow"), "{html}");
            let status = format!("HTTP {}", json.status);
            let text = page(&html);
            assert!(text.contains(&status), "{text}");
            // The page contains every value of the JSON, except values of the single request.
            let said = json.json();
            for (name, value) in
                said.as_object().into_iter().flatten().filter(|(name, _)| *name != "request_id")
            {
                assert!(
                    text.contains(&format!("&quot;{name}&quot;"))
                        || text.contains(&format!("&#34;{name}&#34;")),
                    "{name}: {value}: {text}"
                );
            }
            // The link to JSON returns JSON, also for a browser.
            let switched = browser.get(&format!("{filled}?format=json")).await;
            assert!(switched.header("content-type").unwrap().contains("json"), "{switched}");
        }
    }
}

#[tokio::test]
async fn nothing_that_people_wrote_runs() {
    let app = TestApp::new().await;
    for probe in PROBES {
        let stage = Stage::new(&app, probe).await;
        for (method, path) in all_routes()
            .into_iter()
            .filter(|(method, path)| *method == Method::GET && !path.starts_with("/static/"))
        {
            let text = page(&stage.browser.get(&stage.fill(path).await).await);
            let inside = &probe[5..];
            assert!(!text.contains(inside) || !inside.contains(['<', '"', '\'']), "{method} {path}: {text}");
        }
        let shown = page(&stage.browser.get(&format!("/api/conversations/{}/", stage.conversation)).await);
        assert!(shown.contains("memo"), "the probe is shown as text");
        // A probe in the address, and in a form that is shown again.
        let address = "/api/users/?email=%3Cscript%3Ealert(1)%3C/script%3E&%22%3E%3Cimg%20src=x%3E=1";
        page(&stage.browser.get(address).await);
        page(&stage.browser.get("/api/messages/%3Cscript%3Ealert(1)%3C%2Fscript%3E/").await);
        let token = stage.browser.csrf();
        let fields = [
            ("message_body", probe),
            ("conversation", probe),
            ("metadata", probe),
            (probe, probe),
            ("csrfmiddlewaretoken", &token),
        ];
        let refused = page(&stage.browser.post("/api/messages/", &fields).await.expect(400));
        assert!(
            !refused.contains("<script>alert")
                && !refused.contains("<img src")
                && !refused.contains("</textarea></pre>"),
            "{refused}"
        );
        let refused = page(&stage.browser.log_in(probe, probe, probe).await.expect(400));
        assert!(!refused.contains(&probe[5..]) || !probe.contains(['<', '"', '\'']), "{refused}");
    }
}

#[tokio::test]
async fn a_stranger_sees_the_same_page_of_what_is_there_and_what_is_not() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app, "memo").await;
    let browser = Browser::of(&app.user("stranger").await).await;
    let nowhere = ["01010101-0101-8010-8404-040000000000", "01010101-0101-8010-8404-040000000001"];
    let message = stage.message["message_id"].as_str().unwrap();
    for path in [
        "/api/conversations/{}/",
        "/api/conversations/{}/participants/",
        "/api/conversations/{}/changes/",
        "/api/messages/{}/",
        "/api/messages/{}/revisions/",
        "/api/messages/?conversation={}",
        "/api/messages/?after={}",
    ] {
        let is_message = path.contains("messages/{}") || path.contains("after");
        let there = if is_message { message } else { &stage.conversation };
        let seen = async |id: &str| {
            let answer = browser.get(&path.replace("{}", id)).await;
            let fingerprint = answer.fingerprint().replace(id, "<id>");
            drop(page(&answer.expect(404)));
            fingerprint
        };
        assert_eq!(seen(there).await, seen(nowhere[usize::from(is_message)]).await, "{path}");
    }
}

#[tokio::test]
async fn who_asks_for_json_gets_json_and_who_takes_neither_is_told() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let ask =
        async |accept: &str| ann.request(Method::GET, "/api/users/me/").header("accept", accept).send().await;
    for json in ["*/*", "application/json", "application/json, text/html", "text/html;q=0.5, */*"] {
        assert_eq!(ask(json).await.header("content-type"), Some("application/json"), "{json}");
    }
    for html in ["text/html", ACCEPT, "text/html, application/json;q=0.9", "text/*"] {
        page(&ask(html).await.expect(200));
    }
    for neither in ["image/png", "text/html;q=0, application/json;q=0"] {
        ask(neither).await.problem(406, "not_acceptable");
    }
    // A page without JSON is sent as HTML to every client.
    app.get("/api-auth/login/")
        .header("accept", "application/json")
        .send()
        .await
        .problem(406, "not_acceptable");
    app.get("/api-auth/login/").header("accept", "*/*").send().await.expect(200);
    // An unknown path has no format, and an answer to OPTIONS has no content.
    for path in ["/nope", "/api/nope/", "/favicon.ico"] {
        app.get(path).header("accept", "image/png").send().await.problem(404, "not_found");
    }
    for path in ["/", "/api/users/me/", "/api-auth/login/", "/api/docs/"] {
        let request = app.request(Method::OPTIONS, path).header("accept", "image/png");
        let answer = request.send().await.expect(204);
        assert!(answer.header("allow").is_some_and(|allow| allow.contains("GET")), "{answer}");
    }
}

#[tokio::test]
async fn what_goes_wrong_is_a_page_too() {
    let app = TestApp::new().await;
    let browser = Browser::of(&app.user("ann").await).await;
    let nobody = Browser::new(app.api());
    page(&nobody.get("/api/users/me/").await.expect(401));
    page(&browser.get("/api/users/").await.expect(403));
    page(&browser.get("/api/nothing/").await.expect(404));
    page(&browser.get("/api-auth/nothing/").await.expect(404));
    let refused = browser.get("/api/token/").await.expect(405);
    assert_eq!(refused.header("allow"), Some("POST, OPTIONS"));
    page(&refused);
    page(&browser.script(Method::DELETE, "/api-auth/login/", &[]).await.expect(405));
    page(&browser.get("/api/messages/?limit=0").await.expect(400));
    let unread = nobody.get("/api/conversations/?limit=3").await.expect(401);
    assert!(page(&unread).contains("/api-auth/login/?next=%2Fapi%2Fconversations%2F%3Flimit%3D3"));
    // HEAD of a page returns the headers without the body.
    let head =
        browser.request(Method::HEAD, "/api/users/me/").header("accept", ACCEPT).send().await.expect(200);
    assert_eq!((head.header("content-type"), head.body.len()), (Some("text/html; charset=utf-8"), 0));
    app.check().await;
}

#[tokio::test]
async fn files_are_kept_for_good_by_their_version() {
    let app = TestApp::new().await;
    let text = page(&Browser::new(app.api()).get("/api/").await.expect(200));
    for (name, media_type) in [
        ("style.css", "text/css; charset=utf-8"),
        ("browse.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let start = text.find(&format!("/static/{name}?v=")).unwrap();
        let href = text[start..].split('"').next().unwrap();
        let file = app.get(href).header("accept", "image/png").send().await.expect(200);
        assert_eq!(file.header("content-type"), Some(media_type));
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!((file.header("vary"), file.header("set-cookie")), (None, None));
        let tag = file.header("etag").unwrap();
        let known = app.get(href).header("if-none-match", tag).send().await.expect(304);
        assert!(known.body.is_empty());
        let other = app.get(&format!("/static/{name}?v=another")).send().await.expect(200);
        assert_eq!(other.header("cache-control"), Some("no-cache"));
    }
    for none in ["/static/", "/static/nothing.css", "/static/../Cargo.toml", "/static/%2e%2e/lib.rs"] {
        app.get(none).send().await.expect(404);
    }
}

#[tokio::test]
async fn links_lead_to_pages() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app, "memo").await;
    let text = page(&stage.browser.get("/api/messages/").await.expect(200));
    for link in [
        message_path(&stage.message),
        format!("/api/conversations/{}/", stage.conversation),
        format!("/api/users/{}/", stage.ann.id),
    ] {
        assert!(text.contains(&format!("href=\"{link}\"")), "{link}: {text}");
        page(&stage.browser.get(&link).await.expect(200));
    }
    stage.ann.send(&stage.conversation, "memo").await;
    let text = page(&stage.browser.get("/api/messages/?limit=1").await.expect(200));
    assert!(text.contains("rel=\"next\""), "{text}");
    assert!(text.contains("aria-label=\"Breadcrumbs\"") && text.contains("Log out"), "{text}");
}

#[tokio::test]
async fn ids_link_to_pages_that_the_reader_can_open() {
    let app = TestApp::new().await;
    let (ann, admin) = (app.user("ann").await, app.admin("admin").await);
    let body = serde_json::json!({ "user": ann.id, "reason": "spam" });
    let report = ann.post("/api/reports/", body).await.created()["report_id"].as_str().unwrap().to_owned();
    let browser = Browser::of(&admin).await;
    let reports = browser.get("/api/reports/").await.expect(200).text();
    for link in [format!("href=\"/api/reports/{report}/\""), format!("href=\"/api/users/{}/\"", ann.id)] {
        assert!(reports.contains(&link), "{link}: {reports}");
    }
    let sessions = browser.get(&format!("/api/users/{}/sessions/", ann.id)).await.expect(200).text();
    assert!(
        sessions.contains("session_id") && !sessions.contains("href=\"/api/users/me/sessions/"),
        "{sessions}"
    );
    let own = browser.get("/api/users/me/sessions/").await.expect(200).text();
    assert!(own.contains("href=\"/api/users/me/sessions/"), "{own}");
}
