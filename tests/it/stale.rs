//! Stale reads: every read that is not strongly consistent, and every read of an index, misses all writes of the test.
//! Reads for access decisions and of acknowledged data are strongly consistent.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::{
    auth::Signer,
    config::Limits,
    model::{conversation::PairKey, user::Role},
};

use crate::{
    faults::stage::{ALL, Operation, Stage, succeeded},
    harness::{
        TestApp, User,
        call::{Operation::Query, on},
        faults::Fault::ShortPage,
        login::{
            OTHER_PASSWORD, close_account, log_in, log_in_on, log_out, logged_in, refresh, register,
            sessions, with_new_password, with_tokens, without_first_session,
        },
        network::unique_email,
        people::{PASSWORD, People},
        table::text,
        user::{id_of, message_path},
    },
};

async fn past_stands_still() -> TestApp {
    let app = TestApp::lagging().await;
    app.proxy.stop_the_past().await;
    app
}

async fn stage(app: &TestApp) -> (User, User, String, Value) {
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    let message = ann.send(&group, "memo, first").await;
    (ann, ben, group, message)
}

#[tokio::test]
async fn who_has_registered_logs_in_and_goes_on() {
    let app = past_stands_still().await;
    let email = unique_email("ann");
    let user = register(&app, &email).await.created();
    let tokens = log_in(&app, &email, PASSWORD).await.ok();
    let again = log_in_on(&app, &email, PASSWORD, &tokens["device_token"]).await.ok();
    assert_eq!(again["device_token"], tokens["device_token"], "the device is known");
    log_out(&app, &again["refresh"]).await.ok();
    let next = refresh(&app, &tokens["refresh"]).await.ok();
    let ann = User {
        id: user["user_id"].as_str().unwrap().to_owned(),
        token: next["access"].as_str().unwrap().to_owned(),
        email,
        ..app.user("ann").await
    };
    assert_eq!(ann.get("/api/users/me/").await.ok()["email"], ann.email.as_str());
    assert_eq!(ann.all(&format!("/api/users/?email={}", ann.email)).await.len(), 1);
    assert_eq!(ann.all("/api/users/me/sessions/").await.len(), 1);
    let (ann, _) = with_new_password(&ann, PASSWORD, OTHER_PASSWORD).await;
    let (_, phone) = with_tokens(&ann, &log_in(&app, &ann.email, OTHER_PASSWORD).await.ok());
    let (ann, _) = with_new_password(&ann, OTHER_PASSWORD, PASSWORD).await;
    assert_eq!(sessions(&app, &ann).await, 1, "the earlier sessions have ended");
    refresh(&app, &phone).await.problem(401, "token_not_valid");
    log_out(&app, &next["refresh"]).await.ok();
}

#[tokio::test]
async fn a_device_is_shown_and_logged_out() {
    let app = past_stands_still().await;
    let (ann, _) = logged_in(&app, &app.user("ann").await).await;
    without_first_session(&app, &ann).await;
    let device = ann.all("/api/users/me/sessions/").await.remove(0);
    let path = format!("/api/users/me/sessions/{}/", device["session_id"].as_str().unwrap());
    ann.get(&path).await.ok();
    ann.delete(&path).await.expect(204);
    ann.get(&path).await.problem(401, "token_not_valid");
    ann.get("/api/conversations/").await.problem(401, "token_not_valid");
}

#[tokio::test]
async fn what_was_sent_is_read() {
    let app = past_stands_still().await;
    let (ann, ben, group, message) = stage(&app).await;
    let second = ben.send(&group, "memo, second").await;
    for path in [
        format!("/api/messages/?conversation={group}"),
        format!("/api/messages/?conversation={group}&order=oldest"),
        "/api/messages/".to_owned(),
    ] {
        assert_eq!(ann.all(&path).await.len(), 2, "{path}");
    }
    assert_eq!(ann.get(&message_path(&second)).await.ok()["message_body"], "memo, second");
    let shown = ann.conversation(&group).await;
    assert_eq!((&shown["unread"], shown["messages"].as_array().unwrap().len()), (&json!(1), 2));
    assert_eq!(shown["participants"].as_array().unwrap().len(), 2);
    ann.edit(&message, "memo, edited").await.ok();
    assert_eq!(ann.all(&format!("{}revisions/", message_path(&message))).await.len(), 1);
    assert_eq!(ben.changes(&group, 0).await.len(), 1);
    assert_eq!(ben.all(&format!("/api/conversations/{group}/changes/?order=newest")).await.len(), 1);
    assert_eq!(ann.mark_read(&group, &second).await.ok()["unread"], 0);
}

