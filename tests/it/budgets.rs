//! The cost table of the design as data: sequential round trips, and capacity units as the engine counts them.

use axum::http::Method;
use futures::future::LocalBoxFuture;
use serde_json::{Map, Value, json};
use shared::{config::Limits, realtime::event::SocketEventKind};

use crate::consent::accept;
use crate::harness::{
    Answer, Browser, TestApp, User,
    meter::Cost,
    people::PASSWORD,
    posts::{Sockets, ticket},
    pushes::Live,
    user::{id_of, message_path, number_of},
};

/// An operation and its maximum cost. `None` means that the cost is only printed.
struct Budget {
    operation: &'static str,
    round_trips: u32,
    calls: Option<usize>,
    reads: Option<f64>,
    writes: Option<f64>,
}

/// Returns a row with the columns of the table in the design.
const fn row(
    operation: &'static str,
    round_trips: u32,
    calls: Option<usize>,
    reads: Option<f64>,
    writes: f64,
) -> Budget {
    Budget { operation, round_trips, calls, reads, writes: Some(writes) }
}

const BUDGETS: [Budget; 49] = [
    row("verify a token", 0, Some(0), Some(0.0), 0.0),
    // The profile is read after the session was put, so that a change of the password during the login is noticed.
    row("log in", 4, Some(6), Some(4.5), 3.0),
    // The device is stored too.
    row("log in on a new device", 4, Some(7), Some(4.5), 4.0),
    row("refresh", 1, None, Some(1.0), 1.0),
    row("log in with a browser", 4, Some(6), Some(4.5), 3.0),
    // One round trip and two units more than with a token, for the session and its user; this call already knows the
    // profile.
    row("own profile by cookie", 1, Some(1), Some(2.0), 0.0),
    row("send a message, uncontended", 2, Some(3), Some(4.0), 1.0),
    // The message that is replied to is one unit more.
    row("send a reply", 2, Some(3), Some(5.0), 1.0),
    // The row does not include the messages of the look-back: here ten small messages, half a unit.
    row("send with an idempotency key", 2, Some(3), Some(4.0), 1.0),
    // With more than sixteen messages in the last six minutes, the look-back reads twice.
    row("send with an idempotency key, busy", 3, Some(4), None, 1.0),
    // With the default limit, a send reads the 46 newest messages, here of 400 B.
    row("send a message, with a limit", 2, Some(3), Some(3.0 + 5.0), 1.0),
    row("get a message by cookie", 3, None, Some(4.0 + 2.0), 0.0),
    row("get a message", 2, None, Some(5.0), 0.0),
    row("newest 50 messages of 400 B", 2, None, Some(3.0 + 5.0 + 1.0 * 2.0), 0.0),
    // Session, membership, blocks, message; the two keys of the report, and the count of the reporter's reports. One transaction
    // puts the report and the count, and checks the key of a closed report.
    row("report a message", 2, Some(3), Some(7.0), 2.0 * 3.0),
    // The profile with the session, the report, the report again for the write, and the profiles to show.
    row("close a report", 5, None, Some(6.0), 2.0 * 2.0),
    row("page of open reports", 3, None, Some(4.0), 0.0),
    row("mark read", 2, None, Some(3.0), 1.0),
    // One transaction writes the membership and the inbox entry, with two units each.
    row("archive a conversation", 2, Some(4), Some(3.0), 2.0 * 2.0),
    row("archive it again, no message since", 1, Some(3), Some(3.0), 0.0),
    // Session, membership, blocks and message; the last three again with the end of the change log; the sender and the sender's
    // membership. One transaction writes the change and the message, with two units each.
    row("react to a message", 4, Some(5), Some(9.0), 2.0 * 2.0),
    row("react again, nothing to write", 3, Some(4), Some(9.0), 0.0),
    // The same as for a reaction, and the pins of the conversation. The transaction has the pin too.
    row("pin a message", 5, Some(6), Some(10.0), 2.0 * 3.0),
    // Session, membership and blocks in parallel with the pointers and the tail; the replies; the senders.
    row("page of replies", 3, Some(5), None, 0.0),
    // Session, membership and blocks in parallel with the pins and the tail; the messages; the senders.
    row("page of pins", 3, Some(5), None, 0.0),
    // Six items in one transaction with two units each, and two index entries.
    row("open a direct conversation, new", 2, None, Some(5.0), 2.0 * 6.0 + 4.0),
    // The bucket is read and written in the same two calls.
    row("open a direct conversation, new, with a limit", 2, Some(2), Some(6.0), 2.0 * 7.0 + 4.0),
    row("the same, existing", 2, None, None, 0.0),
    // With consent, the creation looks the other user up in the creator's conversations, and writes an invitation in place of
    // the inbox entry.
    row("open a direct conversation, new, as an invitation", 4, Some(4), Some(8.0), 2.0 * 6.0 + 4.0),
    row("send a message to an invited user", 2, Some(3), Some(4.0), 1.0),
    // One transaction writes the change, the conversation, both memberships and the inbox entry with its index entry, and
    // deletes the invitation. The answer is the conversation.
    row("accept an invitation", 7, Some(10), Some(15.0), 2.0 * 6.0 + 2.0),
    row("page of 20 invitations, 3 messages each", 4, Some(44), Some(84.0), 0.0),
    // One page consists of calls of the API: the inbox, the conversation's changes, its messages, and the block.
    row("chat page, inbox of 20, an open conversation", 7, Some(31), Some(84.0), 0.0),
    // Calls: one for the session, one for the list, one for each tail, one for conversations and memberships, one for
    // users.
    row("inbox page of 20, messages=1, nothing unread, pairs", 4, Some(24), Some(78.0), 0.0),
    // One more call for each conversation: the messages below the newest one.
    row("inbox page of 20", 4, Some(46), None, 0.0),
    // Unread messages beyond the shown ones are counted in a separate round trip.
    row("inbox page with a long one", 4, None, None, 0.0),
    // Calls: one for the session, one for the list, two for the ends of each conversation's logs, one for conversations,
    // memberships and blocks.
    row("resume with 16 conversations, nothing new", 3, Some(35), Some(67.0), 0.0),
    // Four rounds of logs, and the senders.
    row("resume with nothing, 16 conversations of 3 messages", 8, None, None, 0.0),
    // The session and the profile; the put.
    row("request a ticket", 2, Some(3), Some(2.0), 1.0),
    // The ticket is deleted; the link and the user of the connection are put; link, session and profile are read.
    row("connect", 3, Some(4), Some(3.0), 3.0),
    // The user of the connection; link, session and profile.
    row("ping", 2, Some(2), Some(4.0), 0.0),
    // As for a ping; then the memberships while the time is noted; then the connections and the blocks of the other one.
    row("typing, in a pair", 4, Some(7), Some(8.0), 1.0),
    row("mark read by a frame", 4, Some(5), Some(6.0), 1.0),
    row("disconnect", 2, Some(3), Some(1.0), 2.0),
    // The same for a read mark that leaves messages unread.
    row("mark read, not all of it", 3, None, Some(5.0), 1.0),
    // Calls: one for the memberships, one for the message, its sender and the message before, one for the connections of each participant,
    // and one for the blocks of a hundred.
    row("deliver a message to 2 participants", 2, Some(5), Some(8.0), 0.0),
    row("deliver a message to 20 participants", 2, Some(23), Some(46.0), 0.0),
    row("deliver a message to 100 participants", 2, Some(103), Some(216.0), 0.0),
    // Each inbox entry and its two index entries.
    row("deliver the first message of an hour to 20 participants", 3, Some(43), Some(46.0), 60.0),
];

