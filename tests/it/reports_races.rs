//! Races and retries of reports: a key files one report, each report is paid for, and two changes of a report have one
//! order.

use axum::http::Method;
use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::json;
use shared::{
    ids::{IdempotencyKey, ReportId, UserId},
    model::report::{Reason, ReportState, id_of_request},
    store::{
        items::Report,
        reports::{BeforeFiling, Filed, REPORT_LIMIT},
    },
};
use uuid::Uuid;

use crate::{
    harness::{
        Answer, TestApp, User,
        call::{Operation::Transact, on},
        faults::{
            Fault::{After, Conflict},
            How::Reset,
        },
        race::held,
        table::number,
    },
    reports::{ids, path_of, report, try_report},
};

#[tokio::test]
async fn a_key_files_one_report() {
    let app = TestApp::new().await;
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    let group = ann.group(&[&ben]).await;
    let message = ben.send(&group, "memo").await;
    let body = json!({ "message": message["message_id"], "reason": "hate", "client_id": app.key() });
    let tries = join_all((0..5).map(|_| ann.post("/api/reports/", body.clone()))).await;
    assert_eq!(tries.iter().filter(|answer| answer.status == 201).count(), 1, "{}", tries[0]);
    let path = path_of(&tries[0].json());
    assert!(
        tries.iter().all(|answer| [200, 201].contains(&answer.status) && path_of(&answer.json()) == path)
    );
    let mut other = body.clone();
    other["comment"] = json!("memo");
    ann.post("/api/reports/", other.clone()).await.problem(409, "client_id_reused");
    admin.patch(&path, json!({ "state": "closed" })).await.ok();
    ann.leave(&group).await.expect(204);
    assert_eq!(ann.post("/api/reports/", body.clone()).await.ok()["state"], "closed");
    ann.post("/api/reports/", other).await.problem(409, "client_id_reused");
    // The key is the reporter's own.
    ben.post("/api/reports/", body).await.created();
    assert_eq!((ids(&admin, "open").await.len(), ids(&admin, "closed").await.len()), (1, 1));
    app.check().await;
}

/// Returns a report of Ann as the function would file it, and its key in the table.
fn of_key(app: &TestApp, ann: &User, key: &str) -> Report {
    let reporter: UserId = ann.id.parse().unwrap();
    let id: ReportId = id_of_request(reporter, key.parse::<IdempotencyKey>().unwrap());
    Report {
        place: (ReportState::Open, id),
        reporter,
        message: None,
        user: Some(reporter),
        conversation: None,
        sender: None,
        body: None,
        reason: Reason::Spam,
        comment: None,
        digest: "memo".to_owned(),
        created_at: app.app.clock.now(),
        version: 1,
        request: app.app.random.uuid(),
        handled_by: None,
        note: None,
        closed_by: None,
        closed_at: None,
    }
}

/// A batch is not a snapshot: it may have read the count after another request filed the report, and the report before.
#[tokio::test]
async fn a_report_that_the_read_has_missed_is_not_filed_again() {
    let app = TestApp::new().await;
    let (ann, admin) = (app.user("ann").await, app.admin("admin").await);
    let store = &app.app.store;
    let key = app.key();
    let filed = store.file_report(&of_key(&app, &ann, &key), BeforeFiling::default()).await.unwrap();
    let Filed::New(filed) = filed else { panic!("{filed:?}") };
    for state in ["open", "closed"] {
        let seen = store.before_filing(filed.place.1, filed.reporter).await.unwrap();
        assert_eq!(seen.earlier.as_ref().map(|report| report.place.0.as_str()), Some(state));
        let missed = BeforeFiling { earlier: None, ..seen };
        let again = store.file_report(&of_key(&app, &ann, &key), missed).await.unwrap();
        assert!(matches!(again, Filed::Existing(_)), "{again:?}");
        assert_eq!(ids(&admin, "open").await.len() + ids(&admin, "closed").await.len(), 1);
        admin.patch(&format!("/api/reports/{}/", filed.place.1), json!({ "state": "closed" })).await.ok();
    }
    app.check().await;
}

/// Returns the number of reports that a user can still file, as it was after the last one.
async fn tokens(app: &TestApp, user: &User) -> u64 {
    number(&app.table.get(&format!("LIMITS#{}", user.id), "REPORT").await.unwrap(), "tokens")
}

#[tokio::test]
async fn reports_at_the_same_time_are_all_paid_for() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let store = &app.app.store;
    let reporter: UserId = ann.id.parse().unwrap();
    for expected in [18, 16] {
        // Both read the same bucket.
        let seen = store.before_filing(ReportId::new(Uuid::nil()), reporter).await.unwrap();
        for _ in 0..2 {
            let filed = store.file_report(&of_key(&app, &ann, &app.key()), seen.clone()).await.unwrap();
            assert!(matches!(filed, Filed::New(_)), "{filed:?}");
        }
        assert_eq!(tokens(&app, &ann).await, expected);
    }
}

