//! Read marks: one message number for each participant. It moves forward only, or back if the user marks messages as
//! unread. Unread messages are counted in the log on request and never stored.

use futures::future::try_join;

use super::{
    ReadBudget, Store, StoreError,
    items::{Item, Member},
    ops::{Expression, Written},
    retries::Tried,
    table::Key,
    unread::UnreadCount,
};
use crate::ids::{MessageId, UserId};

/// A condition that fails if the read mark was moved back since the membership was read. A membership without the
/// attribute was never moved back.
const NOT_MOVED_BACK: &str = "(attribute_not_exists(#moved_back) OR #moved_back = :moved_back)";

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

/// The reason why a read mark is not set.
#[derive(Debug, thiserror::Error)]
pub enum ReadMarkError {
    /// The user has no open conversation with this id.
    #[error("no such conversation")]
    NoSuchConversation,
    /// The message is not in the conversation.
    #[error("no such message")]
    NoSuchMessage,
    /// The user is invited and has not accepted.
    #[error("the user has not accepted the invitation")]
    NotAccepted,
    /// The table did not answer as expected. The read mark may have been set.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Marks all messages up to a message as read. A read mark that is higher stays as it is.
    ///
    /// Another device may set a higher read mark between the read and the update. Then the condition fails, and the
    /// higher mark is the answer. A failure before the update leaves the old mark; `read = max(read, n)` makes a
    /// repetition harmless. A late try arrives after the answer: if messages were marked as unread since, `moved_back` is
    /// higher, and the late try is refused.
    pub async fn mark_read(&self, id: MessageId, user: UserId) -> Result<ReadMark, ReadMarkError> {
        self.retry(|| self.try_to_mark_read(id, user)).await
    }

    async fn try_to_mark_read(&self, id: MessageId, user: UserId) -> Result<Tried<ReadMark>, ReadMarkError> {
        let (member, tail) = self.readable(id, user).await?;
        if member.read >= id.number {
            return Ok(Tried::Done(self.mark(&member, tail).await?));
        }
        let condition = format!("#read < :read AND {NOT_MOVED_BACK}");
        let expression = Expression::update("SET #read = :read", &condition)
            .number(":read", id.number)
            .number(":moved_back", member.moved_back);
        let ahead = Member { read: id.number, ..member };
        let update = self.update(Key::member(id.conversation, user), expression);
        let (written, counted) = try_join(update, self.mark(&ahead, tail)).await?;
        match written {
            Written::Done(_) => Ok(Tried::Done(counted)),
            Written::Refused(Some(Item::Member(present))) if present.read >= id.number => {
                Ok(Tried::Done(self.mark(&present, tail).await?))
            }
            Written::Refused(Some(_)) => Ok(Tried::Lost),
            Written::Refused(None) => Err(ReadMarkError::NoSuchConversation),
        }
    }

    /// Marks a message and all messages after it as unread.
    ///
    /// Another device may move the read mark between the read and the update. If it has moved it back, the condition fails,
    /// and the request is tried again on the new mark. A failure before the update leaves the old mark; a repetition
    /// after it finds the mark below the message. A late try is refused, because the first one has raised `moved_back`.
    pub async fn mark_unread(&self, id: MessageId, user: UserId) -> Result<ReadMark, ReadMarkError> {
        self.retry(|| self.try_to_mark_unread(id, user)).await
    }

    async fn try_to_mark_unread(
        &self,
        id: MessageId,
        user: UserId,
    ) -> Result<Tried<ReadMark>, ReadMarkError> {
        let (member, tail) = self.readable(id, user).await?;
        if member.read < id.number {
            return Ok(Tried::Done(self.mark(&member, tail).await?));
        }
        let update = "SET #read = :read, #moved_back = :next";
        let expression = Expression::update(update, &format!("#read >= :number AND {NOT_MOVED_BACK}"))
            .number(":read", id.number - 1)
            .number(":number", id.number)
            .number(":moved_back", member.moved_back)
            .number(":next", member.moved_back + 1);
        match self.update(Key::member(id.conversation, user), expression).await? {
            Written::Done(item) => {
                let member = item.and_then(Item::into_member);
                let member = member.ok_or_else(|| StoreError::corrupt("MEMBER", "another kind of item"))?;
                Ok(Tried::Done(self.mark(&member, tail).await?))
            }
            Written::Refused(Some(_)) => Ok(Tried::Lost),
            Written::Refused(None) => Err(ReadMarkError::NoSuchConversation),
        }
    }

    /// Reads, in parallel, the user's membership and the tail of the log, and checks that the user can see the message.
    async fn readable(&self, id: MessageId, user: UserId) -> Result<(Member, u64), ReadMarkError> {
        let found = self.member_and_tail(id.conversation, user).await?;
        let (member, tail) = found.ok_or(ReadMarkError::NoSuchConversation)?;
        if !member.is_accepted() {
            return Err(ReadMarkError::NotAccepted);
        }
        if id.number > tail || id.number <= member.base {
            return Err(ReadMarkError::NoSuchMessage);
        }
        Ok((member, tail))
    }

    /// Returns the mark of a membership with its unread count. If the mark is the tail, this reads neither messages nor
    /// blocks.
    async fn mark(&self, member: &Member, tail: u64) -> Result<ReadMark, StoreError> {
        let read = member.read;
        if read >= tail {
            return Ok(ReadMark { read, unread: 0, unread_more: false });
        }
        let blocks = self.blocks(member.user).await?.into();
        let mut counts = [UnreadCount::new(member, blocks, None)];
        self.read_down(&mut counts, &mut ReadBudget::default()).await?;
        let (unread, unread_more) = counts[0].result();
        Ok(ReadMark { read, unread, unread_more })
    }
}
