//! Lost races and throttling. A short fault has no visible effect; a lasting fault gives a 503.

use super::stage::{ALL, Operation, Stage, succeeded};
use crate::harness::{
    TestApp,
    call::{
        Operation::{BatchWrite, Delete, Put, Transact, Update},
        any, on, writes,
    },
    faults::Fault::{Conflict, HalfDone, InProgress, Throttle, ThrottledTransaction},
    login::sessions,
};

#[tokio::test]
async fn conflicts_are_lost_races_and_tried_again() {
    let app = TestApp::new().await;
    let mut failed = Vec::new();
    for operation in ALL {
        let stage = Stage::new(&app, operation).await;
        for call in [on(Put), on(Update), on(Delete), on(Transact)] {
            app.proxy.faults.fail_times(2, call, Conflict);
        }
        let answer = stage.run(&app, operation).await;
        assert!(app.proxy.faults.clear() >= 1, "{operation:?}: no write was hit by a fault");
        if answer.status >= 300 {
            failed.push(format!("{operation:?}: {answer}"));
        } else {
            stage.verify(&app, operation).await;
        }
    }
    app.check().await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test]
async fn conflicts_at_a_batch_are_tried_again() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app, Operation::CloseAccount).await;
    app.proxy.faults.fail_times(2, on(BatchWrite), Conflict);
    succeeded(&stage.run(&app, Operation::CloseAccount).await, "close");
    assert_eq!(app.proxy.faults.clear(), 2);
    assert_eq!(sessions(&app, &stage.ann).await, 0);
}

/// The fault lasts longer than the retries of the SDK.
#[tokio::test]
async fn a_transaction_that_is_in_progress_is_tried_again() {
    let app = TestApp::new().await;
    for operation in [Operation::Register, Operation::Rename, Operation::Edit] {
        let stage = Stage::new(&app, operation).await;
        app.proxy.faults.fail_times(6, on(Transact), InProgress);
        succeeded(&stage.run(&app, operation).await, &format!("{operation:?} in progress"));
        assert_eq!(app.proxy.faults.clear(), 6);
        stage.verify(&app, operation).await;
    }
    app.check().await;
}

#[tokio::test]
async fn what_another_opening_has_half_done_is_waited_for() {
    let app = TestApp::new().await;
    for operation in [Operation::OpenDirect, Operation::CreateGroup] {
        let stage = Stage::new(&app, operation).await;
        app.proxy.faults.fail_times(2, on(Transact), HalfDone);
        succeeded(&stage.run(&app, operation).await, &format!("{operation:?} half done"));
        assert_eq!(app.proxy.faults.clear(), 2);
        stage.verify(&app, operation).await;
    }
    app.check().await;
}

#[tokio::test]
async fn throttling_that_passes_is_not_noticed() {
    let app = TestApp::new().await;
    for operation in ALL {
        let stage = Stage::new(&app, operation).await;
        app.proxy.faults.fail_times(2, any(), Throttle);
        let answer = stage.run(&app, operation).await;
        assert!(app.proxy.faults.clear() >= 1);
        succeeded(&answer, &format!("{operation:?} throttled"));
        stage.verify(&app, operation).await;
    }
    app.check().await;
}

#[tokio::test]
async fn throttling_that_lasts_is_a_503_that_says_when_to_come_back() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app, Operation::Send).await;
    app.proxy.faults.always(writes(), Throttle);
    for operation in [Operation::Send, Operation::CreateGroup] {
        let answer = stage.run(&app, operation).await;
        assert!(answer.header("retry-after").is_some(), "{answer}");
        answer.problem(503, "unavailable");
    }
    app.proxy.faults.clear();
    app.proxy.faults.always(on(Transact), ThrottledTransaction);
    let answer = stage.run(&app, Operation::Edit).await;
    assert!(answer.header("retry-after").is_some(), "{answer}");
    answer.problem(503, "unavailable");
    app.proxy.faults.clear();
    app.check().await;
}

#[tokio::test]
async fn a_conflict_that_lasts_is_a_503_after_five_seconds() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app, Operation::Send).await;
    app.proxy.faults.always(writes(), Conflict);
    let (send, edit) = tokio::join!(stage.run(&app, Operation::Send), stage.run(&app, Operation::Edit));
    app.proxy.faults.clear();
    assert!(send.header("retry-after").is_some(), "{send}");
    assert_eq!(send.problem(503, "contention")["client_id"], stage.key.as_str());
    edit.problem(503, "contention");
    app.check().await;
    succeeded(&stage.run(&app, Operation::Send).await, "afterwards");
}
