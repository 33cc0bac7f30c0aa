//! Attempts at passwords: they are counted and slowed down, and the answers do not reveal if the email address is
//! registered. `lockout` tests that nobody can lock out another user.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures::future::join_all;

use crate::harness::{
    Answer, Api, TestApp,
    call::{
        Operation::{Put, Update},
        on,
    },
    login::{CHEAP_HASH, log_in, set_hash},
    network::unique_email,
    people::PASSWORD,
    race::held,
    table::number,
};

const WRONG: &str = "wrong-horse-battery";

/// Fails a number of times, without a delay.
async fn fail(api: &Api, email: &str, times: usize) {
    for _ in 0..times {
        log_in(api, email, WRONG).await.problem(401, "invalid_credentials");
    }
}

/// Returns the seconds of `Retry-After` of a refused attempt.
fn wait(answer: Answer) -> i64 {
    let seconds = answer.header("retry-after").unwrap().parse().unwrap();
    answer.problem(429, "throttled");
    seconds
}

#[tokio::test]
async fn attempts_are_slowed_down_and_never_for_good() {
    let app = TestApp::new().await;
    app.freeze();
    let ann = app.user("ann").await;
    for email in [&ann.email, &unique_email("nobody")] {
        fail(&app, email, 10).await;
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(wait(log_in(&app, email, PASSWORD).await), seconds, "{email}");
            app.advance(TimeDelta::seconds(seconds) - TimeDelta::microseconds(1));
            assert_eq!(wait(log_in(&app, email, PASSWORD).await), 1, "{email}");
            app.advance(TimeDelta::microseconds(1));
            // A client that waits as long as it was told is served.
            fail(&app, email, 1).await;
        }
    }
    app.advance(TimeDelta::seconds(60));
    log_in(&app, &ann.email, PASSWORD).await.ok();
    // A success takes all attempts back.
    fail(&app, &ann.email, 10).await;
    assert_eq!(wait(log_in(&app, &ann.email, PASSWORD).await), 1);
}

