//! Races with a known outcome: the proxy holds a call of one request until another request was answered. Such a race
//! always takes the same course, so its tests need no repetitions and no waiting. Each function ends with the rules of
//! the table.
//!
//! ```rust
//! // Ann's put of a message waits until Ben has sent a message with the same number.
//! let (late, first) = held(&app, on(Put).of("MSG#"), ann.send(&chat, "memo"), ben.send(&chat, "memo")).await;
//! ```

use serde_json::Value;

use super::{
    TestApp,
    call::{
        On,
        Operation::{Put, Query, Transact},
        on,
    },
    faults::{
        Fault::{After, Conflict},
        How::Reset,
    },
};

/// Runs `late` and holds its call until `first` was answered. Returns both answers.
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

/// Runs `late` and holds its call until `tampering` has changed the table in a way that the application never does. Returns
/// the answer.
pub async fn tampered<T>(
    app: &TestApp,
    call: On,
    late: impl Future<Output = T>,
    tampering: impl Future<Output = ()>,
) -> T {
    let gate = app.proxy.faults.hold(call);
    let meanwhile = async {
        gate.reached().await;
        tampering.await;
        gate.release();
    };
    let (answer, ()) = tokio::join!(late, meanwhile);
    app.proxy.faults.clear();
    answer
}

/// Runs `early` while the first attempt of its call is held, so that the SDK gives the attempt up and repeats it, and then
/// `later`. The attempt arrives after that. Returns both answers.
pub async fn given_up<A, B>(
    app: &TestApp,
    call: On,
    early: impl Future<Output = A>,
    later: impl AsyncFnOnce(&A) -> B,
) -> (A, B) {
    let gate = app.proxy.faults.hold(call);
    let early = early.await;
    let later = later(&early).await;
    gate.release();
    gate.finished().await;
    assert_eq!(app.proxy.faults.clear(), 1);
    app.check().await;
    (early, later)
}

/// Runs `early` and holds the answer of its call, which has taken effect, until `then` was answered. Returns both
/// answers.
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

/// Runs `late`. Its first transaction takes effect only while the request waits for its next attempt, so this attempt
/// reads the request's own write.
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

/// Runs `late`. Its first transaction takes effect, but its answer is lost, and the repetition by the SDK meets a conflict. The
/// request reads the end of the change log again when `between` was answered. Returns both answers.
pub async fn behind_its_own_try<A, B>(
    app: &TestApp,
    late: impl Future<Output = A>,
    between: impl Future<Output = B>,
) -> (A, B) {
    let faults = &app.proxy.faults;
    faults.fail(on(Transact), After(Reset));
    faults.fail_nth(1, on(Transact), Conflict);
    let again = faults.hold_nth(1, on(Query).of("CHANGE#"));
    let meanwhile = async {
        again.reached().await;
        let answer = between.await;
        again.release();
        answer
    };
    let answers = tokio::join!(late, meanwhile);
    assert_eq!(faults.clear(), 3, "each fault has occurred");
    app.check().await;
    answers
}

/// Runs `late`. Its put of a message loses its number twice: first to the message of `once`, then to the writes of
/// `twice`.
pub async fn lost_twice<T>(
    app: &TestApp,
    late: impl Future<Output = T>,
    once: impl Future<Output = Value>,
    twice: impl Future<Output = ()>,
) -> T {
    let faults = &app.proxy.faults;
    // The put number 1 belongs to `once`.
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

/// Runs `late`. The SDK ends the first attempt of its transaction without an answer, the second attempt meets a
/// conflict, and the first attempt takes effect before the third.
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
