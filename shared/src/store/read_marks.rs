//! Read marks: one message number for each participant. It moves forward only, or back if the user marks messages as
//! unread. Unread messages are counted in the log on request and never stored.

use futures::future::try_join;

use super::{
    Store, StoreError,
    backoff::Backoff,
    items::{Item, Member},
    ops::{Expression, Written},
    table::Key,
    unread::UnreadCount,
};
use crate::ids::{MessageId, UserId};

/// A read mark, and the number of unread messages above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadMark {
    /// The number of the last message that was read, 0 for none.
    pub read: u64,
    /// The number of unread messages above the mark, at most 100.
    pub unread: u64,
    /// True if there are more unread messages than `unread`.
    pub unread_more: bool,
}

/// The outcome of setting a read mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// The mark as it is now.
    Done(ReadMark),
    /// The user is not a participant, or the conversation does not exist.
    NoSuchConversation,
    /// The conversation does not contain the message, or the message is not above the participant's `base`.
    NoSuchMessage,
}

impl Store {
    /// Marks all messages up to `id` as read. Another device may set a higher mark at the same time. Then the condition
    /// fails and the higher mark stays, so the result is `max(read, n)` and a retry is harmless.
    pub async fn mark_read(&self, id: MessageId, user: UserId) -> Result<Marked, StoreError> {
        let (member, tail) = try_join(self.member(id.conversation, user), self.tail(id.conversation)).await?;
        let (Some(member), Some(tail)) = (member, tail) else {
            return Ok(Marked::NoSuchConversation);
        };
        if id.number > tail || id.number <= member.base {
            return Ok(Marked::NoSuchMessage);
        }
        if member.read >= id.number {
            return Ok(Marked::Done(self.mark(&member, tail).await?));
        }
        let expression = Expression::update("SET #read = :read", "#read < :read").number(":read", id.number);
        let ahead = Member { read: id.number, ..member };
        let update = self.update(Key::member(id.conversation, user), expression);
        let (written, counted) = try_join(update, self.mark(&ahead, tail)).await?;
        match written {
            Written::Done(_) => Ok(Marked::Done(counted)),
            Written::Refused(Some(Item::Member(standing))) => {
                Ok(Marked::Done(self.mark(&standing, tail).await?))
            }
            Written::Refused(_) => Ok(Marked::NoSuchConversation),
        }
    }

    /// Marks the message `id` and all later messages as unread. Another device may move the mark between the read and
    /// this write. Then the condition fails, and the call starts again from the new mark. A retry finds its own mark.
    pub async fn mark_unread(&self, id: MessageId, user: UserId) -> Result<Marked, StoreError> {
        let mut backoff = Backoff::new(&self.random);
        loop {
            let (member, tail) =
                try_join(self.member(id.conversation, user), self.tail(id.conversation)).await?;
            let (Some(member), Some(tail)) = (member, tail) else {
                return Ok(Marked::NoSuchConversation);
            };
            if id.number > tail || id.number <= member.base {
                return Ok(Marked::NoSuchMessage);
            }
            if member.read < id.number {
                return Ok(Marked::Done(self.mark(&member, tail).await?));
            }
            let expression = Expression::update("SET #read = :read", "#read = :seen")
                .number(":read", id.number - 1)
                .number(":seen", member.read);
            match self.update(Key::member(id.conversation, user), expression).await? {
                Written::Done(Some(Item::Member(member))) => {
                    return Ok(Marked::Done(self.mark(&member, tail).await?));
                }
                Written::Refused(Some(_)) => backoff.lose().await?,
                _ => return Ok(Marked::NoSuchConversation),
            }
        }
    }

    /// Returns the mark of a membership with its unread count. If the mark is the tail, this needs no query.
    async fn mark(&self, member: &Member, tail: u64) -> Result<ReadMark, StoreError> {
        let read = member.read;
        let (unread, unread_more) =
            if read >= tail { (0, false) } else { self.count_unread(UnreadCount::new(member)).await? };
        Ok(ReadMark { read, unread, unread_more })
    }
}
