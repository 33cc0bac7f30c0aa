//! Resume by number: `POST /api/sync/` returns everything above the numbers that a client holds. `model` compares a
//! client that is away at random with the logs; `requests` has the rules of the request.

pub mod model;
mod requests;

use std::slice;

use axum::http::Method;
use serde_json::{Value, json};
use shared::ids::ConversationId;

use crate::harness::{
    TestApp, User,
    call::{Operation::BatchGet, on},
    user::{body_of, id_of, number_of},
};

async fn sync(user: &User, body: Value) -> Value {
    user.post("/api/sync/", body).await.ok()
}

/// Returns the page after the numbers of one conversation.
async fn above(user: &User, conversation: &str, numbers: [u64; 2]) -> Value {
    sync(user, json!({ "conversations": { conversation: numbers } })).await
}

fn ids(conversations: &Value) -> Vec<String> {
    conversations.as_array().unwrap().iter().map(id_of).collect()
}

fn numbers(messages: &Value) -> Vec<u64> {
    messages.as_array().unwrap().iter().map(number_of).collect()
}

/// Returns the ids of conversations that do not exist, in ascending order and with the given first byte.
fn unknown_ids(first: u8, count: u16) -> Vec<String> {
    let id = |n: u16| {
        let mut prefix = [0; 10];
        prefix[0] = first;
        prefix[8..].copy_from_slice(&n.to_be_bytes());
        ConversationId::from_prefix(prefix).to_string()
    };
    (0..count).map(id).collect()
}

#[tokio::test]
async fn the_start_is_every_conversation_with_its_newest_messages() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let (group, direct, empty) = (ann.group(&[&ben]).await, ann.direct(&ben).await, ann.group(&[&ben]).await);
    for n in 0..25 {
        ben.send(&group, &format!("memo {n}")).await;
    }
    let first = ann.send(&direct, "memo, hello").await;
    ann.edit(&first, "memo, hello again").await.ok();
    ann.mark_read(&direct, &first).await.ok();
    let mut all = [group.clone(), direct.clone(), empty];
    all.sort();
    for start in [json!({}), json!({ "conversations": {}, "after": null, "cursor": null })] {
        let page = sync(&ann, start).await;
        assert_eq!(ids(&page["conversations"]), all);
        assert_eq!((&page["changes"], &page["gone"], &page["next"]), (&json!([]), &json!([]), &Value::Null));
        let listed = page["conversations"].as_array().unwrap();
        let of = |id: &str| listed.iter().find(|listed| listed["conversation_id"] == id).unwrap();
        assert_eq!((&of(&group)["numbers"], &of(&group)["name"]), (&json!([25, 0]), &json!("memo, a group")));
        assert_eq!((&of(&direct)["numbers"], &of(&direct)["read"]), (&json!([1, 1]), &first["message_id"]));
        assert_eq!((&of(&direct)["hidden"], &of(&direct)["state"]), (&Value::Null, &json!("active")));
        let messages = page["messages"].as_array().unwrap().clone();
        let (of_group, of_direct): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|message| message["conversation"] == group.as_str());
        assert_eq!(numbers(&of_group.into()), (6..=25).collect::<Vec<_>>());
        assert_eq!(of_direct.iter().map(body_of).collect::<Vec<_>>(), ["memo, hello again"]);
    }
    let mut whole = above(&ann, &group, [0, 0]).await["messages"].as_array().unwrap().clone();
    whole.retain(|message| message["conversation"] == group.as_str());
    assert_eq!(numbers(&whole.into()), (1..=25).collect::<Vec<_>>());
    app.check().await;
}

#[tokio::test]
async fn only_what_is_above_the_numbers_is_returned() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    let first = ben.send(&group, "memo, one").await;
    let second = ben.send(&group, "memo, two").await;
    assert_eq!(above(&ann, &group, [2, 0]).await["messages"], json!([]));
    ben.edit(&first, "memo, one, edited").await.ok();
    ben.delete_message(&second).await.nothing();
    let third = ben.send(&group, "memo, three").await;
    // Another device of Ann.
    ann.mark_read(&group, &third).await.ok();

    let page = above(&ann, &group, [1, 0]).await;
    assert_eq!((&page["conversations"][0]["numbers"], &page["next"]), (&json!([3, 2]), &Value::Null));
    assert_eq!(page["conversations"][0]["read"], third["message_id"]);
    assert_eq!(numbers(&page["messages"]), [2, 3]);
    assert!(page["messages"][0]["deleted_at"].is_string() && page["messages"][0]["message_body"] == "");
    let changes = &page["changes"];
    assert_eq!(
        (&changes[0]["kind"], &changes[0]["message"]),
        (&json!("message_edited"), &first["message_id"])
    );
    assert_eq!(
        (&changes[1]["kind"], &changes[1]["conversation"]),
        (&json!("message_deleted"), &json!(group))
    );
    for setting in ["archive", "mute"] {
        ann.request(Method::PUT, &format!("/api/conversations/{group}/{setting}/")).send().await.nothing();
    }
    let again = above(&ann, &group, [3, 1]).await;
    let conversation = &again["conversations"][0];
    assert_eq!((&conversation["state"], &conversation["muted"]), (&json!("archived"), &json!(true)));
    assert_eq!((&again["messages"], &again["changes"]), (&json!([]), &json!([changes[1]])));
}

