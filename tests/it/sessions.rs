//! Sessions: each has one line of valid tokens, and no token stays valid after the end of its session.

use std::collections::HashSet;

use axum::http::Method;
use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{
    TestApp,
    login::{
        OTHER_PASSWORD, change_password, log_in, log_out, logged_in, refresh, sessions, verify,
        with_new_password, with_tokens, without_first_session,
    },
    people::PASSWORD,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_refreshes_of_one_token_one_line_lives() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (_, token) = logged_in(&app, &ann).await;
    let answers = join_all((0..20).map(|_| refresh(&app, &token))).await;
    let successors: HashSet<String> =
        answers.into_iter().map(|answer| answer.ok()["refresh"].to_string()).collect();
    assert_eq!(successors.len(), 1, "all requests get the same successor");
    assert_eq!(sessions(&app, &ann).await, 1);
    let successor: Value = serde_json::from_str(successors.iter().next().unwrap()).unwrap();
    app.advance(TimeDelta::minutes(1));
    let third = refresh(&app, &successor).await.ok();
    app.advance(TimeDelta::minutes(1));
    // The first token is older than the previous generation, so it is treated as stolen and ends the session.
    refresh(&app, &token).await.problem(401, "token_not_valid");
    refresh(&app, &third["refresh"]).await.problem(401, "token_not_valid");
    assert_eq!(sessions(&app, &ann).await, 0);
}

#[tokio::test]
async fn inside_the_grace_the_successor_is_the_same_byte_for_byte() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (_, token) = logged_in(&app, &ann).await;
    app.advance(TimeDelta::seconds(90));
    let first = refresh(&app, &token).await.ok();
    app.advance(TimeDelta::seconds(29));
    let other_process = app.second_process().await;
    assert_eq!(refresh(&other_process, &token).await.ok(), first);
    app.advance(TimeDelta::seconds(2));
    refresh(&app, &token).await.problem(401, "token_not_valid");
    refresh(&app, &first["refresh"]).await.problem(401, "token_not_valid");
    assert_eq!(sessions(&app, &ann).await, 0, "a reused token ends its session");
}

#[tokio::test]
async fn a_session_ends_ninety_days_after_its_login() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (_, mut token) = logged_in(&app, &ann).await;
    for _ in 0..4 {
        app.advance(TimeDelta::days(22));
        token = refresh(&app, &token).await.ok()["refresh"].clone();
    }
    // It is day 88. The new token would be valid for 30 days.
    verify(&app, &token).await.ok();
    app.advance(TimeDelta::days(2) + TimeDelta::seconds(1));
    verify(&app, &token).await.problem(401, "token_not_valid");
    refresh(&app, &token).await.problem(401, "token_not_valid");
}

/// Otherwise the answer would tell a thief when to use a stolen refresh token.
#[tokio::test]
async fn checking_a_refresh_token_does_not_show_whether_it_was_used() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (_, token) = logged_in(&app, &ann).await;
    let before = verify(&app, &token).await.ok();
    let next = refresh(&app, &token).await.ok()["refresh"].clone();
    assert_eq!(verify(&app, &token).await.ok(), before);
    app.advance(TimeDelta::seconds(31));
    assert_eq!(verify(&app, &token).await.ok(), before);
    log_out(&app, &next).await.ok();
    verify(&app, &token).await.problem(401, "token_not_valid");
}

#[tokio::test]
async fn only_the_session_of_the_reused_token_ends() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (_, stolen) = logged_in(&app, &ann).await;
    let (_, other) = logged_in(&app, &ann).await;
    refresh(&app, &stolen).await.ok();
    app.advance(TimeDelta::seconds(31));
    refresh(&app, &stolen).await.problem(401, "token_not_valid");
    refresh(&app, &other).await.ok();
}

#[tokio::test]
async fn a_change_of_the_password_ends_every_other_session() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, mine) = logged_in(&app, &ann).await;
    let (there, phone) = logged_in(&app, &ann).await;
    let (new, refreshed) = with_new_password(&here, PASSWORD, OTHER_PASSWORD).await;
    there.get("/api/users/me/").await.problem(401, "token_not_valid");
    for token in [&phone, &mine] {
        refresh(&app, token).await.problem(401, "token_not_valid");
        verify(&app, token).await.problem(401, "token_not_valid");
    }
    new.get("/api/users/me/").await.ok();
    refresh(&app, &refreshed).await.ok();
    log_in(&app, &ann.email, PASSWORD).await.problem(401, "invalid_credentials");
    log_in(&app, &ann.email, OTHER_PASSWORD).await.ok();
    app.check().await;
}

