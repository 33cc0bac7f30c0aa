//! The query of the chat page, and the queries that the page sends to the API. Nothing is read here.

use serde::Deserialize;
use shared::{
    http::{Fields, FromFields, typed},
    ids::{ConversationId, MessageId},
};

use crate::chat_lists::{self, ChatList};

/// The number of messages of the first view, which stays small.
const MESSAGES: usize = 30;

/// The query of the chat page.
#[derive(Debug, Default)]
pub(crate) struct ShowChat {
    /// The list beside the conversation.
    pub(crate) list: ChatList,
    /// The open conversation; `None` for the newest one.
    pub(crate) conversation: Option<ConversationId>,
    /// The page shows the messages before this one.
    pub(crate) before: Option<MessageId>,
    /// The page shows the messages around this one.
    pub(crate) around: Option<MessageId>,
    /// The position at which the list begins.
    pub(crate) cursor: Option<String>,
    /// The effect of the form that has led to this page.
    pub(crate) done: Option<Done>,
}

/// The effect of a form, if the page would not show it otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Done {
    Reported,
}

impl Done {
    /// Returns the value in the page's query.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
        }
    }

    /// Returns the text for the user.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Reported => "The report was sent to the admins.",
        }
    }
}

impl FromFields for ShowChat {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            list: fields.given("list", typed).unwrap_or_default(),
            conversation: fields.optional("conversation", typed),
            before: fields.optional("before", typed),
            around: fields.optional("around", typed),
            cursor: fields.optional("cursor", typed),
            done: fields.optional("done", typed),
        })
    }
}

impl ShowChat {
    /// Returns the path and query of the conversations in the list; `None` for the list of users.
    pub(crate) fn conversations_path(&self) -> Option<String> {
        self.list.conversations().map(|path| self.at_cursor(path))
    }

    /// Returns the path and query of the blocked users.
    pub(crate) fn blocks_path(&self) -> String {
        self.at_cursor(chat_lists::blocks())
    }

    fn at_cursor(&self, path: String) -> String {
        match &self.cursor {
            Some(cursor) => format!("{path}&cursor={}", encoded(cursor)),
            None => path,
        }
    }

    /// Returns the path and query of the messages of a conversation.
    pub(crate) fn messages_path(&self, id: ConversationId) -> String {
        let position = match (self.before, self.around) {
            (Some(before), _) => format!("&before={before}"),
            (None, Some(around)) => format!("&around={around}"),
            (None, None) => String::new(),
        };
        format!("/api/messages/?conversation={id}{position}&tombstones=1&limit={MESSAGES}")
    }
}

/// Returns the cursor in one of the API's links; `None` if it has none.
pub(crate) fn cursor_of(link: &str) -> Option<&str> {
    link.split(['?', '&']).find_map(|pair| pair.strip_prefix("cursor="))
}

/// Returns a text as the value of a parameter.
pub(crate) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
