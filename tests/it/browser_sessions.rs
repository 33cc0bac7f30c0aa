//! Logging in with a browser: the attributes of the cookies, the redirect after the login, and the end of a session.

use axum::http::Method;
use chrono::TimeDelta;
use serde_json::json;

use crate::harness::{
    Browser, TestApp,
    browser::set_cookies,
    call::{Operation::Put, on},
    login::{close_account, logged_in, without_first_session},
    people::PASSWORD,
    table::text,
};

#[tokio::test]
async fn a_login_leads_where_it_was_asked_to_and_sets_two_cookies() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let browser = Browser::new(app.api());
    let answer = browser.log_in(&ann.email, PASSWORD, "/api/messages/?limit=5").await.expect(303);
    assert_eq!(answer.header("location"), Some("/api/messages/?limit=5"));
    let lines = set_cookies(&answer);
    let line =
        |name: &str| lines.iter().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{lines:?}"));
    let (session, token) = (line("sessionid="), line("csrftoken="));
    for wanted in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=1209600"] {
        assert!(session.contains(wanted), "{session}");
    }
    assert!(token.contains("SameSite=Lax") && !token.contains("HttpOnly"), "{token}");
    // The gateway of the test uses http, as `cargo run` does.
    assert!(!session.contains("Secure") && !session.contains("Domain"), "{session}");
    let me = browser.json("/api/users/me/").await.ok();
    assert_eq!(me["user_id"].as_str(), Some(ann.id.as_str()));
    // The table does not contain the secret of the cookie.
    let items = app.table.partition(&format!("USER#{}", ann.id)).await;
    let secret = browser.cookie("sessionid").unwrap();
    assert!(items.iter().any(|item| text(item, "kind") == "cookie"));
    assert!(items.iter().all(|item| !json!(item).to_string().contains(&secret[50..])));
    app.check().await;
}

#[tokio::test]
async fn a_login_leads_to_no_other_site() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    for next in [
        "https://example.com/",
        "//example.com/",
        "/\\example.com/",
        "\\\\example.com",
        "javascript:alert(1)",
        "",
        "/\t/example.com",
    ] {
        let browser = Browser::new(app.api());
        browser.get("/api-auth/login/").await.expect(200);
        let token = browser.csrf();
        let fields = [
            ("username", ann.email.as_str()),
            ("password", PASSWORD),
            ("next", next),
            ("csrfmiddlewaretoken", &token),
        ];
        let answer = browser.post("/api-auth/login/", &fields).await.expect(303);
        assert_eq!(answer.header("location"), Some("/api/"), "{next}");
    }
    let page = Browser::new(app.api())
        .get("/api-auth/login/?next=https%3A%2F%2Fexample.com%2F")
        .await
        .expect(200)
        .text();
    assert!(!page.contains("https://example.com"), "{page}");
}

#[tokio::test]
async fn logging_out_ends_the_session_at_once() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (browser, other) = (Browser::of(&ann).await, Browser::of(&ann).await);
    let secret = browser.cookie("sessionid").unwrap();
    let asked = browser.get("/api-auth/logout/").await.expect(200).text();
    assert!(asked.contains("Log out?") && asked.contains("ann Tester"), "{asked}");
    browser.json("/api/users/me/").await.expect(200);
    browser.log_out().await.expect(303);
    assert_eq!((browser.cookie("sessionid"), browser.cookie("csrftoken")), (None, None));
    // An ended session stays ended for a client that has kept the cookie, and in another process.
    browser.set_cookie("sessionid", &secret);
    browser.json("/api/users/me/").await.problem(401, "not_authenticated");
    let elsewhere = browser.through(app.second_process().await);
    elsewhere.json("/api/users/me/").await.problem(401, "not_authenticated");
    other.json("/api/users/me/").await.expect(200);
    // A second logout is not an error.
    browser.log_out().await.expect(303);
}

