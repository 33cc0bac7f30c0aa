//! Tests of the proxy under the AWS SDK: each fault has the described effect. Without them, tests with faults would
//! prove nothing.

use std::{
    collections::{BTreeSet, HashMap},
    time::Instant,
};

use chrono::TimeDelta;
use shared::{
    ids::UserId,
    model::user::Role,
    store::{Store, StoreError, items::User},
};

use crate::harness::{
    TestApp,
    call::{
        Operation::{BatchGet, Get, Put, Query, Update},
        any, on, reads, writes,
    },
    faults::{
        Fault::{After, Before, Conflict, ShortPage, Throttle, Unprocessed},
        How::{Error500, Reset, Timeout},
    },
    people,
};

async fn publish(app: &TestApp, kid: &str) -> Result<(), StoreError> {
    let now = app.app.clock.now();
    app.app.store.publish_signing_key(kid, "x", now, now).await.map(drop)
}

#[tokio::test]
async fn a_call_fails_before_or_after_its_effect_and_is_retried() {
    let app = TestApp::new().await;
    for (n, how) in [Error500, Reset].into_iter().enumerate() {
        for (m, fault) in [Before(how), After(how)].into_iter().enumerate() {
            let kid = format!("k{n}{m}");
            app.proxy.faults.fail(on(Put).of("KEY#"), fault);
            publish(&app, &kid).await.unwrap();
            assert_eq!(app.proxy.faults.clear(), 1);
            assert!(app.table.get("KEYS", &format!("KEY#{kid}")).await.is_some());
        }
    }
}

#[tokio::test]
async fn a_call_that_always_fails_shows_which_side_of_the_effect_it_was() {
    let app = TestApp::new().await;
    for (kid, fault, stands) in [("before", Before(Reset), false), ("after", After(Reset), true)] {
        app.proxy.faults.always(on(Put), fault);
        let failed = publish(&app, kid).await.unwrap_err();
        assert!(matches!(failed, StoreError::Unavailable(_)), "{failed:?}");
        assert!(app.proxy.faults.clear() > 1, "the SDK did not retry");
        assert_eq!(app.table.get("KEYS", &format!("KEY#{kid}")).await.is_some(), stands);
    }
}

