//! The values in the templates of the chat page: texts made from representations. This module makes no requests.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use shared::{
    ids::{ConversationId, MessageId, UserId},
    model::{conversation::ConversationKind, report::Reason},
};

use crate::{
    chat_data::{Block, Conversation, Message, User},
    chat_lists::ChatList,
};

/// The minimum pause before a new group of messages. The script uses the same value.
const GROUP: TimeDelta = TimeDelta::minutes(5);

/// The maximum length of a preview or quotation, in characters.
const HINT: usize = 160;

/// The avatar of a user or conversation: initials, and a colour that depends only on the id.
#[derive(Debug, Default)]
pub(crate) struct Avatar {
    pub(crate) initials: String,
    pub(crate) hue: u8,
}

impl Avatar {
    fn new(title: &str, id: uuid::Uuid) -> Self {
        let words = title.split_whitespace().filter_map(|word| word.chars().next());
        let letters = words.filter(|first| first.is_alphanumeric()).take(2);
        let initials = letters.flat_map(char::to_uppercase).collect();
        Self { initials, hue: id.as_bytes()[0] % 8 }
    }
}

/// A time, for machines and for people. It is in UTC, because only the script knows the user's time zone.
#[derive(Debug, Default)]
pub(crate) struct DisplayTime {
    pub(crate) iso: String,
    pub(crate) clock: String,
    pub(crate) date: String,
}

impl From<DateTime<Utc>> for DisplayTime {
    fn from(time: DateTime<Utc>) -> Self {
        Self {
            iso: time.to_rfc3339_opts(SecondsFormat::Micros, true),
            clock: time.format("%H:%M").to_string(),
            date: time.format("%-d %b").to_string(),
        }
    }
}

/// An entry of the inbox.
#[derive(Debug, Default)]
pub(crate) struct InboxItem {
    pub(crate) id: String,
    pub(crate) href: String,
    pub(crate) current: bool,
    pub(crate) muted: bool,
    pub(crate) avatar: Avatar,
    pub(crate) title: String,
    pub(crate) preview: String,
    pub(crate) time: DisplayTime,
    pub(crate) unread: Option<String>,
}

impl InboxItem {
    pub(crate) fn new(
        conversation: &Conversation,
        viewer: UserId,
        list: ChatList,
        current: Option<ConversationId>,
    ) -> Self {
        let (id, newest) = (conversation.conversation_id, conversation.last_message.as_ref());
        Self {
            id: id.to_string(),
            href: format!("{}conversation={id}", list.href_with()),
            current: current == Some(id),
            muted: conversation.muted,
            avatar: avatar(conversation, viewer),
            title: conversation.title(viewer),
            preview: newest.map_or_else(
                || "No messages yet".to_owned(),
                |message| preview(message, viewer, conversation.kind),
            ),
            time: newest.map_or(conversation.created_at, |message| message.sent_at).into(),
            unread: (conversation.unread > 0).then(|| {
                format!("{}{}", conversation.unread, if conversation.unread_more { "+" } else { "" })
            }),
        }
    }

    /// Returns an entry with empty values for all parts, which the script copies and fills.
    pub(crate) fn blank() -> Self {
        Self { unread: Some(String::new()), muted: true, ..Self::default() }
    }
}

/// An entry of the list of blocked users.
#[derive(Debug)]
pub(crate) struct BlockedItem {
    pub(crate) id: UserId,
    pub(crate) name: String,
    pub(crate) avatar: Avatar,
}

impl BlockedItem {
    /// Creates the entry; `None` if the user no longer exists.
    pub(crate) fn new(block: &Block) -> Option<Self> {
        let user = block.user.as_ref()?;
        let name = user.name();
        Some(Self { id: user.user_id, avatar: Avatar::new(&name, user.user_id.uuid()), name })
    }
}

/// The reasons of a report with their texts, in the order of the page.
pub(crate) const REASONS: [(Reason, &str); 9] = [
    (Reason::Spam, "Unwanted advertising"),
    (Reason::Harassment, "Insults or threats"),
    (Reason::Hate, "Hate against a group of people"),
    (Reason::Violence, "Violence"),
    (Reason::Sexual, "Sexual content"),
    (Reason::SelfHarm, "Self-harm or suicide"),
    (Reason::Illegal, "Illegal content"),
    (Reason::Impersonation, "Pretending to be another person"),
    (Reason::Other, "Another reason"),
];

/// Returns the avatar of a conversation: in a direct conversation, that of the other participant.
pub(crate) fn avatar(conversation: &Conversation, viewer: UserId) -> Avatar {
    let title = conversation.title(viewer);
    match (conversation.kind, conversation.others(viewer).next()) {
        (ConversationKind::Direct, Some(other)) => Avatar::new(&title, other.user_id.uuid()),
        _ => Avatar::new(&title, conversation.conversation_id.uuid()),
    }
}

fn preview(last: &Message, viewer: UserId, kind: ConversationKind) -> String {
    let text = hint(last.shown_text());
    match (&last.sender, kind) {
        _ if last.is_by(viewer) => format!("You: {text}"),
        (Some(User { first_name, .. }), ConversationKind::Group) if !first_name.is_empty() => {
            format!("{first_name}: {text}")
        }
        (_, ConversationKind::Group) => format!("{}: {text}", last.sender_name()),
        (_, ConversationKind::Direct) => text,
    }
}

