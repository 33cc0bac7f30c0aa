//! Unread counts: they are counted from the log and not stored. A count equals a second, independent count after any
//! operation, and a read mark moves back only if its user requests it.

use futures::future::join_all;
use serde_json::{Value, json};
use shared::random::Random;

use crate::harness::{TestApp, User, user::number_of};

/// Counts by reading all messages: those above the read mark that are neither the reader's own nor deleted.
async fn recount(user: &User, conversation: &str, read: u64) -> u64 {
    let path = format!("/api/messages/?conversation={conversation}&limit=100&tombstones=1");
    let messages = user.all(&path).await;
    let unread = messages.iter().filter(|message| {
        let own = message["sender"]["user_id"] == user.id.as_str();
        number_of(message) > read && !own && message.get("deleted_at").is_none()
    });
    unread.count() as u64
}

/// Returns a number below `below`. The distribution is not exactly uniform.
fn pick(random: &Random, below: usize) -> usize {
    usize::try_from(u64::from_be_bytes(random.bytes())).unwrap() % below
}

#[tokio::test]
async fn unread_equals_a_recount_after_anything() {
    let seed = 20_261_122;
    let random = Random::from_seed(seed);
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let conversation = ann.group(&[&ben, &cleo]).await;
    let people = [&ann, &ben, &cleo];
    let mut marks = [0_u64; 3];
    let mut alive: Vec<(usize, Value)> = Vec::new();
    for step in 0..120 {
        let who = pick(&random, 3);
        let user = people[who];
        match pick(&random, 10) {
            0..=4 => alive.push((who, user.send(&conversation, &format!("memo {step}")).await)),
            5 if !alive.is_empty() => {
                let (sender, message) = alive.swap_remove(pick(&random, alive.len()));
                people[sender].delete_message(&message).await.nothing();
            }
            6..=7 if !alive.is_empty() => {
                let message = &alive[pick(&random, alive.len())].1;
                marks[who] = marks[who].max(number_of(message));
                let answer = user.mark_read(&conversation, message).await.ok();
                let expected = recount(user, &conversation, marks[who]).await;
                assert_eq!(answer["unread"], expected, "seed {seed}, step {step}");
            }
            8 if !alive.is_empty() => {
                let message = &alive[pick(&random, alive.len())].1;
                marks[who] = marks[who].min(number_of(message) - 1);
                let answer = user.mark_unread(&conversation, message).await.ok();
                let expected = recount(user, &conversation, marks[who]).await;
                assert_eq!(answer["unread"], expected, "seed {seed}, step {step}");
            }
            _ => {}
        }
    }
    for (user, mark) in people.iter().zip(marks) {
        let expected = recount(user, &conversation, mark).await;
        let shown = user.conversation(&conversation).await;
        assert_eq!(shown["unread"], expected, "{}", user.name);
        assert_eq!(shown["unread_more"], false);
        let inbox = user.all("/api/conversations/").await;
        assert_eq!(inbox[0]["unread"], expected, "{}: the list contains another unread count", user.name);
    }
    app.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_marks_at_once_the_highest_stays() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let mut messages = Vec::new();
    for n in 0..20 {
        messages.push(ann.send(&conversation, &format!("memo {n}")).await);
    }
    let marks = join_all(messages.iter().rev().map(|message| ben.mark_read(&conversation, message))).await;
    for answer in marks {
        answer.ok();
    }
    assert_eq!(ben.unread(&conversation).await, 0);
    let stale = ben.mark_read(&conversation, &messages[3]).await.ok();
    assert_eq!((&stale["unread"], &stale["read"]), (&json!(0), &messages[19]["message_id"]));
}

