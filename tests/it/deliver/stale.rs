//! Every read of `deliver` sees the last write, on a table whose other reads miss it.

use serde_json::{Value, json};

use super::Talk;
use crate::harness::{TestApp, table::text};

#[tokio::test]
async fn a_frame_has_the_message_and_the_edit_that_were_just_written() {
    let talk = Talk::of(TestApp::lagging().await).await;
    let message = talk.ann.send(&talk.group, "memo").await;
    talk.live.pump().await;
    assert_eq!(talk.live.frames(&talk.to_ben)[0]["message"]["message_body"], "memo");
    talk.ann.edit(&message, "memo, edited").await.ok();
    talk.live.pump().await;
    assert_eq!(talk.live.frames(&talk.to_ben)[0]["message"]["message_body"], "memo, edited");
}

#[tokio::test]
async fn a_connection_a_block_and_a_removal_count_at_once() {
    let talk = Talk::of(TestApp::lagging().await).await;
    talk.ann.send(&talk.group, "memo").await;
    let sent = talk.live.records().await;
    talk.ben.put(&format!("/api/users/me/blocks/{}/", talk.ann.id), json!({})).await;
    assert_eq!(talk.live.handle(&sent).await, Vec::<String>::new());
    assert_eq!(talk.live.types(&talk.to_ben), Vec::<String>::new());
    let new = talk.live.begin(&talk.cleo).await;
    assert_eq!(talk.live.handle(&sent).await, Vec::<String>::new());
    assert_eq!(talk.live.types(&new), ["ready", "message.created"]);
    talk.ann.remove(&talk.group, &talk.cleo).await.expect(204);
    assert_eq!(talk.live.handle(&sent).await, Vec::<String>::new());
    assert_eq!(talk.live.types(&new), Vec::<String>::new());
}

#[tokio::test]
async fn a_cleanup_leaves_nothing_that_was_just_written() {
    let talk = Talk::of(TestApp::lagging().await).await;
    talk.ann.delete_conversation(&talk.group).await.expect(204);
    talk.live.pump().await;
    let pk = format!("CONV#{}", talk.group);
    for sk in ["CHANGE#0000000000000", "REV#0000000000001#000000"] {
        talk.app.table.put(&json!({ "pk": pk, "sk": sk, "item": "late" })).await;
    }
    talk.live.clean_up().await;
    let keys: Vec<String> = talk.app.table.partition(&pk).await.iter().map(|item| text(item, "sk")).collect();
    assert_eq!(keys, ["CHANGE#0000000000001", "META", "MSG#0000000000001"]);
}

#[tokio::test]
async fn a_late_write_creates_no_item_again() {
    let talk = Talk::new().await;
    let (user, gone) = (talk.ben.id.parse().unwrap(), "gone=".parse().unwrap());
    talk.live.deliver.app.store.mark_link_ready(user, &gone).await.unwrap();
    assert_eq!(talk.live.links(&talk.ben).await.len(), 1);
    talk.ann.delete_conversation(&talk.group).await.expect(204);
    talk.live.pump().await;
    let pk = format!("CONV#{}", talk.group);
    talk.app.table.remove(&pk, "META").await;
    talk.live.clean_up().await;
    assert!(talk.app.table.get(&pk, "META").await.is_none());
    assert_eq!(talk.live.dead_letters.take(), Vec::<Value>::new());
}
