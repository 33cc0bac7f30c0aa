//! Consent: where the deployment asks for it, a user whom a stranger puts into a conversation is invited. The user sees
//! the invitation apart from the inbox, and can write only after accepting it.

use serde_json::{Value, json};
use shared::model::user::Role;

use crate::harness::{Answer, Browser, TestApp, User, user::id_of};

/// Returns the ids of all invitations of a user, newest first.
pub async fn invitations(user: &User) -> Vec<String> {
    user.all("/api/conversations/?state=invited&limit=3").await.iter().map(id_of).collect()
}

pub async fn inbox(user: &User) -> Vec<String> {
    user.all("/api/conversations/").await.iter().map(id_of).collect()
}

pub async fn accept(user: &User, conversation: &str) -> Answer {
    user.request("POST".parse().unwrap(), &format!("/api/conversations/{conversation}/accept/")).send().await
}

async fn state(user: &User, conversation: &str) -> Value {
    user.conversation(conversation).await["state"].clone()
}

#[tokio::test]
async fn an_invited_user_sees_the_conversation_apart_from_the_inbox_until_it_is_accepted() {
    let app = TestApp::with_requests().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    ann.send(&group, "memo, hello").await;
    let invitation = &ben.all("/api/conversations/?state=invited").await[0];
    assert_eq!(invitation["conversation_id"], group.as_str());
    assert_eq!((&invitation["state"], &invitation["invited_by"]), (&json!("invited"), &json!(ann.id)));
    assert_eq!(invitation["last_message"]["message_body"], "memo, hello");
    assert_eq!(invitation["unread"], 0, "an invitation counts nowhere");
    assert_eq!(ben.conversation(&group).await["unread"], 0);
    assert_eq!(inbox(&ben).await, [""; 0]);
    assert_eq!(ben.all("/api/messages/").await.len(), 0);
    assert_eq!(ben.bodies(&group).await, ["memo, hello"], "an invited user can read");
    let own = ann.conversation(&group).await;
    assert_eq!((&own["state"], &own["invited_by"]), (&json!("active"), &Value::Null));
    for (user, state, by) in [(&ann, "accepted", Value::Null), (&ben, "invited", json!(ann.id))] {
        let path = format!("/api/conversations/{group}/participants/{}/", user.id);
        let participant = ben.get(&path).await.ok();
        assert_eq!((&participant["state"], &participant["invited_by"]), (&json!(state), &by));
    }

    let accepted = accept(&ben, &group).await.ok();
    assert_eq!((&accepted["state"], &accepted["invited_by"]), (&json!("active"), &Value::Null));
    assert_eq!(accepted["unread"], 1);
    assert_eq!(accept(&ben, &group).await.ok(), accepted, "a repetition changes nothing");
    assert_eq!((invitations(&ben).await, inbox(&ben).await), (Vec::new(), vec![group.clone()]));
    assert_eq!(ben.all("/api/messages/").await.len(), 1);
    ben.send(&group, "memo, yes").await;
    let changes = ann.changes(&group, 0).await;
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(
        (&changes[0]["kind"], &changes[0]["users"]),
        (&json!("invitation_accepted"), &json!([ben.id]))
    );
    app.check().await;
}

#[tokio::test]
async fn an_invited_user_writes_nothing() {
    let app = TestApp::with_requests().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let group = ann.group(&[&ben]).await;
    let message = ann.send(&group, "memo").await;
    let path = format!("/api/conversations/{group}/");
    let participants = json!({ "participants": [ann.id, ben.id, cleo.id] });
    let before = app.table.items().await;
    let other = json!({ "message": "01010101-0101-8010-8404-040000000001" });
    for refused in [
        ben.try_send(&group, "memo").await,
        ben.patch(&path, json!({ "name": "memo, mine" })).await,
        ben.put(&path, participants.clone()).await,
        ben.add(&group, &[&cleo]).await,
        ben.remove(&group, &ann).await,
        ben.patch(&format!("{path}participants/{}/", ann.id), json!({ "role": "member" })).await,
        ben.mark_read(&group, &message).await,
        ben.mark_unread(&group, &message).await,
        ben.put(&format!("{path}read/"), other).await,
        ben.put(&format!("{path}read/"), json!({})).await,
        ben.delete_conversation(&group).await,
        ben.edit(&message, "memo, mine").await,
        ben.delete_message(&message).await,
    ] {
        refused.problem(403, "not_accepted");
    }
    assert_eq!(app.table.items().await, before);
    let admin = app.admin("admin").await;
    accept(&admin, &group).await.problem(403, "permission_denied");
}

