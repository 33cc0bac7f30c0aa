//! Blocks: a user does not see the texts of blocked users, and is not drawn into conversations by them. The blocked
//! users' own answers do not change.

mod blocked;
mod reads;

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{
    Answer, TestApp, User,
    call::{Operation::Put, on},
    race::{given_up, held},
};

fn path_of(other: &User) -> String {
    format!("/api/users/me/blocks/{}/", other.id)
}

async fn try_block(user: &User, other: &User) -> Answer {
    user.request(Method::PUT, &path_of(other)).send().await
}

async fn block(user: &User, other: &User) -> Value {
    try_block(user, other).await.ok()
}

async fn unblock(user: &User, other: &User) {
    user.delete(&path_of(other)).await.nothing();
}

/// Returns the ids of the blocked users, the newest block first.
async fn blocked_by(user: &User) -> Vec<String> {
    let blocks = user.all("/api/users/me/blocks/?limit=2").await;
    blocks.iter().map(|block| block["user"]["user_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_block_is_listed_until_it_is_removed() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let dan = app.user("dan").await;
    unblock(&ann, &ben).await;
    ann.get(&path_of(&ben)).await.problem(404, "not_found");
    let first = block(&ann, &ben).await;
    assert_eq!(first["user"]["user_id"], ben.id.as_str());
    assert_eq!(first["user"]["email"], Value::Null);
    block(&ann, &cleo).await;
    block(&ann, &dan).await;
    assert_eq!(block(&ann, &ben).await, first, "a repetition changes nothing");
    assert_eq!(ann.get(&path_of(&ben)).await.ok(), first);
    assert_eq!(blocked_by(&ann).await, [&dan, &cleo, &ben].map(|user| user.id.clone()));
    assert!(blocked_by(&ben).await.is_empty(), "a block has one direction");
    unblock(&ann, &cleo).await;
    unblock(&ann, &cleo).await;
    assert_eq!(blocked_by(&ann).await, [&dan, &ben].map(|user| user.id.clone()));
    app.check().await;
}

#[tokio::test]
async fn a_block_of_nobody_and_of_oneself_is_refused() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    for unknown in ["00000000-0000-4000-8000-000000000000", "ben"] {
        let path = format!("/api/users/me/blocks/{unknown}/");
        ann.request(Method::PUT, &path).send().await.problem(404, "not_found");
    }
    try_block(&ann, &ann).await.problem(400, "invalid_request");
    let block = path_of(&ann);
    ann.request(Method::PUT, &format!("{block}?x=1")).send().await.problem(400, "invalid_request");
    assert!(blocked_by(&ann).await.is_empty());
}

#[tokio::test]
async fn a_user_blocks_at_most_a_thousand() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let pk = format!("USER#{}", ann.id);
    block(&ann, &ben).await;
    let mut blocked = json!({ ben.id.as_str(): 1 });
    for n in 1..1000 {
        blocked[format!("00000000-0000-4000-8000-{n:012}")] = json!(n);
    }
    app.table.set(&pk, "BLOCKS", "blocked", blocked).await;
    let problem = try_block(&ann, &cleo).await.problem(400, "invalid_request");
    assert!(problem["detail"].as_str().unwrap().contains("1000 users"), "{problem}");
    block(&ann, &ben).await;
    assert_eq!(ann.all("/api/users/me/blocks/?limit=100").await.len(), 1000);
    unblock(&ann, &ben).await;
    block(&ann, &cleo).await;
}

#[tokio::test]
async fn a_block_past_another_one_loses_neither() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    // The first blocks of a user, then further ones.
    let (late, first) = held(&app, on(Put).of("BLOCKS"), try_block(&ann, &ben), try_block(&ann, &cleo)).await;
    late.ok();
    first.ok();
    assert_eq!(blocked_by(&ann).await.len(), 2);
    let dan = app.user("dan").await;
    let path = path_of(&ben);
    let late = ann.delete(&path);
    let (late, first) = held(&app, on(Put).of("BLOCKS"), late, try_block(&ann, &dan)).await;
    late.nothing();
    first.ok();
    assert_eq!(blocked_by(&ann).await, [&dan, &cleo].map(|user| user.id.clone()));
}

#[tokio::test]
async fn a_late_try_undoes_no_newer_change() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let later = async |answer: &Answer| {
        assert_eq!(answer.status, 200, "{answer}");
        unblock(&ann, &ben).await;
    };
    given_up(&app, on(Put).of("BLOCKS"), try_block(&ann, &ben), later).await;
    assert!(blocked_by(&ann).await.is_empty(), "the first try of the block came after its removal");
    block(&ann, &ben).await;
    let later = async |answer: &Answer| {
        assert_eq!(answer.status, 204, "{answer}");
        block(&ann, &ben).await;
    };
    let path = path_of(&ben);
    given_up(&app, on(Put).of("BLOCKS"), ann.delete(&path), later).await;
    assert_eq!(blocked_by(&ann).await, std::slice::from_ref(&ben.id));
}
