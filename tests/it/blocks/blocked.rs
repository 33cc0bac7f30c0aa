//! The blocked user: cannot start a conversation with the blocker or add the blocker to one, and gets the same answers as
//! before everywhere else.

use serde_json::json;

use super::{block, try_block, unblock};
use crate::harness::{
    Browser, TestApp, User,
    call::{Operation::Transact, on},
    race::held,
    user::{id_of, message_path},
};

/// Returns the answers of everything that a user can read about another user and their conversations.
async fn read_by(user: &User, browser: &Browser, other: &User, conversations: [&str; 2]) -> Vec<String> {
    let mut paths = vec![
        format!("/api/users/{}/", other.id),
        format!("/api/users/?email={}", other.email),
        "/api/users/me/".to_owned(),
        "/api/users/me/blocks/".to_owned(),
        format!("/api/users/me/blocks/{}/", other.id),
        "/api/conversations/".to_owned(),
        "/api/messages/".to_owned(),
    ];
    for id in conversations {
        paths.extend([
            format!("/api/conversations/{id}/"),
            format!("/api/conversations/{id}/participants/"),
            format!("/api/conversations/{id}/participants/{}/", other.id),
            format!("/api/conversations/{id}/changes/"),
            format!("/api/messages/?conversation={id}"),
            format!("/?conversation={id}"),
        ]);
    }
    let mut answers = Vec::new();
    for path in paths {
        if !path.starts_with("/?") {
            answers.push(user.get(&path).await.fingerprint());
        }
        answers.push(browser.json(&path).await.fingerprint());
    }
    answers
}

#[tokio::test]
async fn a_blocked_user_reads_the_same_bytes_as_before() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let (group, direct) = (cleo.group(&[&ann, &ben]).await, ann.direct(&ben).await);
    for id in [&group, &direct] {
        ann.send(id, "memo, from ann").await;
        let sent = ben.send(id, "memo, from ben").await;
        ann.mark_read(id, &sent).await.ok();
    }
    let browser = Browser::of(&ben).await;
    app.freeze();
    let before = read_by(&ben, &browser, &ann, [&group, &direct]).await;
    block(&ann, &ben).await;
    let after = read_by(&ben, &browser, &ann, [&group, &direct]).await;
    assert!(before.len() > 30);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
}

#[tokio::test]
async fn what_a_blocked_user_does_in_shared_conversations_goes_on() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let key = app.key();
    let made = json!({ "participants": [ann.id, cleo.id], "name": "memo", "client_id": key });
    let group = ben.post("/api/conversations/", made.clone()).await.created();
    let id = group["conversation_id"].as_str().unwrap();
    let direct = ben.direct(&ann).await;
    block(&ann, &ben).await;
    // The same creation, the same pair and the same participants again.
    ben.post("/api/conversations/", made.clone()).await.expect(200);
    assert_eq!(ben.direct(&ann).await, direct);
    ben.add(id, &[&ann]).await.ok();
    let path = format!("/api/conversations/{id}/");
    let users = json!({ "participants": [ann.id, ben.id, cleo.id], "name": "memo, again" });
    ben.put(&path, users).await.ok();
    let sent = ben.send(&direct, "memo").await;
    assert!(sent.get("masked").is_none(), "{sent}");
    ben.edit(&sent, "memo, edited").await.ok();
    ben.get(&format!("{}revisions/", message_path(&sent))).await.ok();
    ben.delete_message(&sent).await.nothing();
    // Ann has left. The creation is not repeated; adding her again is a new addition.
    ann.leave(id).await.nothing();
    ben.post("/api/conversations/", made).await.expect(200);
    ben.add(id, &[&ann]).await.refuses("participants");
    app.check().await;
}

/// Ann has blocked Ben and is a participant, so a request of Ben may name her. Meanwhile she leaves.
#[tokio::test]
async fn a_blocker_who_leaves_meanwhile_is_not_added_again() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let dan = app.user("dan").await;
    block(&ann, &ben).await;
    for is_put in [false, true] {
        let group = dan.group(&[&ann, &ben]).await;
        let path = format!("/api/conversations/{group}/");
        let all = json!({ "participants": [ann.id, ben.id, cleo.id, dan.id], "name": "memo" });
        let late =
            async { if is_put { ben.put(&path, all).await } else { ben.add(&group, &[&ann, &cleo]).await } };
        let (late, left) = held(&app, on(Transact).of("MEMBER#"), late, ann.leave(&group)).await;
        left.nothing();
        late.refuses("participants");
        ann.get(&path).await.problem(404, "not_found");
        assert_eq!(dan.conversation(&group).await["participant_count"], 2);
    }
}

/// A request that has read the blocks before a new block ends like one before the block: the conversation exists, and
/// nothing in it reaches the blocker unmasked. Each later request is refused.
#[tokio::test]
async fn an_addition_past_a_block_counts_as_made_before_it() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let group = ben.group(&[&cleo]).await;
    let (added, _) =
        held(&app, on(Transact).of("MEMBER#"), ben.add(&group, &[&ann]), try_block(&ann, &ben)).await;
    added.ok();
    unblock(&ann, &ben).await;
    let (opened, _) =
        held(&app, on(Transact).of("MEMBER#"), ben.open_direct(&ann), try_block(&ann, &ben)).await;
    let direct = id_of(&opened.created());
    for conversation in [&group, &direct] {
        ben.send(conversation, "memo").await;
        let shown = &ann.messages(conversation).await[0];
        assert_eq!((&shown["masked"], &shown["message_body"]), (&json!(true), &json!("")));
        assert_eq!(ann.unread(conversation).await, 0);
    }
    ann.leave(&group).await.nothing();
    ben.add(&group, &[&ann]).await.refuses("participants");
    app.check().await;
}

#[tokio::test]
async fn a_blocked_user_is_told_that_the_blocker_does_not_exist() {
    let app = TestApp::lagging().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let group = ben.group(&[&cleo]).await;
    // Reads that are not strongly consistent miss the block.
    app.proxy.stop_the_past().await;
    block(&ann, &ben).await;
    let unknown = User { id: "00000000-0000-4000-8000-000000000000".to_owned(), ..ann.clone() };
    let refused = async |other: &User| {
        let ids = [&other.id, &cleo.id];
        let path = format!("/api/conversations/{group}/");
        let answers = [
            ben.open_direct(other).await,
            ben.post("/api/conversations/", json!({ "participants": ids })).await,
            ben.post("/api/conversations/", json!({ "participants": ids, "client_id": app.key() })).await,
            ben.add(&group, &[other, &cleo]).await,
            ben.put(&path, json!({ "participants": ids, "name": "memo" })).await,
            ben.patch(&path, json!({ "participants": ids })).await,
        ];
        answers.map(|answer| {
            assert_eq!(answer.status, 400, "{answer}");
            answer.fingerprint().replace(&other.id, "<user>")
        })
    };
    assert_eq!(refused(&ann).await, refused(&unknown).await);
    assert_eq!(cleo.conversation(&group).await["participant_count"], 2);
    assert!(ann.all("/api/conversations/").await.is_empty());
    // The other direction and third users are free.
    assert_eq!(ann.open_direct(&ben).await.status, 201);
    cleo.add(&group, &[&ann]).await.ok();
    app.check().await;
}
