//! Late answers: the caller loses access between a write and its answer. The answer reports the write as done, from the
//! data that was read and written.

use axum::http::Method;
use serde_json::json;

use crate::{
    harness::{
        Answer, TestApp, User,
        call::{
            On,
            Operation::{Put, Transact, Update},
            on,
        },
        login::close_account,
        people::PASSWORD,
        race::{answered_late, behind_its_own_try, reads_its_own_try},
        user::message_path,
    },
    held::stage,
};

/// The event between a write and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meanwhile {
    /// The caller is removed from the conversation.
    Removed,
    /// The conversation is deleted.
    Deleted,
}

/// A write of Ben: the request, the call of the SDK that it makes, and the status of its answer.
struct Write {
    method: Method,
    path: String,
    body: serde_json::Value,
    call: On,
    status: u16,
}

impl Write {
    async fn send(&self, user: &User) -> Answer {
        user.request(self.method.clone(), &self.path).json(&self.body).send().await
    }
}

async fn count_of_writes(app: &TestApp, ann: &User, ben: &User) -> usize {
    let group = ann.group(&[ben]).await;
    writes(app, ann, ben, &group).await.len()
}

/// Returns a group of Ann and Ben, both owners, the path of Ben's role in it, and Ben's write of this place.
async fn write_at(app: &TestApp, ann: &User, ben: &User, place: usize) -> (String, String, Write) {
    let group = ann.group(&[ben]).await;
    let role = format!("/api/conversations/{group}/participants/{}/", ben.id);
    ann.patch(&role, json!({ "role": "owner" })).await.ok();
    let write = writes(app, ann, ben, &group).await.swap_remove(place);
    (group, role, write)
}

/// Returns every kind of write by an owner of a group with Ann.
async fn writes(app: &TestApp, ann: &User, ben: &User, group: &str) -> Vec<Write> {
    let own = format!("/api/conversations/{group}/");
    let (first, second) = (ben.send(group, "memo, one").await, ben.send(group, "memo, two").await);
    // From this position, the read mark can move forward and back.
    ben.mark_read(group, &first).await.ok();
    let new = app.user("new").await;
    let write =
        |method, path: &str, body, call, status| Write { method, path: path.to_owned(), body, call, status };
    let change = |method, path: &str, body| write(method, path, body, on(Transact), 200);
    let all = json!([ann.id, ben.id, new.id]);
    vec![
        change(Method::PATCH, &own, json!({ "name": "memo, renamed" })),
        change(Method::PATCH, &own, json!({ "metadata": { "memo": 1 } })),
        change(Method::PATCH, &own, json!({ "participants": all })),
        change(Method::PUT, &own, json!({ "participants": all, "name": "memo, put" })),
        change(Method::POST, &format!("{own}participants/"), json!({ "participants": [new.id] })),
        change(Method::PATCH, &format!("{own}participants/{}/", ben.id), json!({ "role": "member" })),
        change(Method::PATCH, &message_path(&first), json!({ "message_body": "memo, edited" })),
        change(Method::PUT, &message_path(&first), json!({ "message_body": "memo, put" })),
        write(Method::DELETE, &message_path(&first), json!({}), on(Transact), 204),
        change(Method::PUT, &format!("{}pin/", message_path(&first)), json!({})),
        change(Method::PUT, &format!("{}reactions/%F0%9F%91%8D/", message_path(&first)), json!({})),
        write(Method::DELETE, &format!("{own}participants/{}/", ann.id), json!({}), on(Transact), 204),
        write(
            Method::POST,
            "/api/messages/",
            json!({ "conversation": group, "message_body": "memo" }),
            on(Put).of("MSG#"),
            201,
        ),
        write(
            Method::PUT,
            &format!("{own}read/"),
            json!({ "message": first["message_id"], "unread": true }),
            on(Update).of("MEMBER#"),
            200,
        ),
        write(
            Method::PUT,
            &format!("{own}read/"),
            json!({ "message": second["message_id"] }),
            on(Update).of("MEMBER#"),
            200,
        ),
    ]
}

#[tokio::test]
async fn what_took_effect_is_answered_as_done() {
    let app = TestApp::new().await;
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    for meanwhile in [Meanwhile::Removed, Meanwhile::Deleted] {
        for place in 0..count_of_writes(&app, &ann, &ben).await {
            let (group, _, write) = write_at(&app, &ann, &ben, place).await;
            let lost = async {
                match meanwhile {
                    Meanwhile::Removed => admin.remove(&group, &ben).await,
                    Meanwhile::Deleted => admin.delete_conversation(&group).await,
                }
            };
            let named = format!("{} {} {}, {meanwhile:?}", write.method, write.path, write.body);
            let (answer, lost) = answered_late(&app, write.call, write.send(&ben), lost).await;
            assert_eq!((answer.status, lost.status), (write.status, 204), "{named}: {answer}");
            shows(&answer, &write, &ben);
        }
    }
}

/// Asserts that the answer shows the written data, and the caller as a participant of a changed conversation.
fn shows(answer: &Answer, write: &Write, ben: &User) {
    let shown = answer.json();
    for (name, value) in write.body.as_object().unwrap() {
        match name.as_str() {
            "name" | "metadata" | "message_body" | "role" => assert_eq!(&shown[name], value, "{answer}"),
            "participants" => {
                let ids = |user: &serde_json::Value| {
                    user.get("user_id").or(user["user"].get("user_id")).unwrap().clone()
                };
                let shown: Vec<_> = shown["participants"].as_array().unwrap().iter().map(ids).collect();
                let mut wanted = value.as_array().unwrap().clone();
                wanted.sort_by_key(ToString::to_string);
                assert_eq!(shown, wanted, "{answer}");
            }
            _ => {}
        }
    }
    if write.path.starts_with("/api/conversations/") && !shown["participant_count"].is_null() {
        let participants = shown["participants"].as_array().unwrap();
        assert!(participants.iter().any(|user| user["user_id"] == json!(ben.id)), "{answer}");
        assert_eq!(shown["participant_count"], json!(participants.len()), "{answer}");
        assert!(answer.header("etag").is_some());
    }
}

