//! The bytes that a page reads if others have filled the conversations with messages as large as allowed.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::ids::ConversationId;

use super::{group_of_one, ids};
use crate::harness::{
    Answer, TestApp, User,
    call::{
        Operation::{BatchGet, Query, Transact},
        on,
    },
    meter::Cost,
    race::{held, tampered},
    user::message_path,
};

/// The read units of 2 MB, strongly consistent.
const TWO_MEGABYTES: f64 = 512.0;

fn largest() -> String {
    format!("memo {}", "€".repeat(16_379))
}

fn message(id: &str, number: u64, sender: &str, at: i64) -> Value {
    json!({
        "pk": format!("CONV#{id}"), "sk": format!("MSG#{number:013}"), "item": "message", "sender": sender,
        "sent_at": at, "idempotency_key": "01a0b1c2-d3e4-7f56-8a9b-0123456789ab", "digest": "digest",
    })
}

/// Writes groups of a user into the table, with messages of these texts in each. Returns them in the order of activity, which
/// differs from the order of joining.
async fn groups_with(app: &TestApp, user: &User, count: i64, bodies: &[&str]) -> Vec<String> {
    let now = app.app.clock.now().timestamp_micros();
    let (mut ids, sender) = (Vec::new(), app.user("stranger").await.id);
    for n in 0..count {
        let prefix = u8::try_from(n).unwrap();
        let id = ConversationId::from_prefix([prefix, 9, 9, 9, 9, 9, 9, 9, 9, 9]).to_string();
        let at = now + 1_000 * (n * 7 % count);
        let mut items = Vec::from(group_of_one(&id, &user.id, now - 1_000_000 * (count - n)));
        items.extend((1..).zip(bodies).map(|(number, body)| {
            let mut item = message(&id, number, &sender, at + i64::try_from(number).unwrap());
            item["body"] = json!(body);
            item
        }));
        app.table.put_all(&items).await;
        ids.push((at, id));
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.into_iter().map(|(_, id)| id).collect()
}

/// Reads a page and checks that it reads at most 2 MB.
async fn bounded(app: &TestApp, user: &User, path: &str) -> (Value, Cost) {
    let (page, cost): (Answer, Cost) = app.proxy.measure(user.get(path)).await;
    assert!(cost.read_units <= TWO_MEGABYTES, "{path}: {} units", cost.read_units);
    (page.ok(), cost)
}

#[tokio::test]
async fn a_page_of_the_largest_messages_reads_two_megabytes() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let body = largest();
    let expected = groups_with(&app, &ann, 20, &[&body, &body, &body, &body]).await;
    let (page, cost) = bounded(&app, &ann, "/api/conversations/").await;
    assert_eq!(ids(&page), expected);
    assert!(cost.depth <= 5, "{} round trips", cost.depth);
    for conversation in page["results"].as_array().unwrap() {
        assert_eq!(conversation["messages"].as_array().unwrap().len(), 1, "64 KB contain one message");
        let unread = conversation["unread"].as_u64().unwrap();
        assert!((1..=4).contains(&unread) && conversation["unread_more"] == (unread < 4), "{unread}");
    }
    let one = ann.conversation(&expected[0]).await;
    assert_eq!((&one["unread"], &one["unread_more"]), (&json!(4), &json!(false)));
}

/// The newest message tells nothing about the size of the others.
#[tokio::test]
async fn small_messages_above_the_largest_ones_change_nothing() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let body = largest();
    let bodies = [&body, &body, &body, &body, "memo 1", "memo 2"];
    let expected = groups_with(&app, &ann, 20, &bodies).await;
    let (page, _) = bounded(&app, &ann, "/api/conversations/").await;
    assert_eq!(ids(&page), expected);
    for conversation in page["results"].as_array().unwrap() {
        assert_eq!(conversation["last_message"]["message_body"], "memo 2");
    }
}

#[tokio::test]
async fn more_tails_than_a_page_can_read_are_in_several_windows() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let expected = groups_with(&app, &ann, 45, &[&largest()]).await;
    let (mut found, mut path) = (Vec::new(), "/api/conversations/?limit=20&messages=1".to_owned());
    loop {
        let (page, _) = bounded(&app, &ann, &path).await;
        let times: Vec<&str> = page["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|conversation| conversation["last_message"]["sent_at"].as_str().unwrap())
            .collect();
        assert!(times.is_sorted_by(|a, b| a > b), "the page is in order: {times:?}");
        found.extend(ids(&page));
        // The first window ends where it ended, although more tails would fit now.
        if found.len() == 20 {
            for id in &expected {
                app.table.set(&format!("CONV#{id}"), "MSG#0000000000001", "body", json!("memo")).await;
            }
        }
        let Some(next) = page["next"].as_str() else { break };
        next.clone_into(&mut path);
    }
    assert_eq!(found.len(), 45, "each conversation is on one page");
    assert_eq!(BTreeSet::from_iter(found), BTreeSet::from_iter(expected));
}

/// A send tells the readers which messages before it are small, so that a page of them needs one round trip.
#[tokio::test]
async fn a_message_knows_since_when_messages_are_small() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    let (small, large) = ("memo", "memo ".repeat(500));
    let mut since = Vec::new();
    for (number, body) in (1..).zip([small, small, &large, small, small]) {
        ben.send(&group, body).await;
        let item = app.table.get(&format!("CONV#{group}"), &format!("MSG#{number:013}")).await.unwrap();
        since.push(item.get("small_since").cloned());
    }
    assert_eq!(since, [Some(json!(1)), Some(json!(1)), None, Some(json!(4)), Some(json!(4))]);
    let shown = ann.conversation(&group).await;
    assert_eq!(shown["messages"].as_array().unwrap().len(), 5);
}

