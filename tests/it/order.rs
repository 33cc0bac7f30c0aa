//! Pages of messages: each message once, in one order, in both directions, with deletions, holes and clock jumps.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{
    TestApp, User,
    user::{message_path, number_of},
};

async fn conversation_of(app: &TestApp, count: usize) -> (User, User, String, Vec<Value>) {
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let mut messages = Vec::new();
    for n in 1..=count {
        let sender = if n % 2 == 0 { &ann } else { &ben };
        messages.push(sender.send(&conversation, &format!("memo {n}")).await);
    }
    (ann, ben, conversation, messages)
}

fn numbers(messages: &[Value]) -> Vec<u64> {
    messages.iter().map(number_of).collect()
}

fn results(page: &Value) -> Vec<u64> {
    numbers(page["results"].as_array().unwrap())
}

fn range(numbers: impl Iterator<Item = u64>) -> Vec<u64> {
    numbers.collect()
}

#[tokio::test]
async fn pages_join_without_a_gap_or_a_repeat() {
    let app = TestApp::new().await;
    let (ann, _, conversation, _) = conversation_of(&app, 23).await;
    for limit in [1, 7, 22, 23, 100] {
        let base = format!("/api/messages/?conversation={conversation}&limit={limit}");
        assert_eq!(numbers(&ann.all(&base).await), range((1..=23).rev()), "limit {limit}");
        let oldest = ann.all(&format!("{base}&order=oldest")).await;
        let mut sorted = numbers(&oldest);
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), oldest.len(), "limit {limit}: a message is repeated");
    }
}

#[tokio::test]
async fn the_list_of_all_messages_has_one_order() {
    let app = TestApp::new().await;
    let (ann, _, conversation, messages) = conversation_of(&app, 3).await;
    for path in ["/api/messages/?order=oldest", "/api/messages/?limit=1&order=oldest&tombstones=1"] {
        ann.get(path).await.refuses("order");
    }
    let page = ann.get("/api/messages/?order=newest").await.ok();
    assert_eq!(results(&page), [3, 2, 1]);
    // A message id contains its conversation, so this order is valid without the parameter `conversation`. If the
    // conversation is invalid, the answer reports the conversation and not the order.
    let id = messages[0]["message_id"].as_str().unwrap();
    assert_eq!(results(&ann.get(&format!("/api/messages/?order=oldest&after={id}")).await.ok()), [2, 3]);
    let page = ann.get(&format!("/api/messages/?order=oldest&conversation={conversation}")).await.ok();
    assert_eq!(results(&page), [1, 2, 3]);
    let wrong = ann.get("/api/messages/?order=oldest&conversation=x").await.problem(400, "invalid_request");
    assert_eq!(wrong["errors"].as_object().unwrap().keys().collect::<Vec<_>>(), ["conversation"]);
}

/// A list that leads back past the message which it names would not end for a client that wants only what is newer.
#[tokio::test]
async fn a_list_never_leads_past_the_message_that_it_names() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, messages) = conversation_of(&app, 9).await;
    let id = messages[4]["message_id"].as_str().unwrap();
    for place in [String::new(), format!("&conversation={conversation}")] {
        let after = ann.all(&format!("/api/messages/?after={id}&limit=2{place}")).await;
        assert_eq!(numbers(&after), range(6..=9));
        let before = ann.all(&format!("/api/messages/?before={id}&limit=2{place}")).await;
        assert_eq!(numbers(&before), range((1..=4).rev()));
        ann.get(&format!("/api/messages/?after={id}&order=newest{place}")).await.refuses("order");
        ann.get(&format!("/api/messages/?before={id}&order=oldest{place}")).await.refuses("order");
    }
    // The way back from a page is a link with a cursor, which contains the order, and no access.
    let page = ann.get(&format!("/api/messages/?before={id}&limit=2")).await.ok();
    let back = page["previous"].as_str().unwrap();
    assert_eq!(results(&ann.get(back).await.ok()), [6, 5]);
    assert_eq!(results(&ann.get(&format!("{back}&tombstones=1")).await.ok()), [6, 5]);
    ann.get(&format!("{back}&order=oldest")).await.refuses("order");
    ann.get(&format!("{back}&conversation={conversation}")).await.refuses("cursor");
    ben.leave(&conversation).await.nothing();
    ben.get(back).await.problem(404, "not_found");
}