#[tokio::test]
async fn a_group_whose_creator_is_removed_at_once_is_made() {
    let app = TestApp::new().await;
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    let body = json!({ "participants": [ben.id], "name": "memo" });
    let removed = async {
        let group = ben.all("/api/conversations/").await.swap_remove(0);
        admin.remove(group["conversation_id"].as_str().unwrap(), &ann).await
    };
    let made = ann.post("/api/conversations/", body);
    let (made, removed) = answered_late(&app, on(Transact).of("META"), made, removed).await;
    removed.expect(204);
    assert_eq!(made.created()["participant_count"], 2);
}

#[tokio::test]
async fn a_profile_that_is_closed_at_once_was_changed() {
    let app = TestApp::new().await;
    let (admin, ann, ben) = (app.admin("admin").await, app.user("ann").await, app.user("ben").await);
    let changed = ann.patch("/api/users/me/", json!({ "first_name": "Memo" }));
    let (changed, closed) =
        answered_late(&app, on(Transact).of("PROFILE"), changed, close_account(&ann, PASSWORD)).await;
    closed.expect(204);
    // The answer shows the profile as it is now.
    assert_eq!(changed.ok()["first_name"], "Deleted");
    let path = format!("/api/users/{}/", ben.id);
    let changed = admin.patch(&path, json!({ "role": "host" }));
    let (changed, closed) =
        answered_late(&app, on(Transact).of("PROFILE"), changed, close_account(&ben, PASSWORD)).await;
    closed.expect(204);
    assert_eq!(changed.ok()["role"], "guest");
}

/// The SDK has given up the first attempt, but it takes effect before the request reads again. The request reads its
/// own write and answers with success. An `If-Match` header with the old tag, or a participant who is now removed, must
/// not turn this into an error.
#[tokio::test]
async fn a_change_that_reads_its_own_work_is_done() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, message) = stage(&app).await;
    let own = format!("/api/conversations/{conversation}/");
    let if_match = async |path: &str, body| {
        let tag = ann.get(path).await.header("etag").unwrap().to_owned();
        ann.request(Method::PATCH, path).header("if-match", &tag).json(&body)
    };
    let rename = if_match(&own, json!({ "name": "memo, renamed" })).await;
    assert_eq!(reads_its_own_try(&app, rename.send()).await.ok()["name"], "memo, renamed");
    let path = message_path(&message);
    let edit = if_match(&path, json!({ "message_body": "memo, edited" })).await;
    assert_eq!(reads_its_own_try(&app, edit.send()).await.ok()["message_body"], "memo, edited");
    let role = format!("{own}participants/{}/", ben.id);
    let promoted = reads_its_own_try(&app, ann.patch(&role, json!({ "role": "owner" }))).await.ok();
    assert_eq!(promoted["role"], "owner");
    let (group, others) = (app.user("cleo").await, ann.changes(&conversation, 0).await.len());
    reads_its_own_try(&app, ann.add(&conversation, &[&group])).await.ok();
    reads_its_own_try(&app, ann.delete_message(&message)).await.nothing();
    reads_its_own_try(&app, ann.remove(&conversation, &ben)).await.expect(204);
    assert_eq!(ann.changes(&conversation, 0).await.len(), others + 3, "each change took effect once");
    ann.remove(&conversation, &group).await.expect(204);
    reads_its_own_try(&app, ann.leave(&conversation)).await.expect(204);
}

/// The first try of a change took effect, and other changes came after it, before the request reads again. It is answered as
/// done and does not take effect a second time.
#[tokio::test]
async fn a_change_behind_which_others_came_is_done_once() {
    let app = TestApp::new().await;
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    for place in 0..count_of_writes(&app, &ann, &ben).await {
        let (group, role, write) = write_at(&app, &ann, &ben, place).await;
        if write.call != on(Transact) {
            continue;
        }
        let named = format!("{} {} {}", write.method, write.path, write.body);
        // Between the two tries, an admin undoes the change as far as possible, and removes its author.
        let between = async {
            let path = format!("/api/conversations/{group}/");
            let both = json!([ann.id, ben.id]);
            let undone = json!({ "name": "memo, undone", "metadata": null, "participants": both });
            admin.patch(&path, undone).await.ok();
            admin.patch(&role, json!({ "role": "owner" })).await;
            if write.path.starts_with("/api/messages/") {
                let message = write.path.split("reactions/").next().unwrap().trim_end_matches("pin/");
                admin.delete(message).await;
                admin.get(message).await.problem(404, "not_found");
            }
            admin.remove(&group, &ben).await.expect(204);
            admin.changes(&group, 0).await
        };
        let (answer, before) = behind_its_own_try(&app, write.send(&ben), between).await;
        assert_eq!(answer.status, write.status, "{named}: {answer}");
        shows(&answer, &write, &ben);
        assert_eq!(admin.changes(&group, 0).await, before, "{named} has taken effect twice");
    }
}

#[tokio::test]
async fn a_deletion_in_a_group_that_was_deleted_behind_it_is_done() {
    let app = TestApp::new().await;
    let (ann, _, group, message) = stage(&app).await;
    let admin = app.admin("admin").await;
    let closing = admin.delete_conversation(&group);
    let (deleted, closed) = behind_its_own_try(&app, ann.delete_message(&message), closing).await;
    closed.expect(204);
    deleted.expect(204);
}
