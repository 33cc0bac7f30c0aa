//! The query of the chat page, and the queries that the page sends to the API. Nothing is read here.

use shared::{
    http::{Fields, FromFields, typed},
    ids::{ConversationId, MessageId},
};

/// The number of conversations on a page of the inbox.
const INBOX: usize = 20;
/// The number of messages of the first view, which stays small.
const MESSAGES: usize = 30;

/// The query of the chat page.
#[derive(Debug, Default)]
pub(crate) struct ShowChat {
    /// The open conversation; `None` for the newest one.
    pub(crate) conversation: Option<ConversationId>,
    /// The page shows the messages before this one.
    pub(crate) before: Option<MessageId>,
    /// The page shows the messages around this one.
    pub(crate) around: Option<MessageId>,
    /// The position at which the inbox begins.
    pub(crate) cursor: Option<String>,
}

impl FromFields for ShowChat {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            conversation: fields.optional("conversation", typed),
            before: fields.optional("before", typed),
            around: fields.optional("around", typed),
            cursor: fields.optional("cursor", typed),
        })
    }
}

impl ShowChat {
    /// Returns the path and query of the inbox.
    pub(crate) fn inbox_path(&self) -> String {
        let cursor = self.cursor.as_ref().map(|cursor| format!("&cursor={}", encoded(cursor)));
        format!("/api/conversations/?limit={INBOX}&messages=0{}", cursor.unwrap_or_default())
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
