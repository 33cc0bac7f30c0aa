//! Races of archiving and muting: a message, leaving or another change of the settings at the same time.

use axum::http::Method;
use serde_json::json;

use super::{CHANGES, archived, change, put, stage, two_items};
use crate::{
    consent::inbox,
    harness::{
        TestApp,
        call::{On, Operation::Transact, on},
        faults::{
            Fault::{After, Conflict},
            How::Reset,
        },
        race::{held, tampered},
        table::number,
    },
};

fn of_a_member() -> On {
    on(Transact).of("MEMBER#")
}

#[tokio::test]
async fn a_message_past_archiving_brings_the_conversation_back() {
    let app = TestApp::new().await;
    let (ann, ben, [group, _]) = stage(&app).await;
    let archive = change(&ann, Method::PUT, &group, "archive");
    let (late, _) = held(&app, of_a_member(), archive, ben.send(&group, "memo, meanwhile")).await;
    late.nothing();
    assert_eq!((inbox(&ann).await[0].clone(), archived(&ann).await), (group, vec![]));
}

#[tokio::test]
async fn archiving_past_a_later_archiving_keeps_the_later_number() {
    let app = TestApp::new().await;
    let (ann, ben, [group, _]) = stage(&app).await;
    let archive = change(&ann, Method::PUT, &group, "archive");
    let later = async {
        ben.send(&group, "memo, meanwhile").await;
        put(&ann, &group, "archive").await;
    };
    let (late, ()) = held(&app, of_a_member(), archive, later).await;
    late.nothing();
    assert_eq!(archived(&ann).await, [group]);
}

#[tokio::test]
async fn a_change_past_leaving_brings_nothing_back() {
    let app = TestApp::new().await;
    let (ann, ben, [group, _]) = stage(&app).await;
    for (method, name) in CHANGES {
        if method == Method::DELETE {
            put(&ben, &group, name).await;
        }
        let late = change(&ben, method, &group, name);
        let (late, left) = held(&app, of_a_member(), late, ben.leave(&group)).await;
        left.expect(204);
        late.problem(404, "not_found");
        ann.add(&group, &[&ben]).await.ok();
    }
}

#[tokio::test]
async fn a_change_past_a_conflict_or_a_lost_answer_takes_effect() {
    let app = TestApp::new().await;
    let (ann, _, groups) = stage(&app).await;
    for (group, fault) in groups.iter().zip([Conflict, After(Reset)]) {
        app.proxy.faults.fail(of_a_member(), fault);
        put(&ann, group, "archive").await;
        assert_eq!(app.proxy.faults.clear(), 1);
    }
    assert_eq!(archived(&ann).await, groups);
    app.check().await;
}

/// Each of the two items is removed alone, as the application never does.
#[tokio::test]
async fn an_item_that_is_gone_is_not_made_by_a_change() {
    let app = TestApp::new().await;
    let (ann, _, [group, _]) = stage(&app).await;
    for (method, name) in CHANGES {
        if method == Method::DELETE {
            put(&ann, &group, name).await;
        }
        for (pk, sk) in &two_items(&ann, &group) {
            let item = app.table.get(pk, sk).await.unwrap();
            let late = change(&ann, method.clone(), &group, name);
            let late = tampered(&app, of_a_member(), late, app.table.remove(pk, sk)).await;
            late.problem(404, "not_found");
            assert!(app.table.get(pk, sk).await.is_none());
            app.table.put(&item.into()).await;
        }
        change(&ann, method, &group, name).await.nothing();
    }
    app.check().await;
}

/// One of the two items contains a later number than the other one, as the application never writes it.
#[tokio::test]
async fn an_item_that_contains_a_later_number_keeps_it() {
    let app = TestApp::new().await;
    let (ann, _, [group, _]) = stage(&app).await;
    for (pk, sk) in &two_items(&ann, &group) {
        let item = app.table.get(pk, sk).await.unwrap();
        let tampering = app.table.set(pk, sk, "archived_tail", json!(7));
        let late = change(&ann, Method::PUT, &group, "archive");
        tampered(&app, of_a_member(), late, tampering).await;
        assert_eq!(number(&app.table.get(pk, sk).await.unwrap(), "archived_tail"), 7);
        app.table.put(&item.into()).await;
    }
    app.check().await;
}
