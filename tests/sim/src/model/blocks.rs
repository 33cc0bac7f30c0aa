//! Blocks: which users have blocked which others, as far as answers tell.

use serde_json::Value;
use tokio::time::Instant;

use super::Model;
use crate::register::{Register, WriteId};

impl Model {
    /// Notes that a block begins or ends: `blocked` or `free`.
    pub fn begin_block(&mut self, blocker: usize, other: usize, state: &str) -> WriteId {
        self.blocks.entry((blocker, other)).or_insert_with(|| Register::new("free")).begin(state)
    }

    pub fn end_block(&mut self, blocker: usize, other: usize, write: WriteId, outcome: Option<bool>) {
        if let Some(block) = self.blocks.get_mut(&(blocker, other)) {
            block.end(write, outcome);
        }
    }

    /// Returns true if a request that began at `begun` may have found the other user blocked.
    pub fn may_be_blocked(&self, blocker: usize, other: usize, begun: Instant) -> bool {
        self.blocks.get(&(blocker, other)).is_some_and(|block| block.may_read("blocked", begun))
    }

    /// Returns true if a request that began at `begun` must have found the other user blocked.
    pub fn is_blocked(&self, blocker: usize, other: usize, begun: Instant) -> bool {
        self.blocks.get(&(blocker, other)).is_some_and(|block| !block.may_read("free", begun))
    }

    /// Checks whether a message that `reader` was shown is masked: those of blocked users are, and no others. A masked message
    /// shows nothing that its sender has written. Returns true if it is masked.
    pub fn check_mask(&mut self, reader: usize, shown: &Value, begun: Instant) -> bool {
        let is_masked = shown["masked"] == true;
        let Some(sender) = shown["sender"]["user_id"].as_str().and_then(|id| self.user_of(id)) else {
            return is_masked;
        };
        let is_admin = self.users[reader].is_admin;
        let must = !is_admin && self.is_blocked(reader, sender, begun);
        let may = !is_admin && self.may_be_blocked(reader, sender, begun);
        let is_empty =
            shown["message_body"] == "" && shown["metadata"].is_null() && shown["reply_to"].is_null();
        let is_right = if is_masked { may && is_empty } else { !must };
        if !is_right {
            let block = self.blocks.get(&(reader, sender)).map(Register::describe).unwrap_or_default();
            self.find(format!("user {reader} is shown {shown} of user {sender}; of the block {block}"));
        }
        is_masked
    }

    /// Checks a conversation that `user` has made, or to which `user` has added others: none of them had blocked the user.
    pub fn check_not_blocked(&mut self, user: usize, others: &[usize], begun: Instant, what: &str) {
        let is_refusing = |other: &&usize| **other != user && self.is_blocked(**other, user, begun);
        if let Some(other) = others.iter().find(is_refusing) {
            self.find(format!("user {other} has blocked user {user}, who {what}"));
        }
    }

    /// Checks the list of the users whom a user has blocked.
    pub fn see_blocks(&mut self, blocker: usize, listed: &[usize], begun: Instant) {
        let wrong = (0..self.users.len()).find(|other| {
            let is_listed = listed.contains(other);
            (is_listed && !self.may_be_blocked(blocker, *other, begun))
                || (!is_listed && self.is_blocked(blocker, *other, begun))
        });
        if let Some(other) = wrong {
            let block = self.blocks.get(&(blocker, other)).map(Register::describe).unwrap_or_default();
            self.find(format!("user {blocker} has blocked {listed:?}, but of user {other} {block}"));
        }
    }
}
