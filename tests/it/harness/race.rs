//! Races with a known end: calls of one request that are held until another request has been answered. What is raced, and what
//! has to be so then, is the test's.

use serde_json::Value;

use super::{
    TestApp,
    call::{
        On,
        Operation::{Put, Query, Transact},
        on,
    },
    faults::Fault::Conflict,
};

/// Runs `late` and holds its call until `first` has been answered; both answers.
pub async fn held<A, B>(
    app: &TestApp,
    call: On,
    late: impl Future<Output = A>,
    first: impl Future<Output = B>,
) -> (A, B) {
    let gate = app.proxy.faults.hold(call);
    let meanwhile = async {
        gate.reached().await;
        let answer = first.await;
        gate.release();
        answer
    };
    let answers = tokio::join!(late, meanwhile);
    app.proxy.faults.clear();
    app.check().await;
    answers
}

/// Runs `early` and holds the answer of its call, which has taken effect, until `then` has been answered; both answers.
pub async fn answered_late<A, B>(
    app: &TestApp,
    call: On,
    early: impl Future<Output = A>,
    then: impl Future<Output = B>,
) -> (A, B) {
    let gate = app.proxy.faults.hold_answer(call);
    let meanwhile = async {
        gate.reached().await;
        let answer = then.await;
        gate.release();
        answer
    };
    let answers = tokio::join!(early, meanwhile);
    app.proxy.faults.clear();
    app.check().await;
    answers
}

/// Runs `late`, of whose transaction the first try takes effect only while it waits to try again: what it reads then is its own
/// work.
pub async fn reads_its_own_try<T>(app: &TestApp, late: impl Future<Output = T>) -> T {
    let faults = &app.proxy.faults;
    let first = faults.hold(on(Transact));
    faults.fail_nth(1, on(Transact), Conflict);
    let again = faults.hold_nth(1, on(Query).of("CHANGE#"));
    let meanwhile = async {
        again.reached().await;
        first.release();
        first.finished().await;
        again.release();
    };
    let (answer, ()) = tokio::join!(late, meanwhile);
    faults.clear();
    app.check().await;
    answer
}

/// Runs `late`, whose put of a message loses to what is done `once`, and behind that to what is done `twice`.
pub async fn lost_twice<T>(
    app: &TestApp,
    late: impl Future<Output = T>,
    once: impl Future<Output = Value>,
    twice: impl Future<Output = ()>,
) -> T {
    let faults = &app.proxy.faults;
    // The put between them is the one of `once`.
    let (first, second) = (faults.hold(on(Put).of("MSG#")), faults.hold_nth(2, on(Put).of("MSG#")));
    let meanwhile = async {
        first.reached().await;
        once.await;
        first.release();
        second.reached().await;
        twice.await;
        second.release();
    };
    let (answer, ()) = tokio::join!(late, meanwhile);
    app.proxy.faults.clear();
    app.check().await;
    answer
}

/// Runs `late`, of whose transaction the SDK gives up the first try, the second meets a conflict, and the first takes
/// effect before the third.
pub async fn past_its_own_try<T>(app: &TestApp, late: impl Future<Output = T>) -> T {
    let faults = &app.proxy.faults;
    let first = faults.hold(on(Transact));
    faults.fail_nth(1, on(Transact), Conflict);
    let third = faults.hold_nth(2, on(Transact));
    let meanwhile = async {
        third.reached().await;
        first.release();
        first.finished().await;
        third.release();
    };
    let (answer, ()) = tokio::join!(late, meanwhile);
    faults.clear();
    app.check().await;
    answer
}
