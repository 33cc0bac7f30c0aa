//! Every kind of call of every operation, failed before and after its effect. Where the failure passes, the operation
//! succeeds all the same; where the function dies of it, the client's next try does, and in either case the table keeps
//! its rules.

use serde_json::{Value, json};

use crate::harness::{
    Answer, TestApp, User,
    call::{
        Operation::{BatchGet, BatchWrite, Query, Transact},
        any, on, writes,
    },
    faults::{
        Fault::{self, After, Before, Conflict, ShortPage, Throttle, ThrottledTransaction, Unprocessed},
        How::{Death, Error500, Reset},
    },
    network::unique_email,
    people::PASSWORD,
    table::Item,
    user::{id_of, message_path},
};

/// What people do that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Register,
    LogIn,
    Refresh,
    LogOut,
    ChangePassword,
    ChangeProfile,
    CloseAccount,
    CreateGroup,
    OpenDirect,
    Rename,
    Send,
    Edit,
    DeleteMessage,
    MarkRead,
    Add,
    Remove,
    Leave,
    GiveOwnership,
    DeleteConversation,
    HideDirect,
}

/// A small world in which any of it can be done; made anew for each try.
struct Stage {
    ann: User,
    ben: User,
    cleo: User,
    /// A group of the three; Ann owns it.
    group: String,
    /// Ann's message in it, and Ben's.
    message: Value,
    bens: Value,
    key: String,
    email: String,
    refresh: String,
    direct: String,
}

impl Stage {
    async fn new(app: &TestApp, operation: Operation) -> Self {
        let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
        let group = ann.group(&[&ben]).await;
        let message = ann.send(&group, "hush, one").await;
        let bens = ben.send(&group, "hush, two").await;
        let mut stage = Self {
            key: app.key(),
            email: unique_email("dan"),
            refresh: String::new(),
            direct: String::new(),
            ann,
            ben,
            cleo,
            group,
            message,
            bens,
        };
        if operation.needs_session() {
            let tokens = log_in(app, &stage.ann.email, PASSWORD).await.ok();
            stage.refresh = tokens["refresh"].as_str().unwrap().to_owned();
            stage.ann.token = tokens["access"].as_str().unwrap().to_owned();
        }
        if operation == Operation::HideDirect {
            stage.direct = stage.ann.direct(&stage.ben).await;
            stage.ben.send(&stage.direct, "hush, direct").await;
        }
        stage
    }

    async fn run(&self, app: &TestApp, operation: Operation) -> Answer {
        let conversation = format!("/api/conversations/{}/", self.group);
        match operation {
            Operation::Register => {
                let body = json!({
                    "email": self.email, "password": PASSWORD, "first_name": "Dan", "last_name": "Tester",
                });
                app.post("/api/users/").json(&body).send().await
            }
            Operation::LogIn => log_in(app, &self.ann.email, PASSWORD).await,
            Operation::Refresh => self.refresh(app).await,
            Operation::LogOut => {
                let body = json!({ "refresh": self.refresh });
                app.post("/api/token/blacklist/").json(&body).send().await
            }
            Operation::ChangePassword => {
                let body = json!({ "old_password": PASSWORD, "new_password": OTHER_PASSWORD });
                self.ann.post("/api/users/me/password/", body).await
            }
            Operation::ChangeProfile => {
                self.ann.patch("/api/users/me/", json!({ "last_name": "Hush" })).await
            }
            Operation::CloseAccount => self.ann.delete("/api/users/me/").await,
            Operation::CreateGroup => {
                let body = json!({ "participants": [self.ben.id, self.cleo.id] });
                self.ann.post("/api/conversations/", body).await
            }
            Operation::OpenDirect => self.ann.open_direct(&self.cleo).await,
            Operation::Rename => self.ann.patch(&conversation, json!({ "name": "hush, new" })).await,
            Operation::Send => self.ann.send_with_key(&self.group, &self.key, "hush, sent").await,
            Operation::Edit => self.ann.edit(&self.message, "hush, edited").await,
            Operation::DeleteMessage => self.ann.delete_message(&self.message).await,
            Operation::MarkRead => self.ann.mark_read(&self.group, &self.bens).await,
            Operation::Add => self.ann.add(&self.group, &[&self.cleo]).await,
            Operation::Remove => self.ann.remove(&self.group, &self.ben).await,
            Operation::Leave => self.ann.leave(&self.group).await,
            Operation::GiveOwnership => {
                let path = format!("{conversation}participants/{}/", self.ben.id);
                self.ann.patch(&path, json!({ "role": "owner" })).await
            }
            Operation::DeleteConversation => self.ann.delete_conversation(&self.group).await,
            Operation::HideDirect => self.ann.delete_conversation(&self.direct).await,
        }
    }

