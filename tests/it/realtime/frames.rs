//! The frames of clients: `typing` reaches the other participants, `read` sets the read mark, and every other message gets a
//! frame `error`.

use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::realtime::event::SocketEventKind;

use super::{codes, id};
use crate::{
    consent::accept,
    harness::{
        TestApp,
        call::{Operation::Update, on},
        posts::{Sockets, ticket},
        race::held,
    },
};

#[tokio::test]
async fn typing_reaches_the_other_participants_who_have_accepted() {
    let app = TestApp::lagging_with_requests().await;
    app.freeze();
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let (cleo, dan, eve) = (app.user("cleo").await, app.user("dan").await, app.user("eve").await);
    let group = ann.group(&[&ben, &cleo, &dan]).await;
    for user in [&ben, &cleo] {
        accept(user, &group).await.ok();
    }
    let sockets = Sockets::new(&app).await;
    let (here, there) = (sockets.connect(&ann).await, sockets.connect(&ann).await);
    let reached = [sockets.connect(&ben).await, sockets.connect(&ben).await, sockets.connect(&cleo).await];
    let not_ready = sockets.id();
    assert_eq!(sockets.open(&not_ready, &ticket(&cleo).await, None).await, 200);
    let others = [there.clone(), sockets.connect(&dan).await, sockets.connect(&eve).await, not_ready];
    assert_eq!(sockets.typing(&here, &group).await, Vec::<Value>::new());
    let frame = json!({ "type": "typing", "conversation": group, "user": ann.id, "expires_in": 6 });
    for connection in &reached {
        assert_eq!(sockets.posts.of(connection), std::slice::from_ref(&frame));
    }
    for connection in &others {
        assert_eq!(sockets.posts.of(connection), Vec::<Value>::new());
    }
    // A user who has blocked the writer does not notice it.
    app.advance(TimeDelta::seconds(2));
    cleo.request("PUT".parse().unwrap(), &format!("/api/users/me/blocks/{}/", ann.id)).send().await.ok();
    sockets.typing(&here, &group).await;
    assert_eq!(reached.iter().map(|one| sockets.posts.of(one).len()).collect::<Vec<_>>(), [1, 1, 0]);
    app.check().await;
}

#[tokio::test]
async fn typing_of_a_connection_is_passed_on_every_two_seconds() {
    let app = TestApp::new().await;
    app.freeze();
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    let sockets = Sockets::new(&app).await;
    let (here, there, ben) =
        (sockets.connect(&ann).await, sockets.connect(&ann).await, sockets.connect(&ben).await);
    for (wait, connection, frames) in
        [(0, &here, 1), (1, &here, 0), (0, &there, 1), (1, &here, 1), (0, &here, 0)]
    {
        app.advance(TimeDelta::seconds(wait));
        assert_eq!(sockets.typing(connection, &group).await, Vec::<Value>::new());
        assert_eq!(sockets.posts.of(&ben).len(), frames);
    }
}

#[tokio::test]
async fn typing_makes_no_connection_that_has_ended_meanwhile() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (group, sockets) = (ann.group(&[]).await, Sockets::new(&app).await);
    let here = sockets.connect(&ann).await;
    let late = sockets.typing(&here, &group);
    let end = sockets.event(&here, SocketEventKind::Disconnect);
    held(&app, on(Update).of("LINK#"), late, end).await;
    assert_eq!(super::leftovers(&app).await, [""; 0]);
}

#[tokio::test]
async fn a_connection_that_gets_no_frame_delays_nobody_and_one_that_is_gone_is_forgotten() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    let sockets = Sockets::new(&app).await;
    let (here, gone) = (sockets.connect(&ann).await, sockets.connect(&ben).await);
    let (broken, well) = (sockets.connect(&ben).await, sockets.connect(&ben).await);
    sockets.posts.lose(&gone);
    sockets.posts.break_down(&broken);
    sockets.typing(&here, &group).await;
    assert_eq!(sockets.posts.of(&well).len(), 1);
    let links = sockets.realtime.app.store.links_of(id(&ben)).await.unwrap();
    let mut left: Vec<_> = links.into_iter().map(|link| link.connection).collect();
    let mut expected = vec![broken, well];
    left.sort();
    expected.sort();
    assert_eq!(left, expected);
    // The same for the connection of the client itself.
    sockets.posts.lose(&here);
    sockets.ping(&here).await;
    assert!(sockets.realtime.app.store.links_of(id(&ann)).await.unwrap().is_empty());
}

#[tokio::test]
async fn reading_sets_the_read_mark() {
    let app = TestApp::with_requests().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let group = ann.group(&[&ben]).await;
    let sockets = Sockets::new(&app).await;
    let here = sockets.connect(&ben).await;
    for _ in 0..3 {
        ann.send(&group, "memo").await;
    }
    assert_eq!(codes(&sockets.read(&here, &group, 2).await), ["not_accepted"]);
    accept(&ben, &group).await.ok();
    assert_eq!(ben.unread(&group).await, 3);
    for (number, unread) in [(2, 1), (1, 1), (3, 0)] {
        assert_eq!(sockets.read(&here, &group, number).await, Vec::<Value>::new());
        assert_eq!(ben.unread(&group).await, unread);
    }
    assert_eq!(codes(&sockets.read(&here, &group, 4).await), ["invalid_request"]);
    let stranger = sockets.connect(&cleo).await;
    let missing = "01010101-0101-8010-8404-040000000000";
    for conversation in [group.as_str(), missing] {
        let answers =
            [sockets.read(&stranger, conversation, 1).await, sockets.typing(&stranger, conversation).await];
        let expected = json!({ "type": "error", "code": "not_found", "detail": "Not found, or you do not have access." });
        assert_eq!(answers, [[expected.clone()], [expected]], "a stranger learns nothing");
    }
    app.check().await;
}

#[tokio::test]
async fn a_faulty_frame_is_answered_and_the_connection_stays() {
    let app = TestApp::new().await;
    let (ann, sockets) = (app.user("ann").await, Sockets::new(&app).await);
    let here = sockets.connect(&ann).await;
    for (text, code) in [
        (None, "malformed_body"),
        (Some("memo"), "malformed_body"),
        (Some("[]"), "malformed_body"),
        (Some("{}"), "invalid_request"),
        (Some(r#"{"type":"memo"}"#), "invalid_request"),
        (Some(r#"{"type":"ping","more":1}"#), "invalid_request"),
        (Some(r#"{"type":"ping","type":"ping"}"#), "invalid_request"),
        (Some(r#"{"type":"read","conversation":"memo"}"#), "invalid_request"),
        (Some(r#"{"type":"typing","conversation":7}"#), "invalid_request"),
    ] {
        sockets.event(&here, SocketEventKind::Message(text.map(str::to_owned))).await;
        let frames = sockets.posts.of(&here);
        assert_eq!(codes(&frames), [code], "{text:?}: {frames:?}");
    }
    assert_eq!(sockets.ping(&here).await, [json!({ "type": "pong" })]);
}
