//! Operations on reports: users file them, and the admin reads and closes them.

use axum::http::Method;
use rand::RngExt as _;
use serde_json::{Value, json};
use shared::ids::MessageId;
use tokio::time::Instant;

use crate::{client::Client, model::Report, walks, world::Answer};

/// Chooses a message, a user or a conversation. Returns the field of a report and the id.
fn target(client: &mut Client, user: usize) -> Option<(&'static str, String)> {
    let conversation = client.conversation(user);
    match (client.rng.random_range(0..5), conversation) {
        (0, _) | (_, None) => {
            let other = client.user();
            Some(("user", client.model().users[other].id.clone()))
        }
        (1, Some(conversation)) => Some(("conversation", conversation)),
        (_, Some(conversation)) => Some(("message", client.message_of(&conversation)?)),
    }
}

/// Reports something, again while the answer is lost. The admin reads the report after that.
pub async fn report(client: &mut Client) {
    let user = client.user();
    let Some((field, id)) = target(client, user) else {
        return;
    };
    let (key, comment) = (client.uuid(), format!("comment {}", client.number));
    let body = json!({ field: id, "reason": "spam", "comment": comment, "client_id": key });
    let first = Instant::now();
    for _ in 0..3 {
        let begun = Instant::now();
        let answer = client.call(user, Method::POST, "/api/reports/", Some(&body)).await;
        client.count(answer.status);
        if answer.is_success() {
            let filed = (first, Instant::now());
            let target = (field, id.clone());
            let (may_be_closed, closed, body) = (false, None, None);
            let report = Report { reporter: user, target, comment, filed, body, may_be_closed, closed };
            note(client, &answer, report);
            check_access(client, user, (field, &id), (first, answer.status));
            return read_as_admin(client, &answer).await;
        }
        if !answer.is_unknown() {
            return check_access(client, user, (field, &id), (begun, answer.status));
        }
    }
}

fn note(client: &Client, answer: &Answer, report: Report) {
    let mut model = client.model();
    let Some(id) = answer.body["report_id"].as_str() else {
        return model.find(format!("a report was filed, but the answer is {}", answer.body));
    };
    if model.reports.insert(id.to_owned(), report).is_some() {
        model.find(format!("two reports have the id {id}"));
    }
}

/// A user can report what the user can read. A refusal of a conversation is a 400, which tells nothing else.
fn check_access(client: &Client, user: usize, (field, id): (&str, &str), (begun, status): (Instant, u16)) {
    let conversation = match field {
        "conversation" => id.to_owned(),
        "message" => id.parse::<MessageId>().map(|id| id.conversation.to_string()).unwrap_or_default(),
        _ => return,
    };
    // A message may be deleted.
    let is_told = field == "conversation" && status == 400;
    let status = if is_told { 404 } else { status };
    if is_told || (200..300).contains(&status) {
        client.model().check_access(&conversation, user, begun, status);
    }
}

async fn read_as_admin(client: &mut Client, filed: &Answer) {
    let admin = client.model().users.iter().position(|user| user.is_admin);
    let (Some(admin), Some(id)) = (admin, filed.body["report_id"].as_str()) else {
        return;
    };
    if client.rng.random_bool(0.5) {
        read(client, admin, id).await;
    }
}

/// Reads one report as the admin.
async fn read(client: &mut Client, admin: usize, id: &str) {
    let begun = Instant::now();
    let answer = client.read(admin, &format!("/api/reports/{id}/")).await;
    client.count(answer.status);
    if answer.is_success() {
        client.model().see_report(&answer.body, begun);
    } else if answer.status == 404 {
        client.model().find(format!("report {id} was filed, but is not found"));
    }
}

/// Lists the reports. The admin sees each open one, or each closed one, and handles an open one now and then. Nobody else sees
/// any.
pub async fn handle(client: &mut Client) {
    let user = client.user();
    let admin = client.model().users.iter().position(|user| user.is_admin);
    let reader = admin.filter(|_| client.rng.random_bool(0.8)).unwrap_or(user);
    if client.rng.random_bool(0.3) {
        list(client, reader, "closed").await;
        return;
    }
    let ids = list(client, reader, "open").await;
    let one = client.choose(&ids).filter(|_| client.number.is_multiple_of(2));
    if let Some(id) = one {
        change(client, reader, &id).await;
        list(client, reader, "closed").await;
    }
}

/// Lists all reports of a state. Returns their ids if the reader is the admin.
async fn list(client: &mut Client, reader: usize, state: &str) -> Vec<String> {
    let (begun, limit) = (Instant::now(), client.rng.random_range(1..6));
    let path = format!("/api/reports/?state={state}&limit={limit}");
    let (status, entries) = walks::all(client, reader, &path).await;
    client.count(status);
    let Some(entries) = entries else {
        return Vec::new();
    };
    let ids: Vec<&str> = entries.iter().filter_map(|report| report["report_id"].as_str()).collect();
    let mut model = client.model();
    if !model.users[reader].is_admin {
        model.find(format!("user {reader} is no admin, but lists the reports {ids:?}"));
        return Vec::new();
    }
    if state == "open" {
        model.see_open_reports(&ids, begun);
    } else {
        model.see_closed_reports(&ids, begun);
    }
    for report in &entries {
        model.see_report(report, begun);
    }
    ids.into_iter().map(str::to_owned).collect()
}

/// Closes a report, or assigns it to the admin.
async fn change(client: &mut Client, admin: usize, id: &str) {
    let closes = client.rng.random_bool(0.5);
    let body: Value =
        if closes { json!({ "state": "closed", "note": "done" }) } else { json!({ "handled_by": "me" }) };
    if let Some(report) = client.model().reports.get_mut(id).filter(|_| closes) {
        report.may_be_closed = true;
    }
    let answer = client.call(admin, Method::PATCH, &format!("/api/reports/{id}/"), Some(&body)).await;
    client.count(answer.status);
    if answer.is_success() {
        if let Some(report) = client.model().reports.get_mut(id).filter(|_| closes) {
            report.closed.get_or_insert_with(Instant::now);
        }
        read(client, admin, id).await;
    }
}
