//! The standing of an account: suspension, roles, and the last admin.

use serde_json::{Value, json};
use shared::{model::user::Role, store::StandingChange};

use crate::harness::{
    Answer, Browser, TestApp, User,
    call::{
        Operation::{BatchWrite, Put, Transact},
        on,
    },
    faults::{Fault::Before, How::Death},
    login::{OTHER_PASSWORD, close_account, log_in, logged_in, refresh, sessions},
    people::PASSWORD,
    race::held,
    table::Item,
};

fn path(user: &User) -> String {
    format!("/api/users/{}/", user.id)
}

async fn suspend(admin: &User, user: &User, suspended: bool) -> Answer {
    admin.patch(&path(user), json!({ "suspended": suspended })).await
}

async fn demote(admin: &User, user: &User) -> Answer {
    admin.patch(&path(user), json!({ "role": "guest" })).await
}

/// Returns the number of admins who can act.
async fn admins(app: &TestApp) -> usize {
    let items = app.table.items().await;
    let is_admin = |item: &&Item| {
        item.get("sk").is_some_and(|sk| sk == "PROFILE")
            && item.get("role").is_some_and(|role| role == "admin")
            && !item.contains_key("suspended_at")
            && !item.contains_key("closed_at")
    };
    items.iter().filter(is_admin).count()
}

#[tokio::test]
async fn a_suspended_user_does_nothing_until_the_suspension_ends() {
    let app = TestApp::new().await;
    let (root, ann, ben) = (app.admin("root").await, app.user("ann").await, app.user("ben").await);
    let (here, token) = logged_in(&app, &ann).await;
    let browser = Browser::of(&ann).await;
    let conversation = ann.group(&[&ben]).await;
    ann.send(&conversation, "memo, before").await;
    assert_eq!(ben.get(&path(&ann)).await.ok()["suspended"], Value::Null);
    assert_eq!(suspend(&root, &ann, true).await.ok()["suspended"], true);

    assert_eq!(sessions(&app, &ann).await, 0);
    ann.try_send(&conversation, "memo, with a token").await.problem(401, "token_not_valid");
    here.get("/api/users/me/").await.problem(401, "token_not_valid");
    refresh(&app, &token).await.problem(401, "token_not_valid");
    browser.json("/api/users/me/").await.problem(401, "not_authenticated");
    // Only who knows the password learns about the suspension.
    log_in(&app, &ann.email, OTHER_PASSWORD).await.problem(401, "invalid_credentials");
    log_in(&app, &ann.email, PASSWORD).await.problem(403, "suspended");
    let page = browser.log_in(&ann.email, PASSWORD, "/api/").await.expect(403);
    assert!(page.text().contains("This account is suspended"), "{page}");
    assert_eq!(sessions(&app, &ann).await, 0);
    assert_eq!(root.get(&path(&ann)).await.ok()["suspended"], true);
    assert_eq!(ben.get(&path(&ann)).await.ok()["suspended"], Value::Null);
    assert_eq!(ben.bodies(&conversation).await, ["memo, before"]);

    assert_eq!(suspend(&root, &ann, false).await.ok()["suspended"], false);
    let (ann, _) = logged_in(&app, &ann).await;
    ann.send(&conversation, "memo, after").await;
    assert_eq!(ann.get("/api/users/me/").await.ok()["suspended"], false);
    app.check().await;
}

#[tokio::test]
async fn a_login_past_a_suspension_is_over_at_once() {
    let app = TestApp::new().await;
    let (root, ann) = (app.admin("root").await, app.user("ann").await);
    let late = log_in(&app, &ann.email, PASSWORD);
    let (raced, suspended) = held(&app, on(Put).of("SESSION#"), late, suspend(&root, &ann, true)).await;
    suspended.ok();
    raced.problem(403, "suspended");
    assert_eq!(sessions(&app, &ann).await, 0);
}

/// The function dies between the suspension and the end of the sessions.
#[tokio::test]
async fn a_suspension_that_was_interrupted_is_completed_by_its_repetition() {
    let app = TestApp::new().await;
    let (root, ann) = (app.admin("root").await, app.user("ann").await);
    let group = ann.group(&[&app.user("ben").await]).await;
    let (here, token) = logged_in(&app, &ann).await;
    app.proxy.faults.fail(on(BatchWrite), Before(Death));
    assert!(suspend(&root, &ann, true).await.status >= 500);
    assert_eq!(app.proxy.faults.clear(), 1);
    here.try_send(&group, "memo, suspended").await.problem(401, "token_not_valid");
    refresh(&app, &token).await.problem(401, "token_not_valid");
    suspend(&root, &ann, true).await.ok();
    here.get("/api/users/me/").await.problem(401, "token_not_valid");
    assert_eq!(sessions(&app, &ann).await, 0);
}

