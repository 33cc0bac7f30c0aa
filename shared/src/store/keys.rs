//! The public keys that verify the signatures of tokens. Only the function `auth` writes them; every function reads
//! them.

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError,
    items::{Item, SigningKey},
    ops::{ABSENT, Consistency, Expression, PRESENT, Reading, Written},
    table::{Key, Span},
};

impl Store {
    /// Returns all published keys, strongly consistent.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        let reading = Reading { descending: false, limit: None, consistency: Consistency::Strong };
        Ok(self.query_kind(Span::signing_keys(), reading).await?.0)
    }

    /// Publishes a key before its first use, and sets the end of every key except the one that was made last to
    /// `others_until`. This can include the published key, if its successor was published first. Returns the keys after
    /// that. If nothing is left to do, this is one read.
    ///
    /// Each process first publishes its key and then reads the others. So if two processes run at the same time, at
    /// least one sees both keys, and both would set the end of the same key. If a process dies between the two steps,
    /// an older key has no end; the next call repeats the second step.
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

    /// Puts a key unless it exists. Another process may have set the key's end since the keys were read; the condition
    /// prevents this put from removing it. A retry after a failure that came after the commit finds its own key.
    async fn put_signing_key(&self, kid: &str, x: &str, made_at: DateTime<Utc>) -> Result<(), StoreError> {
        let key = SigningKey { kid: kid.to_owned(), x: x.to_owned(), made_at, not_after: None };
        match self.put(&Item::SigningKey(key), Expression::condition(ABSENT)).await? {
            Written::Done(_) | Written::Refused(Some(Item::SigningKey(_))) => Ok(()),
            Written::Refused(_) => Err(StoreError::corrupt("KEY", "another item stands at a key's place")),
        }
    }

    /// Sets the end of a key that has none. If two processes do this at the same time, the condition refuses the second
    /// end and the first one remains.
    async fn end_signing_key(&self, kid: &str, not_after: DateTime<Utc>) -> Result<(), StoreError> {
        let condition = format!("{PRESENT} AND attribute_not_exists(#not_after)");
        let expression = Expression::update("SET #not_after = :not_after", &condition)
            .number(":not_after", not_after.timestamp_micros());
        self.update(Key::signing_key(kid), expression).await.map(drop)
    }
}
