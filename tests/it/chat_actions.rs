//! The forms of the chat page that answer requests, archive, mute, block and report, without the page's script.

use serde_json::{Value, json};

use crate::harness::{Answer, Browser, TestApp, User, user::id_of};

/// Posts a form of the page with the CSRF token of the session.
async fn post(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let token = browser.csrf();
    let token = ("csrfmiddlewaretoken", token.as_str());
    browser.post(path, &[fields, &[token]].concat()).await
}

async fn act(browser: &Browser, conversation: &str, action: &str) -> Answer {
    post(browser, "/", &[("conversation", conversation), ("action", action)]).await
}

/// Returns true if the list of the page contains the conversation.
async fn lists(browser: &Browser, path: &str, conversation: &str) -> bool {
    let page = browser.get(path).await.expect(200).text();
    page.contains(&format!("<a class=\"c\" href=\"{}", path.replace('&', "&#38;")))
        && page.contains(conversation)
}

async fn state(user: &User, conversation: &str) -> (Value, Value) {
    let conversation = user.conversation(conversation).await;
    (conversation["state"].clone(), conversation["muted"].clone())
}

/// Two users who share no conversation, where the deployment asks for consent.
async fn strangers(app: &TestApp) -> (User, User, Browser) {
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let browser = Browser::of(&ben).await;
    (ann, ben, browser)
}

#[tokio::test]
async fn a_request_is_apart_from_the_inbox_until_it_is_accepted() {
    let app = TestApp::with_requests().await;
    let (ann, ben, browser) = strangers(&app).await;
    let quiet = browser.get("/").await.expect(200).text();
    assert!(quiet.contains("class=\"waiting\" hidden"), "{quiet}");
    let group = ann.group(&[&ben]).await;
    ann.send(&group, "memo, hello").await;
    let inbox = browser.get("/").await.expect(200).text();
    assert!(inbox.contains("class=\"waiting\">") && !inbox.contains(&group), "{inbox}");
    assert!(lists(&browser, "/?list=requests", &group).await);
    let request = browser.get(&format!("/?list=requests&conversation={group}")).await.expect(200).text();
    for part in ["memo, hello", " invites you to this conversation", "value=\"accept\"", "value=\"decline\""]
    {
        assert!(request.contains(part), "{part}: {request}");
    }
    assert!(!request.contains("class=\"compose\"") && !request.contains("value=\"mute\""), "{request}");
    for _ in 0..2 {
        let answer = act(&browser, &group, "accept").await.expect(303);
        assert_eq!(answer.header("location"), Some(format!("/?conversation={group}").as_str()));
    }
    let page = browser.get(&format!("/?conversation={group}")).await.expect(200).text();
    assert!(page.contains("class=\"compose\"") && !page.contains("value=\"accept\""), "{page}");
    assert_eq!(state(&ben, &group).await.0, "active");
}

#[tokio::test]
async fn a_request_is_declined_once_however_often_the_form_is_posted() {
    let app = TestApp::with_requests().await;
    let (ann, ben, browser) = strangers(&app).await;
    let (group, direct) = (ann.group(&[&ben]).await, ann.direct(&ben).await);
    for (conversation, kind) in [(&group, "group"), (&direct, "direct")] {
        let fields = [("conversation", conversation.as_str()), ("action", "decline"), ("kind", kind)];
        for _ in 0..2 {
            let answer = post(&browser, "/", &fields).await.expect(303);
            assert_eq!(answer.header("location"), Some("/?list=requests"));
        }
    }
    assert_eq!(ben.all("/api/conversations/?state=invited").await, [Value::Null; 0]);
    ann.get(&format!("/api/conversations/{group}/")).await.ok();
    // Declining a group never deletes it, whatever the form says.
    let again = ann.group(&[&ben]).await;
    let fields = [("conversation", again.as_str()), ("action", "decline"), ("kind", "direct")];
    post(&browser, "/", &fields).await.expect(403);
    app.check().await;
}

#[tokio::test]
async fn a_conversation_is_archived_and_muted_by_forms() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    let browser = Browser::of(&ann).await;
    for (action, shown, expected) in [
        ("mute", "value=\"unmute\"", (json!("active"), json!(true))),
        ("archive", "value=\"unarchive\"", (json!("archived"), json!(true))),
        ("unmute", "value=\"mute\"", (json!("archived"), json!(false))),
        ("unarchive", "value=\"archive\"", (json!("active"), json!(false))),
    ] {
        act(&browser, &group, action).await.expect(303);
        assert_eq!(state(&ann, &group).await, expected, "{action}");
        let page = browser.get(&format!("/?conversation={group}")).await.expect(200).text();
        assert!(page.contains(shown), "{action}: {page}");
        let archived = expected.0 == "archived";
        assert_eq!(lists(&browser, "/?list=archived", &group).await, archived, "{action}");
        assert_eq!(lists(&browser, "/?", &group).await, !archived, "{action}");
    }
    act(&browser, &group, "burn").await.expect(400);
}