/// The newest messages claim that those before them are small. This was true before they were edited.
#[tokio::test]
async fn edits_that_make_messages_large_change_nothing() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let body = largest();
    let expected = groups_with(&app, &ann, 20, &[&body, &body, &body, &body, "memo"]).await;
    for id in &expected {
        let pk = format!("CONV#{id}");
        app.table.set(&pk, "MSG#0000000000005", "small_since", json!(1)).await;
        app.table.set(&pk, "META", "has_large_edits", json!(true)).await;
    }
    let (page, _) = bounded(&app, &ann, "/api/conversations/").await;
    assert_eq!(ids(&page), expected);
}

/// Returns true if the conversation has the note that an edit made a small message large.
async fn is_noted(app: &TestApp, group: &str) -> bool {
    let meta = app.table.get(&format!("CONV#{group}"), "META").await.unwrap();
    meta.get("has_large_edits").is_some_and(|noted| noted == true)
}

#[tokio::test]
async fn an_edit_that_makes_a_message_large_is_noted() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    let (small, large) = (ann.send(&group, "memo").await, ann.send(&group, &"memo ".repeat(500)).await);
    ann.edit(&small, "memo, edited").await.ok();
    ann.edit(&large, &"memo, edited ".repeat(500)).await.ok();
    assert!(!is_noted(&app, &group).await, "no small message has become large");
    let (cleo, body) = (app.user("cleo").await, largest());
    // An addition has read the item before the edit, and reads the free number of the change log after it. Its first read of
    // the item checks that Ann may add participants; the second read is the one before the write.
    let read = app.proxy.faults.watch_nth(1, on(BatchGet).of("META"));
    let others = [&cleo];
    let first = async {
        read.finished().await;
        ann.edit(&small, &body).await
    };
    let late = ann.add(&group, &others);
    let (added, edited) = held(&app, on(Query).of("CHANGE#"), late, first).await;
    added.ok();
    edited.ok();
    assert!(is_noted(&app, &group).await);
    ann.edit(&small, "memo").await.ok();
    ann.edit(&small, &largest()).await.ok();
    ann.patch(&format!("/api/conversations/{group}/"), json!({ "name": "memo" })).await.ok();
    assert!(is_noted(&app, &group).await, "the note stays");
    app.check().await;
}

#[tokio::test]
async fn a_large_edit_makes_no_conversation() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let group = ann.group(&[]).await;
    let message = ann.send(&group, "memo").await;
    let (pk, body) = (format!("CONV#{group}"), largest());
    let edited =
        tampered(&app, on(Transact).of("META"), ann.edit(&message, &body), app.table.remove(&pk, "META"))
            .await;
    edited.problem(404, "not_found");
    assert!(app.table.get(&pk, "META").await.is_none());
}

/// Earlier versions of a message are 90 at most, which is more than an answer may have if they are large.
#[tokio::test]
async fn large_versions_of_a_message_are_in_several_pages() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let group = ann.group(&[]).await;
    let message_id = ann.send(&group, "memo").await;
    let (pk, sk) = (format!("CONV#{group}"), "REV#0000000000001#");
    let body = largest();
    let versions: Vec<Value> = (0..45)
        .map(|n| json!({ "pk": pk, "sk": format!("{sk}{n:06}"), "item": "revision", "body": body, "written_at": n + 1 }))
        .collect();
    app.table.put_all(&versions).await;
    let path = format!("{}revisions/", message_path(&message_id));
    let (page, _) = bounded(&app, &ann, &path).await;
    assert!(page["next"].is_string(), "a page ends at 1 MB");
    let revisions: Vec<Value> = ann.all(&path).await.iter().map(|it| it["revision"].clone()).collect();
    assert_eq!(revisions, (0..45).map(|n| json!(n)).collect::<Vec<_>>());
    ann.get(&format!("{path}?cursor=x")).await.refuses("cursor");
}

/// A page of one conversation's messages ends at 1 MB, also if deleted messages are between the large ones.
#[tokio::test]
async fn a_page_of_messages_between_tombstones_reads_two_megabytes() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let group = ann.group(&[]).await;
    let (now, body) = (app.app.clock.now().timestamp_micros(), largest());
    let entries: Vec<Value> = (1..=800)
        .map(|number| {
            let at = now + i64::try_from(number).unwrap();
            let mut entry = message(&group, number, &ann.id, at);
            let (name, value) =
                if number % 20 == 0 { ("body", json!(body)) } else { ("deleted_at", json!(at)) };
            entry[name] = value;
            entry
        })
        .collect();
    app.table.put_all(&entries).await;
    let path = format!("/api/messages/?conversation={group}");
    let (page, _) = bounded(&app, &ann, &format!("{path}&limit=100")).await;
    assert!(page["next"].is_string());
    assert_eq!(ann.messages(&group).await.len(), 40);
    let around = page["results"][10]["message_id"].as_str().unwrap();
    bounded(&app, &ann, &format!("{path}&around={around}&limit=100")).await;
}

/// The list of all messages counts what it reads, not only what it shows.
#[tokio::test]
async fn deleted_messages_end_a_page_of_all_messages_too() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let body = largest();
    let groups = groups_with(&app, &ann, 20, &[&body, &body, &body, &body]).await;
    for group in &groups {
        for number in 2..=4 {
            let (pk, sk) = (format!("CONV#{group}"), format!("MSG#{number:013}"));
            app.table.set(&pk, &sk, "deleted_at", json!(1_790_000_000_000_000_u64)).await;
        }
    }
    let (page, cost) = bounded(&app, &ann, "/api/messages/?limit=100").await;
    assert!(cost.read_units < TWO_MEGABYTES / 4.0 && page["next"].is_string(), "{} units", cost.read_units);
    assert_eq!(ann.all("/api/messages/?limit=100").await.len(), 20);
}
