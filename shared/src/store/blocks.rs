//! Blocks: a user hides the messages of other users. All blocks of a user are one item, which is read together with the
//! user's membership. Messages of blocked users are marked here; the representation leaves their text out.
//!
//! Each change of the item is a put of its next version on condition that it has the version that was read. So parallel
//! changes do not lose one another, and a try that arrives late is refused.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError,
    items::{Blocks, Item, Member, Message},
    ops::{Consistency, Expression, Written},
    retries::Tried,
    table::Key,
};
use crate::ids::{ConversationId, UserId};

/// The maximum number of users whom one user can block.
pub const MOST_BLOCKS: usize = 1000;

/// The reason why a user is not blocked.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// The user has blocked [`MOST_BLOCKS`] users.
    #[error("the user has blocked as many users as possible")]
    TooMany,
    /// The table did not answer as expected. The block may have taken effect.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The blocks of the viewer of messages. A clone is cheap.
#[derive(Debug, Clone, Default)]
pub struct ViewersBlocks(Option<Arc<Blocks>>);

impl From<Option<Blocks>> for ViewersBlocks {
    fn from(blocks: Option<Blocks>) -> Self {
        Self(blocks.map(Arc::new))
    }
}

impl ViewersBlocks {
    /// Returns true if the viewer has blocked the user.
    #[must_use]
    pub fn contains(&self, user: UserId) -> bool {
        self.0.as_ref().is_some_and(|blocks| blocks.blocked.contains_key(&user))
    }

    /// Marks the messages of blocked users, and hides the reactions of these users. Each read of messages for a viewer ends
    /// with this.
    pub fn mask<'a>(&self, messages: impl IntoIterator<Item = &'a mut Message>) {
        for message in messages {
            message.masked = self.contains(message.sender);
            message.reactions.hide(|user| self.contains(user));
        }
    }
}

impl Blocks {
    fn none(user: UserId) -> Self {
        Self { user, blocked: std::collections::BTreeMap::new(), version: 0 }
    }
}

impl Store {
    /// Returns the blocks of a user, strongly consistent; `None` if the user has never blocked anybody.
    pub async fn blocks(&self, user: UserId) -> Result<Option<Blocks>, StoreError> {
        Ok(self.get(Key::blocks(user), Consistency::Strong).await?.and_then(Item::into_blocks))
    }

    /// Returns the blocks of several users, in no order and strongly consistent. Users who have never blocked anybody are
    /// left out.
    pub async fn blocks_of(&self, users: &[UserId]) -> Result<Vec<Blocks>, StoreError> {
        self.get_all(users.iter().map(|user| Key::blocks(*user)).collect()).await
    }

    /// Blocks a user and returns the time of the block. A user who is blocked stays blocked since the first time.
    ///
    /// Another request may change the blocks between the read and the put. Then the version differs, the condition
    /// fails, and the request reads again. A failure before the put leaves the blocks as they are. After a failure behind
    /// the put, the next try finds the block.
    pub async fn block(
        &self,
        user: UserId,
        other: UserId,
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, BlockError> {
        self.retry(|| async {
            let mut blocks = self.blocks(user).await?.unwrap_or_else(|| Blocks::none(user));
            if let Some(since) = blocks.since(other) {
                return Ok(Tried::Done(since));
            }
            if blocks.blocked.len() >= MOST_BLOCKS {
                return Err(BlockError::TooMany);
            }
            blocks.blocked.insert(other, now.timestamp_micros());
            Ok(self.put_blocks(blocks).await?.map(|()| now))
        })
        .await
    }

    /// Removes a block. Has no effect if the user is not blocked.
    ///
    /// Races and failures are as for [`Store::block`]: the condition on the version keeps the blocks that other requests
    /// add meanwhile, and a repetition finds nothing to remove.
    pub async fn unblock(&self, user: UserId, other: UserId) -> Result<(), StoreError> {
        self.retry(|| async {
            let Some(mut blocks) = self.blocks(user).await? else {
                return Ok(Tried::Done(()));
            };
            if blocks.blocked.remove(&other).is_none() {
                return Ok(Tried::Done(()));
            }
            self.put_blocks(blocks).await
        })
        .await
    }

    /// Puts changed blocks as the next version of the item that was read.
    async fn put_blocks(&self, blocks: Blocks) -> Result<Tried<()>, StoreError> {
        let seen = blocks.version;
        let item = Item::Blocks(Blocks { version: seen + 1, ..blocks });
        Ok(match self.put(&item, Expression::of_version(seen)).await? {
            Written::Done(_) => Tried::Done(()),
            Written::Refused(_) => Tried::Lost,
        })
    }

    /// Returns a viewer's membership and blocks, strongly consistent and in one request.
    pub(super) async fn member_and_blocks(
        &self,
        conversation: ConversationId,
        viewer: UserId,
    ) -> Result<(Option<Member>, ViewersBlocks), StoreError> {
        let keys = [Key::member(conversation, viewer), Key::blocks(viewer)];
        let (member, blocks) = self.get_two::<Member, Blocks>(keys).await?;
        Ok((member, blocks.into()))
    }

    /// Returns the memberships of a viewer in several conversations, in no order, and the viewer's blocks, strongly
    /// consistent. Without conversations, nothing is read.
    pub async fn memberships_and_blocks(
        &self,
        viewer: UserId,
        ids: &[ConversationId],
    ) -> Result<(Vec<Member>, ViewersBlocks), StoreError> {
        let members = ids.iter().map(|id| Key::member(*id, viewer));
        let keys = members.chain((!ids.is_empty()).then(|| Key::blocks(viewer))).collect();
        let (members, mut blocks) = self.get_all_of_two::<Member, Blocks>(keys, Consistency::Strong).await?;
        Ok((members, blocks.pop().into()))
    }
}
