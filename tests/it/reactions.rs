//! Reactions: each user reacts once with each emoji, everybody sees the counts, and no reaction is lost.

use axum::http::Method;
use serde_json::{Value, json};

use crate::{
    harness::{
        Answer, TestApp, User,
        call::{
            Operation::{BatchGet, Query},
            on,
        },
        race::held,
        user::message_path,
    },
    held::stage,
};

const THUMB: &str = "%F0%9F%91%8D";
const PARTY: &str = "%F0%9F%8E%89";

async fn try_react(user: &User, message: &Value, emoji: &str) -> Answer {
    let path = format!("{}reactions/{emoji}/", message_path(message));
    user.request(Method::PUT, &path).send().await
}

async fn react(user: &User, message: &Value, emoji: &str) -> Value {
    try_react(user, message, emoji).await.ok()
}

async fn take_back(user: &User, message: &Value, emoji: &str) -> Value {
    user.delete(&format!("{}reactions/{emoji}/", message_path(message))).await.ok()
}

/// Returns the reactions of a message as the user sees them.
async fn seen_by(user: &User, message: &Value) -> Value {
    user.get(&message_path(message)).await.ok()["reactions"].clone()
}

fn reaction(emoji: &str, count: u64, me: bool) -> Value {
    json!({ "emoji": emoji, "count": count, "me": me })
}

#[tokio::test]
async fn each_user_reacts_once_with_each_emoji() {
    let app = TestApp::new().await;
    let (ann, ben, group, message) = stage(&app).await;
    assert_eq!(message["reactions"], json!([]));
    let answer = try_react(&ben, &message, THUMB).await;
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let reacted = answer.ok();
    assert_eq!(reacted["reactions"], json!([reaction("👍", 1, true)]));
    assert_eq!((&reacted["revision"], &reacted["edited_at"]), (&json!(1), &Value::Null));
    assert_eq!(react(&ben, &message, THUMB).await, reacted, "a repetition changes nothing");
    react(&ann, &message, PARTY).await;
    let both = react(&ann, &message, THUMB).await;
    assert_eq!(both["reactions"], json!([reaction("👍", 2, true), reaction("🎉", 1, true)]));
    assert_eq!(seen_by(&ben, &message).await, json!([reaction("👍", 2, true), reaction("🎉", 1, false)]));
    take_back(&ben, &message, PARTY).await;
    take_back(&ben, &message, THUMB).await;
    assert_eq!(take_back(&ben, &message, THUMB).await["reactions"][0], reaction("👍", 1, false));
    take_back(&ann, &message, THUMB).await;
    take_back(&ann, &message, PARTY).await;
    assert_eq!(seen_by(&ann, &message).await, json!([]));
    let changes = ann.changes(&group, 0).await;
    let kinds: Vec<&Value> = changes.iter().map(|change| &change["kind"]).collect();
    let (added, removed) = ("reaction_added", "reaction_removed");
    assert_eq!(kinds, [added, added, added, removed, removed, removed], "one change for each effect");
    assert_eq!(changes[0]["message"], message["message_id"]);
    assert_eq!((&changes[0]["actor"], &changes[5]["revision"]), (&json!(ben.id), &json!(6)));
    app.check().await;
}

#[tokio::test]
async fn a_message_has_its_reactions_everywhere() {
    let app = TestApp::new().await;
    let (ann, ben, group, message) = stage(&app).await;
    react(&ben, &message, THUMB).await;
    let expected = json!([reaction("👍", 1, true)]);
    let conversation = ben.conversation(&group).await;
    let inbox = ben.all("/api/conversations/").await;
    let synced = ben.post("/api/sync/", json!({})).await.ok();
    let of_all = ben.all("/api/messages/").await;
    let repeated = json!({ "conversation": group, "message_body": "memo", "client_id": app.key() });
    let sent = ann.post("/api/messages/", repeated.clone()).await.created();
    react(&ben, &sent, THUMB).await;
    let again = ann.post("/api/messages/", repeated).await.expect(200).json();
    for (place, found) in [
        ("messages", &conversation["messages"][0]),
        ("last_message", &conversation["last_message"]),
        ("inbox", &inbox[0]["messages"][0]),
        ("sync", &synced["messages"][0]),
        ("all", &of_all[0]),
    ] {
        assert_eq!(found["reactions"], expected, "{place}");
    }
    assert_eq!(again["reactions"], json!([reaction("👍", 1, false)]), "a repeated send");
}

