//! The rules for what belongs to messages: reactions, pins and threads.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Check, Item, number, text, user_ids};

/// The maximum number of different emoji on one message.
const MOST_EMOJI: usize = 20;

/// The maximum number of reactions to one message.
const MOST_REACTIONS: usize = 400;

/// The maximum number of pins of a conversation.
const MOST_PINS: usize = 50;

impl Check {
    /// Each user has reacted once with each emoji, and each emoji has users. A tombstone has no reactions.
    pub(super) fn reactions(&mut self, pk: &str, messages: &[(String, Item)]) {
        for (sk, message) in messages.iter().filter(|(_, item)| item.contains_key("reactions")) {
            let (mut emoji, mut count) = (BTreeSet::new(), 0);
            for part in text(message, "reactions").split(';') {
                let (name, users) = part.split_once(':').unwrap_or_default();
                let users = user_ids(users);
                let different: BTreeSet<&String> = users.iter().collect();
                let is_sound = emoji.insert(name) && !users.is_empty() && different.len() == users.len();
                self.require(is_sound, pk, || format!("MSG#{sk} has wrong reactions with {name:?}"));
                count += users.len();
            }
            let is_small = emoji.len() <= MOST_EMOJI && count <= MOST_REACTIONS;
            self.require(is_small, pk, || {
                format!("MSG#{sk} has {count} reactions with {} emoji", emoji.len())
            });
            let is_deleted = message.contains_key("deleted_at");
            self.require(!is_deleted, pk, || format!("MSG#{sk} is deleted, but has reactions"));
        }
    }

    /// Each pin has a message that says so and is not deleted, and each such message has its pin.
    pub(super) fn pins(&mut self, pk: &str, messages: &[(String, Item)]) {
        let is_pinned = |item: &Item| item.get("pinned") == Some(&Value::Bool(true));
        let pins: BTreeSet<String> = self.kind(pk, "PIN#").into_iter().map(|(sk, _)| sk).collect();
        let named = messages.iter().filter(|(_, item)| is_pinned(item)).map(|(sk, _)| sk.clone());
        let named: BTreeSet<String> = named.collect();
        self.require(pins == named, pk, || format!("has the pins {pins:?}, but pinned messages {named:?}"));
        self.require(pins.len() <= MOST_PINS, pk, || format!("has {} pins", pins.len()));
        let is_deleted = |item: &Item| is_pinned(item) && item.contains_key("deleted_at");
        let deleted = messages.iter().find(|(_, item)| is_deleted(item)).map(|(sk, _)| sk);
        self.require(deleted.is_none(), pk, || format!("MSG#{deleted:?} is deleted, but pinned"));
    }

    /// Each pointer has a reply that belongs to its thread, and each thread begins with a message that is no reply.
    pub(super) fn threads(&mut self, pk: &str, messages: &[(String, Item)]) {
        let threads: BTreeMap<&str, u64> =
            messages.iter().map(|(sk, item)| (sk.as_str(), number(item, "thread"))).collect();
        let root = |thread: u64| format!("{thread:013}");
        for (pointer, _) in self.kind(pk, "THREAD#") {
            let (thread, reply) = pointer.split_once('#').unwrap_or_default();
            let fits = threads.get(reply).is_some_and(|found| *found > 0 && root(*found) == thread);
            self.require(fits, pk, || format!("THREAD#{pointer} points to no reply of this thread"));
        }
        for (sk, thread) in threads.iter().filter(|(_, thread)| **thread > 0) {
            let begins = threads.get(root(*thread).as_str()) == Some(&0) && root(*thread).as_str() < *sk;
            self.require(begins, pk, || {
                format!("MSG#{sk} is in the thread {thread}, which does not begin there")
            });
        }
    }
}
