//! The chat page without its script: its contents for each caller, and its forms. The tests in `tests/browser` cover
//! the script.

use serde_json::{Value, json};

use crate::harness::{Answer, Browser, TestApp, User, user::message_path};

/// Returns the value of a hidden field of the message form on the page.
fn hidden(page: &str, name: &str) -> String {
    let (_, composer) = page.split_once("<form class=\"compose\"").unwrap();
    let (_, rest) = composer.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// Posts the message form of a page with this text.
async fn write(browser: &Browser, page: &str, text: &str) -> Answer {
    let fields = ["csrfmiddlewaretoken", "conversation", "client_id"].map(|name| (name, hidden(page, name)));
    let mut fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    fields.push(("message_body", text));
    browser.post("/", &fields).await
}

async fn bodies(user: &User, conversation: &str) -> Vec<String> {
    let path = format!("/api/messages/?conversation={conversation}&order=oldest");
    user.all(&path).await.iter().map(crate::harness::user::body_of).collect()
}

#[tokio::test]
async fn who_is_not_logged_in_is_sent_to_the_login_and_back() {
    let app = TestApp::new().await;
    let conversation = "00000000-0000-8000-8000-000000000000";
    let nobody = Browser::new(app.api());
    let answer = nobody.get(&format!("/?conversation={conversation}")).await.expect(303);
    let expected = format!("/api-auth/login/?next=%2F%3Fconversation%3D{conversation}");
    assert_eq!(answer.header("location"), Some(expected.as_str()));
    nobody.post("/", &[("conversation", conversation), ("message_body", "memo")]).await.expect(303);
}

#[tokio::test]
async fn a_conversation_is_shown_as_it_was_said() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let first = ben.send(&conversation, "memo <b>first</b>").await;
    let reply = json!({ "conversation": conversation, "message_body": "memo, second", "reply_to": first["message_id"] });
    ann.post("/api/messages/", reply).await.created();
    let third = ben.send(&conversation, "memo, third").await;
    ben.edit(&third, "memo, third as edited").await.ok();
    let fourth = ben.send(&conversation, "memo, fourth").await;
    ben.delete_message(&fourth).await.nothing();
    let browser = Browser::of(&ann).await;
    for path in ["/".to_owned(), format!("/?conversation={conversation}")] {
        let page = browser.get(&path).await.expect(200).text();
        for part in ["memo &#60;b&#62;first", "memo, third as edited", "edited", "This message was deleted."]
        {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("memo, fourth"), "{page}");
        let (_, quote) = page.split_once("class=\"quote\"").unwrap();
        assert!(quote.contains("memo &#60;b&#62;first"), "the reply quotes the message that it answers");
        let (_, badge) = page.split_once("class=\"unread\"").unwrap();
        assert!(badge.starts_with("><span>2<"), "the first and the third message are unread: {badge}");
    }
    let past = browser.get(&format!("/?before={}&conversation={conversation}", id(&third))).await.expect(200);
    let shows = |message: &Value| past.text().contains(&format!("id=\"m-{}\"", id(message)));
    assert!(past.text().contains("Newest messages") && shows(&first) && !shows(&third));
    browser.get("/?conversation=nonsense").await.expect(400);
    browser.get("/?cursor=nonsense").await.expect(400);
    app.check().await;
}

fn id(message: &Value) -> &str {
    message["message_id"].as_str().unwrap()
}

#[tokio::test]
async fn a_form_sends_once_however_often_it_is_posted() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let browser = Browser::of(&ann).await;
    let path = format!("/?conversation={conversation}");
    let page = browser.get(&path).await.expect(200).text();
    for _ in 0..3 {
        let answer = write(&browser, &page, "memo\r\non two lines").await.expect(303);
        assert_eq!(answer.header("location"), Some(path.as_str()));
    }
    assert_eq!(bodies(&ann, &conversation).await, ["memo\non two lines"]);
    // The user goes back to the old page and writes another text. The text is shown again, with a new idempotency key.
    let refused = write(&browser, &page, "memo, another").await.expect(409).text();
    assert!(refused.contains(">memo, another</textarea>"), "{refused}");
    assert_ne!(hidden(&refused, "client_id"), hidden(&page, "client_id"));
    write(&browser, &refused, "memo, another").await.expect(303);
    assert_eq!(bodies(&ann, &conversation).await, ["memo\non two lines", "memo, another"]);
    let blank = write(&browser, &browser.get(&path).await.text(), " ").await.expect(400).text();
    assert!(blank.contains("must contain a visible character"), "{blank}");
    app.check().await;
}

#[tokio::test]
async fn the_form_marks_as_read() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let message = ben.send(&conversation, "memo").await;
    let browser = Browser::of(&ann).await;
    let token = browser.csrf();
    let fields =
        [("csrfmiddlewaretoken", token.as_str()), ("conversation", &conversation), ("read", id(&message))];
    browser.post("/", &fields).await.expect(303);
    assert_eq!(ann.get(&format!("/api/conversations/{conversation}/")).await.ok()["unread"], 0);
}

#[tokio::test]
async fn the_page_shows_and_does_no_more_than_the_api() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let conversation = ann.group(&[&ben]).await;
    let message = ann.send(&conversation, "memo, between us").await;
    let browser = Browser::of(&cleo).await;
    let own = cleo.group(&[&ben]).await;
    let page = browser.get(&format!("/?conversation={own}")).await.expect(200).text();
    let none = "00000000-0000-8000-8000-000000000000";
    let strange = browser.get(&format!("/?conversation={conversation}")).await.expect(404).text();
    let absent = browser.get(&format!("/?conversation={none}")).await.expect(404).text();
    assert!(!strange.contains("between us") && strange.contains("This conversation does not exist"));
    let without_time = |page: &str| page.split(" data-now=").next().unwrap().to_owned();
    assert_eq!(
        without_time(&strange),
        without_time(&absent),
        "the answer does not reveal if the conversation exists"
    );
    let around = format!("/?conversation={own}&around={}", id(&message));
    assert!(!browser.get(&around).await.text().contains("between us"));
    for (token, status) in [(hidden(&page, "csrfmiddlewaretoken"), 400), ("forged".to_owned(), 403)] {
        let fields = [
            ("csrfmiddlewaretoken", token.as_str()),
            ("conversation", &conversation),
            ("message_body", "memo"),
        ];
        browser.post("/", &fields).await.expect(status);
    }
    assert_eq!(bodies(&ann, &conversation).await, ["memo, between us"]);
    ann.get(&message_path(&message)).await.ok();
    app.check().await;
}