impl Budget {
    fn of(operation: &str) -> &'static Self {
        BUDGETS.iter().find(|budget| budget.operation == operation).unwrap()
    }

    /// Returns the row of `docs/architecture.md`.
    fn documented(&self) -> String {
        let figures = [self.calls.map(|calls| calls.to_string()), self.reads.map(|units| units.to_string())];
        let [calls, reads] = figures.map(|figure| figure.unwrap_or_else(|| "–".to_owned()));
        let writes = self.writes.unwrap_or_default();
        format!("| {} | {} | {calls} | {reads} | {writes} |", self.operation, self.round_trips)
    }

    /// Returns a line for each figure above the budget.
    fn overruns(&self, cost: &Cost) -> Vec<String> {
        let mut overruns = Vec::new();
        let mut over = |what: &str, is: f64, may: Option<f64>| {
            if may.is_some_and(|may| is > may + 1e-9) {
                overruns.push(format!("{}: {what} {is}, budget {}", self.operation, may.unwrap_or_default()));
            }
        };
        over("round trips", f64::from(cost.depth), Some(f64::from(self.round_trips)));
        #[expect(clippy::cast_precision_loss, reason = "the number of calls is small")]
        over("calls", cost.requests() as f64, self.calls.map(|calls| calls as f64));
        over("read units", cost.read_units, self.reads);
        over("write units", cost.write_units, self.writes);
        overruns
    }
}

