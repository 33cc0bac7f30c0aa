//! Accounts: one account for each email address, and the fields that other users see.

use axum::http::Method;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{
    Browser, TestApp, User,
    login::{close_account, log_in, logged_in, refresh, register},
    network::unique_email,
    people::PASSWORD,
    table::text,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_registrations_of_one_email_one_makes_an_account() {
    let app = TestApp::new().await;
    let email = unique_email("ann");
    // Two other spellings of the same email address.
    let spelled = [email.clone(), email.to_uppercase(), format!(" {email}")];
    let answers = join_all((0..50).map(|n| register(&app, &spelled[n % 3]))).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(made.len(), 1);
    for answer in refused.into_iter().filter(|answer| !answer.is_slow_tables()) {
        answer.refuses("email");
    }
    log_in(&app, &email, PASSWORD).await.ok();
    let profiles = app.table.items().await.iter().filter(|item| text(item, "sk") == "PROFILE").count();
    assert_eq!(profiles, 1);
    app.check().await;
}

#[tokio::test]
async fn registration_gives_a_guest_whatever_is_asked_for() {
    let app = TestApp::new().await;
    let mut body = json!({
        "email": unique_email("Ann"), "password": PASSWORD, "first_name": "Ann", "last_name": "Tester",
        "phone_number": "+44 20 7946 0018",
    });
    let user = app.post("/api/users/").json(&body).send().await.created();
    assert_eq!(user["role"], "guest");
    assert_eq!(user["phone_number"], "+44 20 7946 0018");
    let text = user.to_string();
    assert!(!text.contains("password") && !text.contains("hash"), "{text}");
    body["email"] = json!(unique_email("ben"));
    body["role"] = json!("admin");
    assert_eq!(app.post("/api/users/").json(&body).send().await.created()["role"], "guest");
}

/// Somebody who is logged in makes an account for another person, so ignoring the role would look like a success.
#[tokio::test]
async fn a_request_with_credentials_is_told_that_new_accounts_are_guests() {
    let body = |role: &str| {
        json!({
            "email": unique_email("new"), "password": PASSWORD, "first_name": "New", "last_name": "Tester",
            "role": role,
        })
    };
    for app in [TestApp::with_closed_registration().await, TestApp::new().await] {
        let admin = app.admin("admin").await;
        let before = app.table.items().await.len();
        for role in ["host", "admin", "king"] {
            admin.post("/api/users/", body(role)).await.refuses("role");
        }
        let browser = Browser::of(&admin).await;
        let with_session = app.table.items().await.len();
        let page = browser.script(Method::POST, "/api/users/", &[("role", "host")]).await.expect(400).text();
        assert!(page.contains("is always `guest` for a new account"), "{page}");
        assert_eq!(app.table.items().await.len(), with_session, "a refused request makes nothing");
        assert!(with_session > before);
        assert_eq!(admin.post("/api/users/", body("guest")).await.created()["role"], "guest");
    }
}

/// The reason is true for admins too.
#[tokio::test]
async fn nobody_changes_the_own_role_and_is_told_where_roles_change() {
    let app = TestApp::new().await;
    for user in [app.user("ann").await, app.admin("admin").await] {
        let refused = user.patch("/api/users/me/", json!({ "role": "host" })).await;
        let problem = refused.problem(400, "invalid_request");
        let reason = "cannot be changed here; admins can change roles at /api/users/{id}/";
        assert_eq!(problem["errors"], json!({ "role": [reason] }));
    }
}

#[tokio::test]
async fn where_registration_is_closed_admins_make_users() {
    let app = TestApp::with_closed_registration().await;
    let (ann, admin) = (app.user("ann").await, app.admin("admin").await);
    let before = app.table.items().await.len();
    let refused = register(&app, &unique_email("new")).await;
    assert!([401, 403].contains(&refused.status), "{refused}");
    let body = |email: &str| json!({ "email": email, "password": PASSWORD, "first_name": "New", "last_name": "Tester" });
    ann.post("/api/users/", body(&unique_email("new"))).await.problem(403, "permission_denied");
    assert_eq!(app.table.items().await.len(), before);
    let email = unique_email("new");
    admin.post("/api/users/", body(&email)).await.created();
    log_in(&app, &email, PASSWORD).await.ok();
}

#[tokio::test]
async fn a_closed_account_leaves_its_messages_and_nothing_else() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let (ann, token) = logged_in(&app, &ann).await;
    let conversation = ann.group(&[&ben]).await;
    ann.send(&conversation, "memo, from ann").await;
    close_account(&ann, PASSWORD).await.expect(204);
    log_in(&app, &ann.email, PASSWORD).await.problem(401, "invalid_credentials");
    refresh(&app, &token).await.problem(401, "token_not_valid");
    ann.get("/api/users/me/").await.problem(401, "token_not_valid");
    let late = ann.try_send(&conversation, "memo, late").await;
    assert!([400, 401].contains(&late.status), "{late}");
    let messages = ben.messages(&conversation).await;
    assert_eq!(messages.len(), 1);
    let sender = &messages[0]["sender"];
    assert_eq!(
        (&sender["user_id"], &sender["email"], &sender["phone_number"]),
        (&json!(ann.id), &Value::Null, &Value::Null)
    );
    assert!(!sender.to_string().contains("Tester"), "{sender}");
    assert_eq!(ben.all(&format!("/api/users/?email={}", ann.email)).await.len(), 0);
    ben.open_direct(&ann).await.refuses("participants");
    // The email address is free for another account.
    let again = register(&app, &ann.email).await.created();
    assert_ne!(again["user_id"], ann.id.as_str());
    app.check().await;
}