#[tokio::test]
async fn acquaintances_and_users_who_want_no_requests_are_not_asked() {
    let app = TestApp::with_requests().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let host = app.user_with_role("host", Role::Host).await;
    let group = ann.group(&[&host]).await;
    assert_eq!(state(&host, &group).await, "active", "a host wants to be found");
    host.patch("/api/users/me/", json!({ "contact": "requests" })).await.ok();
    // An accepted conversation of any kind makes acquaintances, in both directions.
    let direct = ann.direct(&host).await;
    assert_eq!(state(&host, &direct).await, "active");
    let other = host.group(&[&ann, &ben]).await;
    assert_eq!((state(&ann, &other).await, state(&ben, &other).await), (json!("active"), json!("invited")));
    // An invitation that is not accepted makes no acquaintances.
    assert_eq!(state(&ben, &ann.direct(&ben).await).await, "invited");
    assert_eq!(state(&ann, &ben.group(&[&ann]).await).await, "invited");
    accept(&ben, &other).await.ok();
    assert_eq!(state(&ben, &ann.group(&[&ben]).await).await, "active");
    let me = ben.patch("/api/users/me/", json!({ "contact": "everyone" })).await.ok();
    assert_eq!(me["contact"], "everyone");
    let cleo = app.user("cleo").await;
    assert_eq!(state(&ben, &cleo.group(&[&ben]).await).await, "active");
    let seen = cleo.get(&format!("/api/users/{}/", ben.id)).await.ok();
    assert_eq!(seen.get("contact"), None, "only the own profile shows the setting");
    app.check().await;
}

#[tokio::test]
async fn the_setting_of_a_user_is_the_one_of_the_role_until_it_is_chosen() {
    let app = TestApp::new().await;
    for (role, contact) in [(Role::Guest, "requests"), (Role::Host, "everyone"), (Role::Admin, "requests")] {
        let user = app.user_with_role("user", role).await;
        assert_eq!(user.get("/api/users/me/").await.ok()["contact"], contact);
    }
    let ann = app.user("ann").await;
    ann.patch("/api/users/me/", json!({ "contact": "nobody" })).await.refuses("contact");
    // A client may send back the profile, also as a participant.
    let me = ann.get("/api/users/me/").await.ok();
    assert_eq!(ann.patch("/api/users/me/", me.clone()).await.ok(), me);
    ann.post("/api/conversations/", json!({ "participants": [me] })).await.created();
}

#[tokio::test]
async fn a_setting_that_a_user_has_chosen_stays_when_the_role_changes() {
    let app = TestApp::new().await;
    let (ann, admin) = (app.user("ann").await, app.admin("admin").await);
    // It is the setting of a guest already.
    ann.patch("/api/users/me/", json!({ "contact": "requests" })).await.ok();
    admin.patch(&format!("/api/users/{}/", ann.id), json!({ "role": "host" })).await.ok();
    assert_eq!(ann.get("/api/users/me/").await.ok()["contact"], "requests");
}

#[tokio::test]
async fn where_the_deployment_asks_for_no_consent_nobody_is_invited() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    ben.patch("/api/users/me/", json!({ "contact": "requests" })).await.ok();
    let group = ann.group(&[&ben]).await;
    let direct = ann.direct(&ben).await;
    assert_eq!((state(&ben, &group).await, state(&ben, &direct).await), (json!("active"), json!("active")));
    assert_eq!(invitations(&ben).await, [""; 0]);
    accept(&ben, &group).await.ok();
    assert_eq!(ann.changes(&group, 0).await.len(), 0, "nothing is accepted twice");
}