/// Measures operations and collects the overruns.
struct Ledger {
    app: TestApp,
    overruns: Vec<String>,
}

impl Ledger {
    // The futures are boxed. Together they would be too large for the stack of a test.
    fn enter<'a>(
        &'a mut self,
        operation: &'a str,
        doing: impl Future<Output = Answer> + 'a,
        status: u16,
    ) -> LocalBoxFuture<'a, Value> {
        let answer = self.enter_call(operation, doing);
        Box::pin(async move { answer.await.expect(status).json() })
    }

    fn enter_call<'a, T: 'a>(
        &'a mut self,
        operation: &'a str,
        doing: impl Future<Output = T> + 'a,
    ) -> LocalBoxFuture<'a, T> {
        let doing = Box::pin(doing);
        Box::pin(async move {
            let (result, cost) = self.app.proxy.measure(doing).await;
            self.compare(operation, &cost);
            result
        })
    }

    fn compare(&mut self, operation: &str, cost: &Cost) {
        eprintln!(
            "{operation}: {} round trips, {} calls, {} read units, {} write units",
            cost.depth,
            cost.requests(),
            cost.read_units,
            cost.write_units
        );
        let overruns = Budget::of(operation).overruns(cost);
        if !overruns.is_empty() {
            self.overruns.extend(overruns);
            self.overruns.push(format!("    {:#?}", cost.calls));
        }
    }
}

/// Creates twenty groups of Ann, with three messages in each.
async fn fill_inbox(app: &TestApp, ann: &User) {
    for n in 0..20 {
        let other = app.user(&format!("other{n}")).await;
        let conversation = ann.group(&[&other]).await;
        for m in 0..3 {
            other.send(&conversation, &format!("memo {n} {m}")).await;
        }
    }
}

/// Creates twenty direct conversations of Dan, all of them read. The others open them, so they need no consent but his.
async fn fill_inbox_with_pairs(app: &TestApp, dan: &User) {
    for n in 0..20 {
        let other = app.user(&format!("pair{n}")).await;
        let conversation = other.direct(dan).await;
        let mut last = Value::Null;
        for m in 0..3 {
            last = other.send(&conversation, &format!("memo {n} {m}")).await;
        }
        dan.mark_read(&conversation, &last).await.ok();
    }
}

#[test]
fn the_documentation_has_every_row() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/architecture.md");
    let page = std::fs::read_to_string(page).unwrap();
    for row in BUDGETS.iter().map(Budget::documented) {
        assert!(page.contains(&row), "docs/architecture.md has no row {row}");
    }
}

