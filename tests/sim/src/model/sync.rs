//! The numbers that a device holds of each conversation, and the check that catching up misses nothing and repeats nothing.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::ids::MessageId;
use tokio::time::Instant;

use super::Model;

/// The numbers of the last message and of the last change, by conversation.
pub type Held = BTreeMap<String, [u64; 2]>;

/// A device while it catches up.
#[derive(Debug)]
pub struct CaughtUp {
    /// The numbers that it holds so far.
    pub held: Held,
}

impl CaughtUp {
    pub const fn new(held: Held) -> Self {
        Self { held }
    }

    /// Merges the messages and the changes of one conversation of a page. Fails with a description of what is missing or comes
    /// twice.
    pub fn merge(
        &mut self,
        id: &str,
        shown: &Value,
        messages: &[u64],
        changes: &[u64],
    ) -> Result<(), String> {
        let number = |place: usize| shown["numbers"][place].as_u64().unwrap_or_default();
        let numbers = [number(0), number(1)];
        let hidden = shown["hidden"].as_str().and_then(|id| id.parse::<MessageId>().ok());
        let hidden = hidden.map_or(0, |id| id.number);
        let known = self.held.insert(id.to_owned(), numbers);
        let [message, change] = known.unwrap_or_default();
        // A conversation that is new to the device begins with one of its newest messages, and has no earlier changes.
        let first = if known.is_some() {
            message.max(hidden)
        } else {
            numbers[0].saturating_sub(messages.len() as u64)
        };
        let is_whole = |found: &[u64], first: u64, last: u64| found.iter().copied().eq(first + 1..=last);
        let is_right = is_whole(messages, first, numbers[0].max(first))
            && (known.is_none() || is_whole(changes, change, numbers[1]))
            && numbers >= [message, change];
        is_right.then_some(()).ok_or_else(|| {
            format!("after {known:?}, with {hidden} hidden, come {messages:?} and {changes:?}, and then {numbers:?}")
        })
    }

    /// Forgets a conversation that is gone.
    pub fn forget(&mut self, id: &str) {
        self.held.remove(id);
    }
}

impl Model {
    /// Returns the numbers that a user's device holds.
    pub fn held(&self, user: usize) -> Held {
        self.held.get(&user).cloned().unwrap_or_default()
    }

    /// Keeps the numbers for the next time.
    pub fn keep_held(&mut self, user: usize, held: Held) {
        self.held.insert(user, held);
    }

    /// Checks a conversation that the device is told to remove.
    pub fn check_gone(&mut self, user: usize, conversation: &str, begun: Instant) {
        let account = &self.users[user];
        let may_be_closed = account.may_be_closed || account.may_be_suspended(begun);
        let is_there =
            self.conversations.get(conversation).is_some_and(|found| found.surely_accepted(user, begun));
        if is_there && !may_be_closed {
            self.find(format!("user {user} is a participant of {conversation}, but is told that it is gone"));
        }
    }

    /// Checks the numbers of a device that has caught up, by requests of which the first began at `begun`: nothing that was
    /// acknowledged before it is missing.
    pub fn check_caught_up(&mut self, user: usize, caught_up: &CaughtUp, begun: Instant) {
        let missing = self.conversations.iter().find_map(|(id, found)| {
            let held = caught_up.held.get(id);
            let is_known = found.surely_accepted(user, begun) && !self.users[user].may_be_closed;
            let changes = found.changes.iter().filter(|(_, done)| *done < begun).count() as u64;
            let newest = self.sent.values().filter(|sent| sent.conversation == *id).filter_map(|sent| {
                let (message, acknowledged) = sent.message.as_ref()?;
                (*acknowledged < begun).then(|| message.parse::<MessageId>().ok())?.map(|id| id.number)
            });
            let newest = newest.max().unwrap_or_default();
            let has = held.is_some_and(|held| held[0] >= newest && held[1] >= changes);
            (is_known && !has).then(|| format!("{id} is at {newest} and {changes}, not at {held:?}"))
        });
        if let Some(missing) = missing {
            self.find(format!("user {user} has caught up, but {missing}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_has_everything_above_the_numbers_once() {
        let merged = |held: Option<[u64; 2]>, numbers: [u64; 2], messages: &[u64], changes: &[u64]| {
            let held = held.map(|held| ("c".to_owned(), held));
            let mut caught_up = CaughtUp::new(held.into_iter().collect());
            caught_up.merge("c", &json!({ "numbers": numbers }), messages, changes)
        };
        assert_eq!(merged(Some([2, 1]), [4, 2], &[3, 4], &[2]), Ok(()));
        assert_eq!(merged(None, [30, 7], &[29, 30], &[]), Ok(()));
        for (messages, changes) in [(&[4][..], &[2][..]), (&[3, 3, 4], &[2]), (&[3, 4], &[]), (&[3], &[2])] {
            assert!(merged(Some([2, 1]), [4, 2], messages, changes).is_err(), "{messages:?}, {changes:?}");
        }
    }
}
