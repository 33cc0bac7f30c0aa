//! Every call of a batch fails once, before or after it took effect. Lambda repeats the batch from the first record that is
//! reported. In the end, everything is delivered.

use serde_json::Value;

use super::Talk;
use crate::harness::{
    call::any,
    faults::{
        Fault::{After, Before},
        How::Death,
    },
    pushes::Behaviour,
};

/// Returns the records from the first one that is reported as failed.
fn from_first_failed(records: Vec<Value>, failed: &[String]) -> Vec<Value> {
    let is_failed =
        |record: &Value| failed.iter().any(|id| record["dynamodb"]["SequenceNumber"] == id.as_str());
    let first = records.iter().position(is_failed).unwrap_or(records.len());
    records.into_iter().skip(first).collect()
}

#[tokio::test]
async fn whichever_call_fails_everything_is_delivered_in_the_end() {
    let talk = Talk::new().await;
    let mut number = 0;
    for fault in [Before(Death), After(Death)] {
        for call in 0.. {
            number += 1;
            let message = talk.ann.send(&talk.group, "memo").await;
            talk.ann.edit(&message, "memo, edited").await.ok();
            talk.ben.mark_read(&talk.group, &message).await.ok();
            let lost = talk.live.begin(&talk.cleo).await;
            talk.live.wire.set(&lost, Behaviour::Broken);
            let new = talk.live.begin(&talk.cleo).await;
            let records = talk.live.records().await;
            talk.app.proxy.faults.fail_nth(call, any(), fault.clone());
            let failed = talk.live.handle(&records).await;
            let has_failed = talk.app.proxy.faults.clear() > 0;
            let rest = from_first_failed(records, &failed);
            assert_eq!(talk.live.handle(&rest).await, Vec::<String>::new());
            let what = format!("call {call}, {fault:?}");
            for connection in [&talk.to_ben, &new] {
                let frames = talk.live.frames(connection);
                for kind in ["message.created", "message.changed", "read"] {
                    let is_there =
                        |frame: &Value| frame["type"] == kind && frame["conversation"] == talk.group.as_str();
                    assert!(frames.iter().any(is_there), "{what}: {kind}: {frames:?}");
                }
            }
            let links = talk.live.links(&talk.cleo).await;
            assert!(links.iter().all(|link| link.connection.as_str() != lost), "{what}");
            talk.app.table.remove(&format!("LINKS#{}", talk.cleo.id), &format!("LINK#{new}")).await;
            talk.live.skip().await;
            if !has_failed {
                assert!(call > 8, "{call} calls");
                break;
            }
        }
    }
    assert!(number > 16);
    assert_eq!(talk.live.dead_letters.take(), Vec::<Value>::new());
}
