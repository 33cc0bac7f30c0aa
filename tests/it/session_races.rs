//! Races of logins, refreshes, logouts and changes of the password: an ended session stays ended, and the other
//! sessions stay usable.

use serde_json::json;

use crate::harness::{
    Answer, TestApp, User,
    call::{
        Operation::{BatchWrite, Get, Put, Query, Transact, Update},
        on,
    },
    faults::{
        Fault::{Before, Conflict},
        How::Death,
    },
    login::{
        OTHER_PASSWORD, change_password, log_in, log_out, logged_in, refresh, sessions, without_first_session,
    },
    people::PASSWORD,
    race::{given_up, held},
    table::{number, text},
};

/// Changes the password on a device. The function dies before it ends the other sessions.
async fn change_and_die(app: &TestApp, here: &User) {
    app.proxy.faults.fail(on(BatchWrite), Before(Death));
    let changed = change_password(here, PASSWORD, OTHER_PASSWORD).await;
    assert!(changed.status >= 500, "{changed}");
    assert_eq!(app.proxy.faults.clear(), 1);
}

/// Returns the sort key of the user's only session.
async fn only_session(app: &TestApp, user: &User) -> String {
    without_first_session(app, user).await;
    let items = app.table.partition(&format!("USER#{}", user.id)).await;
    let keys: Vec<String> =
        items.iter().map(|item| text(item, "sk")).filter(|sk| sk.starts_with("SESSION#")).collect();
    assert_eq!(keys.len(), 1);
    keys[0].clone()
}

#[tokio::test]
async fn a_login_past_a_change_of_the_password_is_over_at_once() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, _) = logged_in(&app, &ann).await;
    let late = log_in(&app, &ann.email, PASSWORD);
    let first = change_password(&here, PASSWORD, OTHER_PASSWORD);
    let (raced, changed) = held(&app, on(Put).of("SESSION#"), late, first).await;
    raced.problem(401, "invalid_credentials");
    refresh(&app, &changed.ok()["refresh"]).await.ok();
}

#[tokio::test]
async fn a_refresh_past_a_logout_brings_no_session_back() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (_, token) = logged_in(&app, &ann).await;
    let late = refresh(&app, &token);
    let (refreshed, logged_out) = held(&app, on(Update).of("SESSION#"), late, log_out(&app, &token)).await;
    assert!(logged_out.status < 300, "{logged_out}");
    refreshed.problem(401, "token_not_valid");
    assert_eq!(sessions(&app, &ann).await, 0);
}

#[tokio::test]
async fn a_login_that_a_change_of_the_password_overtakes_ends_its_session() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, _) = logged_in(&app, &ann).await;
    app.proxy.faults.fail(on(BatchWrite), Before(Death));
    let begun = app.proxy.faults.watch(on(Put).of("SESSION#"));
    let change = async {
        begun.finished().await;
        change_password(&here, PASSWORD, OTHER_PASSWORD).await
    };
    let late = log_in(&app, &ann.email, PASSWORD);
    let (late, changed) = held(&app, on(Get).of("PROFILE"), late, change).await;
    assert!(changed.status >= 500, "the function died before it ended the sessions: {changed}");
    late.problem(401, "invalid_credentials");
    assert_eq!(
        sessions(&app, &ann).await,
        1,
        "the session of the login is deleted, because no client has its tokens"
    );
    log_in(&app, &ann.email, OTHER_PASSWORD).await.ok();
}

#[tokio::test]
async fn a_login_that_cannot_read_the_profile_leaves_no_session() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    app.proxy.faults.fail(on(Get).of("PROFILE"), Before(Death));
    let failed = log_in(&app, &ann.email, PASSWORD).await;
    assert_eq!(app.proxy.faults.clear(), 1);
    assert!(failed.status >= 500, "{failed}");
    assert_eq!(sessions(&app, &ann).await, 0);
}

#[tokio::test]
async fn a_session_that_has_ended_is_not_begun_again_by_a_late_put() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let login = log_in(&app, &ann.email, PASSWORD);
    let log_out = async |login: &Answer| log_out(&app, &login.json()["refresh"]).await;
    let (tokens, logged_out) = given_up(&app, on(Put).of("SESSION#"), login, log_out).await;
    let tokens = tokens.ok();
    logged_out.ok();
    refresh(&app, &tokens["refresh"]).await.problem(401, "token_not_valid");
    assert_eq!(sessions(&app, &ann).await, 0);
    without_first_session(&app, &ann).await;
    // The marker of the ended session is in no page of the list.
    let (here, _) = logged_in(&app, &ann).await;
    let page = here.get("/api/users/me/sessions/?limit=1").await.ok();
    assert_eq!(page["results"].as_array().map(Vec::len), Some(1), "{page}");
    assert_eq!(page["next"], json!(null), "{page}");
}

