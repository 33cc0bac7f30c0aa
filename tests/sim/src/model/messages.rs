//! Messages and the sends that made them.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;
use shared::ids::MessageId;
use tokio::time::Instant;

use super::Model;
use crate::{
    register::Register,
    world::{INSTANCES, LIMITS},
};

/// One idempotency key with the message that it stands for.
#[derive(Debug, Clone)]
pub struct Sent {
    pub sender: usize,
    pub conversation: String,
    pub body: String,
    /// The last message that the client had seen, if it tells it.
    pub after: Option<String>,
    pub begun: Instant,
    /// The message and the time of the first answer that named it.
    pub message: Option<(String, Instant)>,
    /// True if an attempt may have had an effect that no answer told.
    pub is_unknown: bool,
    /// True if an attempt was refused.
    pub is_refused: bool,
    /// The number of attempts without an answer so far.
    pub open: usize,
}

/// The numbers of messages that a read has shown.
#[derive(Debug, Clone)]
pub struct Seen {
    pub numbers: BTreeSet<u64>,
    /// The read shows every message from this number on.
    pub lowest: u64,
}

/// A message as answers have shown it.
#[derive(Debug, Clone)]
pub struct Message {
    pub id: String,
    pub sender: String,
    pub body: Register,
    /// True once a request to delete it was sent.
    pub may_be_deleted: bool,
    /// The time of the answer to a deletion.
    pub deleted: Option<Instant>,
}

impl Message {
    fn new(id: String, sender: String, body: &str) -> Self {
        Self { id, sender, body: Register::new(body), may_be_deleted: false, deleted: None }
    }
}

impl Model {
    /// Returns a known message.
    pub fn message(&mut self, conversation: &str, number: u64) -> Option<&mut Message> {
        self.conversations.get_mut(conversation)?.messages.get_mut(&number)
    }

    /// Returns a known message by its id.
    pub fn message_by_id(&self, id: &str) -> Option<&Message> {
        let id = id.parse::<MessageId>().ok()?;
        self.conversations.get(&id.conversation.to_string())?.messages.get(&id.number)
    }

    /// Returns the id of the newest message of a conversation that is known.
    pub fn newest_of(&self, conversation: &str) -> Option<String> {
        let (_, newest) = self.conversations.get(conversation)?.messages.last_key_value()?;
        Some(newest.id.clone())
    }

    /// Notes the answer to a send with this key.
    pub fn see_sent(&mut self, key: &str, status: u16, answer: &Value) {
        let Some(sent) = self.sent.get_mut(key) else {
            return;
        };
        sent.open -= 1;
        match status {
            200 | 201 => {
                let id = answer["message_id"].as_str().unwrap_or_default().to_owned();
                match &sent.message {
                    Some((known, _)) if *known != id => {
                        let known = known.clone();
                        self.find(format!("key {key} is message {known} and message {id}"));
                    }
                    Some(_) => {}
                    None => {
                        sent.message = Some((id.clone(), Instant::now()));
                        self.place(key, &id);
                    }
                }
            }
            // 409 says that the outcome of an earlier attempt is unknown.
            0 | 409 | 500.. => sent.is_unknown = true,
            _ => sent.is_refused = true,
        }
    }

    /// Puts an acknowledged message at its number: it is above every message that was acknowledged before its send began.
    fn place(&mut self, key: &str, id: &str) {
        let sent = self.sent[key].clone();
        let Ok(number) = id.parse::<MessageId>().map(|id| id.number) else {
            return self.find(format!("{id} is not a message id"));
        };
        let sender = self.users[sent.sender].id.clone();
        let below =
            self.sent.values().filter(|other| other.conversation == sent.conversation).find_map(|other| {
                let (other, acknowledged) = other.message.as_ref()?;
                let other = other.parse::<MessageId>().ok()?.number;
                (*acknowledged < sent.begun && other >= number && !sent.is_unknown).then_some(other)
            });
        if let Some(other) = below {
            self.find(format!(
                "{id} has number {number}, but was sent after number {other} was acknowledged"
            ));
        }
        self.check_unanswered(&sent.conversation, sent.sender, number);
        self.check_limit(&sent);
        let conversation = self.conversations.entry(sent.conversation.clone()).or_default();
        let new = || Message::new(id.to_owned(), sender.clone(), &sent.body);
        let message = conversation.messages.entry(number).or_insert_with(new);
        if message.id != id || message.sender != sender {
            let other = message.id.clone();
            self.find(format!("number {number} of {} is {other} and {id}", sent.conversation));
        }
    }