#[tokio::test]
async fn every_operation_stays_within_its_row() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let api = app.api();
    let mut ledger = Ledger { app, overruns: Vec::new() };

    let state = ledger.app.app.clone();
    // The first token makes a process read the keys.
    let verify = || state.keys.access(&state.store, &ann.token, state.clock.now());
    verify().await.unwrap();
    ledger.enter_call("verify a token", verify()).await.unwrap();
    let login = json!({ "email": ann.email, "password": PASSWORD });
    let tokens =
        ledger.enter("log in on a new device", api.post("/api/token/").json(&login).send(), 200).await;
    let login = json!({ "email": ann.email, "password": PASSWORD, "device_token": tokens["device_token"] });
    let tokens = ledger.enter("log in", api.post("/api/token/").json(&login).send(), 200).await;
    let doing = api.post("/api/token/refresh/").json(&json!({ "refresh": tokens["refresh"] })).send();
    ledger.enter("refresh", doing, 200).await;

    let browser = Browser::of(&ann).await;
    browser.log_out().await.expect(303);
    browser.get("/api-auth/login/").await.expect(200);
    let token = browser.csrf();
    let fields = [("username", ann.email.as_str()), ("password", PASSWORD), ("csrfmiddlewaretoken", &token)];
    ledger.enter("log in with a browser", browser.post("/api-auth/login/", &fields), 303).await;
    ledger.enter("own profile by cookie", browser.json("/api/users/me/"), 200).await;

    let conversation = ann.group(&[&ben]).await;
    for n in 0..25 {
        ann.send(&conversation, &format!("memo {n} {}", "x".repeat(150))).await;
        ben.send(&conversation, &format!("memo {n} {}", "x".repeat(150))).await;
    }
    let quiet = ann.group(&[&ben]).await;
    for n in 0..10 {
        ben.send(&quiet, &format!("memo {n}")).await;
    }
    let key = ledger.app.key();
    ledger.enter("send with an idempotency key", ann.send_with_key(&quiet, &key, "memo"), 201).await;
    let last = ledger.enter("send a message, uncontended", ann.try_send(&conversation, "memo"), 201).await;
    let key = ledger.app.key();
    let newer = ledger
        .enter("send with an idempotency key, busy", ann.send_with_key(&conversation, &key, "memo"), 201)
        .await;
    ledger.enter("get a message", ben.get(&message_path(&last)), 200).await;
    ledger.enter("get a message by cookie", browser.json(&message_path(&last)), 200).await;
    let newest = format!("/api/messages/?conversation={conversation}&limit=50");
    ledger.enter("newest 50 messages of 400 B", ann.get(&newest), 200).await;
    ledger.enter("mark read, not all of it", ben.mark_read(&conversation, &last), 200).await;
    ledger.enter("mark read", ben.mark_read(&conversation, &newer), 200).await;
    let archive = format!("/api/conversations/{conversation}/archive/");
    let archive = || ben.request(Method::PUT, &archive).send();
    ledger.enter_call("archive a conversation", archive()).await.nothing();
    ledger.enter_call("archive it again, no message since", archive()).await.nothing();
    Box::pin(enter_parts_of_messages(&mut ledger, &ben, &conversation, &last)).await;
    let admin = ledger.app.admin("admin").await;
    let body = json!({ "message": last["message_id"], "reason": "spam" });
    let report = ledger.enter("report a message", ann.post("/api/reports/", body), 201).await;
    ledger.enter("page of open reports", admin.get("/api/reports/"), 200).await;
    let path = format!("/api/reports/{}/", report["report_id"].as_str().unwrap());
    ledger.enter("close a report", admin.patch(&path, json!({ "state": "closed" })), 200).await;
    // The first opening in a process reads the secret for ids of direct conversations.
    ben.open_direct(&cleo).await.created();
    ledger.enter("open a direct conversation, new", ann.open_direct(&cleo), 201).await;
    ledger.enter("the same, existing", ann.open_direct(&cleo), 200).await;
    let dan = ledger.app.user("dan").await;
    fill_inbox_with_pairs(&ledger.app, &dan).await;
    let page = dan.get("/api/conversations/?limit=20&messages=1");
    let inbox = ledger.enter("inbox page of 20, messages=1, nothing unread, pairs", page, 200).await;
    assert_eq!(inbox["results"].as_array().unwrap().len(), 20);
    let (browser, path) =
        (Browser::of(&dan).await, format!("/?conversation={}", id_of(&inbox["results"][0])));
    ledger.enter_call("chat page, inbox of 20, an open conversation", browser.get(&path)).await.expect(200);
    enter_syncs(&mut ledger, &dan).await;
    fill_inbox(&ledger.app, &cleo).await;
    let inbox = ledger.enter("inbox page of 20", cleo.get("/api/conversations/?limit=20"), 200).await;
    assert_eq!(inbox["results"].as_array().unwrap().len(), 20);
    ledger.enter("inbox page with a long one", ann.get("/api/conversations/?limit=20"), 200).await;
    assert!(ledger.overruns.is_empty(), "{}", ledger.overruns.join("\n"));
}

#[tokio::test]
async fn connections_stay_within_their_rows() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.direct(&ben).await;
    ann.send(&conversation, "memo").await;
    let sockets = Sockets::new(&app).await;
    let (here, there) = (sockets.id(), sockets.connect(&ann).await);
    let mut ledger = Ledger { app, overruns: Vec::new() };
    let ticket = ledger.enter_call("request a ticket", ticket(&ben)).await;
    assert_eq!(ledger.enter_call("connect", sockets.open(&here, &ticket, None)).await, 200);
    assert_eq!(ledger.enter_call("ping", sockets.ping(&here)).await.len(), 2, "`ready` and `pong`");
    ledger.enter_call("typing, in a pair", sockets.typing(&here, &conversation)).await;
    assert_eq!(sockets.posts.of(&there).len(), 1);
    ledger.enter_call("mark read by a frame", sockets.read(&here, &conversation, 1)).await;
    assert_eq!(ledger.enter_call("disconnect", sockets.event(&here, SocketEventKind::Disconnect)).await, 200);
    assert!(ledger.overruns.is_empty(), "{}", ledger.overruns.join("\n"));
}