    /// What people do after it, so that a write of before would be seen; the whole table then.
    async fn go_on(&self, app: &TestApp, operation: Operation, answer: &Answer) -> Vec<Item> {
        match operation {
            Operation::Send => drop(self.ann.edit(&answer.json(), "hush, later").await.ok()),
            Operation::Edit => drop(self.ann.edit(&self.message, "hush, later").await.ok()),
            Operation::Add => self.ann.remove(&self.group, &self.cleo).await.nothing(),
            Operation::Remove => drop(self.ann.add(&self.group, &[&self.ben]).await),
            Operation::Rename => {
                let path = format!("/api/conversations/{}/", self.group);
                self.ann.patch(&path, json!({ "name": "hush, later" })).await.ok();
            }
            Operation::MarkRead => {
                let later = self.ben.send(&self.group, "hush, later").await;
                self.ann.mark_read(&self.group, &later).await.ok();
            }
            Operation::LogIn | Operation::Refresh => {
                let body = json!({ "refresh": answer.json()["refresh"] });
                app.post("/api/token/refresh/").json(&body).send().await.ok();
            }
            _ => {}
        }
        state(app).await
    }

    async fn refresh(&self, app: &TestApp) -> Answer {
        let body = json!({ "refresh": self.refresh });
        app.post("/api/token/refresh/").json(&body).send().await
    }

    /// What must be so once the operation has succeeded, by asking the API.
    async fn verify(&self, app: &TestApp, operation: Operation) {
        let conversation = format!("/api/conversations/{}/", self.group);
        match operation {
            Operation::Register => drop(log_in(app, &self.email, PASSWORD).await.ok()),
            Operation::LogIn => drop(log_in(app, &self.ann.email, PASSWORD).await.ok()),
            Operation::Refresh => drop(self.refresh(app).await.ok()),
            Operation::LogOut => drop(self.refresh(app).await.problem(401, "token_not_valid")),
            Operation::ChangePassword => {
                log_in(app, &self.ann.email, PASSWORD).await.problem(401, "invalid_credentials");
                log_in(app, &self.ann.email, OTHER_PASSWORD).await.ok();
            }
            Operation::ChangeProfile => {
                assert_eq!(self.ann.get("/api/users/me/").await.ok()["last_name"], "Hush");
            }
            Operation::CloseAccount => {
                log_in(app, &self.ann.email, PASSWORD).await.problem(401, "invalid_credentials");
                self.refresh(app).await.problem(401, "token_not_valid");
            }
            Operation::CreateGroup | Operation::OpenDirect => {
                assert!(!self.cleo.all("/api/messages/").await.iter().any(Value::is_null));
            }
            Operation::Rename => assert_eq!(self.ben.conversation(&self.group).await["name"], "hush, new"),
            Operation::Send => {
                assert_eq!(self.ben.bodies(&self.group).await, ["hush, one", "hush, two", "hush, sent"]);
            }
            Operation::Edit => {
                let message = self.ben.get(&message_path(&self.message)).await.ok();
                assert_eq!(
                    (&message["message_body"], &message["revision"]),
                    (&json!("hush, edited"), &json!(1))
                );
            }
            Operation::DeleteMessage => assert_eq!(self.ben.bodies(&self.group).await, ["hush, two"]),
            Operation::MarkRead => assert_eq!(self.ann.unread(&self.group).await, 0),
            Operation::Add => assert_eq!(self.cleo.bodies(&self.group).await, ["hush, one", "hush, two"]),
            Operation::Remove => drop(self.ben.get(&conversation).await.problem(404, "not_found")),
            Operation::Leave => {
                self.ann.get(&conversation).await.problem(404, "not_found");
                self.ben
                    .patch(
                        &format!("{conversation}participants/{}/", self.ben.id),
                        json!({ "role": "owner" }),
                    )
                    .await
                    .ok();
            }
            Operation::GiveOwnership => drop(self.ben.remove(&self.group, &self.ann).await.expect(204)),
            Operation::DeleteConversation => {
                self.ann.get(&conversation).await.problem(404, "not_found");
                self.ben.try_send(&self.group, "hush, late").await.refuses("conversation");
            }
            Operation::HideDirect => {
                assert_eq!(self.ann.bodies(&self.direct).await, Vec::<String>::new());
                assert_eq!(self.ben.bodies(&self.direct).await, ["hush, direct"]);
            }
        }
    }
}

