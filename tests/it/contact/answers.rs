//! Contact details in the answers to writes and on the chat page, and the cost of the decision.

use serde_json::json;
use shared::model::user::Role;

use super::{Cast, Kind, Membership, Relation, Stage, Viewer, row};
use crate::{
    consent::accept,
    harness::{TestApp, User, user::message_path},
};

const INVITED: Relation = row(Kind::Group, Membership::Invited, Membership::Unasked, Viewer::Other, false);
const JOINED: Relation = row(Kind::Group, Membership::Accepted, Membership::Unasked, Viewer::Other, true);

#[tokio::test]
async fn answers_to_writes_show_the_same() {
    let app = TestApp::new().await;
    let cast = Cast::new(&app).await;
    for (number, relation) in [INVITED, JOINED].into_iter().enumerate() {
        let stage = Stage::new(&app, &cast, number, relation).await;
        let (id, subject) = (&stage.conversation, &stage.subject);
        let path = format!("/api/conversations/{id}/");
        let member = format!("{path}participants/{}/", subject.id);
        let users = json!([subject.id, cast.other.id, cast.owner.id]);
        for answer in [
            cast.other.patch(&path, json!({ "name": "memo, renamed" })).await,
            cast.owner.put(&path, json!({ "participants": users, "name": "memo, replaced" })).await,
            cast.other.add(id, &[subject]).await,
            cast.owner.patch(&member, json!({ "role": "owner" })).await,
            cast.owner.patch(&member, json!({})).await,
        ] {
            let answer = answer.expect(200);
            assert_eq!(stage.is_told_by(&answer.fingerprint()), relation.is_shown, "{relation:?}: {answer}");
        }
        // The answers about a message show its sender, who is the caller or, for an admin, another user.
        let sent = cast.other.send(id, "memo").await;
        let edited = cast.other.edit(&sent, "memo, edited").await.expect(200);
        assert!(!stage.is_told_by(&edited.fingerprint()), "{edited}");
        assert_eq!(edited.json()["sender"]["email"], cast.other.email.as_str());
    }
    let stage = Stage::new(&app, &cast, 2, Relation { kind: Kind::Direct, ..INVITED }).await;
    let opened = cast.other.open_direct(&stage.subject).await.expect(200);
    assert!(!stage.is_told_by(&opened.fingerprint()), "{opened}");
}

#[tokio::test]
async fn the_chat_shows_no_email_of_an_invited_user() {
    let app = TestApp::new().await;
    let cast = Cast::new(&app).await;
    for (number, relation) in [INVITED, JOINED].into_iter().enumerate() {
        let direct = Relation { kind: Kind::Direct, ..relation };
        let stage = Stage::new(&app, &cast, number, direct).await;
        let page =
            cast.other_browser.get(&format!("/?conversation={}", stage.conversation)).await.expect(200);
        assert_eq!(stage.is_told_by(&page.fingerprint()), relation.is_shown, "{direct:?}: {page}");
    }
}

/// The rows of the inbox in the table of costs are for pairs, however they began.
#[tokio::test]
async fn a_pair_costs_the_same_before_and_after_an_invitation_is_accepted() {
    let app = TestApp::with_requests().await;
    let (ann, ben, host) =
        (app.user("ann").await, app.user("ben").await, app.user_with_role("host", Role::Host).await);
    let (unasked, asked) = (ann.direct(&host).await, ann.direct(&ben).await);
    let cost = async |user: &User, conversation: &str| {
        let path = format!("/api/conversations/{conversation}/");
        let (_, cost) = app.proxy.measure(user.get(&path)).await;
        (cost.depth, cost.requests(), cost.read_units)
    };
    let expected = cost(&ann, &unasked).await;
    assert_eq!(cost(&ann, &asked).await, expected, "an invitation");
    accept(&ben, &asked).await.ok();
    assert_eq!(cost(&ann, &asked).await, expected, "an accepted invitation");
    assert_eq!(cost(&ben, &asked).await, expected, "an accepted invitation");
}

/// A sender is read together with the sender's membership. A conversation without invitations reads no membership.
#[tokio::test]
async fn the_decision_costs_no_round_trip_and_at_most_half_a_unit_for_each_user() {
    let app = TestApp::new().await;
    let cast = Cast::new(&app).await;
    let unasked = Relation { subject: Membership::Unasked, ..JOINED };
    let (plain, asked) =
        (Stage::new(&app, &cast, 0, unasked).await, Stage::new(&app, &cast, 1, JOINED).await);
    let measured = async |stage: &Stage| {
        let path = format!("/api/conversations/{}/", stage.conversation);
        app.proxy.measure(cast.other.get(&path)).await.1
    };
    let (without, with) = (measured(&plain).await, measured(&asked).await);
    assert_eq!((without.depth, without.requests()), (with.depth, with.requests()));
    // The memberships of the two other participants.
    assert!((with.read_units - without.read_units - 1.0).abs() < 1e-9, "{without:?} {with:?}");
    let (_, message) = app.proxy.measure(cast.other.get(&message_path(&asked.message))).await;
    assert!(message.read_units < 5.0 + 1e-9, "{message:?}");
}
