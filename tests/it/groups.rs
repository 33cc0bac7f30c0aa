//! Groups: joining, leaving and ownership; PUT and PATCH; the end of a conversation.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{TestApp, User, login::close_account, people::PASSWORD, user::id_of};

fn ids(conversation: &Value) -> Vec<String> {
    let users = conversation["participants"].as_array().unwrap();
    let mut ids: Vec<String> =
        users.iter().map(|user| user["user_id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

fn sorted(users: &[&User]) -> Vec<String> {
    let mut ids: Vec<String> = users.iter().map(|user| user.id.clone()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn the_longest_standing_member_inherits() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let conversation = ann.group(&[&ben]).await;
    ann.add(&conversation, &[&cleo]).await;
    ann.leave(&conversation).await.expect(204);
    let members = ben.all(&format!("/api/conversations/{conversation}/participants/")).await;
    let role = |user: &User| {
        let member = members.iter().find(|member| member["user"]["user_id"] == user.id.as_str());
        member.unwrap()["role"].clone()
    };
    assert_eq!((role(&ben), role(&cleo)), (json!("owner"), json!("member")));
    ben.leave(&conversation).await.expect(204);
    cleo.leave(&conversation).await.expect(204);
    for user in [&ann, &ben, &cleo] {
        user.get(&format!("/api/conversations/{conversation}/")).await.problem(404, "not_found");
        assert_eq!(user.all("/api/conversations/").await.len(), 0);
    }
    app.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_leave_at_once_and_the_count_is_right() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut others = Vec::new();
    for n in 0..8 {
        others.push(app.user(&format!("user{n}")).await);
    }
    let conversation = ann.group(&others.iter().collect::<Vec<_>>()).await;
    let answers = join_all(others[..6].iter().map(|user| user.leave(&conversation))).await;
    for (user, answer) in others.iter().zip(answers) {
        let left = if answer.is_slow_tables() { user.leave(&conversation).await } else { answer };
        left.expect(204);
    }
    assert_eq!(ann.conversation(&conversation).await["participant_count"], 3);
    app.check().await;
}

#[tokio::test]
async fn put_and_patch_set_what_they_name() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let conversation = ann.group(&[&ben]).await;
    let path = format!("/api/conversations/{conversation}/");
    let shown = ann.patch(&path, json!({ "participants": [ann.id, cleo.id] })).await.ok();
    assert_eq!(ids(&shown), sorted(&[&ann, &cleo]));
    ben.get(&path).await.problem(404, "not_found");
    let shown = ann.patch(&path, json!({ "metadata": { "memo": [1, 2.5, null] } })).await.ok();
    assert_eq!(
        (&shown["metadata"], &shown["name"]),
        (&json!({ "memo": [1, 2.5, null] }), &json!("memo, a group"))
    );
    let unchanged = ann.patch(&path, json!({})).await.ok();
    assert_eq!(unchanged, shown);
    let put = ann.put(&path, json!({ "participants": [ben.id], "name": "memo, put" })).await.ok();
    assert_eq!(ids(&put), sorted(&[&ann, &ben]), "the caller stays a participant");
    assert_eq!((&put["name"], &put["metadata"]), (&json!("memo, put"), &Value::Null));
    // A client may send back the representation that it received.
    let got = ann.get(&path).await.ok();
    let changes = ann.changes(&conversation, 0).await.len();
    assert_eq!(ids(&ann.put(&path, got.clone()).await.ok()), ids(&got));
    assert_eq!(
        ann.changes(&conversation, 0).await.len(),
        changes,
        "a request that changes nothing writes nothing"
    );
    app.check().await;
}

#[tokio::test]
async fn if_match_keeps_a_late_change_out() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let path = format!("/api/conversations/{conversation}/");
    let first = ann.get(&path).await;
    let tag = first.header("etag").expect("a conversation has an ETag").to_owned();
    let rename = |name: &str, tag: &str| {
        let request = ann.request("PATCH".parse().unwrap(), &path).json(&json!({ "name": name }));
        request.header("if-match", tag).send()
    };
    rename("memo, one", &tag).await.ok();
    rename("memo, two", &tag).await.problem(412, "precondition_failed");
    rename("memo, three", "*").await.ok();
    let message = ann.send(&conversation, "memo").await;
    let path = crate::harness::user::message_path(&message);
    let tag = ann.get(&path).await.header("etag").expect("a message has an ETag").to_owned();
    let edit = |tag: &str| {
        let request =
            ann.request("PATCH".parse().unwrap(), &path).json(&json!({ "message_body": "memo, new" }));
        request.header("if-match", tag).send()
    };
    edit(&tag).await.ok();
    edit(&tag).await.problem(412, "precondition_failed");
    let delete = ann.request("DELETE".parse().unwrap(), &path).header("if-match", &tag).send().await;
    delete.problem(412, "precondition_failed");
}

#[tokio::test]
async fn a_deleted_group_is_gone_for_everybody() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let admin = app.admin("admin").await;
    let conversation = ann.group(&[&ben]).await;
    let message = ben.send(&conversation, "memo, last").await;
    let path = format!("/api/conversations/{conversation}/");
    ben.delete(&path).await.problem(403, "permission_denied");
    ann.delete(&path).await.expect(204);
    for user in [&ann, &ben, &admin] {
        user.get(&path).await.problem(404, "not_found");
        user.get(&crate::harness::user::message_path(&message)).await.problem(404, "not_found");
        user.get(&format!("/api/messages/?conversation={conversation}")).await.problem(404, "not_found");
        user.get(&format!("{path}changes/?after=0")).await.problem(404, "not_found");
        user.get(&format!("{path}changes/?order=newest")).await.problem(404, "not_found");
        user.get(&format!("{path}participants/")).await.problem(404, "not_found");
        user.try_send(&conversation, "memo, late").await.refuses("conversation");
        user.mark_read(&conversation, &message).await.problem(404, "not_found");
        user.patch(&path, json!({ "name": "memo" })).await.problem(404, "not_found");
        user.add(&conversation, &[&admin]).await.problem(404, "not_found");
        user.delete(&path).await.problem(404, "not_found");
        assert_eq!(user.all("/api/messages/").await.len(), 0);
        assert_eq!(user.all("/api/conversations/").await.len(), 0);
    }
    ben.edit(&message, "memo, new").await.problem(404, "not_found");
    app.check().await;
}

#[tokio::test]
async fn many_participants_are_paged() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut others = Vec::new();
    for n in 0..60 {
        others.push(app.user(&format!("user{n}")).await);
    }
    let everyone: Vec<&User> = others.iter().collect();
    let conversation = ann.group(&everyone[..40]).await;
    ann.add(&conversation, &everyone[40..]).await;
    let shown = ann.conversation(&conversation).await;
    assert_eq!(shown["participant_count"], 61);
    assert_eq!(shown["participants"].as_array().unwrap().len(), 50);
    let link = shown["participants_url"].as_str().unwrap();
    let all = ann.all(&format!("{link}?limit=25")).await;
    let mut found: Vec<&str> = all.iter().map(|member| member["user"]["user_id"].as_str().unwrap()).collect();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), 61);
    let too_many = json!({ "participants": everyone[..41].iter().map(|user| &user.id).collect::<Vec<_>>() });
    ann.post("/api/conversations/", too_many).await.refuses("participants");
    let path = format!("/api/conversations/{conversation}/");
    ann.patch(&path, json!({ "participants": [ann.id] })).await.refuses("participants");
    app.check().await;
}

