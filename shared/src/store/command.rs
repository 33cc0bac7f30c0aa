//! The command of a write: its actor, its request and its time. A handler makes one for each request; the store checks
//! nothing about the actor's rights.

use uuid::Uuid;

use super::Time;
use crate::{config::ConversationLimit, ids::UserId, model::user::Role, policy::has_conversation_limit};

/// The actor, the request and the time of a write.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// The user who makes the request.
    pub actor: UserId,
    /// The random id of this request. It is the same in every try, so that a later try recognises the effect of an
    /// earlier one.
    pub request: Uuid,
    /// The time of the write.
    pub now: Time,
    /// The limit of the conversations and participants that the actor adds; `None` if the actor has no limit.
    pub limit: Option<ConversationLimit>,
}

impl Command {
    /// Returns the same command of an actor with this role.
    #[must_use]
    pub fn of_role(self, role: Role) -> Self {
        if has_conversation_limit(role) { self } else { self.unlimited() }
    }

    /// Returns the same command of an actor without a limit.
    #[must_use]
    pub const fn unlimited(self) -> Self {
        Self { limit: None, ..self }
    }
}
