//! The forms of the browsable API: a form has the same effect as the request of a program, and a refused form is shown
//! again with an error at each wrong field.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{
    Answer, Browser, TestApp, User, login::logged_in, people::PASSWORD, user::message_path,
};

async fn post(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let token = browser.csrf();
    let all: Vec<(&str, &str)> =
        fields.iter().copied().chain([("csrfmiddlewaretoken", token.as_str())]).collect();
    browser.post(path, &all).await
}

async fn stage(app: &TestApp) -> (User, User, Browser, String) {
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let browser = Browser::of(&ann).await;
    (ann, ben, browser, conversation)
}

#[tokio::test]
async fn a_message_is_sent_by_a_form() {
    let app = TestApp::new().await;
    let (ann, _, browser, conversation) = stage(&app).await;
    // A browser sends every field of the form, most of them empty, and ends lines with CRLF.
    let fields = [
        ("conversation", conversation.as_str()),
        ("message_body", "memo\r\ntwo lines"),
        ("reply_to", ""),
        ("client_id", ""),
        ("after", ""),
        ("metadata", "{\"color\": \"red\"}"),
    ];
    let made = post(&browser, "/api/messages/", &fields).await.expect(201);
    assert!(made.header("location").is_some() || made.text().contains("HTTP 201"), "{made}");
    let messages = ann.messages(&conversation).await;
    assert_eq!(messages[0]["message_body"], "memo\ntwo lines");
    assert_eq!(messages[0]["metadata"], json!({ "color": "red" }));
    app.check().await;
}