#[tokio::test]
async fn only_admins_suspend_and_only_open_accounts() {
    let app = TestApp::new().await;
    let (root, ann, ben) = (app.admin("root").await, app.user("ann").await, app.user("ben").await);
    suspend(&ben, &ann, true).await.problem(403, "permission_denied");
    ann.patch("/api/users/me/", json!({ "suspended": true })).await.ok();
    assert_eq!(root.get(&path(&ann)).await.ok()["suspended"], false);
    root.patch(&path(&ann), json!({ "suspended": "yes" })).await.refuses("suspended");
    root.patch(&path(&ann), json!({ "suspended": null })).await.refuses("suspended");
    // A profile can be sent back.
    let profile = root.get(&path(&ann)).await.ok();
    assert_eq!(root.patch(&path(&ann), profile.clone()).await.ok(), profile);
    let (ann, _) = logged_in(&app, &ann).await;
    close_account(&ann, PASSWORD).await.expect(204);
    suspend(&root, &ann, true).await.refuses("suspended");
}

#[tokio::test]
async fn the_last_admin_stays() {
    let app = TestApp::new().await;
    let (root, maya) = (app.admin("root").await, app.admin("maya").await);
    suspend(&root, &maya, true).await.ok();
    // A suspended admin cannot act.
    demote(&root, &root).await.problem(409, "last_admin");
    suspend(&root, &root, true).await.problem(409, "last_admin");
    close_account(&root, PASSWORD).await.problem(409, "last_admin");
    let both = json!({ "role": "host", "suspended": true });
    root.patch(&path(&root), both).await.problem(409, "last_admin");
    assert_eq!(root.get("/api/users/me/").await.ok()["role"], "admin");
    suspend(&root, &maya, false).await.ok();
    demote(&root, &root).await.ok();
    demote(&root, &maya).await.problem(403, "permission_denied");
    assert_eq!(admins(&app).await, 1);
    app.check().await;
}

#[tokio::test]
async fn of_two_admins_who_demote_each_other_one_stays() {
    let app = TestApp::new().await;
    let (root, maya) = (app.admin("root").await, app.admin("maya").await);
    let (late, first) =
        held(&app, on(Transact).of("ADMINS"), demote(&root, &maya), demote(&maya, &root)).await;
    first.ok();
    late.problem(409, "last_admin");
    assert_eq!(admins(&app).await, 1);
}

#[tokio::test]
async fn of_many_admins_who_demote_suspend_and_leave_at_once_one_stays() {
    let app = TestApp::new().await;
    let mut all = Vec::new();
    for n in 0..6 {
        all.push(app.admin(&format!("admin{n}")).await);
    }
    let next = |n: usize| &all[(n + 1) % all.len()];
    let requests = all.iter().enumerate().map(async |(n, admin)| match n % 3 {
        0 => demote(admin, next(n)).await,
        1 => suspend(admin, next(n), true).await,
        _ => demote(admin, admin).await,
    });
    let answers = futures::future::join_all(requests).await;
    for answer in &answers {
        assert!([200, 401, 403, 409].contains(&answer.status), "{answer}");
    }
    assert!(admins(&app).await >= 1);
    app.check().await;
}

#[tokio::test]
async fn of_the_first_two_promotions_both_are_kept() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let promote = |user: &User| {
        let change = StandingChange { role: Some(Role::Admin), suspended: None };
        app.app.store.change_standing(user.id.parse().unwrap(), change, app.app.clock.now())
    };
    let (late, first) = held(&app, on(Transact).of("ADMINS"), promote(&ann), promote(&ben)).await;
    assert!(late.is_ok() && first.is_ok());
    assert_eq!(admins(&app).await, 2);
}

#[tokio::test]
async fn a_closing_past_a_promotion_leaves_no_admin_who_cannot_act() {
    let app = TestApp::new().await;
    let (root, ann) = (app.admin("root").await, app.user("ann").await);
    let (ann, _) = logged_in(&app, &ann).await;
    let of_ann = path(&ann);
    let promote = root.patch(&of_ann, json!({ "role": "admin" }));
    let (closed, promoted) =
        held(&app, on(Transact).of("PROFILE"), close_account(&ann, PASSWORD), promote).await;
    promoted.ok();
    closed.expect(204);
    assert_eq!(admins(&app).await, 1);
}

#[tokio::test]
async fn admins_see_and_end_the_sessions_of_a_user() {
    let app = TestApp::new().await;
    let (root, ann) = (app.admin("root").await, app.user("ann").await);
    let (here, token) = logged_in(&app, &ann).await;
    let path = format!("{}sessions/", path(&ann));
    let listed = root.all(&path).await;
    assert_eq!(listed, here.all("/api/users/me/sessions/").await.iter().map(not_current).collect::<Vec<_>>());
    let first = root.get(&format!("{path}?limit=1")).await.ok();
    assert!(first["next"].as_str().unwrap().contains(&path), "{first}");
    here.get(&path).await.problem(403, "permission_denied");
    here.delete(&path).await.problem(403, "permission_denied");
    root.delete(&path).await.nothing();
    here.get("/api/users/me/").await.problem(401, "token_not_valid");
    refresh(&app, &token).await.problem(401, "token_not_valid");
    assert_eq!(root.all(&path).await, [] as [Value; 0]);
    log_in(&app, &ann.email, PASSWORD).await.ok();
    root.get("/api/users/00000000-0000-4000-8000-000000000000/sessions/").await.problem(404, "not_found");
    root.delete("/api/users/00000000-0000-4000-8000-000000000000/sessions/").await.problem(404, "not_found");
}

/// Returns a session as it is shown to another session.
fn not_current(session: &Value) -> Value {
    let mut session = session.clone();
    session["current"] = json!(false);
    session
}
