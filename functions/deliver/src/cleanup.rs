//! Cleaning up behind closed conversations and closed accounts, in slices. Each slice puts the next one into the queue, so that the stream never
//! waits, and a conversation of a million messages delays no other one.

use futures::future::join_all;
use serde::{Deserialize, Serialize};
use shared::ids::{ConversationId, UserId};

use crate::{
    Deliver,
    event::QueueMessage,
    fault::{Fault, Records, for_records},
};

/// The maximum number of items that a slice deletes.
const SLICE: usize = 500;

/// A message of the queue of cleanups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cleanup {
    /// Deletes the next items of a closed conversation.
    Conversation(ConversationId),
    /// Leaves the next groups of a closed account.
    Account {
        /// The user of the account.
        user: UserId,
        /// The conversation with which the slice begins; `None` for the first slice.
        from: Option<ConversationId>,
    },
}

impl Deliver {
    /// Puts a cleanup into the queue. If this fails, the cleanup may be in the queue; a second one finds less to delete.
    pub(crate) async fn hand_over(&self, cleanup: Cleanup) -> Result<(), Fault> {
        Ok(self.cleanups.send(serde_json::to_string(&cleanup)?).await?)
    }

    /// Processes messages of the queue. Returns the ids of those that the queue has to deliver again.
    pub(crate) async fn clean_up(&self, messages: &[QueueMessage]) -> Vec<String> {
        let done = join_all(messages.iter().map(|message| self.is_cleaned(message))).await;
        let failed = messages.iter().zip(done).filter(|(_, done)| !done);
        failed.map(|(message, _)| message.id.clone()).collect()
    }

    /// Processes a message. Returns false if the queue has to deliver it again; after some deliveries, the queue puts it
    /// aside.
    async fn is_cleaned(&self, message: &QueueMessage) -> bool {
        let slice = for_records(Records::new(), self.slice(&message.body)).await;
        if let Err(failed) = &slice {
            tracing::error!(message = message.id, reason = failed.fault.reason, "a cleanup has failed");
        }
        slice.is_ok()
    }

    /// Deletes a slice and hands over to the next one. If this process ends in between, the queue delivers this message
    /// again, and the slice that it begins is the next one.
    async fn slice(&self, body: &str) -> Result<(), Fault> {
        let next = match serde_json::from_str(body)? {
            Cleanup::Conversation(id) => self.slice_of_conversation(id).await?,
            Cleanup::Account { user, from } => self.slice_of_account(user, from).await?,
        };
        match next {
            Some(next) => self.hand_over(next).await,
            None => Ok(()),
        }
    }

    async fn slice_of_conversation(&self, id: ConversationId) -> Result<Option<Cleanup>, Fault> {
        // Whatever the queue says, an open conversation is never deleted.
        let closed = self.app.store.closing_entry(id).await?;
        let closed = closed.ok_or_else(|| Fault::permanent("the conversation is not closed"))?;
        let more = self.app.store.clean_conversation(&closed, SLICE).await?;
        Ok(more.then_some(Cleanup::Conversation(id)))
    }

    /// The request that closes an account leaves its groups itself. The rest is left only if it was interrupted.
    async fn slice_of_account(
        &self,
        user: UserId,
        from: Option<ConversationId>,
    ) -> Result<Option<Cleanup>, Fault> {
        let profile = self.app.store.user(user).await?;
        if profile.is_none_or(|profile| profile.closed_at.is_none()) {
            return Err(Fault::permanent("the account is not closed"));
        }
        let next = self.app.store.leave_some_groups(user, from, self.app.clock.now()).await?;
        Ok(next.map(|next| Cleanup::Account { user, from: Some(next) }))
    }
}
