//! Attempts at passwords: they are counted and slowed down, and the answers do not reveal if the email address is
//! registered.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures::future::join_all;

use crate::harness::{
    TestApp,
    call::{Operation::Update, on},
    login::log_in,
    network::unique_email,
    people::PASSWORD,
    race::held,
    table::number,
};

#[tokio::test]
async fn attempts_are_slowed_down_and_never_for_good() {
    let app = TestApp::new().await;
    app.freeze();
    let ann = app.user("ann").await;
    let nobody = unique_email("nobody");
    for email in [&ann.email, &nobody] {
        let mut waited = 0;
        let mut failed = 0;
        while failed < 8 {
            let answer = log_in(&app, email, "wrong-horse-battery").await;
            if answer.status == 429 {
                let seconds: i64 = answer.header("retry-after").unwrap().parse().unwrap();
                assert!((1..=60).contains(&seconds), "{answer}");
                answer.problem(429, "throttled");
                app.advance(TimeDelta::seconds(seconds));
                waited += seconds;
            } else {
                answer.problem(401, "invalid_credentials");
                failed += 1;
            }
        }
        assert!(waited >= 1 + 2 + 4 + 8 + 16, "{email}: waited {waited} s for eight failures");
    }
    app.advance(TimeDelta::seconds(60));
    log_in(&app, &ann.email, PASSWORD).await.ok();
    // A success resets the count, so the next mistake causes no wait.
    log_in(&app, &ann.email, "wrong-horse-battery").await.problem(401, "invalid_credentials");
    log_in(&app, &ann.email, PASSWORD).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_in_parallel_are_all_counted() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    // The clock stands still: one second later, the next guess would be allowed, and a slow machine may need a second.
    app.freeze();
    let guesses = join_all((0..12).map(|n| {
        let (app, email) = (app.api(), ann.email.clone());
        async move { log_in(&app, &email, &format!("wrong-horse-battery-{n}")).await.status }
    }))
    .await;
    let verified = guesses.iter().filter(|status| **status == 401).count();
    assert!(guesses.iter().all(|status| [401, 429].contains(status)), "{guesses:?}");
    assert!(verified <= 4, "{verified} of 12 simultaneous guesses were checked");
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
            app.advance(TimeDelta::minutes(1));
            let begun = Instant::now();
            fingerprint = log_in(&app, email, "wrong-horse-battery").await.fingerprint();
            quickest = quickest.min(begun.elapsed());
        }
        (fingerprint, quickest)
    };
    let (wrong, took) = timed(&ann.email).await;
    let (nobody, took_too) = timed(&unique_email("nobody")).await;
    assert_eq!(wrong, nobody);
    // Both attempts compute a hash. An answer without a hash would come many times faster.
    assert!(took_too * 4 > took, "{took:?} {took_too:?}");
    // Both attempts also make the same calls to the table.
    let (_, known) = app.proxy.measure(timed(&ann.email)).await;
    let (_, unknown) = app.proxy.measure(timed(&unique_email("nobody"))).await;
    assert_eq!((known.requests(), known.depth), (unknown.requests(), unknown.depth));
}

/// The clock stands still, so that only the count shows that other guesses came between the read and the write.
#[tokio::test]
async fn a_guess_past_other_guesses_is_counted_behind_them() {
    let app = TestApp::new().await;
    app.freeze();
    let ann = app.user("ann").await;
    let others = async {
        for _ in 0..2 {
            log_in(&app, &ann.email, "wrong-horse-battery").await.problem(401, "invalid_credentials");
        }
    };
    let late = log_in(&app, &ann.email, "wrong-horse-battery");
    let (late, ()) = held(&app, on(Update).of("CREDENTIAL"), late, others).await;
    late.problem(401, "invalid_credentials");
    let credential = app.table.get(&format!("EMAIL#{}", ann.email), "CREDENTIAL").await.unwrap();
    assert_eq!(number(&credential, "failures"), 3);
}

/// After a success and three failures, the count is the same as before. Only the time shows that other attempts came
/// between.
#[tokio::test]
async fn a_guess_past_a_success_waits_like_any_other() {
    let app = TestApp::new().await;
    app.freeze();
    let ann = app.user("ann").await;
    let fail_three_times = async || {
        for _ in 0..3 {
            log_in(&app, &ann.email, "wrong-horse-battery").await.problem(401, "invalid_credentials");
        }
    };
    fail_three_times().await;
    app.advance(TimeDelta::seconds(1));
    let others = async {
        log_in(&app, &ann.email, PASSWORD).await.ok();
        fail_three_times().await;
    };
    let late = log_in(&app, &ann.email, "wrong-horse-battery");
    let (late, ()) = held(&app, on(Update).of("CREDENTIAL"), late, others).await;
    late.problem(429, "throttled");
}
