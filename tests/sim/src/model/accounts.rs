//! Users, their profiles and their login sessions.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use tokio::time::Instant;

use super::{Conversation, Model};
use crate::{client::DEVICES, register::Register};

/// A user with the devices on which they are logged in.
#[derive(Debug, Clone)]
pub struct User {
    pub email: String,
    pub id: String,
    pub is_admin: bool,
    /// The passwords that may be right; the last one is the newest.
    pub passwords: Vec<String>,
    pub password: Register,
    /// The tokens of each device: access and refresh.
    pub devices: Vec<Option<(String, String)>>,
    /// The token by which logins know each device.
    pub device_tokens: Vec<Option<String>>,
    /// True if a second request to register the user has an unknown outcome.
    pub may_be_made_again: bool,
    /// The setting `contact`; `unset` until the user chooses.
    pub contact: Register,
    /// `active` or `suspended`.
    pub standing: Register,
    /// True once a request to close the account was sent.
    pub may_be_closed: bool,
    /// The time of the answer to the closing.
    pub closed: Option<Instant>,
    /// The fields of the profile by their names.
    pub profile: BTreeMap<&'static str, Register>,
}

impl User {
    pub fn new(id: String, email: String, password: String, first_name: &str) -> Self {
        let profile = BTreeMap::from([
            ("first_name", Register::new(first_name)),
            ("last_name", Register::new("Miller")),
            ("phone_number", Register::new("")),
            ("role", Register::new("guest")),
        ]);
        Self {
            email,
            id,
            is_admin: false,
            password: Register::new(&password),
            passwords: vec![password],
            devices: vec![None; DEVICES],
            device_tokens: vec![None; DEVICES],
            may_be_made_again: false,
            contact: Register::new("unset"),
            standing: Register::new("active"),
            may_be_closed: false,
            closed: None,
            profile,
        }
    }

    /// Returns a field of the profile by its name.
    pub fn field(&mut self, name: &str) -> Option<&mut Register> {
        if name == "contact" { Some(&mut self.contact) } else { self.profile.get_mut(name) }
    }

    /// Returns true if a request that began at `begun` may have found the user suspended.
    pub fn may_be_suspended(&self, begun: Instant) -> bool {
        self.standing.may_read("suspended", begun)
    }

    /// Returns true if a request that began at `begun` must have found the user suspended.
    pub fn is_suspended(&self, begun: Instant) -> bool {
        !self.standing.may_read("active", begun)
    }
}

/// The attempts to log in with one email address.
#[derive(Debug, Clone, Copy, Default)]
pub struct Attempts {
    /// The attempts of the owner that were not answered with success.
    pub of_owner: u64,
    /// The guesses of strangers.
    pub of_strangers: u64,
}

impl Attempts {
    /// Returns true if the owner may have to wait: only after ten failures of their own, or, on an unknown device, after 100 of
    /// others. An attempt whose count was written, but whose answer was lost, is counted twice.
    pub const fn may_delay(self, is_known: bool) -> bool {
        self.of_owner > 4 || (!is_known && self.of_strangers + self.of_owner > 90)
    }
}

/// A login session.
#[derive(Debug, Clone)]
pub struct Session {
    pub user: usize,
    /// The time of the answer to the login.
    pub begun: Instant,
    /// The time of an answer after which the session is over.
    pub ended: Option<Instant>,
    /// True once a request was sent that may end it.
    pub may_have_ended: bool,
    /// The refreshes without an answer so far, and those whose answers were lost.
    pub open_refreshes: usize,
    /// The refresh tokens that answers named, oldest first.
    pub refresh_tokens: Vec<String>,
}

/// Returns the claims of a token.
fn claims_of(token: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?).ok()
}

/// Returns the generation of a refresh token.
pub fn generation_of(token: &str) -> u64 {
    claims_of(token).and_then(|claims| claims["gen"].as_u64()).unwrap_or_default()
}

