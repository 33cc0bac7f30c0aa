//! Partial answers: batches with unprocessed parts, and pages that end early.

use serde_json::{Value, json};

use super::stage::{Operation, Stage, succeeded};
use crate::harness::{
    TestApp,
    call::{
        Operation::{BatchGet, BatchWrite, Query},
        on,
    },
    faults::Fault::{ShortPage, Unprocessed},
    login::{log_in, sessions},
    people::PASSWORD,
    user::message_path,
};

#[tokio::test]
async fn unprocessed_parts_of_batches_are_asked_for_again() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app, Operation::CloseAccount).await;
    for _ in 0..3 {
        log_in(&app, &stage.ann.email, PASSWORD).await.ok();
    }
    stage.ann.add(&stage.group, &[&stage.cleo]).await;
    app.proxy.faults.every_other(on(BatchGet), Unprocessed);
    app.proxy.faults.every_other(on(BatchWrite), Unprocessed);
    assert_eq!(stage.ben.bodies(&stage.group).await.len(), 2);
    let senders: Vec<Value> =
        stage.ben.messages(&stage.group).await.iter().map(|m| m["sender"]["user_id"].clone()).collect();
    assert_eq!(senders, [json!(stage.ann.id), json!(stage.ben.id)]);
    let conversation = stage.ben.conversation(&stage.group).await;
    assert_eq!(conversation["participants"].as_array().unwrap().len(), 3);
    succeeded(&stage.run(&app, Operation::Send).await, "send");
    succeeded(&stage.run(&app, Operation::CreateGroup).await, "create");
    assert_eq!(stage.ben.all("/api/conversations/").await.len(), 2);
    succeeded(&stage.run(&app, Operation::CloseAccount).await, "close");
    assert!(app.proxy.faults.clear() >= 5);
    assert_eq!(sessions(&app, &stage.ann).await, 0, "the closed account still has sessions");
    app.check().await;
}

#[tokio::test]
async fn lists_are_complete_however_short_the_pages_are() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app, Operation::CloseAccount).await;
    for n in 0..5 {
        let group = stage.ann.group(&[&stage.cleo]).await;
        stage.cleo.send(&group, &format!("memo, in {n}")).await;
        log_in(&app, &stage.ann.email, PASSWORD).await.ok();
    }
    for n in 0..6 {
        stage.ann.edit(&stage.message, &format!("memo, edit {n}")).await.ok();
        stage.ben.send(&stage.group, &format!("memo, more {n}")).await;
    }
    stage.ann.add(&stage.group, &[&stage.cleo]).await;
    app.proxy.faults.always(on(Query), ShortPage(2));
    let mut short = Vec::new();
    for (path, expected) in [
        (format!("/api/messages/?conversation={}", stage.group), 8),
        ("/api/messages/".to_owned(), 8 + 5),
        ("/api/conversations/".to_owned(), 6),
        (format!("/api/conversations/{}/changes/", stage.group), 7),
        (format!("/api/conversations/{}/participants/", stage.group), 3),
        (format!("{}revisions/", message_path(&stage.message)), 6),
        ("/api/users/me/sessions/".to_owned(), 7),
    ] {
        let found = stage.ann.all(&path).await.len();
        if found != expected {
            short.push(format!("{path}: {found} of {expected}"));
        }
    }
    let shown = stage.ann.conversation(&stage.group).await;
    for (what, found, expected) in [
        ("unread", shown["unread"].as_u64(), 7),
        ("participants", shown["participants"].as_array().map(|users| users.len() as u64), 3),
    ] {
        if found != Some(expected) {
            short.push(format!("{what} of a conversation: {found:?} of {expected}"));
        }
    }
    assert!(short.is_empty(), "{}", short.join("\n"));
    let path = format!("/api/conversations/{}/", stage.group);
    let same = json!({ "participants": [stage.ann.id, stage.ben.id, stage.cleo.id] });
    stage.ann.patch(&path, same).await.ok();
    stage.ben.send(&stage.group, "memo, sent on short pages").await;
    let left = stage.ann.group(&[&stage.ben, &stage.cleo]).await;
    stage.ann.leave(&left).await.expect(204);
    stage.ann.delete_message(&stage.message).await.nothing();
    succeeded(&stage.run(&app, Operation::CloseAccount).await, "close");
    app.proxy.faults.clear();
    app.check().await;
    assert_eq!(sessions(&app, &stage.ann).await, 0, "the closed account still has sessions");
}

/// More messages are unread than the answer contains, so they are counted in the table.
#[tokio::test]
async fn a_count_of_unread_messages_goes_on_however_short_the_pages_are() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app, Operation::Send).await;
    for n in 0..25 {
        stage.ben.send(&stage.group, &format!("memo, more {n}")).await;
    }
    app.proxy.faults.always(on(Query).of("MSG#"), ShortPage(2));
    assert_eq!(stage.ann.unread(&stage.group).await, 26);
    assert!(app.proxy.faults.clear() >= 1);
}
