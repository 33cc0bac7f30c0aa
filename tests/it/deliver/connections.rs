//! The connections themselves: the first frame, connections that are gone, slow or broken, and those that are closed.

use chrono::TimeDelta;
use serde_json::json;
use tokio::sync::watch;

use super::Talk;
use crate::harness::pushes::Behaviour;

#[tokio::test]
async fn the_first_frame_of_a_connection_is_ready() {
    let talk = Talk::new().await;
    let new = talk.live.begin(&talk.ben).await;
    talk.live.pump().await;
    assert_eq!(talk.live.messages(&new), [json!({ "type": "ready" })]);
    assert!(talk.live.links(&talk.ben).await.iter().all(|link| link.is_ready));
    talk.ann.send(&talk.group, "memo").await;
    talk.live.pump().await;
    assert_eq!(talk.live.types(&new), ["message.created"]);
}

#[tokio::test]
async fn a_frame_that_comes_before_ready_comes_behind_it() {
    let talk = Talk::new().await;
    let new = talk.live.begin(&talk.ben).await;
    talk.live.skip().await;
    talk.ann.send(&talk.group, "memo").await;
    talk.live.pump().await;
    assert_eq!(talk.live.types(&new), ["ready", "message.created"]);
    assert_eq!(talk.live.types(&talk.to_ben), ["message.created"]);
}

#[tokio::test]
async fn a_connection_that_is_not_yet_made_gets_ready_as_soon_as_it_is() {
    let talk = Talk::new().await;
    let new = talk.live.begin(&talk.ben).await;
    talk.live.wire.set(&new, Behaviour::GoneFor(2));
    talk.ann.send(&talk.group, "memo").await;
    talk.live.pump().await;
    assert_eq!(talk.live.types(&new), ["ready"], "the message was written before, so `sync` returns it");
    assert_eq!(talk.live.links(&talk.ben).await.len(), 2);
}

#[tokio::test]
async fn a_connection_that_is_gone_is_forgotten() {
    let talk = Talk::new().await;
    talk.live.wire.set(&talk.to_ben, Behaviour::GoneFor(usize::MAX));
    talk.live.put_link(&talk.cleo, "old=", TimeDelta::seconds(11)).await;
    talk.live.wire.set("old=", Behaviour::GoneFor(usize::MAX));
    talk.ann.send(&talk.group, "memo").await;
    talk.live.pump().await;
    assert_eq!(talk.live.links(&talk.ben).await.len(), 0, "it was ready, so it is not a new one");
    assert_eq!(talk.live.links(&talk.cleo).await.len(), 1, "it is older than 10 s");
    assert_eq!(talk.live.closed(), Vec::<String>::new());
}

#[tokio::test]
async fn a_connection_that_misses_a_frame_is_closed() {
    let talk = Talk::new().await;
    talk.live.wire.set(&talk.to_ben, Behaviour::Broken);
    talk.ann.send(&talk.group, "memo").await;
    talk.live.pump().await;
    assert_eq!(talk.live.closed().join(" "), talk.to_ben);
    assert_eq!(talk.live.links(&talk.ben).await.len(), 0, "deleted even though the closing has failed");
    assert_eq!(talk.live.types(&talk.to_cleo), ["message.created"]);
}

#[tokio::test]
async fn a_slow_connection_delays_no_other() {
    let talk = Talk::new().await;
    let (gate, closed) = watch::channel(false);
    talk.live.wire.set(&talk.to_ann, Behaviour::Slow(closed));
    talk.ann.send(&talk.group, "memo").await;
    let arrives = async {
        while talk.live.types(&talk.to_cleo).is_empty() || talk.live.types(&talk.to_ben).is_empty() {
            tokio::task::yield_now().await;
        }
        gate.send(true).unwrap();
    };
    tokio::join!(talk.live.pump(), arrives);
    assert_eq!(talk.live.types(&talk.to_ann), ["message.created"]);
}

#[tokio::test]
async fn the_connections_of_an_ended_session_are_closed() {
    let talk = Talk::new().await;
    let session = format!("/api/users/me/sessions/{}/", talk.ben.id);
    talk.ben.delete(&session).await.expect(204);
    talk.ann.send(&talk.group, "memo").await;
    talk.live.pump().await;
    assert_eq!(talk.live.closed().join(" "), talk.to_ben);
    assert_eq!(talk.live.types(&talk.to_ben), Vec::<String>::new(), "not even what came in the same batch");
    assert_eq!(talk.live.links(&talk.ben).await.len(), 0);
    assert_eq!(talk.live.types(&talk.to_cleo), ["message.created"]);
}

#[tokio::test]
async fn the_connections_of_a_suspended_user_are_closed() {
    let talk = Talk::new().await;
    let admin = talk.app.admin("admin").await;
    talk.live.skip().await;
    admin.patch(&format!("/api/users/{}/", talk.ben.id), json!({ "suspended": true })).await.ok();
    let profile = talk.live.records().await;
    let profile: Vec<_> =
        profile.into_iter().filter(|record| record["dynamodb"]["Keys"]["sk"]["S"] == "PROFILE").collect();
    assert_eq!(talk.live.handle(&profile).await, Vec::<String>::new());
    assert_eq!(talk.live.closed().join(" "), talk.to_ben);
}

#[tokio::test]
async fn a_changed_password_closes_older_connections() {
    let talk = Talk::new().await;
    let pk = format!("USER#{}", talk.ben.id);
    talk.app.table.set(&pk, "PROFILE", "credential_version", json!(2)).await;
    talk.live.put_link(&talk.ben, "new=", TimeDelta::zero()).await;
    talk.app.table.set(&format!("LINKS#{}", talk.ben.id), "LINK#new=", "credential_version", json!(2)).await;
    talk.live.pump().await;
    assert_eq!(talk.live.closed().join(" "), talk.to_ben);
    assert_eq!(talk.live.types("new="), ["ready"]);
}

#[tokio::test]
async fn another_name_closes_nothing() {
    let talk = Talk::new().await;
    talk.ben.patch("/api/users/me/", json!({ "first_name": "Memo" })).await.ok();
    talk.live.pump().await;
    assert_eq!(talk.live.closed(), Vec::<String>::new());
}

#[tokio::test]
async fn the_oldest_of_too_many_connections_are_closed() {
    let talk = Talk::new().await;
    for n in 0..50 {
        talk.live.put_link(&talk.ben, &format!("many{n}="), TimeDelta::seconds(n)).await;
    }
    talk.live.skip().await;
    let new = talk.live.begin(&talk.ben).await;
    talk.live.pump().await;
    // The connections of the stage and of this test are younger than `many48=` and `many49=`.
    assert_eq!(talk.live.closed(), ["many48=", "many49="]);
    assert_eq!(
        (talk.live.types(&new), talk.live.links(&talk.ben).await.len()),
        (vec!["ready".to_owned()], 50)
    );
}

#[tokio::test]
async fn an_expired_link_gets_nothing() {
    let talk = Talk::new().await;
    let (pk, sk) = (format!("LINKS#{}", talk.ben.id), format!("LINK#{}", talk.to_ben));
    talk.app.table.set(&pk, &sk, "expires_at", json!(1)).await;
    talk.ann.send(&talk.group, "memo").await;
    talk.live.pump().await;
    assert_eq!(talk.live.types(&talk.to_ben), Vec::<String>::new());
}