/// Measures replies, reactions and pins.
async fn enter_parts_of_messages(ledger: &mut Ledger, user: &User, conversation: &str, message: &Value) {
    let id = message["message_id"].as_str().unwrap();
    let body = json!({ "conversation": conversation, "message_body": "memo", "reply_to": id });
    let reply = ledger.enter("send a reply", user.post("/api/messages/", body), 201).await;
    // The consumer of the table's stream writes this item.
    let sk = format!("THREAD#{:013}#{:013}", number_of(message), number_of(&reply));
    let pointer = json!({ "pk": format!("CONV#{conversation}"), "sk": sk, "item": "thread_pointer" });
    ledger.app.table.put(&pointer).await;
    let thread = format!("/api/messages/?thread={id}");
    let page = ledger.enter("page of replies", user.get(&thread), 200).await;
    assert_eq!(page["results"][0]["message_id"], reply["message_id"]);
    let reaction = format!("{}reactions/%F0%9F%91%8D/", message_path(message));
    let react = || user.request(Method::PUT, &reaction).send();
    ledger.enter("react to a message", react(), 200).await;
    ledger.enter("react again, nothing to write", react(), 200).await;
    let pin = format!("{}pin/", message_path(message));
    ledger.enter("pin a message", user.request(Method::PUT, &pin).send(), 200).await;
    let pins = format!("/api/conversations/{conversation}/pins/");
    ledger.enter("page of pins", user.get(&pins), 200).await;
}

/// Measures the first page for a client that holds nothing, and for one that holds everything.
async fn enter_syncs(ledger: &mut Ledger, user: &User) {
    let start = user.post("/api/sync/", json!({}));
    let start = ledger.enter("resume with nothing, 16 conversations of 3 messages", start, 200).await;
    assert_eq!((start["messages"].as_array().unwrap().len(), start["next"].is_string()), (48, true));
    let listed = user.all("/api/conversations/?limit=100&messages=0").await;
    let held: Map<_, _> = listed.iter().map(|listed| (id_of(listed), json!([3, 0]))).collect();
    let resume = user.post("/api/sync/", json!({ "conversations": held }));
    let page = ledger.enter("resume with 16 conversations, nothing new", resume, 200).await;
    assert_eq!(page["conversations"].as_array().unwrap().len(), 16);
}

/// Invitations have their own costs, and add nothing to those of the inbox.
#[tokio::test]
async fn invitations_stay_within_their_rows() {
    let app = TestApp::with_requests().await;
    let (ann, ben, cleo, dan) =
        (app.user("ann").await, app.user("ben").await, app.user("cleo").await, app.user("dan").await);
    let mut ledger = Ledger { app, overruns: Vec::new() };
    // The first opening in a process reads the secret for ids of direct conversations.
    ben.open_direct(&cleo).await.created();
    let opening = ann.open_direct(&cleo);
    let opened = ledger.enter("open a direct conversation, new, as an invitation", opening, 201).await;
    let direct = id_of(&opened);
    assert_eq!(cleo.conversation(&direct).await["state"], "invited");
    ledger.enter("send a message to an invited user", ann.try_send(&direct, "memo"), 201).await;
    ledger.enter("accept an invitation", accept(&cleo, &direct), 200).await;
    ledger.enter("send a message, uncontended", ann.try_send(&direct, "memo"), 201).await;
    dan.patch("/api/users/me/", json!({ "contact": "everyone" })).await.ok();
    fill_inbox_with_pairs(&ledger.app, &dan).await;
    dan.patch("/api/users/me/", json!({ "contact": "requests" })).await.ok();
    for n in 0..20 {
        let group = ann.group(&[&dan]).await;
        for m in 0..3 {
            ann.send(&group, &format!("memo {n} {m}")).await;
        }
    }
    let path = "/api/conversations/?limit=20&state=invited";
    let page = ledger.enter("page of 20 invitations, 3 messages each", dan.get(path), 200).await;
    assert_eq!(page["results"].as_array().unwrap().len(), 20);
    let page = dan.get("/api/conversations/?limit=20&messages=1");
    let inbox = ledger.enter("inbox page of 20, messages=1, nothing unread, pairs", page, 200).await;
    assert_eq!(inbox["results"].as_array().unwrap().len(), 20);
    assert!(ledger.overruns.is_empty(), "{}", ledger.overruns.join("\n"));
}

