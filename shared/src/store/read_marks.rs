//! Read marks: a message number that moves forward only, or back when its user says so. Unread messages are counted in
//! the log when asked, never kept.

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

/// A read mark after it was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadMark {
    /// The last message that was read, 0 for none.
    pub read: u64,
    /// Unread messages above it, up to 100.
    pub unread: u64,
    /// Whether there are more than that.
    pub unread_more: bool,
}

/// What became of setting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// Where the mark stands now.
    Done(ReadMark),
    /// The conversation is none of the user's.
    NoSuchConversation,
    /// The message is not in it.
    NoSuchMessage,
}

impl Store {
    /// Marks everything up to a message as read. A mark that stands higher already stays: the condition closes the race
    /// of two devices, and `read = max(read, n)` makes a repetition harmless.
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

    /// Marks a message and all behind it as unread. The condition is on the mark that was read: a device that reads on
    /// meanwhile is not set back unseen, as this is tried again on what it left.
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

    /// A membership's mark with its count, which needs no query where the mark is the tail.
    async fn mark(&self, member: &Member, tail: u64) -> Result<ReadMark, StoreError> {
        let read = member.read;
        let (unread, unread_more) =
            if read >= tail { (0, false) } else { self.count_unread(UnreadCount::new(member)).await? };
        Ok(ReadMark { read, unread, unread_more })
    }
}
