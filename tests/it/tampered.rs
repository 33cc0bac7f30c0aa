//! Conditions that always hold while only this application writes items. Each test changes the table during a write in
//! a way that the application never does, as a restored backup, a person in the console or a later release might.

use chrono::TimeDelta;
use serde_json::json;
use shared::auth::Signer;

use crate::harness::{
    Answer, TestApp, User,
    call::{
        Operation::{Transact, Update},
        on,
    },
    login::{OTHER_PASSWORD, change_password, close_account, log_in, logged_in, register},
    network::unique_email,
    people::{HASH, PASSWORD},
    race::tampered,
    table::{number, text},
    user::message_path,
};

fn account(user: &User) -> String {
    format!("USER#{}", user.id)
}

fn email(user: &User) -> String {
    format!("EMAIL#{}", user.email)
}

async fn group(app: &TestApp) -> (User, User, String) {
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    (ann, ben, group)
}

async fn participants(app: &TestApp, group: &str) -> u64 {
    number(&app.table.get(&format!("CONV#{group}"), "META").await.unwrap(), "participant_count")
}

#[tokio::test]
async fn a_profile_that_is_gone_is_not_made_by_a_change() {
    let app = TestApp::new().await;
    let admin = app.admin("admin").await;
    for change in [
        json!({ "first_name": "Memo" }),
        json!({ "last_name": "Memo" }),
        json!({ "phone_number": null }),
        json!({ "contact": "everyone" }),
        json!({ "role": "host" }),
    ] {
        let ann = app.user("ann").await;
        let of_role = change.get("role").is_some();
        let path = if of_role { format!("/api/users/{}/", ann.id) } else { "/api/users/me/".to_owned() };
        let late = (if of_role { &admin } else { &ann }).patch(&path, change);
        let pk = account(&ann);
        let changed =
            tampered(&app, on(Transact).of("PROFILE"), late, app.table.remove(&pk, "PROFILE")).await;
        assert!((400..500).contains(&changed.status), "{changed}");
        assert!(app.table.get(&pk, "PROFILE").await.is_none(), "{changed}");
    }
}

#[tokio::test]
async fn a_signing_key_that_is_gone_is_not_made_by_ending_it() {
    let app = TestApp::new().await;
    let (old, next) = (app.people.signer.clone(), Signer::from_seed([8; 32]));
    let now = app.app.clock.now() + TimeDelta::seconds(1);
    let late = app.app.store.publish_signing_key(next.kid(), next.public_x(), now, now);
    let sk = format!("KEY#{}", old.kid());
    tampered(&app, on(Update).of("KEY#"), late, app.table.remove("KEYS", &sk)).await.unwrap();
    assert!(app.table.get("KEYS", &sk).await.is_none());
}

/// The participant count is not reduced twice.
#[tokio::test]
async fn a_membership_that_is_gone_is_not_removed_again() {
    let app = TestApp::new().await;
    let (ann, ben, group) = group(&app).await;
    let (pk, sk) = (format!("CONV#{group}"), format!("MEMBER#{}", ben.id));
    let tampering = app.table.remove(&pk, &sk);
    let removed = tampered(&app, on(Transact).of("MEMBER#"), ann.remove(&group, &ben), tampering).await;
    removed.problem(404, "not_found");
    assert_eq!(participants(&app, &group).await, 2);
}

#[tokio::test]
async fn a_membership_that_is_gone_is_not_made_by_giving_a_role() {
    let app = TestApp::new().await;
    let (ann, ben, group) = group(&app).await;
    let (pk, sk) = (format!("CONV#{group}"), format!("MEMBER#{}", ben.id));
    let path = format!("/api/conversations/{group}/participants/{}/", ben.id);
    let late = ann.patch(&path, json!({ "role": "owner" }));
    let given = tampered(&app, on(Transact).of("MEMBER#"), late, app.table.remove(&pk, &sk)).await;
    given.problem(404, "not_found");
    assert!(app.table.get(&pk, &sk).await.is_none());
}

#[tokio::test]
async fn a_membership_that_stands_is_not_begun_anew() {
    let app = TestApp::new().await;
    let (ann, ben, group) = group(&app).await;
    let cleo = app.user("cleo").await;
    let (pk, sk) = (format!("CONV#{group}"), format!("MEMBER#{}", cleo.id));
    let mut member = app.table.get(&pk, &format!("MEMBER#{}", ben.id)).await.unwrap();
    member.insert("sk".to_owned(), json!(sk));
    member.insert("read".to_owned(), json!(77));
    let others = [&cleo];
    let tampering = async { app.table.put(&member.clone().into()).await };
    let added = tampered(&app, on(Transact).of("MEMBER#"), ann.add(&group, &others), tampering).await;
    assert!(added.status < 300, "{added}");
    assert_eq!(number(&app.table.get(&pk, &sk).await.unwrap(), "read"), 77);
}