#[tokio::test]
async fn limits_stay_within_their_rows() {
    let app = TestApp::limited(Limits::default()).await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let conversation = ann.group(&[&ben, &cleo]).await;
    for n in 0..25 {
        ben.send(&conversation, &format!("memo {n} {}", "x".repeat(150))).await;
        cleo.send(&conversation, &format!("memo {n} {}", "x".repeat(150))).await;
    }
    let mut ledger = Ledger { app, overruns: Vec::new() };
    ledger.enter("send a message, with a limit", ann.try_send(&conversation, "memo"), 201).await;
    let key = ledger.app.key();
    let doing = ann.send_with_key(&conversation, &key, "memo");
    ledger.enter("send with an idempotency key, busy", doing, 201).await;
    ben.open_direct(&cleo).await.created();
    ledger.enter("open a direct conversation, new, with a limit", ann.open_direct(&cleo), 201).await;
    ledger.enter("the same, existing", ann.open_direct(&cleo), 200).await;
    assert!(ledger.overruns.is_empty(), "{}", ledger.overruns.join("\n"));
}

/// Adds participants to a conversation until it has `count`, each with an inbox entry of an earlier hour.
async fn fill_conversation(app: &TestApp, conversation: &str, count: usize) {
    let pk = format!("CONV#{conversation}");
    let present = app.table.partition(&pk).await;
    let present = present.iter().filter(|item| item["sk"].as_str().unwrap().starts_with("MEMBER#")).count();
    let items: Vec<Value> = (present..count)
        .flat_map(|_| {
            let user = app.app.random.uuid();
            let inbox = format!("INBOX#{user}");
            [
                json!({
                    "pk": pk, "sk": format!("MEMBER#{user}"), "item": "member", "role": "member",
                    "joined_at": 1, "read": 0,
                }),
                json!({
                    "pk": inbox, "sk": pk, "item": "inbox", "joined_at": 1,
                    "gsi1pk": inbox, "gsi1sk": format!("ACTIVE#0000000#{conversation}"),
                }),
            ]
        })
        .collect();
    app.table.put_all(&items).await;
}

#[tokio::test]
async fn a_fan_out_stays_within_its_rows() {
    let app = TestApp::new().await;
    // The hour must not change between two messages.
    app.freeze();
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let live = Live::new(&app).await;
    let to_ben = live.connect(&ben).await;
    let mut ledger = Ledger { app, overruns: Vec::new() };
    ann.send(&conversation, "memo").await;
    live.skip().await;
    for (count, operation) in [
        (2, "deliver a message to 2 participants"),
        (20, "deliver a message to 20 participants"),
        (100, "deliver a message to 100 participants"),
    ] {
        fill_conversation(&ledger.app, &conversation, count).await;
        live.skip().await;
        ann.send(&conversation, "memo").await;
        let records = live.records().await;
        let failed = ledger.enter_call(operation, live.handle(&records)).await;
        assert_eq!((failed, live.types(&to_ben)), (Vec::new(), vec!["message.created".to_owned()]));
    }
    let other = ann.group(&[&ben]).await;
    fill_conversation(&ledger.app, &other, 20).await;
    live.skip().await;
    // The first message of a conversation is also the first of its hour.
    ann.send(&other, "memo").await;
    let records = live.records().await;
    let first = "deliver the first message of an hour to 20 participants";
    assert_eq!(ledger.enter_call(first, live.handle(&records)).await, Vec::<String>::new());
    assert!(ledger.overruns.is_empty(), "{}", ledger.overruns.join("\n"));
}

#[tokio::test]
async fn what_a_page_costs_does_not_grow_with_the_log() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let conversation = ann.group(&[&ben]).await;
    let path = format!("/api/messages/?conversation={conversation}&limit=10");
    let send_some = async |count: usize| {
        for n in 0..count {
            ben.send(&conversation, &format!("memo {n}")).await;
        }
    };
    send_some(20).await;
    let (_, before) = app.proxy.measure(ann.get(&path)).await;
    let (_, sent_before) = app.proxy.measure(ann.try_send(&conversation, "memo")).await;
    send_some(100).await;
    let (_, after) = app.proxy.measure(ann.get(&path)).await;
    let (_, sent_after) = app.proxy.measure(ann.try_send(&conversation, "memo")).await;
    assert!((before.read_units - after.read_units).abs() < 1e-9, "{before:?} {after:?}");
    assert!((sent_before.read_units - sent_after.read_units).abs() < 1e-9, "{sent_before:?} {sent_after:?}");
}