const OTHER_PASSWORD: &str = "another-horse-battery-staple";

async fn log_in(app: &TestApp, email: &str, password: &str) -> Answer {
    app.post("/api/token/").json(&json!({ "email": email, "password": password })).send().await
}

impl Operation {
    /// Whether it is about a session that somebody has logged in to.
    fn needs_session(self) -> bool {
        matches!(self, Self::Refresh | Self::LogOut | Self::ChangePassword | Self::CloseAccount)
    }

    /// What a second try may be answered with when the first one took effect and its answer was lost, beside success.
    fn repeated(self) -> &'static [(u16, &'static str)] {
        match self {
            Self::Register => &[(400, "invalid_request")],
            Self::ChangePassword => &[
                (400, "invalid_request"),
                (401, "token_not_valid"),
                (401, "invalid_credentials"),
                (403, "permission_denied"),
            ],
            Self::LogOut | Self::CloseAccount => &[(401, "token_not_valid")],
            Self::DeleteMessage
            | Self::Remove
            | Self::Leave
            | Self::DeleteConversation
            | Self::HideDirect => &[(404, "not_found")],
            _ => &[],
        }
    }
}

#[track_caller]
fn succeeded(answer: &Answer, what: &str) {
    assert!((200..300).contains(&answer.status), "{what}: {answer}");
}

/// Breaks an operation at each of its calls in each way.
async fn sweep(operation: Operation) {
    let app = TestApp::new().await;
    let stage = Stage::new(&app, operation).await;
    let (answer, cost) = app.proxy.measure(stage.run(&app, operation)).await;
    succeeded(&answer, "undisturbed");
    stage.verify(&app, operation).await;
    for n in 0..cost.requests() {
        let call = &cost.calls[n];
        for fault in [Before(Error500), After(Error500), Before(Reset), After(Reset)] {
            let what = format!("{operation:?}, {fault:?} at call {n} ({call})");
            passing(&app, operation, n, fault, &what).await;
        }
        for fault in [Before(Death), After(Death)] {
            let what = format!("{operation:?}, {fault:?} at call {n} ({call})");
            deadly(&app, operation, n, fault, &what).await;
        }
    }
    app.check().await;
}

/// The call fails once: nobody notices.
async fn passing(app: &TestApp, operation: Operation, n: usize, fault: Fault, what: &str) {
    let stage = Stage::new(app, operation).await;
    app.proxy.faults.fail_nth(n, any(), fault);
    let answer = stage.run(app, operation).await;
    assert_eq!(app.proxy.faults.clear(), 1, "{what}: did not occur");
    succeeded(&answer, what);
    eprintln!("{what}: {}", answer.status);
    stage.verify(app, operation).await;
    app.check().await;
}

/// The function dies at the call, and the client tries again.
async fn deadly(app: &TestApp, operation: Operation, n: usize, fault: Fault, what: &str) {
    let stage = Stage::new(app, operation).await;
    app.proxy.faults.fail_nth(n, any(), fault);
    app.proxy.faults.fail_from(n + 1, any(), Before(Death));
    let answer = stage.run(app, operation).await;
    assert!(app.proxy.faults.clear() >= 1, "{what}: did not occur");
    app.check().await;
    if answer.status < 300 {
        // What died was not needed for the answer.
        return stage.verify(app, operation).await;
    }
    assert!(answer.status >= 500, "{what}: {answer}");
    let again = stage.run(app, operation).await;
    let known =
        operation.repeated().iter().any(|(status, code)| again.status == *status && again.code() == *code);
    assert!(known || (200..300).contains(&again.status), "{what}, and again: {again}");
    stage.verify(app, operation).await;
    app.check().await;
}

