//! The secret from which the ids of direct conversations are derived. The function `auth` puts it once, before it
//! publishes the first key that signs tokens, so it exists before any user's request. A process reads it at the first
//! use and keeps it.

use super::{
    Store, StoreError,
    items::{Item, PairKeyItem},
    ops::{ABSENT, Consistency, Expression, Written},
    table::Key,
};
use crate::{
    ids::{ConversationId, UserId},
    model::conversation::PairKey,
};

impl Store {
    /// Returns the id of the one direct conversation of a pair. Fails with [`StoreError::Unavailable`] if the secret
    /// does not exist.
    pub async fn direct_id(&self, pair: [UserId; 2]) -> Result<ConversationId, StoreError> {
        let key = self.pair_key.get_or_try_init(|| async {
            let key = self.read_pair_key().await?;
            key.ok_or_else(|| StoreError::Unavailable("`auth` has not put the pair key yet".into()))
        });
        Ok(key.await?.direct_id(pair))
    }

    /// Puts the secret if the table has none. If two processes start at the same time, the condition refuses the second
    /// put, and that process uses the secret of the first. A failure before the put leaves nothing; after a failure
    /// that came after the put, a retry finds the secret.
    pub async fn ensure_pair_key(&self) -> Result<(), StoreError> {
        if self.read_pair_key().await?.is_some() {
            return Ok(());
        }
        let secret = PairKey::new(self.random.bytes()).text();
        match self.put(&Item::PairKey(PairKeyItem { secret }), Expression::condition(ABSENT)).await? {
            Written::Done(_) | Written::Refused(Some(Item::PairKey(_))) => Ok(()),
            Written::Refused(_) => Err(StoreError::corrupt("PAIR", "another item stands at its place")),
        }
    }

    async fn read_pair_key(&self) -> Result<Option<PairKey>, StoreError> {
        match self.get(Key::pair_key(), Consistency::Strong).await? {
            None => Ok(None),
            Some(Item::PairKey(item)) => PairKey::parse(&item.secret)
                .map(Some)
                .ok_or_else(|| StoreError::corrupt("PAIR", "not 32 bytes in base64url")),
            Some(_) => Err(StoreError::corrupt("PAIR", "another item stands at its place")),
        }
    }
}