#[tokio::test]
async fn only_one_emoji_by_an_accepted_participant_is_a_reaction() {
    let app = TestApp::with_requests().await;
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    let group = ann.group(&[&ben]).await;
    let message = ann.send(&group, "memo").await;
    try_react(&ben, &message, THUMB).await.problem(403, "not_accepted");
    try_react(&admin, &message, THUMB).await.problem(403, "permission_denied");
    try_react(&app.user("cleo").await, &message, THUMB).await.problem(404, "not_found");
    for text in ["a", "1", "%F0%9F%91%8D%F0%9F%91%8D", "thumbsup", "%E2%80%8D", "%F0%9F%87%AA"] {
        try_react(&ann, &message, text).await.refuses("emoji");
    }
    let path = format!("{}reactions/x/?x=1", message_path(&message));
    let faults = ann.request(Method::PUT, &path).header("if-match", "1").send().await;
    let faults = faults.problem(400, "invalid_request")["errors"].clone();
    assert_eq!(faults.as_object().unwrap().keys().collect::<Vec<_>>(), ["If-Match", "emoji", "x"]);
    // One emoji with and without the selector of its variation.
    react(&ann, &message, "%E2%9D%A4").await;
    let heart = react(&ann, &message, "%E2%9D%A4%EF%B8%8F").await;
    assert_eq!(heart["reactions"], json!([reaction("\u{2764}\u{fe0f}", 1, true)]));
    assert_eq!(ann.changes(&group, 0).await.len(), 1);
    app.check().await;
}

#[tokio::test]
async fn an_edit_keeps_reactions_and_a_deletion_removes_them() {
    let app = TestApp::new().await;
    let (ann, ben, group, message) = stage(&app).await;
    react(&ben, &message, THUMB).await;
    let edited = ann.edit(&message, "memo, second").await.ok();
    assert_eq!(edited["reactions"], json!([reaction("👍", 1, false)]));
    react(&ben, &message, PARTY).await;
    ann.edit(&message, "memo, third").await.ok();
    let path = message_path(&message);
    let versions = ann.all(&format!("{path}revisions/")).await;
    let versions: Vec<_> = versions.iter().map(|it| (&it["revision"], &it["message_body"])).collect();
    let (first, second) = (json!("memo, first"), json!("memo, second"));
    assert_eq!(versions, [(&json!(0), &first), (&json!(1), &second)]);
    assert_eq!(seen_by(&ben, &message).await.as_array().unwrap().len(), 2);
    app.check().await;
    ann.delete_message(&message).await.nothing();
    let list = format!("/api/messages/?conversation={group}&tombstones=1");
    assert_eq!(ann.all(&list).await[0]["reactions"], json!([]));
    try_react(&ben, &message, THUMB).await.problem(404, "not_found");
    ben.delete(&format!("{path}reactions/{THUMB}/")).await.problem(404, "not_found");
    // No earlier text is left.
    app.check().await;
}

#[tokio::test]
async fn reactions_do_not_use_up_the_edits_of_a_message() {
    let app = TestApp::new().await;
    let (ann, _, group, message) = stage(&app).await;
    let (pk, sk) = (format!("CONV#{group}"), "MSG#0000000000001");
    app.table.set(&pk, sk, "revision", json!(500)).await;
    app.table.set(&pk, sk, "edits", json!(89)).await;
    ann.edit(&message, "memo, the last").await.ok();
    ann.edit(&message, "memo, too much").await.problem(400, "invalid_request");
    react(&ann, &message, THUMB).await;
    ann.delete_message(&message).await.nothing();
    let items = app.table.partition(&pk).await;
    assert!(!items.iter().any(|item| item["sk"].as_str().unwrap().starts_with("REV#")), "{items:?}");
}

