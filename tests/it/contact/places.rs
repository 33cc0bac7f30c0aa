//! The places where the API can show a user, and the requests for them.

use super::Stage;
use crate::harness::{Browser, User, user::message_path};

/// The lists of the viewer's own conversations and messages.
pub const LISTS: [&str; 4] = [
    "/api/conversations/?limit=100",
    "/api/conversations/?limit=3&messages=0",
    "/api/messages/?limit=100",
    "/api/messages/?limit=3&tombstones=1",
];

/// A path whose answer can show the subject.
pub enum Place {
    /// The subject alone, whoever asks.
    User(String),
    /// The subject as the sender of a message, for those who may read it.
    Sender(String),
    /// The subject as a participant, for those who may read the conversation.
    Participant(String),
    /// The subject as the reporter, for admins.
    Report(String),
    /// Only ids of users.
    Nobody(String),
}

impl Place {
    pub fn path(&self) -> &str {
        match self {
            Self::User(path)
            | Self::Sender(path)
            | Self::Participant(path)
            | Self::Report(path)
            | Self::Nobody(path) => path,
        }
    }
}

pub fn at_user(subject: &User) -> Vec<Place> {
    vec![
        Place::User(format!("/api/users/{}/", subject.id)),
        Place::User(format!("/api/users/?email={}", subject.email.to_uppercase())),
    ]
}

pub fn at_conversation(stage: &Stage) -> Vec<Place> {
    let (id, subject) = (&stage.conversation, &stage.subject.id);
    let message = message_path(&stage.message);
    vec![
        Place::Sender(format!("/api/conversations/{id}/")),
        Place::Participant(format!("/api/conversations/{id}/participants/")),
        Place::Participant(format!("/api/conversations/{id}/participants/{subject}/")),
        Place::Nobody(format!("/api/conversations/{id}/changes/")),
        Place::Sender(format!("/api/conversations/{id}/pins/")),
        Place::Sender(format!("/api/messages/?conversation={id}")),
        Place::Sender(message.clone()),
        Place::Nobody(format!("{message}revisions/")),
        Place::Report(stage.report.clone()),
        Place::Report("/api/reports/?limit=100".to_owned()),
        Place::Nobody("/api/users/me/sessions/".to_owned()),
        Place::Nobody(format!("/api/users/{subject}/sessions/")),
    ]
}

/// Returns the answers as JSON and as a page, with status and headers.
pub async fn asked(viewer: &User, browser: Option<&Browser>, path: &str) -> Vec<(&'static str, String)> {
    let json = viewer.get(path).await.fingerprint();
    let page = match browser {
        Some(browser) => browser.get(path).await.fingerprint(),
        None => viewer
            .request(axum::http::Method::GET, path)
            .header("accept", "text/html")
            .send()
            .await
            .fingerprint(),
    };
    vec![("JSON", json), ("a page", page)]
}

/// Returns the texts of all pages of a list.
pub async fn all_pages(viewer: &User, path: &str) -> String {
    let (mut pages, mut next) = (String::new(), Some(path.to_owned()));
    while let Some(link) = next {
        let answer = viewer.get(&link).await.expect(200);
        pages.push_str(&answer.fingerprint());
        next = answer.json()["next"].as_str().map(str::to_owned);
    }
    pages
}
