//! The operations of users, and a small set of users and conversations for them. The other files of `faults` run each
//! operation with a fault and check its result.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{
    Answer, TestApp, User,
    login::{CHEAP_HASH, OTHER_PASSWORD, close_account, log_in, set_hash},
    network::unique_email,
    people::PASSWORD,
    table::Item,
    user::message_path,
};

/// An operation that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
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
    Archive,
    FileReport,
    CloseReport,
}

/// Users and conversations for any operation; created again for each attempt.
pub struct Stage {
    pub ann: User,
    pub ben: User,
    pub cleo: User,
    /// A group of Ann, its owner, and Ben. Some operations add Cleo.
    pub group: String,
    /// Messages in the group: the first is Ann's, the second is Ben's.
    pub message: Value,
    pub bens: Value,
    pub key: String,
    pub email: String,
    pub refresh: String,
    pub direct: String,
    /// An admin, and the path of a report.
    admin: Option<User>,
    report: String,
}

impl Stage {
    pub async fn new(app: &TestApp, operation: Operation) -> Self {
        let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
        let group = ann.group(&[&ben]).await;
        let message = ann.send(&group, "memo, one").await;
        let bens = ben.send(&group, "memo, two").await;
        let mut stage = Self {
            key: app.key(),
            email: unique_email("dan"),
            refresh: String::new(),
            direct: String::new(),
            admin: None,
            report: String::new(),
            ann,
            ben,
            cleo,
            group,
            message,
            bens,
        };
        if operation.needs_session() {
            let tokens = log_in(app, &stage.ann.email, PASSWORD).await.ok();
            stage.refresh = String::from(tokens["refresh"].as_str().unwrap());
            stage.ann.token = String::from(tokens["access"].as_str().unwrap());
            // The operations that compare the password are run for each of their calls.
            set_hash(app, &stage.ann, CHEAP_HASH).await;
        }
        if operation == Operation::HideDirect {
            stage.direct = stage.ann.direct(&stage.ben).await;
            stage.ben.send(&stage.direct, "memo, direct").await;
        }
        if matches!(operation, Operation::FileReport | Operation::CloseReport) {
            stage.admin = Some(app.admin("admin").await);
        }
        if operation == Operation::CloseReport {
            let report = stage.file_report().await.created();
            stage.report = format!("/api/reports/{}/", report["report_id"].as_str().unwrap());
        }
        stage
    }

