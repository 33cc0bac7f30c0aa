//! Nobody can lock out another user: attempts from one network, device or session never delay those of another. An
//! attacker with many networks gets few guesses, see also the tests of `auth::tallies`.

use chrono::TimeDelta;
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::harness::{
    Answer, Browser, TestApp, User,
    login::{
        CHEAP_HASH, OTHER_PASSWORD, change_password, log_in, log_in_on, logged_in, set_hash,
        with_new_password, with_tokens, without_first_session,
    },
    network::unique_email,
    people::PASSWORD,
    table::number,
};

const WRONG: &str = "wrong-horse-battery";
/// The owner's networks, which no attacker uses.
const HOME: &str = "203.0.113.7";
const OFFICE: &str = "2001:db8:7::1";

/// Fails until the attempts are delayed. Returns the seconds of `Retry-After`.
async fn exhaust(attempt: impl AsyncFn() -> Answer) -> String {
    for _ in 0..10 {
        attempt().await.problem(401, "invalid_credentials");
    }
    let refused = attempt().await;
    let seconds = refused.header("retry-after").unwrap().to_owned();
    refused.problem(429, "throttled");
    seconds
}

/// Makes unknown devices wait longer, as after 100 failures.
async fn attack(app: &TestApp, email: &str) {
    let now = app.app.clock.now();
    let tally = json!({
        "pk": format!("EMAIL#{email}"), "sk": "TALLY#unknown", "item": "tally", "failures": 100,
        "not_before": now.timestamp_micros(), "expires_at": (now + TimeDelta::days(1)).timestamp(),
    });
    app.table.put(&tally).await;
}

/// A guess from each of a thousand networks and a second one from two hundred of them, sixteen at a time. The owner logs
/// in, on a network of their own and on a known device, and changes the password while they go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attacker_with_a_thousand_networks_locks_nobody_out() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    set_hash(&app, &ann, CHEAP_HASH).await;
    let device = log_in(&app, &ann.email, PASSWORD).await.ok()["device_token"].clone();
    set_hash(&app, &ann, CHEAP_HASH).await;
    let guess = |n: u32| {
        let api = app.client_at(&format!("10.{}.{}.{}", n % 1000 / 250, n % 250, n / 1000 + 1));
        let email = ann.email.clone();
        async move { log_in(&api, &email, WRONG).await.status }
    };
    let attacker = stream::iter(0..1200).map(guess).buffer_unordered(16).collect::<Vec<u16>>();
    let owner = async {
        for n in 0..10 {
            let home = app.client_at(&format!("203.0.113.{n}"));
            log_in(&home, &ann.email, PASSWORD).await.ok();
            log_in_on(&app, &ann.email, PASSWORD, &device).await.ok();
            set_hash(&app, &ann, CHEAP_HASH).await;
        }
        let (here, _) = with_tokens(&ann, &log_in(&app.client_at(OFFICE), &ann.email, PASSWORD).await.ok());
        change_password(&here, PASSWORD, OTHER_PASSWORD).await.ok();
        log_in(&app.client_at(HOME), &ann.email, OTHER_PASSWORD).await.ok();
    };
    let (guesses, ()) = tokio::join!(attacker, owner);
    assert_eq!(guesses.iter().filter(|status| **status == 401).count(), 1200);
    log_in_on(&app, &ann.email, OTHER_PASSWORD, &device).await.ok();
    log_in(&app.client_at(HOME), &ann.email, OTHER_PASSWORD).await.ok();
    let tally = app.table.get(&format!("EMAIL#{}", ann.email), "TALLY#unknown").await.unwrap();
    assert_eq!(number(&tally, "failures"), 100);
}

#[tokio::test]
async fn each_network_has_its_own_tally() {
    let app = TestApp::new().await;
    app.freeze();
    let ann = app.user("ann").await;
    for (used, same, other) in [
        ("192.0.2.1", "192.0.2.200", "192.0.3.1"),
        ("2001:db8:1:2::1", "2001:db8:1:ffff::9", "2001:db8:2:2::1"),
    ] {
        exhaust(async || log_in(&app.client_at(used), &ann.email, WRONG).await).await;
        log_in(&app.client_at(same), &ann.email, PASSWORD).await.problem(429, "throttled");
        log_in(&app.client_at(other), &ann.email, PASSWORD).await.ok();
        // The address is the gateway's. A client cannot choose it.
        let login = json!({ "email": ann.email, "password": PASSWORD });
        let forged = app.client_at(used).post("/api/token/").header("x-forwarded-for", other);
        forged.json(&login).send().await.problem(429, "throttled");
    }
}