#[tokio::test]
async fn reading_order_begins_at_the_first_message() {
    let app = TestApp::new().await;
    let (ann, _, conversation, _) = conversation_of(&app, 9).await;
    let path = format!("/api/messages/?conversation={conversation}&order=oldest&limit=4");
    let page = ann.get(&path).await.ok();
    assert_eq!(results(&page), [1, 2, 3, 4], "the oldest come first");
    assert_eq!(page["previous"], Value::Null);
    assert_eq!(numbers(&ann.all(&path).await), range(1..=9));
}

#[tokio::test]
async fn before_after_and_around_say_where() {
    let app = TestApp::new().await;
    let (ann, _, conversation, messages) = conversation_of(&app, 20).await;
    let id = |n: usize| messages[n - 1]["message_id"].as_str().unwrap();
    let page = async |query: String| {
        ann.get(&format!("/api/messages/?conversation={conversation}&{query}")).await.ok()
    };
    assert_eq!(results(&page(format!("before={}&limit=3", id(10))).await), [9, 8, 7]);
    assert_eq!(results(&page(format!("after={}&limit=3", id(10))).await), [11, 12, 13]);
    assert_eq!(results(&page(format!("after={}", id(20))).await), Vec::<u64>::new());
    assert_eq!(results(&page(format!("before={}", id(1))).await), Vec::<u64>::new());
    let around = page(format!("around={}&limit=4", id(10))).await;
    assert_eq!(results(&around), [9, 10, 11, 12]);
    let newer = ann.get(around["next"].as_str().unwrap()).await.ok();
    assert_eq!(results(&newer)[0], 13);
    let older = ann.get(around["previous"].as_str().unwrap()).await.ok();
    assert_eq!(results(&older), [5, 6, 7, 8], "messages are in the requested order");
    // The links lead from one page to the next and back.
    let first = page("limit=5".to_owned()).await;
    let second = ann.get(first["next"].as_str().unwrap()).await.ok();
    assert_eq!(results(&second), [15, 14, 13, 12, 11]);
    let back = ann.get(second["previous"].as_str().unwrap()).await.ok();
    assert_eq!(results(&back), [20, 19, 18, 17, 16]);
    assert!(first["next"].as_str().unwrap().starts_with("http"), "links are absolute");
}

#[tokio::test]
async fn tombstones_are_left_out_and_shown_on_request() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, messages) = conversation_of(&app, 6).await;
    ann.delete_message(&messages[1]).await.nothing();
    ben.delete_message(&messages[4]).await.nothing();
    assert_eq!(numbers(&ann.messages(&conversation).await), [1, 3, 4, 6]);
    let with = format!("/api/messages/?conversation={conversation}&limit=2&tombstones=1");
    let mut all = ann.all(&with).await;
    all.reverse();
    assert_eq!(numbers(&all), [1, 2, 3, 4, 5, 6]);
    let said: Vec<bool> = all.iter().map(|message| message["message_body"] == "").collect();
    assert_eq!(said, [false, true, false, false, true, false]);
    ann.get(&message_path(&messages[1])).await.problem(404, "not_found");
    // A number is never used again.
    ben.delete_message(&ben.send(&conversation, "memo, last").await).await.nothing();
    assert_eq!(number_of(&ann.send(&conversation, "memo, next").await), 8);
    app.check().await;
}

#[tokio::test]
async fn a_page_of_nothing_but_tombstones_still_leads_on() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, messages) = conversation_of(&app, 9).await;
    for message in &messages[3..6] {
        let sender = if number_of(message).is_multiple_of(2) { &ann } else { &ben };
        sender.delete_message(message).await.nothing();
    }
    let path = format!("/api/messages/?conversation={conversation}&limit=3");
    assert_eq!(numbers(&ann.all(&path).await), [9, 8, 7, 3, 2, 1]);
}

#[tokio::test]
async fn a_page_read_forward_ends_before_a_hole() {
    let app = TestApp::new().await;
    let (ann, _, conversation, messages) = conversation_of(&app, 6).await;
    // A query is not a snapshot: it may miss a number that was written during the query. Here the number is missing
    // permanently.
    app.table.remove(&format!("CONV#{conversation}"), "MSG#0000000000004").await;
    let first = messages[0]["message_id"].as_str().unwrap();
    let page = ann.get(&format!("/api/messages/?after={first}")).await.ok();
    assert_eq!(results(&page), [2, 3]);
}

