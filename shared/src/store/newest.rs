//! The newest messages of a conversation, as its representation nests them. If the end of the log contains deleted
//! messages, older messages are read to replace them.

use super::{Store, StoreError, items::Message, messages::Source};

impl Store {
    /// Adds older messages to `newest`, the newest entries of a log above `base` in descending order, until `count` of
    /// them are not deleted. Reads at most [`super::messages::ENTRIES_PER_PAGE`] entries, so messages below a longer
    /// row of tombstones are not found.
    pub(crate) async fn past_tombstones(
        &self,
        mut newest: Vec<Message>,
        base: u64,
        count: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let shown = newest.iter().filter(|message| message.deleted_at.is_none()).count();
        let lowest = newest.last().filter(|lowest| lowest.number > base + 1);
        let Some(lowest) = lowest.filter(|_| shown < newest.len() && shown < count) else {
            return Ok(newest);
        };
        let source = Source { base, ..Source::of(lowest.conversation) };
        let page = self.messages_down_from(source, lowest.number - 1, count - shown).await?;
        newest.extend(page.unwrap_or_default().messages.into_iter().rev());
        Ok(newest)
    }
}
