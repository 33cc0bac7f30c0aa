//! The keys that sign tokens: a key is published before its first use, and its successor sets its end.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::json;

use shared::{App, auth::Signer, model::user::Role};

use crate::harness::{
    TestApp, User,
    app::SIGNING_SEED,
    call::{
        Operation::{Put, Update},
        on,
    },
    people::People,
    race::held,
};

#[tokio::test]
async fn keys_are_published_and_those_that_ended_do_not_verify() {
    let app = TestApp::new().await;
    let keys = app.get("/.well-known/jwks.json").send().await.ok();
    let keys = keys["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == app.people.signer.kid()).unwrap();
    assert_eq!((&key["kty"], &key["crv"], &key["alg"]), (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA")));
    assert!(key.get("d").is_none(), "the private half is not published");
    let ann = app.user("ann").await;
    ann.get("/api/users/me/").await.ok();
    // A successor is published, and the older key ends half an hour later.
    let now = app.app.clock.now();
    let next = Signer::from_seed([8; 32]);
    let until = now + TimeDelta::minutes(30);
    app.app.store.publish_signing_key(next.kid(), next.public_x(), now, until).await.unwrap();
    app.advance(TimeDelta::minutes(29));
    let ann = app.renewed(&ann);
    ann.get("/api/users/me/").await.ok();
    app.advance(TimeDelta::minutes(6));
    let ann = app.renewed(&ann);
    ann.get("/api/users/me/").await.problem(401, "token_not_valid");
    let new = crate::harness::people::People { signer: std::sync::Arc::new(next), ..app.people.clone() };
    let token = new.token(ann.id.parse().unwrap(), shared::model::user::Role::Guest);
    User { token, ..ann }.get("/api/users/me/").await.ok();
}

#[tokio::test]
async fn an_end_of_a_key_is_not_lifted_by_a_process_of_the_old_release() {
    let app = TestApp::new().await;
    let old = app.people.signer.clone();
    let next = Signer::from_seed([8; 32]);
    let now = app.app.clock.now() + TimeDelta::seconds(1);
    let store = &app.app.store;
    let until = now + TimeDelta::days(30);
    store.publish_signing_key(next.kid(), next.public_x(), now, until).await.unwrap();
    let end =
        async || app.table.get("KEYS", &format!("KEY#{}", old.kid())).await.unwrap()["not_after"].clone();
    assert_eq!(end().await, until.timestamp_micros());
    // A process of the old release starts late and publishes its key again. Then a second process of the new release
    // starts.
    let later = now + TimeDelta::days(1);
    store.publish_signing_key(old.kid(), old.public_x(), later, later + TimeDelta::days(30)).await.unwrap();
    store.publish_signing_key(next.kid(), next.public_x(), later, later + TimeDelta::days(30)).await.unwrap();
    assert_eq!(end().await, until.timestamp_micros());
    let standing = app.table.get("KEYS", &format!("KEY#{}", next.kid())).await.unwrap();
    assert!(!standing.contains_key("not_after"), "the present key has no end: {standing:?}");
}

/// A process reads the keys and does not find its own. Before its write, another process publishes this key and its
/// successor. The late write must not remove the end of the key.
#[tokio::test]
async fn an_end_of_a_key_is_not_lifted_by_a_process_that_read_before() {
    let app = TestApp::new().await;
    let old = Signer::from_seed([6; 32]);
    let now = app.app.clock.now() + TimeDelta::seconds(1);
    let until = now + TimeDelta::days(30);
    let publish = async |signer: &Signer, made_at, until| {
        app.app.store.publish_signing_key(signer.kid(), signer.public_x(), made_at, until).await.unwrap()
    };
    let others = async {
        publish(&old, now, until).await;
        publish(&Signer::from_seed([8; 32]), now + TimeDelta::seconds(1), until).await
    };
    // The late process would set a later end.
    let late = publish(&old, now, until + TimeDelta::days(1));
    let (late, keys) = held(&app, on(Put).of("KEY#"), late, others).await;
    for keys in [late, keys] {
        let old = keys.iter().find(|key| key.kid == old.kid()).unwrap();
        assert_eq!(old.not_after, Some(until));
    }
}

/// The first read of a process is no look-up of an unknown key, which would delay the next one.
#[tokio::test]
async fn a_new_key_is_looked_up_right_after_the_first_read() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    ann.get("/api/users/me/").await.ok();
    let (next, now) = (Signer::from_seed([8; 32]), app.app.clock.now());
    let until = now + TimeDelta::days(30);
    app.app.store.publish_signing_key(next.kid(), next.public_x(), now, until).await.unwrap();
    let people = People { signer: Arc::new(next), ..app.people.clone() };
    let token = people.token(ann.id.parse().unwrap(), Role::Guest);
    User { token, ..ann }.get("/api/users/me/").await.ok();
}

/// If there is nothing to publish or to end, a start of `auth` costs one read.
#[tokio::test]
async fn a_key_that_is_published_already_is_not_written_again() {
    let app = TestApp::new().await;
    let (signer, now) = (app.people.signer.clone(), app.app.clock.now());
    let publish = app.app.store.publish_signing_key(signer.kid(), signer.public_x(), now, now);
    let (keys, cost) = app.proxy.measure(publish).await;
    assert_eq!(keys.unwrap().len(), 1);
    assert_eq!((cost.requests(), cost.writes()), (1, 0), "{cost:?}");
}

/// A process of the old release starts late. It must not sign with a key that has an end.
#[tokio::test]
async fn a_signing_key_with_a_successor_is_refused() {
    let app = TestApp::new().await;
    let process = |seed| {
        let signer = Some(Signer::from_seed(seed));
        let (store, config) = (app.app.store.clone(), (*app.app.config).clone());
        App::new(store, config, signer, app.app.clock.clone(), app.app.random.clone())
    };
    process(SIGNING_SEED).publish_key().await.unwrap();
    app.advance(TimeDelta::seconds(1));
    process([8; 32]).publish_key().await.unwrap();
    app.advance(TimeDelta::seconds(1));
    let refused = process(SIGNING_SEED).publish_key().await.unwrap_err();
    assert!(refused.to_string().contains("retired"), "{refused}");
    process([8; 32]).publish_key().await.unwrap();
    // A token that the old key has signed stays valid until it expires.
    app.user("ann").await.get("/api/users/me/").await.ok();
}

/// Two processes of the new release start at the same time. The end that the first one has set stays.
#[tokio::test]
async fn of_two_ends_of_a_key_the_first_stays() {
    let app = TestApp::new().await;
    let (old, next) = (app.people.signer.clone(), Signer::from_seed([8; 32]));
    let now = app.app.clock.now() + TimeDelta::seconds(1);
    let until = now + TimeDelta::days(30);
    let publish = |until| app.app.store.publish_signing_key(next.kid(), next.public_x(), now, until);
    let (late, first) =
        held(&app, on(Update).of("KEY#"), publish(until + TimeDelta::days(1)), publish(until)).await;
    late.unwrap();
    first.unwrap();
    let key = app.table.get("KEYS", &format!("KEY#{}", old.kid())).await.unwrap();
    assert_eq!(key["not_after"], until.timestamp_micros());
}
