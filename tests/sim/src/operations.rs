//! The operations of the simulated users. Each chooses its parameters from its own generator, sends its requests, and tells
//! the model what the answers say.

mod accounts;
mod blocks;
mod conversations;
mod messages;
mod reports;
mod sessions;
mod settings;
mod sync;

use rand::{RngExt as _, rngs::StdRng};

pub use self::{
    accounts::register,
    messages::{number_of, send_under},
};
use crate::{client::Client, random::generator, walks};

/// The most users of a simulation.
const MOST_USERS: usize = 12;

/// The kinds of operations with their usual weights.
#[rustfmt::skip]
const KINDS: [(&str, u32); 46] = [
    ("send", 26), ("retry a send", 8), ("edit", 9), ("delete a message", 4), ("mark read", 6), ("mark unread", 3),
    ("open a direct conversation", 4), ("create a group", 3), ("add", 6), ("remove", 5), ("leave", 2), ("promote", 4),
    ("rename", 4), ("delete a conversation", 2), ("read a conversation", 5), ("inbox", 3), ("page backward", 4),
    ("page forward", 4), ("page around", 2), ("follow changes", 3), ("refresh", 5), ("log out", 2),
    ("change the password", 2), ("register", 1), ("close an account", 1), ("log in", 2), ("guess a password", 1),
    ("reuse a refresh token", 1), ("list sessions", 2), ("change a profile", 4), ("read a user", 2),
    ("list participants", 2), ("read everything", 1), ("read earlier texts", 1),
    ("send many", 2), ("find a user", 2), ("attack an account", 1),
    ("suspend", 1), ("accept", 6), ("list invitations", 2), ("block", 3), ("list blocks", 1),
    ("report", 2), ("handle reports", 2), ("archive or mute", 3), ("catch up", 4),
];

/// The operations without which a history has nothing to check.
const BASIC: [&str; 3] = ["send", "open a direct conversation", "create a group"];

/// The weights of the operations of one history. Each history leaves out some kinds and has more of some others, so that rare
/// combinations are common in a few histories instead of rare in all of them (Groce et al.: Swarm testing, 2012).
#[derive(Debug)]
pub struct Weights(Vec<(&'static str, u32)>);

impl Weights {
    /// Draws the weights of the history with this seed.
    pub fn of(seed: u64) -> Self {
        let mut rng = generator(seed, &[u64::MAX - 4]);
        let mut draw = |(kind, usual): (&'static str, u32)| match rng.random_range(0..10) {
            0 if !BASIC.contains(&kind) => (kind, 0),
            1 | 2 => (kind, usual * 6),
            _ => (kind, usual),
        };
        Self(KINDS.into_iter().map(&mut draw).collect())
    }

    /// Draws the kind of an operation.
    pub fn draw(&self, rng: &mut StdRng) -> &'static str {
        let mut drawn = rng.random_range(0..self.0.iter().map(|(_, weight)| weight).sum());
        for (kind, weight) in &self.0 {
            if drawn < *weight {
                return kind;
            }
            drawn -= weight;
        }
        KINDS[0].0
    }
}

/// Runs one operation.
pub async fn run(client: &mut Client) {
    match client.kind {
        "retry a send" => messages::retry(client).await,
        "send many" => messages::send_many(client).await,
        "edit" => messages::edit(client).await,
        "delete a message" => messages::delete_message(client).await,
        "mark read" => messages::mark(client, false).await,
        "mark unread" => messages::mark(client, true).await,
        "open a direct conversation" => conversations::open_direct(client).await,
        "create a group" => conversations::create_group(client).await,
        "add" => conversations::add(client).await,
        "remove" => conversations::remove(client, false).await,
        "leave" => conversations::remove(client, true).await,
        "promote" => conversations::promote(client).await,
        "rename" => conversations::rename(client).await,
        "accept" => conversations::accept(client).await,
        "list invitations" => conversations::invitations(client).await,
        "delete a conversation" => conversations::delete_conversation(client).await,
        "read a conversation" => conversations::read_conversation(client).await,
        "inbox" => walks::inbox(client).await,
        "page backward" => walks::backward(client).await,
        "page forward" => walks::forward(client).await,
        "page around" => walks::around(client).await,
        "follow changes" => walks::changes(client).await,
        "read earlier texts" => messages::read_revisions(client).await,
        "read everything" => walks::everything(client).await,
        "list participants" => conversations::list_participants(client).await,
        "log in" => sessions::log_in(client).await,
        "guess a password" => sessions::guess(client).await,
        "attack an account" => sessions::attack(client).await,
        "reuse a refresh token" => sessions::reuse(client).await,
        "list sessions" => sessions::list_sessions(client).await,
        "change a profile" => accounts::change_profile(client).await,
        "read a user" => accounts::read_users(client).await,
        "find a user" => accounts::find_user(client).await,
        "refresh" => sessions::refresh(client).await,
        "log out" => sessions::log_out(client).await,
        "change the password" => sessions::change_password(client).await,
        "register" => {
            register(client).await;
        }
        "block" => blocks::block(client).await,
        "list blocks" => blocks::list(client).await,
        "report" => reports::report(client).await,
        "archive or mute" => settings::change(client).await,
        "handle reports" => reports::handle(client).await,
        "catch up" => sync::catch_up(client).await,
        "suspend" => accounts::suspend(client).await,
        "close an account" => accounts::close_account(client).await,
        _ => messages::send(client).await,
    }
}