/// The bucket has the same number of tokens again, but at a later time.
#[tokio::test]
async fn a_report_past_a_bucket_that_was_refilled_pays_from_the_present_one() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let store = &app.app.store;
    let reporter: UserId = ann.id.parse().unwrap();
    let file = async |seen: BeforeFiling| {
        let filed = store.file_report(&of_key(&app, &ann, &app.key()), seen).await.unwrap();
        assert!(matches!(filed, Filed::New(_)), "{filed:?}");
    };
    let read = async || store.before_filing(ReportId::new(Uuid::nil()), reporter).await.unwrap();
    file(read().await).await;
    let seen = read().await;
    app.advance(TimeDelta::hours(3));
    file(read().await).await;
    assert_eq!(tokens(&app, &ann).await, 19);
    file(seen).await;
    assert_eq!(tokens(&app, &ann).await, 18);
}

#[tokio::test]
async fn a_user_files_a_limited_number_of_reports() {
    let app = TestApp::new().await;
    app.freeze();
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    for _ in 4..REPORT_LIMIT.size {
        report(&ann, &ben).await;
    }
    app.advance(TimeDelta::minutes(10));
    let last = join_all((0..8).map(|_| async { try_report(&ann, "user", &json!(ben.id)).await })).await;
    assert_eq!(last.iter().filter(|answer| answer.status == 201).count(), 4);
    let refused: Vec<Answer> = last.into_iter().filter(|answer| answer.status != 201).collect();
    let wait: i64 = refused[0].header("retry-after").unwrap().parse().unwrap();
    assert_eq!(wait, 3000, "the first token comes back an hour after the first report");
    for answer in refused {
        answer.problem(429, "throttled");
    }
    report(&ben, &ann).await;
    app.advance(TimeDelta::seconds(wait));
    let ann = app.renewed(&ann);
    report(&ann, &ben).await;
    try_report(&ann, "user", &json!(ben.id)).await.problem(429, "throttled");
    app.check().await;
}

#[tokio::test]
async fn of_two_changes_at_once_both_count_in_one_order() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let (admin, other) = (app.admin("admin").await, app.admin("other").await);
    // A note, and a change of the handler.
    let path = report(&ann, &ben).await;
    let late = other.patch(&path, json!({ "handled_by": "me" }));
    let first = admin.patch(&path, json!({ "note": "memo" }));
    let (taken, noted) = held(&app, on(Transact).of("OPEN#"), late, first).await;
    assert_eq!((noted.status, &taken.clone().ok()["note"]), (200, &json!("memo")), "{taken}");
    // A note, and the end of the report.
    let late = other.patch(&path, json!({ "state": "closed" }));
    let first = admin.patch(&path, json!({ "note": "memo, newer" }));
    let (closed, _) = held(&app, on(Transact).of("OPEN#"), late, first).await;
    assert_eq!(closed.ok()["note"], "memo, newer");
    // Two ends.
    let path = report(&ann, &ben).await;
    let late = other.patch(&path, json!({ "state": "closed", "note": "memo, late" }));
    let first = admin.patch(&path, json!({ "state": "closed", "note": "memo, first" }));
    let (second, closed) = held(&app, on(Transact).of("OPEN#"), late, first).await;
    second.refuses("note");
    assert_eq!(closed.ok(), admin.get(&path).await.ok());
    assert_eq!((ids(&admin, "open").await.len(), ids(&admin, "closed").await.len()), (0, 2));
}

/// The answer of a transaction is lost, and the SDK's repetition meets another transaction.
#[tokio::test]
async fn a_write_that_took_effect_behind_a_lost_answer_is_recognised() {
    let app = TestApp::new().await;
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    let disturb = || {
        app.proxy.faults.fail_nth(0, on(Transact).of("OPEN#"), After(Reset));
        app.proxy.faults.fail_nth(1, on(Transact).of("OPEN#"), Conflict);
    };
    disturb();
    let path = report(&ann, &ben).await;
    assert_eq!(app.proxy.faults.clear(), 2);
    assert_eq!((tokens(&app, &ann).await, ids(&admin, "open").await.len()), (19, 1));
    for (version, change) in
        [("\"1\"", json!({ "handled_by": "me" })), ("\"2\"", json!({ "state": "closed" }))]
    {
        disturb();
        let request = admin.request(Method::PATCH, &path).json(&change).header("if-match", version);
        request.send().await.ok();
        assert_eq!(app.proxy.faults.clear(), 2);
    }
    app.check().await;
}

#[tokio::test]
async fn a_report_is_filed_and_changed_past_another_transaction() {
    let app = TestApp::new().await;
    let (ann, ben, admin) = (app.user("ann").await, app.user("ben").await, app.admin("admin").await);
    app.proxy.faults.fail(on(Transact).of("OPEN#"), Conflict);
    let path = report(&ann, &ben).await;
    assert_eq!(app.proxy.faults.clear(), 1);
    app.proxy.faults.fail(on(Transact).of("OPEN#"), Conflict);
    admin.patch(&path, json!({ "state": "closed" })).await.ok();
    assert_eq!(app.proxy.faults.clear(), 1);
}
