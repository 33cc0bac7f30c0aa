//! The command of a write: its actor, its request and its time. A handler makes one for each request; the store checks
//! nothing about the actor's rights.

use uuid::Uuid;

use super::Time;
use crate::ids::UserId;

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
}
