//! The main flows of users over the network. The tests know only an address and the README.

use futures::future::join_all;
use serde_json::{Value, json};
use shared::{clock::Clock, random::Random};

use crate::harness::{
    network::{BlackBox, unique_email},
    people::PASSWORD,
    user::{id_of, message_path},
};

fn key() -> String {
    Random::from_system().uuid_at(Clock::system().now()).to_string()
}

#[tokio::test]
async fn two_people_talk() {
    let api = BlackBox::start().await;
    let (ann, ben) = (api.user("ann").await, api.user("ben").await);
    let found = ann.all(&format!("/api/users/?email={}", ben.email)).await;
    assert_eq!(found[0]["user_id"], ben.id.as_str());
    let conversation = ann.group(&[&ben]).await;
    let question = ann.send(&conversation, "memo, how are you?").await;
    assert_eq!(ben.unread(&conversation).await, 1);
    let reply = json!({
        "conversation": conversation, "message_body": "memo, fine 😀", "reply_to": question["message_id"],
    });
    let answer = ben.post("/api/messages/", reply).await.created();
    assert_eq!(answer["reply_to"], question["message_id"]);
    assert_eq!(ann.bodies(&conversation).await, ["memo, how are you?", "memo, fine 😀"]);
    assert_eq!(ben.mark_read(&conversation, &question).await.ok()["unread"], 0);
    // The path contains characters outside of ASCII.
    let reacted =
        ben.put(&format!("{}reactions/%F0%9F%91%8D/", message_path(&question)), Value::Null).await.ok();
    assert_eq!(reacted["reactions"], json!([{ "emoji": "👍", "count": 1, "me": true }]));
    ann.edit(&question, "memo, how is it going?").await.ok();
    ben.delete_message(&answer).await.nothing();
    assert_eq!(ann.bodies(&conversation).await, ["memo, how is it going?"]);
    let kinds: Vec<Value> =
        ann.changes(&conversation, 0).await.iter().map(|change| change["kind"].clone()).collect();
    assert!(
        kinds.contains(&json!("message_edited")) && kinds.contains(&json!("message_deleted")),
        "{kinds:?}"
    );
    let inbox = ann.all("/api/conversations/").await;
    assert_eq!(id_of(&inbox[0]), conversation);
    ben.leave(&conversation).await.expect(204);
    ben.get(&format!("/api/conversations/{conversation}/")).await.problem(404, "not_found");
    ann.delete_conversation(&conversation).await.expect(204);
    ann.get(&message_path(&question)).await.problem(404, "not_found");
}

#[tokio::test]
async fn tokens_are_got_used_refreshed_and_given_up() {
    let api = BlackBox::start().await;
    let ann = api.user("ann").await;
    let login = json!({ "email": ann.email, "password": PASSWORD });
    let tokens = api.api.post("/api/token/").json(&login).send().await.ok();
    let check = async |token: &Value| {
        api.api.post("/api/token/verify/").json(&json!({ "token": token })).send().await
    };
    check(&tokens["access"]).await.ok();
    check(&tokens["refresh"]).await.ok();
    let refresh = json!({ "refresh": tokens["refresh"] });
    let next = api.api.post("/api/token/refresh/").json(&refresh).send().await.ok();
    let again = api.api.post("/api/token/refresh/").json(&refresh).send().await.ok();
    assert_eq!(next, again, "a refresh whose answer was lost gets the same answer again");
    let access = next["access"].as_str().unwrap();
    let me = api.api.get("/api/users/me/").bearer(access).send().await.ok();
    assert_eq!(me["email"], ann.email.as_str());
    let out = json!({ "refresh": next["refresh"] });
    api.api.post("/api/token/blacklist/").json(&out).send().await.ok();
    api.api.post("/api/token/refresh/").json(&out).send().await.problem(401, "token_not_valid");
}

#[tokio::test]
async fn one_key_sent_at_once_is_one_message() {
    let api = BlackBox::start().await;
    let (ann, ben) = (api.user("ann").await, api.user("ben").await);
    let conversation = ann.direct(&ben).await;
    let key = key();
    let answers = join_all((0..8).map(|_| ann.send_with_key(&conversation, &key, "memo, once"))).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| answer.json()["message_id"] == answers[0].json()["message_id"]));
    ann.send_with_key(&conversation, &key, "memo, other").await.problem(409, "client_id_reused");
    assert_eq!(ben.bodies(&conversation).await, ["memo, once"]);
}

