//! Every place where a user reads messages: after a block, none contains what the blocked user wrote.

use axum::http::Method;
use serde_json::{Value, json};

use super::{block, try_block, unblock};
use crate::harness::{
    Browser, TestApp, User,
    call::{Operation::Put, on},
    race::held,
    user::message_path,
};

/// A word of each text that the blocked user writes, and of no other text.
const HIDDEN: &str = "covert";

/// A group of Ann, Ben and Cleo. Ben's messages are an edited one, a reply and the newest one.
struct Stage {
    ann: User,
    ben: User,
    cleo: User,
    conversation: String,
    first: Value,
    newest: Value,
}

impl Stage {
    async fn new(app: &TestApp) -> Self {
        let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
        let conversation = ann.group(&[&ben, &cleo]).await;
        let first = ben.send(&conversation, "memo, covert").await;
        ben.edit(&first, "memo, covert too").await.ok();
        ann.send(&conversation, "memo, from ann").await;
        let newest = json!({ "conversation": conversation, "message_body": "memo, covert reply",
            "reply_to": first["message_id"], "metadata": { "memo": "covert" } });
        let newest = ben.post("/api/messages/", newest).await.created();
        cleo.request(Method::PUT, &format!("{}pin/", message_path(&newest))).send().await.ok();
        Self { ann, ben, cleo, conversation, first, newest }
    }

    /// Returns the paths at which Ann can read Ben's messages.
    fn places(&self) -> Vec<String> {
        let (id, list) = (&self.conversation, format!("/api/messages/?conversation={}", self.conversation));
        let (first, newest) = (message_path(&self.first), message_path(&self.newest));
        vec![
            format!("/api/conversations/{id}/"),
            "/api/conversations/".to_owned(),
            "/api/conversations/?limit=1&messages=0".to_owned(),
            "/api/conversations/?messages=1".to_owned(),
            format!("/api/conversations/{id}/changes/"),
            format!("/api/conversations/{id}/pins/"),
            "/api/messages/".to_owned(),
            "/api/messages/?tombstones=1&limit=1".to_owned(),
            list.clone(),
            format!("{list}&order=oldest"),
            format!("{list}&around={}", self.newest["message_id"].as_str().unwrap()),
            format!("{list}&after={}", self.first["message_id"].as_str().unwrap()),
            format!("{list}&before={}&tombstones=1", self.newest["message_id"].as_str().unwrap()),
            format!("{first}revisions/"),
            first,
            newest,
        ]
    }

    /// Returns every answer, as JSON and as a page, that contains a text of Ben. With the chat.
    async fn told(&self, viewer: &User, browser: &Browser) -> Vec<String> {
        let mut told = Vec::new();
        for path in self.places() {
            for answer in [viewer.get(&path).await, browser.get(&path).await] {
                if answer.text().contains(HIDDEN) {
                    told.push(format!("GET {path}: {answer}"));
                }
            }
        }
        for path in ["/".to_owned(), format!("/?conversation={}", self.conversation)] {
            let page = browser.get(&path).await.expect(200);
            if page.text().contains(HIDDEN) {
                told.push(format!("GET {path}: {page}"));
            }
        }
        told
    }
}

#[tokio::test]
async fn no_place_shows_what_a_blocked_user_wrote() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app).await;
    let (ann, cleo) = (Browser::of(&stage.ann).await, Browser::of(&stage.cleo).await);
    let places = stage.told(&stage.ann, &ann).await.len();
    assert!(places > 20, "before the block, {places} answers show the texts");
    block(&stage.ann, &stage.ben).await;
    assert_eq!(stage.told(&stage.ann, &ann).await, [""; 0]);
    assert_eq!(stage.told(&stage.cleo, &cleo).await.len(), places, "Cleo has blocked nobody");
    unblock(&stage.ann, &stage.ben).await;
    assert_eq!(stage.told(&stage.ann, &ann).await.len(), places);
}

#[tokio::test]
async fn a_masked_message_has_its_number_its_time_and_its_sender() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app).await;
    let before = stage.ann.messages(&stage.conversation).await;
    block(&stage.ann, &stage.ben).await;
    let after = stage.ann.messages(&stage.conversation).await;
    assert_eq!(after[1], before[1], "the message of the viewer");
    for (before, after) in [(&before[0], &after[0]), (&before[2], &after[2])] {
        let mut masked = before.clone();
        masked["message_body"] = json!("");
        for name in ["metadata", "reply_to", "thread"] {
            masked[name] = Value::Null;
        }
        masked["masked"] = json!(true);
        assert_eq!(*after, masked);
    }
    assert!(before.iter().all(|message| message.get("masked").is_none()), "{before:?}");
    let page = Browser::of(&stage.ann).await.get(&format!("/?conversation={}", stage.conversation)).await;
    assert!(page.text().contains("You have blocked the sender of this message."), "{page}");
}

