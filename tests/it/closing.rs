//! Closing an account: it needs the password, a repetition continues after an interruption, and a request that begins
//! after the answer is refused.

use axum::http::Method;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{
    Answer, Browser, TestApp, User,
    browser::set_cookies,
    call::{
        Operation::{BatchWrite, Put, Transact},
        on,
    },
    faults::{Fault::Before, How::Death},
    login::{
        OTHER_PASSWORD, change_password, close_account, log_in, log_out, logged_in, sessions,
        with_new_password,
    },
    people::PASSWORD,
    race::held,
    table::{Item, number},
};

const WRONG: &str = "wrong-horse-battery";

/// Closes the account of a browser's user, as a script does.
async fn close_in(browser: &Browser) -> Answer {
    let request = browser.request(Method::DELETE, "/api/users/me/").header("x-csrftoken", &browser.csrf());
    browser.keep(request.json(&json!({ "password": PASSWORD })).send().await)
}

async fn profile(app: &TestApp, user: &User) -> Item {
    app.table.get(&format!("USER#{}", user.id), "PROFILE").await.unwrap()
}

/// Returns the number of participants that a participant sees.
async fn participants(user: &User, group: &str) -> Value {
    user.conversation(group).await["participant_count"].clone()
}

#[tokio::test]
async fn closing_the_account_needs_the_password() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    let browser = Browser::of(&ann).await;
    let before = app.table.partition(&format!("USER#{}", ann.id)).await;
    ann.delete("/api/users/me/").await.refuses("password");
    for wrong in [WRONG, "", OTHER_PASSWORD] {
        close_account(&ann, wrong).await.refuses("password");
    }
    let unknown = json!({ "password": PASSWORD, "reason": "memo" });
    ann.request(Method::DELETE, "/api/users/me/").json(&unknown).send().await.refuses("reason");
    ann.request(Method::DELETE, "/api/users/me/?password=x").json(&unknown).send().await.refuses("password");
    // The CSRF token is missing.
    let request = browser.request(Method::DELETE, "/api/users/me/");
    request.json(&json!({ "password": PASSWORD })).send().await.problem(403, "csrf_failed");
    assert_eq!(app.table.partition(&format!("USER#{}", ann.id)).await, before);
    assert_eq!(participants(&ben, &group).await, 2);
    close_account(&ann, PASSWORD).await.expect(204);
    browser.json("/api/users/me/").await.problem(401, "not_authenticated");
    assert_eq!(participants(&ben, &group).await, 1);
    log_in(&app, &ann.email, PASSWORD).await.problem(401, "invalid_credentials");
    close_account(&ann, PASSWORD).await.problem(401, "token_not_valid");
    app.check().await;
}

#[tokio::test]
async fn a_page_closes_the_account_and_logs_the_browser_out() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let browser = Browser::of(&ann).await;
    let page = browser.get("/api/users/me/").await.expect(200).text();
    assert!(page.contains("href=\"#delete\"") && page.contains("id=\"delete-password\""), "{page}");
    let send = async |password: &str| {
        browser.script(Method::DELETE, "/api/users/me/", &[("password", password)]).await
    };
    let refused = send(WRONG).await.expect(400).text();
    assert!(refused.contains("is not the current password") && !refused.contains(WRONG), "{refused}");
    let answer = send(PASSWORD).await.expect(200);
    assert!(set_cookies(&answer).iter().any(|line| line.starts_with("sessionid=;")), "{answer}");
    let closed = answer.text();
    assert!(closed.contains("HTTP 204 No Content") && !closed.contains("ann Tester"), "{closed}");
    assert!(closed.contains("data-csrf=\"\"") && !closed.contains("<form method=\"post\""), "{closed}");
    assert_eq!((browser.cookie("sessionid"), browser.cookie("csrftoken")), (None, None));
}

/// A thief of a token must not guess the password here.
#[tokio::test]
async fn the_password_of_a_closing_is_counted_with_that_of_a_change() {
    let app = TestApp::new().await;
    app.freeze();
    let ann = app.user("ann").await;
    let (here, _) = logged_in(&app, &ann).await;
    let (stolen, _) = logged_in(&app, &ann).await;
    for _ in 0..5 {
        close_account(&stolen, WRONG).await.refuses("password");
        change_password(&stolen, WRONG, OTHER_PASSWORD).await.refuses("old_password");
    }
    let refused = close_account(&stolen, PASSWORD).await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    refused.problem(429, "throttled");
    change_password(&stolen, PASSWORD, OTHER_PASSWORD).await.problem(429, "throttled");
    log_in(&app, &ann.email, PASSWORD).await.ok();
    close_account(&here, PASSWORD).await.expect(204);
}

