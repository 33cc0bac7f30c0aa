//! Writes that the SDK has given up and that arrive all the same.

use super::stage::{Operation, Stage, state, succeeded};
use crate::harness::{TestApp, call::writes};

/// Each write of an operation in turn is held until the SDK has given up on it, tried again and succeeded, and what it
/// was for has gone on: then it arrives, and must do nothing any more.
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
    succeeded(&answer, &format!("{operation:?}, its write {n} held"));
    stage.verify(app, operation).await;
    let before = stage.go_on(app, operation, &answer).await;
    gate.release();
    gate.finished().await;
    assert_eq!(app.proxy.faults.clear(), 1);
    let after = state(app).await;
    assert_eq!(after, before, "{operation:?}: its write {n} came late and took effect");
    app.check().await;
}

#[tokio::test]
async fn a_write_that_was_given_up_does_nothing_when_it_arrives() {
    use Operation::{
        Add, CreateGroup, DeleteMessage, Edit, GiveOwnership, Leave, MarkRead, Remove, Rename, Send,
    };
    let groups = [
        &[Send, Edit, DeleteMessage][..],
        &[MarkRead, Add, Remove],
        &[Leave, Rename],
        &[GiveOwnership, CreateGroup],
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
