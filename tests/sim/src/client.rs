//! A client of the simulated API: it sends requests with the tokens of a user's device and logs in again when they are
//! refused.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::Method;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    model::Model,
    world::{Answer, World, request},
};

/// The devices of each user.
pub const DEVICES: usize = 2;

/// The client side of one operation.
pub struct Client {
    pub world: Arc<World>,
    pub model: Arc<Mutex<Model>>,
    pub rng: StdRng,
    /// The number of the operation.
    pub number: u64,
    pub kind: &'static str,
}

impl Client {
    /// Returns a second client of the same operation, for a request at the same time.
    pub fn twin(&mut self) -> Self {
        let rng = StdRng::seed_from_u64(self.rng.random());
        Self {
            world: self.world.clone(),
            model: self.model.clone(),
            rng,
            number: self.number,
            kind: self.kind,
        }
    }

    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request without a token.
    pub async fn anonymous(&mut self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.send(method, path, None, body).await
    }

    /// Sends a request of a user. If the device has no token, or the token is refused, it logs in first, once.
    pub async fn call(&mut self, user: usize, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let device = self.rng.random_range(0..DEVICES);
        let kept = self.model().users[user].devices[device].clone();
        if let Some((access, _)) = kept {
            let answer = self.send(method.clone(), path, Some(&access), body).await;
            if answer.status != 401 {
                return answer;
            }
        }
        match self.log_in(user, device).await {
            Some(access) => self.send(method, path, Some(&access), body).await,
            None => Answer { status: 401, body: Value::Null },
        }
    }

    /// Logs in on a device with the passwords that may be right. Returns the access token.
    pub async fn log_in(&mut self, user: usize, device: usize) -> Option<String> {
        let (email, passwords) = {
            let user = &self.model().users[user];
            (user.email.clone(), user.passwords.clone())
        };
        for password in passwords.iter().rev() {
            let body = json!({ "email": email, "password": password });
            let answer = self.anonymous(Method::POST, "/api/token/", Some(&body)).await;
            if answer.status == 200 {
                let token = |name: &str| answer.body[name].as_str().unwrap_or_default().to_owned();
                let pair = (token("access"), token("refresh"));
                self.model().users[user].devices[device] = Some(pair.clone());
                return Some(pair.0);
            }
            if answer.status != 401 {
                return None;
            }
        }
        let mut model = self.model();
        // A change of the password may take effect late; only a password that nobody has tried to change is certain.
        if model.users[user].passwords.len() == 1 && !model.users[user].may_be_closed {
            let (number, email) = (self.number, model.users[user].email.clone());
            model.find(format!(
                "user {user} ({email}) cannot log in with the right password in operation {number}"
            ));
        }
        None
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Answer {
        let begun = Instant::now();
        // Pages of lists link to URLs.
        let path = path.find("/api/").map_or(path, |start| &path[start..]);
        let uri = format!("https://api.test{path}");
        let answer = self.world.request(&mut self.rng, request(method.clone(), &uri, token, body)).await;
        let (number, status, kind) = (self.number, answer.status, self.kind);
        self.world.trace.line(|| {
            format!("{number} {kind} {method} {path} -> {status} after {} ms", begun.elapsed().as_millis())
        });
        if status >= 500 && status != 503 {
            self.model().find(format!("{method} {path} was answered with {status}: {}", answer.body));
        }
        answer
    }

    /// Counts the outcome of the operation.
    pub fn count(&self, status: u16) {
        *self.model().outcomes.entry((self.kind, status)).or_default() += 1;
    }

    /// Chooses one of several values.
    pub fn choose<T: Clone>(&mut self, values: &[T]) -> Option<T> {
        (!values.is_empty()).then(|| values[self.rng.random_range(0..values.len())].clone())
    }

    /// Chooses a user; now and then one whose account may be closed.
    pub fn user(&mut self) -> usize {
        let closed_too = self.rng.random_bool(0.03);
        let users: Vec<usize> = {
            let model = self.model();
            let users = model.users.iter().enumerate();
            users.filter(|(_, user)| closed_too || !user.may_be_closed).map(|(number, _)| number).collect()
        };
        self.choose(&users).unwrap_or_default()
    }

    pub fn uuid(&mut self) -> String {
        // A UUID of version 7 at the time of the simulation, as clients make their keys.
        let millis = 1_767_225_600_000 + u64::try_from(self.world.elapsed().as_millis()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.rng.random()).into_uuid().to_string()
    }

    /// Chooses a conversation in which the user may be a participant; now and then one of others.
    pub fn conversation(&mut self, user: usize) -> Option<String> {
        let of_others = self.rng.random_bool(0.05);
        let ids: Vec<String> = self
            .model()
            .conversations
            .iter()
            .filter(|(_, conversation)| of_others || conversation.members.contains_key(&user))
            .map(|(id, _)| id.clone())
            .collect();
        // Half of the time a busy one, so that many write in it at the same time.
        if self.rng.random_bool(0.5) { ids.first().cloned() } else { self.choose(&ids) }
    }

    /// Chooses a message of a conversation by its id.
    pub fn message_of(&mut self, conversation: &str) -> Option<String> {
        let ids: Vec<String> = self.model().conversations[conversation]
            .messages
            .values()
            .map(|message| message.id.clone())
            .collect();
        self.choose(&ids)
    }
}