#[tokio::test]
async fn a_known_device_has_its_own_tally() {
    let app = TestApp::new().await;
    app.freeze();
    let ann = app.user("ann").await;
    let device = log_in(&app, &ann.email, PASSWORD).await.ok()["device_token"].clone();
    exhaust(async || log_in(&app, &ann.email, WRONG).await).await;
    // The known device logs in from the network of the attacker, and keeps its token.
    let again = log_in_on(&app, &ann.email, PASSWORD, &device).await.ok();
    assert_eq!(again["device_token"], device);
    assert_eq!(exhaust(async || log_in_on(&app, &ann.email, WRONG, &device).await).await, "1");
    log_in(&app.client_at(HOME), &ann.email, PASSWORD).await.ok();
    app.advance(TimeDelta::seconds(1));
    log_in_on(&app, &ann.email, PASSWORD, &device).await.ok();
}

#[tokio::test]
async fn a_token_that_is_not_of_a_known_device_counts_for_nothing() {
    let app = TestApp::new().await;
    app.freeze();
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let token = async |user: &User| log_in(&app, &user.email, PASSWORD).await.ok()["device_token"].clone();
    let (own, others) = (token(&ann).await, token(&ben).await);
    let text = own.as_str().unwrap();
    let secret = if text.ends_with("AA") { "BA" } else { "AA" };
    let forged = json!(format!("{}{secret}", &text[..text.len() - 2]));
    exhaust(async || log_in(&app, &ann.email, WRONG).await).await;
    for bad in [&forged, &others, &json!(""), &json!("a device"), &Value::Null] {
        log_in_on(&app, &ann.email, PASSWORD, bad).await.problem(429, "throttled");
    }
    // A new token replaces one that would soon expire.
    app.advance(TimeDelta::days(91));
    let answer = log_in_on(&app, &ann.email, PASSWORD, &own).await.ok();
    assert_ne!(answer["device_token"], own);
    app.advance(TimeDelta::days(90));
    exhaust(async || log_in(&app, &ann.email, WRONG).await).await;
    log_in_on(&app, &ann.email, PASSWORD, &own).await.problem(429, "throttled");
    log_in_on(&app, &ann.email, PASSWORD, &answer["device_token"]).await.ok();
}

#[tokio::test]
async fn during_an_attack_only_unknown_devices_wait_longer() {
    let app = TestApp::new().await;
    app.freeze();
    let ann = app.user("ann").await;
    let device = log_in(&app, &ann.email, PASSWORD).await.ok()["device_token"].clone();
    for email in [&ann.email, &unique_email("nobody")] {
        attack(&app, email).await;
        let api = app.client_at("192.0.2.1");
        assert_eq!(exhaust(async || log_in(&api, email, WRONG).await).await, "900", "{email}");
        app.advance(TimeDelta::minutes(15));
        log_in(&api, email, WRONG).await.problem(401, "invalid_credentials");
        let refused = log_in(&api, email, WRONG).await;
        assert_eq!(refused.header("retry-after"), Some("1800"), "{email}");
    }
    log_in(&app.client_at(HOME), &ann.email, PASSWORD).await.ok();
    assert_eq!(exhaust(async || log_in_on(&app, &ann.email, WRONG, &device).await).await, "1");
    // A day after the first failure, unknown devices wait as usual.
    app.advance(TimeDelta::days(1));
    assert_eq!(exhaust(async || log_in(&app.client_at(OFFICE), &ann.email, WRONG).await).await, "1");
}

#[tokio::test]
async fn the_hundredth_failure_from_unknown_devices_begins_the_longer_delays() {
    let app = TestApp::new().await;
    app.freeze();
    let email = unique_email("nobody");
    attack(&app, &email).await;
    app.table.set(&format!("EMAIL#{email}"), "TALLY#unknown", "failures", json!(90)).await;
    assert_eq!(exhaust(async || log_in(&app, &email, WRONG).await).await, "1");
    assert_eq!(exhaust(async || log_in(&app.client_at(HOME), &email, WRONG).await).await, "900");
    let tally = app.table.get(&format!("EMAIL#{email}"), "TALLY#unknown").await.unwrap();
    assert_eq!(number(&tally, "failures"), 100, "nothing is written during an attack");
}