#[tokio::test]
async fn a_login_with_the_new_password_outlives_the_change() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, _) = logged_in(&app, &ann).await;
    let (_, phone) = logged_in(&app, &ann).await;
    let change = change_password(&here, PASSWORD, OTHER_PASSWORD);
    let login = log_in(&app, &ann.email, OTHER_PASSWORD);
    let (changed, newer) = held(&app, on(Query).of("SESSION#"), change, login).await;
    refresh(&app, &phone).await.problem(401, "token_not_valid");
    refresh(&app, &newer.ok()["refresh"]).await.ok();
    refresh(&app, &changed.ok()["refresh"]).await.ok();
    assert_eq!(sessions(&app, &ann).await, 2);
}

#[tokio::test]
async fn a_refresh_whose_session_changes_the_password_meanwhile_gets_no_tokens() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, token) = logged_in(&app, &ann).await;
    let rotated = app.proxy.faults.watch(on(Update).of("SESSION#"));
    let change = async {
        rotated.finished().await;
        change_password(&here, PASSWORD, OTHER_PASSWORD).await
    };
    let (refreshed, changed) = held(&app, on(Get).of("PROFILE"), refresh(&app, &token), change).await;
    refreshed.problem(401, "token_not_valid");
    refresh(&app, &changed.ok()["refresh"]).await.ok();
}

#[tokio::test]
async fn a_session_that_a_change_left_behind_ends_when_it_is_refreshed() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, mine) = logged_in(&app, &ann).await;
    let (_, phone) = logged_in(&app, &ann).await;
    change_and_die(&app, &here).await;
    assert_eq!(sessions(&app, &ann).await, 2);
    refresh(&app, &phone).await.problem(401, "token_not_valid");
    assert_eq!(sessions(&app, &ann).await, 1);
    refresh(&app, &mine).await.problem(401, "token_not_valid");
    log_in(&app, &ann.email, OTHER_PASSWORD).await.ok();
}

/// Its access token would be valid for up to 15 minutes otherwise.
#[tokio::test]
async fn a_session_that_a_change_left_behind_ends_with_the_next_login() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, _) = logged_in(&app, &ann).await;
    let (phone, _) = logged_in(&app, &ann).await;
    change_and_die(&app, &here).await;
    phone.get("/api/users/me/").await.ok();
    log_in(&app, &ann.email, OTHER_PASSWORD).await.ok();
    for device in [&ann, &phone] {
        device.get("/api/users/me/").await.problem(401, "token_not_valid");
    }
}

#[tokio::test]
async fn a_session_that_a_change_left_behind_ends_past_a_conflict() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, _) = logged_in(&app, &ann).await;
    let (_, phone) = logged_in(&app, &ann).await;
    change_and_die(&app, &here).await;
    app.proxy.faults.fail_times(2, on(Put).of("SESSION#"), Conflict);
    refresh(&app, &phone).await.problem(401, "token_not_valid");
    assert_eq!(app.proxy.faults.clear(), 2);
    assert_eq!(sessions(&app, &ann).await, 1);
}

#[tokio::test]
async fn a_session_that_a_change_left_behind_changes_no_password() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, _) = logged_in(&app, &ann).await;
    let (phone, token) = logged_in(&app, &ann).await;
    change_and_die(&app, &here).await;
    change_password(&phone, OTHER_PASSWORD, PASSWORD).await.problem(401, "token_not_valid");
    log_in(&app, &ann.email, OTHER_PASSWORD).await.ok();
    refresh(&app, &token).await.problem(401, "token_not_valid");
}

#[tokio::test]
async fn a_change_of_the_password_past_a_logout_changes_nothing() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, token) = logged_in(&app, &ann).await;
    let late = change_password(&here, PASSWORD, OTHER_PASSWORD);
    let (changed, logged_out) = held(&app, on(Transact).of("SESSION#"), late, log_out(&app, &token)).await;
    logged_out.ok();
    changed.problem(401, "token_not_valid");
    log_in(&app, &ann.email, PASSWORD).await.ok();
    assert_eq!(sessions(&app, &ann).await, 1);
}

#[tokio::test]
async fn a_session_of_another_kind_or_that_is_over_is_not_refreshed() {
    let app = TestApp::new().await;
    for (name, value) in [("kind", json!("cookie")), ("expires_at", json!(app.app.clock.now().timestamp()))] {
        let ann = app.user("ann").await;
        let (_, token) = logged_in(&app, &ann).await;
        let (pk, sk) = (format!("USER#{}", ann.id), only_session(&app, &ann).await);
        app.table.set(&pk, &sk, name, value.clone()).await;
        refresh(&app, &token).await.problem(401, "token_not_valid");
        let session = app.table.get(&pk, &sk).await.unwrap();
        assert_eq!((&session[name], number(&session, "generation")), (&value, 1), "{name}");
    }
}
