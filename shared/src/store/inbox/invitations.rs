//! Pages of invitations, newest first. They are a list of their own, so they cost the inbox nothing, and each page reads a
//! bounded amount, whatever others put into the conversations.

use futures::future::{try_join, try_join_all};

use super::{InboxCursor, InboxPage, InboxPosition, Listed, Newest};
use crate::{
    ids::{ConversationId, UserId},
    store::{Store, StoreError, items::Message, table::InvitationPosition},
};

/// The maximum number of messages that an invitation nests.
const NESTED: usize = 5;

/// The maximum number of invitations whose messages are read in parallel: at most 2 MB.
const WAVE: usize = 8;

/// The number of bytes of messages after which a page ends. The next page continues.
const PAGE_BYTES: usize = 1024 * 1024;

/// A request for a page of invitations.
#[derive(Debug, Clone, Copy)]
pub struct InvitationsRequest {
    /// The invited user.
    pub user: UserId,
    /// The last position of the page before; `None` for the first page.
    pub before: Option<InboxPosition>,
    /// The maximum number of conversations.
    pub limit: usize,
    /// The maximum number of nested messages of each conversation. More than five are not nested.
    pub messages: usize,
}

impl Store {
    /// Returns a page of the conversations to which a user is invited, newest invitation first.
    pub async fn invitations_page(&self, request: &InvitationsRequest) -> Result<InboxPage, StoreError> {
        let before = request.before.map(InvitationPosition::from);
        let (positions, more) = self.invitations(request.user, before, request.limit).await?;
        let (mut listed, mut bytes, mut read) = (Vec::new(), 0, 0);
        for wave in positions.chunks(WAVE) {
            let details = self.invited(request, wave).await?;
            bytes += details.iter().flat_map(|listed| &listed.detail.newest).map(size).sum::<usize>();
            listed.extend(details);
            read += wave.len();
            if bytes > PAGE_BYTES {
                break;
            }
        }
        let last = positions.get(..read).and_then(<[_]>::last).filter(|_| more || read < positions.len());
        let next = last.map(|last| InboxCursor { window: None, before: Some((*last).into()) });
        Ok(InboxPage { listed, next })
    }

    /// Returns some invitations with their conversations. Those whose conversation was closed, or whose user was removed
    /// since the list was read, are left out.
    async fn invited(
        &self,
        request: &InvitationsRequest,
        positions: &[InvitationPosition],
    ) -> Result<Vec<Listed>, StoreError> {
        let count = request.messages.clamp(1, NESTED);
        let ids: Vec<ConversationId> = positions.iter().map(|position| position.conversation).collect();
        let newest = self.newest_of(ids.iter().copied(), count);
        let found = self.conversations_and_members(request.user, &ids);
        let (newest, mut found) = try_join(newest, found).await?;
        let listed = positions.iter().zip(newest).filter_map(|(position, newest)| {
            let conversation = found.conversations.remove(&position.conversation)?;
            let member = found.members.remove(&position.conversation)?;
            let position = InboxPosition::from(*position);
            let newest = Newest { messages: newest?, count, blocks: found.blocks.clone() };
            let detail = self.detail_of(conversation, Some(member), newest);
            Some(async move { Ok::<_, StoreError>(Listed { position, detail: detail.await? }) })
        });
        try_join_all(listed).await
    }
}

impl From<InvitationPosition> for InboxPosition {
    fn from(position: InvitationPosition) -> Self {
        Self { active_at: position.invited_at, conversation: position.conversation }
    }
}

impl From<InboxPosition> for InvitationPosition {
    fn from(position: InboxPosition) -> Self {
        Self { invited_at: position.active_at, conversation: position.conversation }
    }
}

/// Returns the approximate size of a message, in bytes.
fn size(message: &Message) -> usize {
    let metadata = message.metadata.as_ref().map_or(0, |metadata| metadata.as_str().len());
    message.body.len() + metadata
}
