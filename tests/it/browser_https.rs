//! Browsers over https, as on AWS: the cookie of the session has a prefix that other hosts cannot set, and the header
//! `Strict-Transport-Security` is sent. Over http both are absent; `browser_sessions` tests the cookie without the
//! prefix.

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
    let device = lines.iter().find(|line| line.starts_with("__Host-device=")).unwrap();
    assert!(device.contains("; Secure") && device.contains("; HttpOnly"), "{device}");
    assert_eq!(lines.len(), 3, "{lines:?}");
    let me = browser.json("/api/users/me/").await.ok();
    assert_eq!(me["user_id"].as_str(), Some(ann.id.as_str()));
    // The chat page calls the API with the same cookies.
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
    // Browsers ignore a `Set-Cookie` with this prefix without one of these attributes.
    assert!(gone.contains("; Max-Age=0") && gone.contains("; Secure") && gone.contains("; Path=/"), "{gone}");
    assert_eq!((browser.cookie("__Host-sessionid"), browser.cookie("csrftoken")), (None, None));
    browser.set_cookie("__Host-sessionid", &secret);
    browser.json("/api/users/me/").await.problem(401, "not_authenticated");
}

/// Another host of the same domain can set a cookie `sessionid` for this host. If it counted, a user would write in
/// another person's account without noticing.
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
    // The reverse holds as well: over http the name with the prefix has no meaning.
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
