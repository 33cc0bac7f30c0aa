//! `GET /api/messages/` without a conversation: everything that the caller may read, conversation by conversation in the
//! order of the table's own list, newest first in each. It is complete; a page does bounded work and may be short.

use std::collections::HashMap;

use shared::{
    App,
    http::{
        Caller, MessageView, Origin, Page, People, Problem,
        page::{List, bad_cursor, cursor, read_cursor},
    },
    ids::ConversationId,
    model::Invalid,
    store::messages::Around,
};
use uuid::Uuid;

use crate::list::ListMessages;

/// Most conversations that one page looks into.
const CONVERSATIONS: usize = 10;

/// A page looks into no further conversation behind so much text: the next one may add 1 MB, and an answer of Lambda, where
/// a quotation mark takes four bytes, ends at 6 MB.
const ENOUGH_BYTES: usize = 256 * 1024;

/// Where a page begins: in a conversation, below a number; 0 for its newest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    conversation: ConversationId,
    below: u64,
}

impl Position {
    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        let bytes: [u8; 24] = read_cursor(List::Messages, text)?;
        let (id, below) = bytes.split_at(16);
        let id = Uuid::from_slice(id).ok().and_then(ConversationId::from_uuid);
        let below = below.try_into().map(u64::from_be_bytes).ok();
        let position = id.zip(below).map(|(conversation, below)| Self { conversation, below });
        position.ok_or_else(bad_cursor)
    }

    fn text(self) -> String {
        cursor(
            List::Messages,
            &[self.conversation.uuid().as_bytes().as_slice(), &self.below.to_be_bytes()].concat(),
        )
    }

    fn around(self) -> Around {
        if self.below == 0 { Around::Newest } else { Around::Before(self.below) }
    }
}

/// A page of everything.
pub async fn page(
    app: &App,
    caller: &Caller,
    origin: &Origin,
    query: &ListMessages,
) -> Result<Page<MessageView>, Problem> {
    let position = query.cursor;
    let from = position.map(|position| position.conversation);
    let (ids, more) = app.store.conversations_of(caller.user, from, CONVERSATIONS + 1).await?;
    let (ids, beyond) = ids.split_at(ids.len().min(CONVERSATIONS));
    let memberships = app.store.memberships(caller.user, ids).await?;
    let bases: HashMap<_, _> = memberships.iter().map(|member| (member.conversation, member.base)).collect();
    let mut next = beyond
        .first()
        .filter(|_| more || !beyond.is_empty())
        .map(|id| Position { conversation: *id, below: 0 });
    let (mut messages, mut bytes) = (Vec::new(), 0);
    for id in ids {
        // No membership any more: removed since the list was read.
        let Some(base) = bases.get(id) else { continue };
        let limit = query.limit.0 - messages.len();
        let start = position.filter(|position| position.conversation == *id);
        let around = start.map_or(Around::Newest, Position::around);
        if limit == 0 || bytes > ENOUGH_BYTES {
            next = Some(Position { conversation: *id, below: 0 });
            break;
        }
        let Some(page) = app.store.messages(*id, *base, around, limit).await? else {
            continue;
        };
        bytes += page.bytes();
        let lowest = page.messages.first().map(|message| message.number);
        messages
            .extend(page.messages.into_iter().rev().filter(|m| query.tombstones || m.deleted_at.is_none()));
        if let Some(below) = lowest.filter(|_| page.older) {
            next = Some(Position { conversation: *id, below });
            break;
        }
    }
    let senders = messages.iter().map(|message| (message.conversation, message.sender));
    let people = People::seen_by(caller).find_senders(app, senders).await?;
    let results = messages.into_iter().map(|message| MessageView::new(message, &people)).collect();
    let tombstones = if query.tombstones { "&tombstones=1" } else { "" };
    let link = |position: Position| {
        let (limit, cursor) = (query.limit.0, position.text());
        origin.link(&format!("/api/messages/?limit={limit}{tombstones}&cursor={cursor}"))
    };
    Ok(Page { next: next.map(link), previous: None, results })
}
