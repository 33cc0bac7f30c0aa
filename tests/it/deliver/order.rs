//! The order of inboxes: the first message of an hour moves the inbox entries of all participants.

use chrono::{DurationRound, TimeDelta};

use super::Talk;
use crate::harness::{User, table::text};

async fn position(talk: &Talk, user: &User) -> String {
    let entry = talk.app.table.get(&format!("INBOX#{}", user.id), &format!("CONV#{}", talk.group)).await;
    text(&entry.unwrap(), "gsi1sk")
}

/// Stops the clock at the beginning of an hour.
fn at_the_beginning_of_an_hour(talk: &Talk) {
    talk.app.freeze();
    let now = talk.app.app.clock.now();
    let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap();
    talk.app.advance(hour + TimeDelta::hours(2) - now);
}

/// Returns the number of inbox entries that the next pump writes.
async fn moved(talk: &Talk) -> usize {
    talk.live.pump().await;
    let records = talk.live.records().await;
    records
        .iter()
        .filter(|record| record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap().starts_with("INBOX#"))
        .count()
}

#[tokio::test]
async fn the_first_message_of_an_hour_moves_the_entries() {
    let talk = Talk::new().await;
    at_the_beginning_of_an_hour(&talk);
    let (ann, ben) = (talk.app.renewed(&talk.ann), talk.app.renewed(&talk.ben));
    let before = position(&talk, &ben).await;
    ann.send(&talk.group, "memo").await;
    assert_eq!(moved(&talk).await, 3);
    let after = position(&talk, &ben).await;
    assert!(after > before, "{before} {after}");
    for _ in 0..2 {
        ben.send(&talk.group, "memo").await;
        assert_eq!(moved(&talk).await, 0, "the same hour");
    }
    talk.app.advance(TimeDelta::hours(1));
    talk.app.renewed(&ann).send(&talk.group, "memo").await;
    talk.app.renewed(&ann).send(&talk.group, "memo").await;
    assert_eq!(moved(&talk).await, 3);
    assert!(position(&talk, &ben).await > after);
}

#[tokio::test]
async fn a_late_record_neither_moves_an_entry_back_nor_creates_one() {
    let talk = Talk::new().await;
    at_the_beginning_of_an_hour(&talk);
    talk.app.renewed(&talk.ann).send(&talk.group, "memo").await;
    let first = talk.live.records().await;
    talk.app.advance(TimeDelta::hours(1));
    talk.app.renewed(&talk.ann).send(&talk.group, "memo").await;
    talk.live.pump().await;
    let (entry, after) = (format!("CONV#{}", talk.group), position(&talk, &talk.ben).await);
    talk.app.table.remove(&format!("INBOX#{}", talk.cleo.id), &entry).await;
    assert_eq!(talk.live.handle(&first).await, Vec::<String>::new());
    assert_eq!(position(&talk, &talk.ben).await, after);
    assert!(talk.app.table.get(&format!("INBOX#{}", talk.cleo.id), &entry).await.is_none());
}
