//! The append: a conversation is a write-once log, and a send is one conditional put at its first free number. The proof
//! that a retried send is never doubled is that every number above the look-back's bound has been looked at, in a query
//! or as the occupant of a lost put, before the put that succeeds.

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::try_join;

use super::{
    Store, StoreError,
    backoff::Backoff,
    items::{Item, Member, Message, User},
    ops::{ABSENT, Consistency, Expression, Reading, Written},
    table::{Key, Span},
};
use crate::{
    clock::Clock,
    ids::{ConversationId, IdempotencyKey, MAX_NUMBER, UserId},
    model::message::Draft,
};

/// A send may stand in the log from this long before the time that its key tells: what server and client clocks differ.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(6);

/// How many messages the first query of a look-back reads: more than most conversations hold of six minutes.
const FIRST_LOOK: usize = 16;

/// What became of a send.
#[derive(Debug)]
pub enum Appended {
    /// It stands in the log now.
    New(Message, User),
    /// It stood there already: what became of it since.
    Earlier(Message, User),
    /// The conversation is none of the sender's.
    NoSuchConversation,
    /// The message that it answers is not in the conversation.
    NoSuchReplyTarget,
    /// The message that it was written after is not in the conversation.
    NoSuchPredecessor,
    /// Another request was sent under this key before.
    KeyReused,
    /// The key is from so long ago that whether it was sent cannot be told at bounded cost.
    OutcomeUnknown,
}

/// What identifies one send.
struct Send<'a> {
    sender: UserId,
    draft: &'a Draft,
    key: IdempotencyKey,
    digest: String,
    clock: &'a Clock,
}

/// The log as far as it has been looked at: every number up to `tail`, from the bound of the look-back on.
#[derive(Debug, Clone, Copy)]
struct Tail {
    number: u64,
    sent_at: Option<DateTime<Utc>>,
}

/// What looking at the log found.
enum TailSearch {
    /// Not this send; the log ends here.
    Free(Tail),
    /// This send.
    Found(Message),
    /// The closing entry.
    Closed,
    /// More of the log than may be read stands above the bound.
    TooFar,
}

impl Send<'_> {
    fn is(&self, message: &Message) -> bool {
        message.sender == self.sender && message.idempotency_key == self.key
    }

    /// The answer to a send that stands in the log already.
    fn found(&self, message: Message, sender: User) -> Appended {
        if message.digest == self.digest { Appended::Earlier(message, sender) } else { Appended::KeyReused }
    }

    /// The message at the number behind `tail`, its time strictly after the one before it.
    fn message_after(&self, tail: Tail) -> Message {
        let now = self.clock.now();
        Message {
            conversation: self.draft.conversation,
            number: tail.number + 1,
            sender: self.sender,
            body: self.draft.body.clone(),
            sent_at: tail.sent_at.map_or(now, |sent_at| now.max(sent_at + TimeDelta::microseconds(1))),
            idempotency_key: self.key,
            digest: self.digest.clone(),
            revision: 0,
            reply_to: self.draft.reply_to.map(|id| id.number),
            metadata: self.draft.metadata.clone(),
            edited_at: None,
            deleted_at: None,
        }
    }
}

impl Store {
    /// Sends a message: two round trips when nobody else writes.
    ///
    /// Death or failure before the put leaves nothing; behind it the message stands, and a retry with the same key finds
    /// it. `made_key` is the key that the server made for a send without one; such a send looks back not at all.
    pub async fn append_message(
        &self,
        sender: UserId,
        draft: &Draft,
        made_key: IdempotencyKey,
        clock: &Clock,
    ) -> Result<Appended, StoreError> {
        let key = draft.idempotency_key.unwrap_or(made_key);
        let send = Send { sender, draft, key, digest: draft.digest(), clock };
        let (standing, look) =
            try_join(self.standing(draft.conversation, sender), self.look_back(&send)).await?;
        let Some((member, profile)) = standing else {
            return Ok(Appended::NoSuchConversation);
        };
        let tail = match look {
            TailSearch::Free(tail) => tail,
            TailSearch::Found(message) => return Ok(send.found(message, profile)),
            TailSearch::Closed => return Ok(Appended::NoSuchConversation),
            TailSearch::TooFar => return Ok(Appended::OutcomeUnknown),
        };
        if draft.after.is_some_and(|after| after.number > tail.number) {
            return Ok(Appended::NoSuchPredecessor);
        }
        if draft.reply_to.is_some_and(|id| id.number > tail.number || id.number <= member.base) {
            return Ok(Appended::NoSuchReplyTarget);
        }
        self.put_behind(&send, tail, profile).await
    }

