//! Items of an earlier release, written literally, and items with attributes that a later release may add. Both are
//! readable; unknown attributes are ignored. A release may write a new format only when the release before can read it.

use serde_json::{Value, json};

use crate::harness::{TestApp, User, people, user::body_of};

const CONVERSATION: &str = "01234567-89ab-8cde-bc04-8c0000000000";

/// Returns a conversation as release 1 writes it, with every kind of item.
fn items(ann: &str, ben: &str) -> Vec<Value> {
    let pk = format!("CONV#{CONVERSATION}");
    vec![
        json!({
            "pk": pk, "sk": "META", "item": "conversation", "kind": "group", "name": "memo",
            "metadata": "{\"color\":\"red\"}", "created_by": ann, "created_at": 1_790_000_000_000_000_u64,
            "participant_count": 2, "owners": [ann], "version": 1,
        }),
        json!({
            "pk": pk, "sk": format!("MEMBER#{ann}"), "item": "member", "role": "owner",
            "joined_at": 1_790_000_000_000_000_u64, "read": 1, "base": 0,
        }),
        // Without `base`, which then means 0.
        json!({
            "pk": pk, "sk": format!("MEMBER#{ben}"), "item": "member", "role": "member",
            "joined_at": 1_790_000_000_000_000_u64, "read": 0,
        }),
        inbox(ann),
        inbox(ben),
        json!({
            "pk": pk, "sk": "MSG#0000000000001", "item": "message", "sender": ann, "body": "memo, one",
            "sent_at": 1_790_000_001_000_000_u64, "idempotency_key": "01a0b1c2-d3e4-7f56-8a9b-0123456789ab",
            "digest": "AAAAAAAAAAAAAAAAAAAAAA", "revision": 0,
        }),
        json!({
            "pk": pk, "sk": "MSG#0000000000002", "item": "message", "sender": ben, "body": "memo, two",
            "sent_at": 1_790_000_002_000_000_u64, "idempotency_key": "01a0b1c2-d3e4-7f56-8a9b-0123456789ac",
            "digest": "AAAAAAAAAAAAAAAAAAAAAA", "revision": 1, "reply_to": 1,
            "metadata": "{\"a\":1}", "edited_at": 1_790_000_003_000_000_u64,
        }),
        json!({
            "pk": pk, "sk": "REV#0000000000002#000000", "item": "revision", "body": "memo, tow",
            "written_at": 1_790_000_002_000_000_u64,
        }),
        json!({
            "pk": pk, "sk": "MSG#0000000000003", "item": "message", "sender": ben,
            "sent_at": 1_790_000_004_000_000_u64, "idempotency_key": "01a0b1c2-d3e4-7f56-8a9b-0123456789ad",
            "digest": "AAAAAAAAAAAAAAAAAAAAAA", "revision": 1, "deleted_at": 1_790_000_005_000_000_u64,
        }),
        json!({
            "pk": pk, "sk": "CHANGE#0000000000001", "item": "change", "kind": "message_edited", "message": 2,
            "actor": ben, "revision": 1, "request": "8c8a8c8e-1111-4222-8333-444455556666",
            "changed_at": 1_790_000_003_000_000_u64,
        }),
        json!({
            "pk": pk, "sk": "CHANGE#0000000000002", "item": "change", "kind": "message_deleted", "message": 3,
            "actor": ben, "revision": 1, "request": "8c8a8c8e-1111-4222-8333-444455556667",
            "changed_at": 1_790_000_005_000_000_u64,
        }),
    ]
}

fn inbox(user: &str) -> Value {
    json!({
        "pk": format!("INBOX#{user}"), "sk": format!("CONV#{CONVERSATION}"), "item": "inbox",
        "joined_at": 1_790_000_000_000_000_u64,
        "gsi1pk": format!("INBOX#{user}"), "gsi1sk": format!("ACTIVE#0497222#{CONVERSATION}"),
    })
}

async fn furnished(app: &TestApp, change: impl Fn(&mut Value)) -> (User, User) {
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let mut items = items(&ann.id, &ben.id);
    items.iter_mut().for_each(change);
    app.table.put_all(&items).await;
    (ann, ben)
}