#[tokio::test]
async fn marking_unread_goes_back_and_says_so() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let mut messages = Vec::new();
    for n in 0..5 {
        messages.push(ann.send(&conversation, &format!("memo {n}")).await);
    }
    let read = ben.mark_read(&conversation, &messages[4]).await.ok();
    assert_eq!(read, json!({ "unread": 0, "unread_more": false, "read": messages[4]["message_id"] }));
    let back = ben.mark_unread(&conversation, &messages[2]).await.ok();
    assert_eq!(back, json!({ "unread": 3, "unread_more": false, "read": messages[1]["message_id"] }));
    let start = ben.mark_unread(&conversation, &messages[0]).await.ok();
    assert_eq!(start, json!({ "unread": 5, "unread_more": false, "read": null }));
    assert_eq!(ann.unread(&conversation).await, 0, "the sender's own messages count as read");
}

#[tokio::test]
async fn over_a_hundred_are_a_hundred_and_more() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let mut messages = Vec::new();
    for n in 0..101 {
        messages.push(ann.send(&conversation, &format!("memo {n}")).await);
    }
    let shown = ben.conversation(&conversation).await;
    assert_eq!((&shown["unread"], &shown["unread_more"]), (&json!(100), &json!(true)));
    let one = ben.mark_read(&conversation, &messages[0]).await.ok();
    assert_eq!((&one["unread"], &one["unread_more"]), (&json!(100), &json!(false)));
    ann.delete_message(&messages[50]).await.nothing();
    assert_eq!(ben.unread(&conversation).await, 99);
}

#[tokio::test]
async fn who_joins_later_is_not_told_that_all_is_unread_twice() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[]).await;
    let message = ann.send(&conversation, "memo, before").await;
    ann.add(&conversation, &[&ben]).await;
    let shown = ben.conversation(&conversation).await["unread"].as_u64().unwrap();
    assert!(shown <= 1);
    assert_eq!(ben.mark_read(&conversation, &message).await.ok()["unread"], 0);
    ann.remove(&conversation, &ben).await.expect(204);
    ben.mark_read(&conversation, &message).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_mark_beyond_the_log_or_in_another_one_is_refused() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let (here, there) = (ann.group(&[&ben]).await, ann.group(&[&ben]).await);
    ann.send(&here, "memo, here").await;
    let elsewhere = ann.send(&there, "memo, there").await;
    let id: shared::ids::ConversationId = here.parse().unwrap();
    let beyond = json!({ "message_id": id.message(2).to_string() });
    ben.mark_read(&here, &beyond).await.refuses("message");
    ben.mark_read(&here, &elsewhere).await.refuses("message");
    assert_eq!(ben.unread(&here).await, 1);
}

/// Returns how far each participant has read, as `viewer` sees it.
async fn seen_by(viewer: &User, conversation: &str, of: &[&User]) -> Vec<u64> {
    let participants = viewer.all(&format!("/api/conversations/{conversation}/participants/")).await;
    let of_user = |user: &&User| {
        let found = participants.iter().find(|it| it["user"]["user_id"] == user.id.as_str()).unwrap();
        found["last_read"].as_u64().unwrap()
    };
    of.iter().map(of_user).collect()
}

#[tokio::test]
async fn participants_show_how_far_each_has_read() {
    let app = TestApp::with_requests().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let conversation = ann.group(&[&ben, &cleo]).await;
    ben.post(&format!("/api/conversations/{conversation}/accept/"), json!({})).await.ok();
    ann.send(&conversation, "memo").await;
    let second = ann.send(&conversation, "memo, second").await;
    assert_eq!(seen_by(&ann, &conversation, &[&ben, &cleo]).await, [0, 0]);
    ben.mark_read(&conversation, &second).await.ok();
    // An invitation tells nobody what the invited user has read.
    let table = format!("CONV#{conversation}");
    app.table.set(&table, &format!("MEMBER#{}", cleo.id), "read", json!(1)).await;
    for viewer in [&ann, &ben] {
        assert_eq!(seen_by(viewer, &conversation, &[&ben, &cleo]).await, [2, 0]);
    }
    let path = format!("/api/conversations/{conversation}/participants/{}/", ben.id);
    assert_eq!(ann.get(&path).await.ok()["last_read"], 2);
    ben.mark_unread(&conversation, &second).await.ok();
    assert_eq!(seen_by(&ann, &conversation, &[&ben]).await, [1]);
}