    /// Checks the number of messages that a user has sent to a conversation within the window that ends now. The limit holds by
    /// the clock of each instance, and the clocks differ.
    fn check_limit(&mut self, last: &Sent) {
        let window = Duration::from_secs(u64::from(LIMITS.send_window));
        let Some(since) = Instant::now().checked_sub(window).filter(|_| self.has_limits) else {
            return;
        };
        let is_counted = |sent: &&Sent| {
            let is_same = sent.sender == last.sender && sent.conversation == last.conversation;
            is_same && sent.begun >= since && sent.message.is_some()
        };
        let count = self.sent.values().filter(is_counted).count() as u64;
        if count > u64::from(LIMITS.send_limit) * INSTANCES {
            let Sent { sender, conversation, .. } = last;
            self.find(format!("user {sender} has sent {count} messages to {conversation} within {window:?}"));
        }
    }

    /// Checks a message that a read has shown. `begun` is the beginning of the read.
    pub fn see_message(
        &mut self,
        reader: usize,
        conversation: &str,
        shown: &Value,
        begun: Instant,
    ) -> Option<u64> {
        let id = shown["message_id"].as_str()?.to_owned();
        let number = id.parse::<MessageId>().ok()?.number;
        self.check_sender(reader, conversation, &shown["sender"], begun);
        let sender = shown["sender"]["user_id"].as_str().unwrap_or_default().to_owned();
        let body = shown["message_body"].as_str().unwrap_or_default().to_owned();
        let is_masked = self.check_mask(reader, shown, begun);
        let found = self.conversations.get(conversation).and_then(|found| found.messages.get(&number));
        match found {
            Some(message) if message.id != id || (!sender.is_empty() && message.sender != sender) => {
                self.find(format!("number {number} of {conversation} was {message:?}, and is {shown}"));
            }
            Some(message) if message.deleted.is_some_and(|deleted| deleted < begun) => {
                self.find(format!("message {id} was deleted, and is shown: {shown}"));
            }
            _ if is_masked => {}
            Some(message) if !message.body.may_read(&body, begun) => {
                let writes = message.body.describe();
                self.find(format!("message {id} says {body:?}, but {writes}"));
            }
            Some(_) => {}
            None => self.see_new(conversation, (number, id), &sender, &body),
        }
        Some(number)
    }

    /// Notes a message whose acknowledgement was lost. Its text tells the key that it was sent with.
    fn see_new(&mut self, conversation: &str, (number, id): (u64, String), sender: &str, body: &str) {
        let original = body.split(" edited ").next().unwrap_or_default();
        let origin =
            self.sent.values().find(|sent| sent.body == original && sent.conversation == conversation);
        let Some(sent) = origin.cloned() else {
            return self.find(format!("message {id} of {conversation} says {body:?}, which nobody has sent"));
        };
        if sent.is_refused && !sent.is_unknown && sent.open == 0 && sent.message.is_none() {
            self.find(format!("message {id} says {body:?}, whose send was refused"));
        }
        if sent.message.as_ref().is_some_and(|(known, _)| *known != id) {
            self.find(format!("message {id} and message {:?} are of one key", sent.message));
        }
        if let Some(conversation) = self.conversations.get_mut(conversation) {
            conversation.messages.insert(number, Message::new(id, sender.to_owned(), &sent.body));
        }
    }

    /// Checks the numbers that a read which began at `begun` has shown: all numbers of a conversation, or its newest ones from
    /// `lowest` on.
    pub fn check_walk(&mut self, conversation: &str, user: usize, seen: &Seen, begun: Instant) {
        let Some(found) = self.conversations.get(conversation) else {
            return;
        };
        // Who closes the account leaves also groups that no answer has shown yet.
        if !found.surely_has(user, begun) || self.users[user].may_be_closed {
            return;
        }
        let missing = self.sent.values().filter(|sent| sent.conversation == conversation).find_map(|sent| {
            let (id, acknowledged) = sent.message.as_ref()?;
            let number = id.parse::<MessageId>().ok()?.number;
            let may_be_deleted = found.messages.get(&number).is_some_and(|message| message.may_be_deleted);
            let is_due = *acknowledged < begun && number >= seen.lowest && !may_be_deleted;
            (is_due && !seen.numbers.contains(&number)).then(|| id.clone())
        });
        if let Some(id) = missing {
            self.find(format!(
                "user {user} has read {conversation}, but not message {id}: {:?}",
                seen.numbers
            ));
        }
    }
}

impl Model {
    /// Checks all changes of a conversation, as a read has shown them that began at `begun`: those of messages that were
    /// acknowledged before are among them.
    pub fn check_changes(&mut self, conversation: &str, shown: &[Value], begun: Instant) {
        let Some(found) = self.conversations.get(conversation) else {
            return;
        };
        let named = |id: &str| shown.iter().filter(|change| change["message"] == id).count();
        let due =
            |id: &str| found.changes.iter().filter(|(known, done)| known == id && *done < begun).count();
        let missing = found.changes.iter().find(|(id, _)| named(id) < due(id));
        if let Some((id, _)) = missing {
            let (named, due) = (named(id), due(id));
            self.find(format!(
                "message {id} was changed {due} times, but {conversation} has {named} changes of it"
            ));
        }
    }
}