#[tokio::test]
async fn a_day_after_the_last_attempt_all_are_forgotten() {
    let app = TestApp::new().await;
    app.freeze();
    let email = unique_email("nobody");
    fail(&app, &email, 10).await;
    app.advance(TimeDelta::days(1));
    fail(&app, &email, 1).await;
    let tally = app.table.get(&format!("EMAIL#{email}"), "TALLY#127.0.0.0/24").await.unwrap();
    assert_eq!(number(&tally, "failures"), 11, "a second before the end");
    app.advance(TimeDelta::days(1) + TimeDelta::seconds(2));
    fail(&app, &email, 10).await;
    assert_eq!(wait(log_in(&app, &email, WRONG).await), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_in_parallel_are_all_counted() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    // The clock stands still: one second later, the next guess would be allowed, and a slow machine may need a second.
    app.freeze();
    for email in [&ann.email, &unique_email("nobody")] {
        let guesses = join_all((0..20).map(|n| {
            let (app, email) = (app.api(), email.clone());
            async move { log_in(&app, &email, &format!("wrong-horse-battery-{n}")).await.status }
        }))
        .await;
        let verified = guesses.iter().filter(|status| **status == 401).count();
        assert!(guesses.iter().all(|status| [401, 429].contains(status)), "{guesses:?}");
        assert_eq!(verified, 10, "{verified} of 20 simultaneous guesses were checked");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_right_logins_at_once_all_succeed() {
    let app = TestApp::new().await;
    app.freeze();
    let ann = app.user("ann").await;
    for _ in 0..3 {
        let logins = join_all((0..10).map(|_| log_in(&app, &ann.email, PASSWORD))).await;
        let statuses: Vec<u16> = logins.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [200; 10]);
    }
    let tally = app.table.get(&format!("EMAIL#{}", ann.email), "TALLY#127.0.0.0/24").await.unwrap();
    assert_eq!(number(&tally, "failures"), 0, "each success has taken its attempt back");
}

#[tokio::test]
async fn attempts_are_counted_across_processes() {
    let app = TestApp::new().await;
    app.freeze();
    let (ann, other) = (app.user("ann").await, app.second_process().await);
    for email in [&ann.email, &unique_email("nobody")] {
        fail(&app, email, 5).await;
        fail(&other, email, 5).await;
        assert_eq!(wait(log_in(&app, email, WRONG).await), 1, "{email}");
        assert_eq!(wait(log_in(&other, email, WRONG).await), 1, "{email}");
    }
}

#[tokio::test]
async fn nobodys_email_and_a_wrong_password_are_answered_alike() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    // The fastest of three attempts: other work of the machine can only make an attempt slower.
    let timed = async |email: &str| {
        let mut quickest = Duration::MAX;
        let mut fingerprint = String::new();
        for _ in 0..3 {
            let begun = Instant::now();
            fingerprint = log_in(&app, email, WRONG).await.fingerprint();
            quickest = quickest.min(begun.elapsed());
        }
        (fingerprint, quickest)
    };
    let (wrong, took) = timed(&ann.email).await;
    let (nobody, took_too) = timed(&unique_email("nobody")).await;
    assert_eq!(wrong, nobody);
    // Both attempts compute a hash. An answer without a hash would come many times faster.
    assert!(took_too * 4 > took, "{took:?} {took_too:?}");
    // Both attempts also make the same calls to the table, with and without the token of a device.
    let ben = app.user("ben").await;
    let token = log_in(&app, &ben.email, PASSWORD).await.ok()["device_token"].clone();
    for token in [serde_json::Value::Null, token] {
        let attempt = async |email: &str| {
            let body = serde_json::json!({ "email": email, "password": WRONG, "device_token": token });
            let (answer, cost) = app.proxy.measure(app.post("/api/token/").json(&body).send()).await;
            answer.problem(401, "invalid_credentials");
            (cost.requests(), cost.depth, cost.write_units.to_bits())
        };
        assert_eq!(attempt(&ann.email).await, attempt(&unique_email("nobody")).await);
    }
}

/// The clock stands still, so that only the count shows that other guesses came between the read and the write.
#[tokio::test]
async fn a_guess_past_other_guesses_is_counted_behind_them() {
    let app = TestApp::new().await;
    app.freeze();
    let ann = app.user("ann").await;
    // The first guess finds no tally, the later one finds one.
    for counted in [3, 6] {
        let (late, ()) =
            held(&app, on(Put).of("TALLY#127"), log_in(&app, &ann.email, WRONG), fail(&app, &ann.email, 2))
                .await;
        late.problem(401, "invalid_credentials");
        let tally = app.table.get(&format!("EMAIL#{}", ann.email), "TALLY#127.0.0.0/24").await.unwrap();
        assert_eq!(number(&tally, "failures"), counted);
    }
}

/// After a success and ten failures, the count is the same as before. Only the time shows that other attempts came
/// between.
#[tokio::test]
async fn a_guess_past_a_success_waits_like_any_other() {
    let app = TestApp::new().await;
    app.freeze();
    let ann = app.user("ann").await;
    set_hash(&app, &ann, CHEAP_HASH).await;
    fail(&app, &ann.email, 10).await;
    app.advance(TimeDelta::seconds(1));
    let others = async {
        log_in(&app, &ann.email, PASSWORD).await.ok();
        fail(&app, &ann.email, 10).await;
    };
    let (late, ()) = held(&app, on(Put).of("TALLY#127"), log_in(&app, &ann.email, WRONG), others).await;
    assert_eq!(wait(late), 1);
}

/// TTL may delete a tally at any time.
#[tokio::test]
async fn a_tally_that_is_gone_is_not_made_by_a_success() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let pk = format!("EMAIL#{}", ann.email);
    let gone = app.table.remove(&pk, "TALLY#127.0.0.0/24");
    let (login, ()) = held(&app, on(Update).of("TALLY#"), log_in(&app, &ann.email, PASSWORD), gone).await;
    login.ok();
    assert!(app.table.get(&pk, "TALLY#127.0.0.0/24").await.is_none());
}

/// Two failures from two networks are counted at the same time.
#[tokio::test]
async fn a_failure_past_another_one_is_counted_behind_it() {
    let app = TestApp::new().await;
    app.freeze();
    let ann = app.user("ann").await;
    let other = app.client_at("192.0.2.1");
    for counted in [2, 4] {
        let (late, ()) = held(
            &app,
            on(Put).of("TALLY#unknown"),
            log_in(&app, &ann.email, WRONG),
            fail(&other, &ann.email, 1),
        )
        .await;
        late.problem(401, "invalid_credentials");
        let tally = app.table.get(&format!("EMAIL#{}", ann.email), "TALLY#unknown").await.unwrap();
        assert_eq!(number(&tally, "failures"), counted);
    }
}
