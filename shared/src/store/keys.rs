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
    /// among them, where its successor was faster. The keys as they are then; where all is done already, one reading.
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
    ) -> Result<Vec<SigningKey>, StoreError> {
        let mut keys = self.signing_keys().await?;
        if keys.iter().all(|key| key.kid != kid) {
            self.put_signing_key(kid, x, made_at).await?;
            keys = self.signing_keys().await?;
        }
        let last = keys.iter().max_by_key(|key| (key.made_at, &key.kid)).map(|key| &key.kid);
        let endless = |key: &&SigningKey| key.not_after.is_none() && Some(&key.kid) != last;
        let older: Vec<&SigningKey> = keys.iter().filter(endless).collect();
        if older.is_empty() {
            return Ok(keys);
        }
        for key in older {
            self.end_signing_key(&key.kid, others_until).await?;
        }
        self.signing_keys().await
    }

    /// The condition keeps an end from being lifted that was set since the keys were read, by a process that knows of no
    /// successor; a repetition after a failure behind the commit finds its own key.
    async fn put_signing_key(&self, kid: &str, x: &str, made_at: DateTime<Utc>) -> Result<(), StoreError> {
        let key = SigningKey { kid: kid.to_owned(), x: x.to_owned(), made_at, not_after: None };
        match self.put(&Item::SigningKey(key), Expression::condition(ABSENT)).await? {
            Written::Done(_) | Written::Refused(Some(Item::SigningKey(_))) => Ok(()),
            Written::Refused(_) => Err(StoreError::corrupt("KEY", "another item stands at a key's place")),
        }
    }

    /// A second end, set by a process that raced here, is refused: the first one stays.
    async fn end_signing_key(&self, kid: &str, not_after: DateTime<Utc>) -> Result<(), StoreError> {
        let condition = format!("{PRESENT} AND attribute_not_exists(#not_after)");
        let expression = Expression::update("SET #not_after = :not_after", &condition)
            .number(":not_after", not_after.timestamp_micros());
        self.update(Key::signing_key(kid), expression).await.map(drop)
    }
}
