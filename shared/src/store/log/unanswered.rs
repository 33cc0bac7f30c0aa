//! The limits of a send that depend on the sender's membership: an invited user must accept first, and a user whose
//! invitations nobody has accepted can send only few small messages.

use super::SendError;
use crate::{
    ids::MAX_NUMBER,
    model::message::Draft,
    store::items::{Member, Message},
};

/// The number of messages that a user can send after an invitation, until somebody accepts.
pub const UNANSWERED_MESSAGES: u64 = 5;

/// The maximum size of each of these messages, in bytes: the text and the client's own data.
pub const UNANSWERED_BYTES: usize = 4 * 1024;

/// The highest number that the message of a send may get.
#[derive(Debug, Clone, Copy)]
pub(super) struct NumberLimit(u64);

impl NumberLimit {
    pub(super) fn check(self, number: u64) -> Result<(), SendError> {
        match self {
            _ if number > MAX_NUMBER => Err(SendError::LogFull),
            Self(highest) if number > highest => Err(SendError::Unanswered),
            Self(_) => Ok(()),
        }
    }
}

/// Returns true if a message after an edit is larger than its sender may send, because nobody has accepted the invitation.
/// An invited user cannot read the messages before the invitation, so they have no limit.
pub(in crate::store) fn is_too_large(sender: &Member, edited: &Message) -> bool {
    let is_unanswered = sender.awaiting_from.is_some_and(|from| edited.number > from);
    is_unanswered && edited.text_bytes() > UNANSWERED_BYTES
}

/// Returns the limit of a send. While nobody has accepted, only the inviting participant can write, so every number after
/// the invitation is a message of theirs, and the number of the message counts them without a further read.
pub(super) fn limit(sender: &Member, draft: &Draft) -> Result<NumberLimit, SendError> {
    if !sender.is_accepted() {
        return Err(SendError::NotAccepted);
    }
    let Some(from) = sender.awaiting_from else {
        return Ok(NumberLimit(MAX_NUMBER));
    };
    let metadata = draft.metadata.as_ref().map_or(0, |metadata| metadata.as_str().len());
    if draft.body.len() + metadata > UNANSWERED_BYTES {
        return Err(SendError::Unanswered);
    }
    Ok(NumberLimit(from + UNANSWERED_MESSAGES))
}