macro_rules! sweeps {
    ($($name:ident: $operation:ident;)*) => {$(
        #[tokio::test]
        async fn $name() {
            sweep(Operation::$operation).await;
        }
    )*};
}

sweeps! {
    registering_survives: Register;
    logging_in_survives: LogIn;
    refreshing_survives: Refresh;
    logging_out_survives: LogOut;
    changing_the_password_survives: ChangePassword;
    changing_the_profile_survives: ChangeProfile;
    closing_the_account_survives: CloseAccount;
    creating_a_group_survives: CreateGroup;
    opening_a_direct_conversation_survives: OpenDirect;
    renaming_survives: Rename;
    sending_survives: Send;
    editing_survives: Edit;
    deleting_a_message_survives: DeleteMessage;
    marking_read_survives: MarkRead;
    adding_survives: Add;
    removing_survives: Remove;
    leaving_survives: Leave;
    giving_ownership_survives: GiveOwnership;
    deleting_a_conversation_survives: DeleteConversation;
    hiding_a_direct_conversation_survives: HideDirect;
}

const ALL: [Operation; 20] = [
    Operation::Register,
    Operation::LogIn,
    Operation::Refresh,
    Operation::LogOut,
    Operation::ChangePassword,
    Operation::ChangeProfile,
    Operation::CloseAccount,
    Operation::CreateGroup,
    Operation::OpenDirect,
    Operation::Rename,
    Operation::Send,
    Operation::Edit,
    Operation::DeleteMessage,
    Operation::MarkRead,
    Operation::Add,
    Operation::Remove,
    Operation::Leave,
    Operation::GiveOwnership,
    Operation::DeleteConversation,
    Operation::HideDirect,
];

/// Each write of an operation in turn is held until the SDK has given up on it, tried again and succeeded, and what it
/// was for has gone on: then it arrives, and must do nothing any more.
async fn late(operations: &[Operation]) {
    let app = TestApp::new().await;
    for operation in operations {
        let stage = Stage::new(&app, *operation).await;
        let (answer, cost) = app.proxy.measure(stage.run(&app, *operation)).await;
        succeeded(&answer, "undisturbed");
        for n in 0..cost.writes() {
            late_write(&app, *operation, n).await;
        }
    }
}

/// The whole table, but for the time before which no password is tried: forgetting mistakes late sets it to what is past.
async fn state(app: &TestApp) -> Vec<Item> {
    let mut items = app.table.items().await;
    for item in &mut items {
        item.remove("not_before");
    }
    items
}

async fn late_write(app: &TestApp, operation: Operation, n: usize) {
    let stage = Stage::new(app, operation).await;
    let gate = app.proxy.faults.hold_nth(n, writes());
    let answer = stage.run(app, operation).await;
    succeeded(&answer, &format!("{operation:?}, its write {n} held"));
    stage.verify(app, operation).await;
    let before = stage.go_on(app, operation, &answer).await;
    gate.release();
    gate.finished().await;
    assert_eq!(app.proxy.faults.clear(), 1);
    let after = state(app).await;
    assert_eq!(after, before, "{operation:?}: its write {n} came late and took effect");
    app.check().await;
}

#[tokio::test]
async fn a_write_that_was_given_up_does_nothing_when_it_arrives() {
    use Operation::{
        Add, CreateGroup, DeleteMessage, Edit, GiveOwnership, Leave, MarkRead, Remove, Rename, Send,
    };
    let groups = [
        &[Send, Edit, DeleteMessage][..],
        &[MarkRead, Add, Remove],
        &[Leave, Rename],
        &[GiveOwnership, CreateGroup],
    ];
    futures::future::join_all(groups.map(late)).await;
}

#[tokio::test]
async fn a_write_about_an_account_that_was_given_up_does_nothing_when_it_arrives() {
    use Operation::{
        ChangePassword, ChangeProfile, CloseAccount, DeleteConversation, HideDirect, LogIn, LogOut,
        OpenDirect, Refresh, Register,
    };
    let groups = [
        &[Register, LogIn, Refresh][..],
        &[LogOut, ChangePassword, ChangeProfile],
        &[CloseAccount, OpenDirect],
        &[DeleteConversation, HideDirect],
    ];
    futures::future::join_all(groups.map(late)).await;
}

