//! Archived and muted conversations: settings of one participant, which the other participants do not notice.

mod races;

use axum::http::Method;
use serde_json::{Value, json};
use shared::ids::ConversationId;

use crate::{
    consent::inbox,
    harness::{Answer, Browser, TestApp, User, user::id_of},
    inbox::written,
};

/// The requests that change the settings.
pub const CHANGES: [(Method, &str); 4] =
    [(Method::PUT, "archive"), (Method::DELETE, "archive"), (Method::PUT, "mute"), (Method::DELETE, "mute")];

pub async fn change(user: &User, method: Method, conversation: &str, name: &str) -> Answer {
    user.request(method, &format!("/api/conversations/{conversation}/{name}/")).send().await
}

pub async fn put(user: &User, conversation: &str, name: &str) {
    change(user, Method::PUT, conversation, name).await.nothing();
}

pub async fn delete(user: &User, conversation: &str, name: &str) {
    change(user, Method::DELETE, conversation, name).await.nothing();
}

/// Returns the ids of all archived conversations of a user.
pub async fn archived(user: &User) -> Vec<String> {
    user.all("/api/conversations/?state=archived&limit=1").await.iter().map(id_of).collect()
}

async fn shown(user: &User, conversation: &str) -> (Value, Value) {
    let conversation = user.conversation(conversation).await;
    (conversation["state"].clone(), conversation["muted"].clone())
}

/// Returns two users with two groups. The first group has a message, so it is above the other one.
pub async fn stage(app: &TestApp) -> (User, User, [String; 2]) {
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let groups = [ann.group(&[&ben]).await, ann.group(&[&ben]).await];
    ben.send(&groups[0], "memo").await;
    (ann, ben, groups)
}

#[tokio::test]
async fn an_archived_conversation_comes_back_with_the_next_message_unless_it_is_muted() {
    let app = TestApp::new().await;
    let (ann, ben, [first, second]) = stage(&app).await;
    for conversation in [&first, &second, &first] {
        put(&ann, conversation, "archive").await;
    }
    assert_eq!((inbox(&ann).await, archived(&ann).await), (vec![], vec![first.clone(), second.clone()]));
    assert_eq!((inbox(&ben).await.len(), archived(&ben).await.len()), (2, 0), "a setting of one participant");
    assert_eq!(shown(&ann, &first).await, (json!("archived"), json!(false)));
    assert_eq!(shown(&ben, &first).await, (json!("active"), json!(false)));
    assert_eq!(ann.all("/api/messages/").await.len(), 1, "archived messages stay in the list of all");
    put(&ann, &second, "mute").await;
    for conversation in [&first, &second] {
        ben.send(conversation, "memo, news").await;
    }
    assert_eq!((inbox(&ann).await, archived(&ann).await), (vec![first.clone()], vec![second.clone()]));
    assert_eq!(shown(&ann, &first).await, (json!("active"), json!(false)));
    assert_eq!(shown(&ann, &second).await, (json!("archived"), json!(true)));
    assert_eq!((ann.unread(&first).await, ann.unread(&second).await), (2, 1), "unread counts stay exact");
    delete(&ann, &second, "mute").await;
    assert_eq!(inbox(&ann).await, [second.clone(), first.clone()], "it got a message while it was muted");
    put(&ann, &second, "archive").await;
    assert_eq!((inbox(&ann).await, archived(&ann).await), (vec![first.clone()], vec![second.clone()]));
    for _ in 0..2 {
        delete(&ann, &second, "archive").await;
    }
    assert_eq!((inbox(&ann).await, archived(&ann).await), (vec![second, first.clone()], vec![]));
    assert_eq!(ben.changes(&first, 0).await.len(), 0, "the other participants notice nothing");
    app.check().await;
}