#[tokio::test]
async fn who_closes_the_account_leaves_more_groups_than_are_read_at_once() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    join_all((0..101).map(|_| ann.group(&[]))).await;
    ann.group(&[&ben]).await;
    close_account(&ann, PASSWORD).await.expect(204);
    let left = app.table.partition(&format!("INBOX#{}", ann.id)).await;
    assert!(left.is_empty());
}

#[tokio::test]
async fn the_inbox_pages_without_gaps() {
    let app = TestApp::new().await;
    let (mut ann, mut ben) = (app.user("ann").await, app.user("ben").await);
    let mut expected = Vec::new();
    for n in 0..9 {
        let conversation = ann.group(&[&ben]).await;
        ben.send(&conversation, &format!("memo {n}")).await;
        expected.push(conversation);
        app.advance(chrono::TimeDelta::minutes(25));
        (ann, ben) = (app.renewed(&ann), app.renewed(&ben));
    }
    expected.sort();
    for limit in [1, 2, 4, 100] {
        let inbox = ann.all(&format!("/api/conversations/?limit={limit}")).await;
        let mut found: Vec<String> = inbox.iter().map(id_of).collect();
        found.sort();
        assert_eq!(found, expected, "limit {limit}");
    }
}

#[tokio::test]
async fn all_unknown_participants_are_named() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let group = ann.group(&[&ben]).await;
    close_account(&cleo, PASSWORD).await.expect(204);
    let unknown = ["00000000-0000-4000-8000-000000000000", cleo.id.as_str()];
    let body = json!({ "participants": [unknown[0], ben.id, cleo.id] });
    let path = format!("/api/conversations/{group}/");
    for answer in [
        ann.post("/api/conversations/", body.clone()).await,
        ann.post(&format!("{path}participants/"), body.clone()).await,
        ann.patch(&path, body.clone()).await,
        ann.put(&path, body.clone()).await,
    ] {
        let problem = answer.problem(400, "invalid_request");
        let reason = problem["errors"]["participants"][0].as_str().unwrap();
        assert!(reason.starts_with("contains users that do not exist: "), "{reason}");
        assert!(unknown.iter().all(|id| reason.contains(id)) && !reason.contains(&ben.id), "{reason}");
    }
}

#[tokio::test]
async fn a_name_may_go_and_participants_may_be_objects() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let body = json!({ "participants": [{ "user_id": ben.id, "first_name": "whatever" }], "name": "memo" });
    let shown = ann.post("/api/conversations/", body).await.created();
    assert_eq!(ids(&shown), sorted(&[&ann, &ben]));
    let path = format!("/api/conversations/{}/", id_of(&shown));
    assert_eq!(ann.patch(&path, json!({ "name": null })).await.ok()["name"], Value::Null);
}