#[tokio::test]
async fn a_form_that_is_sent_twice_sends_once() {
    let app = TestApp::new().await;
    let (ann, _, browser, conversation) = stage(&app).await;
    let page = browser.get("/api/messages/").await.expect(200).text();
    assert!(!page.contains(&format!("value=\"{conversation}\"")));
    let start = page.find("name=\"client_id\"").unwrap();
    let key = page[start..].split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(key.len(), 36, "each form has its own idempotency key: {key}");
    // The list of one conversation has a form for this conversation. The form is posted to the path without parameters.
    let narrowed =
        browser.get(&format!("/api/messages/?conversation={conversation}")).await.expect(200).text();
    assert!(narrowed.contains(&format!("value=\"{conversation}\"")), "{narrowed}");
    assert!(narrowed.contains("action=\"/api/messages/\""), "{narrowed}");
    let fields = [("conversation", conversation.as_str()), ("message_body", "memo"), ("client_id", &key)];
    post(&browser, "/api/messages/", &fields).await.expect(201);
    post(&browser, "/api/messages/", &fields).await.expect(200);
    assert_eq!(ann.bodies(&conversation).await, ["memo"]);
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field() {
    let app = TestApp::new().await;
    let (ann, _, browser, conversation) = stage(&app).await;
    let fields = [
        ("conversation", conversation.as_str()),
        ("message_body", "  "),
        ("metadata", "[1]"),
        ("after", "x"),
    ];
    let page = post(&browser, "/api/messages/", &fields).await.expect(400).text();
    let (form, field) = (page.find("id=\"post\"").unwrap(), page.find("name=\"after\"").unwrap());
    assert!(
        form < field && page.contains("aria-invalid=\"true\"") && page.contains("class=\"fault\""),
        "{page}"
    );
    assert!(
        page.contains(&format!("value=\"{conversation}\"")),
        "the refused form is shown again with its values: {page}"
    );
    // A password is not shown again.
    let fields =
        [("email", "x"), ("password", "short-horse-battery"), ("first_name", "Memo"), ("last_name", "")];
    let page = post(&browser, "/api/users/", &fields).await.expect(400).text();
    assert!(page.contains("value=\"Memo\"") && !page.contains("short-horse-battery"), "{page}");
    assert_eq!(ann.messages(&conversation).await.len(), 0);
}

#[tokio::test]
async fn a_body_is_sent_as_it_was_typed() {
    let app = TestApp::new().await;
    let (ann, _, browser, conversation) = stage(&app).await;
    let raw = json!({ "conversation": conversation, "message_body": "memo, raw", "metadata": { "n": 1.5 } })
        .to_string();
    let sent = [("_content_type", "application/json"), ("_content", raw.as_str())];
    post(&browser, "/api/messages/", &sent).await.expect(201);
    assert_eq!(ann.messages(&conversation).await[0]["metadata"], json!({ "n": 1.5 }));
    for (kind, raw, status) in [
        ("application/json", "{\"a\": <b>", 400),
        ("application/json", "{\"a\":1,\"a\":2}", 400),
        ("application/json", "[]", 400),
        ("text/plain", "memo", 415),
        ("\u{1f600}", "{}", 415),
    ] {
        let page = post(&browser, "/api/messages/", &[("_content_type", kind), ("_content", raw)])
            .await
            .expect(status);
        assert!(status == 415 || page.text().contains("_content"), "{page}");
    }
}

#[tokio::test]
async fn other_methods_are_sent_by_a_script() {
    let app = TestApp::new().await;
    let (ann, ben, browser, conversation) = stage(&app).await;
    let message = ann.send(&conversation, "memo").await;
    let path = message_path(&message);
    browser.script(Method::PATCH, &path, &[("message_body", "memo, patched")]).await.expect(200);
    browser.script(Method::PUT, &path, &[("message_body", "memo, put"), ("metadata", "")]).await.expect(200);
    assert_eq!(ann.bodies(&conversation).await, ["memo, put"]);
    let group = format!("/api/conversations/{conversation}/");
    browser.script(Method::PATCH, &group, &[("name", "")]).await.expect(200);
    assert_eq!(ann.conversation(&conversation).await["name"], Value::Null);
    let participants = format!("{}\n{}", ann.id, ben.id);
    browser
        .script(Method::PUT, &group, &[("participants", &participants), ("name", "memo, put")])
        .await
        .expect(200);
    let read = [("message", message["message_id"].as_str().unwrap()), ("unread", "true")];
    browser.script(Method::PUT, &format!("{group}read/"), &read).await.expect(200);
    // The request is based on an old revision of the message.
    let request = browser
        .request(Method::PATCH, &path)
        .header("accept", "text/html")
        .header("x-csrftoken", &browser.csrf());
    request.header("if-match", "\"0\"").form("message_body=late").send().await.expect(412);
    let gone = browser.script(Method::DELETE, &path, &[]).await.expect(200);
    assert!(gone.text().contains("HTTP 204 No Content"), "{gone}");
    ann.get(&path).await.problem(404, "not_found");
    browser.script(Method::OPTIONS, &group, &[]).await.expect(200);
    app.check().await;
}

#[tokio::test]
async fn accounts_and_passwords_are_changed_by_forms() {
    let app = TestApp::new().await;
    let (_, _, browser, _) = stage(&app).await;
    let nobody = Browser::new(app.api());
    // With open registration, a user without a session registers without a CSRF token.
    let email = crate::harness::network::unique_email("new");
    let fields = [
        ("email", email.as_str()),
        ("password", PASSWORD),
        ("first_name", "Memo"),
        ("last_name", "Memo"),
        ("phone_number", ""),
    ];
    nobody.post("/api/users/", &fields).await.expect(201);
    nobody.log_in(&email, PASSWORD, "/api/").await.expect(303);
    // The session is ignored in a registration, and no CSRF token is needed. The answer is 400 because the email
    // address is already registered.
    browser.post("/api/users/", &fields).await.expect(400);
    let fields = [("old_password", PASSWORD), ("new_password", "another-horse-battery-staple")];
    let changed = post(&browser, "/api/users/me/password/", &fields).await.expect(200).text();
    assert!(changed.contains("HTTP 204 No Content") && !changed.contains("horse-battery"), "{changed}");
    // The page belongs to the new session.
    assert!(changed.contains(&format!("data-csrf=\"{}\"", browser.csrf())), "{changed}");
    let fields = [("old_password", "another-horse-battery-staple"), ("new_password", PASSWORD)];
    post(&browser, "/api/users/me/password/", &fields).await.expect(200);
}

#[tokio::test]
async fn an_admin_suspends_a_user_and_ends_sessions_by_forms() {
    let app = TestApp::new().await;
    let (root, ann) = (app.admin("root").await, app.user("ann").await);
    let browser = Browser::of(&root).await;
    let path = |user: &User| format!("/api/users/{}/", user.id);
    let page = browser.get(&path(&ann)).await.expect(200).text();
    assert!(page.contains("name=\"suspended\"") && page.contains("name=\"role\""), "{page}");
    // A browser sends every field of the form.
    let fields = [("role", "guest"), ("suspended", "true"), ("email", ann.email.as_str())];
    browser.script(Method::PATCH, &path(&ann), &fields).await.expect(200);
    assert_eq!(root.get(&path(&ann)).await.ok()["suspended"], true);
    ann.get("/api/users/me/").await.problem(401, "token_not_valid");
    browser.script(Method::PATCH, &path(&ann), &[("role", ""), ("suspended", "false")]).await.expect(200);
    let (ann, _) = logged_in(&app, &ann).await;
    let sessions = format!("{}sessions/", path(&ann));
    let page = browser.get(&sessions).await.expect(200).text();
    assert!(page.contains("data-method=\"DELETE\""), "{page}");
    browser.script(Method::DELETE, &sessions, &[]).await.expect(200);
    ann.get("/api/users/me/").await.problem(401, "token_not_valid");
    // A refusal is shown on the page.
    let page = browser.script(Method::PATCH, &path(&root), &[("role", "host")]).await.expect(409).text();
    assert!(page.contains("role=\"alert\""), "{page}");
}

#[tokio::test]
async fn forms_of_programs_are_what_they_were() {
    let app = TestApp::new().await;
    let (ann, _, _, conversation) = stage(&app).await;
    let form = format!("conversation={conversation}&message_body=memo+form&client_id=");
    let send = |form: &str| ann.request(Method::POST, "/api/messages/").form(form);
    send(&form).send().await.refuses("client_id");
    send(&form).header("accept", "text/html").send().await.expect(400);
    send(&form.replace("&client_id=", "")).send().await.created();
    send("_content=%7B%7D").send().await.refuses("_content");
}

#[tokio::test]
async fn what_is_not_there_has_only_the_form_that_makes_it() {
    let app = TestApp::new().await;
    let (_, ben, browser, _) = stage(&app).await;
    let block = format!("/api/users/me/blocks/{}/", ben.id);
    let page = browser.get(&block).await.expect(404).text();
    assert!(page.contains("<section class=\"card\" id=\"put\""), "{page}");
    browser.script(Method::PUT, &block, &[]).await.expect(200);
    browser.get(&block).await.expect(200);
    for path in ["/api/conversations/00000000-0000-8000-8000-000000000000/", "/api/nothing/"] {
        let page = browser.get(path).await.expect(404).text();
        assert!(!page.contains("<section class=\"card\" id="), "{path}: {page}");
    }
}