#[tokio::test]
async fn an_admin_by_token_alone_is_none() {
    let app = TestApp::new().await;
    let (ann, admin) = (app.user("ann").await, app.admin("admin").await);
    let claimed = app.people.token(ann.id.parse().unwrap(), shared::model::user::Role::Admin);
    let pretender = User { token: claimed, ..ann.clone() };
    pretender.get("/api/users/").await.problem(403, "permission_denied");
    let path = format!("/api/users/{}/", ann.id);
    pretender.patch(&path, json!({ "role": "admin" })).await.problem(403, "permission_denied");
    let (ben, cleo) = (app.user("ben").await, app.user("cleo").await);
    let theirs = ben.group(&[&cleo]).await;
    pretender.get(&format!("/api/conversations/{theirs}/")).await.problem(404, "not_found");
    // A new role is effective at once, and so is its removal.
    assert_eq!(admin.patch(&path, json!({ "role": "admin" })).await.ok()["role"], "admin");
    pretender.get("/api/users/").await.ok();
    admin.patch(&path, json!({ "role": "guest" })).await.ok();
    pretender.get("/api/users/").await.problem(403, "permission_denied");
}

#[tokio::test]
async fn all_users_are_listed_for_admins_page_by_page() {
    let app = TestApp::new().await;
    let admin = app.admin("admin").await;
    let mut expected = vec![admin.id.clone()];
    for n in 0..7 {
        expected.push(app.user(&format!("user{n}")).await.id);
    }
    let all = admin.all("/api/users/?limit=3").await;
    let found: Vec<String> = all.iter().map(|user| user["user_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(found, expected, "users are ordered by the time of their creation");
}

#[tokio::test]
async fn contact_is_shown_to_those_who_share_a_conversation() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let admin = app.admin("admin").await;
    ann.group(&[&ben]).await;
    let path = format!("/api/users/{}/", ann.id);
    for (viewer, shown) in [(&ann, true), (&ben, true), (&admin, true), (&cleo, false)] {
        let profile = viewer.get(&path).await.ok();
        assert_eq!(profile["email"] == ann.email.as_str(), shown, "{}", viewer.name);
        assert_eq!(profile["phone_number"].is_string(), shown, "{}", viewer.name);
        assert_eq!(profile["first_name"], "ann");
    }
    let found = cleo.all(&format!("/api/users/?email={}", ann.email)).await;
    assert_eq!((found.len(), &found[0]["user_id"]), (1, &json!(ann.id)));
}