/// The profile exists already at the new id. The registration must not replace it.
#[tokio::test]
async fn a_profile_that_stands_is_not_made_anew() {
    let app = TestApp::new().await;
    let gate = app.proxy.faults.hold(on(Transact).of("PROFILE"));
    let email = unique_email("ann");
    let tampering = async {
        let call = gate.reached().await;
        let steps = call.body["TransactItems"].as_array().unwrap();
        let pk = steps[1].pointer("/Put/Item/pk/S").unwrap().as_str().unwrap().to_owned();
        app.table.put(&json!({ "pk": pk, "sk": "PROFILE", "item": "user", "first_name": "Ben" })).await;
        gate.release();
        pk
    };
    let (registered, pk) = tokio::join!(register(&app, &email), tampering);
    app.proxy.faults.clear();
    assert!(registered.status >= 400, "{registered}");
    assert_eq!(app.table.get(&pk, "PROFILE").await.unwrap()["first_name"], "Ben");
    assert!(app.table.get(&format!("EMAIL#{email}"), "CREDENTIAL").await.is_none());
}

/// An edit stores the earlier text once.
#[tokio::test]
async fn an_earlier_body_is_not_written_over() {
    let app = TestApp::new().await;
    let (ann, _, group) = group(&app).await;
    let message = ann.send(&group, "memo, one").await;
    let (pk, sk) = (format!("CONV#{group}"), "REV#0000000000001#000000");
    let (first, second) = (
        app.proxy.faults.hold(on(Transact).of("REV#")),
        app.proxy.faults.hold_nth(1, on(Transact).of("REV#")),
    );
    let tampering = async {
        first.reached().await;
        let kept = json!({ "pk": pk, "sk": sk, "item": "revision", "body": "memo, kept", "written_at": 1 });
        app.table.put(&kept).await;
        first.release();
        first.finished().await;
        let standing = app.table.get(&pk, sk).await.unwrap();
        assert_eq!(text(&standing, "body"), "memo, kept");
        second.reached().await;
        app.table.remove(&pk, sk).await;
        second.release();
    };
    let (edited, ()) = tokio::join!(ann.edit(&message, "memo, two"), tampering);
    app.proxy.faults.clear();
    edited.ok();
    assert_eq!(ann.get(&message_path(&message)).await.ok()["message_body"], "memo, two");
}

#[tokio::test]
async fn closing_an_account_does_not_take_the_login_of_somebody_else() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let (first, second) = (
        app.proxy.faults.hold(on(Transact).of("CREDENTIAL")),
        app.proxy.faults.hold_nth(1, on(Transact).of("CREDENTIAL")),
    );
    let pk = email(&ann);
    let tampering = async {
        first.reached().await;
        app.table.set(&pk, "CREDENTIAL", "user", json!(ben.id)).await;
        first.release();
        first.finished().await;
        let standing =
            app.table.get(&pk, "CREDENTIAL").await.expect("the credential that now belongs to Ben");
        assert_eq!(text(&standing, "user"), ben.id);
        second.reached().await;
        app.table.set(&pk, "CREDENTIAL", "user", json!(ann.id)).await;
        second.release();
    };
    let (closed, ()) = tokio::join!(close_account(&ann, PASSWORD), tampering);
    app.proxy.faults.clear();
    closed.expect(204);
    let marker = app.table.get(&pk, "CREDENTIAL").await.unwrap();
    assert_eq!(text(&marker, "item"), "closed_credential");
}

/// Runs a change of the password while the credential or the profile is changed after it was read.
async fn superseded(app: &TestApp, ann: &User, (pk, sk): (&str, &str), name: &str, value: serde_json::Value) {
    let (here, _) = logged_in(app, ann).await;
    let late = change_password(&here, PASSWORD, OTHER_PASSWORD);
    let tampering = app.table.set(pk, sk, name, value);
    let changed: Answer = tampered(app, on(Transact).of("CREDENTIAL"), late, tampering).await;
    changed.refuses("old_password");
    let standing = app.table.get(&email(ann), "CREDENTIAL").await.unwrap();
    assert_eq!(text(&standing, "hash"), HASH);
}

#[tokio::test]
async fn a_change_of_the_password_is_not_made_to_somebody_elses() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    superseded(&app, &ann, (&email(&ann), "CREDENTIAL"), "user", json!(ben.id)).await;
    log_in(&app, &ann.email, OTHER_PASSWORD).await.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn a_closing_needs_the_version_that_it_has_read() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let pk = account(&ann);
    let tampering = app.table.set(&pk, "PROFILE", "credential_version", json!(7));
    let closed = tampered(&app, on(Transact).of("PROFILE"), close_account(&ann, PASSWORD), tampering).await;
    closed.problem(401, "token_not_valid");
    let profile = app.table.get(&pk, "PROFILE").await.unwrap();
    assert!(!profile.contains_key("closed_at"), "{profile:?}");
}

#[tokio::test]
async fn a_change_of_the_password_moves_no_other_version_on() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    superseded(&app, &ann, (&account(&ann), "PROFILE"), "credential_version", json!(7)).await;
}

#[tokio::test]
async fn a_change_of_the_password_replaces_no_other_version_of_it() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    superseded(&app, &ann, (&email(&ann), "CREDENTIAL"), "version", json!(7)).await;
}
