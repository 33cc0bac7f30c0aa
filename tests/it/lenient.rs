//! Valid requests that a strict server may refuse: unusual headers of browsers, proxies and old clients, requests
//! without a body, and texts in every script.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{
    Browser, TestApp,
    browser::{ACCEPT, encoded},
    login::{log_in, register},
    network::unique_email,
    people::PASSWORD,
    user::{id_of, message_path},
};

#[tokio::test]
async fn cookies_of_other_applications_log_nobody_out() {
    let app = TestApp::new().await;
    let browser = Browser::of(&app.user("ann").await).await;
    let session = browser.cookie("sessionid").unwrap();
    for other in ["city=Logroño".as_bytes(), b"city=Logro\xf1o", b"=;;x", b"a=\"", b"\xf0\x9f"] {
        for first in [true, false] {
            let own = format!("sessionid={session}").into_bytes();
            let line = if first { [other, b"; ", &own].concat() } else { [&own[..], b";", other].concat() };
            let request = app.get("/api/users/me/").header_bytes("cookie", &line);
            request.send().await.expect(200);
            let lines = app.get("/api/users/me/").header_bytes("cookie", other);
            lines.header_bytes("cookie", &own).header_bytes("cookie", other).send().await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_request_without_a_body_needs_no_media_type() {
    let app = TestApp::new().await;
    let browser = Browser::of(&app.user("ann").await).await;
    let session = browser.cookie("sessionid").unwrap();
    let log_out = |browser: &Browser| {
        browser.request(Method::POST, "/api-auth/logout/").header("x-csrftoken", &browser.csrf())
    };
    // These requests are refused and have no effect.
    log_out(&browser).raw("text/plain", b"next=/").send().await.expect(415);
    log_out(&browser).raw("", b"next=/").send().await.expect(415);
    log_out(&browser).raw("application/x-www-form-urlencoded", b"next=/&x=1").send().await.expect(400);
    browser.json("/api/users/me/").await.expect(200);
    log_out(&browser).send().await.expect(303);
    browser.set_cookie("sessionid", &session);
    browser.json("/api/users/me/").await.problem(401, "not_authenticated");
    // If the fields are required, the answer reports them as missing.
    let errors = app.post("/api/token/").send().await.problem(400, "invalid_request")["errors"].clone();
    assert_eq!(errors.as_object().unwrap().len(), 2, "{errors}");
}

#[tokio::test]
async fn a_weight_is_read_however_it_is_written() {
    let app = TestApp::new().await;
    for accept in [
        "application/json;q=.9",
        "application/json;q=1.",
        "application/json ; Q = 0.5",
        "application/json;charset=\"a,b\";q=0.5",
        "application/json;q=0.123456",
        "text/html;q=.4,*/*;q=.5",
        "",
    ] {
        let answer = app.get("/api/").header("accept", accept).send().await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{accept}");
    }
    for accept in ["*/*;q=0", "image/png", "application/json;q=0.0"] {
        app.get("/api/").header("accept", accept).send().await.problem(406, "not_acceptable");
    }
}

#[tokio::test]
async fn pages_pass_over_parameters_that_they_do_not_know() {
    let app = TestApp::new().await;
    let browser = Browser::of(&app.user("ann").await).await;
    let odd = "?utm_source=x&utm_source=y&q=%ff&format=api";
    for path in ["/", "/api-auth/login/", "/api-auth/logout/", "/api/docs/", "/api/", "/api/conversations/"] {
        let page = browser.get(&format!("{path}{odd}")).await.expect(200);
        assert!(page.header("content-type").unwrap().starts_with("text/html"), "{path}");
    }
    let page = browser.get("/api/conversations/?limit=5&utm_source=x").await.expect(200).text();
    assert!(page.contains("?limit=5&#38;format=json") || page.contains("?limit=5&amp;format=json"), "{page}");
    // For a program, an unknown parameter is an error with its name. Known parameters are checked on pages as well.
    browser.json("/api/conversations/?utm_source=x").await.refuses("utm_source");
    browser.get("/api/conversations/?limit=0&utm_source=x").await.expect(400);
}

#[tokio::test]
async fn what_needs_no_caller_asks_for_none() {
    let app = TestApp::new().await;
    let email = unique_email("ann");
    let body = json!({ "email": email, "password": PASSWORD, "first_name": "A", "last_name": "B" });
    let stale = ["Bearer stale", "Basic YTpi", "Bearer", "nonsense"];
    app.post("/api/users/").bearer("stale").json(&body).send().await.created();
    let tokens = log_in(&app, &email, PASSWORD).await.ok();
    for stale in stale {
        let login = json!({ "email": email, "password": PASSWORD });
        let post = |path: &str, body: &Value| app.post(path).header("authorization", stale).json(body).send();
        post("/api/token/", &login).await.expect(200);
        post("/api/token/verify/", &json!({ "token": tokens["access"] })).await.expect(200);
        post("/api/token/refresh/", &json!({ "refresh": tokens["refresh"] })).await.expect(200);
        for path in ["/api/", "/api/schema/", "/healthz", "/.well-known/jwks.json"] {
            app.get(path).header("authorization", stale).send().await.expect(200);
        }
        for path in ["/api-auth/login/", "/api/docs/"] {
            app.get(path).header("accept", ACCEPT).header("authorization", stale).send().await.expect(200);
        }
    }
    let closed = TestApp::with_closed_registration().await;
    let refused = closed.post("/api/users/").bearer("stale").json(&body).send().await;
    refused.problem(401, "token_not_valid");
    register(&closed, &email).await.problem(401, "not_authenticated");
}

#[tokio::test]
async fn a_version_is_compared_by_its_opaque_tag() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let message = ann.send(&conversation, "memo").await;
    let paths =
        [(format!("/api/conversations/{conversation}/"), "name"), (message_path(&message), "message_body")];
    for (path, field) in paths {
        let change = |header: &str, value: &str, text: &str| {
            ann.request(Method::PATCH, &path).header(header, value).json(&json!({ field: text })).send()
        };
        for (n, form) in ["W/{}", "{}", "\"x\", W/{}", "\"a,b\" ,{}"].into_iter().enumerate() {
            let present = ann.get(&path).await.header("etag").unwrap().to_owned();
            change("if-match", &form.replace("{}", &present), &format!("text {n}")).await.expect(200);
        }
        let present = ann.get(&path).await.header("etag").unwrap().to_owned();
        change("if-match", "*", "any").await.expect(200);
        for bad in ["3", "\"3", "w/\"3\"", "*, \"3\"", ""] {
            change("if-match", bad, "bad").await.refuses("If-Match");
            change("if-none-match", bad, "bad").await.refuses("If-None-Match");
        }
        change("if-match", &present, "late").await.problem(412, "precondition_failed");
        change("if-none-match", "*", "other").await.problem(412, "precondition_failed");
        let now = ann.get(&path).await.header("etag").unwrap().to_owned();
        change("if-none-match", &format!("W/{now}"), "other").await.problem(412, "precondition_failed");
        assert_eq!(ann.get(&path).await.ok()[field], "any");
        let delete = ann.request(Method::DELETE, &path).header("if-none-match", "*").send().await;
        delete.problem(412, "precondition_failed");
        change("if-none-match", &present, "new").await.expect(200);
    }
    let path = format!("/api/conversations/{conversation}/");
    let body = json!({ "participants": [ben.id] });
    let put = ann.request(Method::PUT, &path).header("if-none-match", "*").json(&body).send().await;
    put.problem(412, "precondition_failed");
}

#[tokio::test]
async fn what_has_no_version_is_there_all_the_same() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let message = ann.send(&conversation, "memo").await;
    let put = |header: &str, value: &str| {
        let request = ben.request(Method::PUT, &format!("/api/conversations/{conversation}/read/"));
        request.header(header, value).json(&json!({ "message": message["message_id"] })).send()
    };
    put("if-none-match", "*").await.problem(412, "precondition_failed");
    put("if-match", "\"1\"").await.problem(412, "precondition_failed");
    assert_eq!(ben.unread(&conversation).await, 1);
    put("if-match", "*").await.expect(200);
    let me = ann.request(Method::PATCH, "/api/users/me/").header("if-none-match", "*");
    me.json(&json!({ "first_name": "Other" })).send().await.problem(412, "precondition_failed");
}

#[tokio::test]
async fn a_key_makes_one_conversation_and_no_other() {
    let app = TestApp::new().await;
    let (ann, ben, cho) = (app.user("ann").await, app.user("ben").await, app.user("cho").await);
    let key = app.key();
    let body = |participants: Value, name: &str, metadata: Value| json!({ "participants": participants, "name": name, "metadata": metadata, "client_id": key });
    let first = body(json!([ben.id, cho.id]), "Trip", json!({ "a": 1 }));
    let made = ann.post("/api/conversations/", first.clone()).await.created();
    let path = format!("/api/conversations/{}/", id_of(&made));
    ann.patch(&path, json!({ "name": "Other", "participants": [ben.id] })).await.expect(200);
    // A retry returns the group, after any change of the conversation and with the participants in any order.
    for same in
        [first, body(json!([cho.id, ann.id, { "user_id": ben.id }, cho.id]), "Trip", json!({ "a": 1 }))]
    {
        let again = ann.post("/api/conversations/", same).await.expect(200).json();
        assert_eq!((id_of(&again), &again["name"]), (id_of(&made), &json!("Other")));
    }
    for other in [
        body(json!([ben.id]), "Trip", json!({ "a": 1 })),
        body(json!([ben.id, cho.id]), "Other", json!({ "a": 1 })),
        body(json!([ben.id, cho.id]), "Trip", json!({ "a": 2 })),
        body(json!([ben.id, cho.id]), "Trip", Value::Null),
    ] {
        ann.post("/api/conversations/", other).await.problem(409, "client_id_reused");
    }
    for none in [json!({ "name": "Trip" }), json!({ "participants": [] }), json!({ "participants": null })] {
        ann.post("/api/conversations/", none).await.refuses("participants");
    }
    let alone = ann.post("/api/conversations/", json!({ "participants": [ann.id] })).await.created();
    assert_eq!(alone["participant_count"], 1);
}

#[tokio::test]
async fn an_address_has_one_account_however_it_is_typed() {
    let app = TestApp::new().await;
    let tag = app.key();
    for (typed, other, shown) in [
        (
            format!("Ann-{tag}@ü.example"),
            format!("ann-{tag}@XN--TDA.example"),
            format!("ann-{tag}@ü.example"),
        ),
        (format!("संपर्क-{tag}@x.com"), format!(" संपर्क-{tag}@X.com"), format!("संपर्क-{tag}@x.com")),
        (format!("jose\u{301}-{tag}@x.com"), format!("JOSÉ-{tag}@x.com"), format!("josé-{tag}@x.com")),
    ] {
        let user = register(&app, &typed).await.created();
        assert_eq!(user["email"], json!(shown));
        register(&app, &other).await.refuses("email");
        let token = log_in(&app, &other, PASSWORD).await.ok()["access"].as_str().unwrap().to_owned();
        let me = app.get("/api/users/me/").bearer(&token).send().await.ok();
        assert_eq!(me["email"], json!(shown));
        let search = encoded(&[("email", &other)]);
        let found = app.get(&format!("/api/users/?{search}")).bearer(&token).send().await.ok();
        assert_eq!(found["results"][0]["user_id"], user["user_id"]);
        let back = app.request(Method::PATCH, "/api/users/me/").bearer(&token);
        back.json(&json!({ "email": other })).send().await.expect(200);
    }
    register(&app, "a@மின்னஞ்சல்.இந்தியா").await.created();
    register(&app, "x@127.0.0.1").await.refuses("email");
}

#[tokio::test]
async fn a_password_is_the_same_in_every_way_to_type_it() {
    let app = TestApp::new().await;
    let email = unique_email("ann");
    let body =
        json!({ "email": email, "password": "gra\u{308}flich übel 7", "first_name": "A", "last_name": "B" });
    app.post("/api/users/").json(&body).send().await.created();
    log_in(&app, &email, "gräflich u\u{308}bel 7").await.ok();
    log_in(&app, &email, "graflich ubel 7").await.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn names_and_bodies_of_every_script_pass_and_blank_ones_do_not() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let conversation =
        id_of(&ann.post("/api/conversations/", json!({ "participants": [ann.id] })).await.created());
    for good in ["👩\u{200d}🚀", "می\u{200c}خواهم", "李", "é"] {
        ann.send(&conversation, good).await;
        ann.patch("/api/users/me/", json!({ "first_name": good, "last_name": good })).await.expect(200);
        ann.patch(&format!("/api/conversations/{conversation}/"), json!({ "name": good })).await.expect(200);
    }
    for blank in [
        "\u{200b}",
        "\u{2060}",
        "\u{3164}",
        "\u{115f}",
        "\u{ffa0}",
        "\u{2800}",
        "\u{ad}",
        "\u{fe0f}",
        "\u{e0020}",
    ] {
        ann.try_send(&conversation, blank).await.refuses("message_body");
        ann.patch("/api/users/me/", json!({ "first_name": blank })).await.refuses("first_name");
        // A conversation needs no name, so a name that shows nothing is no name.
        let path = format!("/api/conversations/{conversation}/");
        let named = ann.patch(&path, json!({ "name": blank })).await.ok();
        assert_eq!(named["name"], Value::Null, "{blank:?}");
    }
    for odd in [
        "a\u{202e}b",
        "a\u{2066}b",
        "a\nb",
        "a\tb",
        "a\u{85}b",
        "a\u{2028}b",
        "a\u{378}",
        "\u{e000}",
        "a\u{fffc}",
        "a\u{ffff}",
    ] {
        ann.patch("/api/users/me/", json!({ "last_name": odd })).await.refuses("last_name");
        let path = format!("/api/conversations/{conversation}/");
        ann.patch(&path, json!({ "name": odd })).await.refuses("name");
    }
    // Bodies may contain characters that only the sender's and the reader's devices know.
    ann.send(&conversation, "memo \u{e000}\u{378}").await;
}
