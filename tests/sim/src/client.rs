//! A client of the simulated API: it sends requests with the tokens of a user's device and logs in again when they are
//! refused.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::Method;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    engine::{self, REQUEST},
    model::{Model, session_of},
    world::{Answer, World, request},
};

/// The devices of each user.
pub const DEVICES: usize = 2;

/// The number of operations that favour the same things.
const SPAN: u64 = 40;

/// The most requests of one read, as long as the answer is lost or a 503.
const TRIES: usize = 6;

/// The client side of one operation.
pub struct Client {
    pub world: Arc<World>,
    pub model: Arc<Mutex<Model>>,
    pub rng: StdRng,
    /// The number of the operation.
    pub number: u64,
    pub kind: &'static str,
    /// The number of its requests so far.
    pub requests: u64,
    /// The address in IPv4 from which it sends the next request.
    pub network: u32,
}

/// Returns the address of a user: each has a network of their own.
fn network_of(user: usize) -> u32 {
    Ipv4Addr::new(10, 0, u8::try_from(user).unwrap_or(u8::MAX), 1).to_bits()
}

/// The numbers of a twin's requests begin this much higher.
const TWIN: u64 = 1 << 20;

/// A function answers 503 only if faults have taken as many attempts of the SDK as this. The SDK makes four attempts of a call
/// within 5 s, and a write that loses races tries for 5 s.
const GIVES_UP_AFTER: f64 = 2.0;

/// The time of a 404 or 400 is a multiple of this, in milliseconds, so that it does not show what exists. Time that a request only
/// computes is none here.
const EVEN: u128 = 25;

