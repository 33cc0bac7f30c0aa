//! The model: all that the clients of a simulation know from their requests and the answers. It checks each answer against
//! what earlier answers allow. It knows nothing of the table.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shared::ids::MessageId;
use tokio::time::Instant;

use crate::register::Register;

/// A user with the devices on which they are logged in.
#[derive(Debug, Clone)]
pub struct User {
    pub email: String,
    pub id: String,
    /// The passwords that may be right; the last one is the newest.
    pub passwords: Vec<String>,
    /// The tokens of each device: access and refresh.
    pub devices: Vec<Option<(String, String)>>,
    /// True once a request to close the account was sent.
    pub may_be_closed: bool,
}

/// One idempotency key with the message that it stands for.
#[derive(Debug, Clone)]
pub struct Sent {
    pub sender: usize,
    pub conversation: String,
    pub body: String,
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

/// A message as answers have shown it.
#[derive(Debug, Clone)]
pub struct Message {
    pub id: String,
    pub sender: String,
    pub body: Register,
    /// True once a request to delete it was sent.
    pub may_be_deleted: bool,
}

/// The membership of a user, as far as answers tell.
#[derive(Debug, Clone, Default)]
pub struct Membership {
    /// The time of the first answer that showed the user as a participant.
    pub added: Option<Instant>,
    /// The time at which the last attempt to add the user began.
    pub add_begun: Option<Instant>,
    /// The number of attempts to add the user that have no answer yet.
    pub open_adds: usize,
    /// True if an attempt to add the user has an unknown outcome: it may take effect late.
    pub is_add_unknown: bool,
    /// True once an attempt to end the membership, or to hide the conversation, was sent.
    pub may_have_ended: bool,
    /// The time of the answer to the last removal.
    pub removed: Option<Instant>,
}

#[derive(Debug, Clone, Default)]
pub struct Conversation {
    pub is_direct: bool,
    pub members: BTreeMap<usize, Membership>,
    /// The messages by their numbers.
    pub messages: BTreeMap<u64, Message>,
    /// True once a request to delete it was sent.
    pub may_be_deleted: bool,
    /// The time of the answer to a deletion.
    pub deleted: Option<Instant>,
    pub name: Register,
}

impl Conversation {
    /// Returns true if the user is a participant from before `time` on, whatever is still open.
    pub fn surely_has(&self, user: usize, time: Instant) -> bool {
        !self.may_be_deleted
            && self.members.get(&user).is_some_and(|member| {
                !member.may_have_ended && member.added.is_some_and(|added| added <= time)
            })
    }

    /// Returns true if the user was removed before `time`, and nobody has tried to add them since.
    pub fn surely_lacks(&self, user: usize, time: Instant) -> bool {
        if self.deleted.is_some_and(|deleted| deleted <= time) {
            return true;
        }
        self.members.get(&user).is_some_and(|member| {
            let is_removed = member.removed.is_some_and(|removed| removed <= time);
            let is_added_since = member.add_begun > member.removed || member.is_add_unknown;
            is_removed && !is_added_since
        })
    }
}

/// The knowledge of all clients, and the contradictions found so far.
#[derive(Debug, Default)]
pub struct Model {
    pub users: Vec<User>,
    pub conversations: BTreeMap<String, Conversation>,
    /// By idempotency key.
    pub sent: BTreeMap<String, Sent>,
    /// The direct conversation of each pair of users.
    pub pairs: BTreeMap<(usize, usize), String>,
    pub findings: Vec<String>,
    /// The number of operations of each kind with each outcome.
    pub outcomes: BTreeMap<(&'static str, u16), u64>,
}

impl Model {
    pub fn find(&mut self, finding: String) {
        self.findings.push(finding);
    }

    pub fn user_of(&self, id: &str) -> Option<usize> {
        self.users.iter().position(|user| user.id == id)
    }

