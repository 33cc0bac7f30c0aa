//! The inbox: exactly ordered by last activity, and a walk through its pages misses no conversation.

mod large;
mod model;

use chrono::TimeDelta;
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use shared::ids::ConversationId;

use crate::harness::{Answer, TestApp, User, user::id_of};

/// Returns the ids of a page, in order.
fn ids(page: &Value) -> Vec<String> {
    page["results"].as_array().unwrap().iter().map(id_of).collect()
}

async fn inbox(user: &User, limit: usize) -> Vec<String> {
    user.all(&format!("/api/conversations/?limit={limit}&messages=0")).await.iter().map(id_of).collect()
}

/// Creates this number of groups of two users, at most four in parallel.
async fn groups(ann: &User, ben: &User, count: usize) -> Vec<String> {
    stream::iter(0..count).map(|_| async { ann.group(&[ben]).await }).buffered(4).collect().await
}

#[tokio::test]
async fn a_new_message_is_on_the_first_page_among_many_of_one_hour() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let groups = groups(&ann, &ben, 46).await;
    for n in [0, 23, 45, 7] {
        ben.send(&groups[n], "memo").await;
        let page = ann.get("/api/conversations/").await.ok();
        assert_eq!(ids(&page)[0], groups[n], "the conversation of the newest message is first");
        assert_eq!(page["results"].as_array().unwrap().len(), 20);
    }
    let all = inbox(&ann, 20).await;
    assert_eq!(all[..4], [7, 45, 23, 0].map(|n| groups[n].clone()));
    assert_eq!(all.len(), 46);
}

#[tokio::test]
async fn of_two_groups_the_one_with_the_newest_message_is_first() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let (first, second) = (ann.group(&[&ben]).await, ann.group(&[&ben]).await);
    assert_eq!(
        inbox(&ann, 1).await,
        [second.clone(), first.clone()],
        "without messages, the time of joining counts"
    );
    ben.send(&first, "memo").await;
    assert_eq!(inbox(&ann, 1).await, [first.clone(), second.clone()]);
    ann.send(&second, "memo").await;
    assert_eq!(
        inbox(&ann, 1).await,
        [second.clone(), first.clone()],
        "the user's own messages count as well"
    );
    // A user who joins late sees the conversation at the top. The order of the other participants does not change.
    let cleo = app.user("cleo").await;
    cleo.group(&[]).await;
    ann.add(&first, &[&cleo]).await.ok();
    assert_eq!(inbox(&cleo, 1).await[0], first);
    assert_eq!(inbox(&ann, 1).await, [second, first]);
}

#[tokio::test]
async fn messages_says_how_many_are_nested() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    // More conversations than one page are read through the index; fewer are read directly.
    for _ in 0..2 {
        let conversation = ann.group(&[&ben]).await;
        for n in 1..=25 {
            ben.send(&conversation, &format!("memo {n}")).await;
        }
    }
    for limit in [1, 20] {
        for (query, nested) in
            [("", 20), ("&messages=20", 20), ("&messages=3", 3), ("&messages=1", 1), ("&messages=0", 0)]
        {
            let page = ann.get(&format!("/api/conversations/?limit={limit}{query}")).await.ok();
            let shown = &page["results"][0];
            let bodies: Vec<&str> = shown["messages"]
                .as_array()
                .unwrap()
                .iter()
                .map(|m| m["message_body"].as_str().unwrap())
                .collect();
            let expected: Vec<String> = (26 - nested..=25).map(|n| format!("memo {n}")).collect();
            assert_eq!(bodies, expected, "limit {limit}, {query}");
            assert_eq!(shown["last_message"]["message_body"], "memo 25", "limit {limit}, {query}");
            assert_eq!((&shown["unread"], &shown["unread_more"]), (&json!(25), &json!(false)), "{query}");
        }
    }
    let page = ann.get("/api/conversations/?limit=1&messages=3").await.ok();
    assert!(page["next"].as_str().unwrap().contains("limit=1&messages=3&cursor="), "{page}");
    for bad in ["-1", "21", "", "x", "1.0", "+1", "99999999999999999999"] {
        ann.get(&format!("/api/conversations/?messages={bad}")).await.refuses("messages");
    }
}

