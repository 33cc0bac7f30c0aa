//! The representations that the page reads from the API, with only the fields that it shows.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use shared::{
    ids::{ConversationId, MessageId, UserId},
    model::conversation::ConversationKind,
};

/// A page of a list of the API.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) next: Option<String>,
    pub(crate) previous: Option<String>,
    pub(crate) results: Vec<T>,
}

/// A user in a representation of the API.
#[derive(Debug, Clone, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the API's names")]
pub(crate) struct User {
    pub(crate) user_id: UserId,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: Option<String>,
}

impl User {
    /// Returns the user's full name, or the email address if the name is empty.
    pub(crate) fn name(&self) -> String {
        let name = format!("{} {}", self.first_name, self.last_name);
        match (name.trim(), &self.email) {
            ("", Some(email)) => email.clone(),
            ("", None) => SOMEBODY.to_owned(),
            (name, _) => name.to_owned(),
        }
    }
}

/// The name of a user without a name, or with a closed account.
pub(crate) const SOMEBODY: &str = "Unknown user";

/// A message in a representation of the API.
#[derive(Debug, Clone, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the API's names")]
pub(crate) struct Message {
    pub(crate) message_id: MessageId,
    pub(crate) sender: Option<User>,
    pub(crate) message_body: String,
    pub(crate) sent_at: DateTime<Utc>,
    pub(crate) edited_at: Option<DateTime<Utc>>,
    pub(crate) deleted_at: Option<DateTime<Utc>>,
    pub(crate) reply_to: Option<MessageId>,
    #[serde(default)]
    pub(crate) masked: bool,
    pub(crate) revision: u64,
}

impl Message {
    pub(crate) fn is_by(&self, user: UserId) -> bool {
        self.sender.as_ref().is_some_and(|sender| sender.user_id == user)
    }

    /// Returns the text, or a note in the place of a text that the viewer does not see.
    pub(crate) fn shown_text(&self) -> &str {
        match (self.deleted_at, self.masked) {
            (Some(_), _) => "This message was deleted.",
            (None, true) => "You have blocked the sender of this message.",
            (None, false) => &self.message_body,
        }
    }

    pub(crate) fn sender_name(&self) -> String {
        self.sender.as_ref().map_or_else(|| SOMEBODY.to_owned(), User::name)
    }
}

/// The state of a conversation for the viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Active,
    Invited,
    Archived,
}

/// A conversation in a representation of the API.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the API's names")]
pub(crate) struct Conversation {
    pub(crate) conversation_id: ConversationId,
    pub(crate) state: State,
    pub(crate) invited_by: Option<UserId>,
    pub(crate) muted: bool,
    pub(crate) kind: ConversationKind,
    pub(crate) name: Option<String>,
    pub(crate) participants: Vec<User>,
    pub(crate) participant_count: usize,
    pub(crate) last_message: Option<Message>,
    pub(crate) unread: usize,
    pub(crate) unread_more: bool,
    pub(crate) created_at: DateTime<Utc>,
}

/// The maximum number of names in the title of a conversation without a name.
const NAMED: usize = 3;

impl Conversation {
    /// Returns the nested participants without the viewer.
    pub(crate) fn others(&self, viewer: UserId) -> impl Iterator<Item = &User> {
        self.participants.iter().filter(move |user| user.user_id != viewer)
    }

    /// Returns the user whom the viewer can block on the page: the user who has invited the viewer, or the other participant
    /// of a direct conversation. `None` if the user is not among the nested participants.
    pub(crate) fn blockable(&self, viewer: UserId) -> Option<&User> {
        let mut others = self.others(viewer);
        match (self.invited_by, self.kind) {
            (Some(inviter), _) => others.find(|user| user.user_id == inviter),
            (None, ConversationKind::Direct) => others.next(),
            (None, ConversationKind::Group) => None,
        }
    }

    /// Returns the other user of a direct conversation who has not accepted it yet. The API shows the email address of the
    /// other user as soon as both have accepted. The viewer's own invitation is not meant, nor a closed account, which has
    /// no name.
    pub(crate) fn awaited(&self, viewer: UserId) -> Option<&User> {
        let is_own = self.kind == ConversationKind::Direct && self.state != State::Invited;
        self.others(viewer).next().filter(|user| is_own && user.email.is_none() && user.name() != SOMEBODY)
    }

    /// Returns the name of the conversation, or the names of the other participants.
    pub(crate) fn title(&self, viewer: UserId) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let names: Vec<String> = self.others(viewer).take(NAMED).map(User::name).collect();
        let rest = self.participant_count.saturating_sub(1 + names.len());
        match (names.join(", "), rest) {
            (names, _) if names.is_empty() => "Only you".to_owned(),
            (names, 0) => names,
            (names, rest) => format!("{names} and {rest} more"),
        }
    }
}

/// A change in the change log. The page needs only its number.
#[derive(Debug, Deserialize)]
pub(crate) struct Change {
    pub(crate) number: u64,
}

/// A blocked user.
#[derive(Debug, Deserialize)]
pub(crate) struct Block {
    /// `None` if the user no longer exists.
    pub(crate) user: Option<User>,
}

/// An answer whose content is ignored.
#[derive(Debug, Deserialize)]
pub(crate) struct IgnoredBody {}
