//! The secret that ids of direct conversations are derived with. `auth` puts it once, before it publishes the first key that signs
//! tokens, so no request by a user comes before it. It is read when it is first needed and kept for the life of the process.

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
    /// The id of the one direct conversation of a pair.
    pub async fn direct_id(&self, pair: [UserId; 2]) -> Result<ConversationId, StoreError> {
        let key = self.pair_key.get_or_try_init(|| async {
            let key = self.read_pair_key().await?;
            key.ok_or_else(|| StoreError::Unavailable("`auth` has not put the pair key yet".into()))
        });
        Ok(key.await?.direct_id(pair))
    }

    /// Puts the secret if the table has none. The condition closes the race of two processes that start at once: the second one
    /// finds the first one's. A failure before the put leaves nothing; after it, a repetition finds what was put.
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