#[tokio::test]
async fn a_user_is_blocked_and_unblocked_by_a_form_with_the_token_of_the_session() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let direct = ann.direct(&ben).await;
    ben.send(&direct, "memo, between us").await;
    let browser = Browser::of(&ann).await;
    let here = format!("/?conversation={direct}");
    let block = |blocked| [("user", ben.id.as_str()), ("blocked", blocked), ("next", here.as_str())];
    browser.post("/api-auth/blocks/", &block("true")).await.expect(403);
    assert!(
        browser.get(&here).await.text().contains("memo, between us"),
        "nothing is blocked without the token"
    );
    for _ in 0..2 {
        let answer = post(&browser, "/api-auth/blocks/", &block("true")).await.expect(303);
        assert_eq!(answer.header("location"), Some(here.as_str()));
    }
    let page = browser.get(&here).await.expect(200).text();
    assert!(!page.contains("memo, between us") && page.contains("You have blocked the sender"), "{page}");
    assert!(page.contains(">Unblock "), "{page}");
    assert!(browser.get("/?list=blocked").await.expect(200).text().contains(&ben.id));
    for _ in 0..2 {
        post(&browser, "/api-auth/blocks/", &block("false")).await.expect(303);
    }
    let page = browser.get(&here).await.expect(200).text();
    assert!(page.contains("memo, between us") && page.contains(">Block "), "{page}");
    let elsewhere = [("user", ben.id.as_str()), ("blocked", "false"), ("next", "//example.com/")];
    let answer = post(&browser, "/api-auth/blocks/", &elsewhere).await.expect(303);
    assert_eq!(answer.header("location"), Some("/api/"));
    post(&browser, "/api-auth/blocks/", &[("user", &ann.id), ("blocked", "true")]).await.expect(400);
    post(
        &browser,
        "/api-auth/blocks/",
        &[("user", "00000000-0000-4000-8000-000000000000"), ("blocked", "true")],
    )
    .await
    .expect(404);
    let nobody = Browser::new(app.api());
    let answer = nobody.post("/api-auth/blocks/", &block("true")).await.expect(303);
    assert_eq!(answer.header("location"), Some("/api-auth/login/"));
}

#[tokio::test]
async fn a_conversation_says_that_the_other_user_must_accept_first() {
    let app = TestApp::with_requests().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let direct = ann.direct(&ben).await;
    let here = format!("/?conversation={direct}");
    let (browser, theirs) = (Browser::of(&ann).await, Browser::of(&ben).await);
    let hint = "has not accepted this conversation yet.";
    assert!(browser.get(&here).await.expect(200).text().contains(hint));
    assert!(!theirs.get(&here).await.expect(200).text().contains(hint));
    crate::consent::accept(&ben, &direct).await.ok();
    assert!(!browser.get(&here).await.expect(200).text().contains(hint));
}

#[tokio::test]
async fn a_form_reports_once_however_often_it_is_posted() {
    let app = TestApp::new().await;
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    let group = ann.group(&[&ben]).await;
    let message = ben.send(&group, "memo, spam").await["message_id"].as_str().unwrap().to_owned();
    let browser = Browser::of(&ann).await;
    let key = app.key();
    let key = key.as_str();
    let fields = |more: &[(&'static str, &'static str)]| {
        let mut fields = vec![("conversation", group.as_str()), ("action", "report"), ("client_id", key)];
        fields.extend(more);
        fields
    };
    let about_conversation = fields(&[("reason", "spam"), ("comment", "memo, a comment")]);
    for _ in 0..2 {
        let answer = post(&browser, "/", &about_conversation).await.expect(303);
        let next = answer.header("location").unwrap().to_owned();
        assert_eq!(next, format!("/?conversation={group}&done=reported"));
        assert!(browser.get(&next).await.expect(200).text().contains("The report was sent to the admins."));
    }
    let about_message =
        [("conversation", group.as_str()), ("action", "report"), ("message", &message), ("reason", "hate")];
    post(&browser, "/", &about_message).await.expect(303);
    let reports = admin.all("/api/reports/").await;
    assert_eq!(reports.len(), 2, "{reports:?}");
    for (reason, conversation, message) in
        [("spam", json!(group), Value::Null), ("hate", Value::Null, json!(message))]
    {
        let report = reports.iter().find(|report| report["reason"] == reason).unwrap();
        assert_eq!((&report["conversation"], &report["message"]), (&conversation, &message));
    }
    // Another report with the same key is refused, and its comment is shown again.
    let other = fields(&[("reason", "hate"), ("comment", "memo, another")]);
    let refused = post(&browser, "/", &other).await.expect(409).text();
    assert!(refused.contains(">memo, another</textarea>") && !refused.contains(key), "{refused}");
    post(&browser, "/", &fields(&[("comment", "memo")])).await.expect(400);
}

#[tokio::test]
async fn the_lists_have_pages_and_keep_the_open_conversation() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let mut groups = Vec::new();
    for _ in 0..2 {
        groups.push(ann.group(&[&ben]).await);
    }
    let browser = Browser::of(&ann).await;
    for group in &groups {
        act(&browser, group, "archive").await.expect(303);
    }
    let page = browser.get(&format!("/?list=archived&conversation={}", groups[0])).await.expect(200).text();
    assert!(page.contains(&format!("data-conversation=\"{}\" data-changes", groups[0])), "{page}");
    assert!(page.contains("href=\"/?list=archived\" aria-label=\"All conversations\""), "{page}");
    let listed = ann.all("/api/conversations/?state=archived").await;
    assert_eq!(listed.iter().map(id_of).count(), 2);
    browser.get("/?list=nonsense").await.expect(400);
    browser.get("/?list=blocked&cursor=nonsense").await.expect(400);
}
