//! Sweeps: each call of each operation fails once, before and after its effect.

use super::stage::{Operation, Stage, succeeded};
use crate::harness::{
    TestApp,
    call::any,
    faults::{
        Fault::{self, After, Before},
        How::{Death, Error500, Reset},
    },
};

/// Runs an operation with each fault at each of its calls.
async fn sweep(operation: Operation) {
    let app = TestApp::new().await;
    // The first run fills the caches of the processes. All later runs make the same calls.
    let stage = Stage::new(&app, operation).await;
    succeeded(&stage.run(&app, operation).await, "the first one");
    let stage = Stage::new(&app, operation).await;
    let (answer, cost) = app.proxy.measure(stage.run(&app, operation)).await;
    succeeded(&answer, "undisturbed");
    stage.verify(&app, operation).await;
    for n in 0..cost.requests() {
        let call = &cost.calls[n];
        for fault in [Before(Error500), After(Error500), Before(Reset), After(Reset)] {
            let what = format!("{operation:?}, {fault:?} at call {n} ({call})");
            passing(&app, operation, n, fault, &what).await;
        }
        for fault in [Before(Death), After(Death)] {
            let what = format!("{operation:?}, {fault:?} at call {n} ({call})");
            deadly(&app, operation, n, fault, &what).await;
        }
    }
    app.check().await;
}

/// The call fails once. The client does not notice it.
async fn passing(app: &TestApp, operation: Operation, n: usize, fault: Fault, what: &str) {
    let stage = Stage::new(app, operation).await;
    app.proxy.faults.fail_nth(n, any(), fault);
    let answer = stage.run(app, operation).await;
    assert_eq!(app.proxy.faults.clear(), 1, "{what}: the fault did not occur");
    succeeded(&answer, what);
    eprintln!("{what}: {}", answer.status);
    stage.verify(app, operation).await;
    app.check().await;
}

/// The function dies at the call, and the client retries.
async fn deadly(app: &TestApp, operation: Operation, n: usize, fault: Fault, what: &str) {
    let stage = Stage::new(app, operation).await;
    app.proxy.faults.fail_nth(n, any(), fault);
    app.proxy.faults.fail_from(n + 1, any(), Before(Death));
    let answer = stage.run(app, operation).await;
    assert!(app.proxy.faults.clear() >= 1, "{what}: the fault did not occur");
    app.check().await;
    if answer.status < 300 {
        // The failed call was not needed for the answer.
        return stage.verify(app, operation).await;
    }
    assert!(answer.status >= 500, "{what}: {answer}");
    let again = stage.run(app, operation).await;
    let known =
        operation.repeated().iter().any(|(status, code)| again.status == *status && again.code() == *code);
    assert!(known || (200..300).contains(&again.status), "{what}, answer to the retry: {again}");
    stage.verify(app, operation).await;
    app.check().await;
}

macro_rules! sweeps {
    ($($name:ident: $operation:ident;)*) => {$(
        #[tokio::test]
        async fn $name() {
            sweep(Operation::$operation).await;
        }
    )*};
}

sweeps! {
    registering_survives: Register;
    logging_in_survives: LogIn;
    refreshing_survives: Refresh;
    logging_out_survives: LogOut;
    changing_the_password_survives: ChangePassword;
    changing_the_profile_survives: ChangeProfile;
    closing_the_account_survives: CloseAccount;
    creating_a_group_survives: CreateGroup;
    opening_a_direct_conversation_survives: OpenDirect;
    renaming_survives: Rename;
    sending_survives: Send;
    editing_survives: Edit;
    deleting_a_message_survives: DeleteMessage;
    marking_read_survives: MarkRead;
    adding_survives: Add;
    removing_survives: Remove;
    leaving_survives: Leave;
    giving_ownership_survives: GiveOwnership;
    deleting_a_conversation_survives: DeleteConversation;
    hiding_a_direct_conversation_survives: HideDirect;
    archiving_survives: Archive;
    filing_a_report_survives: FileReport;
    closing_a_report_survives: CloseReport;
}
