//! Cross-site request forgery: requests that a page of another site could make a browser send. None of them has an
//! effect.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Browser, TestApp, browser::encoded, people::PASSWORD};

const ME: &str = "/api/users/me/";

fn change() -> Value {
    json!({ "last_name": "Memo" })
}

/// Changes the last name, with these headers in addition to the cookies.
async fn with(browser: &Browser, headers: &[(&str, &str)]) -> Answer {
    let request = browser.request(Method::PATCH, ME).json(&change());
    headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send().await
}

#[tokio::test]
async fn a_cookie_needs_the_token_of_its_session() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let (browser, others, second) =
        (Browser::of(&ann).await, Browser::of(&ben).await, Browser::of(&ann).await);
    let token = browser.csrf();
    for wrong in [
        String::new(),
        "x".to_owned(),
        others.csrf(),
        second.csrf(),
        token[1..].to_owned(),
        format!("{token}A"),
    ] {
        with(&browser, &[("x-csrftoken", &wrong)]).await.problem(403, "csrf_failed");
    }
    with(&browser, &[]).await.problem(403, "csrf_failed");
    // Scripts read this cookie, but the server does not trust it, because another site might set it.
    browser.set_cookie("csrftoken", "mine");
    with(&browser, &[("x-csrftoken", "mine")]).await.problem(403, "csrf_failed");
    assert_eq!(browser.json(ME).await.ok()["last_name"], "Tester");
    with(&browser, &[("x-csrftoken", &token)]).await.expect(200);
    // Safe methods need no token.
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        let answer = browser.request(method, ME).send().await;
        assert!([200, 204].contains(&answer.status), "{answer}");
    }
}

#[tokio::test]
async fn what_the_browser_says_of_the_page_counts() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let browser = Browser::of(&ann).await;
    let token = browser.csrf();
    let token = ("x-csrftoken", token.as_str());
    for foreign in [
        ("origin", "http://example.com"),
        ("origin", "https://api.test"),
        ("origin", "null"),
        ("origin", "http://api.test:81"),
        ("origin", "http://api.test.example.com"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", ""),
    ] {
        with(&browser, &[token, foreign]).await.problem(403, "csrf_failed");
    }
    for own in [("origin", "http://api.test"), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")]
    {
        with(&browser, &[token, own]).await.expect(200);
    }
    with(&browser, &[token, ("origin", "http://api.test"), ("sec-fetch-site", "cross-site")])
        .await
        .problem(403, "csrf_failed");
}

#[tokio::test]
async fn a_form_shows_the_token_in_its_field() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let browser = Browser::of(&ann).await;
    let token = browser.csrf();
    let post = async |fields: &[(&str, &str)], accept: &str| {
        let request = browser.request(Method::POST, "/api/conversations/").header("accept", accept);
        request.form(&encoded(fields)).send().await.status
    };
    // A program that posts forms with the cookie, and a page.
    for accept in ["application/json", "text/html"] {
        assert_eq!(
            post(&[("participants", ann.id.as_str()), ("csrfmiddlewaretoken", &token)], accept).await,
            201,
            "{accept}"
        );
        assert_eq!(post(&[("participants", ann.id.as_str())], accept).await, 403, "{accept}");
        assert_eq!(
            post(&[("participants", ann.id.as_str()), ("csrfmiddlewaretoken", "x")], accept).await,
            403,
            "{accept}"
        );
        let twice = [
            ("participants", ann.id.as_str()),
            ("csrfmiddlewaretoken", &token),
            ("csrfmiddlewaretoken", &token),
        ];
        assert_eq!(post(&twice, accept).await, 403, "{accept}");
    }
    // With an access token instead of the cookie, the field is an unknown field.
    let fields = encoded(&[("participants", ann.id.as_str()), ("csrfmiddlewaretoken", &token)]);
    ann.request(Method::POST, "/api/conversations/")
        .form(&fields)
        .send()
        .await
        .refuses("csrfmiddlewaretoken");
}

#[tokio::test]
async fn beside_a_header_the_cookie_does_not_count() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let browser = Browser::of(&ann).await;
    // The request has Ben's access token and Ann's cookie. It acts as Ben, and it needs no CSRF token.
    let answer = browser.request(Method::PATCH, ME).bearer(&ben.token).json(&change()).send().await.ok();
    assert_eq!(answer["user_id"].as_str(), Some(ben.id.as_str()));
    browser.request(Method::GET, ME).bearer("bad").send().await.problem(401, "token_not_valid");
    browser
        .request(Method::GET, ME)
        .header("authorization", "Basic YTpi")
        .send()
        .await
        .problem(401, "not_authenticated");
}

#[tokio::test]
async fn the_login_and_the_logout_need_it_too() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let browser = Browser::new(app.api());
    let page = browser.get("/api-auth/login/").await.expect(200).text();
    let token = browser.csrf();
    assert!(page.contains(&token), "the form contains the token of the cookie");
    let fields = |token: &str| {
        encoded(&[("username", &ann.email), ("password", PASSWORD), ("csrfmiddlewaretoken", token)])
    };
    let post = |body: String| browser.request(Method::POST, "/api-auth/login/").form(&body);
    for wrong in ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let refused = post(fields(wrong)).send().await.expect(403);
        assert!(refused.header("set-cookie").is_none_or(|line| !line.contains("sessionid")), "{refused}");
    }
    post(fields(&token)).header("origin", "https://example.com").send().await.expect(403);
    // The field is there, but its cookie is missing.
    let alone = app.post("/api-auth/login/").header("cookie", "other=1").form(&fields(&token)).send().await;
    alone.expect(403);
    browser.keep(post(fields(&token)).send().await.expect(303));
    browser.post("/api-auth/logout/", &[]).await.expect(403);
    browser.json(ME).await.expect(200);
    browser.log_out().await.expect(303);
}

#[tokio::test]
async fn cookies_that_are_none_are_nobodys() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let browser = Browser::of(&ann).await;
    let good = browser.cookie("sessionid").unwrap();
    let mut forged = good.clone().into_bytes();
    // A signature with another secret for the same session.
    forged[60] = if forged[60] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    let lines = [
        "sessionid=".to_owned(),
        "sessionid".to_owned(),
        "sessionid=x".to_owned(),
        format!("sessionid={forged}"),
        format!("sessionid=\"{good}"),
        format!("Sessionid={good}"),
    ];
    for line in lines {
        app.get(ME).header("cookie", &line).send().await.problem(401, "not_authenticated");
    }
    app.get(ME).header_bytes("cookie", b"sessionid=\xff").send().await.problem(401, "not_authenticated");
    app.get(ME).header("cookie", &format!("a=b; sessionid={good}; c=d")).send().await.expect(200);
}

#[tokio::test]
async fn a_form_that_cannot_be_read_is_told_so_and_not_a_missing_token() {
    let app = TestApp::new().await;
    let browser = Browser::of(&app.user("ann").await).await;
    for path in ["/", "/api/conversations/", "/api-auth/logout/"] {
        for unreadable in ["%ff", "%1B", "%00"] {
            let form = format!("csrfmiddlewaretoken={}&name=a{unreadable}b", browser.csrf());
            for accept in ["text/html", "application/json, text/html;q=0.5"] {
                let request = browser.request(Method::POST, path).header("accept", accept).form(&form);
                let answer = request.send().await;
                assert_eq!(answer.status, 400, "{path} {unreadable} {accept}: {answer}");
                let text = String::from_utf8_lossy(&answer.body);
                assert!(text.contains("The form is not valid UTF-8"), "{answer}");
            }
        }
    }
}