#[tokio::test]
async fn deleted_messages_take_no_place_among_the_nested() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let mut groups = Vec::new();
    for _ in 0..3 {
        let conversation = ann.group(&[&ben]).await;
        for n in 1..=12 {
            let message = ben.send(&conversation, &format!("memo {n}")).await;
            if n > 8 || n == 6 {
                ben.delete_message(&message).await.nothing();
            }
        }
        groups.insert(0, conversation);
    }
    for limit in [1, 20] {
        for (count, expected) in
            [(0, vec![]), (1, vec![8]), (3, vec![5, 7, 8]), (20, vec![1, 2, 3, 4, 5, 7, 8])]
        {
            let page = ann.get(&format!("/api/conversations/?limit={limit}&messages={count}")).await.ok();
            let shown = &page["results"][0];
            let bodies: Vec<Value> =
                shown["messages"].as_array().unwrap().iter().map(|m| m["message_body"].clone()).collect();
            let expected: Vec<Value> = expected.iter().map(|n| json!(format!("memo {n}"))).collect();
            assert_eq!(bodies, expected, "limit {limit}, {count} messages");
            assert_eq!(shown["last_message"]["message_body"], "memo 8");
            assert_eq!(shown["unread"], 7);
        }
        assert_eq!(inbox(&ann, limit).await, groups, "the order is the order of the log");
    }
}

#[tokio::test]
async fn what_is_hidden_deleted_or_left_takes_no_place_on_a_page() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let kept = groups(&ann, &ben, 3).await;
    ben.send(&kept[0], "memo").await;
    let mut others = Vec::new();
    for name in ["cleo", "dan", "eve"] {
        others.push(app.user(name).await);
    }
    let mut direct = Vec::new();
    for other in &others {
        let conversation = ann.direct(other).await;
        other.send(&conversation, "memo").await;
        ann.delete_conversation(&conversation).await.expect(204);
        direct.push(conversation);
    }
    // The conversation is hidden before any message.
    let silent = ann.direct(&ben).await;
    ann.delete_conversation(&silent).await.expect(204);
    let closed = ann.group(&[&ben]).await;
    ann.delete_conversation(&closed).await.expect(204);
    let left = ben.group(&[&ann]).await;
    ann.leave(&left).await.expect(204);
    let expected = [&kept[0], &kept[2], &kept[1]].map(String::clone);
    for limit in [1, 2, 3, 20] {
        let page = ann.get(&format!("/api/conversations/?limit={limit}")).await.ok();
        assert_eq!(ids(&page).len(), limit.min(3), "a page is full while there are more: {page}");
        assert_eq!(page["next"] == Value::Null, limit >= 3, "limit {limit}");
        assert_eq!(inbox(&ann, limit).await, expected, "limit {limit}");
    }
    others[1].send(&direct[1], "memo, again").await;
    let shown = ann.get("/api/conversations/?limit=1").await.ok();
    assert_eq!(ids(&shown), [direct[1].clone()], "a new message shows it again");
    assert_eq!(shown["results"][0]["messages"].as_array().unwrap().len(), 1, "hidden messages stay hidden");
    ben.send(&silent, "memo").await;
    assert_eq!(inbox(&ann, 2).await[..2], [silent, direct[1].clone()]);
    app.check().await;
}

/// Writes this number of groups with one participant into the table, as a release would have written them.
pub async fn written(app: &TestApp, user: &User, count: u8) -> Vec<String> {
    let (mut items, mut ids) = (Vec::new(), Vec::new());
    for n in 0..=count {
        for half in [0, 1] {
            let id = ConversationId::from_prefix([n, half, 7, 7, 7, 7, 7, 7, 7, 7]);
            let at = app.app.clock.now() - TimeDelta::minutes(i64::from(n) * 40 + 20 * i64::from(half));
            items.extend(group_of_one(&id.to_string(), &user.id, at.timestamp_micros()));
            ids.push(id.to_string());
        }
    }
    app.people.table.put_all(&items).await;
    ids
}

fn group_of_one(id: &str, user: &str, micros: i64) -> [Value; 3] {
    let pk = format!("CONV#{id}");
    let hour = micros / 3_600_000_000;
    [
        json!({
            "pk": pk, "sk": "META", "item": "conversation", "kind": "group", "created_by": user, "created_at": micros,
            "participant_count": 1, "owners": [user], "version": 1,
        }),
        json!({
            "pk": pk, "sk": format!("MEMBER#{user}"), "item": "member", "role": "owner", "joined_at": micros,
            "read": 0, "base": 0,
        }),
        json!({
            "pk": format!("INBOX#{user}"), "sk": format!("CONV#{id}"), "item": "inbox", "joined_at": micros,
            "gsi1pk": format!("INBOX#{user}"), "gsi1sk": format!("ACTIVE#{hour:07}#{id}"),
        }),
    ]
}

