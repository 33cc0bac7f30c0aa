//! The newest messages of a conversation as its representation nests them. Where deleted messages are all that was read of the end
//! of a log, older ones are read until a message is found.

use super::{Store, StoreError, items::Message, messages::Source};

impl Store {
    /// Adds to the newest entries of a log above `base`, which come newest first, the messages below them if all of them are
    /// tombstones. At most [`super::messages::ENTRIES_PER_PAGE`] entries are read: of a longer row of tombstones the messages below it are not found.
    pub(crate) async fn past_tombstones(
        &self,
        mut newest: Vec<Message>,
        base: u64,
    ) -> Result<Vec<Message>, StoreError> {
        let Some(lowest) = newest.last().filter(|lowest| lowest.number > base + 1) else {
            return Ok(newest);
        };
        if newest.iter().any(|message| message.deleted_at.is_none()) {
            return Ok(newest);
        }
        let source = Source { base, ..Source::of(lowest.conversation) };
        let page = self.messages_down_from(source, lowest.number - 1, newest.len()).await?;
        newest.extend(page.unwrap_or_default().messages.into_iter().rev());
        Ok(newest)
    }
}
