//! Metadata is returned as it was written: the same order of keys and the same digits, in every request and answer.

use axum::http::Method;
use serde_json::json;

use crate::harness::{Answer, Browser, TestApp, User, user::message_path};

/// Texts that a parser with floating point numbers or sorted keys would change.
const KEPT: [&str; 7] = [
    r#"{"memo":[1E5,1e5,1e+5,1E-7,-0,-0.0,0e0,0.0,1,1.0,1.10,100000.0]}"#,
    r#"{"memo":[1e308,-1e308,1e-400,5e-324,2.5,0.1234567890123456789,9007199254740993,9007199254740993.0]}"#,
    r#"{"memo":[18446744073709551616,-9223372036854775809,123456789012345678901234567890]}"#,
    r#"{"z":1,"memo":2,"a":3,"10":4,"2":5,"":6,"Z":{"b":1,"a":[{"y":null,"x":true}]}}"#,
    r#"{"memo":"é😀\n\"\\/","$serde_json::memo::RawValue":"[1]","$serde_json::memo::Number":"1"}"#,
    r#"{"memo":{},"list":[[],[{}]]}"#,
    "{}",
];

async fn write(user: &User, method: Method, path: &str, body: &str) -> Answer {
    user.request(method, path).raw("application/json", body.as_bytes()).send().await
}

/// Asserts that the answer contains exactly this metadata, `times` times.
#[track_caller]
fn says(answer: &Answer, metadata: &str, times: usize) {
    let text = String::from_utf8(answer.unpacked()).unwrap();
    assert!((200..300).contains(&answer.status), "{answer}");
    assert_eq!(text.matches(&format!("\"metadata\":{metadata}")).count(), times, "{metadata}: {answer}");
}

fn path_of(answer: &Answer) -> String {
    answer
        .header("location")
        .unwrap()
        .split_once("://")
        .unwrap()
        .1
        .split_once('/')
        .map(|(_, path)| format!("/{path}"))
        .unwrap()
}