async fn works(app: &TestApp, ann: &User, ben: &User) {
    assert_eq!(ann.bodies(CONVERSATION).await, ["memo, one", "memo, two"]);
    let shown = ben.conversation(CONVERSATION).await;
    assert_eq!((&shown["name"], &shown["metadata"]), (&json!("memo"), &json!({ "color": "red" })));
    assert_eq!((ann.unread(CONVERSATION).await, ben.unread(CONVERSATION).await), (1, 1));
    assert_eq!(ann.all("/api/conversations/").await.len(), 1);
    assert_eq!(ann.all("/api/messages/").await.len(), 2);
    let second = format!("/api/messages/{}/", second());
    let message = ben.get(&second).await.ok();
    assert_eq!((&message["metadata"], &message["revision"]), (&json!({ "a": 1 }), &json!(1)));
    assert_eq!(body_of(&ben.all(&format!("{second}revisions/")).await[0]), "memo, tow");
    assert_eq!(ann.changes(CONVERSATION, 0).await.len(), 2);
    // The conversation stays usable.
    ann.send(CONVERSATION, "memo, four").await;
    ben.edit(&message, "memo, two again").await.ok();
    let path = format!("/api/conversations/{CONVERSATION}/");
    ann.patch(&path, json!({ "name": "memo, new" })).await.ok();
    ben.leave(CONVERSATION).await.expect(204);
    ann.delete(&path).await.expect(204);
    app.check().await;
}

fn second() -> String {
    CONVERSATION.parse::<shared::ids::ConversationId>().unwrap().message(2).to_string()
}

#[tokio::test]
async fn what_the_previous_release_wrote_is_read() {
    let app = TestApp::new().await;
    let (ann, ben) = furnished(&app, |_| {}).await;
    works(&app, &ann, &ben).await;
}

#[tokio::test]
async fn attributes_of_a_later_release_are_passed_over() {
    let app = TestApp::new().await;
    let (ann, ben) = furnished(&app, |item| {
        item["later"] = json!({ "list": [1, "two", null, true], "map": { "a": 1.5 } });
        item["starred"] = json!(true);
    })
    .await;
    works(&app, &ann, &ben).await;
}

#[tokio::test]
async fn kinds_of_a_later_release_are_passed_over() {
    let app = TestApp::new().await;
    let (ann, ben) = furnished(&app, |_| {}).await;
    let pk = format!("CONV#{CONVERSATION}");
    let mut later = vec![
        json!({ "pk": pk, "sk": format!("MEMBER#{}~DEVICE", ben.id), "item": "member_device" }),
        json!({ "pk": pk, "sk": "POLL#0000000000001", "item": "poll", "message": 1 }),
        json!({ "pk": pk, "sk": "META2", "item": "settings" }),
    ];
    for user in [&ann, &ben] {
        let pk = format!("USER#{}", user.id);
        later.push(json!({ "pk": pk, "sk": "SESSION#zzz", "item": "passkey" }));
        later.push(json!({ "pk": pk, "sk": "WATCH#abc", "item": "watch", "expires_at": 1 }));
        later.push(json!({ "pk": pk, "sk": "SETTINGS", "item": "settings" }));
    }
    later.push(json!({ "pk": "KEYS", "sk": "KEY#later", "item": "hardware_key", "x": 7 }));
    app.table.put_all(&later).await;
    works(&app, &ann, &ben).await;
    ann.all("/api/users/me/sessions/").await;
    ann.through(&app.second_process().await).get("/api/users/me/").await.ok();
}

#[tokio::test]
async fn a_change_of_a_kind_that_is_not_known_keeps_its_number() {
    let app = TestApp::new().await;
    let (ann, ben) = furnished(&app, |_| {}).await;
    let change = json!({
        "pk": format!("CONV#{CONVERSATION}"), "sk": "CHANGE#0000000000003", "item": "change", "kind": "poll_closed",
        "message": 1, "actor": ben.id, "revision": 0, "request": "8c8a8c8e-1111-4222-8333-444455556668",
        "changed_at": 1_790_000_006_000_000_u64, "answer": "👍",
    });
    app.table.put(&change).await;
    ann.edit(&json!({ "message_id": first() }), "memo, one again").await.ok();
    let changes = ann.changes(CONVERSATION, 2).await;
    let last = changes.last().unwrap();
    assert_eq!((&last["number"], &last["kind"]), (&json!(4), &json!("message_edited")), "{changes:?}");
}

fn first() -> String {
    CONVERSATION.parse::<shared::ids::ConversationId>().unwrap().message(1).to_string()
}

#[tokio::test]
async fn an_account_of_the_previous_release_logs_in() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let login = json!({ "email": ann.email, "password": people::PASSWORD });
    let tokens = app.post("/api/token/").json(&login).send().await.ok();
    app.post("/api/token/refresh/").json(&json!({ "refresh": tokens["refresh"] })).send().await.ok();
    let cookie = json!({
        "pk": format!("USER#{}", ann.id), "sk": "SESSION#00000000-0000-4000-8000-000000000001", "item": "session",
        "kind": "cookie", "generation": 1, "rotated_at": 1, "credential_version": 1, "created_at": 1,
        "expires_at": 4_000_000_000_u64, "secret": "later",
    });
    app.table.put(&cookie).await;
    ann.get("/api/users/me/sessions/").await.ok();
}