    pub async fn run(&self, app: &TestApp, operation: Operation) -> Answer {
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
                self.ann.patch("/api/users/me/", json!({ "last_name": "Memo" })).await
            }
            Operation::CloseAccount => close_account(&self.ann, PASSWORD).await,
            Operation::CreateGroup => {
                let body = json!({ "participants": [self.ben.id, self.cleo.id] });
                self.ann.post("/api/conversations/", body).await
            }
            Operation::OpenDirect => self.ann.open_direct(&self.cleo).await,
            Operation::Rename => self.ann.patch(&conversation, json!({ "name": "memo, new" })).await,
            Operation::Send => self.ann.send_with_key(&self.group, &self.key, "memo, sent").await,
            Operation::Edit => self.ann.edit(&self.message, "memo, edited").await,
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
            Operation::Archive => {
                self.ann.request(Method::PUT, &format!("{conversation}archive/")).send().await
            }
            Operation::FileReport => self.file_report().await,
            Operation::CloseReport => self.admin().patch(&self.report, json!({ "state": "closed" })).await,
        }
    }

    fn admin(&self) -> &User {
        self.admin.as_ref().unwrap()
    }

    /// Reports Ben's message with the key of the stage.
    async fn file_report(&self) -> Answer {
        let body = json!({ "message": self.bens["message_id"], "reason": "spam", "client_id": self.key });
        self.ann.post("/api/reports/", body).await
    }

    /// Returns the reports of the stage's reporter.
    async fn reports(&self, state: &str) -> usize {
        let reports = self.admin().all(&format!("/api/reports/?state={state}")).await;
        reports.iter().filter(|report| report["reporter"]["user_id"] == self.ann.id.as_str()).count()
    }

    /// Makes a later change of the same data, so that a late write of the operation would be visible. Returns the whole
    /// table.
    pub async fn go_on(&self, app: &TestApp, operation: Operation, answer: &Answer) -> Vec<Item> {
        match operation {
            Operation::Send => drop(self.ann.edit(&answer.json(), "memo, later").await.ok()),
            Operation::Edit => drop(self.ann.edit(&self.message, "memo, later").await.ok()),
            Operation::Add => self.ann.remove(&self.group, &self.cleo).await.nothing(),
            Operation::Remove => drop(self.ann.add(&self.group, &[&self.ben]).await),
            Operation::Rename => {
                let path = format!("/api/conversations/{}/", self.group);
                self.ann.patch(&path, json!({ "name": "memo, later" })).await.ok();
            }
            Operation::MarkRead => {
                let later = self.ben.send(&self.group, "memo, later").await;
                self.ann.mark_read(&self.group, &later).await.ok();
            }
            Operation::Archive => {
                self.ann.delete(&format!("/api/conversations/{}/archive/", self.group)).await.nothing();
            }
            Operation::LogIn | Operation::Refresh => {
                let body = json!({ "refresh": answer.json()["refresh"] });
                app.post("/api/token/refresh/").json(&body).send().await.ok();
            }
            _ => {}
        }
        state(app).await
    }

    pub async fn refresh(&self, app: &TestApp) -> Answer {
        let body = json!({ "refresh": self.refresh });
        app.post("/api/token/refresh/").json(&body).send().await
    }

    /// Asserts through the API that the operation has taken effect.
    pub async fn verify(&self, app: &TestApp, operation: Operation) {
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
                assert_eq!(self.ann.get("/api/users/me/").await.ok()["last_name"], "Memo");
            }
            Operation::CloseAccount => {
                log_in(app, &self.ann.email, PASSWORD).await.problem(401, "invalid_credentials");
                self.refresh(app).await.problem(401, "token_not_valid");
            }
            Operation::CreateGroup | Operation::OpenDirect => {
                assert!(!self.cleo.all("/api/messages/").await.iter().any(Value::is_null));
            }
            Operation::Rename => assert_eq!(self.ben.conversation(&self.group).await["name"], "memo, new"),
            Operation::Send => {
                assert_eq!(self.ben.bodies(&self.group).await, ["memo, one", "memo, two", "memo, sent"]);
            }
            Operation::Edit => {
                let message = self.ben.get(&message_path(&self.message)).await.ok();
                assert_eq!(
                    (&message["message_body"], &message["revision"]),
                    (&json!("memo, edited"), &json!(1))
                );
            }
            Operation::DeleteMessage => assert_eq!(self.ben.bodies(&self.group).await, ["memo, two"]),
            Operation::MarkRead => assert_eq!(self.ann.unread(&self.group).await, 0),
            Operation::Add => {
                assert_eq!(self.cleo.bodies(&self.group).await, ["memo, one", "memo, two"]);
            }
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
                self.ben.try_send(&self.group, "memo, late").await.refuses("conversation");
            }
            Operation::HideDirect => {
                assert_eq!(self.ann.bodies(&self.direct).await, Vec::<String>::new());
                assert_eq!(self.ben.bodies(&self.direct).await, ["memo, direct"]);
            }
            Operation::Archive => {
                assert_eq!(self.ann.conversation(&self.group).await["state"], "archived");
            }
            Operation::FileReport => {
                assert_eq!((self.reports("open").await, self.reports("closed").await), (1, 0));
            }
            Operation::CloseReport => {
                assert_eq!((self.reports("open").await, self.reports("closed").await), (0, 1));
            }
        }
    }
}

pub const ALL: [Operation; 23] = [
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
    Operation::Archive,
    Operation::FileReport,
    Operation::CloseReport,
];

impl Operation {
    /// Returns true if the operation needs the session of a login.
    pub fn needs_session(self) -> bool {
        matches!(self, Self::Refresh | Self::LogOut | Self::ChangePassword | Self::CloseAccount)
    }

    /// The statuses and codes, besides success, that a retry may get if the first attempt took effect and its answer
    /// was lost.
    pub fn repeated(self) -> &'static [(u16, &'static str)] {
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
pub fn succeeded(answer: &Answer, what: &str) {
    assert!((200..300).contains(&answer.status), "{what}: {answer}");
}

/// Returns the whole table without `not_before`. A late reset of failed logins may change this attribute, but only to a
/// time in the past.
pub async fn state(app: &TestApp) -> Vec<Item> {
    let mut items = app.table.items().await;
    for item in &mut items {
        item.remove("not_before");
    }
    items
}
