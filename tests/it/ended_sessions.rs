//! A session that has ended opens no route: the next request by its access token or its cookie is refused, whatever
//! the request is.

use axum::http::Method;
use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::store::{ProfileChange, Rotation, RotationError, StoreError};

use crate::{
    harness::{
        Answer, Browser, TestApp, User,
        call::{Operation::Get, on},
        faults::{Fault::Before, How::Error500},
        login::{OTHER_PASSWORD, change_password, close_account, log_out, logged_in},
        people::PASSWORD,
    },
    matrix::{MATRIX, Row, Stage},
};

/// The ways in which the sessions of a user end.
#[derive(Debug, Clone, Copy)]
pub enum End {
    LogOut,
    ListOfSessions,
    ChangeOfThePassword,
    ClosingOfTheAccount,
    Suspension,
}

pub const ENDS: [End; 5] =
    [End::LogOut, End::ListOfSessions, End::ChangeOfThePassword, End::ClosingOfTheAccount, End::Suspension];

/// A session by token, and another device of the same user.
pub struct Devices {
    pub here: User,
    refresh: Value,
    other: User,
}

impl Devices {
    pub async fn of(app: &TestApp, user: &User) -> Self {
        let (here, refresh) = logged_in(app, user).await;
        let (other, _) = logged_in(app, user).await;
        Self { here, refresh, other }
    }

    pub async fn end(&self, app: &TestApp, end: End) {
        let answer = match end {
            End::LogOut => log_out(app, &self.refresh).await,
            End::ListOfSessions => {
                let sessions = self.here.all("/api/users/me/sessions/").await;
                let own = sessions.iter().find(|session| session["current"] == true).unwrap();
                let id = own["session_id"].as_str().unwrap();
                self.other.delete(&format!("/api/users/me/sessions/{id}/")).await
            }
            End::ChangeOfThePassword => change_password(&self.other, PASSWORD, OTHER_PASSWORD).await,
            End::ClosingOfTheAccount => close_account(&self.other, PASSWORD).await,
            End::Suspension => {
                let suspended = json!({ "suspended": true });
                let path = format!("/api/users/{}/", self.here.id);
                app.admin("root").await.patch(&path, suspended).await
            }
        };
        assert!(answer.status < 300, "{end:?}: {answer}");
    }
}

/// Returns the rows of the routes that need a caller.
fn rows() -> impl Iterator<Item = Row> {
    MATRIX.into_iter().filter(|(_, _, _, [anonymous, ..])| *anonymous == 401)
}

fn refused(answer: &Answer, statuses: &[u16], what: &str) -> Option<String> {
    (!statuses.contains(&answer.status)).then(|| format!("{what}: {answer}"))
}

#[tokio::test]
async fn a_token_of_an_ended_session_opens_no_route() {
    let app = TestApp::lagging().await;
    let mut wrong = Vec::new();
    for end in ENDS {
        let stage = Stage::new(&app).await;
        let devices = Devices::of(&app, stage.callers[5].as_ref().unwrap()).await;
        app.proxy.stop_the_past().await;
        devices.end(&app, end).await;
        for (method, path, body, _) in rows() {
            let path = stage.fill(path);
            let request = devices.here.request(method.parse().unwrap(), &path);
            let body = body(&stage);
            let request = if body.is_null() { request } else { request.json(&body) };
            wrong.extend(refused(&request.send().await, &[401], &format!("after {end:?}, {method} {path}")));
        }
        // This request is refused before its first read.
        let faulty = devices.here.get("/api/messages/?limit=0").await;
        wrong.extend(refused(&faulty, &[401], &format!("after {end:?}, a faulty request")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    app.check().await;
}

#[tokio::test]
async fn a_cookie_of_an_ended_session_opens_no_route() {
    let app = TestApp::lagging().await;
    let mut wrong = Vec::new();
    for end in [End::ChangeOfThePassword, End::ClosingOfTheAccount, End::Suspension] {
        let stage = Stage::new(&app).await;
        let owner = stage.callers[5].as_ref().unwrap();
        let browser = Browser::of(owner).await;
        let devices = Devices::of(&app, owner).await;
        app.proxy.stop_the_past().await;
        devices.end(&app, end).await;
        for (method, path, body, _) in rows() {
            let path = stage.fill(path);
            let request =
                browser.request(method.parse().unwrap(), &path).header("x-csrftoken", &browser.csrf());
            let body = body(&stage);
            let request = if body.is_null() { request } else { request.json(&body) };
            let answer = request.send().await;
            wrong.extend(refused(&answer, &[401, 403], &format!("after {end:?}, {method} {path}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    app.check().await;
}

#[tokio::test]
async fn a_request_whose_session_cannot_be_read_is_a_503() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    app.proxy.faults.always(on(Get).of("SESSION#"), Before(Error500));
    for path in ["/api/conversations/", "/api/users/me/", "/api/messages/?limit=0"] {
        ann.get(path).await.problem(503, "unavailable");
    }
    ann.request(Method::PATCH, "/api/users/me/")
        .json(&json!({ "first_name": "Late" }))
        .send()
        .await
        .expect(503);
    app.proxy.faults.clear();
    assert_eq!(ann.get("/api/users/me/").await.ok()["first_name"], "ann");
}

/// The first call for a request may be a write, or the read that took the check over may have failed.
#[tokio::test]
async fn nothing_is_written_for_an_ended_session() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, refresh) = logged_in(&app, &ann).await;
    let store = &app.app.store;
    let now = app.app.clock.now();
    let claims = app.app.keys.access(store, &here.token, now).await.unwrap();
    log_out(&app, &refresh).await.ok();
    let ended = || store.for_session(claims.sub, claims.sid, now);
    let put = ended().end_session(claims.sub, claims.sid, now).await;
    assert!(matches!(put, Err(StoreError::SessionEnded)), "{put:?}");
    let change = ProfileChange { first_name: Some("Late".to_owned()), ..ProfileChange::default() };
    let transaction = ended().change_profile(claims.sub, change).await;
    assert!(matches!(transaction, Err(StoreError::SessionEnded)), "{transaction:?}");
    let (user, session) = (claims.sub, claims.sid);
    let rotation = Rotation { user, session, generation: 1, now, expires_at: now + TimeDelta::days(1) };
    let update = ended().rotate_session(rotation).await;
    assert!(matches!(update, Err(RotationError::Store(StoreError::SessionEnded))), "{update:?}");
}
