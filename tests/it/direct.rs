//! Direct conversations: two users have exactly one, after any number of openings by either user. Its participants
//! never change.

use futures::future::join_all;
use serde_json::{Value, json};

use shared::model::conversation::PairKey;

use crate::harness::{
    TestApp, User,
    call::{
        Operation::{Put, Transact},
        on,
    },
    race::held,
    table::text,
    user::{body_of, id_of, message_path},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opened_fifty_times_at_once_from_both_sides_it_is_one() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let openings = (0..50).map(|n| if n % 2 == 0 { ann.open_direct(&ben) } else { ben.open_direct(&ann) });
    let answers = join_all(openings).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| [200, 201].contains(&answer.status)));
    let mut ids: Vec<String> = answers.iter().map(|answer| id_of(&answer.json())).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    for user in [&ann, &ben] {
        assert_eq!(user.all("/api/conversations/").await.len(), 1);
    }
    app.check().await;
}

#[tokio::test]
async fn an_opening_past_another_one_finds_it() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let (late, first) =
        held(&app, on(Transact).of("META"), ann.open_direct(&ben), ben.open_direct(&ann)).await;
    assert_eq!((first.status, late.status), (201, 200), "{late}");
    assert_eq!(id_of(&late.json()), id_of(&first.json()));
}

#[tokio::test]
async fn it_has_two_participants_for_good() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let direct = ann.direct(&ben).await;
    let before = app.table.items().await.len();
    for answer in [
        ann.add(&direct, &[&cleo]).await,
        ann.remove(&direct, &ben).await,
        ann.leave(&direct).await,
        ann.patch(&format!("/api/conversations/{direct}/"), json!({ "participants": [cleo.id] })).await,
        ann.patch(
            &format!("/api/conversations/{direct}/participants/{}/", ben.id),
            json!({ "role": "owner" }),
        )
        .await,
    ] {
        assert!([400, 403, 405].contains(&answer.status), "{answer}");
    }
    assert_eq!(app.table.items().await.len(), before);
    let shown = ben.conversation(&direct).await;
    assert_eq!((&shown["kind"], &shown["participant_count"]), (&json!("direct"), &json!(2)));
    app.check().await;
}

/// Both are owners, but neither takes away what the other has sent. In a group, an owner may.
#[tokio::test]
async fn each_deletes_only_the_own_messages() {
    let app = TestApp::new().await;
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    let (direct, group) = (ann.direct(&ben).await, ann.group(&[&ben]).await);
    let sent = [ann.send(&direct, "memo").await, ben.send(&direct, "memo").await];
    let before = app.table.items().await;
    ann.delete_message(&sent[1]).await.problem(403, "permission_denied");
    ben.delete_message(&sent[0]).await.problem(403, "permission_denied");
    assert_eq!(app.table.items().await, before);
    ann.delete_message(&sent[0]).await.nothing();
    ann.delete_message(&sent[0]).await.problem(404, "not_found");
    admin.delete_message(&sent[1]).await.nothing();
    let in_group = ben.send(&group, "memo").await;
    ann.delete_message(&in_group).await.nothing();
    app.check().await;
}

#[tokio::test]
async fn it_is_between_two_who_are_there() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let open = async |participants: Value| {
        ann.post("/api/conversations/", json!({ "kind": "direct", "participants": participants })).await
    };
    open(json!([])).await.refuses("participants");
    open(json!([ann.id])).await.refuses("participants");
    open(json!([ben.id, cleo.id])).await.refuses("participants");
    open(json!(["00000000-0000-4000-8000-000000000000"])).await.refuses("participants");
    let direct = id_of(&open(json!([ann.id, ben.id])).await.created());
    assert_eq!(ben.direct(&ann).await, direct, "the caller's own id among the participants changes nothing");
}

