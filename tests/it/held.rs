//! Calls that arrive late: held until a removal, a deletion, a logout has passed. What was removed does not come back.

use serde_json::{Value, json};

use crate::harness::{
    Answer, TestApp, User,
    call::{
        On,
        Operation::{Put, Transact, Update},
        on,
    },
    people::PASSWORD,
    table::text,
};

/// Runs `late` and holds its call until `first` has been answered; both answers.
async fn held<A, B>(
    app: &TestApp,
    call: On,
    late: impl Future<Output = A>,
    first: impl Future<Output = B>,
) -> (A, B) {
    let gate = app.proxy.faults.hold(call);
    let meanwhile = async {
        gate.reached().await;
        let answer = first.await;
        gate.release();
        answer
    };
    let answers = tokio::join!(late, meanwhile);
    app.proxy.faults.clear();
    app.check().await;
    answers
}

async fn stage(app: &TestApp) -> (User, User, String, Value) {
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let message = ann.send(&conversation, "hush, first").await;
    (ann, ben, conversation, message)
}

async fn log_in(app: &TestApp, email: &str) -> Answer {
    app.post("/api/token/").json(&json!({ "email": email, "password": PASSWORD })).send().await
}

async fn refresh(app: &TestApp, token: &Value) -> Answer {
    app.post("/api/token/refresh/").json(&json!({ "refresh": token })).send().await
}

#[tokio::test]
async fn a_put_past_a_removal_is_the_last_of_its_sender() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    let late = ben.try_send(&conversation, "hush, late");
    let (sent, removed) = held(&app, on(Put).of("MSG#"), late, ann.remove(&conversation, &ben)).await;
    removed.expect(204);
    // The request began before the removal was answered, so it may take effect; what was acknowledged stands.
    if sent.status == 201 {
        assert_eq!(ann.bodies(&conversation).await, ["hush, first", "hush, late"]);
    } else {
        sent.refuses("conversation");
    }
    ben.try_send(&conversation, "hush, after").await.refuses("conversation");
    ben.get(&format!("/api/messages/?conversation={conversation}")).await.problem(404, "not_found");
    let inbox = app.table.partition(&format!("USER#{}", ben.id)).await;
    assert!(inbox.iter().all(|item| !text(item, "sk").starts_with("CONV#")));
}

#[tokio::test]
async fn a_put_past_a_deletion_meets_the_seal() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    let late = ben.try_send(&conversation, "hush, late");
    let (sent, deleted) = held(&app, on(Put).of("MSG#"), late, ann.delete_conversation(&conversation)).await;
    deleted.expect(204);
    sent.refuses("conversation");
    let log = app.table.partition(&format!("CONV#{conversation}")).await;
    let last = log.iter().rfind(|item| text(item, "sk").starts_with("MSG#")).unwrap();
    assert_eq!(text(last, "item"), "closed");
}

#[tokio::test]
async fn a_put_past_another_one_takes_the_next_number() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    let late = ben.send(&conversation, "hush, third");
    let (_, _) = held(&app, on(Put).of("MSG#"), late, ann.send(&conversation, "hush, second")).await;
    assert_eq!(ann.bodies(&conversation).await, ["hush, first", "hush, second", "hush, third"]);
}

#[tokio::test]
async fn a_read_mark_past_a_removal_brings_no_member_back() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, message) = stage(&app).await;
    let late = ben.mark_read(&conversation, &message);
    let (marked, removed) = held(&app, on(Update).of("MEMBER#"), late, ann.remove(&conversation, &ben)).await;
    removed.expect(204);
    marked.problem(404, "not_found");
    let members = app.table.partition(&format!("CONV#{conversation}")).await;
    assert!(!members.iter().any(|item| text(item, "sk") == format!("MEMBER#{}", ben.id)));
}

#[tokio::test]
async fn an_older_read_mark_past_a_newer_one_does_not_move_it_back() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, first) = stage(&app).await;
    let second = ann.send(&conversation, "hush, second").await;
    let late = ben.mark_read(&conversation, &first);
    let (marked, newer) =
        held(&app, on(Update).of("MEMBER#"), late, ben.mark_read(&conversation, &second)).await;
    newer.ok();
    assert_eq!(marked.ok()["unread"], 0);
    assert_eq!(ben.unread(&conversation).await, 0);
}

