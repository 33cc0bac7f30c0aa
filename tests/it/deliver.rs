//! The function `deliver`: the frames that participants get, and those that nobody gets. The stream is made from the table
//! (`harness/pushes`).

mod cleanup;
mod connections;
mod faults;
mod order;
mod presence;
mod stale;
mod sweep;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{TestApp, User, pushes::Live, user::message_path};

/// An application with three users and a group of them. Each user has a connection.
struct Talk {
    app: TestApp,
    live: Live,
    ann: User,
    ben: User,
    cleo: User,
    group: String,
    /// The connections of the users.
    to_ann: String,
    to_ben: String,
    to_cleo: String,
}

impl Talk {
    async fn new() -> Self {
        Self::of(TestApp::new().await).await
    }

    async fn of(app: TestApp) -> Self {
        let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
        let group = ann.group(&[&ben, &cleo]).await;
        let live = Live::new(&app).await;
        let (to_ann, to_ben, to_cleo) =
            (live.connect(&ann).await, live.connect(&ben).await, live.connect(&cleo).await);
        Self { app, live, ann, ben, cleo, group, to_ann, to_ben, to_cleo }
    }
}

#[tokio::test]
async fn each_participant_gets_a_new_message_as_the_api_gives_it() {
    let talk = Talk::new().await;
    let message = talk.ann.send(&talk.group, "memo, \"hello\" \u{1f600}").await;
    talk.live.pump().await;
    for (user, connection) in
        [(&talk.ann, &talk.to_ann), (&talk.ben, &talk.to_ben), (&talk.cleo, &talk.to_cleo)]
    {
        let frames = talk.live.frames(connection);
        let read = user.get(&message_path(&message)).await.ok();
        let expected = json!({
            "type": "message.created", "conversation": talk.group, "number": 1, "message": read,
        });
        assert_eq!(frames, [expected], "{}", user.name);
    }
    talk.live.pump().await;
    assert_eq!(talk.live.types(&talk.to_ben), Vec::<String>::new(), "the same message again");
}