#[tokio::test]
async fn a_send_is_found_again() {
    let app = past_stands_still().await;
    let (ann, ben, group, _) = stage(&app).await;
    let key = app.key();
    let sent = ann.send_with_key(&group, &key, "memo, once").await.created();
    for n in 0..20 {
        ben.send(&group, &format!("memo, {n}")).await;
    }
    let again = ann.send_with_key(&group, &key, "memo, once").await.ok();
    assert_eq!(again["message_id"], sent["message_id"]);
}

#[tokio::test]
async fn who_comes_and_goes_is_known() {
    let app = past_stands_still().await;
    let (ann, ben, group, message) = stage(&app).await;
    let cleo = app.user("cleo").await;
    ann.add(&group, &[&cleo]).await.ok();
    ann.add(&group, &[&cleo]).await.ok();
    assert_eq!(cleo.conversation(&group).await["participant_count"], 3);
    let path = format!("/api/conversations/{group}/");
    let same = json!({ "participants": [ann.id, ben.id, cleo.id] });
    assert_eq!(ann.patch(&path, same).await.ok()["participant_count"], 3);
    ann.leave(&group).await.expect(204);
    ann.get(&message_path(&message)).await.problem(404, "not_found");
    let heirs: Vec<User> = vec![ben, cleo];
    let owner = heirs[0].conversation(&group).await;
    assert_eq!(owner["participant_count"], 2);
    for new_owner in &heirs {
        let path = format!("{path}participants/{}/", new_owner.id);
        new_owner.get(&path).await.ok();
    }
    app.check().await;
}

#[tokio::test]
async fn the_first_participants_are_known() {
    let app = past_stands_still().await;
    let ann = app.user("ann").await;
    let mut others = Vec::new();
    for n in 0..53 {
        others.push(app.user(&format!("other{n}")).await);
    }
    others.sort_by(|a, b| a.id.cmp(&b.id));
    let group = ann.group(&others.iter().take(40).collect::<Vec<_>>()).await;
    ann.add(&group, &others.iter().skip(40).collect::<Vec<_>>()).await.ok();
    // The participant after the first fifty takes the free position.
    ann.remove(&group, &others[0]).await.expect(204);
    let shown = ann.conversation(&group).await;
    assert_eq!(shown["participants"].as_array().unwrap().len(), 50);
    app.check().await;
}

#[tokio::test]
async fn a_group_that_is_deleted_is_gone_for_all() {
    let app = past_stands_still().await;
    let (ann, ben, group, _) = stage(&app).await;
    ann.delete_conversation(&group).await.expect(204);
    ben.get(&format!("/api/conversations/{group}/")).await.problem(404, "not_found");
    assert_eq!(ben.all("/api/messages/").await.len(), 0);
    let members = app.table.partition(&format!("CONV#{group}")).await;
    let left = members.iter().filter(|item| item["sk"].as_str().unwrap().starts_with("MEMBER#")).count();
    assert_eq!(left, 0);
    app.check().await;
}

#[tokio::test]
async fn a_pair_is_known_to_share_a_conversation() {
    let app = past_stands_still().await;
    let (ann, ben, _, _) = stage(&app).await;
    let (cleo, dan) = (app.user("cleo").await, app.user("dan").await);
    let direct = cleo.open_direct(&dan).await.created();
    assert_eq!(id_of(&dan.open_direct(&cleo).await.ok()), id_of(&direct));
    for (viewer, other) in [(&ann, &ben), (&cleo, &dan)] {
        let profile = viewer.get(&format!("/api/users/{}/", other.id)).await.ok();
        assert_eq!(profile["email"], other.email.as_str());
        let found = viewer.all(&format!("/api/users/?email={}", other.email)).await;
        assert_eq!(found[0]["user_id"], other.id.as_str());
    }
}

/// With a stale read, a payment would be refused once and tried again.
#[tokio::test]
async fn a_bucket_is_read_as_the_last_payment_left_it() {
    let app = TestApp::lagging_and_limited(Limits::default()).await;
    app.proxy.stop_the_past().await;
    let [ann, ben, cleo, dan] =
        [app.user("ann").await, app.user("ben").await, app.user("cleo").await, app.user("dan").await];
    let group = ann.group(&[&ben]).await;
    let (opened, cost) = app.proxy.measure(ann.open_direct(&cleo)).await;
    assert_eq!((opened.status, cost.writes()), (201, 1));
    let (added, cost) = app.proxy.measure(ann.add(&group, &[&dan])).await;
    assert_eq!((added.status, cost.writes()), (200, 1));
}

