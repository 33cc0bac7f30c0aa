//! The search in a log: for an earlier copy of a send, and for the tail. It reads and decides nothing else; the append
//! is in `log`.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{SendError, named::Named};
use crate::{
    clock::Clock,
    config::SendLimit,
    ids::{IdempotencyKey, MAX_NUMBER, UserId},
    model::{message::Draft, reactions::Reactions},
    store::{
        Store, StoreError,
        items::{Item, Message},
        ops::Reading,
        table::Span,
    },
};

/// The maximum clock skew between client and server: a message is at most this much older than the time in its
/// idempotency key.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(6);

/// The number of messages that the first query of a look-back reads. Most conversations hold fewer messages of six
/// minutes.
const FIRST_LOOK: usize = 16;

/// The identity of one send, and the clock for the time of its message.
pub(super) struct Send<'a> {
    pub(super) sender: UserId,
    pub(super) draft: &'a Draft,
    pub(super) key: IdempotencyKey,
    pub(super) digest: String,
    pub(super) clock: &'a Clock,
    /// The limit of the sender's messages; `None` for no limit.
    pub(super) limit: Option<SendLimit>,
    /// The items that the message names. The search does not depend on it.
    pub(super) named: Named,
}

/// The end of a log. The send has looked at every number up to this one, from the bound of its look-back on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    pub(super) number: u64,
    pub(super) sent_at: Option<DateTime<Utc>>,
    /// The number since which all messages up to this one are small; `None` if it is not known.
    small_since: Option<u64>,
}

impl Tail {
    /// The end of a log without entries.
    const EMPTY: Self = Self { number: 0, sent_at: None, small_since: None };

    const fn at(message: &Message) -> Self {
        let Message { number, small_since, .. } = *message;
        Self { number, sent_at: Some(message.sent_at), small_since }
    }
}

/// The sender's own messages among all messages that the send has looked at. The send looks at every number before its put,
/// so parallel sends of one user cannot exceed the limit together.
#[derive(Debug)]
pub(super) struct OwnMessages {
    /// The times. They strictly increase in a conversation, so each message has its own.
    sent_at: BTreeSet<DateTime<Utc>>,
    /// The number of own messages at which the limit is reached.
    most: usize,
}

impl OwnMessages {
    /// Returns the own messages of a send that has looked at nothing yet.
    pub(super) fn of(limit: Option<SendLimit>) -> Self {
        Self { sent_at: BTreeSet::new(), most: limit.map_or(usize::MAX, |limit| limit.messages) }
    }

    /// Counts the first page. If 1 MB ended it before the limit, then the limit is the number of its messages.
    fn ended_after(&mut self, messages: usize) {
        self.most = self.most.min(messages.max(1));
    }

    /// Fails if the sender may not send the next message at `now`.
    pub(super) fn check(&self, limit: Option<SendLimit>, now: DateTime<Utc>) -> Result<(), SendError> {
        let oldest = self.sent_at.iter().rev().nth(self.most.saturating_sub(1));
        match oldest.zip(limit).map(|(oldest, limit)| *oldest + limit.window - now) {
            Some(wait) if wait > TimeDelta::zero() => Err(SendError::Limit { wait }),
            _ => Ok(()),
        }
    }
}

/// The result of a search in a log.
pub(super) enum TailSearch {
    /// The log does not contain the send, and ends here.
    Free(Tail),
    /// The log contains the send as this message.
    Found(Box<Message>),
    /// The log ends with the closing entry.
    Closed,
    /// The log has more than 1 MB above the bound.
    TooFar,
}

/// The result of a search in one page, which is read downward.
enum PageSearch {
    /// The page contains neither the send nor the bound. The fields are its highest entry and its lowest number.
    All(Tail, u64),
    /// The page contains the bound and not the send. The field is its highest entry.
    Enough(Tail),
    /// The page contains the send.
    Found(Box<Message>),
    /// The page contains the closing entry.
    Closed,
}

impl PageSearch {
    /// Returns true if the search found nothing and the page ended above `lowest`.
    fn ended_above(&self, lowest: u64) -> bool {
        matches!(self, Self::All(_, reached) if *reached > lowest)
    }
}