#[tokio::test]
async fn many_who_write_at_once_are_put_in_one_order() {
    let api = BlackBox::start().await;
    let (ann, ben) = (api.user("ann").await, api.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let texts: Vec<String> = (0..12).map(|n| format!("memo {n}")).collect();
    let sends = texts.iter().enumerate().map(|(n, text)| {
        if n % 2 == 0 { ann.send(&conversation, text) } else { ben.send(&conversation, text) }
    });
    join_all(sends).await;
    let seen = ann.bodies(&conversation).await;
    assert_eq!(seen, ben.bodies(&conversation).await, "both users see the same order");
    let mut sorted = seen.clone();
    sorted.sort();
    let mut expected = texts;
    expected.sort();
    assert_eq!(sorted, expected);
}

#[tokio::test]
async fn paths_are_answered_with_and_without_the_slash() {
    let api = BlackBox::start().await;
    let ann = api.user("ann").await;
    let conversation = ann.group(&[]).await;
    let message = ann.send(&conversation, "memo").await;
    let paths = [
        "/api/users/me/".to_owned(),
        "/api/users/me/sessions/".to_owned(),
        "/api/conversations/".to_owned(),
        format!("/api/conversations/{conversation}/"),
        format!("/api/conversations/{conversation}/participants/"),
        format!("/api/conversations/{conversation}/changes/"),
        "/api/messages/".to_owned(),
        message_path(&message),
        format!("{}revisions/", message_path(&message)),
    ];
    for path in paths {
        let (with, without) = (ann.get(&path).await.ok(), ann.get(path.trim_end_matches('/')).await.ok());
        assert_eq!(with, without, "{path}");
    }
    let login = json!({ "email": ann.email, "password": PASSWORD });
    api.api.post("/api/token").json(&login).send().await.ok();
}

#[tokio::test]
async fn the_process_is_healthy_and_shows_its_keys() {
    let api = BlackBox::start().await;
    for path in ["/healthz", "/healthz/"] {
        api.api.get(path).send().await.expect(200);
    }
    for path in ["/.well-known/jwks.json", "/.well-known/jwks.json/"] {
        let keys = api.api.get(path).send().await.ok();
        assert!(!keys["keys"].as_array().unwrap().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn an_unknown_path_is_a_404() {
    let api = BlackBox::start().await;
    for path in [
        "/nothing/here/",
        "/nothing",
        "/api/nothing/",
        "/api-auth",
        "/.well-known/nothing",
        "/healthz/nothing",
    ] {
        api.api.get(path).send().await.problem(404, "not_found");
        let page = api.api.get(path).header("accept", "text/html").send().await.expect(404);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{page}");
    }
}

#[tokio::test]
async fn a_form_does_what_json_does() {
    let api = BlackBox::start().await;
    let ann = api.user("ann").await;
    let conversation = ann.group(&[]).await;
    let form = format!("conversation={conversation}&message_body=memo%2C+two%0D%0Alines");
    let sent = ann.request("POST".parse().unwrap(), "/api/messages/").form(&form).send().await.created();
    assert_eq!(sent["message_body"], "memo, two\nlines");
}

#[tokio::test]
async fn text_comes_back_byte_for_byte() {
    let api = BlackBox::start().await;
    let ann = api.user("ann").await;
    let conversation = ann.group(&[]).await;
    let texts = [
        " memo, spaces around ",
        "memo\ttab\nnewline",
        "e\u{301} is not \u{e9}",
        "👩‍👩‍👧‍👦 \u{202e}right to left\u{202c} \u{feff}",
        "<script>alert('memo')</script> & \"quotes\" \\ / \u{2028}",
        "\u{10ffff}\u{fffd}",
    ];
    for text in texts {
        ann.send(&conversation, text).await;
    }
    assert_eq!(ann.bodies(&conversation).await, texts);
    let longest = "memo".repeat(16_384 / 4);
    assert_eq!(ann.send(&conversation, &longest).await["message_body"], longest.as_str());
}

#[tokio::test]
async fn every_answer_has_an_id_and_is_not_stored() {
    let api = BlackBox::start().await;
    let ann = api.user("ann").await;
    let answers = [
        ann.get("/api/users/me/").await,
        ann.get("/api/messages/nonsense/").await,
        api.api.get("/api/users/me/").send().await,
        api.api
            .post("/api/token/")
            .json(&json!({ "email": unique_email("nobody"), "password": PASSWORD }))
            .send()
            .await,
    ];
    let mut ids = Vec::new();
    for answer in &answers {
        ids.push(answer.header("x-request-id").unwrap_or_else(|| panic!("{answer}")));
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer}");
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), answers.len());
}
