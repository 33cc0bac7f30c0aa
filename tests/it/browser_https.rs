//! Browsers over https, as all are on AWS: the session's cookie that no other host can set, and the header that keeps
//! browsers from http. Over http, both are left out: `browser_sessions` has the cookie's plain name.

use axum::http::Method;

use crate::harness::{
    Browser, TestApp,
    browser::{ACCEPT, set_cookies},
    people::PASSWORD,
};

const HSTS: &str = "strict-transport-security";

#[tokio::test]
async fn the_session_has_the_prefix_that_only_this_host_can_set() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let browser = Browser::new(app.api().over_https());
    let answer = browser.log_in(&ann.email, PASSWORD, "/api/").await.expect(303);
    let lines = set_cookies(&answer);
    let session = lines.iter().find(|line| line.starts_with("__Host-sessionid=")).unwrap();
    for wanted in ["; HttpOnly", "; SameSite=Lax", "; Secure", "; Path=/", "; Max-Age=1209600"] {
        assert!(session.contains(wanted), "{session}");
    }
    assert!(!session.contains("Domain"), "{session}");
    let token = lines.iter().find(|line| line.starts_with("csrftoken=")).unwrap();
    assert!(token.contains("; Secure") && !token.contains("HttpOnly"), "{token}");
    assert_eq!(lines.len(), 2, "{lines:?}");
    let me = browser.json("/api/users/me/").await.ok();
    assert_eq!(me["user_id"].as_str(), Some(ann.id.as_str()));
    // The chat asks the API for the same browser.
    assert!(browser.get("/").await.expect(200).text().contains("ann Tester"));
}

#[tokio::test]
async fn logging_out_takes_the_cookie_away() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let browser = Browser::new(app.api().over_https());
    browser.log_in(&ann.email, PASSWORD, "/api/").await.expect(303);
    let secret = browser.cookie("__Host-sessionid").unwrap();
    let answer = browser.log_out().await.expect(303);
    let lines = set_cookies(&answer);
    let gone = lines.iter().find(|line| line.starts_with("__Host-sessionid=;")).unwrap();
    // Browsers pass over a line with this prefix that lacks one of these.
    assert!(gone.contains("; Max-Age=0") && gone.contains("; Secure") && gone.contains("; Path=/"), "{gone}");
    assert_eq!((browser.cookie("__Host-sessionid"), browser.cookie("csrftoken")), (None, None));
    browser.set_cookie("__Host-sessionid", &secret);
    browser.json("/api/users/me/").await.problem(401, "not_authenticated");
}

/// Another host of the domain can set `sessionid` for this one: somebody would write into an account that is not theirs.
#[tokio::test]
async fn the_plain_name_does_not_count() {
    let app = TestApp::new().await;
    let (ann, mallory) = (app.user("ann").await, app.user("mallory").await);
    let plain = Browser::of(&mallory).await;
    let planted = plain.cookie("sessionid").unwrap();
    let browser = Browser::new(app.api().over_https());
    browser.set_cookie("sessionid", &planted);
    browser.json("/api/users/me/").await.problem(401, "not_authenticated");
    browser.log_in(&ann.email, PASSWORD, "/api/").await.expect(303);
    let me = browser.json("/api/users/me/").await.ok();
    assert_eq!(me["user_id"].as_str(), Some(ann.id.as_str()));
    // Nor the other way round: over http the prefix means nothing.
    let secure = browser.cookie("__Host-sessionid").unwrap();
    let request = app.get("/api/users/me/").header("cookie", &format!("__Host-sessionid={secure}"));
    request.send().await.problem(401, "not_authenticated");
}

#[tokio::test]
async fn every_answer_over_https_asks_for_https_and_none_over_http_does() {
    let app = TestApp::new().await;
    let paths = [
        "/",
        "/api/",
        "/api/docs/",
        "/api/schema/",
        "/api-auth/login/",
        "/api/users/me/",
        "/api/nothing/",
        "/healthz",
        "/.well-known/jwks.json",
    ];
    let api = app.api();
    for path in paths {
        for accept in [ACCEPT, "application/json"] {
            let ask = async |api: &crate::harness::Api| {
                api.request(Method::GET, path).header("accept", accept).send().await
            };
            let secure = ask(&api.over_https()).await;
            assert_eq!(secure.header(HSTS), Some("max-age=31536000"), "{secure}");
            let plain = ask(&api).await;
            assert_eq!(plain.header(HSTS), None, "{plain}");
        }
    }
}
