//! Late calls: a call is held until a removal, a deletion or a logout was answered. The removed data does not come
//! back.

use serde_json::{Value, json};

use crate::harness::{
    TestApp, User,
    call::{
        Operation::{BatchGet, Put, Query, Transact, Update},
        on,
    },
    faults::{
        Fault::{After, Conflict},
        How::Error500,
    },
    race::{given_up, held, lost_twice},
    table::{Item, text},
    user::{body_of, message_path, number_of},
};

pub async fn stage(app: &TestApp) -> (User, User, String, Value) {
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let message = ann.send(&conversation, "memo, first").await;
    (ann, ben, conversation, message)
}

/// Returns the texts of a message before its edits, and its present text.
async fn revisions(user: &User, message: &Value) -> Vec<String> {
    let path = message_path(message);
    let mut said = user.all(&format!("{path}revisions/")).await;
    said.push(user.get(&path).await.ok());
    said.iter().map(body_of).collect()
}

#[tokio::test]
async fn a_put_past_a_removal_is_the_last_of_its_sender() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    let late = ben.try_send(&conversation, "memo, late");
    let (sent, removed) = held(&app, on(Put).of("MSG#"), late, ann.remove(&conversation, &ben)).await;
    removed.expect(204);
    // The send began before the removal was answered, so it may succeed. Then the message must be there.
    if sent.status == 201 {
        assert_eq!(ann.bodies(&conversation).await, ["memo, first", "memo, late"]);
    } else {
        sent.refuses("conversation");
    }
    ben.try_send(&conversation, "memo, after").await.refuses("conversation");
    ben.get(&format!("/api/messages/?conversation={conversation}")).await.problem(404, "not_found");
    let inbox = app.table.partition(&format!("INBOX#{}", ben.id)).await;
    assert!(inbox.is_empty());
}

#[tokio::test]
async fn a_put_past_a_deletion_meets_the_closing_entry() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    let late = ben.try_send(&conversation, "memo, late");
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
    let late = ben.send(&conversation, "memo, third");
    let (_, _) = held(&app, on(Put).of("MSG#"), late, ann.send(&conversation, "memo, second")).await;
    assert_eq!(ann.bodies(&conversation).await, ["memo, first", "memo, second", "memo, third"]);
}

#[tokio::test]
async fn a_put_that_lost_twice_goes_behind_all_that_came() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    let before = app.proxy.counts().1;
    let others = async {
        for n in 3..10 {
            ann.send(&conversation, &format!("memo {n}")).await;
        }
    };
    let late = ben.send(&conversation, "memo, late");
    let sent = lost_twice(&app, late, ann.send(&conversation, "memo 2"), others).await;
    assert_eq!(number_of(&sent), 10);
    assert_eq!(app.proxy.counts().1 - before, 8 + 3, "the late put meets only the last of the messages");
}

#[tokio::test]
async fn a_put_that_lost_twice_is_not_tried_again_by_who_was_removed() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    let removal = async {
        ann.send(&conversation, "memo, third").await;
        ann.remove(&conversation, &ben).await.expect(204);
    };
    let late = ben.try_send(&conversation, "memo, late");
    let sent = lost_twice(&app, late, ann.send(&conversation, "memo, second"), removal).await;
    sent.refuses("conversation");
    assert_eq!(ann.bodies(&conversation).await, ["memo, first", "memo, second", "memo, third"]);
}

