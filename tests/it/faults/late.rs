//! Late writes: the SDK has given up an attempt, but the attempt still arrives at the table.

use super::stage::{Operation, Stage, state, succeeded};
use crate::harness::{TestApp, call::writes};

/// Holds each write of an operation until the SDK has retried it with success and later requests have changed the same
/// data. Then the first attempt arrives and must have no effect.
async fn late(operations: &[Operation]) {
    let app = TestApp::new().await;
    for operation in operations {
        let stage = Stage::new(&app, *operation).await;
        let (answer, cost) = app.proxy.measure(stage.run(&app, *operation)).await;
        succeeded(&answer, "undisturbed");
        for n in 0..cost.writes() {
            late_write(&app, *operation, n).await;
        }
    }
}

async fn late_write(app: &TestApp, operation: Operation, n: usize) {
    let stage = Stage::new(app, operation).await;
    let gate = app.proxy.faults.hold_nth(n, writes());
    let answer = stage.run(app, operation).await;
    succeeded(&answer, &format!("{operation:?} with write {n} held"));
    stage.verify(app, operation).await;
    let before = stage.go_on(app, operation, &answer).await;
    gate.release();
    gate.finished().await;
    assert_eq!(app.proxy.faults.clear(), 1);
    let after = state(app).await;
    assert_eq!(after, before, "{operation:?}: the late write {n} took effect");
    app.check().await;
}

#[tokio::test]
async fn a_write_that_was_given_up_does_nothing_when_it_arrives() {
    use Operation::{
        Add, Archive, CreateGroup, DeleteMessage, Edit, GiveOwnership, Leave, MarkRead, Remove, Rename, Send,
    };
    let groups = [
        &[Send, Edit, DeleteMessage][..],
        &[MarkRead, Add, Remove],
        &[Leave, Rename],
        &[GiveOwnership, CreateGroup],
        &[Archive],
    ];
    futures::future::join_all(groups.map(late)).await;
}

#[tokio::test]
async fn a_write_about_an_account_that_was_given_up_does_nothing_when_it_arrives() {
    use Operation::{
        ChangePassword, ChangeProfile, CloseAccount, DeleteConversation, HideDirect, LogIn, LogOut,
        OpenDirect, Refresh, Register,
    };
    let groups = [
        &[Register, LogIn, Refresh][..],
        &[LogOut, ChangePassword, ChangeProfile],
        &[CloseAccount, OpenDirect],
        &[DeleteConversation, HideDirect],
    ];
    futures::future::join_all(groups.map(late)).await;
}