/// Returns the id of the session in a token.
pub fn session_of(token: &str) -> Option<String> {
    Some(claims_of(token)?["sid"].as_str()?.to_owned())
}

impl Model {
    /// Notes the tokens of a login or of a refresh that began at `begun`.
    pub fn see_tokens(&mut self, user: usize, tokens: &(String, String), begun: Instant) {
        let Some(id) = session_of(&tokens.0) else {
            return self.find(format!("the token {} names no session", tokens.0));
        };
        let account = &self.users[user];
        // A change of the password, or the end of the account, may have come between the login's check and its end.
        let is_moving = account.may_be_closed
            || account.may_be_suspended(begun)
            || account.password.may_change_after(begun);
        let may_have_ended = is_moving || self.touched.contains(&id);
        let session = self.sessions.entry(id.clone()).or_insert_with(|| Session {
            user,
            begun: Instant::now(),
            ended: None,
            may_have_ended,
            open_refreshes: 0,
            refresh_tokens: Vec::new(),
        });
        if !session.refresh_tokens.contains(&tokens.1) {
            session.refresh_tokens.push(tokens.1.clone());
        }
        if session.ended.is_some_and(|ended| ended < begun) {
            self.find(format!("session {id} of user {user} has ended, and gives new tokens"));
        }
    }

    /// Notes that a refresh begins. A token that was replaced more than 30 s ago, by the clock of any instance, ends the
    /// session. This can happen to a token that is used a second time.
    pub fn begin_refresh(&mut self, token: &str) -> Option<String> {
        let id = session_of(token)?;
        let session = self.sessions.get_mut(&id)?;
        let newest = session.refresh_tokens.iter().map(|token| generation_of(token)).max();
        let is_newest = newest == Some(generation_of(token));
        session.may_have_ended |= !is_newest || session.open_refreshes > 0;
        session.open_refreshes += 1;
        Some(id)
    }

    /// Notes an answer to a refresh.
    pub fn end_refresh(&mut self, id: &str) {
        if let Some(session) = self.sessions.get_mut(id) {
            session.open_refreshes -= 1;
        }
    }

    /// Checks a login that succeeded.
    pub fn check_log_in(&mut self, user: usize, password: &str, begun: Instant) {
        let account = &self.users[user];
        if account.may_be_made_again {
            return;
        }
        if account.closed.is_some_and(|closed| closed < begun) {
            self.find(format!("user {user} has closed the account, and logs in with {password:?}"));
        } else if !account.password.may_read(password, begun) {
            let writes = account.password.describe();
            self.find(format!("user {user} logs in with the password {password:?}, but {writes}"));
        } else if account.is_suspended(begun) {
            let writes = account.standing.describe();
            self.find(format!("user {user} is suspended, and logs in; {writes}"));
        }
    }

    /// Notes that a request was sent which may end a session.
    pub fn touch(&mut self, id: &str) {
        self.touched.insert(id.to_owned());
        if let Some(session) = self.sessions.get_mut(id) {
            session.may_have_ended = true;
        }
    }

    /// Notes that a request was sent which may end all sessions of a user.
    pub fn may_end_sessions(&mut self, user: usize) {
        for session in self.sessions.values_mut() {
            session.may_have_ended |= session.user == user;
        }
    }

    /// Notes that the sessions of a user that began before `time` are over.
    pub fn end_sessions(&mut self, user: usize, time: Instant) {
        for session in self.sessions.values_mut() {
            if session.user == user && session.begun < time {
                session.ended.get_or_insert_with(Instant::now);
            }
        }
    }

    /// Checks an answer to a request with a token, by a request that began at `begun`.
    pub fn check_token(&mut self, token: &str, begun: Instant, status: u16, what: &str) {
        let Some(session) = session_of(token).and_then(|id| self.sessions.get(&id)) else {
            return;
        };
        if session.ended.is_some_and(|ended| ended < begun) && (200..300).contains(&status) {
            self.find(format!("{what} was answered with {status}, but the session of the token has ended"));
        }
    }

