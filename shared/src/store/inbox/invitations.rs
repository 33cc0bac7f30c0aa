//! Pages of invitations, newest first. They are a list of their own, so they cost the inbox nothing, and each page reads a
//! bounded amount, whatever others put into the conversations.

use futures::future::try_join;

use super::{InboxCursor, InboxPage, InboxPosition, Shown};
use crate::{
    ids::{ConversationId, UserId},
    store::{ReadBudget, Store, StoreError, newest::LogEnd, table::InvitationPosition},
};

/// The maximum number of messages that an invitation nests.
const NESTED: usize = 5;

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
    /// Returns a page of the conversations to which a user is invited, newest invitation first. It is shorter if their
    /// newest messages fill the budget. Conversations that were closed, or whose user was removed since the list was
    /// read, are left out.
    pub async fn invitations_page(&self, request: &InvitationsRequest) -> Result<InboxPage, StoreError> {
        let before = request.before.map(InvitationPosition::from);
        let (positions, more) = self.invitations(request.user, before, request.limit).await?;
        let ids: Vec<ConversationId> = positions.iter().map(|position| position.conversation).collect();
        let mut budget = ReadBudget::default();
        let mut ends: Vec<LogEnd> = ids.iter().map(|id| LogEnd::new(*id, 1)).collect();
        let tails = self.read_down(&mut ends, &mut budget);
        let ((), mut found) = try_join(tails, self.conversations_and_members(request.user, &ids)).await?;
        let read = ends.iter().take_while(|end| end.is_read()).count();
        let open = positions.iter().zip(ends).take(read).filter(|(_, end)| !end.is_closed());
        let shown = open.filter_map(|(position, end)| {
            let conversation = found.conversations.remove(&position.conversation)?;
            let member = Some(found.members.remove(&position.conversation)?);
            let blocks = found.blocks.clone();
            Some((InboxPosition::from(*position), Shown { conversation, member, blocks, end }))
        });
        let listed = self.listed(shown.collect(), request.messages.min(NESTED), &mut budget).await?;
        let last = positions.get(..read).and_then(<[_]>::last).filter(|_| more || read < positions.len());
        let next = last.map(|last| InboxCursor { before: Some((*last).into()), ..InboxCursor::default() });
        Ok(InboxPage { listed, next, window: InboxCursor::default(), budget })
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