#[tokio::test]
async fn silence_ends_with_the_attempts_time_out() {
    let app = TestApp::new().await;
    app.proxy.faults.fail(on(Put), Before(Timeout));
    let begun = Instant::now();
    publish(&app, "slow").await.unwrap();
    assert!(begun.elapsed().as_millis() >= 1400, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn conflicts_and_throttling_are_told_apart() {
    let app = TestApp::new().await;
    app.proxy.faults.always(writes(), Conflict);
    let conflict = publish(&app, "conflict").await.unwrap_err();
    assert!(matches!(conflict, StoreError::Contention), "{conflict:?}");
    assert!(app.proxy.faults.clear() > 1, "the store has not repeated the put");
    app.proxy.faults.always(writes(), Throttle);
    let throttled = publish(&app, "throttled").await.unwrap_err();
    assert!(matches!(throttled, StoreError::Throttled(_)), "{throttled:?}");
    app.proxy.faults.clear();
    app.proxy.faults.fail_times(2, writes(), Throttle);
    publish(&app, "throttled twice").await.unwrap();
}

/// Reads profiles with reads that may be stale.
async fn profiles(store: &Store, users: Vec<UserId>) -> Result<HashMap<UserId, User>, StoreError> {
    Ok(store.senders(users.into_iter().collect(), BTreeSet::new()).await?.profiles)
}

#[tokio::test]
async fn batches_hand_back_what_they_did_not_do() {
    let app = TestApp::new().await;
    let mut users: Vec<UserId> = Vec::new();
    for name in ["ann", "ben", "cleo", "dan", "eve"] {
        users.push(app.people.add(name, Role::Guest).await.0);
    }
    app.proxy.faults.fail_times(3, on(BatchGet), Unprocessed);
    let (found, cost) = app.proxy.measure(profiles(&app.app.store, users)).await;
    assert_eq!(found.unwrap().len(), 5);
    // Unprocessed halves: of 5 users, 2 are read; of the other 3, 1; of the other 2, 1; then the last one.
    assert_eq!(cost.requests(), 4, "{cost:?}");
    assert_eq!(cost.depth, 4);
}

#[tokio::test]
async fn pages_end_early() {
    let app = TestApp::new().await;
    publish(&app, "second").await.unwrap();
    let (keys, whole) = app.proxy.measure(app.app.store.signing_keys()).await;
    assert_eq!((keys.unwrap().len(), whole.requests()), (2, 1));
    app.proxy.faults.always(on(Query), ShortPage(1));
    let (keys, short) = app.proxy.measure(app.app.store.signing_keys()).await;
    assert_eq!(keys.unwrap().len(), 2, "the store reads the next page");
    assert!(short.requests() >= 2, "{short:?}");
}

#[tokio::test]
async fn reads_that_may_be_stale_are() {
    let app = TestApp::lagging().await;
    let (ann, email) = app.people.add("first", Role::Guest).await;
    let [profile, ..] = people::items(ann, "second", &email, Role::Guest, app.app.clock.now());
    app.people.table.put(&profile).await;
    let store = &app.app.store;
    assert_eq!(store.user(ann).await.unwrap().unwrap().first_name, "second", "a strong read is never stale");
    assert_eq!(
        profiles(store, vec![ann]).await.unwrap()[&ann].first_name,
        "first",
        "another read is one write late"
    );
    app.people.add("ben", Role::Guest).await;
    assert_eq!(profiles(store, vec![ann]).await.unwrap()[&ann].first_name, "second");
}

#[tokio::test]
async fn a_held_call_waits_for_the_test() {
    let app = TestApp::new().await;
    let gate = app.proxy.faults.hold(on(Put).of("KEY#held"));
    let held = publish(&app, "held");
    let test = async {
        gate.reached().await;
        assert!(app.table.get("KEYS", "KEY#held").await.is_none());
        gate.release();
    };
    let (published, ()) = tokio::join!(held, test);
    published.unwrap();
    assert!(app.table.get("KEYS", "KEY#held").await.is_some());
}

#[tokio::test]
async fn costs_are_counted_and_depth_tells_after_from_beside() {
    let app = TestApp::new().await;
    let (ann, _) = app.people.add("ann", Role::Guest).await;
    let store = &app.app.store;
    let beside = async { tokio::join!(store.user(ann), profiles(store, vec![ann])) };
    let (_, cost) = app.proxy.measure(beside).await;
    assert_eq!((cost.requests(), cost.depth), (2, 1), "{cost:?}");
    assert!((cost.read_units - 1.5).abs() < 1e-9, "{cost:?}");
    let after = async {
        store.user(ann).await.unwrap();
        store.user(ann).await.unwrap();
    };
    let ((), cost) = app.proxy.measure(after).await;
    assert_eq!((cost.requests(), cost.depth), (2, 2), "{cost:?}");
    let (_, cost) = app.proxy.measure(publish(&app, "counted")).await;
    assert!(cost.write_units >= 1.0, "{cost:?}");
}

#[tokio::test]
async fn predicates_choose_calls() {
    let app = TestApp::new().await;
    app.proxy.faults.always(any().of("MSG#"), Before(Reset));
    app.proxy.faults.always(on(Update).of("SESSION#"), Before(Reset));
    app.proxy.faults.always(on(Get).of("MEMBER#"), Before(Reset));
    app.proxy.faults.always(reads().of("CHANGE#"), Before(Reset));
    publish(&app, "other").await.unwrap();
    assert_eq!(app.proxy.faults.clear(), 0);
}

#[tokio::test]
async fn the_clock_is_the_tests() {
    let app = TestApp::new().await;
    let before = app.app.clock.now();
    app.advance(TimeDelta::hours(1));
    assert!(app.app.clock.now() - before >= TimeDelta::hours(1));
}
