//! The append. A conversation is a write-once log, and a send is one conditional put at the first free number. Before
//! the put that succeeds, a send looks at every number above the bound of its look-back, in a query or as the occupant
//! of a lost put. This is the proof that a retried send is never doubled. The search itself is in `search`.

mod named;
mod search;
mod unanswered;

use chrono::TimeDelta;
use futures::future::try_join;

pub(super) use self::unanswered::is_too_large;
pub use self::unanswered::{UNANSWERED_BYTES, UNANSWERED_MESSAGES};
use self::{
    named::Named,
    search::{OwnMessages, Send, Tail, TailSearch},
    unanswered::NumberLimit,
};
use super::{
    Store, StoreError,
    backoff::Backoff,
    items::{Item, Member, Message, User},
    ops::{ABSENT, Expression, Written},
    table::Key,
};
use crate::{
    clock::Clock,
    config::SendLimit,
    ids::{ConversationId, IdempotencyKey, UserId},
    model::message::Draft,
};

/// A message in the log, with the profile of its sender.
#[derive(Debug)]
pub struct Sent {
    /// The message: as it was sent if it is new, and in its present state otherwise.
    pub message: Message,
    /// The profile of its sender.
    pub sender: User,
    /// True if this send put the message; false if an earlier try did.
    pub is_new: bool,
}

/// The reason why a message is not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The sender has no open conversation with this id.
    #[error("no such conversation")]
    NoSuchConversation,
    /// Messages that the send names are not in the conversation. At least one of the fields is true.
    #[error("a message that the send names is not in the conversation")]
    NoSuchMessages {
        /// The message to which it replies.
        reply_to: bool,
        /// The last message that the client had seen.
        after: bool,
    },
    /// The sender sent another message under this idempotency key.
    #[error("the idempotency key was used for another message")]
    KeyReused,
    /// The idempotency key is so old that a search for an earlier try would read more than 1 MB.
    #[error("the outcome of an earlier try is unknown")]
    OutcomeUnknown,
    /// The sender has sent as many messages as the limit allows. Nothing was written.
    #[error("the sender may send again in {wait}")]
    Limit {
        /// The time after which the sender may send again.
        wait: TimeDelta,
    },
    /// The sender is invited and has not accepted.
    #[error("the sender has not accepted the invitation")]
    NotAccepted,
    /// Nobody has accepted the sender's invitation, and the message is too large for this time or one too many.
    #[error("the invitation is not accepted yet")]
    Unanswered,
    /// The log has [`crate::ids::MAX_NUMBER`] entries.
    #[error("the log of the conversation is full")]
    LogFull,
    /// The table did not answer as expected. The message may have been put.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A message to send.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'a> {
    /// The sender.
    pub sender: UserId,
    /// The message.
    pub draft: &'a Draft,
    /// The idempotency key that the server made for a send without one. Such a send does not look back.
    pub made_key: IdempotencyKey,
    /// The limit of the sender's messages in one conversation; `None` for no limit.
    pub limit: Option<SendLimit>,
}

impl Send<'_> {
    /// Returns the answer to a send that an earlier try has put into the log.
    fn found(&self, message: Message, sender: User) -> Result<Sent, SendError> {
        if message.digest == self.digest {
            Ok(Sent { message, sender, is_new: false })
        } else {
            Err(SendError::KeyReused)
        }
    }
}

/// A user who may write, and the items that the message names.
struct Writer {
    member: Member,
    profile: User,
    /// The memberships of the mentioned users who have one, and of the writer.
    others: Vec<Member>,
    /// The message that is replied to.
    replied: Option<Message>,
}

/// The sender of a send that may write.
struct Sender {
    profile: User,
    /// The highest number that the message may get.
    highest: NumberLimit,
}