#[tokio::test]
async fn a_change_of_the_password_has_the_tally_of_its_session() {
    let app = TestApp::new().await;
    app.freeze();
    let ann = app.user("ann").await;
    let (here, _) = logged_in(&app, &ann).await;
    let (there, _) = logged_in(&app, &ann).await;
    attack(&app, &ann.email).await;
    exhaust(async || log_in(&app, &ann.email, WRONG).await).await;
    for _ in 0..10 {
        change_password(&there, WRONG, OTHER_PASSWORD).await.refuses("old_password");
    }
    let refused = change_password(&there, PASSWORD, OTHER_PASSWORD).await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    refused.problem(429, "throttled");
    // A success takes the attempts back, and its new session has a tally of its own.
    for _ in 0..9 {
        change_password(&here, WRONG, OTHER_PASSWORD).await.refuses("old_password");
    }
    let (here, _) = with_new_password(&here, PASSWORD, OTHER_PASSWORD).await;
    for _ in 0..10 {
        change_password(&here, WRONG, PASSWORD).await.refuses("old_password");
    }
    change_password(&here, OTHER_PASSWORD, PASSWORD).await.problem(429, "throttled");
}

#[tokio::test]
async fn a_browser_keeps_the_token_of_its_device() {
    let app = TestApp::new().await;
    app.freeze();
    let ann = app.user("ann").await;
    for (api, cookie) in [(app.api(), "device"), (app.api().over_https(), "__Host-device")] {
        let browser = Browser::new(api.clone());
        let answer = browser.log_in(&ann.email, PASSWORD, "/api/").await.expect(303);
        let lines = crate::harness::browser::set_cookies(&answer);
        let line = lines.iter().find(|line| line.starts_with(&format!("{cookie}="))).unwrap();
        for wanted in ["; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age=15552000"] {
            assert!(line.contains(wanted), "{line}");
        }
        assert_eq!(line.contains("; Secure"), cookie == "__Host-device", "{line}");
        browser.log_out().await.expect(303);
        let token = browser.cookie(cookie).unwrap();
        exhaust(async || log_in(&api, &ann.email, WRONG).await).await;
        browser.log_in(&ann.email, PASSWORD, "/api/").await.expect(303);
        assert_eq!(browser.cookie(cookie), Some(token.clone()));
        // The cookie of the other scheme does not count, and the cookie does not log in.
        let other = Browser::new(api.clone());
        other.set_cookie(if cookie == "device" { "__Host-device" } else { "device" }, &token);
        other.log_in(&ann.email, PASSWORD, "/api/").await.expect(429);
        other.set_cookie(cookie, &token);
        other.json("/api/users/me/").await.problem(401, "not_authenticated");
        app.advance(TimeDelta::seconds(1));
        log_in(&api, &ann.email, PASSWORD).await.ok();
    }
}

#[tokio::test]
async fn a_further_login_ends_the_oldest_of_fifty_sessions() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (first, _) = logged_in(&app, &ann).await;
    without_first_session(&app, &ann).await;
    let session = first.all("/api/users/me/sessions/").await.remove(0);
    let path = format!("/api/users/me/sessions/{}/", session["session_id"].as_str().unwrap());
    let mut item = app.table.partition(&format!("USER#{}", ann.id)).await;
    item.retain(|item| item["sk"].as_str().unwrap().starts_with("SESSION#"));
    // Sessions of a later time, and sessions that are not live.
    let copies: Vec<Value> = (1..=53)
        .map(|n: u64| {
            let mut copy = item[0].clone();
            copy["sk"] = json!(format!("SESSION#00000000-0000-4000-8000-0000000000{n:02}"));
            copy["created_at"] = json!(number(&copy, "created_at") + n);
            match n {
                50 | 51 => copy["expires_at"] = json!(1),
                52 | 53 => copy["credential_version"] = json!(0),
                _ => {}
            }
            copy.into()
        })
        .collect();
    app.table.put_all(&copies).await;
    assert_eq!(first.all("/api/users/me/sessions/").await.len(), 50);
    let (last, _) = logged_in(&app, &ann).await;
    assert_eq!(last.all("/api/users/me/sessions/").await.len(), 50);
    last.get(&path).await.problem(404, "not_found");
    let (last, _) = logged_in(&app, &ann).await;
    assert_eq!(last.all("/api/users/me/sessions/").await.len(), 50);
    let oldest = "/api/users/me/sessions/00000000-0000-4000-8000-000000000001/";
    last.get(oldest).await.problem(404, "not_found");
    last.get(&oldest.replace("01/", "02/")).await.ok();
}