/// The put of the message took effect, but was answered with a failure, and the SDK's repetition with a conflict.
#[tokio::test]
async fn a_send_that_took_effect_before_the_removal_is_answered_with_its_message() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    app.proxy.faults.fail(on(Put).of("MSG#"), After(Error500));
    app.proxy.faults.fail_nth(1, on(Put).of("MSG#"), Conflict);
    app.proxy.faults.fail_nth(2, on(Put).of("MSG#"), Conflict);
    let gate = app.proxy.faults.hold_nth(1, on(BatchGet).of("PROFILE"));
    let removal = async {
        gate.reached().await;
        ann.remove(&conversation, &ben).await.expect(204);
        gate.release();
    };
    let (sent, ()) = tokio::join!(ben.try_send(&conversation, "memo, late"), removal);
    app.proxy.faults.clear();
    assert!(sent.status < 300, "{sent}");
    assert_eq!(ann.bodies(&conversation).await, ["memo, first", "memo, late"]);
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
async fn marking_unread_past_a_removal_brings_no_member_back() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, message) = stage(&app).await;
    ben.mark_read(&conversation, &message).await.ok();
    let late = ben.mark_unread(&conversation, &message);
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
    let second = ann.send(&conversation, "memo, second").await;
    let late = ben.mark_read(&conversation, &first);
    let (marked, newer) =
        held(&app, on(Update).of("MEMBER#"), late, ben.mark_read(&conversation, &second)).await;
    newer.ok();
    assert_eq!(marked.ok()["unread"], 0);
    assert_eq!(ben.unread(&conversation).await, 0);
}

#[tokio::test]
async fn marking_less_unread_past_marking_more_does_not_move_it_forward() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, first) = stage(&app).await;
    let second = ann.send(&conversation, "memo, second").await;
    ben.mark_read(&conversation, &second).await.ok();
    let late = ben.mark_unread(&conversation, &second);
    let more = ben.mark_unread(&conversation, &first);
    let (marked, more) = held(&app, on(Update).of("MEMBER#"), late, more).await;
    assert_eq!((&marked.ok()["unread"], &more.ok()["unread"]), (&json!(2), &json!(2)));
    assert_eq!(ben.unread(&conversation).await, 2);
}

/// The SDK has given up the first attempt of the update, and the attempt arrives after the message was marked as unread.
#[tokio::test]
async fn a_late_read_mark_does_not_undo_marking_as_unread() {
    let app = TestApp::new().await;
    let (_, ben, conversation, first) = stage(&app).await;
    let (early, later) = (ben.mark_read(&conversation, &first), ben.mark_unread(&conversation, &first));
    let (read, unread) = given_up(&app, on(Update).of("MEMBER#"), early, async |_| later.await).await;
    assert_eq!((&read.ok()["unread"], &unread.ok()["unread"]), (&json!(0), &json!(1)));
    assert_eq!(ben.unread(&conversation).await, 1);
}

#[tokio::test]
async fn late_marking_as_unread_does_not_undo_a_read_mark() {
    let app = TestApp::new().await;
    let (_, ben, conversation, first) = stage(&app).await;
    ben.mark_read(&conversation, &first).await.ok();
    let (early, later) = (ben.mark_unread(&conversation, &first), ben.mark_read(&conversation, &first));
    let (unread, read) = given_up(&app, on(Update).of("MEMBER#"), early, async |_| later.await).await;
    assert_eq!((&unread.ok()["unread"], &read.ok()["unread"]), (&json!(1), &json!(0)));
    assert_eq!(ben.unread(&conversation).await, 0);
}

#[tokio::test]
async fn an_edit_past_a_deletion_brings_no_text_back() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, message) = stage(&app).await;
    let late = ann.edit(&message, "memo, edited");
    let (edited, deleted) = held(&app, on(Transact).of("MSG#"), late, ann.delete_message(&message)).await;
    deleted.nothing();
    edited.problem(404, "not_found");
    assert_eq!(ben.bodies(&conversation).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_deletion_past_a_message_closes_behind_it() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    let late = ann.delete_conversation(&conversation);
    let (deleted, sent) = held(&app, on(Transact).of("MSG#"), late, ben.send(&conversation, "memo")).await;
    deleted.expect(204);
    let log = app.table.partition(&format!("CONV#{conversation}")).await;
    let log: Vec<&Item> = log.iter().filter(|item| text(item, "sk").starts_with("MSG#")).collect();
    let kinds: Vec<String> = log.iter().map(|item| text(item, "item")).collect();
    assert_eq!(kinds, ["message", "message", "closed"], "the acknowledged message is not overwritten");
    assert_eq!(sent["message_body"], log[1]["body"]);
}