#[tokio::test]
async fn a_conversations_metadata_comes_back_as_it_was_written() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    for kept in KEPT {
        let participants = format!(r#""participants":["{}","{}"]"#, ann.id, ben.id);
        let made = format!(r#"{{{participants},"name":"memo","metadata":{kept}}}"#);
        let made = write(&ann, Method::POST, "/api/conversations/", &made).await.expect(201);
        says(&made, kept, 1);
        let path = path_of(&made);
        says(&ben.get(&path).await, kept, 1);
        assert!(
            ben.get("/api/conversations/?limit=100").await.text().contains(&format!("\"metadata\":{kept}"))
        );
        says(&ben.patch(&path, json!({ "name": "memo, by another" })).await, kept, 1);
        let put = format!(r#"{{{participants},"metadata":{kept}}}"#);
        says(&write(&ann, Method::PUT, &path, &put).await, kept, 1);
        says(&ann.patch(&path, json!({ "metadata": null })).await, "null", 1);
        says(&write(&ann, Method::PUT, &path, &put).await, kept, 1);
        let read = ann.get(&path).await;
        says(&read, kept, 1);
        // A client may send back the representation that it received.
        says(&write(&ben, Method::PUT, &path, &read.text()).await, kept, 1);
        assert_eq!(ben.get(&path).await.header("etag"), read.header("etag"), "nothing has changed");
    }
    app.check().await;
}

#[tokio::test]
async fn a_messages_metadata_comes_back_as_it_was_written() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    for kept in KEPT {
        let conversation = ann.group(&[&ben]).await;
        let key = app.key();
        let send = format!(
            r#"{{"conversation":"{conversation}","message_body":"memo","client_id":"{key}","metadata":{kept}}}"#
        );
        let made = write(&ann, Method::POST, "/api/messages/", &send).await.expect(201);
        says(&made, kept, 1);
        says(&write(&ann, Method::POST, "/api/messages/", &send).await.expect(200), kept, 1);
        let path = message_path(&made.json());
        says(&ben.get(&path).await, kept, 1);
        says(&ben.get(&format!("/api/messages/?conversation={conversation}")).await, kept, 1);
        let all = ben.get("/api/messages/?limit=100").await.text();
        assert!(all.contains(&format!("\"metadata\":{kept}")), "{all}");
        says(&ben.get(&format!("/api/conversations/{conversation}/")).await, kept, 2);
        says(&ann.patch(&path, json!({ "message_body": "memo, edited" })).await, kept, 1);
        says(&ann.get(&format!("{path}revisions/")).await, kept, 1);
        says(&ann.patch(&path, json!({ "metadata": null })).await, "null", 1);
        let put = format!(r#"{{"message_body":"memo, put","metadata":{kept}}}"#);
        says(&write(&ann, Method::PUT, &path, &put).await, kept, 1);
        says(&ann.get(&format!("{path}revisions/")).await, kept, 2);
        let read = ann.get(&path).await;
        says(&write(&ann, Method::PUT, &path, &read.text()).await, kept, 1);
        assert_eq!(ann.get(&path).await.header("etag"), read.header("etag"), "nothing has changed");
        // A retry returns the message in its present state.
        says(&write(&ann, Method::POST, "/api/messages/", &send).await.expect(200), kept, 1);
    }
    app.check().await;
}

/// Texts that differ only in white space or in the escapes of strings are the same metadata. Other texts are not.
#[tokio::test]
async fn what_is_the_same_changes_nothing_and_what_is_not_does() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let send = |key: &str, metadata: &str| {
        format!(
            r#"{{"conversation":"{conversation}","message_body":"memo","client_id":"{key}","metadata":{metadata}}}"#
        )
    };
    let (written, respelled) =
        (r#"{"memo":1.0,"b":"A/é"}"#, "{ \"memo\" : 1.0,\n\t\"b\":\"\\u0041\\/\\u00e9\" }");
    let key = app.key();
    let made = write(&ann, Method::POST, "/api/messages/", &send(&key, written)).await.expect(201);
    let again = write(&ann, Method::POST, "/api/messages/", &send(&key, respelled)).await.expect(200);
    says(&again, written, 1);
    let message = message_path(&made.json());
    let own = format!("/api/conversations/{conversation}/");
    let patch = async |path: &str, metadata: &str| {
        write(&ann, Method::PATCH, path, &format!(r#"{{"metadata":{metadata}}}"#)).await.expect(200)
    };
    patch(&own, written).await;
    for path in [&message, &own] {
        let before = ann.get(path).await.header("etag").unwrap().to_owned();
        let same = patch(path, respelled).await;
        says(&same, written, 1);
        assert_eq!(same.header("etag"), Some(before.as_str()), "{path}");
        let put = if path == &own {
            let participants = format!(r#""participants":["{}","{}"]"#, ann.id, ben.id);
            format!(r#"{{{participants},"name":"memo, a group","metadata":{respelled}}}"#)
        } else {
            format!(r#"{{"message_body":"memo","metadata":{respelled}}}"#)
        };
        let put = write(&ann, Method::PUT, path, &put).await.expect(200);
        assert_eq!(put.header("etag"), Some(before.as_str()), "{path}");
        let other = patch(path, r#"{"memo":1,"b":"A/é"}"#).await;
        assert_ne!(other.header("etag"), Some(before.as_str()), "1 is not written as 1.0: {path}");
    }
    let other = send(&key, r#"{"memo":1,"b":"A/é"}"#);
    write(&ann, Method::POST, "/api/messages/", &other).await.problem(409, "client_id_reused");
}

#[tokio::test]
async fn what_is_stored_counts_against_the_limit() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let conversation = ann.group(&[&app.user("ben").await]).await;
    let send = |metadata: &str| {
        format!(r#"{{"conversation":"{conversation}","message_body":"memo","metadata":{metadata}}}"#)
    };
    let longest = format!(r#"{{"memo":"{}"}}"#, "x".repeat(4096 - 11));
    says(&write(&ann, Method::POST, "/api/messages/", &send(&longest)).await.expect(201), &longest, 1);
    let spelled = format!("{}{}{}", " ".repeat(5000), longest.replace('x', "\\u0078"), " ".repeat(5000));
    says(&write(&ann, Method::POST, "/api/messages/", &send(&spelled)).await.expect(201), &longest, 1);
    let longer = longest.replace("memo", "memo!");
    write(&ann, Method::POST, "/api/messages/", &send(&longer)).await.refuses("metadata");
    write(
        &ann,
        Method::PATCH,
        &format!("/api/conversations/{conversation}/"),
        &format!(r#"{{"metadata":{longer}}}"#),
    )
    .await
    .refuses("metadata");
}

/// The form on the page contains the metadata as text. Saving the form without a change changes nothing.
#[tokio::test]
async fn a_form_keeps_metadata() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let browser = Browser::of(&ann).await;
    for kept in KEPT {
        browser.get("/api/messages/").await.expect(200);
        let (token, fields) =
            (browser.csrf(), [("conversation", conversation.as_str()), ("message_body", "memo")]);
        let fields: Vec<(&str, &str)> =
            fields.into_iter().chain([("metadata", kept), ("csrfmiddlewaretoken", token.as_str())]).collect();
        browser.post("/api/messages/", &fields).await.expect(201);
        let message = message_path(ann.messages(&conversation).await.last().unwrap());
        says(&ann.get(&message).await, kept, 1);
        let page = browser.get(&message).await.expect(200).text();
        let shown = page.split("name=\"metadata\"").nth(1).unwrap();
        let shown = shown.split_once('>').unwrap().1.split("</textarea>").next().unwrap();
        let shown = shown.replace("&#34;", "\"").replace("&#60;", "<").replace("&#38;", "&");
        browser
            .script(
                Method::PUT,
                &message,
                &[("message_body", "memo, by a form"), ("metadata", shown.trim_start())],
            )
            .await
            .expect(200);
        says(&ann.get(&message).await, kept, 1);
    }
}
