//! Paths that a parser may read as another path, sent over the network. The answer is 404, and nothing is changed.

use futures::{StreamExt as _, stream};
use serde_json::json;

use crate::harness::{
    functions::all_routes,
    gaps,
    network::BlackBox,
    paths::{altered, decoded, is_unambiguous},
    people::PASSWORD,
    user::message_path,
};

/// Returns every route, with ids of existing resources.
fn routes(ids: &[(&str, String)]) -> Vec<(String, String)> {
    let filled = all_routes().into_iter().map(|(method, path)| {
        let path = ids.iter().fold(path.to_owned(), |path, (name, id)| path.replace(name, id));
        (method.to_string(), path)
    });
    filled.collect()
}

#[tokio::test]
async fn no_route_is_reached_by_a_path_that_reads_as_another() {
    if gaps::skips("raw path") {
        return;
    }
    let api = BlackBox::start().await;
    let (ann, ben) = (api.user("ann").await, api.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let message = ann.send(&conversation, "memo").await;
    let ids = [
        ("/messages/{id}", format!("/messages/{}", message["message_id"].as_str().unwrap())),
        ("/conversations/{id}", format!("/conversations/{conversation}")),
        ("{id}", ann.id.clone()),
        ("{user_id}", ben.id.clone()),
        ("{emoji}", "%F0%9F%91%8D".to_owned()),
        ("{*path}", "style.css".to_owned()),
    ];
    let asked = routes(&ids).into_iter().flat_map(|(method, path)| {
        let paths = altered(&path).into_iter().enumerate();
        // Each route is tested with a third of its paths. Over all routes, every piece and every position occurs.
        let some = paths.filter(|(turn, _)| (turn + path.len()).is_multiple_of(3)).map(|(_, path)| path);
        some.map(|path| (method.clone(), path)).collect::<Vec<_>>()
    });
    let asked = asked.filter(|(_, path)| decoded(path).is_none_or(|passed| !is_unambiguous(&passed)));
    let (api, token) = (&api, &ann.token);
    let answers = stream::iter(asked).map(|(method, path)| async move {
        let (status, answer) = api.raw(&method, &path, &format!("Authorization: Bearer {token}\r\n")).await;
        (status, format!("{method} {path}: {answer}"), decoded(&path).is_some())
    });
    let mut count = 0;
    let mut answers = std::pin::pin!(answers.buffer_unordered(8));
    while let Some((status, answer, is_text)) = answers.next().await {
        count += 1;
        // A server refuses some paths as malformed requests, with a 400.
        assert!(status == 404 || (status == 400 && !is_text), "{answer}");
        assert!(status == 400 || answer.contains("\"code\":\"not_found\""), "{answer}");
    }
    assert!(count > 2000, "{count}");
    ann.get("/api/users/me/").await.ok();
    ann.get(&message_path(&message)).await.ok();
    ben.get(&format!("/api/conversations/{conversation}/participants/{}/", ben.id)).await.ok();
}

#[tokio::test]
async fn a_login_is_not_reached_past_its_throttle() {
    if gaps::skips("raw path") {
        return;
    }
    let api = BlackBox::start().await;
    let ann = api.user("ann").await;
    let login = json!({ "email": ann.email, "password": PASSWORD }).to_string();
    for path in [
        "/api/users/..%2ftoken/",
        "/api/users/%2e%2e%2ftoken",
        "/api//token/",
        "/api/x%5c..%5ctoken/",
        "/api/token/%0a",
    ] {
        let head =
            format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{login}", login.len());
        let (status, answer) = api.raw("POST", path, &head).await;
        assert!(status == 404 && !answer.contains("\"access\""), "{path}: {answer}");
    }
}

#[tokio::test]
async fn an_encoded_letter_is_the_letter() {
    if gaps::skips("encoded path") || gaps::skips("raw path") {
        return;
    }
    let api = BlackBox::start().await;
    let ann = api.user("ann").await;
    let message = ann.send(&ann.group(&[]).await, "memo").await;
    let path = message_path(&message).replace('-', "%2D").replace("api", "%61pi");
    let (status, answer) = api.raw("GET", &path, &format!("Authorization: Bearer {}\r\n", ann.token)).await;
    assert!(status == 200 && answer.contains("memo"), "{answer}");
}