#[tokio::test]
async fn a_deletion_past_a_change_closes_behind_it() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    let bens = ben.send(&conversation, "memo").await;
    let late = ann.delete_conversation(&conversation);
    let (deleted, edited) = held(&app, on(Transact).of("CHANGE#"), late, ben.edit(&bens, "memo, new")).await;
    deleted.expect(204);
    edited.ok();
    let log = app.table.partition(&format!("CONV#{conversation}")).await;
    let kinds: Vec<String> = log
        .iter()
        .filter(|item| text(item, "sk").starts_with("CHANGE#"))
        .map(|item| text(item, "item"))
        .collect();
    assert_eq!(kinds, ["change", "closed"]);
}

/// The late edit has read the message before the other edit, and the free number after it. Only the revision of the
/// message shows that it has changed.
#[tokio::test]
async fn an_edit_of_what_was_edited_meanwhile_keeps_what_it_said() {
    let app = TestApp::new().await;
    let (ann, _, _, message) = stage(&app).await;
    // The first read checks that Ann is the sender; the second read is the one before the write.
    let read = app.proxy.faults.watch_nth(1, on(BatchGet).of("MSG#"));
    let late = ann.edit(&message, "memo, late");
    let first = async {
        read.finished().await;
        ann.edit(&message, "memo, second").await
    };
    let (edited, other) = held(&app, on(Query).of("CHANGE#"), late, first).await;
    edited.ok();
    other.ok();
    assert_eq!(revisions(&ann, &message).await, ["memo, first", "memo, second", "memo, late"]);
}

#[tokio::test]
async fn an_edit_of_what_was_deleted_meanwhile_brings_no_text_back() {
    let app = TestApp::new().await;
    let (ann, _, conversation, message) = stage(&app).await;
    let read = app.proxy.faults.watch_nth(1, on(BatchGet).of("MSG#"));
    let late = ann.edit(&message, "memo, late");
    let first = async {
        read.finished().await;
        ann.delete_message(&message).await
    };
    let (edited, deleted) = held(&app, on(Query).of("CHANGE#"), late, first).await;
    deleted.nothing();
    edited.problem(404, "not_found");
    let log = app.table.partition(&format!("CONV#{conversation}")).await;
    assert!(!log.iter().any(|item| item.contains_key("body")), "the deleted message still has a text");
}

#[tokio::test]
async fn a_deletion_of_what_was_edited_meanwhile_leaves_no_text() {
    let app = TestApp::new().await;
    let (ann, _, conversation, message) = stage(&app).await;
    let read = app.proxy.faults.watch_nth(1, on(BatchGet).of("MSG#"));
    let late = ann.delete_message(&message);
    let first = async {
        read.finished().await;
        ann.edit(&message, "memo, second").await
    };
    let (deleted, edited) = held(&app, on(Query).of("CHANGE#"), late, first).await;
    edited.ok();
    deleted.nothing();
    let log = app.table.partition(&format!("CONV#{conversation}")).await;
    assert!(
        !log.iter().any(|item| item.contains_key("body")),
        "the deleted message still has an earlier body"
    );
}

#[tokio::test]
async fn hiding_past_a_later_hiding_brings_nothing_back() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let direct = ann.direct(&ben).await;
    ben.send(&direct, "memo, first").await;
    let late = ann.delete_conversation(&direct);
    let first = async {
        ben.send(&direct, "memo, second").await;
        ann.delete_conversation(&direct).await
    };
    let (hidden, later) = held(&app, on(Update).of("MEMBER#"), late, first).await;
    hidden.expect(204);
    later.expect(204);
    assert_eq!(ann.bodies(&direct).await, Vec::<String>::new());
}
