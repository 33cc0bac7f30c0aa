//! Records that cannot be processed, and calls that fail.

use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Talk;
use crate::harness::{
    call::{
        Operation::{BatchGet, Delete, Query},
        on,
    },
    faults::{
        Fault::{After, Before},
        How::Death,
    },
};

/// Returns the sequence number of a record.
fn number(record: &Value) -> String {
    record["dynamodb"]["SequenceNumber"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_poisoned_record_goes_to_the_dead_letters_with_its_image_and_the_others_are_delivered() {
    let talk = Talk::new().await;
    let mut records = Vec::new();
    for n in 0..3 {
        talk.ann.send(&talk.group, &format!("memo {n}")).await;
        records.extend(talk.live.records().await);
    }
    let image = &mut records[1]["dynamodb"]["NewImage"];
    image["sent_at"] = json!({ "S": "soon" });
    let image = image.clone();
    assert_eq!(talk.live.handle(&records).await, Vec::<String>::new());
    let letters = talk.live.dead_letters.take();
    assert_eq!((letters.len(), &letters[0]["record"]["dynamodb"]["NewImage"]), (1, &image));
    let numbers: Vec<Value> =
        talk.live.frames(&talk.to_ben).iter().map(|frame| frame["number"].clone()).collect();
    assert_eq!(numbers, [1, 3]);
}

#[tokio::test]
async fn a_record_that_no_queue_takes_is_repeated() {
    let talk = Talk::new().await;
    let poison = json!({ "eventName": "INSERT", "dynamodb": { "SequenceNumber": "7" } });
    let poison = [poison, json!({ "eventName": "?", "dynamodb": { "SequenceNumber": "8" } })];
    talk.live.dead_letters.is_broken.store(true, Ordering::SeqCst);
    assert_eq!(talk.live.handle(&poison).await, ["8"]);
    talk.live.dead_letters.is_broken.store(false, Ordering::SeqCst);
    assert_eq!(talk.live.handle(&poison).await, Vec::<String>::new());
    assert_eq!(talk.live.dead_letters.take().len(), 1);
}

#[tokio::test]
async fn a_passing_failure_is_reported_for_its_conversation_only() {
    let talk = Talk::new().await;
    let other = talk.cleo.direct(&talk.ben).await;
    for _ in 0..2 {
        talk.ann.send(&talk.group, "memo").await;
    }
    talk.live.skip().await;
    talk.ann.send(&talk.group, "memo").await;
    talk.cleo.send(&other, "memo").await;
    let records = talk.live.records().await;
    let (here, _): (Vec<&Value>, Vec<&Value>) = records
        .iter()
        .partition(|record| record["dynamodb"]["Keys"]["pk"]["S"] == format!("CONV#{}", talk.group));
    // Only the group has a third message.
    talk.app.proxy.faults.fail(on(BatchGet).of("MSG#0000000000003"), Before(Death));
    let failed = talk.live.handle(&records).await;
    assert_eq!(failed, here.iter().map(|record| number(record)).collect::<Vec<_>>());
    assert_eq!(talk.live.types(&talk.to_ann), Vec::<String>::new());
    assert_eq!(talk.live.types(&talk.to_ben), ["message.created"]);
    talk.app.proxy.faults.clear();
    assert_eq!(talk.live.handle(&records).await, Vec::<String>::new());
    assert_eq!(talk.live.types(&talk.to_ann), ["message.created"]);
    assert_eq!(talk.live.dead_letters.take(), Vec::<Value>::new());
}

#[tokio::test]
async fn a_record_that_fails_for_five_minutes_is_put_aside() {
    let talk = Talk::new().await;
    talk.ann.send(&talk.group, "memo").await;
    let records = talk.live.records().await;
    talk.app.proxy.faults.always(on(Query).of("MEMBER#"), Before(Death));
    assert_eq!(talk.live.handle(&records).await, [number(&records[0])]);
    talk.app.advance(TimeDelta::minutes(6));
    assert_eq!(talk.live.handle(&records).await, Vec::<String>::new());
    assert_eq!(talk.live.dead_letters.take()[0]["record"], records[0]);
}

#[tokio::test]
async fn a_link_that_has_missed_a_frame_and_stays_is_tried_again() {
    for fault in [Before(Death), After(Death)] {
        let talk = Talk::new().await;
        talk.live.wire.set(&talk.to_ben, crate::harness::pushes::Behaviour::Broken);
        talk.ann.send(&talk.group, "memo").await;
        let records = talk.live.records().await;
        talk.app.proxy.faults.fail(on(Delete).of("LINK#"), fault);
        assert_eq!(talk.live.handle(&records).await, [number(&records[0])]);
        talk.app.proxy.faults.clear();
        assert_eq!(talk.live.handle(&records).await, Vec::<String>::new());
        assert_eq!(talk.live.links(&talk.ben).await.len(), 0);
    }
}
