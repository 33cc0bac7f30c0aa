//! The forms of the chat page, and the request of the API that each of them stands for. The browser can submit a form
//! twice: each of these requests can be repeated.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::{
    http::{Fields, FromFields, RequestBody, typed},
    ids::{ConversationId, IdempotencyKey, MessageId, UserId},
    model::{conversation::ConversationKind, report::Reason},
};

use crate::{chat_lists::ChatList, chat_query::Done};

/// A form of the page.
#[derive(Debug)]
pub(crate) struct ChatForm {
    pub(crate) conversation: ConversationId,
    /// The list beside the conversation.
    pub(crate) list: ChatList,
    /// The idempotency key. It is created with the page, so that a form takes effect once, even if it is submitted several
    /// times.
    pub(crate) client_id: Option<IdempotencyKey>,
    pub(crate) action: Action,
}

/// The action of a form with its fields.
#[derive(Debug)]
pub(crate) enum Action {
    Send {
        message_body: String,
        after: Option<MessageId>,
    },
    /// Marks everything up to the message as read.
    MarkRead(MessageId),
    Accept,
    /// Leaves a group, or hides a direct conversation.
    Decline(ConversationKind),
    Archive,
    Unarchive,
    Mute,
    Unmute,
    /// Reports a message, or else the conversation.
    Report {
        message: Option<MessageId>,
        reason: Reason,
        comment: String,
    },
}

/// The field `action`. The forms that send a message and set the read mark have no such field.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ActionName {
    Accept,
    Decline,
    Archive,
    Unarchive,
    Mute,
    Unmute,
    Report,
}

impl FromFields for ChatForm {
    fn read(fields: &mut Fields) -> Option<Self> {
        let conversation = fields.required("conversation", typed);
        let list = fields.given("list", typed).unwrap_or_default();
        let client_id = fields.optional("client_id", typed);
        let name = fields.optional("action", typed);
        let action = match name {
            None => Some(Action::of_message(fields)),
            Some(ActionName::Accept) => Some(Action::Accept),
            Some(ActionName::Decline) => fields.required("kind", typed).map(Action::Decline),
            Some(ActionName::Archive) => Some(Action::Archive),
            Some(ActionName::Unarchive) => Some(Action::Unarchive),
            Some(ActionName::Mute) => Some(Action::Mute),
            Some(ActionName::Unmute) => Some(Action::Unmute),
            Some(ActionName::Report) => Action::report(fields),
        };
        Some(Self { conversation: conversation?, list, client_id, action: action? })
    }
}

impl RequestBody for ChatForm {}

impl Action {
    fn of_message(fields: &mut Fields) -> Self {
        let message_body = fields.given("message_body", typed).unwrap_or_default();
        let after = fields.optional("after", typed);
        let read = fields.optional("read", typed);
        read.map_or(Self::Send { message_body, after }, Self::MarkRead)
    }

    fn report(fields: &mut Fields) -> Option<Self> {
        let message = fields.optional("message", typed);
        let reason = fields.required("reason", typed);
        let comment = fields.given("comment", typed).unwrap_or_default();
        Some(Self::Report { message, reason: reason?, comment })
    }
}

/// A request of the API: the method, the path, and the body.
pub(crate) type ApiRequest = (Method, String, Option<Value>);

impl ChatForm {
    /// Returns the request that has the effect of the form.
    pub(crate) fn request(&self, caller: UserId) -> ApiRequest {
        let conversation = |rest: &str| format!("/api/conversations/{}/{rest}", self.conversation);
        match &self.action {
            Action::Send { message_body, after } => {
                (Method::POST, "/api/messages/".to_owned(), Some(self.message(message_body, *after)))
            }
            Action::MarkRead(message) => {
                (Method::PUT, conversation("read/"), Some(json!({ "message": message })))
            }
            Action::Accept => (Method::POST, conversation("accept/"), None),
            Action::Decline(ConversationKind::Group) => {
                (Method::DELETE, conversation(&format!("participants/{caller}/")), None)
            }
            Action::Decline(ConversationKind::Direct) => (Method::DELETE, conversation(""), None),
            Action::Archive => (Method::PUT, conversation("archive/"), None),
            Action::Unarchive => (Method::DELETE, conversation("archive/"), None),
            Action::Mute => (Method::PUT, conversation("mute/"), None),
            Action::Unmute => (Method::DELETE, conversation("mute/"), None),
            Action::Report { message, reason, comment } => {
                let report = self.report(*message, *reason, comment);
                (Method::POST, "/api/reports/".to_owned(), Some(report))
            }
        }
    }

    fn message(&self, message_body: &str, after: Option<MessageId>) -> Value {
        let mut message = json!({ "conversation": self.conversation, "message_body": message_body });
        if let Some(after) = after {
            message["after"] = after.to_string().into();
        }
        self.with_key(message)
    }

    fn report(&self, message: Option<MessageId>, reason: Reason, comment: &str) -> Value {
        let mut report = json!({ "reason": reason, "comment": comment });
        match message {
            Some(message) => report["message"] = message.to_string().into(),
            None => report["conversation"] = self.conversation.to_string().into(),
        }
        self.with_key(report)
    }

    fn with_key(&self, mut body: Value) -> Value {
        if let Some(key) = self.client_id {
            body["client_id"] = key.uuid().to_string().into();
        }
        body
    }

    /// Returns the path of the page that follows the form.
    pub(crate) fn next(&self) -> String {
        let conversation = format!("conversation={}", self.conversation);
        match &self.action {
            Action::Decline(_) => ChatList::Requests.href(),
            Action::Archive => ChatList::Inbox.href(),
            Action::Accept | Action::Unarchive => format!("/?{conversation}"),
            Action::Report { .. } => {
                format!("{}{conversation}&done={}", self.list.href_with(), Done::Reported.as_str())
            }
            _ => format!("{}{conversation}", self.list.href_with()),
        }
    }
}