#[tokio::test]
async fn a_browser_is_in_the_list_of_sessions_and_can_be_ended_there() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (browser, other) = (Browser::of(&ann).await, Browser::of(&ann).await);
    without_first_session(&app, &ann).await;
    let list = browser.json("/api/users/me/sessions/").await.ok();
    let sessions = list["results"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert!(sessions.iter().all(|session| session["kind"] == "cookie"));
    let foreign = sessions.iter().find(|session| session["current"] == false).unwrap();
    let path = format!("/api/users/me/sessions/{}/", foreign["session_id"].as_str().unwrap());
    let (ann, _) = logged_in(&app, &ann).await;
    ann.delete(&path).await.nothing();
    other.json("/api/users/me/").await.problem(401, "not_authenticated");
    browser.json("/api/users/me/").await.expect(200);
}

#[tokio::test]
async fn a_session_ends_after_a_fortnight_and_a_new_login_ends_the_browsers_old_one() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let browser = Browser::of(&ann).await;
    let old = browser.cookie("sessionid").unwrap();
    browser.log_in(&ann.email, PASSWORD, "/api/").await.expect(303);
    let new = browser.cookie("sessionid").unwrap();
    assert_ne!(old, new);
    browser.set_cookie("sessionid", &old);
    browser.json("/api/users/me/").await.problem(401, "not_authenticated");
    browser.set_cookie("sessionid", &new);
    app.advance(TimeDelta::days(14) - TimeDelta::minutes(1));
    browser.json("/api/users/me/").await.expect(200);
    app.advance(TimeDelta::minutes(2));
    browser.json("/api/users/me/").await.problem(401, "not_authenticated");
}

#[tokio::test]
async fn a_change_of_the_password_ends_the_other_browsers() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (browser, other) = (Browser::of(&ann).await, Browser::of(&ann).await);
    let change = json!({ "old_password": PASSWORD, "new_password": "another-horse-battery-staple" });
    let request =
        browser.request(Method::POST, "/api/users/me/password/").header("x-csrftoken", &browser.csrf());
    let (old, token) = (browser.cookie("sessionid").unwrap(), browser.csrf());
    let answer = browser.keep(request.json(&change).send().await.expect(204));
    let lines = set_cookies(&answer);
    assert!(lines[0].starts_with("sessionid=") && lines[0].contains("; HttpOnly"), "{lines:?}");
    let new = browser.cookie("sessionid").unwrap();
    assert!(new != old && browser.csrf() != token, "the session has another secret");
    browser.set_cookie("sessionid", &old);
    browser.json("/api/users/me/").await.problem(401, "not_authenticated");
    browser.set_cookie("sessionid", &new);
    other.json("/api/users/me/").await.problem(401, "not_authenticated");
    browser.json("/api/users/me/").await.expect(200);
    let items = app.table.partition(&format!("USER#{}", ann.id)).await;
    assert_eq!(items.iter().filter(|item| text(item, "item") == "session").count(), 1);
}

#[tokio::test]
async fn a_login_past_a_change_of_the_password_is_over_at_once() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (browser, late) = (Browser::of(&ann).await, Browser::new(app.api()));
    let gate = app.proxy.faults.hold(on(Put).of("SESSION#"));
    let change = json!({ "old_password": PASSWORD, "new_password": "another-horse-battery-staple" });
    let change = browser
        .request(Method::POST, "/api/users/me/password/")
        .header("x-csrftoken", &browser.csrf())
        .json(&change);
    let changing = async {
        gate.reached().await;
        browser.keep(change.send().await.expect(204));
        gate.release();
    };
    let (raced, ()) = tokio::join!(late.log_in(&ann.email, PASSWORD, "/api/"), changing);
    app.proxy.faults.clear();
    assert!([303, 401].contains(&raced.status), "{raced}");
    late.json("/api/users/me/").await.problem(401, "not_authenticated");
    browser.json("/api/users/me/").await.expect(200);
    app.check().await;
}

#[tokio::test]
async fn closing_the_account_ends_its_browsers() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let browser = Browser::of(&ann).await;
    close_account(&ann, PASSWORD).await.nothing();
    browser.json("/api/users/me/").await.problem(401, "not_authenticated");
}

