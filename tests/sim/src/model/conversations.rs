//! Conversations, memberships and read marks.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::time::Instant;

use super::{Message, Model, Settings, consent::Consent};
use crate::register::Register;

/// A move of a read mark.
#[derive(Debug, Clone)]
pub struct Move {
    /// The number of the request.
    pub id: (u64, u64),
    /// True if messages are marked as unread from this number on.
    pub unread: bool,
    pub number: u64,
    pub begun: Instant,
    /// The time of its answer; `None` while the outcome is unknown.
    pub done: Option<Instant>,
}

/// The membership of a user, as far as answers tell.
#[derive(Debug, Clone, Default)]
pub struct Member {
    /// `in` or `out`.
    pub presence: Register,
    /// True once a request to hide the conversation for this user was sent.
    pub may_be_hidden: bool,
    pub moves: Vec<Move>,
    pub consent: Consent,
    pub settings: Settings,
}

impl Member {
    /// Returns the lowest and the highest read mark that a read may find which began at `begun`.
    pub fn marks(&self, begun: Instant) -> (u64, u64) {
        let is_acknowledged = |step: &&Move| step.done.is_some_and(|done| done <= begun);
        let overlaps = |other: &&Move, step: &Move| other.done.is_none_or(|done| done > step.begun);
        let (forward, back): (Vec<&Move>, Vec<&Move>) = self.moves.iter().partition(|step| !step.unread);
        let below = |step: &Move| step.number.saturating_sub(1);
        // A mark holds, unless marking as unread has come after it.
        let lowest = forward.iter().copied().filter(is_acknowledged).map(|step| {
            let moved_back = back.iter().copied().filter(|other| overlaps(other, step)).map(below);
            moved_back.fold(step.number, u64::min)
        });
        // The mark is not above all that was marked as read, nor above what was marked as unread after it.
        let after = |step: &Move| {
            let marked = forward.iter().copied().filter(|other| overlaps(other, step));
            marked.map(|other| other.number).fold(below(step), u64::max)
        };
        let highest = back.iter().copied().filter(is_acknowledged).map(after).min().unwrap_or(u64::MAX);
        (lowest.max().unwrap_or_default(), highest)
    }
}

#[derive(Debug, Clone, Default)]
pub struct Conversation {
    pub is_direct: bool,
    /// The creator, as far as the user is known.
    pub created_by: Option<usize>,
    /// The time of the first answer that has shown it.
    pub seen: Option<Instant>,
    pub members: BTreeMap<usize, Member>,
    /// The messages by their numbers.
    pub messages: BTreeMap<u64, Message>,
    /// True once a request to delete it was sent.
    pub may_be_deleted: bool,
    /// The time of the answer to a deletion.
    pub deleted: Option<Instant>,
    pub name: Register,
    /// The changes of messages that were acknowledged: the message and the time of the answer.
    pub changes: Vec<(String, Instant)>,
}

impl Conversation {
    /// Returns true if a read that began at `begun` must find the user as a participant.
    pub fn surely_has(&self, user: usize, begun: Instant) -> bool {
        let member = self.members.get(&user);
        // Its first participants are in it from its creation on, which was before the first answer that has shown it.
        self.seen.is_some_and(|seen| seen < begun)
            && !self.may_be_deleted
            && member.is_some_and(|member| {
                !member.presence.is_empty()
                    && !member.presence.may_read("out", begun)
                    && !member.may_be_hidden
            })
    }

    /// Returns true if a read that began at `begun` must not find the user as a participant.
    pub fn surely_lacks(&self, user: usize, begun: Instant) -> bool {
        let is_deleted = self.deleted.is_some_and(|deleted| deleted < begun);
        let member = self.members.get(&user);
        is_deleted
            || member
                .is_none_or(|member| member.presence.is_empty() || !member.presence.may_read("in", begun))
    }
}

impl Model {
    /// Notes and checks a conversation that a request of `reader` has shown, which began at `begun`.
    pub fn see_conversation(&mut self, reader: usize, shown: &Value, begun: Instant) -> Option<String> {
        let id = shown["conversation_id"].as_str()?.to_owned();
        let nested = shown["participants"].as_array().into_iter().flatten();
        let users: Vec<usize> = nested.filter_map(|user| self.user_of(user["user_id"].as_str()?)).collect();
        let created_by = shown["created_by"].as_str().and_then(|id| self.user_of(id));
        let is_new = !self.conversations.contains_key(&id);
        let conversation = self.conversations.entry(id.clone()).or_default();
        conversation.seen.get_or_insert_with(Instant::now);
        conversation.is_direct = shown["kind"] == "direct";
        conversation.created_by = created_by;
        let mut wrong = Vec::new();
        for user in users {
            let presence = &mut conversation.members.entry(user).or_default().presence;
            if is_new {
                presence.know_first("in");
            } else if presence.is_empty() && conversation.seen.is_none_or(|seen| begun <= seen) {
                // The user has left between this read and the first answer that has shown the conversation.
            } else if presence.is_empty() || !presence.may_read("in", begun) {
                wrong.push(format!("{id} shows participant {user}, but {}", presence.describe()));
            }
        }
        let name = shown["name"].as_str().unwrap_or_default();
        // The answer to the creation may have been lost: the first name that is shown and was not written later is the first.
        if name.starts_with("Group ") {
            conversation.name.know_first(name);
        }
        if !conversation.is_direct && !conversation.name.may_read(name, begun) {
            wrong.push(format!("conversation {id} is called {name:?}, but {}", conversation.name.describe()));
        }
        self.findings.extend(wrong);
        self.see_state(&id, reader, shown["state"].as_str(), begun);
        self.see_settings(reader, &id, shown, begun);
        for user in shown["participants"].as_array().into_iter().flatten() {
            self.check_details(reader, &id, user, begun);
        }
        self.see_message(reader, &id, &shown["last_message"], begun);
        Some(id)
    }