    /// Who may write here: membership and open account, strongly consistent, in one request.
    async fn standing(
        &self,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Option<(Member, User)>, StoreError> {
        let keys = vec![Key::member(conversation, user), Key::user(user)];
        let (mut member, mut profile) = (None, None);
        for item in self.batch_get(keys, Consistency::Strong).await? {
            match item {
                Item::Member(found) => member = Some(found),
                Item::User(found) => profile = Some(found).filter(|user| user.closed_at.is_none()),
                _ => {}
            }
        }
        Ok(member.zip(profile))
    }

    /// Puts the message at the first free number. The put's condition closes the race between writers: one of those who
    /// saw the same tail gets the number, the others get its occupant. A put that took effect but was answered with a
    /// failure meets its own message when it is repeated, by the SDK or by us.
    async fn put_behind(&self, send: &Send<'_>, tail: Tail, profile: User) -> Result<Appended, StoreError> {
        let mut backoff = Backoff::new(&self.random);
        let (mut tail, mut lost_before) = (tail, false);
        loop {
            let message = send.message_after(tail);
            if message.number > MAX_NUMBER {
                return Err(StoreError::corrupt("MSG", "a conversation is full"));
            }
            let mut look =
                match self.put(&Item::Message(message.clone()), Expression::condition(ABSENT)).await {
                    Ok(Written::Done(_)) => return Ok(Appended::New(message, profile)),
                    Ok(Written::Refused(occupant)) => send.look_at_occupant(message.number, occupant),
                    // A loss too: a transaction is closing this very number.
                    Err(StoreError::Contention) => TailSearch::Free(tail),
                    Err(error) => return Err(error),
                };
            if let (TailSearch::Free(seen), true) = (&look, lost_before) {
                backoff.lose().await?;
                look = self.look_again(send, *seen).await?;
            }
            lost_before = true;
            tail = match look {
                TailSearch::Free(tail) => tail,
                TailSearch::Found(message) => return Ok(send.found(message, profile)),
                TailSearch::Closed | TailSearch::TooFar => return Ok(Appended::NoSuchConversation),
            };
        }
    }

    /// Whether the sender may still write, and every number above the last one looked at; as if closed if not.
    async fn look_again(&self, send: &Send<'_>, tail: Tail) -> Result<TailSearch, StoreError> {
        let standing = self.standing(send.draft.conversation, send.sender);
        let (standing, look) = try_join(standing, self.look_above(send, tail)).await?;
        Ok(if standing.is_some() { look } else { TailSearch::Closed })
    }

    /// The tail, and whether this send stands anywhere above the higher of two bounds: the message that the client had
    /// seen, and the time of its key. Reads downward, so that it sees no hole; at most 1 MB.
    async fn look_back(&self, send: &Send<'_>) -> Result<TailSearch, StoreError> {
        let conversation = send.draft.conversation;
        let lowest = send.draft.after.map_or(1, |after| after.number);
        let since = send.draft.idempotency_key.map(|key| key.made_at() - CLOCKS_DIFFER);
        let limit = if since.is_some() { FIRST_LOOK } else { 1 };
        let first = self
            .query(Span::messages(conversation, lowest, MAX_NUMBER), Reading::newest_first(Some(limit)))
            .await?;
        let (mut look, more) = (send.look_through(first.items, since), first.more);
        // A page that its limit ended says that there is more, also at the end of the span.
        if let (&Seen::All(tail, reached), true, true) =
            (&look, more && since.is_some(), reached_above(&look, lowest))
        {
            let span = Span::messages(conversation, lowest, reached - 1);
            let second = self.query(span, Reading::newest_first(None)).await?;
            look = match send.look_through(second.items, since) {
                Seen::All(..) if second.more => return Ok(TailSearch::TooFar),
                Seen::All(..) | Seen::Enough(_) => Seen::Enough(tail),
                found => found,
            };
        }
        Ok(match look {
            Seen::All(tail, _) | Seen::Enough(tail) => TailSearch::Free(tail),
            Seen::Found(message) => TailSearch::Found(message),
            Seen::Closed => TailSearch::Closed,
        })
    }

    /// Looks at every number above `tail`, which has been looked at.
    async fn look_above(&self, send: &Send<'_>, tail: Tail) -> Result<TailSearch, StoreError> {
        let conversation = send.draft.conversation;
        let (mut highest, mut top) = (None, MAX_NUMBER);
        loop {
            let page = self
                .query(Span::messages(conversation, tail.number + 1, top), Reading::newest_first(None))
                .await?;
            match send.look_through(page.items, None) {
                Seen::Found(message) => return Ok(TailSearch::Found(message)),
                Seen::Closed => return Ok(TailSearch::Closed),
                Seen::All(found, lowest) => {
                    highest = highest.or((found.number > 0).then_some(found));
                    top = lowest.saturating_sub(1);
                }
                Seen::Enough(_) => {}
            }
            if !page.more || top <= tail.number {
                return Ok(TailSearch::Free(highest.unwrap_or(tail)));
            }
        }
    }
}

/// Whether a look that found nothing ended above its bound.
fn reached_above(look: &Seen, lowest: u64) -> bool {
    matches!(look, Seen::All(_, reached) if *reached > lowest)
}

/// What looking through one page found.
enum Seen {
    /// Everything on the page: its highest entry, and the lowest number. The bound is below.
    All(Tail, u64),
    /// The bound.
    Enough(Tail),
    /// This send.
    Found(Message),
    /// The closing entry.
    Closed,
}

impl Send<'_> {
    /// Looks through a page that was read downward.
    fn look_through(&self, items: Vec<Item>, since: Option<DateTime<Utc>>) -> Seen {
        let (mut tail, mut lowest) = (None, 0);
        for item in items {
            let message = match item {
                Item::Closed(_) => return Seen::Closed,
                Item::Message(message) => message,
                _ => continue,
            };
            if self.is(&message) {
                return Seen::Found(message);
            }
            let here = Tail { number: message.number, sent_at: Some(message.sent_at) };
            let tail = *tail.get_or_insert(here);
            lowest = message.number;
            // Times increase strictly inside a conversation: nothing below can be this send.
            if since.is_some_and(|since| message.sent_at < since) {
                return Seen::Enough(tail);
            }
        }
        Seen::All(tail.unwrap_or(Tail { number: 0, sent_at: None }), lowest)
    }

    /// Looks at what took the number that a put was for.
    fn look_at_occupant(&self, number: u64, occupant: Option<Item>) -> TailSearch {
        match occupant {
            Some(Item::Closed(_)) => TailSearch::Closed,
            Some(Item::Message(message)) if self.is(&message) => TailSearch::Found(message),
            Some(Item::Message(message)) => TailSearch::Free(Tail { number, sent_at: Some(message.sent_at) }),
            _ => TailSearch::Free(Tail { number, sent_at: None }),
        }
    }
}
