//! The demo users and their conversations. They are made through the API with retries like a client's, so existing data
//! is not changed. The tests do not use them; they make their own users.

mod script;

use axum::http::{Method, StatusCode};
use local::gateway::Gateway;
use serde_json::{Value, json};
use shared::App;
use shared::ids::UserId;
use shared::model::user::Role;
use shared::store::{StandingChange, StandingError};
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;
use uuid::{Builder, Uuid};

use crate::client::Client;
use script::{Conversation, ConversationKind, LaterChange, ScriptLine};

/// The password of all three users. It is printed at each start.
pub(crate) const PASSWORD: &str = "keys under the doormat";

/// A demo user before the login.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) email: &'static str,
    pub(crate) role: Role,
    first_name: &'static str,
    last_name: &'static str,
}

/// Ann, Ben and the admin. The script refers to them by their indexes.
pub(crate) const USERS: [User; 3] = [
    User { email: "ann@example.com", role: Role::Guest, first_name: "Ann", last_name: "Lindqvist" },
    User { email: "ben@example.com", role: Role::Host, first_name: "Ben", last_name: "Okafor" },
    User { email: "admin@example.com", role: Role::Admin, first_name: "Maya", last_name: "Torres" },
];

/// The outcome of making the demo data.
#[derive(Debug)]
pub(crate) enum Demo {
    /// All demo data exists.
    Complete,
    /// The demo user with this email address has another password, so nothing was changed.
    ChangedPassword(&'static str),
}

/// The demo data could not be made. The API runs without it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error("cannot create the demo data: {what} returned {status}")]
    Answer { what: String, status: StatusCode },
    #[error("cannot create the demo data: {0}")]
    Store(#[from] StandingError),
}

/// A demo user who is logged in.
struct Actor<'a> {
    id: UserId,
    client: Client<'a>,
}

/// Makes the missing demo data. Its requests are not logged.
pub(crate) async fn ensure(gateway: &Gateway, app: &App) -> Result<Demo, DemoError> {
    make(gateway, app).with_subscriber(NoSubscriber::default()).await
}

async fn make(gateway: &Gateway, app: &App) -> Result<Demo, DemoError> {
    let mut cast = Vec::with_capacity(USERS.len());
    for user in &USERS {
        match enter(gateway, app, user).await? {
            Some(actor) => cast.push(actor),
            None => return Ok(Demo::ChangedPassword(user.email)),
        }
    }
    for (number, conversation) in script::CONVERSATIONS.iter().enumerate() {
        let id = open(conversation, &cast).await?;
        accept(conversation, &id, &cast).await?;
        play(number, conversation, &id, &cast).await?;
    }
    Ok(Demo::Complete)
}

/// Registers a user who does not exist yet, and logs in. Returns `None` if the password was changed.
async fn enter<'a>(gateway: &'a Gateway, app: &App, user: &User) -> Result<Option<Actor<'a>>, DemoError> {
    let anonymous = Client::anonymous(gateway);
    let account = json!({
        "email": user.email,
        "password": PASSWORD,
        "first_name": user.first_name,
        "last_name": user.last_name,
    });
    let (status, _) = anonymous.send(Method::POST, "/api/users/", &account).await;
    // A 400 means that the email address is already registered, as after the first start.
    expect(status, &[201, 400], "POST /api/users/")?;
    let login = json!({ "email": user.email, "password": PASSWORD });
    let (status, tokens) = anonymous.send(Method::POST, "/api/token/", &login).await;
    if status == StatusCode::UNAUTHORIZED {
        return Ok(None);
    }
    expect(status, &[200], "POST /api/token/")?;
    let client = anonymous.with_token(text(&tokens, "access"));
    let (status, me) = client.get("/api/users/me/").await;
    expect(status, &[200], "GET /api/users/me/")?;
    let Ok(id) = text(&me, "user_id").parse() else {
        return Err(DemoError::Answer { what: "GET /api/users/me/ (without a user_id)".into(), status });
    };
    if text(&me, "role") != user.role.as_str() {
        let change = StandingChange { role: Some(user.role), suspended: None };
        app.store.change_standing(id, change, app.clock.now()).await?;
    }
    Ok(Some(Actor { id, client }))
}