/// An idempotency key belongs to the request that created the conversation. With another key, or without one, the
/// request returns the existing conversation.
#[tokio::test]
async fn a_key_opens_it_by_one_request() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let (key, other_key) = (json!(app.key()), json!(app.key()));
    let open = async |user: &User, other: &User, key: &Value, metadata: Value| {
        let body =
            json!({ "kind": "direct", "participants": [other.id], "client_id": key, "metadata": metadata });
        user.post("/api/conversations/", body).await
    };
    let (first, second) = (json!({ "a": 1 }), json!({ "a": 2 }));
    let made = open(&ann, &ben, &key, first.clone()).await.created();
    for other in [second.clone(), Value::Null] {
        open(&ann, &ben, &key, other).await.problem(409, "client_id_reused");
    }
    let path = format!("/api/conversations/{}/", id_of(&made));
    ann.patch(&path, json!({ "metadata": { "a": 3 } })).await.expect(200);
    let retried = open(&ann, &ben, &key, first.clone()).await.ok();
    assert_eq!((id_of(&retried), &retried["metadata"]), (id_of(&made), &json!({ "a": 3 })));
    open(&ann, &ben, &key, second.clone()).await.problem(409, "client_id_reused");
    for (user, other, key) in
        [(&ann, &ben, &other_key), (&ann, &ben, &Value::Null), (&ben, &ann, &key), (&ben, &ann, &other_key)]
    {
        assert_eq!(id_of(&open(user, other, key, second.clone()).await.ok()), id_of(&made));
    }
    // This conversation was opened without a key, so no key belongs to it.
    let cleo = app.user("cleo").await;
    open(&ann, &cleo, &Value::Null, first).await.created();
    open(&ann, &cleo, &key, second).await.ok();
    app.check().await;
}

/// Two parallel requests have the same key. The later one finds the conversation of the other.
#[tokio::test]
async fn a_key_that_opens_it_twice_at_once_opens_it_once() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let key = app.key();
    let open = |n: usize| {
        let metadata = json!({ "n": n });
        let body =
            json!({ "kind": "direct", "participants": [ben.id], "client_id": key, "metadata": metadata });
        let ann = &ann;
        async move { ann.post("/api/conversations/", body).await }
    };
    let answers = join_all((0..10).map(open)).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(201), count(409)), (1, 9));
    let made = answers.iter().position(|answer| answer.status == 201).unwrap();
    assert_eq!(id_of(&open(made).await.ok()), id_of(&answers[made].json()));
}

#[tokio::test]
async fn deleting_hides_it_from_the_caller_until_something_new_stands_in_it() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let direct = ann.direct(&ben).await;
    let old = ben.send(&direct, "memo, old").await;
    ann.send(&direct, "memo, older still").await;
    ann.delete_conversation(&direct).await.expect(204);
    assert_eq!(ann.all("/api/conversations/").await.len(), 0, "hidden");
    assert_eq!(ben.bodies(&direct).await.len(), 2, "the conversation is hidden from the caller only");
    // The caller cannot read hidden messages through any endpoint.
    ann.get(&message_path(&old)).await.problem(404, "not_found");
    assert_eq!(ann.bodies(&direct).await.len(), 0);
    assert_eq!(ann.all("/api/messages/").await.len(), 0);
    let around =
        format!("/api/messages/?conversation={direct}&around={}", old["message_id"].as_str().unwrap());
    let around = ann.get(&around).await;
    assert!(around.status == 404 || around.json()["results"] == json!([]), "{around}");
    let reply = json!({ "conversation": direct, "message_body": "memo", "reply_to": old["message_id"] });
    ann.post("/api/messages/", reply).await.refuses("reply_to");
    // A new message shows the conversation again, with the messages from this one on.
    let new = ben.send(&direct, "memo, new").await;
    let inbox = ann.all("/api/conversations/").await;
    assert_eq!(inbox.len(), 1);
    assert_eq!(inbox[0]["unread"], 1);
    let shown: Vec<String> = inbox[0]["messages"].as_array().unwrap().iter().map(body_of).collect();
    assert_eq!(shown, ["memo, new"]);
    assert_eq!(ann.bodies(&direct).await, ["memo, new"]);
    let before = format!("/api/messages/?before={}", new["message_id"].as_str().unwrap());
    assert_eq!(ann.all(&before).await.len(), 0);
    assert_eq!(ann.direct(&ben).await, direct, "a second opening returns the same conversation");
    app.check().await;
}