#[tokio::test]
async fn a_conversation_without_the_caller_is_gone_as_one_that_does_not_exist() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let (left, closed) = (ann.group(&[&ben, &cleo]).await, ann.group(&[&ben]).await);
    let foreign = ben.group(&[&cleo]).await;
    for group in [&left, &closed, &foreign] {
        ben.send(group, "memo, covert").await;
    }
    ann.leave(&left).await.expect(204);
    ann.delete_conversation(&closed).await.expect(204);
    let (admin, missing) = (app.admin("admin").await, unknown_ids(7, 1)[0].clone());
    let asked = async |user: &User, id: &str| {
        let answer = user.post("/api/sync/", json!({ "conversations": { id: [0, 0] } })).await.expect(200);
        answer.fingerprint().replace(id, "<id>")
    };
    for user in [&ann, &admin] {
        let expected = asked(user, &missing).await;
        assert!(expected.contains(r#""gone":["<id>"]"#), "{expected}");
        for id in [&left, &closed, &foreign] {
            assert_eq!(asked(user, id).await, expected);
            let high = json!({ "conversations": { id.as_str(): [9, 9] } });
            assert_eq!(sync(user, high).await["gone"], json!([id]));
        }
    }
}

#[tokio::test]
async fn a_hidden_conversation_is_gone_until_it_has_a_newer_message() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let direct = ann.direct(&ben).await;
    ben.send(&direct, "memo, one").await;
    let second = ben.send(&direct, "memo, two").await;
    ann.delete_conversation(&direct).await.expect(204);
    let page = above(&ann, &direct, [1, 0]).await;
    assert_eq!((&page["gone"], &page["conversations"]), (&json!([direct]), &json!([])));
    assert_eq!(sync(&ann, json!({})).await["conversations"], json!([]));

    ben.send(&direct, "memo, three").await;
    for page in [above(&ann, &direct, [1, 0]).await, sync(&ann, json!({})).await] {
        assert_eq!((numbers(&page["messages"]), &page["gone"]), (vec![3], &json!([])));
        assert_eq!(page["conversations"][0]["hidden"], second["message_id"]);
    }
}

#[tokio::test]
async fn messages_are_shown_as_on_other_pages() {
    let app = TestApp::with_requests().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let group = ann.group(&[&ben, &cleo]).await;
    ann.send(&group, "memo, from ann").await;
    // Ben and Cleo are invited. An invitation is not new, and its name is not shown.
    assert_eq!(sync(&ben, json!({})).await["conversations"], json!([]));
    let invited = above(&ben, &group, [0, 0]).await;
    assert_eq!(
        (&invited["conversations"][0]["state"], numbers(&invited["messages"])),
        (&json!("invited"), vec![1])
    );
    assert_eq!(invited["messages"][0]["sender"]["email"], Value::Null);
    crate::consent::accept(&ben, &group).await.ok();
    assert_eq!(ids(&sync(&ben, json!({})).await["conversations"]), slice::from_ref(&group));

    let block = format!("/api/users/me/blocks/{}/", ann.id);
    ben.request(Method::PUT, &block).send().await.ok();
    let page = above(&ben, &group, [0, 0]).await;
    let shown = ben.get(&format!("/api/messages/?conversation={group}")).await.ok();
    assert_eq!(page["messages"], shown["results"]);
    assert_eq!(
        (&page["messages"][0]["masked"], body_of(&page["messages"][0])),
        (&json!(true), String::new())
    );
}

/// The change may be part of the page's conversation, or the next call returns it.
#[tokio::test]
async fn a_change_beside_the_first_page_is_not_missed() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    let gate = app.proxy.faults.hold_answer(on(BatchGet).of("META"));
    let renaming = async {
        gate.reached().await;
        let body = json!({ "name": "memo, renamed" });
        ann.patch(&format!("/api/conversations/{group}/"), body).await.ok();
        gate.release();
    };
    let (page, ()) = tokio::join!(sync(&ben, json!({})), renaming);
    let conversation = &page["conversations"][0];
    let known = [conversation["numbers"][0].as_u64().unwrap(), conversation["numbers"][1].as_u64().unwrap()];
    let changes = above(&ben, &group, known).await["changes"].clone();
    let is_seen = conversation["name"] == "memo, renamed" || changes[0]["kind"] == "conversation_updated";
    assert!(is_seen, "{page} {changes}");
}
