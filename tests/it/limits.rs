//! Limits of one user. A client that waits as long as `Retry-After` says is served. In all other tests, users have no
//! limits.

mod conversations;
mod sends;

use chrono::TimeDelta;
use shared::config::Limits;

use self::{conversations::bucket, sends::sends};
use crate::harness::{Answer, TestApp, User, user::body_of};

/// Asserts a 429 and returns the seconds of `Retry-After`.
#[track_caller]
fn wait(answer: Answer) -> i64 {
    let seconds = answer.header("retry-after").unwrap_or_default().parse();
    answer.problem(429, "throttled");
    seconds.unwrap()
}

/// Asserts that a request is refused until its `Retry-After` has passed, and returns the answer after that.
async fn waits(app: &TestApp, seconds: i64, request: impl AsyncFn() -> Answer) -> Answer {
    assert_eq!(wait(request().await), seconds);
    app.advance(TimeDelta::milliseconds(seconds * 1000 - 1));
    assert_eq!(wait(request().await), 1);
    app.advance(TimeDelta::milliseconds(1));
    request().await
}

/// Starts an application with these limits, with three users and a clock that stands still.
async fn three(limits: Limits) -> (TestApp, [User; 3]) {
    let app = TestApp::limited(limits).await;
    app.freeze();
    let users = [app.user("ann").await, app.user("ben").await, app.user("cleo").await];
    (app, users)
}

#[tokio::test]
async fn the_answers_say_what_is_limited() {
    let limits = Limits { conversations: bucket(1).conversations, ..sends(1) };
    let (_app, [ann, ben, cleo]) = three(limits).await;
    let group = ann.group(&[&ben]).await;
    let sent = ann.send(&group, "memo").await;
    assert_eq!(body_of(&sent), "memo");
    let detail = |answer: Answer| answer.json()["detail"].as_str().unwrap_or_default().to_owned();
    assert!(detail(ann.try_send(&group, "memo").await).contains("too many messages to this conversation"));
    assert!(detail(ann.open_direct(&cleo).await).contains("too many conversations"));
}