    /// Notes the participants that a conversation's answer shows.
    pub fn see_conversation(&mut self, shown: &Value, begun: Instant) -> Option<String> {
        let id = shown["conversation_id"].as_str()?.to_owned();
        let users: Vec<usize> = shown["participants"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|user| self.user_of(user["user_id"].as_str()?))
            .collect();
        let conversation = self.conversations.entry(id.clone()).or_default();
        conversation.is_direct = shown["kind"] == "direct";
        for user in users {
            conversation.members.entry(user).or_default().added.get_or_insert_with(Instant::now);
        }
        let name = shown["name"].as_str().unwrap_or_default();
        // The answer to the creation may have been lost: the first name that is shown and was not written later is the first.
        if name.starts_with("Group ") {
            conversation.name.know_first(name, begun);
        }
        if !conversation.is_direct && !conversation.name.may_read(name, begun) {
            let writes = conversation.name.describe();
            self.find(format!("conversation {id} is called {name:?}, but {writes}"));
        }
        Some(id)
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
            0 | 500.. => sent.is_unknown = true,
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
        let conversation = self.conversations.entry(sent.conversation.clone()).or_default();
        let message = conversation.messages.entry(number).or_insert_with(|| Message {
            id: id.to_owned(),
            sender: sender.clone(),
            body: Register::new(&sent.body, sent.begun),
            may_be_deleted: false,
        });
        if message.id != id || message.sender != sender {
            let other = message.id.clone();
            self.find(format!("number {number} of {} is {other} and {id}", sent.conversation));
        }
    }

    /// Checks a message that a read has shown. `begun` is the beginning of the read.
    pub fn see_message(&mut self, conversation: &str, shown: &Value, begun: Instant) -> Option<u64> {
        let id = shown["message_id"].as_str()?.to_owned();
        let number = id.parse::<MessageId>().ok()?.number;
        let sender = shown["sender"]["user_id"].as_str().unwrap_or_default().to_owned();
        let body = shown["message_body"].as_str().unwrap_or_default().to_owned();
        let found = self.conversations.get(conversation).and_then(|found| found.messages.get(&number));
        match found {
            Some(message) if message.id != id || (!sender.is_empty() && message.sender != sender) => {
                self.find(format!("number {number} of {conversation} was {message:?}, and is {shown}"));
            }
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
        let body = Register::new(&sent.body, sent.begun);
        let message = Message { id, sender: sender.to_owned(), body, may_be_deleted: false };
        if let Some(conversation) = self.conversations.get_mut(conversation) {
            conversation.messages.insert(number, message);
        }
    }

    /// Checks the numbers that a walk through a whole conversation has shown, in ascending order. `begun` is its beginning.
    pub fn check_walk(&mut self, conversation: &str, user: usize, seen: &[u64], begun: Instant) {
        let Some(found) = self.conversations.get(conversation) else {
            return;
        };
        if !found.surely_has(user, begun) {
            return;
        }
        let shown: BTreeSet<u64> = seen.iter().copied().collect();
        let missing = self.sent.values().filter(|sent| sent.conversation == conversation).find_map(|sent| {
            let (id, acknowledged) = sent.message.as_ref()?;
            let number = id.parse::<MessageId>().ok()?.number;
            let may_be_deleted = found.messages.get(&number).is_some_and(|message| message.may_be_deleted);
            (*acknowledged <= begun && !may_be_deleted && !shown.contains(&number)).then(|| id.clone())
        });
        if let Some(id) = missing {
            self.find(format!(
                "a walk of user {user} through {conversation} has not shown message {id}: {seen:?}"
            ));
        }
    }

    /// Checks an access to a conversation that began at `begun`.
    pub fn check_access(&mut self, conversation: &str, user: usize, begun: Instant, status: u16) {
        let Some(found) = self.conversations.get(conversation) else {
            return;
        };
        let may_be_closed = self.users[user].may_be_closed;
        if found.surely_lacks(user, begun) && (200..300).contains(&status) {
            self.find(format!(
                "user {user} was removed from {conversation}, but still reads or writes in it"
            ));
        } else if found.surely_has(user, begun) && !may_be_closed && status == 404 {
            self.find(format!(
                "user {user} is a participant of {conversation}, but is told that it does not exist"
            ));
        }
    }
}