#[tokio::test]
async fn a_closed_account_leaves_every_group() {
    let app = past_stands_still().await;
    let (ann, ben, group, _) = stage(&app).await;
    let (ann, _) = logged_in(&app, &ann).await;
    app.proxy.faults.always(on(Query), ShortPage(1));
    close_account(&ann, PASSWORD).await.expect(204);
    app.proxy.faults.clear();
    assert_eq!(sessions(&app, &ann).await, 0);
    ann.try_send(&group, "memo, late").await.problem(401, "token_not_valid");
    assert_eq!(ben.conversation(&group).await["participant_count"], 1);
    ben.open_direct(&ann).await.refuses("participants");
    ann.get("/api/users/me/").await.problem(401, "token_not_valid");
    app.check().await;
}

#[tokio::test]
async fn an_admin_reads_what_was_made() {
    let app = past_stands_still().await;
    let (_, _, _, message) = stage(&app).await;
    app.admin("admin").await.get(&message_path(&message)).await.ok();
}

#[tokio::test]
async fn the_last_admin_is_known() {
    let app = past_stands_still().await;
    let (maya, root) = (app.admin("maya").await, app.admin("root").await);
    let path = |user: &User| format!("/api/users/{}/", user.id);
    root.patch(&path(&maya), json!({ "role": "host" })).await.ok();
    root.patch(&path(&root), json!({ "role": "host" })).await.problem(409, "last_admin");
}

#[tokio::test]
async fn the_first_token_of_a_new_key_is_good() {
    let app = past_stands_still().await;
    let ann = app.user("ann").await;
    let now = app.app.clock.now();
    let next = Signer::from_seed([8; 32]);
    app.app
        .store
        .publish_signing_key(next.kid(), next.public_x(), now, now + TimeDelta::days(30))
        .await
        .unwrap();
    let people = People { signer: Arc::new(next), ..app.people.clone() };
    let token = people.token(ann.id.parse().unwrap(), Role::Guest);
    User { token, ..ann }.get("/api/users/me/").await.ok();
}

#[tokio::test]
async fn nothing_is_decided_on_a_stale_read() {
    let app = TestApp::lagging().await;
    for operation in ALL {
        let stage = Stage::new(&app, operation).await;
        let answer = stage.run(&app, operation).await;
        succeeded(&answer, &format!("{operation:?} on stale reads"));
        stage.verify(&app, operation).await;
    }
    // The next request sees the write of the one before wherever access depends on it.
    let stage = Stage::new(&app, Operation::Remove).await;
    let group = stage.ann.group(&[&stage.ben]).await;
    stage.ben.send(&group, "memo, as a member").await;
    stage.ann.remove(&group, &stage.ben).await.expect(204);
    stage.ben.get(&format!("/api/conversations/{group}/")).await.problem(404, "not_found");
    stage.ben.try_send(&group, "memo, removed").await.refuses("conversation");
    stage.ann.add(&group, &[&stage.ben]).await;
    let sent = stage.ben.send(&group, "memo, again").await;
    assert_eq!(stage.ann.bodies(&group).await, ["memo, as a member", "memo, again"]);
    stage.ben.delete_message(&sent).await.nothing();
    assert_eq!(stage.ann.bodies(&group).await, ["memo, as a member"]);
    assert_eq!(stage.ann.unread(&group).await, 1);
    let direct = stage.ann.open_direct(&stage.cleo).await.created();
    assert_eq!(id_of(&stage.cleo.open_direct(&stage.ann).await.ok()), id_of(&direct));
    app.check().await;
}

#[tokio::test]
async fn the_secret_of_direct_conversations_is_the_one_that_stands() {
    let app = past_stands_still().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    // The stale data contain another secret.
    app.table.remove("KEYS", "PAIR").await;
    app.app.store.ensure_pair_key().await.unwrap();
    let secret = text(&app.table.get("KEYS", "PAIR").await.unwrap(), "secret");
    let pair = [&ann.id, &ben.id].map(|id| id.parse().unwrap());
    let expected = PairKey::parse(&secret).unwrap().direct_id(pair).to_string();
    assert_eq!(ann.direct(&ben).await, expected);
}
