//! The model: all that the clients of a simulation know from their requests and the answers. It checks each answer against
//! what earlier answers allow. It knows nothing of the table.

mod accounts;
mod blocks;
mod consent;
mod conversations;
mod messages;
mod offers;
mod reports;
mod settings;
mod sync;

use std::collections::{BTreeMap, BTreeSet};

pub use self::{
    accounts::{Attempts, Session, User, generation_of, session_of},
    conversations::{Conversation, Member, Move},
    messages::{Message, Seen, Sent},
    offers::Offers,
    reports::Report,
    settings::Settings,
    sync::{CaughtUp, Held},
};

use crate::register::Register;

/// The knowledge of all clients, and the contradictions found so far.
#[derive(Debug, Default)]
pub struct Model {
    /// True if users must consent before strangers can write to them.
    pub asks: bool,
    /// True if users have limits.
    pub has_limits: bool,
    pub offers: Offers,
    /// `blocked` or `free`, by the user who blocks and the other user.
    pub blocks: BTreeMap<(usize, usize), Register>,
    pub users: Vec<User>,
    pub conversations: BTreeMap<String, Conversation>,
    /// By idempotency key.
    pub sent: BTreeMap<String, Sent>,
    /// The direct conversation of each pair of users.
    pub pairs: BTreeMap<(usize, usize), String>,
    /// The login sessions by their ids.
    pub sessions: BTreeMap<String, Session>,
    /// The attempts to log in with each email address.
    pub attempts: BTreeMap<String, Attempts>,
    /// The sessions that requests may have ended, also before the answer to their login.
    pub touched: BTreeSet<String>,
    /// The reports that answers have named, by their ids.
    pub reports: BTreeMap<String, Report>,
    /// The creations of conversations that have no answer yet, and those whose answers were lost: users may share a conversation
    /// that no answer has shown.
    pub open_creations: usize,
    /// The numbers of each conversation that a device of each user holds.
    pub held: BTreeMap<usize, Held>,
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
}