#[tokio::test]
async fn a_user_of_very_many_conversations_finds_each_once() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut expected = written(&app, &ann, 155).await;
    // The item of an earlier release contains no first participants.
    let page = ann.get("/api/conversations/?limit=3").await.ok();
    assert_eq!(ids(&page), expected[..3]);
    assert_eq!(page["results"][0]["participants"][0]["user_id"], json!(ann.id));
    ann.send(&expected[200], "memo").await;
    let moved = expected.remove(200);
    expected.insert(0, moved);
    let walked = inbox(&ann, 100).await;
    assert_eq!(walked.len(), 312);
    assert_eq!(walked, expected);
}

#[tokio::test]
async fn the_last_of_three_hundred_conversations_ends_the_list() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let expected = written(&app, &ann, 149).await;
    assert_eq!((expected.len(), &inbox(&ann, 100).await), (300, &expected));
    let mut page = ann.get("/api/conversations/?limit=100").await.ok();
    for _ in 0..2 {
        page = ann.get(page["next"].as_str().unwrap()).await.ok();
    }
    assert_eq!((ids(&page).len(), &page["next"]), (100, &Value::Null));
}

#[tokio::test]
async fn what_only_a_late_index_still_has_is_not_shown() {
    let app = TestApp::lagging().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let mut expected = written(&app, &ann, 155).await;
    let group = ben.group(&[&ann]).await;
    ben.send(&group, "memo").await;
    // The index is one write late. The list of the user's conversations is not.
    ben.remove(&group, &ann).await.expect(204);
    let walked = inbox(&ann, 100).await;
    assert!(!walked.contains(&group));
    expected.retain(|id| walked.contains(id));
    assert_eq!(walked, expected);
}

#[tokio::test]
async fn the_first_participants_are_named_whoever_comes_and_goes() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut others = Vec::new();
    for n in 0..58 {
        others.push(app.user(&format!("other{n}")).await);
    }
    others.sort_by(|a, b| a.id.cmp(&b.id));
    let group = ann.group(&others.iter().skip(18).take(38).collect::<Vec<_>>()).await;
    ann.add(&group, &others.iter().take(18).chain(&others[56..]).collect::<Vec<_>>()).await.ok();
    nested_first(&ann, &group, 59).await;
    for gone in [0, 30, 57] {
        ann.remove(&group, &others[gone]).await.expect(204);
    }
    nested_first(&ann, &group, 56).await;
    ann.add(&group, &[&others[0], &others[57]]).await.ok();
    nested_first(&ann, &group, 58).await;
    let leaving = others.iter().filter(|user| user.id != others[30].id).take(20);
    stream::iter(leaving).for_each(|user| async { drop(user.leave(&group).await.expect(204)) }).await;
    nested_first(&ann, &group, 38).await;
    let few: Vec<&str> = others[50..].iter().map(|user| user.id.as_str()).collect();
    ann.patch(&format!("/api/conversations/{group}/"), json!({ "participants": few })).await.ok();
    nested_first(&ann, &group, 9).await;
    app.check().await;
}

/// Asserts that a conversation contains its first participants, ordered by id, in the list and in its own
/// representation.
async fn nested_first(ann: &User, group: &str, count: usize) {
    let named = |shown: &Value| -> Vec<String> {
        let users = shown["participants"].as_array().unwrap().iter();
        users.map(|user| user["user_id"].as_str().unwrap().to_owned()).collect()
    };
    let members = ann.all(&format!("/api/conversations/{group}/participants/?limit=100")).await;
    let members: Vec<String> =
        members.iter().map(|member| member["user"]["user_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(members.len(), count);
    let page: Answer = ann.get("/api/conversations/?messages=0").await;
    for shown in [ann.conversation(group).await, page.ok()["results"][0].clone()] {
        assert_eq!(named(&shown), members[..count.min(50)]);
        assert_eq!(shown["participant_count"], count);
    }
}
