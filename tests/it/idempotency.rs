//! Idempotency keys: sends with the same key create one message. They are sent in parallel, after lost answers, after
//! an hour, after an edit and after a deletion.

use chrono::{DateTime, TimeDelta};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{
    Answer, TestApp, User,
    call::{
        Operation::{Put, Query},
        on,
    },
    faults::{
        Fault::{After, ShortPage},
        How::Reset,
    },
    race::lost_twice,
    user::message_path,
};

/// Creates a conversation of Ann and Ben.
async fn pair(app: &TestApp) -> (User, User, String) {
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    (ann, ben, conversation)
}

fn id(answer: &Answer, statuses: &[u16]) -> String {
    assert!(statuses.contains(&answer.status), "{answer}");
    answer.json()["message_id"].as_str().unwrap().to_owned()
}

/// With some of these messages, the first query of the look-back returns exactly a full page.
#[tokio::test]
async fn each_of_forty_sends_with_keys_is_a_message() {
    let app = TestApp::new().await;
    let (ann, ben, conversation) = pair(&app).await;
    for n in 0..40 {
        ann.send_with_key(&conversation, &app.key(), &format!("memo {n}")).await.created();
    }
    let seen = ben.messages(&conversation).await;
    for back in 0..20 {
        let after = &seen[seen.len() - 1 - back]["message_id"];
        let body = json!({ "conversation": conversation, "message_body": "memo", "client_id": app.key(), "after": after });
        ben.post("/api/messages/", body).await.created();
    }
    assert_eq!(ben.messages(&conversation).await.len(), 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sent_32_times_at_once_then_again_after_a_hundred_others() {
    let app = TestApp::new().await;
    let (ann, ben, conversation) = pair(&app).await;
    let key = app.key();
    let send = || ann.send_with_key(&conversation, &key, "memo, once");
    let answers = join_all((0..32).map(|_| send())).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1, "exactly one send creates the message");
    let mut ids: Vec<String> = answers.into_iter().map(|answer| id(&answer, &[200, 201])).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    for n in 0..100 {
        ben.send(&conversation, &format!("memo, between {n}")).await;
    }
    assert_eq!(id(&send().await, &[200]), ids[0]);
    app.advance(TimeDelta::hours(1));
    let again = app.renewed(&ann).through(&app.second_process().await);
    assert_eq!(id(&again.send_with_key(&conversation, &key, "memo, once").await, &[200]), ids[0]);
    let mine = again.bodies(&conversation).await.iter().filter(|body| *body == "memo, once").count();
    assert_eq!(mine, 1);
    app.check().await;
}

#[tokio::test]
async fn an_answer_that_is_cut_off_behind_the_commit_is_found_again() {
    let app = TestApp::new().await;
    let (ann, _, conversation) = pair(&app).await;
    let key = app.key();
    app.proxy.faults.always(on(Put).of("MSG#"), After(Reset));
    let lost = ann.send_with_key(&conversation, &key, "memo, cut off").await;
    let problem = lost.clone().problem(503, "unavailable");
    assert_eq!(problem["client_id"], key.as_str(), "{lost}");
    assert!(lost.header("retry-after").is_some(), "{lost}");
    assert!(app.proxy.faults.clear() >= 2, "the SDK retried");
    id(&ann.send_with_key(&conversation, &key, "memo, cut off").await, &[200]);
    // Only the first answer is lost, so the retry of the SDK finds the message.
    app.proxy.faults.fail(on(Put).of("MSG#"), After(Reset));
    id(&ann.try_send(&conversation, "memo, without a key").await, &[200, 201]);
    assert_eq!(app.proxy.faults.clear(), 1);
    assert_eq!(ann.bodies(&conversation).await, ["memo, cut off", "memo, without a key"]);
    app.check().await;
}

/// The other attempt's message is below the first page of new messages, so the look-back has to read further pages.
#[tokio::test]
async fn a_send_that_lost_twice_looks_at_every_number() {
    let app = TestApp::new().await;
    let (ann, ben, conversation) = pair(&app).await;
    let key = app.key();
    let send = || ben.send_with_key(&conversation, &key, "memo, once");
    let twice = async {
        ann.send(&conversation, "memo, second").await;
        send().await.created();
        ann.send(&conversation, "memo, last").await;
        app.proxy.faults.always(on(Query).of("MSG#"), ShortPage(1));
    };
    lost_twice(&app, send(), ann.send(&conversation, "memo, first"), twice).await.ok();
    let all = ["memo, first", "memo, second", "memo, once", "memo, last"];
    assert_eq!(ann.bodies(&conversation).await, all);
}

#[tokio::test]
async fn a_retry_after_an_edit_or_a_deletion_says_what_became_of_it() {
    let app = TestApp::new().await;
    let (ann, _, conversation) = pair(&app).await;
    let key = app.key();
    let send = || ann.send_with_key(&conversation, &key, "memo, first");
    let message = send().await.created();
    ann.edit(&message, "memo, second").await.ok();
    let edited = send().await.ok();
    assert_eq!(edited["message_id"], message["message_id"]);
    assert_eq!(edited["message_body"], "memo, second");
    ann.delete_message(&message).await.nothing();
    let deleted = send().await.ok();
    assert_eq!(deleted["message_id"], message["message_id"]);
    assert_eq!(deleted["message_body"], "");
    assert!(deleted["deleted_at"].is_string(), "{deleted}");
    ann.get(&message_path(&message)).await.problem(404, "not_found");
    ann.send_with_key(&conversation, &key, "memo, third").await.problem(409, "client_id_reused");
    app.check().await;
}

#[tokio::test]
async fn another_body_under_the_key_is_refused_and_another_senders_key_is_another() {
    let app = TestApp::new().await;
    let (ann, ben, conversation) = pair(&app).await;
    let key = app.key();
    let first = ann.send_with_key(&conversation, &key, "memo, mine").await.created();
    ann.send_with_key(&conversation, &key, "memo, other").await.problem(409, "client_id_reused");
    let with_reply = json!({
        "conversation": conversation, "message_body": "memo, mine", "client_id": key,
        "reply_to": first["message_id"],
    });
    ann.post("/api/messages/", with_reply).await.problem(409, "client_id_reused");
    let bens = ben.send_with_key(&conversation, &key, "memo, mine").await.created();
    assert_ne!(bens["message_id"], first["message_id"]);
    let elsewhere = ann.group(&[&ben]).await;
    ann.send_with_key(&elsewhere, &key, "memo, mine").await.created();
    assert_eq!(ann.messages(&conversation).await.len(), 2);
}

#[tokio::test]
async fn header_and_field_mean_the_same() {
    let app = TestApp::new().await;
    let (ann, _, conversation) = pair(&app).await;
    let (key, other) = (app.key(), app.key());
    let send = |field: Value, header: &str| {
        let mut body = json!({ "conversation": conversation, "message_body": "memo, header" });
        if field.is_string() {
            body["client_id"] = field;
        }
        ann.request("POST".parse().unwrap(), "/api/messages/")
            .json(&body)
            .header("idempotency-key", header)
            .send()
    };
    let first = id(&send(Value::Null, &key).await, &[201]);
    assert_eq!(id(&send(json!(key), &key).await, &[200]), first);
    assert_eq!(id(&send(Value::Null, &format!("\"{key}\"")).await, &[200]), first);
    send(json!(other), &key).await.refuses("client_id");
}

#[tokio::test]
async fn a_key_from_1970_costs_a_bounded_read() {
    let app = TestApp::new().await;
    let (ann, ben, conversation) = pair(&app).await;
    let now = app.app.clock.now().timestamp_micros() - 3_600_000_000;
    let messages: Vec<Value> = (1..=100)
        .map(|n| {
            json!({
                "pk": format!("CONV#{conversation}"), "sk": format!("MSG#{n:013}"), "item": "message",
                "sender": ben.id, "body": "memo ".repeat(8000), "sent_at": now + n,
                "idempotency_key": app.key(), "digest": "digest", "revision": 0,
            })
        })
        .collect();
    for batch in messages.chunks(20) {
        app.table.put_all(batch).await;
    }
    let epoch = app.app.random.uuid_at(DateTime::UNIX_EPOCH).to_string();
    let (answer, cost) = app.proxy.measure(ann.send_with_key(&conversation, &epoch, "memo, old")).await;
    let problem = answer.problem(409, "outcome_unknown");
    assert_eq!(problem["client_id"], epoch.as_str());
    // The first look-back query reads 16 messages of 10 units. The second reads 1 MB, 256 units of 4 KB, of a log of 4 MB,
    // and the message that is too much. The caller's items take 5 units at most.
    assert!(cost.read_units <= 16.0 * 10.0 + 256.0 + 10.0 + 5.0, "{cost:?}");
    assert!(cost.requests() <= 3, "{cost:?}");
    let last = conversation.parse::<shared::ids::ConversationId>().unwrap().message(100).to_string();
    let body = json!({
        "conversation": conversation, "message_body": "memo, old", "client_id": epoch, "after": last,
    });
    let (sent, cost) = app.proxy.measure(ann.post("/api/messages/", body.clone())).await;
    let sent = sent.created();
    assert!(cost.read_units <= 15.0, "with the last seen message, the look-back is cheap: {cost:?}");
    assert_eq!(ann.post("/api/messages/", body).await.ok()["message_id"], sent["message_id"]);
}

#[tokio::test]
async fn keys_of_the_near_future_pass_and_later_ones_do_not() {
    let app = TestApp::new().await;
    let (ann, _, conversation) = pair(&app).await;
    let near = app.key_from(TimeDelta::minutes(-4));
    let first = id(&ann.send_with_key(&conversation, &near, "memo, soon").await, &[201]);
    assert_eq!(id(&ann.send_with_key(&conversation, &near, "memo, soon").await, &[200]), first);
    let far = app.key_from(TimeDelta::minutes(-6));
    ann.send_with_key(&conversation, &far, "memo, later").await.refuses("client_id");
    let random = uuid::Builder::from_random_bytes(app.app.random.bytes()).into_uuid().to_string();
    ann.send_with_key(&conversation, &random, "memo, v4").await.refuses("client_id");
}

#[tokio::test]
async fn a_key_whose_clock_was_behind_is_found() {
    let app = TestApp::new().await;
    let (ann, ben, conversation) = pair(&app).await;
    // The client's clock is five minutes ahead of the server's clock, so the time in the key is later than the time of
    // the message.
    let key = app.key_from(TimeDelta::minutes(-5) + TimeDelta::seconds(1));
    let first = id(&ann.send_with_key(&conversation, &key, "memo, ahead").await, &[201]);
    for n in 0..20 {
        ben.send(&conversation, &format!("memo, between {n}")).await;
    }
    assert_eq!(id(&ann.send_with_key(&conversation, &key, "memo, ahead").await, &[200]), first);
}

#[tokio::test]
async fn who_was_removed_does_not_learn_what_became_of_it() {
    let app = TestApp::new().await;
    let (ann, ben, conversation) = pair(&app).await;
    let key = app.key();
    ben.send_with_key(&conversation, &key, "memo, bens").await.created();
    ann.remove(&conversation, &ben).await;
    ben.send_with_key(&conversation, &key, "memo, bens").await.refuses("conversation");
}
