//! Cleaning up behind closed conversations and closed accounts.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Talk;
use crate::harness::table::text;

/// Returns the sort keys of the items of the group.
async fn remaining(talk: &Talk) -> Vec<String> {
    let items = talk.app.table.partition(&format!("CONV#{}", talk.group)).await;
    items.iter().map(|item| text(item, "sk")).collect()
}

#[tokio::test]
async fn only_the_closing_entries_and_an_empty_conversation_remain() {
    let talk = Talk::new().await;
    let message = talk.ann.send(&talk.group, "memo").await;
    talk.ann.edit(&message, "memo, edited").await.ok();
    talk.ben.send(&talk.group, "memo").await;
    talk.ann.delete_conversation(&talk.group).await.expect(204);
    talk.live.pump().await;
    assert!(remaining(&talk).await.len() > 3);
    assert_eq!(talk.live.clean_up().await, 1);
    let items = talk.app.table.partition(&format!("CONV#{}", talk.group)).await;
    let keys: Vec<String> = items.iter().map(|item| text(item, "sk")).collect();
    assert_eq!(keys, ["CHANGE#0000000000002", "META", "MSG#0000000000003"]);
    assert!(items.iter().all(|item| !item.contains_key("name")), "{items:?}");
    talk.ann.try_send(&talk.group, "memo").await.expect(400);
    talk.app.check().await;
}

#[tokio::test]
async fn a_large_conversation_is_deleted_in_slices() {
    let talk = Talk::new().await;
    let pk = format!("CONV#{}", talk.group);
    let revisions: Vec<Value> = (0..1100)
        .map(|n| {
            json!({
                "pk": pk, "sk": format!("REV#0000000000001#{n:06}"), "item": "revision", "body": "memo",
                "written_at": 1,
            })
        })
        .collect();
    talk.app.table.put_all(&revisions).await;
    talk.ann.delete_conversation(&talk.group).await.expect(204);
    talk.live.pump().await;
    assert_eq!(talk.live.clean_up().await, 3);
    assert_eq!(remaining(&talk).await.len(), 3);
}

#[tokio::test]
async fn memberships_that_the_closing_has_left_are_removed() {
    let talk = Talk::new().await;
    let keys = [
        (format!("CONV#{}", talk.group), format!("MEMBER#{}", talk.ben.id)),
        (format!("INBOX#{}", talk.ben.id), format!("CONV#{}", talk.group)),
    ];
    let mut items = Vec::new();
    for (pk, sk) in &keys {
        items.push(Value::from(talk.app.table.get(pk, sk).await.unwrap()));
    }
    talk.ann.delete_conversation(&talk.group).await.expect(204);
    talk.app.table.put_all(&items).await;
    talk.live.pump().await;
    talk.live.clean_up().await;
    for (pk, sk) in &keys {
        assert!(talk.app.table.get(pk, sk).await.is_none(), "{pk} {sk}");
    }
}

#[tokio::test]
async fn a_closed_account_leaves_the_groups_that_its_closing_has_left() {
    let talk = Talk::new().await;
    let direct = talk.ben.direct(&talk.ann).await;
    let (pk, now) = (format!("USER#{}", talk.ben.id), talk.app.app.clock.now().timestamp_micros());
    talk.live.skip().await;
    talk.app.table.set(&pk, "PROFILE", "closed_at", json!(now)).await;
    talk.live.pump().await;
    assert_eq!(talk.live.closed().join(" "), talk.to_ben);
    assert_eq!(talk.live.clean_up().await, 1);
    let group = talk.ann.get(&format!("/api/conversations/{}/", talk.group)).await.ok();
    assert_eq!(group["participant_count"], 2);
    assert!(
        talk.app.table.get(&format!("CONV#{direct}"), &format!("MEMBER#{}", talk.ben.id)).await.is_some()
    );
}

#[tokio::test]
async fn an_open_account_leaves_nothing() {
    let talk = Talk::new().await;
    let body = json!({ "account": { "user": talk.ben.id, "from": null } }).to_string();
    let message = json!({ "eventSource": "aws:sqs", "messageId": "m", "body": body });
    assert_eq!(talk.live.handle(&[message]).await, ["m"]);
    let group = talk.ann.get(&format!("/api/conversations/{}/", talk.group)).await.ok();
    assert_eq!(group["participant_count"], 3);
}

#[tokio::test]
async fn an_open_conversation_is_never_cleaned_up() {
    let talk = Talk::new().await;
    talk.ann.send(&talk.group, "memo").await;
    let before = remaining(&talk).await;
    let body = json!({ "conversation": talk.group }).to_string();
    let message = json!({ "eventSource": "aws:sqs", "messageId": "m", "body": body });
    assert_eq!(talk.live.handle(&[message]).await, ["m"]);
    assert_eq!(remaining(&talk).await, before);
}

#[tokio::test]
async fn a_cleanup_that_the_queue_does_not_take_is_repeated() {
    let talk = Talk::new().await;
    talk.app.advance(TimeDelta::seconds(1));
    talk.ann.delete_conversation(&talk.group).await.expect(204);
    let records = talk.live.records().await;
    talk.live.cleanups.is_broken.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(!talk.live.handle(&records).await.is_empty());
    talk.live.cleanups.is_broken.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(talk.live.handle(&records).await, Vec::<String>::new());
    assert_eq!(talk.live.clean_up().await, 1);
}
