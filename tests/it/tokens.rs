//! The claims of tokens. An access token has the claims of RFC 9068. A refresh token has another audience, so that
//! another system that checks signature and audience accepts only the access token.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::auth::{RefreshClaims, jwt::Claims};

use crate::harness::{
    TestApp, User,
    login::{log_in, log_out, refresh, verify},
    people::PASSWORD,
};

/// Returns a part of a token: 0 for its header, 1 for its claims.
fn part(token: &Value, index: usize) -> Value {
    let text = token.as_str().unwrap().split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

async fn tokens(app: &TestApp, user: &User) -> Value {
    log_in(app, &user.email, PASSWORD).await.ok()
}

#[tokio::test]
async fn an_access_token_has_the_claims_of_rfc_9068() {
    let app = TestApp::new().await;
    app.freeze();
    let ann = app.user("ann").await;
    let access = tokens(&app, &ann).await["access"].clone();
    let header = part(&access, 0);
    assert_eq!(names(&header), ["alg", "kid", "typ"]);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
    let claims = part(&access, 1);
    let all = ["aud", "client_id", "exp", "iat", "iss", "jti", "role", "sid", "sub"];
    assert_eq!(names(&claims), all);
    let now = app.app.clock.now().timestamp();
    assert_eq!((claims["iat"].as_i64(), claims["exp"].as_i64()), (Some(now), Some(now + 15 * 60)));
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("https://api.test"), &json!("messaging")));
    assert_eq!((&claims["sub"], &claims["role"]), (&json!(ann.id), &json!("guest")));
    assert_eq!(claims["client_id"], "first-party");
}

#[tokio::test]
async fn a_refresh_token_is_for_another_audience() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let token = tokens(&app, &ann).await["refresh"].clone();
    assert_eq!(part(&token, 0)["typ"], "rt+jwt");
    assert_eq!(part(&token, 1)["aud"], "messaging/refresh");
}

/// Earlier releases signed refresh tokens for the audience of the API. Such a token is refused everywhere.
#[tokio::test]
async fn a_refresh_token_for_the_audience_of_access_tokens_is_refused() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let good = tokens(&app, &ann).await["refresh"].clone();
    let claims: RefreshClaims = serde_json::from_value(part(&good, 1)).unwrap();
    let signed =
        |aud: String| json!(app.people.signer.sign(&RefreshClaims { aud, ..claims.clone() }).unwrap());
    let bad = signed(app.app.config.audience.clone());
    for answer in [refresh(&app, &bad).await, verify(&app, &bad).await, log_out(&app, &bad).await] {
        answer.problem(401, "token_not_valid");
    }
    refresh(&app, &signed(RefreshClaims::audience(&app.app.config))).await.ok();
}

#[tokio::test]
async fn every_access_token_has_an_id_of_its_own() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let jti = |tokens: &Value| part(&tokens["access"], 1)["jti"].as_str().unwrap().to_owned();
    let first = tokens(&app, &ann).await;
    let other_device = tokens(&app, &ann).await;
    app.advance(TimeDelta::seconds(1));
    let second = refresh(&app, &first["refresh"]).await.ok();
    let repeated = refresh(&app, &first["refresh"]).await.ok();
    let mut ids = vec![jti(&first), jti(&other_device), jti(&second)];
    assert_eq!(jti(&repeated), jti(&second), "the same token");
    assert!(ids.iter().all(|id| id.len() == 22), "{ids:?}");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3, "{ids:?}");
}