    /// Checks a list of all participants that `reader` was shown.
    pub fn see_participants(&mut self, reader: usize, conversation: &str, shown: &[Value], begun: Instant) {
        let Some(found) = self.conversations.get(conversation) else {
            return;
        };
        let listed: Vec<usize> =
            shown.iter().filter_map(|entry| self.user_of(entry["user"]["user_id"].as_str()?)).collect();
        let wrong = found.members.keys().find(|user| {
            let is_listed = listed.contains(user);
            let is_closed = self.users[**user].may_be_closed;
            (is_listed && found.surely_lacks(**user, begun))
                || (!is_listed && !is_closed && found.surely_has(**user, begun))
        });
        if let Some(user) = wrong {
            let presence = found.members[user].presence.describe();
            self.find(format!(
                "the participants of {conversation} are {listed:?}, but of user {user} {presence}; {begun:?} {shown:?}"
            ));
        }
        for entry in shown {
            if let Some(user) = entry["user"]["user_id"].as_str().and_then(|id| self.user_of(id)) {
                self.see_state(conversation, user, entry["state"].as_str(), begun);
            }
            self.check_details(reader, conversation, &entry["user"], begun);
        }
    }

    /// Checks a read mark that an answer has shown to a request that began at `begun`.
    pub fn see_mark(&mut self, conversation: &str, user: usize, read: u64, begun: Instant) {
        let Some(member) = self.conversations.get(conversation).and_then(|found| found.members.get(&user))
        else {
            return;
        };
        // A membership that has begun anew has a new mark.
        if member.presence.knows("out") {
            return;
        }
        let (lowest, highest) = member.marks(begun);
        if read < lowest || read > highest {
            let moves = format!("{:?}", member.moves);
            self.find(format!(
                "user {user} has read {read} in {conversation}, not {lowest} to {highest}: {moves}"
            ));
        }
    }

    /// Checks a read of a conversation, without its read marks, that began at `begun`: an admin sees each one that was shown before.
    pub fn check_read(&mut self, conversation: &str, user: usize, begun: Instant, status: u16) {
        self.check_access(conversation, user, begun, status);
        let Some(found) = self.conversations.get(conversation) else {
            return;
        };
        let is_there = found.seen.is_some_and(|seen| seen < begun) && !found.may_be_deleted;
        // A group whose last participant leaves is closed. An admin who is a participant may have hidden a conversation.
        let stays = |(user, member): (&usize, &Member)| {
            let is_in = member.presence.knows("in") && !member.presence.knows("out");
            is_in && !self.users[*user].may_be_closed
        };
        let stays = found.is_direct || found.members.iter().any(stays);
        if status == 404
            && self.users[user].is_admin
            && is_there
            && stays
            && !found.members.contains_key(&user)
        {
            self.find(format!("the admin {user} is told that {conversation} does not exist"));
        }
    }

    /// Checks an access to a conversation that began at `begun`.
    pub fn check_access(&mut self, conversation: &str, user: usize, begun: Instant, status: u16) {
        let Some(found) = self.conversations.get(conversation) else {
            return;
        };
        let account = &self.users[user];
        // A request during a suspension or a closing finds that its user may not write any more.
        let is_admin = account.is_admin;
        let may_be_closed = account.may_be_closed || account.may_be_suspended(begun);
        let is_deleted = found.deleted.is_some_and(|deleted| deleted < begun);
        let presence = found.members.get(&user).map(|member| member.presence.describe());
        if (is_deleted || (!is_admin && found.surely_lacks(user, begun))) && (200..300).contains(&status) {
            self.find(format!(
                "user {user} is no participant of {conversation}, but reads or writes in it; {presence:?}"
            ));
        } else if found.surely_has(user, begun) && !may_be_closed && status == 404 {
            self.find(format!(
                "user {user} is a participant of {conversation}, but is told that it does not exist; {presence:?}"
            ));
        }
    }
}