impl Send<'_> {
    /// Returns true if `message` is this send.
    fn is(&self, message: &Message) -> bool {
        message.sender == self.sender && message.idempotency_key == self.key
    }

    /// Returns the message at the number after `tail`. Its time is at least 1 µs after the time of the message before
    /// it.
    pub(super) fn message_after(&self, tail: Tail) -> Message {
        let now = self.clock.now();
        let message = Message {
            conversation: self.draft.conversation,
            number: tail.number + 1,
            sender: self.sender,
            body: self.draft.body.clone(),
            sent_at: tail.sent_at.map_or(now, |sent_at| now.max(sent_at + TimeDelta::microseconds(1))),
            idempotency_key: self.key,
            digest: self.digest.clone(),
            revision: 0,
            edits: None,
            thread: self.named.thread,
            mentions: self.named.mentions.clone(),
            reactions: Reactions::default(),
            pinned: false,
            reply_to: self.draft.reply_to.map(|id| id.number),
            metadata: self.draft.metadata.clone(),
            edited_at: None,
            deleted_at: None,
            small_since: None,
            masked: false,
        };
        Message { small_since: message.small_since(tail.small_since), ..message }
    }

    /// Searches a page that was read downward, and adds the sender's messages to `own`. `since` is the earliest possible
    /// time of the send.
    fn look_through(
        &self,
        items: Vec<Item>,
        since: Option<DateTime<Utc>>,
        own: &mut OwnMessages,
    ) -> PageSearch {
        self.count(&items, own);
        let (mut tail, mut lowest) = (None, 0);
        for item in items {
            let message = match item {
                Item::Closed(_) => return PageSearch::Closed,
                Item::Message(message) => message,
                _ => continue,
            };
            if self.is(&message) {
                return PageSearch::Found(Box::new(message));
            }
            let tail = *tail.get_or_insert(Tail::at(&message));
            lowest = message.number;
            // Times strictly increase in a conversation, so no lower number is this send.
            if since.is_some_and(|since| message.sent_at < since) {
                return PageSearch::Enough(tail);
            }
        }
        PageSearch::All(tail.unwrap_or(Tail::EMPTY), lowest)
    }

    fn count<'i>(&self, items: impl IntoIterator<Item = &'i Item>, own: &mut OwnMessages) {
        for item in items {
            if let Item::Message(message) = item
                && message.sender == self.sender
            {
                own.sent_at.insert(message.sent_at);
            }
        }
    }

    /// Returns the number of messages that the first query reads. With a limit, there is room for messages of others
    /// between the sender's own messages.
    fn first_look(&self) -> usize {
        match self.limit {
            Some(limit) => limit.messages + FIRST_LOOK,
            None if self.draft.idempotency_key.is_some() => FIRST_LOOK,
            None => 1,
        }
    }

    /// Returns the meaning of the item that occupies the number of a lost put.
    pub(super) fn look_at_occupant(
        &self,
        number: u64,
        occupant: Option<Item>,
        own: &mut OwnMessages,
    ) -> TailSearch {
        self.count(&occupant, own);
        match occupant {
            Some(Item::Closed(_)) => TailSearch::Closed,
            Some(Item::Message(message)) if self.is(&message) => TailSearch::Found(Box::new(message)),
            Some(Item::Message(message)) => TailSearch::Free(Tail::at(&message)),
            _ => TailSearch::Free(Tail { number, ..Tail::EMPTY }),
        }
    }
}

impl Store {
    /// Searches for the tail and for the send, above the higher of two bounds: the last message that the client had
    /// seen, and the time of the idempotency key. The search reads downward, where it meets no hole, and at most 1 MB.
    pub(super) async fn look_back(
        &self,
        send: &Send<'_>,
        own: &mut OwnMessages,
    ) -> Result<TailSearch, StoreError> {
        let conversation = send.draft.conversation;
        let lowest = send.draft.after.map_or(1, |after| after.number);
        let since = send.draft.idempotency_key.map(|key| key.made_at() - CLOCK_SKEW);
        let limit = send.first_look();
        // The sender's messages count also if the client had seen them.
        let low = if send.limit.is_some() { 1 } else { lowest };
        let first = self
            .query(Span::messages(conversation, low, MAX_NUMBER), Reading::newest_first(Some(limit)))
            .await?;
        if first.more && first.items.len() < limit {
            own.ended_after(first.items.len());
        }
        let (mut look, more) = (send.look_through(first.items, since, own), first.more);
        // DynamoDB reports that there is more after a page that ended at its limit, also at the end of the span.
        if let (&PageSearch::All(tail, reached), true, true) =
            (&look, more && since.is_some(), look.ended_above(lowest))
        {
            let span = Span::messages(conversation, lowest, reached - 1);
            let second = self.query(span, Reading::newest_first(None)).await?;
            look = match send.look_through(second.items, since, own) {
                PageSearch::All(..) if second.more => return Ok(TailSearch::TooFar),
                PageSearch::All(..) | PageSearch::Enough(_) => PageSearch::Enough(tail),
                found => found,
            };
        }
        Ok(match look {
            PageSearch::All(tail, _) | PageSearch::Enough(tail) => TailSearch::Free(tail),
            PageSearch::Found(message) => TailSearch::Found(message),
            PageSearch::Closed => TailSearch::Closed,
        })
    }

    /// Looks at every number above `tail`. The send has already looked at `tail` and the numbers below it.
    pub(super) async fn look_above(
        &self,
        send: &Send<'_>,
        tail: Tail,
        own: &mut OwnMessages,
    ) -> Result<TailSearch, StoreError> {
        let conversation = send.draft.conversation;
        let (mut highest, mut top) = (None, MAX_NUMBER);
        loop {
            let page = self
                .query(Span::messages(conversation, tail.number + 1, top), Reading::newest_first(None))
                .await?;
            match send.look_through(page.items, None, own) {
                PageSearch::Found(message) => return Ok(TailSearch::Found(message)),
                PageSearch::Closed => return Ok(TailSearch::Closed),
                PageSearch::All(found, lowest) => {
                    highest = highest.or((found.number > 0).then_some(found));
                    top = lowest.saturating_sub(1);
                }
                PageSearch::Enough(_) => {}
            }
            if !page.more || top <= tail.number {
                return Ok(TailSearch::Free(highest.unwrap_or(tail)));
            }
        }
    }
}
