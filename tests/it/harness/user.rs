//! A user of the API, with one method for each action. The methods send requests through the API; they do not use the
//! store.
//!
//! ```rust
//! let message = ann.send(&conversation, "memo, hello").await;
//! ben.mark_read(&conversation, &message).await.ok();
//! assert_eq!(ben.unread(&conversation).await, 0);
//! ```

use axum::http::Method;
use serde_json::{Value, json};

use super::{
    answer::Answer,
    api::{Api, Request},
};

/// A user who is logged in. Cheap to clone.
#[derive(Clone)]
pub struct User {
    pub api: Api,
    pub name: String,
    pub id: String,
    pub email: String,
    pub token: String,
}

impl User {
    pub fn new(api: Api, name: &str, id: &str, email: &str, token: &str) -> Self {
        Self {
            api,
            name: name.to_owned(),
            id: id.to_owned(),
            email: email.to_owned(),
            token: token.to_owned(),
        }
    }

    /// Returns the same user, connected to another process.
    pub fn through(&self, api: &Api) -> Self {
        Self { api: api.clone(), ..self.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> Request {
        self.api.request(method, path).bearer(&self.token)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).send().await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.request(Method::POST, path).json(&body).send().await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.request(Method::PUT, path).json(&body).send().await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.request(Method::PATCH, path).json(&body).send().await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path).send().await
    }

    /// Returns all results of a list and follows the links to its pages.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut results = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(link) = next {
            let page = self.get(&link).await.ok();
            results.extend(page["results"].as_array().unwrap().iter().cloned());
            next = page["next"].as_str().map(str::to_owned);
        }
        results
    }

    /// Creates a group; without others, the user is its only participant. Returns the id.
    pub async fn group(&self, others: &[&User]) -> String {
        let own = others.is_empty().then_some(self);
        let ids: Vec<&str> = others.iter().copied().chain(own).map(|user| user.id.as_str()).collect();
        let body = json!({ "participants": ids, "name": "memo, a group" });
        let conversation = self.post("/api/conversations/", body).await.created();
        id_of(&conversation)
    }

    /// Requests the direct conversation with another user.
    pub async fn open_direct(&self, other: &User) -> Answer {
        let body = json!({ "participants": [other.id], "kind": "direct" });
        self.post("/api/conversations/", body).await
    }

    /// Opens the direct conversation with another user and returns its id.
    pub async fn direct(&self, other: &User) -> String {
        let answer = self.open_direct(other).await;
        assert!([200, 201].contains(&answer.status), "{answer}");
        id_of(&answer.json())
    }

    /// Sends a message and returns any answer.
    pub async fn try_send(&self, conversation: &str, body: &str) -> Answer {
        let body = json!({ "conversation": conversation, "message_body": body });
        self.post("/api/messages/", body).await
    }

    /// Sends a message, asserts the status 201 and returns the message.
    pub async fn send(&self, conversation: &str, body: &str) -> Value {
        self.try_send(conversation, body).await.created()
    }

    /// Sends a message with an idempotency key and returns any answer.
    pub async fn send_with_key(&self, conversation: &str, key: &str, body: &str) -> Answer {
        let body = json!({ "conversation": conversation, "message_body": body, "client_id": key });
        self.post("/api/messages/", body).await
    }

    pub async fn edit(&self, message: &Value, body: &str) -> Answer {
        self.patch(&message_path(message), json!({ "message_body": body })).await
    }

    pub async fn delete_message(&self, message: &Value) -> Answer {
        self.delete(&message_path(message)).await
    }

    /// Returns all messages of a conversation, oldest first.
    pub async fn messages(&self, conversation: &str) -> Vec<Value> {
        let mut messages = self.all(&format!("/api/messages/?conversation={conversation}&limit=100")).await;
        messages.reverse();
        messages
    }

    /// Returns the texts of all messages of a conversation, oldest first.
    pub async fn bodies(&self, conversation: &str) -> Vec<String> {
        let messages = self.messages(conversation).await;
        messages.iter().map(body_of).collect()
    }

    pub async fn conversation(&self, conversation: &str) -> Value {
        self.get(&format!("/api/conversations/{conversation}/")).await.ok()
    }

    pub async fn unread(&self, conversation: &str) -> u64 {
        self.conversation(conversation).await["unread"].as_u64().unwrap()
    }

    pub async fn mark_read(&self, conversation: &str, message: &Value) -> Answer {
        let body = json!({ "message": message["message_id"] });
        self.put(&format!("/api/conversations/{conversation}/read/"), body).await
    }

    pub async fn mark_unread(&self, conversation: &str, message: &Value) -> Answer {
        let body = json!({ "message": message["message_id"], "unread": true });
        self.put(&format!("/api/conversations/{conversation}/read/"), body).await
    }

    pub async fn add(&self, conversation: &str, others: &[&User]) -> Answer {
        let ids: Vec<&str> = others.iter().map(|user| user.id.as_str()).collect();
        let path = format!("/api/conversations/{conversation}/participants/");
        self.post(&path, json!({ "participants": ids })).await
    }

    pub async fn remove(&self, conversation: &str, other: &User) -> Answer {
        self.delete(&format!("/api/conversations/{conversation}/participants/{}/", other.id)).await
    }

    pub async fn leave(&self, conversation: &str) -> Answer {
        self.remove(conversation, self).await
    }

    pub async fn delete_conversation(&self, conversation: &str) -> Answer {
        self.delete(&format!("/api/conversations/{conversation}/")).await
    }

    /// Returns all changes of a conversation after a number.
    pub async fn changes(&self, conversation: &str, after: u64) -> Vec<Value> {
        self.all(&format!("/api/conversations/{conversation}/changes/?after={after}")).await
    }
}

/// Returns the id of a conversation.
pub fn id_of(conversation: &Value) -> String {
    conversation["conversation_id"].as_str().unwrap().to_owned()
}

/// Returns the text of a message.
pub fn body_of(message: &Value) -> String {
    message["message_body"].as_str().unwrap().to_owned()
}

/// Returns the path of a message.
pub fn message_path(message: &Value) -> String {
    format!("/api/messages/{}/", message["message_id"].as_str().unwrap())
}

/// Returns the number of a message, which is a part of its id.
pub fn number_of(message: &Value) -> u64 {
    let id: shared::ids::MessageId = message["message_id"].as_str().unwrap().parse().unwrap();
    id.number
}