#[tokio::test]
async fn all_frames_of_a_batch_for_one_connection_are_one_message() {
    let talk = Talk::new().await;
    let other = talk.ann.direct(&talk.ben).await;
    talk.live.skip().await;
    for n in 0..3 {
        talk.ann.send(&talk.group, &format!("memo {n}")).await;
    }
    talk.ann.send(&other, "memo, you").await;
    talk.live.pump().await;
    let to_ben = talk.live.messages(&talk.to_ben);
    assert_eq!((to_ben.len(), to_ben[0].as_array().unwrap().len()), (1, 4), "{to_ben:?}");
    let numbers = |frames: &[Value]| -> Vec<u64> {
        let here = frames.iter().filter(|frame| frame["conversation"] == talk.group.as_str());
        here.map(|frame| frame["number"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(to_ben[0].as_array().unwrap()), [1, 2, 3]);
    assert_eq!(numbers(&talk.live.frames(&talk.to_cleo)), [1, 2, 3]);
}

#[tokio::test]
async fn changes_come_with_their_number_and_the_present_message() {
    let talk = Talk::new().await;
    let message = talk.ann.send(&talk.group, "memo").await;
    talk.live.skip().await;
    talk.ann.edit(&message, "memo, edited").await.ok();
    talk.live.pump().await;
    let frames = talk.live.frames(&talk.to_ben);
    let [edited] = &*frames else { panic!("{frames:?}") };
    assert_eq!(
        (&edited["type"], &edited["change"]["kind"]),
        (&json!("message.changed"), &json!("message_edited"))
    );
    assert_eq!(edited["message"], talk.ben.get(&message_path(&message)).await.ok());
    let number = edited["number"].as_u64().unwrap();

    talk.ann.delete_message(&message).await.nothing();
    talk.live.pump().await;
    let frames = talk.live.frames(&talk.to_ben);
    assert_eq!((&frames[0]["message"], &frames[0]["number"]), (&Value::Null, &json!(number + 1)));

    talk.live.frames(&talk.to_cleo);
    talk.ann.patch(&format!("/api/conversations/{}/", talk.group), json!({ "name": "memo, new" })).await.ok();
    talk.ann.remove(&talk.group, &talk.cleo).await.expect(204);
    talk.live.pump().await;
    let frames = talk.live.frames(&talk.to_ben);
    let kinds: Vec<Value> = frames.iter().map(|frame| json!([frame["type"], frame["number"]])).collect();
    assert_eq!(
        kinds,
        [json!(["conversation.changed", number + 2]), json!(["participant.changed", number + 3])]
    );
    assert_eq!(talk.live.types(&talk.to_cleo), Vec::<String>::new(), "a removed participant");
}

#[tokio::test]
async fn nobody_gets_a_text_that_is_edited_or_deleted() {
    let talk = Talk::new().await;
    let message = talk.ann.send(&talk.group, "memo, secret").await;
    talk.ann.edit(&message, "memo, edited").await.ok();
    let deleted = talk.ann.send(&talk.group, "memo, secret").await;
    talk.ann.delete_message(&deleted).await.nothing();
    talk.live.pump().await;
    let frames = talk.live.frames(&talk.to_ben);
    let created = |number: u64| {
        let is_it = |frame: &&Value| frame["type"] == "message.created" && frame["number"] == number;
        frames.iter().find(is_it).unwrap()["message"].clone()
    };
    assert_eq!(created(1), talk.ben.get(&message_path(&message)).await.ok());
    assert_eq!((&created(2)["message_body"], created(2)["deleted_at"].is_string()), (&json!(""), true));
}

#[tokio::test]
async fn a_reply_is_in_the_list_of_its_thread() {
    let talk = Talk::new().await;
    let root = talk.ann.send(&talk.group, "memo").await;
    let reply = json!({
        "conversation": talk.group, "message_body": "memo, reply", "reply_to": root["message_id"],
    });
    let reply = talk.ben.post("/api/messages/", reply).await.created();
    talk.live.pump().await;
    let thread = format!("/api/messages/?thread={}", root["message_id"].as_str().unwrap());
    let page = talk.cleo.get(&thread).await.ok();
    assert_eq!(page["results"][0]["message_id"], reply["message_id"], "{page}");
}

#[tokio::test]
async fn a_removed_participant_gets_nothing_that_was_sent_before() {
    let talk = Talk::new().await;
    talk.ann.send(&talk.group, "memo, secret").await;
    talk.ann.remove(&talk.group, &talk.cleo).await.expect(204);
    talk.live.pump().await;
    assert_eq!(talk.live.types(&talk.to_cleo), Vec::<String>::new());
    assert!(!talk.live.types(&talk.to_ben).is_empty());
}

#[tokio::test]
async fn a_read_mark_comes_to_all_participants_and_to_other_devices() {
    let talk = Talk::new().await;
    let message = talk.ann.send(&talk.group, "memo").await;
    talk.live.skip().await;
    talk.ben.mark_read(&talk.group, &message).await.ok();
    talk.live.pump().await;
    let expected = json!({ "type": "read", "conversation": talk.group, "user": talk.ben.id, "number": 1 });
    for connection in [&talk.to_ann, &talk.to_ben, &talk.to_cleo] {
        assert_eq!(talk.live.frames(connection), std::slice::from_ref(&expected));
    }
}

#[tokio::test]
async fn nothing_is_pushed_to_an_invited_user_until_the_user_accepts() {
    let app = TestApp::with_requests().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    let live = Live::new(&app).await;
    let (to_ann, to_ben) = (live.connect(&ann).await, live.connect(&ben).await);
    ann.send(&group, "memo, hello").await;
    live.pump().await;
    assert_eq!(live.types(&to_ann), ["message.created"]);
    assert_eq!(live.types(&to_ben), Vec::<String>::new());
    ben.post(&format!("/api/conversations/{group}/accept/"), json!({})).await;
    live.pump().await;
    assert_eq!(live.types(&to_ben), ["participant.changed"]);
    ann.send(&group, "memo, welcome").await;
    live.pump().await;
    assert_eq!(live.types(&to_ben), ["message.created"]);
}

#[tokio::test]
async fn nothing_of_a_blocked_user_is_pushed() {
    let talk = Talk::new().await;
    let path = format!("/api/users/me/blocks/{}/", talk.ann.id);
    talk.ben.put(&path, json!({})).await;
    let message = talk.ann.send(&talk.group, "memo, spam").await;
    talk.live.pump().await;
    talk.ann.edit(&message, "memo, spam again").await.ok();
    talk.live.pump().await;
    assert_eq!(talk.live.types(&talk.to_ben), Vec::<String>::new());
    assert_eq!(talk.live.types(&talk.to_cleo), ["message.created", "message.changed"]);
    talk.cleo.send(&talk.group, "memo, hello").await;
    talk.live.pump().await;
    assert_eq!(talk.live.frames(&talk.to_ben)[0]["number"], 2);
}

#[tokio::test]
async fn nothing_at_or_below_the_base_is_pushed() {
    let talk = Talk::new().await;
    let direct = talk.ann.direct(&talk.ben).await;
    talk.live.skip().await;
    let message = talk.ann.send(&direct, "memo, one").await;
    talk.ben.delete_conversation(&direct).await.expect(204);
    talk.live.pump().await;
    assert_eq!(talk.live.types(&talk.to_ben), Vec::<String>::new(), "hidden before it was pushed");
    talk.ann.edit(&message, "memo, edited").await.ok();
    talk.live.pump().await;
    let frames = talk.live.frames(&talk.to_ben);
    assert_eq!((&frames[0]["type"], &frames[0]["message"]), (&json!("message.changed"), &Value::Null));
    talk.ann.send(&direct, "memo, two").await;
    talk.live.pump().await;
    assert_eq!(talk.live.frames(&talk.to_ben)[0]["number"], 2);
}

#[tokio::test]
async fn contact_details_in_frames_follow_the_membership_of_the_sender() {
    let talk = Talk::new().await;
    talk.ann.send(&talk.group, "memo").await;
    talk.live.pump().await;
    assert_eq!(talk.live.frames(&talk.to_ben)[0]["message"]["sender"]["email"], talk.ann.email.as_str());
    let message = talk.cleo.send(&talk.group, "memo").await;
    talk.cleo.leave(&talk.group).await.expect(204);
    talk.live.pump().await;
    let frames = talk.live.frames(&talk.to_ben);
    let sent = frames.iter().find(|frame| frame["type"] == "message.created").unwrap();
    assert_eq!(sent["message"], talk.ben.get(&message_path(&message)).await.ok());
    assert_eq!(sent["message"]["sender"]["email"], Value::Null);
}

#[tokio::test]
async fn a_participant_is_told_that_the_conversation_was_deleted() {
    let talk = Talk::new().await;
    talk.ann.remove(&talk.group, &talk.cleo).await.expect(204);
    let mut records = talk.live.records().await;
    talk.app.advance(TimeDelta::seconds(2));
    talk.ann.delete_conversation(&talk.group).await.expect(204);
    records.extend(talk.live.records().await);
    assert_eq!(talk.live.handle(&records).await, Vec::<String>::new());
    let expected = json!({
        "type": "conversation.changed", "conversation": talk.group, "number": null, "change": null,
        "deleted": true,
    });
    for connection in [&talk.to_ann, &talk.to_ben] {
        assert_eq!(talk.live.frames(connection), std::slice::from_ref(&expected));
    }
    assert_eq!(talk.live.types(&talk.to_cleo), Vec::<String>::new(), "removed before");
}