#[tokio::test]
async fn muting_alone_moves_no_conversation() {
    let app = TestApp::new().await;
    let (ann, ben, groups) = stage(&app).await;
    put(&ann, &groups[0], "mute").await;
    assert_eq!((inbox(&ann).await, archived(&ann).await), (groups.to_vec(), vec![]));
    assert_eq!(ann.get("/api/conversations/?limit=1").await.ok()["results"][0]["muted"], true);
    put(&ann, &groups[0], "archive").await;
    ann.send(&groups[0], "memo, by the user").await;
    assert_eq!((archived(&ann).await, inbox(&ann).await), (vec![groups[0].clone()], vec![groups[1].clone()]));
    assert_eq!(inbox(&ben).await, groups);
    app.check().await;
}

#[tokio::test]
async fn leaving_ends_both_settings_and_hiding_keeps_them() {
    let app = TestApp::new().await;
    let (ann, ben, [group, _]) = stage(&app).await;
    let direct = ben.direct(&ann).await;
    for name in ["archive", "mute"] {
        put(&ben, &group, name).await;
        put(&ben, &direct, name).await;
    }
    ben.leave(&group).await.expect(204);
    ann.add(&group, &[&ben]).await.ok();
    assert_eq!(shown(&ben, &group).await, (json!("active"), json!(false)));
    ben.delete_conversation(&direct).await.expect(204);
    assert_eq!(archived(&ben).await, [""; 0]);
    ann.send(&direct, "memo, again").await;
    assert_eq!(archived(&ben).await, std::slice::from_ref(&direct), "it is still muted and archived");
    delete(&ben, &direct, "mute").await;
    assert_eq!(inbox(&ben).await[0], direct);
    put(&ann, &group, "archive").await;
    ann.delete_conversation(&group).await.expect(204);
    assert_eq!(archived(&ann).await, [""; 0]);
    app.check().await;
}

/// Pages of the inbox and of the archive are complete, whatever the size of the page and of the other list.
#[tokio::test]
async fn pages_of_both_lists_are_complete() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let mut lists = [vec![], vec![]];
    for n in 0..6 {
        let conversation = ann.group(&[&ben]).await;
        let list = usize::from(n % 3 > 0);
        if list == 1 {
            put(&ann, &conversation, "archive").await;
        }
        lists[list].insert(0, conversation);
    }
    for limit in [1, 20] {
        for (state, list) in ["active", "archived"].iter().zip(&lists) {
            let path = format!("/api/conversations/?state={state}&limit={limit}&messages=1");
            let found = ann.all(&path).await;
            assert!(found.iter().all(|conversation| conversation["state"] == *state), "{found:?}");
            assert_eq!(found.iter().map(id_of).collect::<Vec<_>>(), *list, "{state}, {limit}");
        }
    }
}

/// The newest 300 conversations are one window. If all of them are archived, the first page of the inbox is empty and leads
/// to the next window.
#[tokio::test]
async fn an_inbox_behind_three_hundred_archived_conversations_is_complete_and_bounded() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let all = written(&app, &ann, 155).await;
    let (newest, rest) = all.split_at(303);
    for id in newest {
        for (pk, sk) in two_items(&ann, id) {
            app.table.set(&pk, &sk, "archived_tail", json!(0)).await;
        }
    }
    let (page, cost) = app.proxy.measure(ann.get("/api/conversations/?messages=1")).await;
    let page = page.ok();
    assert_eq!(page["results"], json!([]));
    assert!(cost.requests() < 320, "{}", cost.requests());
    let last = ann.get(page["next"].as_str().unwrap()).await.ok();
    let found: Vec<String> = last["results"].as_array().unwrap().iter().map(id_of).collect();
    assert_eq!((found.as_slice(), &last["next"]), (rest, &Value::Null));
    let path = "/api/conversations/?state=archived&limit=1";
    let (archive, cost) = app.proxy.measure(ann.get(path)).await;
    assert_eq!(id_of(&archive.ok()["results"][0]), newest[0]);
    assert!(cost.requests() < 320, "{}", cost.requests());
}

/// Returns the keys of the two items that contain the settings.
fn two_items(user: &User, conversation: &str) -> [(String, String); 2] {
    let member = (format!("CONV#{conversation}"), format!("MEMBER#{}", user.id));
    let entry = (format!("INBOX#{}", user.id), format!("CONV#{conversation}"));
    [member, entry]
}