/// Returns the first [`HINT`] characters of a text.
fn hint(text: &str) -> String {
    text.chars().take(HINT).collect()
}

/// Returns the text below the title: the email address of the other participant, or the names of a group's
/// participants.
pub(crate) fn with(conversation: &Conversation, viewer: UserId) -> String {
    match conversation.kind {
        ConversationKind::Direct => {
            conversation.others(viewer).find_map(|user| user.email.clone()).unwrap_or_default()
        }
        ConversationKind::Group => {
            let mut names: Vec<String> = conversation.others(viewer).map(User::name).collect();
            names.push("you".to_owned());
            let rest = conversation.participant_count.saturating_sub(conversation.participants.len());
            if rest > 0 {
                names.push(format!("{rest} more"));
            }
            names.join(", ")
        }
    }
}

/// A quotation of the message that another message answers.
#[derive(Debug, Default)]
pub(crate) struct Quote {
    pub(crate) href: String,
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Quote {
    /// Creates the quotation; a deleted message is replaced by a note.
    fn new(id: MessageId, answered: Option<&Message>) -> Self {
        let shown = answered.filter(|message| message.deleted_at.is_none());
        Self {
            href: format!("/?conversation={}&around={id}#m-{id}", id.conversation),
            name: shown.map(Message::sender_name).unwrap_or_default(),
            text: shown.map_or_else(|| "A deleted message".to_owned(), |message| hint(message.shown_text())),
        }
    }
}

/// A message of the open conversation, for the template.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one question of the template")]
pub(crate) struct MessageItem {
    pub(crate) id: String,
    pub(crate) sender: String,
    pub(crate) name: String,
    pub(crate) avatar: Avatar,
    pub(crate) own: bool,
    /// True for the first message of a group, which shows its sender.
    pub(crate) first: bool,
    /// The date, for the first message of a day.
    pub(crate) day: Option<String>,
    /// True for the first message that the viewer has not read.
    pub(crate) fresh: bool,
    pub(crate) time: DisplayTime,
    pub(crate) edited: bool,
    pub(crate) deleted: bool,
    /// True if the text is a note, because the message was deleted or its sender is blocked.
    pub(crate) gone: bool,
    pub(crate) quote: Option<Quote>,
    pub(crate) text: String,
    pub(crate) revision: u64,
}

impl MessageItem {
    fn new(message: &Message, viewer: UserId, answered: &[Message]) -> Self {
        let deleted = message.deleted_at.is_some();
        let sender = message.sender.as_ref().map(|sender| sender.user_id);
        let name = message.sender_name();
        let find = |id| answered.iter().find(|answered| answered.message_id == id);
        Self {
            id: message.message_id.to_string(),
            sender: sender.map(|id| id.to_string()).unwrap_or_default(),
            avatar: Avatar::new(&name, sender.map(UserId::uuid).unwrap_or_default()),
            name,
            own: message.is_by(viewer),
            time: message.sent_at.into(),
            edited: message.edited_at.is_some() && !deleted,
            deleted,
            gone: deleted || message.masked,
            quote: message.reply_to.filter(|_| !deleted).map(|id| Quote::new(id, find(id))),
            text: message.shown_text().to_owned(),
            revision: message.revision,
            ..Self::default()
        }
    }

    /// Returns a message with empty values for all parts, which the script copies and fills.
    pub(crate) fn blank() -> Self {
        Self { edited: true, quote: Some(Quote::default()), ..Self::default() }
    }
}

/// Returns messages in reading order, divided by day and group. The newest `unread` messages of others are new.
/// `answered` contains the messages that some of them answer.
pub(crate) fn conversation_of(
    messages: &[Message],
    answered: &[Message],
    viewer: UserId,
    unread: usize,
) -> Vec<MessageItem> {
    let fresh = first_unread(messages, viewer, unread);
    let mut earlier: Option<&Message> = None;
    let mut items = Vec::with_capacity(messages.len());
    for message in messages {
        let day = message.sent_at.date_naive();
        let same_day = earlier.is_some_and(|earlier| earlier.sent_at.date_naive() == day);
        let near = earlier.is_some_and(|earlier| {
            earlier.sender.as_ref().map(|sender| sender.user_id)
                == message.sender.as_ref().map(|sender| sender.user_id)
                && message.sent_at - earlier.sent_at < GROUP
        });
        let fresh = fresh == Some(message.message_id);
        items.push(MessageItem {
            first: !(same_day && near) || fresh,
            day: (!same_day).then(|| day.format("%-d %B %Y").to_string()),
            fresh,
            ..MessageItem::new(message, viewer, answered)
        });
        earlier = Some(message);
    }
    items
}

/// Returns the first unread message; `None` if it is before this page or there is none.
fn first_unread(messages: &[Message], viewer: UserId, unread: usize) -> Option<MessageId> {
    let counted =
        |message: &&Message| !message.is_by(viewer) && message.deleted_at.is_none() && !message.masked;
    let place = unread.checked_sub(1)?;
    messages.iter().rev().filter(counted).nth(place).map(|message| message.message_id)
}

#[cfg(test)]
mod tests;