impl Store {
    /// Sends a message in two round trips if nobody else writes to the conversation.
    ///
    /// A failure before the put leaves nothing. After a failure behind the put the message is in the log, and a retry
    /// with the same key finds it.
    pub async fn append_message(&self, sending: Sending<'_>, clock: &Clock) -> Result<Sent, SendError> {
        let Sending { sender, draft, made_key, limit } = sending;
        let key = draft.idempotency_key.unwrap_or(made_key);
        let (digest, named) = (draft.digest(), Named::default());
        let mut send = Send { sender, draft, key, digest, clock, limit, named };
        let mut own = OwnMessages::of(limit);
        let look = self.look_back(&send, &mut own);
        let writer = self.writer(draft.conversation, sender, named::keys(draft, sender));
        let (writer, look) = try_join(writer, look).await?;
        let Some(Writer { member, profile, others, replied }) = writer else {
            return Err(SendError::NoSuchConversation);
        };
        let tail = match look {
            TailSearch::Free(tail) => tail,
            TailSearch::Found(message) => return send.found(*message, profile),
            TailSearch::Closed => return Err(SendError::NoSuchConversation),
            TailSearch::TooFar => return Err(SendError::OutcomeUnknown),
        };
        let after = draft.after.is_some_and(|after| after.number > tail.number);
        send.named = Named::of(draft, &others, replied.as_ref());
        // A message that was put after it was looked for is not known to the client yet.
        let reply_to = draft.reply_to.is_some_and(|id| replied.is_none() || id.number <= member.base);
        if reply_to || after {
            return Err(SendError::NoSuchMessages { reply_to, after });
        }
        let sender = Sender { profile, highest: self::unanswered::limit(&member, draft)? };
        self.put_after(&send, tail, sender, own).await
    }

    /// Returns the membership and the account of a user who may write here, strongly consistent and in one request with the
    /// items at `named`; `None` if one of the two does not exist. A closed or suspended account has no live session: its sessions are about
    /// to end, and the request gets the answer that it gets afterwards.
    async fn writer(
        &self,
        conversation: ConversationId,
        user: UserId,
        named: Vec<Key>,
    ) -> Result<Option<Writer>, StoreError> {
        let keys = [Key::member(conversation, user), Key::user(user)].into_iter().chain(named).collect();
        let (others, mut profiles, mut replied) =
            self.get_all_of_three::<Member, User, Message>(keys).await?;
        let (member, profile) = (others.iter().find(|member| member.user == user).cloned(), profiles.pop());
        if profile.as_ref().is_some_and(|user| !user.can_act()) {
            return Err(StoreError::SessionEnded);
        }
        let writer = member.zip(profile);
        Ok(writer.map(|(member, profile)| Writer { member, profile, others, replied: replied.pop() }))
    }

    /// Puts the message at the first free number.
    ///
    /// Several writers may see the same tail. Then the condition of the put lets one writer have the number, and the
    /// others get its occupant. A put that took effect and was answered with a failure finds its own message when the
    /// SDK or this loop repeats it.
    ///
    /// The limit is checked before each put. It is never reached by the send's own message: before a put is repeated,
    /// the search finds what an earlier try of this send has put.
    async fn put_after(
        &self,
        send: &Send<'_>,
        tail: Tail,
        sender: Sender,
        mut own: OwnMessages,
    ) -> Result<Sent, SendError> {
        let mut backoff = Backoff::new(&self.random);
        let (mut tail, mut lost_before) = (tail, false);
        loop {
            own.check(send.limit, send.clock.now())?;
            let message = send.message_after(tail);
            sender.highest.check(message.number)?;
            let mut look = match self
                .put_once(&Item::Message(message.clone()), Expression::condition(ABSENT))
                .await
            {
                Ok(Written::Done(_)) => return Ok(Sent { message, sender: sender.profile, is_new: true }),
                Ok(Written::Refused(occupant)) => send.look_at_occupant(message.number, occupant, &mut own),
                // This is a lost put too: a transaction is putting a closing entry at this number.
                Err(StoreError::Contention) => TailSearch::Free(tail),
                Err(error) => return Err(error.into()),
            };
            if let (TailSearch::Free(seen), true) = (&look, lost_before) {
                backoff.lose().await?;
                look = self.look_again(send, *seen, &mut own).await?;
            }
            lost_before = true;
            tail = match look {
                TailSearch::Free(tail) => tail,
                TailSearch::Found(message) => return send.found(*message, sender.profile),
                TailSearch::Closed | TailSearch::TooFar => return Err(SendError::NoSuchConversation),
            };
        }
    }

    /// Reads again, in parallel, if the sender may still write, and every number above `tail`. The result is `Closed`
    /// if the sender may not write any more, unless the message is stored: a put that took effect may have been answered
    /// with a failure, and the repetition of it with a conflict.
    async fn look_again(
        &self,
        send: &Send<'_>,
        tail: Tail,
        own: &mut OwnMessages,
    ) -> Result<TailSearch, StoreError> {
        let writer = self.writer(send.draft.conversation, send.sender, Vec::new());
        let (writer, look) = try_join(writer, self.look_above(send, tail, own)).await?;
        let is_stored = matches!(look, TailSearch::Found(_));
        let may_write = writer.is_some_and(|writer| writer.member.is_accepted());
        Ok(if may_write || is_stored { look } else { TailSearch::Closed })
    }
}