/// Waits until the next request begins later than the last answer, so that the model expects its effect.
pub async fn later() {
    sleep(Duration::from_millis(1)).await;
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
            requests: self.requests + TWIN,
            network: self.network,
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
            self.check_limited(user, path, answer.status);
            if answer.status != 401 {
                return answer;
            }
        }
        let Some(access) = self.log_in(user, device).await else {
            return Answer { status: 401, body: Value::Null };
        };
        let answer = self.send(method, path, Some(&access), body).await;
        self.check_limited(user, path, answer.status);
        if answer.status == 401 {
            self.check_new_token(user, &access, path);
        }
        answer
    }

    /// An admin has no limit.
    fn check_limited(&self, user: usize, path: &str, status: u16) {
        let mut model = self.model();
        if status == 429 && model.users[user].is_admin && path.starts_with("/api/conversations/") {
            model.find(format!("the admin {user} has reached a limit at {path}"));
        }
    }

    /// A token that was just given is refused only if another request may have ended its session.
    fn check_new_token(&self, user: usize, access: &str, path: &str) {
        let mut model = self.model();
        let session = session_of(access).and_then(|id| model.sessions.get(&id));
        let may_have_ended = session.is_none_or(|session| session.may_have_ended);
        if !may_have_ended && !model.users[user].may_be_closed {
            model.find(format!(
                "user {user} has just logged in, but {path} refuses the token: {:?}",
                session_of(access)
            ));
        }
    }

    /// Sends a GET request of a user, again while the answer is lost or a 503, at most `TRIES` times.
    pub async fn read(&mut self, user: usize, path: &str) -> Answer {
        let mut answer = self.call(user, Method::GET, path, None).await;
        for _ in 1..TRIES {
            if !answer.is_unknown() {
                break;
            }
            answer = self.call(user, Method::GET, path, None).await;
        }
        answer
    }

    /// Logs in on a device with the passwords that may be right. Returns the access token.
    pub async fn log_in(&mut self, user: usize, device: usize) -> Option<String> {
        let (email, passwords) = {
            let user = &self.model().users[user];
            (user.email.clone(), user.passwords.clone())
        };
        let begun = Instant::now();
        for password in passwords.iter().rev() {
            let (status, tokens) = self.log_in_with(user, device, &email, password).await;
            if let Some(tokens) = tokens {
                self.model().users[user].devices[device] = Some(tokens.clone());
                return Some(tokens.0);
            }
            if status != 401 {
                return None;
            }
        }
        let mut model = self.model();
        // A change of the password may take effect late; only a password that nobody has tried to change is certain.
        let account = &model.users[user];
        let is_certain = !account.may_be_closed
            && !account.may_be_suspended(begun)
            && !account.password.may_change_after(begun);
        if passwords.len() == 1 && is_certain {
            let number = self.number;
            model.find(format!(
                "user {user} ({email}) cannot log in with the right password in operation {number}"
            ));
        }
        None
    }

    /// Logs in with one password, mostly on a device that has logged in before. Returns the status and the tokens.
    pub async fn log_in_with(
        &mut self,
        user: usize,
        device: usize,
        email: &str,
        password: &str,
    ) -> (u16, Option<(String, String)>) {
        let begun = Instant::now();
        let mut body = json!({ "email": email, "password": password });
        let known = self.model().users[user].device_tokens[device].clone();
        let known = known.filter(|_| self.rng.random_bool(0.7));
        if let Some(known) = &known {
            body["device_token"] = json!(known);
        }
        self.network = network_of(user);
        self.model().attempts.entry(email.to_owned()).or_default().of_owner += 1;
        let answer = self.anonymous(Method::POST, "/api/token/", Some(&body)).await;
        let token = |name: &str| answer.body[name].as_str().map(str::to_owned);
        let tokens = token("access").zip(token("refresh")).filter(|_| answer.status == 200);
        let attempts = self.model().attempts[email];
        if answer.status == 429 && !attempts.may_delay(known.is_some()) {
            self.model().find(format!("user {user} has to wait before a login, after {attempts:?}"));
        }
        if answer.status == 403 && !self.model().users[user].may_be_suspended(begun) {
            self.model().find(format!("user {user} may not log in: {}", answer.body));
        }
        if let Some(tokens) = &tokens {
            let mut model = self.model();
            model.attempts.entry(email.to_owned()).and_modify(|attempts| attempts.of_owner -= 1);
            model.users[user].device_tokens[device] = answer.body["device_token"].as_str().map(str::to_owned);
            model.see_tokens(user, tokens, begun);
            model.check_log_in(user, password, begun);
        }
        (answer.status, tokens)
    }

    /// Sends a request with this token, or without one, and logs in nowhere.
    pub async fn send(
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
        self.requests += 1;
        let calls = engine::Request::new((self.number, self.requests));
        let sent = self.world.request(
            &mut self.rng,
            Ipv4Addr::from_bits(self.network),
            request(method.clone(), &uri, token, body),
        );
        let answer = REQUEST.scope(calls.clone(), sent).await;
        let (number, status, kind) = (self.number, answer.status, self.kind);
        self.world.trace.line(|| {
            format!("{number} {kind} {method} {path} -> {status} after {} ms", begun.elapsed().as_millis())
        });
        let elapsed = begun.elapsed();
        if matches!(status, 400 | 404) && !elapsed.as_millis().is_multiple_of(EVEN) {
            self.model().find(format!("{method} {path} was answered with {status} after {elapsed:?}"));
        }
        if status >= 500 && status != 503 {
            self.model().find(format!("{method} {path} was answered with {status}: {}", answer.body));
        }
        if let Some(token) = token {
            self.model().check_token(token, begun, status, path);
        }
        let lost = calls.lost_attempts();
        // An instance that could not read the keys for another request does not try again for some seconds.
        let is_of_key =
            answer.body["detail"].as_str().is_some_and(|detail| detail.contains("key of this token"));
        if status == 503 && lost < GIVES_UP_AFTER && !is_of_key {
            self.model().find(format!(
                "{method} {path} was answered with 503 after faults that took {lost:.1} attempts: {}",
                answer.body
            ));
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

    /// Chooses a user; now and then one whose account may be closed, and often the one that many operations choose at this time.
    pub fn user(&mut self) -> usize {
        let closed_too = self.rng.random_bool(0.03);
        let users: Vec<usize> = {
            let model = self.model();
            let users = model.users.iter().enumerate();
            users.filter(|(_, user)| closed_too || !user.may_be_closed).map(|(number, _)| number).collect()
        };
        self.favour(&users).unwrap_or_default()
    }

    /// Chooses one of several values: two times in five the one that other operations of this time choose, too, so that many
    /// work on the same thing.
    pub fn favour<T: Clone>(&mut self, values: &[T]) -> Option<T> {
        let time = usize::try_from(self.number / SPAN).unwrap_or_default();
        let favourite = time.checked_rem(values.len()).map(|index| values[index].clone());
        if self.rng.random_bool(0.4) { favourite } else { self.choose(values) }
    }

    pub fn uuid(&mut self) -> String {
        // A UUID of version 7 at the time of the simulation, as clients make their keys.
        let millis = 1_767_225_600_000 + u64::try_from(self.world.elapsed().as_millis()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.rng.random()).into_uuid().to_string()
    }

    /// Chooses a conversation in which the user may be a participant; now and then one of others.
    pub fn conversation(&mut self, user: usize) -> Option<String> {
        let is_admin = self.model().users[user].is_admin;
        let of_others = self.rng.random_bool(if is_admin { 0.5 } else { 0.05 });
        let ids: Vec<String> = self
            .model()
            .conversations
            .iter()
            .filter(|(_, conversation)| of_others || conversation.members.contains_key(&user))
            .map(|(id, _)| id.clone())
            .collect();
        self.favour(&ids)
    }

    /// Chooses a message of a conversation by its id.
    pub fn message_of(&mut self, conversation: &str) -> Option<String> {
        let ids: Vec<String> = self.model().conversations[conversation]
            .messages
            .values()
            .map(|message| message.id.clone())
            .collect();
        self.favour(&ids)
    }

    /// Chooses a user who is known to be, or to have been, in the conversation.
    pub fn member_of(&mut self, conversation: &str) -> Option<usize> {
        let users: Vec<usize> =
            self.model().conversations.get(conversation)?.members.keys().copied().collect();
        self.favour(&users)
    }
}
