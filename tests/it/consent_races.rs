//! Races of an invitation: accepting it at the same time as leaving, closing or accepting once more.

use serde_json::{Value, json};

use crate::{
    consent::{accept, inbox, invitations},
    harness::{
        TestApp, User,
        call::{On, Operation::Transact, on},
        faults::Fault::Conflict,
        race::{held, tampered},
        table::number,
    },
};

async fn invited(app: &TestApp) -> (User, User, String) {
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    (ann, ben, group)
}

fn of_a_member() -> On {
    on(Transact).of("MEMBER#")
}

#[tokio::test]
async fn accepting_past_leaving_accepts_nothing() {
    let app = TestApp::with_requests().await;
    let (_, ben, group) = invited(&app).await;
    let (accepted, left) = held(&app, of_a_member(), accept(&ben, &group), ben.leave(&group)).await;
    left.expect(204);
    accepted.problem(404, "not_found");
    assert_eq!((inbox(&ben).await, invitations(&ben).await), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn leaving_past_accepting_removes_the_inbox_entry() {
    let app = TestApp::with_requests().await;
    let (_, ben, group) = invited(&app).await;
    let (left, accepted) = held(&app, of_a_member(), ben.leave(&group), accept(&ben, &group)).await;
    accepted.expect(200);
    left.expect(204);
    assert_eq!(inbox(&ben).await, [""; 0]);
}

#[tokio::test]
async fn accepting_past_the_end_of_the_group_accepts_nothing() {
    let app = TestApp::with_requests().await;
    let (ann, ben, group) = invited(&app).await;
    let deletion = ann.delete_conversation(&group);
    let (accepted, deleted) = held(&app, of_a_member(), accept(&ben, &group), deletion).await;
    deleted.expect(204);
    accepted.problem(404, "not_found");
    assert_eq!(inbox(&ben).await, [""; 0]);
}

#[tokio::test]
async fn of_two_acceptances_one_writes() {
    let app = TestApp::with_requests().await;
    let (ann, ben, group) = invited(&app).await;
    let (late, first) = held(&app, of_a_member(), accept(&ben, &group), accept(&ben, &group)).await;
    assert_eq!((late.status, first.status), (200, 200));
    assert_eq!(ann.changes(&group, 0).await.len(), 1);
}

#[tokio::test]
async fn an_acceptance_past_a_conflict_is_tried_again() {
    let app = TestApp::with_requests().await;
    let (ann, ben, group) = invited(&app).await;
    let direct = ann.direct(&ben).await;
    app.proxy.faults.fail(of_a_member(), Conflict);
    accept(&ben, &group).await.ok();
    app.proxy.faults.fail(of_a_member(), Conflict);
    ben.delete_conversation(&direct).await.expect(204);
    app.proxy.faults.clear();
    assert_eq!((inbox(&ben).await, invitations(&ben).await), (vec![group], Vec::new()));
    app.check().await;
}

async fn change_meta(app: &TestApp, group: &str, name: &str, value: Option<Value>) {
    let mut meta = app.table.get(&format!("CONV#{group}"), "META").await.unwrap();
    match value {
        Some(value) => meta.insert(name.to_owned(), value),
        None => meta.remove(name),
    };
    app.table.put(&meta.into()).await;
}

#[tokio::test]
async fn a_membership_that_is_gone_is_not_made_by_accepting() {
    let app = TestApp::with_requests().await;
    let (_, ben, group) = invited(&app).await;
    let (pk, sk) = (format!("CONV#{group}"), format!("MEMBER#{}", ben.id));
    let tampering = app.table.remove(&pk, &sk);
    tampered(&app, of_a_member(), accept(&ben, &group), tampering).await.problem(404, "not_found");
    assert!(app.table.get(&pk, &sk).await.is_none());
}

#[tokio::test]
async fn a_membership_that_is_gone_is_not_made_by_the_wait_for_an_acceptance() {
    let app = TestApp::with_requests().await;
    let (ann, ben, group) = invited(&app).await;
    let (pk, sk) = (format!("CONV#{group}"), format!("MEMBER#{}", ann.id));
    // The wait ends with an acceptance.
    let tampering = async {
        app.table.remove(&pk, &sk).await;
        change_meta(&app, &group, "awaiting", None).await;
    };
    tampered(&app, of_a_member(), accept(&ben, &group), tampering).await.expect(200);
    assert!(app.table.get(&pk, &sk).await.is_none());
    // The wait begins with an invitation.
    let cleo = app.user("cleo").await;
    let alone = cleo.group(&[]).await;
    let (pk, sk) = (format!("CONV#{alone}"), format!("MEMBER#{}", cleo.id));
    let tampering = async {
        app.table.remove(&pk, &sk).await;
        change_meta(&app, &alone, "participant_count", Some(json!(2))).await;
    };
    tampered(&app, of_a_member(), cleo.add(&alone, &[&ben]), tampering).await;
    assert!(app.table.get(&pk, &sk).await.is_none());
}

#[tokio::test]
async fn declining_past_a_later_hiding_brings_nothing_back() {
    let app = TestApp::with_requests().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let direct = ann.direct(&ben).await;
    let (pk, sk) = (format!("CONV#{direct}"), format!("MEMBER#{}", ben.id));
    let mut member = app.table.get(&pk, &sk).await.unwrap();
    member.insert("base".to_owned(), json!(7));
    let tampering = async { app.table.put(&member.clone().into()).await };
    tampered(&app, of_a_member(), ben.delete_conversation(&direct), tampering).await.expect(204);
    assert_eq!(number(&app.table.get(&pk, &sk).await.unwrap(), "base"), 7);
}

/// Every read on which consent depends is strongly consistent.
#[tokio::test]
async fn an_invitation_that_was_just_made_is_listed_accepted_and_counted() {
    let app = TestApp::lagging_with_requests().await;
    app.proxy.stop_the_past().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    assert_eq!(invitations(&ben).await, std::slice::from_ref(&group));
    accept(&ben, &group).await.ok();
    assert_eq!((invitations(&ben).await, inbox(&ben).await), (Vec::new(), vec![group]));
    let direct = ann.direct(&ben).await;
    assert_eq!(ben.conversation(&direct).await["state"], "active", "the acceptance is known at once");
}