#[tokio::test]
async fn a_wrong_password_is_said_on_the_page_and_slows_down() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let browser = Browser::new(app.api());
    app.freeze();
    for _ in 0..10 {
        let answer = browser.log_in(&ann.email, "wrong-horse-battery", "/api/").await.expect(401);
        let page = answer.text();
        assert!(
            page.contains("The email address or the password is wrong") && page.contains(&ann.email),
            "{page}"
        );
        assert!(!page.contains("wrong-horse-battery"), "{page}");
    }
    let throttled = browser.log_in(&ann.email, PASSWORD, "/api/").await.expect(429);
    assert!(throttled.header("retry-after").is_some());
    assert!(throttled.text().contains("Too many attempts"));
    // There is one count of attempts for the form and for the token endpoint.
    let body = json!({ "email": ann.email, "password": PASSWORD });
    app.post("/api/token/").json(&body).send().await.problem(429, "throttled");
    let bad = browser.log_in("no email", PASSWORD, "/api/").await.expect(400);
    assert!(bad.text().contains("username must be"), "{}", bad.text());
}

#[tokio::test]
async fn neither_kind_of_session_is_taken_for_the_other() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let browser = Browser::of(&ann).await;
    without_first_session(&app, &ann).await;
    let cookie = browser.cookie("sessionid").unwrap();
    let tokens =
        app.post("/api/token/").json(&json!({ "email": ann.email, "password": PASSWORD })).send().await.ok();
    // A cookie is not accepted as a token, and a token is not accepted as a cookie.
    app.get("/api/users/me/").bearer(&cookie).send().await.problem(401, "token_not_valid");
    for token in [&tokens["access"], &tokens["refresh"]] {
        let cookie = format!("sessionid={}", token.as_str().unwrap());
        app.get("/api/users/me/").header("cookie", &cookie).send().await.problem(401, "not_authenticated");
    }
    // A session of one kind is not valid as the other kind, even with all attributes of the other kind.
    let partition = format!("USER#{}", ann.id);
    let mut item = app
        .table
        .partition(&partition)
        .await
        .into_iter()
        .find(|item| text(item, "kind") == "cookie")
        .unwrap();
    item["kind"] = json!("token");
    app.table.put_all(&[json!(item)]).await;
    browser.json("/api/users/me/").await.problem(401, "not_authenticated");
    item["kind"] = json!("cookie");
    app.table.put_all(&[json!(item)]).await;
    browser.json("/api/users/me/").await.expect(200);
    let tokens_item =
        app.table.partition(&partition).await.into_iter().find(|item| text(item, "kind") == "token").unwrap();
    let mut changed = tokens_item.clone();
    changed["kind"] = json!("cookie");
    app.table.put_all(&[json!(changed)]).await;
    let access = tokens["access"].as_str().unwrap();
    app.get("/api/users/me/").bearer(access).send().await.problem(401, "token_not_valid");
    app.post("/api/token/refresh/")
        .json(&json!({ "refresh": tokens["refresh"] }))
        .send()
        .await
        .problem(401, "token_not_valid");
}

#[tokio::test]
async fn a_dead_session_cookie_beside_a_live_one_does_not_count() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let (browser, old, other) = (Browser::of(&ann).await, Browser::of(&ann).await, Browser::of(&ben).await);
    let cookie = |browser: &Browser| browser.cookie("sessionid").unwrap();
    let (live, dead, foreign) = (cookie(&browser), cookie(&old), cookie(&other));
    old.log_out().await.expect(303);
    let me = async |values: &[&str]| {
        let pairs: Vec<String> = values.iter().map(|value| format!("sessionid={value}")).collect();
        app.get("/api/users/me/").header("cookie", &pairs.join("; ")).send().await
    };
    for values in [&[live.as_str(), dead.as_str()][..], &[&dead, &live], &[&live, &live], &["x", &live]] {
        let found = me(values).await.ok();
        assert_eq!(found["user_id"].as_str(), Some(ann.id.as_str()), "{values:?}");
    }
    for values in [&[live.as_str(), foreign.as_str()][..], &[&dead, "x"], &[&live, &dead, "x"]] {
        me(values).await.problem(401, "not_authenticated");
    }
}
