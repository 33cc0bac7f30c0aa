//! Strangers cannot fill an inbox: an invitation costs it nothing, a page of invitations reads a bounded amount, and before
//! an acceptance the inviting user can send only few small messages.

use serde_json::{Value, json};
use shared::{ids::ConversationId, store::log::UNANSWERED_BYTES};

use crate::{
    consent::{accept, inbox, invitations},
    harness::{
        TestApp, User,
        meter::Cost,
        user::{id_of, message_path},
    },
};

/// A message as large as allowed: 48 KB.
fn largest() -> String {
    format!("memo{}", "\u{2603}".repeat(16_380))
}

#[tokio::test]
async fn before_an_acceptance_five_small_messages_can_be_sent() {
    let app = TestApp::with_requests().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let group = ann.group(&[&ben]).await;
    let large = format!("memo{}", "x".repeat(UNANSWERED_BYTES - 4));
    ann.try_send(&group, &format!("{large}x")).await.problem(403, "invitation_pending");
    let with_metadata = json!({ "conversation": group, "message_body": large, "metadata": { "memo": 1 } });
    ann.post("/api/messages/", with_metadata).await.problem(403, "invitation_pending");
    let key = app.key();
    ann.send_with_key(&group, &key, "memo, first").await.created();
    let parallel = (0..8).map(|_| ann.try_send(&group, &large));
    let answers = futures::future::join_all(parallel).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 4);
    ann.try_send(&group, "memo").await.problem(403, "invitation_pending");
    // A repetition of an earlier send is answered as before, and a deletion gives no number back.
    let first = ann.send_with_key(&group, &key, "memo, first").await.ok();
    // An edit makes no message larger than a send may be.
    ann.edit(&first, &large).await.ok();
    ann.edit(&first, &format!("{large}x")).await.problem(403, "invitation_pending");
    let metadata = json!({ "metadata": { "memo": 1 } });
    ann.patch(&message_path(&first), metadata).await.problem(403, "invitation_pending");
    ann.delete_message(&first).await.nothing();
    ann.try_send(&group, "memo").await.problem(403, "invitation_pending");
    accept(&ben, &group).await.ok();
    let later = ann.send(&group, &format!("{large}x")).await;
    ann.edit(&later, &format!("{large}y")).await.ok();
    app.check().await;
}

/// A group in which others take part is a conversation like any other, whoever else is invited to it.
#[tokio::test]
async fn the_limit_ends_with_the_first_participant_who_is_not_invited() {
    let app = TestApp::with_requests().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let direct = ann.direct(&cleo).await;
    accept(&cleo, &direct).await.ok();
    let large = format!("memo{}", "x".repeat(UNANSWERED_BYTES));
    let both = ann.group(&[&ben, &cleo]).await;
    ann.send(&both, &large).await;
    let alone = ann.group(&[]).await;
    ann.send(&alone, &large).await;
    for invited in [true, false] {
        if invited {
            ann.add(&alone, &[&ben]).await.ok();
        } else {
            ben.leave(&alone).await.expect(204);
        }
        assert_eq!(ann.try_send(&alone, &large).await.status, if invited { 403 } else { 201 });
        app.check().await;
    }
    ann.add(&alone, &[&ben]).await.ok();
    ann.add(&alone, &[&cleo]).await.ok();
    ann.send(&alone, &large).await;
    app.check().await;
}

/// Returns the ids of a page of the inbox, and its cost.
async fn measured(app: &TestApp, user: &User) -> (Vec<String>, Cost) {
    let (page, cost) = app.proxy.measure(user.get("/api/conversations/")).await;
    (page.ok()["results"].as_array().unwrap().iter().map(id_of).collect(), cost)
}

