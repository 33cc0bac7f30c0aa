//! The limit of one user's messages to one conversation.

use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::{Value, json};
use shared::config::{Limits, SendLimit};

use super::{three, wait, waits};
use crate::harness::{
    call::{Operation::Put, on},
    race::{held, lost_twice},
};

pub(super) fn sends(messages: usize) -> Limits {
    Limits { sends: Some(SendLimit { messages, window: TimeDelta::seconds(30) }), ..Limits::NONE }
}

#[tokio::test]
async fn a_sender_is_served_after_the_time_in_the_answer() {
    let (app, [ann, ben, _]) = three(sends(3)).await;
    let (group, other) = (ann.group(&[&ben]).await, ann.group(&[&ben]).await);
    ann.send(&group, "memo 1").await;
    app.advance(TimeDelta::seconds(10));
    ben.send(&group, "memo, not Ann's").await;
    ann.send(&group, "memo 2").await;
    ann.send(&group, "memo 3").await;
    waits(&app, 20, || ann.try_send(&group, "memo 4")).await.created();
    // The second message was sent ten seconds after the first, a microsecond behind Ben's.
    assert_eq!(wait(ann.try_send(&group, "memo 5").await), 11);
    ann.send(&other, "memo, in another conversation").await;
    ben.send(&group, "memo, by another user").await;
    assert_eq!(ann.bodies(&group).await.len(), 6);
}

#[tokio::test]
async fn a_repetition_of_a_stored_send_is_not_refused() {
    let (app, [ann, ben, _]) = three(sends(3)).await;
    let group = ann.group(&[&ben]).await;
    let keys = [app.key(), app.key(), app.key()];
    for key in &keys {
        ann.send_with_key(&group, key, "memo").await.created();
    }
    let key = app.key();
    wait(ann.send_with_key(&group, &key, "memo, one more").await);
    for key in &keys {
        ann.send_with_key(&group, key, "memo").await.ok();
    }
    app.advance(TimeDelta::seconds(30));
    ann.send_with_key(&group, &key, "memo, one more").await.created();
    assert_eq!(ann.bodies(&group).await.len(), 4, "the refused send left nothing");
}

#[tokio::test]
async fn messages_count_that_the_client_has_seen() {
    let (app, [ann, ben, _]) = three(sends(3)).await;
    let group = ann.group(&[&ben]).await;
    let mut after = Value::Null;
    let send = async |after: &Value| {
        let body =
            json!({ "conversation": group, "message_body": "memo", "client_id": app.key(), "after": after });
        ann.post("/api/messages/", body).await
    };
    for _ in 0..3 {
        after = send(&after).await.created()["message_id"].clone();
    }
    assert_eq!(wait(send(&after).await), 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_sends_of_one_user_do_not_exceed_the_limit() {
    let (app, [ann, ben, _]) = three(sends(4)).await;
    let group = ann.group(&[&ben]).await;
    let answers = join_all((0..16).map(|_| ann.try_send(&group, "memo"))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 4);
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        assert_eq!(wait(answer), 30);
    }
    app.check().await;
}

#[tokio::test]
async fn a_message_that_takes_the_number_of_a_send_counts() {
    let (app, [ann, ben, _]) = three(sends(2)).await;
    let group = ann.group(&[&ben]).await;
    ann.send(&group, "memo 1").await;
    let (late, _) =
        held(&app, on(Put).of("MSG#"), ann.try_send(&group, "memo 3"), ann.send(&group, "memo 2")).await;
    assert_eq!(wait(late), 30);
}

#[tokio::test]
async fn messages_count_that_a_send_meets_when_it_looks_again() {
    let (app, [ann, ben, _]) = three(sends(2)).await;
    let group = ann.group(&[&ben]).await;
    let twice = async {
        ann.send(&group, "memo 2").await;
        ann.send(&group, "memo 3").await;
    };
    let late = lost_twice(&app, ann.try_send(&group, "memo 4"), ben.send(&group, "memo 1"), twice).await;
    // The clock stands still, and each message is a microsecond later than the one before it.
    assert_eq!(wait(late), 31);
}

/// 1 MB of messages is the limit, too, because a send reads no more.
#[tokio::test]
async fn a_sender_of_large_messages_waits_after_a_megabyte() {
    let (app, [ann, ben, _]) = three(sends(30)).await;
    let group = ann.group(&[&ben]).await;
    let body = format!("memo {}", "€".repeat(16_000));
    let mut sent = 0;
    let refused = loop {
        let answer = ann.try_send(&group, &body).await;
        if answer.status != 201 || sent == 30 {
            break answer;
        }
        sent += 1;
    };
    assert!((20..24).contains(&sent), "{sent}");
    let seconds = wait(refused);
    assert!((30..=31).contains(&seconds), "{seconds}");
    app.advance(TimeDelta::seconds(seconds));
    ann.send(&group, &body).await;
}