    /// Checks a list of the live sessions of a user, by a read that began at `begun`.
    pub fn see_sessions(&mut self, user: usize, listed: &[&str], begun: Instant) {
        // A list during a change of the password may have read one of session and account before it, and the other after it.
        let account = &self.users[user];
        let is_moving = account.may_be_suspended(begun) || account.password.may_change_after(begun);
        let of_user = self.sessions.iter().filter(|(_, session)| session.user == user);
        let wrong = of_user.clone().find(|(id, session)| {
            let is_listed = listed.contains(&id.as_str());
            let is_over = session.ended.is_some_and(|ended| ended < begun);
            let is_live =
                session.begun < begun && !session.may_have_ended && session.ended.is_none() && !is_moving;
            (is_listed && is_over) || (!is_listed && is_live)
        });
        if let Some((id, session)) = wrong {
            let session = format!("{session:?}");
            self.find(format!("the sessions of user {user} are {listed:?}, but session {id} is {session}"));
        }
    }

    /// Checks whether a read that began at `begun` shows the contact details of a user to the participants of their
    /// conversations, and to nobody else.
    pub fn check_contact(&mut self, reader: usize, user: usize, is_shown: bool, begun: Instant) {
        if reader == user || self.users[reader].is_admin || self.users[user].may_be_closed {
            return;
        }
        let both = |test: &dyn Fn(&Conversation, usize) -> bool| {
            let shared = |(_, found): &(&String, &Conversation)| test(found, reader) && test(found, user);
            self.conversations.iter().find(shared).map(|(id, _)| id.clone())
        };
        let surely = both(&|found, user| {
            if self.asks { found.surely_accepted(user, begun) } else { found.surely_has(user, begun) }
        });
        let maybe =
            both(&|found, user| !found.surely_not_accepted(user, begun)).is_some() || self.open_creations > 0;
        let maybe = maybe && (!is_shown || self.may_know(reader, user));
        if (surely.is_some() && !is_shown) || (!maybe && is_shown) {
            self.find(format!(
                "user {reader} is shown the email address of user {user}: {is_shown}; both are in {surely:?}"
            ));
        }
    }

    /// Checks a profile that a strongly consistent read has shown.
    pub fn see_profile(&mut self, shown: &Value, begun: Instant) {
        let Some(number) = shown["user_id"].as_str().and_then(|id| self.user_of(id)) else {
            return;
        };
        let user = &self.users[number];
        // The contact details are not shown to everybody.
        let is_hidden = shown["email"].is_null();
        let wrong = user.profile.iter().find_map(|(name, written)| {
            let value = shown[*name].as_str().unwrap_or_default();
            let is_shown = *name != "phone_number" || !is_hidden;
            let is_wrong = is_shown && !user.may_be_closed && !written.may_read(value, begun);
            is_wrong.then(|| format!("the {name} of user {number} is {value:?}, but {}", written.describe()))
        });
        // Only the user sees the setting. Until the user chooses, it depends on the role.
        let contact = shown["contact"].as_str().filter(|_| !user.contact.may_read("unset", begun));
        let wrong_contact = contact
            .filter(|shown| !user.contact.may_read(shown, begun))
            .map(|shown| format!("the setting of user {number} is {shown}, but {}", user.contact.describe()));
        // Only admins and the user see the standing.
        let standing = shown["suspended"].as_bool().map(|it| if it { "suspended" } else { "active" });
        let wrong_standing = standing.filter(|shown| !user.standing.may_read(shown, begun)).map(|shown| {
            format!("the standing of user {number} is {shown}, but {}", user.standing.describe())
        });
        self.findings.extend([wrong, wrong_contact, wrong_standing].into_iter().flatten());
    }
}