#[tokio::test]
async fn the_messages_of_a_blocked_user_count_as_read() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app).await;
    let id = &stage.conversation;
    let unread = async |expected: u64| {
        let listed = stage.ann.all("/api/conversations/").await;
        assert_eq!((stage.ann.unread(id).await, listed[0]["unread"].as_u64()), (expected, Some(expected)));
    };
    unread(2).await;
    let from_cleo = stage.cleo.send(id, "memo, from cleo").await;
    block(&stage.ann, &stage.ben).await;
    unread(1).await;
    let marked = stage.ann.mark_read(id, &stage.first).await.ok();
    assert_eq!((&marked["unread"], &marked["unread_more"]), (&json!(1), &json!(false)));
    assert_eq!(stage.ann.mark_read(id, &from_cleo).await.ok()["unread"], 0);
    assert_eq!(stage.ann.mark_unread(id, &stage.first).await.ok()["unread"], 1);
    // More messages than one page of the count.
    for n in 0..22 {
        stage.ben.send(id, &format!("memo, {HIDDEN} {n}")).await;
    }
    unread(1).await;
    assert_eq!(stage.cleo.unread(id).await, 25);
}

#[tokio::test]
async fn answers_to_writes_show_no_more() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app).await;
    block(&stage.ann, &stage.ben).await;
    let path = format!("/api/conversations/{}/", stage.conversation);
    let users = json!([stage.ann.id, stage.ben.id, stage.cleo.id]);
    let reply = json!({ "conversation": stage.conversation, "message_body": "memo, an answer",
        "reply_to": stage.newest["message_id"] });
    let sent = stage.ann.post("/api/messages/", reply).await.expect(201);
    for answer in [
        stage.ann.patch(&path, json!({ "name": "memo, renamed" })).await.expect(200),
        stage.ann.put(&path, json!({ "participants": users, "name": "memo" })).await.expect(200),
        stage.ann.edit(&sent.json(), "memo, an edited answer").await.expect(200),
        sent,
    ] {
        assert!(!answer.text().contains(HIDDEN), "{answer}");
    }
    // The owner can delete a message without seeing it.
    stage.ann.delete_message(&stage.newest).await.nothing();
    let direct = stage.ben.direct(&stage.cleo).await;
    stage.ben.send(&direct, "memo, covert in private").await;
    block(&stage.cleo, &stage.ben).await;
    let opened = stage.cleo.open_direct(&stage.ben).await.expect(200);
    assert!(!opened.text().contains(HIDDEN), "{opened}");
}

#[tokio::test]
async fn an_admin_sees_everything() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app).await;
    let admin = app.admin("admin").await;
    stage.ann.add(&stage.conversation, &[&admin]).await.ok();
    let browser = Browser::of(&admin).await;
    let direct = stage.ben.direct(&admin).await;
    stage.ben.send(&direct, &format!("memo, {HIDDEN} in private")).await;
    let places = stage.told(&admin, &browser).await.len();
    assert!(places > 20, "{places}");
    block(&admin, &stage.ben).await;
    block(&stage.ann, &stage.ben).await;
    assert_eq!(stage.told(&admin, &browser).await.len(), places);
    let opened = admin.open_direct(&stage.ben).await.expect(200);
    assert!(opened.text().contains(HIDDEN), "{opened}");
}

/// Reads that are not strongly consistent miss the block for ever. None of them decides about a text.
#[tokio::test]
async fn no_read_that_begins_after_the_block_misses_it() {
    let app = TestApp::lagging().await;
    let stage = Stage::new(&app).await;
    let browser = Browser::of(&stage.ann).await;
    app.proxy.stop_the_past().await;
    block(&stage.ann, &stage.ben).await;
    assert_eq!(stage.told(&stage.ann, &browser).await, [""; 0]);
    let marked = stage.ann.mark_unread(&stage.conversation, &stage.first).await.ok();
    assert_eq!(marked["unread"], 0);
}

/// The put of the message takes effect after the block, or before it. The first read after the block shows neither.
#[tokio::test]
async fn a_send_past_a_block_reaches_the_blocker_masked() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app).await;
    let late = stage.ben.try_send(&stage.conversation, "memo, covert and late");
    let (late, blocked) = held(&app, on(Put).of("MSG#"), late, try_block(&stage.ann, &stage.ben)).await;
    late.created();
    blocked.ok();
    let browser = Browser::of(&stage.ann).await;
    assert_eq!(stage.told(&stage.ann, &browser).await, [""; 0]);
    unblock(&stage.ann, &stage.ben).await;
    let path = super::path_of(&stage.ben);
    let block = stage.ann.request(Method::PUT, &path).send();
    let send = stage.ben.try_send(&stage.conversation, "memo, covert and first");
    let (blocked, answer) = held(&app, on(Put).of("BLOCKS"), block, send).await;
    answer.created();
    blocked.ok();
    assert_eq!(stage.told(&stage.ann, &browser).await, [""; 0]);
}
