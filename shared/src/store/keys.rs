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

    /// Publishes a key before its first use, and has all but the one that was made last end at `others_until`: this one
    /// among them, where its successor was faster.
    ///
    /// Each publishes first and looks at the others then, so of two at once at least one sees both, and both would end the
    /// same one. A death between the two steps leaves an older key without an end: whoever comes here next repeats the
    /// second step.
    pub async fn publish_signing_key(
        &self,
        kid: &str,
        x: &str,
        made_at: DateTime<Utc>,
        others_until: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let key = SigningKey { kid: kid.to_owned(), x: x.to_owned(), made_at, not_after: None };
        // The condition keeps an end that was set already from being lifted by a process that knows of no successor.
        let put = self.put(&Item::SigningKey(key), Expression::condition(ABSENT)).await?;
        if let Written::Refused(standing) = put
            && !matches!(standing, Some(Item::SigningKey(_)))
        {
            return Err(StoreError::corrupt("KEY", "another item stands at a key's place"));
        }
        let keys = self.signing_keys().await?;
        let last = keys.iter().max_by_key(|key| (key.made_at, &key.kid)).map(|key| &key.kid);
        for older in keys.iter().filter(|key| key.not_after.is_none() && Some(&key.kid) != last) {
            self.end_signing_key(&older.kid, others_until).await?;
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