#[tokio::test]
async fn every_way_into_a_conversation_needs_consent() {
    let app = TestApp::with_requests().await;
    let (ann, ben, cleo, dan) =
        (app.user("ann").await, app.user("ben").await, app.user("cleo").await, app.user("dan").await);
    let group = ann.group(&[]).await;
    ann.add(&group, &[&ben]).await.ok();
    let participants = json!({ "participants": [ann.id, ben.id, cleo.id] });
    let path = format!("/api/conversations/{group}/");
    ann.patch(&path, participants).await.ok();
    ann.put(&path, json!({ "participants": [ann.id, ben.id, cleo.id, dan.id] })).await.ok();
    let direct = ann.direct(&dan).await;
    for user in [&ben, &cleo, &dan] {
        assert_eq!(state(user, &group).await, "invited", "{}", user.name);
    }
    assert_eq!(invitations(&dan).await, [direct, group.clone()]);
    // An admin who is not a participant invites too, and joins without being asked.
    let admin = app.admin("admin").await;
    let eve = app.user("eve").await;
    admin.add(&group, &[&eve, &admin]).await.ok();
    assert_eq!((state(&eve, &group).await, state(&admin, &group).await), (json!("invited"), json!("active")));
    app.check().await;
}

#[tokio::test]
async fn leaving_declines_and_the_next_invitation_is_one_again() {
    let app = TestApp::with_requests().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    for _ in 0..3 {
        ben.leave(&group).await.expect(204);
        assert_eq!(invitations(&ben).await, [""; 0]);
        ben.get(&format!("/api/conversations/{group}/")).await.problem(404, "not_found");
        ann.add(&group, &[&ben]).await.ok();
        assert_eq!((invitations(&ben).await, inbox(&ben).await), (vec![group.clone()], Vec::new()));
    }
    let direct = ann.direct(&ben).await;
    ben.delete_conversation(&direct).await.expect(204);
    ben.delete_conversation(&direct).await.expect(204);
    ann.send(&direct, "memo, once more").await;
    assert_eq!(ann.direct(&ben).await, direct);
    assert_eq!((invitations(&ben).await, inbox(&ben).await), (vec![group.clone()], Vec::new()));
    // Who has declined can still change their mind.
    accept(&ben, &direct).await.ok();
    assert_eq!(inbox(&ben).await, [direct]);
    ann.delete_conversation(&group).await.expect(204);
    assert_eq!(invitations(&ben).await, [""; 0]);
    accept(&ben, &group).await.problem(404, "not_found");
    app.check().await;
}

#[tokio::test]
async fn an_account_that_closes_leaves_no_invitation_to_a_group() {
    let app = TestApp::with_requests().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    app.app.store.leave_groups(ben.id.parse().unwrap(), app.app.clock.now()).await.unwrap();
    assert_eq!(ann.conversation(&group).await["participant_count"], 1);
    assert_eq!(invitations(&ben).await, [""; 0]);
    app.check().await;
}

/// A group belongs to those who take part in it.
#[tokio::test]
async fn an_accepted_participant_becomes_owner_before_an_invited_one() {
    let app = TestApp::with_requests().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let group = ann.group(&[&ben]).await;
    ann.add(&group, &[&cleo]).await.ok();
    accept(&cleo, &group).await.ok();
    ann.leave(&group).await.expect(204);
    let role = async |user: &User| {
        let path = format!("/api/conversations/{group}/participants/{}/", user.id);
        cleo.get(&path).await.ok()["role"].clone()
    };
    assert_eq!((role(&ben).await, role(&cleo).await), (json!("member"), json!("owner")));
}

#[tokio::test]
async fn the_page_of_an_invitation_has_a_form_to_accept_it() {
    let app = TestApp::with_requests().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    let browser = Browser::of(&ben).await;
    let path = format!("/api/conversations/{group}/accept/");
    let page = browser.get(&path).await.expect(405).text();
    assert!(page.contains(&format!(r#"<form method="post" action="{path}" data-method="POST""#)), "{page}");
    assert!(!page.contains("Raw JSON"), "{page}");
    browser.get("/api/conversations/?state=invited").await.expect(200);
    browser.post(&path, &[("csrfmiddlewaretoken", &browser.csrf())]).await.expect(200);
    assert_eq!(inbox(&ben).await, [group]);
}