#[tokio::test]
async fn changes_end_before_a_hole() {
    let app = TestApp::new().await;
    let (ann, _, conversation, messages) = conversation_of(&app, 2).await;
    for n in 0..4 {
        ann.edit(&messages[1], &format!("memo, edit {n}")).await.ok();
    }
    app.table.remove(&format!("CONV#{conversation}"), "CHANGE#0000000000003").await;
    let path = format!("/api/conversations/{conversation}/changes/?after=0");
    let page = ann.get(&path).await.ok();
    let numbers: Vec<u64> =
        page["results"].as_array().unwrap().iter().map(|change| change["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2]);
}

#[tokio::test]
async fn times_increase_also_when_the_clock_does_not() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = conversation_of(&app, 2).await;
    app.advance(TimeDelta::minutes(-10));
    for n in 0..3 {
        ben.send(&conversation, &format!("memo, back {n}")).await;
    }
    app.advance(TimeDelta::minutes(5));
    ann.send(&conversation, "memo, forth").await;
    let messages = ann.messages(&conversation).await;
    let times: Vec<&str> = messages.iter().map(|message| message["sent_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    assert!(times.iter().all(|time| time.len() == "2026-01-01T00:00:00.000000Z".len()), "{times:?}");
}

#[tokio::test]
async fn the_list_of_everything_is_complete() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let mut expected = Vec::new();
    for n in 0..12_usize {
        let conversation =
            if n.is_multiple_of(2) { ann.group(&[&ben]).await } else { ben.group(&[&ann]).await };
        for m in 0..n % 4 {
            ben.send(&conversation, &format!("memo {n} {m}")).await;
            expected.push(format!("memo {n} {m}"));
        }
    }
    let strangers = app.user("cleo").await.group(&[&ben]).await;
    ben.send(&strangers, "memo, not for ann").await;
    expected.sort();
    for limit in [1, 2, 5, 100] {
        let all = ann.all(&format!("/api/messages/?limit={limit}")).await;
        let mut bodies: Vec<String> = all.iter().map(crate::harness::user::body_of).collect();
        bodies.sort();
        assert_eq!(bodies, expected, "limit {limit}");
        // The messages are grouped by conversation, newest first in each.
        let mut groups: Vec<(String, Vec<u64>)> = Vec::new();
        for message in &all {
            let conversation = message["conversation"].as_str().unwrap().to_owned();
            match groups.last_mut().filter(|(last, _)| *last == conversation) {
                Some((_, numbers)) => numbers.push(number_of(message)),
                None => groups.push((conversation, vec![number_of(message)])),
            }
        }
        assert!(groups.iter().all(|(_, numbers)| numbers.is_sorted_by(|a, b| a > b)), "{groups:?}");
        assert!(groups.is_sorted_by(|a, b| a.0 < b.0), "conversations are in the order of the table");
    }
}

#[tokio::test]
async fn changes_are_a_log_of_their_own() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, messages) = conversation_of(&app, 3).await;
    let cleo = app.user("cleo").await;
    let before = ann.changes(&conversation, 0).await.len() as u64;
    ben.edit(&messages[0], "memo, edited").await.ok();
    ben.edit(&messages[0], "memo, edited").await.ok();
    ann.add(&conversation, &[&cleo]).await;
    ann.delete_message(&messages[1]).await.nothing();
    ann.remove(&conversation, &cleo).await;
    let path = format!("/api/conversations/{conversation}/changes/?after={before}&limit=1");
    let changes = ann.all(&path).await;
    let kinds: Vec<&str> = changes.iter().map(|change| change["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["message_edited", "participants_added", "message_deleted", "participants_removed"]);
    let numbers: Vec<u64> = changes.iter().map(|change| change["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, range(before + 1..=before + 4), "a request without a change adds no entry");
    assert_eq!(changes[0]["message"], messages[0]["message_id"]);
    assert_eq!(changes[0]["revision"], 1);
    assert_eq!(changes[1]["participant_count"], 3);
    assert_eq!(changes[3]["participant_count"], 2);
    let text = serde_json::to_string(&changes).unwrap();
    assert!(!text.contains("memo"), "changes do not contain the text of messages: {text}");
    let path = format!("/api/conversations/{conversation}/changes/?order=newest");
    let newest = ann.get(&format!("{path}&limit=2")).await.ok();
    assert_eq!(newest["results"], json!([changes[3], changes[2]]));
    assert_eq!(newest["next"], Value::Null, "all changes fit on one page");
    let above = ann.get(&format!("{path}&after={}", before + 3)).await.ok();
    assert_eq!(above["results"], json!([changes[3]]));
    app.check().await;
}
