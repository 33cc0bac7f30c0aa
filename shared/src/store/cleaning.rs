//! Cleaning up behind closed conversations: the entries of their logs, and what belongs to them. The closing entries stay for
//! ever, because every writer must meet them; the conversation's own item stays too, because a late retry of the request that
//! has created it must find it.

use super::{
    Store, StoreError,
    items::{Attributes, Closed},
    ops::{Consistency, Expression, PRESENT, Reading},
    table::{Key, Span},
};
use crate::ids::ConversationId;

impl Store {
    /// Deletes at most `limit` items of a closed conversation, and returns true if there are more. The last slice removes the
    /// memberships that the request which closed the conversation has left, and the name and metadata.
    ///
    /// Nothing is written to a closed conversation, so the slices can be repeated, and run side by side: each begins with
    /// what is left. A failure leaves the rest to the repetition.
    pub async fn clean_conversation(&self, closed: &Closed, limit: usize) -> Result<bool, StoreError> {
        let id = closed.conversation;
        let mut left = limit;
        for span in Span::remains(id) {
            // The span contains the closing entry, which stays.
            let reading =
                Reading { descending: false, limit: Some(left + 1), consistency: Consistency::Strong };
            let (items, last) = self.query_raw(&span, reading, None).await?;
            let keys: Vec<Key> =
                items.iter().filter(|item| !is_closing_entry(item)).filter_map(Key::of).take(left).collect();
            left -= keys.len();
            let more = last.is_some() || keys.len() + 1 < items.len();
            self.delete_all(keys).await?;
            if more {
                return Ok(true);
            }
        }
        self.remove_all_members(id, closed.actor).await?;
        self.remove_texts(id).await?;
        Ok(false)
    }

    /// Removes what users have written in the conversation's own item. The update never creates the item.
    async fn remove_texts(&self, id: ConversationId) -> Result<(), StoreError> {
        let expression = Expression::update("REMOVE #name, #metadata", PRESENT);
        self.update(Key::conversation(id), expression).await.map(drop)
    }
}

/// Returns true for the entry that closes a log.
fn is_closing_entry(item: &Attributes) -> bool {
    item.get("item").and_then(|kind| kind.as_s().ok()).is_some_and(|kind| kind == "closed")
}
