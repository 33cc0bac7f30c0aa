//! The signing key from a secret that is rotated. Running processes use the new key, processes with an old version of
//! the secret cause no harm, and of two parallel publications the later version wins.

use chrono::TimeDelta;
use futures::future::join_all;
use local::gateway::Gateway;
use serde_json::{Value, json};
use shared::{App, auth::AuthError};

use crate::harness::{
    TestApp,
    api::Api,
    call::{Operation, on},
    faults::{Fault, How},
    people::PASSWORD,
    secrets::{Secrets, Version},
};

/// An application with a signing key from a secret with two versions.
struct Stage {
    app: TestApp,
    secrets: Secrets,
    first: Version,
    second: Version,
}

impl Stage {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let now = app.app.clock.now();
        let version = |letter, minutes| Version::new(letter, now + TimeDelta::minutes(minutes));
        let (first, second) = (version('1', 1), version('2', 2));
        let secrets = Secrets::start().await;
        secrets.set(Some(&first));
        Self { app, secrets, first, second }
    }

    /// Starts a process of `auth`.
    async fn auth(&self) -> App {
        self.app.function("auth").await.signing_with(self.secrets.signing())
    }

    /// Returns the end of a published key: null if it has no end; `None` if the key is not published.
    async fn key(&self, version: &Version) -> Option<Value> {
        let key = self.app.table.get("KEYS", &format!("KEY#{}", version.kid())).await?;
        Some(key.get("not_after").cloned().unwrap_or_default())
    }

    /// Asserts that the first version's key has an end and the second version's key has none.
    async fn assert_second_is_current(&self) {
        assert!(self.key(&self.first).await.is_some_and(|end| !end.is_null()));
        assert_eq!(self.key(&self.second).await, Some(Value::Null));
    }
}

/// Returns the id of the key that the process signs with now.
async fn kid(auth: &App) -> String {
    auth.signing
        .as_ref()
        .unwrap()
        .signer(&auth.keys, &auth.store, auth.clock.now())
        .await
        .unwrap()
        .kid()
        .to_owned()
}

#[tokio::test]
async fn a_process_that_runs_takes_up_the_new_key() {
    let stage = Stage::new().await;
    let running = stage.auth().await;
    assert_eq!(kid(&running).await, stage.first.kid());
    stage.secrets.set(Some(&stage.second));
    // The new key is not published yet. The process keeps its valid key; reading the secret for every token would cost
    // more.
    stage.app.advance(TimeDelta::minutes(6));
    assert_eq!((kid(&running).await, stage.secrets.asked()), (stage.first.kid(), 1));
    let started = stage.auth().await;
    assert_eq!(kid(&started).await, stage.second.kid());
    stage.assert_second_is_current().await;
    assert_eq!(kid(&running).await, stage.first.kid(), "the old key is used until the keys are read again");
    stage.app.advance(TimeDelta::minutes(5));
    assert_eq!(kid(&running).await, stage.second.kid());
}

#[tokio::test]
async fn tokens_of_both_keys_are_good_everywhere_after_a_rotation() {
    let stage = Stage::new().await;
    let ann = stage.app.user("ann").await;
    let login = json!({ "email": ann.email, "password": PASSWORD });
    let (mut pairs, mut kids) = (Vec::new(), Vec::new());
    let others = stage.app.function("messages").await;
    for version in [&stage.first, &stage.second] {
        // Unknown keys are looked up at most every ten seconds.
        stage.app.advance(TimeDelta::seconds(10));
        stage.secrets.set(Some(version));
        let auth = stage.auth().await;
        let api = Api::in_process(Gateway::each(&auth, |name| match name {
            "auth" => auth.clone(),
            _ => others.clone(),
        }));
        pairs.push(api.post("/api/token/").json(&login).send().await.ok());
        kids.push(version.kid());
        for pair in &pairs {
            let token = pair["access"].as_str().unwrap();
            api.get("/api/users/me/").bearer(token).send().await.ok();
            stage.app.get("/api/messages/").bearer(token).send().await.ok();
        }
        let keys = api.get("/.well-known/jwks.json").send().await.ok();
        let published = |kid: &String| keys["keys"].as_array().unwrap().iter().any(|key| key["kid"] == **kid);
        assert!(kids.iter().all(published), "{keys}");
        if let [old, _] = &pairs[..] {
            let refreshed = api.post("/api/token/refresh/").json(&json!({ "refresh": old["refresh"] }));
            refreshed.send().await.ok();
        }
    }
}

#[tokio::test]
async fn an_older_version_read_late_signs_until_the_newer_one_is_told() {
    let stage = Stage::new().await;
    assert_eq!(kid(&stage.auth().await).await, stage.first.kid());
    stage.secrets.set(Some(&stage.second));
    assert_eq!(kid(&stage.auth().await).await, stage.second.kid());
    stage.secrets.set(Some(&stage.first));
    let late = stage.auth().await;
    assert_eq!(kid(&late).await, stage.first.kid(), "the key of the earlier version is valid for a month");
    stage.assert_second_is_current().await;
    stage.secrets.set(Some(&stage.second));
    stage.app.advance(TimeDelta::minutes(1));
    assert_eq!(kid(&late).await, stage.second.kid());
}

