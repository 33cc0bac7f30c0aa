//! Properties of every answer: the headers of HEAD, the compression, and the links on a 404 page.

use axum::http::Method;
use serde_json::json;

use crate::harness::{
    Answer, Browser, TestApp, User, browser::ACCEPT, functions::all_routes, user::message_path,
};

/// Returns every path with GET, for resources that Ann may read.
fn paths(ann: &User, conversation: &str, message: &str) -> Vec<String> {
    let got = all_routes().into_iter().filter(|(method, _)| *method == Method::GET);
    let message = message.trim_end_matches('/');
    got.map(|(_, path)| {
        let path =
            path.replace("/api/messages/{id}", message).replace("/users/{id}", &format!("/users/{}", ann.id));
        let path = path.replace("{id}", conversation).replace("{user_id}", &ann.id);
        path.replace("{*path}", "style.css").replace("{version}", "v").replace("{name}", "chat.css")
    })
    .collect()
}

#[tokio::test]
async fn a_head_tells_the_length_that_a_get_has() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let conversation = ann.group(&[]).await;
    let message = message_path(&ann.send(&conversation, &"memo ".repeat(3000)).await);
    let browser = Browser::of(&ann).await;
    let mut paths = paths(&ann, &conversation, &message);
    paths.extend(["/nowhere/".to_owned(), format!("/?conversation={conversation}")]);
    let mut padded = 0;
    for path in paths {
        let forms = [ACCEPT, "application/json"].into_iter();
        for (accept, coding) in forms.flat_map(|accept| [(accept, "identity"), (accept, "gzip")]) {
            let ask = async |method: Method| {
                let request = browser.request(method, &path).header("accept", accept);
                request.header("accept-encoding", coding).send().await
            };
            let (got, head) = (ask(Method::GET).await, ask(Method::HEAD).await);
            assert_eq!(head.status, got.status, "{head}");
            // A compressed page has random padding, so its length is different in each answer.
            let is_padded = got.header("content-encoding").is_some()
                && got.header("content-type").is_some_and(|media| media.starts_with("text/html"));
            let length = got.body.len().to_string();
            let told = (!is_padded).then_some(length.as_str());
            assert_eq!(head.header("content-length"), told, "{path} {accept} {coding}");
            padded += u32::from(is_padded);
            for name in ["content-type", "content-encoding", "etag", "vary"] {
                assert_eq!(head.header(name), got.header(name), "{name}: {head}");
            }
            assert!(head.body.is_empty(), "{head}");
        }
    }
    assert!(padded > 3, "only {padded} pages are compressed");
}

async fn gzipped(ann: &User, path: &str, accept: &str) -> Answer {
    let request = ann.request(Method::GET, path).header("accept", accept);
    request.header("accept-encoding", "br, gzip;q=0.8").send().await.expect(200)
}

#[tokio::test]
async fn large_answers_are_compressed() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let conversation = ann.group(&[]).await;
    for _ in 0..3 {
        ann.send(&conversation, &"memo ".repeat(1000)).await;
    }
    let list = format!("/api/messages/?conversation={conversation}");
    let one = format!("/api/conversations/{conversation}/");
    for path in [list.as_str(), "/api/conversations/", &one] {
        let packed = gzipped(&ann, path, "application/json").await;
        assert_eq!(packed.header("content-encoding"), Some("gzip"), "{packed}");
        assert!(packed.header("vary").unwrap().contains("Accept-Encoding"), "{packed}");
        assert!(packed.body.len() < 4000, "{}", packed.body.len());
        assert_eq!(packed.json(), ann.get(path).await.ok(), "{path}");
    }
    let page = gzipped(&ann, &list, "text/html").await;
    assert!(String::from_utf8(page.unpacked()).unwrap().contains("memo memo"), "{page}");
    // The compressed bytes differ from the plain ones, so the entity tag is weak.
    let tag = ann.get(&one).await.header("etag").unwrap().to_owned();
    let packed = gzipped(&ann, &one, "application/json").await;
    let weak = format!("W/{tag}");
    assert_eq!(packed.header("etag"), Some(weak.as_str()));
    let renamed = ann.request(Method::PATCH, &one).json(&json!({ "name": "memo, renamed" }));
    renamed.header("if-match", &weak).send().await.ok();
    let small = gzipped(&ann, "/api/users/me/", "application/json").await;
    assert_eq!((small.header("content-encoding"), small.header("vary")), (None, Some("Accept, Cookie")));
}

#[tokio::test]
async fn compressed_bodies_are_refused() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let conversation = ann.group(&[]).await;
    let message = message_path(&ann.send(&conversation, "memo").await);
    let body = json!({ "message_body": "memo, edited" });
    for coding in ["gzip", "GZIP", "br", "deflate", "identity, gzip", "gzip, identity", "x"] {
        for method in [Method::PUT, Method::PATCH] {
            let request = ann.request(method, &message).json(&body).header("content-encoding", coding);
            let answer = request.send().await;
            assert_eq!(answer.header("accept-encoding"), Some("identity"), "{answer}");
            answer.problem(415, "unsupported_media_type");
        }
        let login = app.post("/api/token/").json(&json!({})).header("content-encoding", coding);
        login.send().await.problem(415, "unsupported_media_type");
    }
    for coding in ["identity", "Identity", ""] {
        let request = ann.request(Method::PATCH, &message).json(&body).header("content-encoding", coding);
        request.send().await.ok();
    }
}

/// Returns the values of attributes that a browser follows or sends requests to.
fn addresses(page: &str) -> Vec<&str> {
    let names = ["href=\"", "action=\"", "src=\"", "data-path=\""];
    let values = names.iter().flat_map(|name| page.split(name).skip(1));
    values.map(|rest| rest.split('"').next().unwrap()).collect()
}

#[tokio::test]
async fn a_page_that_there_is_not_leads_to_no_other_host() {
    let app = TestApp::new().await;
    let browser = Browser::of(&app.user("ann").await).await;
    for path in [
        "//evil.example",
        "//evil.example/api/",
        "///evil.example",
        "/%5cevil.example/",
        "/\\evil.example",
        "/%2fevil.example",
        "/%09/evil.example/",
        "/.//evil.example/",
        "/api//evil.example//",
        "/nowhere/?next=//evil.example",
    ] {
        for browser in [&browser, &Browser::new(app.api())] {
            let page = browser.get(path).await.expect(404).text();
            let found = addresses(&page);
            assert!(found.len() > 5, "{page}");
            for address in found {
                let inside =
                    address.starts_with('#') || (address.starts_with('/') && !address.starts_with("//"));
                assert!(inside && !address.contains("=%2F%2F"), "{path}: {address}");
            }
        }
    }
}
