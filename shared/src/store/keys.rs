//! Public keys of the tokens' signatures. Only `auth` writes them; every function reads them.

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError,
    items::{Item, SigningKey},
    ops::{ABSENT, Consistency, Expression, PRESENT, Reading, Written},
    table::{Key, Span},
};

impl Store {
    /// All keys that were ever published and are still kept.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        let reading = Reading { descending: false, limit: None, consistency: Consistency::Strong };
        let page = self.query_whole(Span::signing_keys(), reading).await?;
        Ok(page.items.into_iter().filter_map(Item::into_signing_key).collect())
    }

    /// Publishes a key before its first use, and has the others end at `others_until`.
    ///
    /// A death between the two leaves older keys without an end, and the key published: the next start of a process that
    /// signs with it comes here again, and the second step is repeated as long as a key without an end is left.
    pub async fn publish_signing_key(
        &self,
        kid: &str,
        x: &str,
        now: DateTime<Utc>,
        others_until: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let key = SigningKey { kid: kid.to_owned(), x: x.to_owned(), published_at: now, not_after: None };
        // The condition keeps an end that a successor has set already from being lifted by a process of the old release.
        let put = self.put(&Item::SigningKey(key), Expression::condition(ABSENT)).await?;
        let published_at = match put {
            Written::Done(_) => now,
            Written::Refused(Some(Item::SigningKey(standing))) => standing.published_at,
            Written::Refused(_) => {
                return Err(StoreError::corrupt("KEY", "another item stands at a key's place"));
            }
        };
        for older in self.signing_keys().await? {
            if older.not_after.is_none() && older.published_at < published_at {
                self.end_signing_key(&older.kid, others_until).await?;
            }
        }
        Ok(())
    }

    /// A second end, set by a process that raced here, is refused: the first one stays.
    async fn end_signing_key(&self, kid: &str, not_after: DateTime<Utc>) -> Result<(), StoreError> {
        let condition = format!("{PRESENT} AND attribute_not_exists(#not_after)");
        let expression = Expression::update("SET #not_after = :not_after", &condition)
            .number(":not_after", not_after.timestamp_micros());
        self.update(Key::signing_key(kid), expression).await.map(drop)
    }
}