#[tokio::test]
async fn an_edit_past_a_deletion_brings_no_text_back() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, message) = stage(&app).await;
    let late = ann.edit(&message, "hush, edited");
    let (edited, deleted) = held(&app, on(Transact).of("MSG#"), late, ann.delete_message(&message)).await;
    deleted.nothing();
    edited.problem(404, "not_found");
    assert_eq!(ben.bodies(&conversation).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_addition_past_a_deletion_adds_nobody() {
    let app = TestApp::new().await;
    let (ann, _, conversation, _) = stage(&app).await;
    let cleo = app.user("cleo").await;
    let others = [&cleo];
    let late = ann.add(&conversation, &others);
    let deletion = ann.delete_conversation(&conversation);
    let (added, deleted) = held(&app, on(Transact).of("MEMBER#"), late, deletion).await;
    deleted.expect(204);
    added.problem(404, "not_found");
    cleo.get(&format!("/api/conversations/{conversation}/")).await.problem(404, "not_found");
    assert_eq!(cleo.all("/api/conversations/").await.len(), 0);
}

#[tokio::test]
async fn an_addition_past_the_removal_of_who_adds() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    let cleo = app.user("cleo").await;
    let others = [&cleo];
    let late = ben.add(&conversation, &others);
    let (added, removed) =
        held(&app, on(Transact).of("MEMBER#"), late, ann.remove(&conversation, &ben)).await;
    removed.expect(204);
    // It began before the removal was answered; what matters is that the count, the lists and the answer agree.
    let there = cleo.get(&format!("/api/conversations/{conversation}/")).await.status == 200;
    assert_eq!(there, added.status < 300, "{added}");
}

#[tokio::test]
async fn two_changes_of_one_conversation_both_count() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    let (cleo, dan) = (app.user("cleo").await, app.user("dan").await);
    let others = [&cleo];
    let late = ann.add(&conversation, &others);
    let (added, other) = held(&app, on(Transact).of("MEMBER#"), late, ben.add(&conversation, &[&dan])).await;
    assert!(added.status < 300 && other.status < 300, "{added} {other}");
    assert_eq!(ann.conversation(&conversation).await["participant_count"], 4);
}

#[tokio::test]
async fn a_login_past_a_change_of_the_password_is_over_at_once() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mine = log_in(&app, &ann.email).await.ok();
    let changing = User { token: mine["access"].as_str().unwrap().to_owned(), ..ann.clone() };
    let change = json!({ "old_password": PASSWORD, "new_password": "another-horse-battery-staple" });
    let late = log_in(&app, &ann.email);
    let first = changing.post("/api/users/me/password/", change);
    let (raced, changed) = held(&app, on(Put).of("SESSION#"), late, first).await;
    assert!(changed.status < 300, "{changed}");
    if raced.status == 200 {
        refresh(&app, &raced.json()["refresh"]).await.problem(401, "token_not_valid");
    } else {
        assert_eq!(raced.status, 401, "{raced}");
    }
    refresh(&app, &mine["refresh"]).await.ok();
}

#[tokio::test]
async fn a_refresh_past_a_logout_brings_no_session_back() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let tokens = log_in(&app, &ann.email).await.ok();
    let late = refresh(&app, &tokens["refresh"]);
    let first = app.post("/api/token/blacklist/").json(&json!({ "refresh": tokens["refresh"] })).send();
    let (refreshed, logged_out) = held(&app, on(Update).of("SESSION#"), late, first).await;
    assert!(logged_out.status < 300, "{logged_out}");
    refreshed.problem(401, "token_not_valid");
    let items = app.table.partition(&format!("USER#{}", ann.id)).await;
    assert!(!items.iter().any(|item| text(item, "sk").starts_with("SESSION#")));
}

#[tokio::test]
async fn a_profile_change_past_the_end_of_the_account_brings_no_name_back() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let late = ann.patch("/api/users/me/", json!({ "first_name": "Hush" }));
    let (changed, closed) = held(&app, on(Update).of("PROFILE"), late, ann.delete("/api/users/me/")).await;
    closed.expect(204);
    changed.problem(401, "token_not_valid");
    let profile = app.table.get(&format!("USER#{}", ann.id), "PROFILE").await.unwrap();
    assert_ne!(text(&profile, "first_name"), "Hush");
}

#[tokio::test]
async fn a_login_past_the_end_of_the_account_leaves_no_session() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let late = log_in(&app, &ann.email);
    let (raced, closed) = held(&app, on(Put).of("SESSION#"), late, ann.delete("/api/users/me/")).await;
    closed.expect(204);
    if raced.status == 200 {
        refresh(&app, &raced.json()["refresh"]).await.problem(401, "token_not_valid");
    }
}

#[tokio::test]
async fn joining_past_the_end_of_the_account() {
    let app = TestApp::new().await;
    let (ann, _, conversation, _) = stage(&app).await;
    let cleo = app.user("cleo").await;
    let others = [&cleo];
    let late = ann.add(&conversation, &others);
    let (_, closed) = held(&app, on(Transact).of("MEMBER#"), late, cleo.delete("/api/users/me/")).await;
    closed.expect(204);
    let members = app.table.partition(&format!("CONV#{conversation}")).await;
    let there = members.iter().any(|item| text(item, "sk") == format!("MEMBER#{}", cleo.id));
    assert!(!there, "who closed the account takes part in nothing");
}