/// A thief of the tokens loses them when the owner changes the password on the same device.
#[tokio::test]
async fn the_session_of_a_change_of_the_password_gets_new_tokens() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (stolen, mine) = logged_in(&app, &ann).await;
    let stolen_too = refresh(&app, &mine).await.ok();
    without_first_session(&app, &ann).await;
    let request = stolen.request(Method::POST, "/api/users/me/password/").header("user-agent", "Phone/1.0");
    let change = json!({ "old_password": PASSWORD, "new_password": OTHER_PASSWORD });
    let (new, newest) = with_tokens(&ann, &request.json(&change).send().await.ok());
    for token in [&stolen.token, stolen_too["access"].as_str().unwrap()] {
        app.get("/api/users/me/").bearer(token).send().await.problem(401, "token_not_valid");
    }
    for token in [&mine, &stolen_too["refresh"]] {
        refresh(&app, token).await.problem(401, "token_not_valid");
    }
    let devices = new.all("/api/users/me/sessions/").await;
    assert_eq!(devices.len(), 1, "{devices:?}");
    assert_eq!((&devices[0]["user_agent"], &devices[0]["current"]), (&json!("Phone/1.0"), &json!(true)));
    let (again, _) = with_tokens(&ann, &refresh(&app, &newest).await.ok());
    assert_eq!(again.all("/api/users/me/sessions/").await[0]["session_id"], devices[0]["session_id"]);
    log_in(&app, &ann.email, OTHER_PASSWORD).await.ok();
    app.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_that_race_a_change_of_the_password_end_by_it() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, _) = logged_in(&app, &ann).await;
    let racing = join_all((0..2).map(|_| log_in(&app, &ann.email, PASSWORD)));
    let (changed, raced) = tokio::join!(change_password(&here, PASSWORD, OTHER_PASSWORD), racing);
    if changed.status != 200 {
        // The parallel attempts have caused a wait. Then the password was not changed.
        changed.problem(429, "throttled");
        return;
    }
    for login in raced {
        if login.status == 200 {
            refresh(&app, &login.json()["refresh"]).await.problem(401, "token_not_valid");
        }
    }
    refresh(&app, &changed.ok()["refresh"]).await.ok();
    app.check().await;
}

#[tokio::test]
async fn devices_are_listed_and_logged_out() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, mine) = logged_in(&app, &ann).await;
    let phone = app
        .post("/api/token/")
        .header("user-agent", "Phone/1.0")
        .json(&json!({ "email": ann.email, "password": PASSWORD }))
        .send()
        .await
        .ok();
    without_first_session(&app, &ann).await;
    let devices = here.all("/api/users/me/sessions/").await;
    assert_eq!(devices.len(), 2);
    let current: Vec<bool> = devices.iter().map(|device| device["current"].as_bool().unwrap()).collect();
    assert_eq!(current.iter().filter(|current| **current).count(), 1);
    let other = devices.iter().find(|device| device["current"] == false).unwrap();
    assert_eq!(other["user_agent"], "Phone/1.0");
    let path = format!("/api/users/me/sessions/{}/", other["session_id"].as_str().unwrap());
    let ben = app.user("ben").await;
    ben.delete(&path).await.problem(404, "not_found");
    here.delete(&path).await.expect(204);
    here.get(&path).await.problem(404, "not_found");
    refresh(&app, &phone["refresh"]).await.problem(401, "token_not_valid");
    refresh(&app, &mine).await.ok();
}

#[tokio::test]
async fn logging_out_ends_the_line_at_once() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (_, token) = logged_in(&app, &ann).await;
    let next = refresh(&app, &token).await.ok();
    app.post("/api/token/blacklist/").json(&json!({ "refresh": next["refresh"] })).send().await.ok();
    refresh(&app, &next["refresh"]).await.problem(401, "token_not_valid");
    refresh(&app, &token).await.problem(401, "token_not_valid");
    assert_eq!(sessions(&app, &ann).await, 0);
}

#[tokio::test]
async fn a_refused_refresh_token_asks_for_a_login() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (_, token) = logged_in(&app, &ann).await;
    log_out(&app, &token).await.expect(200);
    let access = json!(ann.token);
    for token in [&token, &json!("x"), &access] {
        for answer in [refresh(&app, token).await, log_out(&app, token).await] {
            if answer.status == 200 {
                continue;
            }
            let detail = answer.problem(401, "token_not_valid")["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains("Log in again") && !detail.contains("/api/token/refresh/"), "{detail}");
        }
    }
    let verified = verify(&app, &token).await.problem(401, "token_not_valid");
    assert!(!verified["detail"].as_str().unwrap().contains("/api/token/refresh/"), "{verified}");
}

#[tokio::test]
async fn a_condition_on_a_resource_without_versions_says_so() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let request = ann.request(Method::PATCH, "/api/users/me/").json(&json!({})).header("if-match", "\"1\"");
    let problem = request.send().await.problem(412, "precondition_failed");
    assert!(problem["detail"].as_str().unwrap().contains("has no ETag"), "{problem}");
}