/// Returns the id of the conversation. A direct conversation is opened, which finds an existing one; a group is found
/// by its mark.
async fn open(conversation: &Conversation, actors: &[Actor<'_>]) -> Result<String, DemoError> {
    let opener = &actors[conversation.opener].client;
    let others: Vec<_> = conversation.others.iter().map(|other| &actors[*other].id).collect();
    let request = match conversation.kind {
        ConversationKind::Direct => json!({ "kind": "direct", "participants": others }),
        ConversationKind::Group { name, mark } => {
            if let Some(id) = find(opener, mark).await? {
                return Ok(id);
            }
            json!({ "kind": "group", "participants": others, "name": name, "metadata": { "demo": mark } })
        }
    };
    let (status, answer) = opener.send(Method::POST, "/api/conversations/", &request).await;
    expect(status, &[200, 201], "POST /api/conversations/")?;
    Ok(text(&answer, "conversation_id").to_owned())
}

/// Lets the invited users accept. Without an invitation this changes nothing. A user who has left gets a 404.
async fn accept(conversation: &Conversation, id: &str, actors: &[Actor<'_>]) -> Result<(), DemoError> {
    for other in conversation.others {
        let path = format!("/api/conversations/{id}/accept/");
        let (status, _) = actors[*other].client.send(Method::POST, &path, &json!({})).await;
        expect(status, &[200, 404], "POST /api/conversations/{id}/accept/")?;
    }
    Ok(())
}

async fn find(client: &Client<'_>, mark: &str) -> Result<Option<String>, DemoError> {
    let mut page = "/api/conversations/".to_owned();
    loop {
        let (status, list) = client.get(&page).await;
        expect(status, &[200], "GET /api/conversations/")?;
        let mut conversations = list["results"].as_array().into_iter().flatten();
        if let Some(found) = conversations.find(|found| found["metadata"]["demo"] == mark) {
            return Ok(Some(text(found, "conversation_id").to_owned()));
        }
        match list["next"].as_str() {
            Some(next) => next.clone_into(&mut page),
            None => return Ok(None),
        }
    }
}

/// Sends every line, each with its own idempotency key, so that a line of an earlier start is found and not sent again.
async fn play(
    number: usize,
    conversation: &Conversation,
    id: &str,
    actors: &[Actor<'_>],
) -> Result<(), DemoError> {
    let mut said: Vec<String> = Vec::with_capacity(conversation.lines.len());
    for line in conversation.lines {
        let mut message = json!({
            "conversation": id,
            "message_body": line.text,
            "client_id": client_id(number, said.len()),
        });
        if let Some(replied) = line.reply_to.and_then(|place| said.get(place)) {
            message["reply_to"] = replied.as_str().into();
        }
        let sender = &actors[line.sender].client;
        let (status, sent) = sender.send(Method::POST, "/api/messages/", &message).await;
        if status == StatusCode::CONFLICT {
            // The line was sent so long ago that the API does not look for it, or an earlier version sent another text
            // with this key.
            return Ok(());
        }
        expect(status, &[200, 201], "POST /api/messages/")?;
        if status == StatusCode::CREATED {
            apply_later_change(sender, line, text(&sent, "message_id")).await?;
        }
        said.push(text(&sent, "message_id").to_owned());
    }
    Ok(())
}

async fn apply_later_change(sender: &Client<'_>, line: &ScriptLine, id: &str) -> Result<(), DemoError> {
    let uri = format!("/api/messages/{id}/");
    let (method, body) = match line.later_change {
        LaterChange::Stays => return Ok(()),
        LaterChange::EditedTo(text) => (Method::PATCH, json!({ "message_body": text })),
        LaterChange::Deleted => (Method::DELETE, Value::Null),
    };
    let (status, _) = sender.send(method, &uri, &body).await;
    expect(status, &[200, 204], "PATCH or DELETE /api/messages/{id}/")
}

/// Returns the idempotency key of a line, which is the same at every start. Its time is before all messages, so that
/// the API looks for the line in the whole conversation.
fn client_id(conversation: usize, line: usize) -> Uuid {
    const NEW_YEAR_2026: u64 = 1_767_225_600_000;
    let mut place = [0; 10];
    place[8] = u8::try_from(conversation).unwrap_or(u8::MAX);
    place[9] = u8::try_from(line).unwrap_or(u8::MAX);
    Builder::from_unix_timestamp_millis(NEW_YEAR_2026, &place).into_uuid()
}

fn text<'a>(answer: &'a Value, field: &str) -> &'a str {
    answer[field].as_str().unwrap_or_default()
}

fn expect(status: StatusCode, expected: &[u16], what: &str) -> Result<(), DemoError> {
    if expected.contains(&status.as_u16()) {
        return Ok(());
    }
    Err(DemoError::Answer { what: what.to_owned(), status })
}