/// Returns the items of this number of groups with an invitation and one message, as the stranger's requests write them.
fn items(victim: &User, stranger: &User, count: u16, body: &str) -> impl Iterator<Item = Value> {
    (0..count).flat_map(move |n| {
        let [high, low] = n.to_be_bytes();
        let id = ConversationId::from_prefix([high, low, 1, 1, 1, 1, 1, 1, 1, 1]);
        let pk = format!("CONV#{id}");
        let joined_at = 1_790_000_000_000_000_u64 + u64::from(n);
        let member = |user: &User| format!("MEMBER#{}", user.id);
        [
            json!({ "pk": pk, "sk": "META", "item": "conversation", "kind": "group", "created_by": stranger.id,
                "created_at": joined_at, "participant_count": 2, "owners": [stranger.id], "has_invited": true, "version": 1 }),
            json!({ "pk": pk, "sk": member(stranger), "item": "member", "role": "owner", "joined_at": joined_at,
                "read": 0 }),
            json!({ "pk": pk, "sk": member(victim), "item": "member", "role": "member", "joined_at": joined_at,
                "read": 0, "invited_by": stranger.id }),
            json!({ "pk": format!("INBOX#{}", stranger.id), "sk": pk, "item": "inbox", "joined_at": joined_at }),
            json!({ "pk": format!("INBOX#{}", victim.id), "sk": format!("INVITED#{joined_at:017}#{id}"),
                "item": "invitation" }),
            json!({ "pk": pk, "sk": "MSG#0000000000001", "item": "message", "sender": stranger.id, "body": body,
                "sent_at": joined_at, "idempotency_key": "01a0b1c2-d3e4-7f56-8a9b-0123456789ab", "digest": "x" }),
        ]
    })
}

#[tokio::test]
async fn invitations_cost_the_inbox_nothing() {
    let app = TestApp::with_requests().await;
    let (ann, ben, stranger) = (app.user("ann").await, app.user("ben").await, app.user("stranger").await);
    for _ in 0..3 {
        let group = ann.group(&[&ben]).await;
        accept(&ben, &group).await.ok();
        ann.send(&group, "memo").await;
    }
    let (before, cost) = measured(&app, &ben).await;
    assert_eq!(before.len(), 3);
    // More invitations than conversations whose tails an inbox page reads.
    let entries = items(&ben, &stranger, 310, "memo").filter(|item| item["item"] == "invitation");
    app.table.put_all(&entries.collect::<Vec<_>>()).await;
    let real = stranger.group(&[&ben]).await;
    stranger.send(&real, "memo").await;
    let (after, flooded) = measured(&app, &ben).await;
    assert_eq!(after, before);
    assert_eq!((flooded.requests(), flooded.depth), (cost.requests(), cost.depth), "{flooded:?}");
    assert!((flooded.read_units - cost.read_units).abs() < 1e-9, "{cost:?} {flooded:?}");
    assert_eq!(
        ben.get("/api/conversations/?state=invited&limit=1").await.ok()["results"][0]["conversation_id"],
        real
    );
}

#[tokio::test]
async fn a_page_of_invitations_is_bounded_and_the_pages_are_complete() {
    let app = TestApp::with_requests().await;
    let (ben, stranger) = (app.user("ben").await, app.user("stranger").await);
    app.table.put_all(&items(&ben, &stranger, 45, &largest()).collect::<Vec<_>>()).await;
    let path = "/api/conversations/?state=invited&limit=40&messages=20";
    let (page, cost) = app.proxy.measure(ben.get(path)).await;
    let page = page.ok();
    let shown = page["results"].as_array().unwrap().len();
    assert!(shown < 40 && page["next"].is_string(), "the page ends after its bytes: {shown}");
    // 2 MB, strongly consistent.
    assert!(cost.read_units <= 512.0, "{} units", cost.read_units);
    let all: Vec<String> = ben.all(path).await.iter().map(id_of).collect();
    let newest_first: Vec<String> = invitations(&ben).await;
    assert_eq!(all, newest_first);
    assert_eq!(all.len(), 45);
    let mut sorted = all.clone();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(all, sorted, "the newest invitation comes first");
    ben.get(&page["next"].as_str().unwrap().replace("&state=invited", "&state=nothing"))
        .await
        .refuses("state");
    assert_eq!(inbox(&ben).await.len(), 0);
}