#[tokio::test]
async fn conflicts_are_lost_races_and_tried_again() {
    let app = TestApp::new().await;
    let mut failed = Vec::new();
    for operation in ALL {
        let stage = Stage::new(&app, operation).await;
        app.proxy.faults.fail_times(2, writes(), Conflict);
        let answer = stage.run(&app, operation).await;
        assert!(app.proxy.faults.clear() >= 1, "{operation:?}: no write");
        if answer.status >= 300 {
            failed.push(format!("{operation:?}: {answer}"));
        } else {
            stage.verify(&app, operation).await;
        }
    }
    app.check().await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test]
async fn throttling_that_passes_is_not_noticed() {
    let app = TestApp::new().await;
    for operation in ALL {
        let stage = Stage::new(&app, operation).await;
        app.proxy.faults.fail_times(2, any(), Throttle);
        let answer = stage.run(&app, operation).await;
        assert!(app.proxy.faults.clear() >= 1);
        succeeded(&answer, &format!("{operation:?} throttled"));
        stage.verify(&app, operation).await;
    }
    app.check().await;
}

#[tokio::test]
async fn throttling_that_lasts_is_a_503_that_says_when_to_come_back() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app, Operation::Send).await;
    app.proxy.faults.always(writes(), Throttle);
    for operation in [Operation::Send, Operation::CreateGroup] {
        let answer = stage.run(&app, operation).await;
        assert!(answer.header("retry-after").is_some(), "{answer}");
        answer.problem(503, "unavailable");
    }
    app.proxy.faults.clear();
    app.proxy.faults.always(on(Transact), ThrottledTransaction);
    let answer = stage.run(&app, Operation::Edit).await;
    assert!(answer.header("retry-after").is_some(), "{answer}");
    answer.problem(503, "unavailable");
    app.proxy.faults.clear();
    app.check().await;
}

#[tokio::test]
async fn a_conflict_that_lasts_is_a_503_after_five_seconds() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app, Operation::Send).await;
    app.proxy.faults.always(writes(), Conflict);
    let (send, edit) = tokio::join!(stage.run(&app, Operation::Send), stage.run(&app, Operation::Edit));
    app.proxy.faults.clear();
    assert!(send.header("retry-after").is_some(), "{send}");
    assert_eq!(send.problem(503, "contention")["client_id"], stage.key.as_str());
    edit.problem(503, "contention");
    app.check().await;
    succeeded(&stage.run(&app, Operation::Send).await, "afterwards");
}

#[tokio::test]
async fn unprocessed_parts_of_batches_are_asked_for_again() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app, Operation::CloseAccount).await;
    for _ in 0..3 {
        log_in(&app, &stage.ann.email, PASSWORD).await.ok();
    }
    stage.ann.add(&stage.group, &[&stage.cleo]).await;
    app.proxy.faults.every_other(on(BatchGet), Unprocessed);
    app.proxy.faults.every_other(on(BatchWrite), Unprocessed);
    assert_eq!(stage.ben.bodies(&stage.group).await.len(), 2);
    let senders: Vec<Value> =
        stage.ben.messages(&stage.group).await.iter().map(|m| m["sender"]["user_id"].clone()).collect();
    assert_eq!(senders, [json!(stage.ann.id), json!(stage.ben.id)]);
    let conversation = stage.ben.conversation(&stage.group).await;
    assert_eq!(conversation["participants"].as_array().unwrap().len(), 3);
    succeeded(&stage.run(&app, Operation::Send).await, "send");
    succeeded(&stage.run(&app, Operation::CreateGroup).await, "create");
    assert_eq!(stage.ben.all("/api/conversations/").await.len(), 2);
    succeeded(&stage.run(&app, Operation::CloseAccount).await, "close");
    assert!(app.proxy.faults.clear() >= 5);
    let sessions = app.table.partition(&format!("USER#{}", stage.ann.id)).await;
    let left = sessions
        .iter()
        .filter(|item| crate::harness::table::text(item, "sk").starts_with("SESSION#"))
        .count();
    assert_eq!(left, 0, "sessions outlive the account");
    app.check().await;
}