/// A message that the user has not seen brings the conversation back, also if the server has it already.
#[tokio::test]
async fn archiving_after_a_message_leaves_out_what_came_later() {
    let app = TestApp::new().await;
    let (ann, ben, [group, other]) = stage(&app).await;
    let archive = async |conversation: &str, after: &str| {
        let path = format!("/api/conversations/{conversation}/archive/?after={after}");
        ann.request(Method::PUT, &path).send().await
    };
    let id = |message: Value| message["message_id"].as_str().unwrap().to_owned();
    let seen = id(ben.send(&group, "memo, seen").await);
    archive(&group, &seen).await.nothing();
    assert_eq!(archived(&ann).await, std::slice::from_ref(&group));
    let unseen = id(ben.send(&group, "memo, not seen").await);
    let before = app.table.items().await;
    archive(&group, &seen).await.nothing();
    assert_eq!(archived(&ann).await, [""; 0], "a repetition does not archive the message since");
    archive(&other, &unseen).await.refuses("after");
    let next = group.parse::<ConversationId>().unwrap().message(4).to_string();
    archive(&group, &next).await.refuses("after");
    assert_eq!(app.table.items().await, before);
    archive(&group, &unseen).await.nothing();
    assert_eq!(archived(&ann).await, [group]);
    app.check().await;
}

/// Whatever messages it gets, a muted conversation stays archived, so a page of the inbox reads none of them.
#[tokio::test]
async fn a_muted_conversation_in_the_archive_costs_the_inbox_no_request() {
    let app = TestApp::new().await;
    let (ann, _, [first, second]) = stage(&app).await;
    let (_, both) = app.proxy.measure(ann.get("/api/conversations/")).await;
    put(&ann, &second, "archive").await;
    put(&ann, &second, "mute").await;
    let (page, one) = app.proxy.measure(ann.get("/api/conversations/")).await;
    assert_eq!(id_of(&page.ok()["results"][0]), first);
    assert_eq!(one.requests(), both.requests() - 1, "{one:?}");
    let (page, archive) = app.proxy.measure(ann.get("/api/conversations/?state=archived")).await;
    assert_eq!(id_of(&page.ok()["results"][0]), second);
    assert_eq!(archive.requests(), one.requests(), "{archive:?}");
}

#[tokio::test]
async fn only_an_accepted_participant_of_an_open_conversation_changes_the_settings() {
    let app = TestApp::with_requests().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    let before = app.table.items().await;
    for (method, name) in CHANGES {
        change(&ben, method.clone(), &group, name).await.problem(403, "not_accepted");
        let path = format!("/api/conversations/{group}/{name}/");
        ann.request(method.clone(), &format!("{path}?x=1")).send().await.refuses("x");
        ann.request(method, &path)
            .header("if-match", "\"7\"")
            .send()
            .await
            .problem(412, "precondition_failed");
    }
    assert_eq!(app.table.items().await, before);
    let member = app.table.get(&format!("CONV#{group}"), &format!("MEMBER#{}", ann.id)).await.unwrap();
    ann.delete_conversation(&group).await.expect(204);
    // A deletion that was interrupted leaves the membership.
    app.table.put(&member.into()).await;
    for (method, name) in CHANGES {
        change(&ann, method, &group, name).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn the_pages_have_forms_to_archive_and_to_mute() {
    let app = TestApp::new().await;
    let (ann, _, [first, second]) = stage(&app).await;
    let browser = Browser::of(&ann).await;
    for (name, attribute) in [("archive", json!("archived")), ("mute", json!(true))] {
        let path = format!("/api/conversations/{first}/{name}/");
        let page = browser.get(&path).await.expect(405).text();
        for method in ["PUT", "DELETE"] {
            assert!(page.contains(&format!(r#"data-method="{method}""#)), "{page}");
        }
        browser.script(Method::PUT, &path, &[]).await.expect(200);
        let (state, muted) = shown(&ann, &first).await;
        assert!(state == attribute || muted == attribute, "{name}");
    }
    let page = browser.get("/api/conversations/?state=archived").await.expect(200).text();
    assert!(page.contains(&first) && !page.contains(&second), "{page}");
}
