//! `GET /api/messages/` without a conversation: all messages that the caller may read. Conversations are in the order
//! of their ids, and each has its newest message first. The list is complete, but a page does a bounded amount of work
//! and may be short.

use std::collections::HashMap;

use shared::{
    App,
    http::{
        Caller, MessageView, Origin, Page, Problem, VisibleUsers,
        page::{List, Owned, bad_cursor, owned_cursor, read_owned_cursor},
    },
    ids::{ConversationId, UserId},
    model::Invalid,
    store::{
        blocks::ViewersBlocks,
        items::{Member, Message},
        messages::{Around, Source},
    },
};
use uuid::Uuid;

/// The number of conversations that one step of a page reads.
const CONVERSATIONS: usize = 10;

/// The maximum number of steps of a page. If they find no messages, the page is empty, and its `next` continues.
const WAVES: usize = 10;

/// The number of bytes, deleted messages included, from which a page reads no further conversation. A conversation adds
/// up to 1 MB of text. An answer of Lambda, in which a quotation mark takes four bytes, may have 6 MB.
const ENOUGH_BYTES: usize = 256 * 1024;

/// The position where a page begins: below a number in a conversation, or at its newest message if the number is 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    conversation: ConversationId,
    below: u64,
}

impl Position {
    pub(crate) fn parse(text: &str) -> Result<Owned<Self>, Invalid> {
        read_owned_cursor(List::Messages, text)?.and_then(Self::read)
    }

    fn read(bytes: [u8; 24]) -> Result<Self, Invalid> {
        let (id, below) = bytes.split_at(16);
        let id = Uuid::from_slice(id).ok().and_then(ConversationId::from_uuid);
        let below = below.try_into().map(u64::from_be_bytes).ok();
        let position = id.zip(below).map(|(conversation, below)| Self { conversation, below });
        position.ok_or_else(bad_cursor)
    }

    fn cursor(self, owner: UserId) -> String {
        let position = [self.conversation.uuid().as_bytes().as_slice(), &self.below.to_be_bytes()].concat();
        owned_cursor(List::Messages, owner.uuid(), &position)
    }

    fn around(self) -> Around {
        if self.below == 0 { Around::Newest } else { Around::Before(self.below) }
    }
}

/// A request for a page of all messages that the caller may read.
#[derive(Debug)]
pub(crate) struct AllMessages {
    /// The position where the page begins; `None` for the beginning of the list.
    pub(crate) cursor: Option<Position>,
    /// The maximum number of messages.
    pub(crate) limit: usize,
    /// True if the page contains tombstones too.
    pub(crate) tombstones: bool,
}

/// A page while it is being filled.
struct PageBuilder {
    messages: Vec<Message>,
    bytes: usize,
    /// The number of messages that can still be added.
    room: usize,
    tombstones: bool,
    /// The caller's memberships of the conversations that were read.
    memberships: Vec<Member>,
}

impl PageBuilder {
    /// Adds the messages of at most [`CONVERSATIONS`] of the caller's conversations, from a position on. Returns the
    /// position where the list continues; `None` at its end.
    async fn add(
        &mut self,
        app: &App,
        user: UserId,
        position: Option<Position>,
    ) -> Result<Option<Position>, Problem> {
        let from = position.map(|position| position.conversation);
        let (ids, more) = app.store.conversations_of(user, from, CONVERSATIONS + 1).await?;
        let (ids, beyond) = ids.split_at(ids.len().min(CONVERSATIONS));
        let (memberships, blocks) = app.store.memberships_and_blocks(user, ids).await?;
        let bases: HashMap<_, _> =
            memberships.iter().map(|member| (member.conversation, member.base)).collect();
        self.memberships.extend(memberships);
        for id in ids {
            // Another request may have removed the caller's membership since the list was read. Then the conversation
            // is left out.
            let Some(base) = bases.get(id) else { continue };
            let start = position.filter(|position| position.conversation == *id);
            let start = start.unwrap_or(Position { conversation: *id, below: 0 });
            if self.room == 0 || self.bytes > ENOUGH_BYTES {
                return Ok(Some(start));
            }
            let source = Source { base: *base, tombstones: self.tombstones, ..Source::of(*id) };
            if let Some(below) = self.add_from(app, source, start, &blocks).await? {
                return Ok(Some(Position { conversation: *id, below }));
            }
        }
        let next = beyond.first().filter(|_| more || !beyond.is_empty());
        Ok(next.map(|id| Position { conversation: *id, below: 0 }))
    }

    /// Adds messages of one conversation. Returns the number below which it has more; `None` if it has no more.
    async fn add_from(
        &mut self,
        app: &App,
        source: Source,
        start: Position,
        blocks: &ViewersBlocks,
    ) -> Result<Option<u64>, Problem> {
        let Some(mut page) = app.store.messages(source, start.around(), self.room).await? else {
            return Ok(None);
        };
        blocks.mask(&mut page.messages);
        self.bytes += page.bytes_read;
        self.room -= page.messages.len();
        self.messages.extend(page.messages.into_iter().rev());
        Ok(page.older)
    }
}

/// Returns a page of all messages that the caller may read.
pub async fn page(
    app: &App,
    caller: &Caller,
    origin: &Origin,
    query: &AllMessages,
) -> Result<Page<MessageView>, Problem> {
    let mut position = query.cursor;
    let (messages, room, tombstones) = (Vec::new(), query.limit, query.tombstones);
    let mut filling = PageBuilder { messages, bytes: 0, room, tombstones, memberships: Vec::new() };
    // If no message of a step is visible, the next step continues after its conversations.
    for _ in 0..WAVES {
        position = filling.add(app, caller.user, position).await?;
        if position.is_none() || !filling.messages.is_empty() || filling.bytes > ENOUGH_BYTES {
            break;
        }
    }
    let PageBuilder { messages, memberships, .. } = filling;
    let senders = messages.iter().map(|message| (message.conversation, message.sender));
    let role = caller.role(app).await?;
    let visible_users =
        VisibleUsers::seen_by(caller).of_role(role).members(&memberships).find_senders(app, senders).await?;
    let results = messages.into_iter().map(|message| MessageView::new(message, &visible_users)).collect();
    let tombstones = if query.tombstones { "&tombstones=1" } else { "" };
    let link = |position: Position| {
        let (limit, cursor) = (query.limit, position.cursor(caller.user));
        origin.link(&format!("/api/messages/?limit={limit}{tombstones}&cursor={cursor}"))
    };
    Ok(Page { next: position.map(link), previous: None, results })
}