#[tokio::test]
async fn lists_are_complete_however_short_the_pages_are() {
    let app = TestApp::new().await;
    let stage = Stage::new(&app, Operation::CloseAccount).await;
    for n in 0..5 {
        let group = stage.ann.group(&[&stage.cleo]).await;
        stage.cleo.send(&group, &format!("hush, in {n}")).await;
        log_in(&app, &stage.ann.email, PASSWORD).await.ok();
    }
    for n in 0..6 {
        stage.ann.edit(&stage.message, &format!("hush, edit {n}")).await.ok();
        stage.ben.send(&stage.group, &format!("hush, more {n}")).await;
    }
    stage.ann.add(&stage.group, &[&stage.cleo]).await;
    app.proxy.faults.always(on(Query), ShortPage(2));
    let mut short = Vec::new();
    for (path, expected) in [
        (format!("/api/messages/?conversation={}", stage.group), 8),
        ("/api/messages/".to_owned(), 8 + 5),
        ("/api/conversations/".to_owned(), 6),
        (format!("/api/conversations/{}/changes/", stage.group), 7),
        (format!("/api/conversations/{}/participants/", stage.group), 3),
        (format!("{}revisions/", message_path(&stage.message)), 6),
        ("/api/users/me/sessions/".to_owned(), 6),
    ] {
        let found = stage.ann.all(&path).await.len();
        if found != expected {
            short.push(format!("{path}: {found} of {expected}"));
        }
    }
    let shown = stage.ann.conversation(&stage.group).await;
    for (what, found, expected) in [
        ("unread", shown["unread"].as_u64(), 7),
        ("participants", shown["participants"].as_array().map(|users| users.len() as u64), 3),
    ] {
        if found != Some(expected) {
            short.push(format!("{what} of a conversation: {found:?} of {expected}"));
        }
    }
    let path = format!("/api/conversations/{}/", stage.group);
    let same = json!({ "participants": [stage.ann.id, stage.ben.id, stage.cleo.id] });
    stage.ann.patch(&path, same).await.ok();
    stage.ben.send(&stage.group, "hush, sent on short pages").await;
    let left = stage.ann.group(&[&stage.ben, &stage.cleo]).await;
    stage.ann.leave(&left).await.expect(204);
    stage.ann.delete_message(&stage.message).await.nothing();
    succeeded(&stage.run(&app, Operation::CloseAccount).await, "close");
    app.proxy.faults.clear();
    app.check().await;
    let left = app.table.partition(&format!("USER#{}", stage.ann.id)).await;
    let left =
        left.iter().filter(|item| crate::harness::table::text(item, "sk").starts_with("SESSION#")).count();
    if left > 0 {
        short.push(format!("{left} sessions outlive the account"));
    }
    assert!(short.is_empty(), "{}", short.join("\n"));
}

#[tokio::test]
async fn nothing_is_decided_on_a_stale_read() {
    let app = TestApp::lagging().await;
    for operation in ALL {
        let stage = Stage::new(&app, operation).await;
        let answer = stage.run(&app, operation).await;
        succeeded(&answer, &format!("{operation:?} on stale reads"));
        stage.verify(&app, operation).await;
    }
    // The very next request sees what the one before it wrote, wherever access depends on it.
    let stage = Stage::new(&app, Operation::Remove).await;
    let group = stage.ann.group(&[&stage.ben]).await;
    stage.ben.send(&group, "hush, as a member").await;
    stage.ann.remove(&group, &stage.ben).await.expect(204);
    stage.ben.get(&format!("/api/conversations/{group}/")).await.problem(404, "not_found");
    stage.ben.try_send(&group, "hush, removed").await.refuses("conversation");
    stage.ann.add(&group, &[&stage.ben]).await;
    let sent = stage.ben.send(&group, "hush, again").await;
    assert_eq!(stage.ann.bodies(&group).await, ["hush, as a member", "hush, again"]);
    stage.ben.delete_message(&sent).await.nothing();
    assert_eq!(stage.ann.bodies(&group).await, ["hush, as a member"]);
    assert_eq!(stage.ann.unread(&group).await, 1);
    let direct = stage.ann.open_direct(&stage.cleo).await.created();
    assert_eq!(id_of(&stage.cleo.open_direct(&stage.ann).await.ok()), id_of(&direct));
    app.check().await;
}
