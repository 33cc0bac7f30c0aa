//! The frames to clients: JSON objects with a `type`. A WebSocket message to a client is one frame, or a JSON array of
//! frames in their order. Frames of a log carry their number, so that a client notices a missing one.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    http::{ChangeView, MessageView, Problem},
    ids::{ConversationId, UserId},
};

/// A frame to a client.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type")]
pub enum Frame {
    /// The first frame of a connection. From now on, the connection gets every frame of its user. A client calls
    /// `POST /api/sync/` after each `ready`; there can be more than one.
    #[serde(rename = "ready")]
    Ready,
    /// The answer to `ping`.
    #[serde(rename = "pong")]
    Pong,
    /// A new message.
    #[serde(rename = "message.created")]
    MessageCreated(MessageCreated),
    /// A message was edited or deleted, or its reactions or pin were changed.
    #[serde(rename = "message.changed")]
    MessageChanged(MessageChanged),
    /// The name or the metadata of a conversation was changed, or the conversation was deleted.
    #[serde(rename = "conversation.changed")]
    ConversationChanged(ConversationChanged),
    /// Participants were added or removed, have accepted, or have another role.
    #[serde(rename = "participant.changed")]
    ParticipantChanged(ParticipantChanged),
    /// A participant has read up to a message, or has marked messages as unread.
    #[serde(rename = "read")]
    Read(ReadFrame),
    /// A participant is writing.
    #[serde(rename = "typing")]
    Typing(TypingFrame),
    /// A user has come online or gone offline.
    #[serde(rename = "presence")]
    Presence(PresenceFrame),
    /// A frame of the client was refused.
    #[serde(rename = "error")]
    Error(ErrorFrame),
}

/// A new message.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageCreated {
    /// The conversation of the message.
    pub conversation: ConversationId,
    /// The number of the message in its conversation.
    pub number: u64,
    /// The message; `null` if it is too large for a frame. Then read it with `GET /api/messages/{id}/`.
    #[schema(required)]
    pub message: Option<MessageView>,
}

/// A change of a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageChanged {
    /// The conversation of the message.
    pub conversation: ConversationId,
    /// The number of the change in its conversation.
    pub number: u64,
    /// The change.
    pub change: ChangeView,
    /// The message after this change or a later one; `null` if it was deleted, or is too large for a frame.
    #[schema(required)]
    pub message: Option<MessageView>,
}

/// A change of a conversation.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationChanged {
    /// The conversation.
    pub conversation: ConversationId,
    /// The number of the change in its conversation; `null` if the conversation was deleted.
    #[schema(required)]
    pub number: Option<u64>,
    /// The change; `null` if the conversation was deleted.
    #[schema(required)]
    pub change: Option<ChangeView>,
    /// True if the conversation was deleted.
    pub deleted: bool,
}

/// A change of participants.
#[derive(Debug, Serialize, ToSchema)]
pub struct ParticipantChanged {
    /// The conversation.
    pub conversation: ConversationId,
    /// The number of the change in its conversation.
    pub number: u64,
    /// The change.
    pub change: ChangeView,
}

/// The read mark of a participant.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadFrame {
    /// The conversation.
    pub conversation: ConversationId,
    /// The participant. The user's own connections get this frame too, for other devices.
    pub user: UserId,
    /// The number of the last message that the participant has read, 0 for none.
    pub number: u64,
}

/// A participant who is writing.
#[derive(Debug, Serialize, ToSchema)]
pub struct TypingFrame {
    /// The conversation.
    pub conversation: ConversationId,
    /// The participant.
    pub user: UserId,
    /// The time in seconds after which the participant is not writing any more, unless another frame comes.
    pub expires_in: u32,
}

/// A user who came online or went offline.
#[derive(Debug, Serialize, ToSchema)]
pub struct PresenceFrame {
    /// The user.
    pub user: UserId,
    /// True if the user has a connection.
    pub online: bool,
    /// The time in seconds after which the user counts as offline, unless another frame comes.
    pub expires_in: u32,
}

/// The refusal of a client's frame. The connection stays open.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorFrame {
    /// A stable code, as in the problems of the API.
    pub code: String,
    /// What is wrong, and what to do.
    pub detail: String,
}

impl From<&Problem> for ErrorFrame {
    fn from(problem: &Problem) -> Self {
        Self { code: problem.code().parts().1.to_owned(), detail: problem.to_string() }
    }
}