#[tokio::test]
async fn opening_it_again_does_not_bring_back_what_was_hidden() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let direct = ann.direct(&ben).await;
    ben.send(&direct, "memo, old").await;
    ann.delete_conversation(&direct).await.expect(204);
    let again = ann.open_direct(&ben).await.ok();
    assert_eq!(id_of(&again), direct);
    assert_eq!(again["messages"], json!([]));
    assert_eq!(again["last_message"], Value::Null);
    assert_eq!(again["unread"], 0);
}

#[tokio::test]
async fn an_empty_one_is_hidden_too() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.direct(&ben).await;
    ann.delete_conversation(&conversation).await.expect(204);
    assert_eq!(ann.all("/api/conversations/").await.len(), 0);
    assert_eq!(ben.all("/api/conversations/").await.len(), 1);
    ben.send(&conversation, "memo").await;
    assert_eq!(ann.all("/api/conversations/").await.len(), 1);
}

/// Returns the secret for ids of direct conversations from the table.
async fn secret(app: &TestApp) -> String {
    text(&app.table.get("KEYS", "PAIR").await.unwrap(), "secret")
}

fn derived(secret: &str, one: &User, other: &User) -> String {
    let pair = [&one.id, &other.id].map(|id| id.parse().unwrap());
    PairKey::parse(secret).unwrap().direct_id(pair).to_string()
}

#[tokio::test]
async fn its_id_is_derived_with_a_secret_that_nobody_is_told() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let direct = ann.direct(&ben).await;
    let kept = secret(&app).await;
    assert_eq!(direct, derived(&kept, &ben, &ann));
    assert_ne!(
        direct,
        derived(&secret(&TestApp::new().await).await, &ann, &ben),
        "each table has its own secret"
    );
    let keys = app.get("/.well-known/jwks.json").send().await.expect(200);
    assert_eq!(keys.json()["keys"].as_array().unwrap().len(), 1);
    assert!(!keys.text().contains(&kept));
    // A second start does not replace the secret.
    app.app.store.ensure_pair_key().await.unwrap();
    assert_eq!(secret(&app).await, kept);
    assert_eq!(ben.through(&app.second_process().await).direct(&ann).await, direct);
    // The API uses the same id to find if two users share a direct conversation.
    assert_eq!(ann.get(&format!("/api/users/{}/", ben.id)).await.ok()["email"], json!(ben.email));
    assert_eq!(ann.get(&format!("/api/users/{}/", cleo.id)).await.ok()["email"], Value::Null);
}

#[tokio::test]
async fn of_two_processes_that_start_at_once_one_puts_the_secret() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    app.table.remove("KEYS", "PAIR").await;
    let store = &app.app.store;
    let first = async {
        store.ensure_pair_key().await.unwrap();
        (ann.direct(&ben).await, secret(&app).await)
    };
    let (late, (direct, kept)) = held(&app, on(Put).of("PAIR"), store.ensure_pair_key(), first).await;
    late.unwrap();
    assert_eq!(secret(&app).await, kept, "the first secret stays");
    assert_eq!(ben.through(&app.second_process().await).direct(&ann).await, direct);
}

#[tokio::test]
async fn without_the_secret_none_is_opened_until_it_is_there() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    app.table.remove("KEYS", "PAIR").await;
    ann.open_direct(&ben).await.problem(503, "unavailable");
    app.app.store.ensure_pair_key().await.unwrap();
    ann.open_direct(&ben).await.created();
}