#[tokio::test]
async fn an_older_version_published_after_the_newer_one_does_not_end_it() {
    let stage = Stage::new().await;
    stage.secrets.set(Some(&stage.second));
    assert_eq!(kid(&stage.auth().await).await, stage.second.kid());
    stage.secrets.set(Some(&stage.first));
    let late = stage.auth().await;
    assert_eq!(kid(&late).await, stage.first.kid());
    stage.assert_second_is_current().await;
}

/// Two processes publish at the same time. One is held between its steps while the other takes all of its steps.
#[tokio::test]
async fn of_two_that_publish_at_once_the_later_version_wins() {
    for held_is_first in [true, false] {
        for operation in [Operation::Put, Operation::Query, Operation::Update] {
            let stage = Stage::new().await;
            let (first, second) = (&stage.first, &stage.second);
            let (held, other) = if held_is_first { (first, second) } else { (second, first) };
            stage.secrets.set(Some(held));
            let slow = stage.auth().await;
            stage.secrets.set(Some(other));
            let fast = stage.auth().await;
            // A process reads the secret first, so it has read the secret before any of its calls can be held.
            stage.secrets.set(Some(held));
            let gate = stage.app.proxy.faults.hold(on(operation).of("KEY#"));
            let slow = tokio::spawn(async move { kid(&slow).await });
            gate.reached().await;
            stage.secrets.set(Some(other));
            assert_eq!(kid(&fast).await, other.kid());
            gate.release();
            assert_eq!(slow.await.unwrap(), held.kid());
            stage.app.proxy.faults.clear();
            // If neither process has seen that the older key needs an end, the next process sets it.
            stage.secrets.set(Some(&stage.second));
            assert_eq!(kid(&stage.auth().await).await, stage.second.kid());
            stage.assert_second_is_current().await;
        }
    }
}

#[tokio::test]
async fn what_a_key_that_has_ended_would_sign_is_not_signed() {
    let stage = Stage::new().await;
    stage.secrets.set(Some(&stage.second));
    kid(&stage.auth().await).await;
    stage.secrets.set(Some(&stage.first));
    let set_back = stage.auth().await;
    assert_eq!(kid(&set_back).await, stage.first.kid());
    stage.app.advance(TimeDelta::days(31));
    let refused = set_back
        .signing
        .as_ref()
        .unwrap()
        .signer(&set_back.keys, &set_back.store, set_back.clock.now())
        .await;
    assert!(matches!(refused, Err(AuthError::CannotSign { .. })));
    let third = Version::new('3', stage.app.app.clock.now());
    stage.secrets.set(Some(&third));
    stage.app.advance(TimeDelta::minutes(1));
    assert_eq!(kid(&set_back).await, third.kid());
}

#[tokio::test]
async fn without_the_secret_nobody_logs_in_and_all_else_goes_on() {
    let stage = Stage::new().await;
    stage.secrets.set(None);
    let auth = stage.auth().await;
    let api = Api::in_process(Gateway::each(&auth, |_| auth.clone()));
    let ann = stage.app.user("ann").await.through(&api);
    let login = json!({ "email": ann.email, "password": PASSWORD });
    let refused = api.post("/api/token/").json(&login).send().await;
    assert!(refused.header("retry-after").is_some(), "{refused}");
    refused.problem(503, "unavailable");
    ann.get("/api/users/me/").await.ok();
    api.get("/healthz").send().await.ok();
    stage.secrets.set(Some(&stage.first));
    api.post("/api/token/").json(&login).send().await.ok();
    // The process now knows the key, so it can sign even if the secret is not available.
    stage.secrets.set(None);
    api.post("/api/token/").json(&login).send().await.ok();
}

#[tokio::test]
async fn a_key_that_could_not_be_published_signs_nothing() {
    let stage = Stage::new().await;
    let auth = stage.auth().await;
    let signing = auth.signing.clone().unwrap();
    let faults = &stage.app.proxy.faults;
    faults.fail(on(Operation::Put).of("KEY#"), Fault::Before(How::Death));
    assert!(signing.signer(&auth.keys, &auth.store, auth.clock.now()).await.is_err());
    assert_eq!((faults.clear(), stage.key(&stage.first).await), (1, None));
    assert_eq!(kid(&auth).await, stage.first.kid());
    assert_eq!(stage.key(&stage.first).await, Some(Value::Null));
}

#[tokio::test]
async fn many_at_once_ask_once_and_a_retired_key_once_a_minute() {
    let stage = Stage::new().await;
    let auth = stage.auth().await;
    join_all((0..8).map(|_| kid(&auth))).await;
    assert_eq!(stage.secrets.asked(), 1);
    stage.secrets.set(Some(&stage.second));
    kid(&stage.auth().await).await;
    stage.secrets.set(Some(&stage.first));
    stage.app.advance(TimeDelta::minutes(6));
    let before = stage.secrets.asked();
    for _ in 0..3 {
        assert!(join_all((0..8).map(|_| kid(&auth))).await.iter().all(|kid| *kid == stage.first.kid()));
    }
    assert_eq!(stage.secrets.asked(), before + 1);
    stage.app.advance(TimeDelta::minutes(1));
    kid(&auth).await;
    assert_eq!(stage.secrets.asked(), before + 2);
}

#[tokio::test]
async fn a_secret_that_is_too_short_is_no_key() {
    let stage = Stage::new().await;
    stage.secrets.set(Some(&Version::short(stage.app.app.clock.now())));
    let auth = stage.auth().await;
    assert!(auth.signing.as_ref().unwrap().signer(&auth.keys, &auth.store, auth.clock.now()).await.is_err());
}
