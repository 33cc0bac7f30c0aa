//! Presence: who is told that a user has come online or gone offline.

use chrono::TimeDelta;
use serde_json::json;

use super::Talk;
use crate::harness::{TestApp, pushes::Live};

#[tokio::test]
async fn participants_are_told_when_a_user_comes_and_goes() {
    let talk = Talk::new().await;
    let dan = talk.app.user("dan").await;
    talk.ann.add(&talk.group, &[&dan]).await.ok();
    talk.live.skip().await;
    let to_dan = talk.live.begin(&dan).await;
    talk.live.pump().await;
    let online = json!({ "type": "presence", "user": dan.id, "online": true, "expires_in": 7200 });
    assert_eq!(talk.live.frames(&talk.to_ben), std::slice::from_ref(&online));
    assert_eq!(talk.live.types(&to_dan), ["ready"]);
    // Another connection of the same user.
    let second = talk.live.begin(&dan).await;
    talk.live.pump().await;
    talk.app.table.remove(&format!("LINKS#{}", dan.id), &format!("LINK#{second}")).await;
    talk.live.pump().await;
    assert_eq!(talk.live.types(&talk.to_ben), Vec::<String>::new());
    talk.app.table.remove(&format!("LINKS#{}", dan.id), &format!("LINK#{to_dan}")).await;
    talk.live.pump().await;
    let offline = json!({ "type": "presence", "user": dan.id, "online": false, "expires_in": 0 });
    assert_eq!(talk.live.frames(&talk.to_ben), [offline]);
    talk.live.begin(&dan).await;
    talk.live.pump().await;
    assert_eq!(talk.live.types(&talk.to_ben), Vec::<String>::new(), "once a minute");
    talk.app.advance(TimeDelta::minutes(1));
    talk.live.begin(&dan).await;
    talk.live.pump().await;
    assert_eq!(talk.live.frames(&talk.to_ben), [online]);
}

#[tokio::test]
async fn neither_a_blocked_user_nor_a_blocking_one_is_told() {
    let talk = Talk::new().await;
    let dan = talk.app.user("dan").await;
    talk.ann.add(&talk.group, &[&dan]).await.ok();
    dan.put(&format!("/api/users/me/blocks/{}/", talk.ben.id), json!({})).await;
    talk.cleo.put(&format!("/api/users/me/blocks/{}/", dan.id), json!({})).await;
    talk.live.skip().await;
    talk.live.begin(&dan).await;
    talk.live.pump().await;
    let told =
        [&talk.to_ann, &talk.to_ben, &talk.to_cleo].map(|connection| talk.live.types(connection).len());
    assert_eq!(told, [1, 0, 0]);
}

#[tokio::test]
async fn an_invitation_tells_nobody_about_the_other() {
    let app = TestApp::with_requests().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    ann.group(&[&ben]).await;
    let live = Live::new(&app).await;
    let (to_ann, to_ben) = (live.begin(&ann).await, live.begin(&ben).await);
    live.pump().await;
    assert_eq!(
        (live.types(&to_ann), live.types(&to_ben)),
        (vec!["ready".to_owned()], vec!["ready".to_owned()])
    );
}