/// The function dies after each step. The same request completes the closing, by token and by cookie.
#[tokio::test]
async fn a_repetition_completes_an_interrupted_closing() {
    let app = TestApp::new().await;
    let (ben, admin) = (app.user("ben").await, app.admin("admin").await);
    let dies =
        [on(Transact).of("PROFILE"), on(BatchWrite), on(Transact).of("MEMBER#"), on(Put).of("SESSION#")];
    for (n, call) in dies.into_iter().enumerate() {
        for by_cookie in [false, true] {
            let ann = app.user("ann").await;
            let group = ann.group(&[&ben]).await;
            let (here, _) = logged_in(&app, &ann).await;
            let browser = Browser::of(&ann).await;
            let close = async || {
                if by_cookie { close_in(&browser).await } else { close_account(&here, PASSWORD).await }
            };
            app.proxy.faults.fail(call, Before(Death));
            let failed = close().await;
            assert_eq!(app.proxy.faults.clear(), 1);
            assert!(failed.status >= 500, "{failed}");
            let is_open = log_in(&app, &ann.email, PASSWORD).await.status == 200;
            assert_eq!(is_open, n == 0, "the first step closes the account, or nothing has changed");
            close().await.expect(204);
            assert_eq!(sessions(&app, &ann).await, 0);
            assert_eq!(participants(&ben, &group).await, 1);
            let shown = admin.get(&format!("/api/users/{}/", ann.id)).await.ok();
            assert_eq!(shown["first_name"], "Deleted");
        }
    }
    app.check().await;
}

/// Only the session that has closed the account is live then, and only to continue.
#[tokio::test]
async fn an_interrupted_closing_leaves_no_user_who_acts() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let direct = ann.direct(&ben).await;
    let (browser, other) = (Browser::of(&ann).await, Browser::of(&ann).await);
    app.proxy.faults.fail(on(BatchWrite), Before(Death));
    assert!(close_in(&browser).await.status >= 500);
    app.proxy.faults.clear();
    other.json("/api/users/me/").await.problem(401, "not_authenticated");
    browser.json("/api/users/me/").await.problem(401, "not_authenticated");
    let message = json!({ "conversation": direct, "message_body": "memo, late" });
    let send = browser.request(Method::POST, "/api/messages/").header("x-csrftoken", &browser.csrf());
    let answer = send.json(&message).send().await;
    assert!((400..500).contains(&answer.status), "{answer}");
    assert_eq!(ben.bodies(&direct).await, Vec::<String>::new());
    close_in(&browser).await.expect(204);
}

#[tokio::test]
async fn a_closing_past_a_change_of_the_password_closes_nothing() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, _) = logged_in(&app, &ann).await;
    let (there, _) = logged_in(&app, &ann).await;
    let late = close_account(&here, PASSWORD);
    let change = with_new_password(&there, PASSWORD, OTHER_PASSWORD);
    let (closed, (there, _)) = held(&app, on(Transact).of("PROFILE"), late, change).await;
    closed.problem(401, "token_not_valid");
    // The same session closes the account and changes the password.
    let late = close_account(&there, OTHER_PASSWORD);
    let change = with_new_password(&there, OTHER_PASSWORD, PASSWORD);
    let (closed, (there, _)) = held(&app, on(Transact).of("PROFILE"), late, change).await;
    closed.problem(401, "token_not_valid");
    there.get("/api/users/me/").await.ok();
    assert_eq!(profile(&app, &ann).await.get("closed_at"), None);
}

#[tokio::test]
async fn a_closing_past_a_logout_closes_nothing() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, token) = logged_in(&app, &ann).await;
    let late = close_account(&here, PASSWORD);
    let (closed, logged_out) = held(&app, on(Transact).of("PROFILE"), late, log_out(&app, &token)).await;
    logged_out.ok();
    closed.problem(401, "token_not_valid");
    log_in(&app, &ann.email, PASSWORD).await.ok();
}

/// The function of the first closing dies before it ends the session of the late one.
#[tokio::test]
async fn a_closing_past_another_one_finds_the_account_closed() {
    let app = TestApp::new().await;
    app.freeze();
    let ann = app.user("ann").await;
    let (here, _) = logged_in(&app, &ann).await;
    let (there, _) = logged_in(&app, &ann).await;
    let first = async {
        app.advance(TimeDelta::seconds(1));
        app.proxy.faults.fail(on(BatchWrite), Before(Death));
        close_account(&here, PASSWORD).await
    };
    let late = close_account(&there, PASSWORD);
    let (late, first) = held(&app, on(Transact).of("PROFILE"), late, first).await;
    assert!(first.status >= 500, "{first}");
    late.expect(204);
    let profile = profile(&app, &ann).await;
    assert_eq!(profile["closed_at"], json!(app.app.clock.now().timestamp_micros()));
    assert_eq!(number(&profile, "credential_version"), 2);
    for device in [&here, &there] {
        device.get("/api/users/me/").await.problem(401, "token_not_valid");
    }
    assert_eq!(sessions(&app, &ann).await, 0);
}