#[tokio::test]
async fn a_blocked_user_is_not_counted_for_the_blocker() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let group = ann.group(&[&ben, &cleo]).await;
    let (of_ann, of_ben) = (ann.send(&group, "memo").await, ben.send(&group, "memo").await);
    ann.request(Method::PUT, &format!("/api/users/me/blocks/{}/", ben.id)).send().await.ok();
    react(&ben, &of_ann, PARTY).await;
    react(&ben, &of_ann, THUMB).await;
    react(&cleo, &of_ann, THUMB).await;
    react(&cleo, &of_ben, THUMB).await;
    assert_eq!(seen_by(&ann, &of_ann).await, json!([reaction("👍", 1, false)]));
    assert_eq!(seen_by(&ben, &of_ann).await, json!([reaction("🎉", 1, true), reaction("👍", 2, true)]));
    assert_eq!(seen_by(&ann, &of_ben).await, json!([]), "a masked message");
    // A reaction of the blocker keeps those that the blocker does not see.
    assert_eq!(react(&ann, &of_ann, THUMB).await["reactions"], json!([reaction("👍", 2, true)]));
    assert_eq!(seen_by(&cleo, &of_ann).await, json!([reaction("🎉", 1, false), reaction("👍", 3, true)]));
    app.check().await;
}

#[tokio::test]
async fn a_message_has_a_bounded_number_of_reactions() {
    let app = TestApp::new().await;
    let (_, ben, group, message) = stage(&app).await;
    let (pk, sk) = (format!("CONV#{group}"), "MSG#0000000000001");
    let users = |count: usize| "A".repeat((count * 16 * 4).div_ceil(3));
    let different: Vec<String> = (0..20).map(|n| format!("{n}:{}", users(1))).collect();
    app.table.set(&pk, sk, "reactions", json!(different.join(";"))).await;
    try_react(&ben, &message, THUMB).await.problem(409, "too_many_reactions");
    app.table.set(&pk, sk, "reactions", json!(format!("👍:{}", users(399)))).await;
    react(&ben, &message, THUMB).await;
    react(&ben, &message, THUMB).await;
    try_react(&ben, &message, PARTY).await.problem(409, "too_many_reactions");
    let meta = app.table.get(&pk, "META").await.unwrap();
    assert!(meta.get("has_large_edits").is_none(), "a large message that grows is no news");
    app.table.set(&pk, sk, "reactions", json!(format!("👍:{}", users(92)))).await;
    react(&ben, &message, PARTY).await;
    let meta = app.table.get(&pk, "META").await.unwrap();
    assert_eq!(meta["has_large_edits"], true, "a small message has become large");
}

#[tokio::test]
async fn reactions_do_not_make_a_message_larger_than_the_largest() {
    let app = TestApp::new().await;
    let (ann, ben, group, _) = stage(&app).await;
    let message = ann.send(&group, &"☕".repeat(16_384)).await;
    let metadata = json!({ "metadata": { "a": "x".repeat(4000) } });
    let (pk, sk) = (format!("CONV#{group}"), "MSG#0000000000002");
    // The text has 48 KB, so the reactions have the room of the metadata.
    let users = |count: usize| "A".repeat((count * 16 * 4).div_ceil(3));
    app.table.set(&pk, sk, "reactions", json!(format!("👍:{}", users(205)))).await;
    try_react(&ben, &message, THUMB).await.problem(409, "too_many_reactions");
    ann.patch(&message_path(&message), metadata).await.refuses("message_body");
    app.table.set(&pk, sk, "reactions", json!(format!("👍:{}", users(204)))).await;
    react(&ben, &message, THUMB).await;
    take_back(&ben, &message, THUMB).await;
}

/// The late reaction has read the message before the other one, and the free number after it. Only the revision of the message
/// shows that it has changed.
#[tokio::test]
async fn a_reaction_past_another_one_loses_neither() {
    let app = TestApp::new().await;
    let (ann, ben, _, message) = stage(&app).await;
    // The first read checks that Ben may react; the second read is the one before the write.
    let read = app.proxy.faults.watch_nth(1, on(BatchGet).of("MSG#"));
    let late = try_react(&ben, &message, THUMB);
    let first = async {
        read.finished().await;
        try_react(&ann, &message, THUMB).await
    };
    let (late, first) = held(&app, on(Query).of("CHANGE#"), late, first).await;
    first.ok();
    assert_eq!(late.ok()["reactions"], json!([reaction("👍", 2, true)]));
    app.check().await;
}
