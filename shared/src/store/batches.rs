//! Batches: many items by key in few requests. Keys and items that DynamoDB leaves unprocessed are requested again
//! after a wait, until they are done or the request has tried for too long. None is dropped.

use aws_sdk_dynamodb::types::{DeleteRequest, KeysAndAttributes, PutRequest, WriteRequest};
use futures::future::try_join_all;

use super::{
    Store, StoreError,
    backoff::Backoff,
    error::classify,
    items::{Attributes, Item},
    ops::Consistency,
    table::Key,
};

impl Store {
    /// Returns any number of items by key, in no order, with at most 100 keys in each request. Missing items are left
    /// out. A strongly consistent batch also reads the session if it is not checked yet.
    pub(crate) async fn batch_get(
        &self,
        mut keys: Vec<Key>,
        consistency: Consistency,
    ) -> Result<Vec<Item>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        if consistency == Consistency::Eventual {
            return self.checked(Box::pin(self.all_batches(&keys, consistency))).await;
        }
        let Some(check) = self.take_check() else {
            return self.all_batches(&keys, consistency).await;
        };
        keys.push(check.key());
        let mut items = self.all_batches(&keys, consistency).await?;
        let place = items.iter().position(|item| check.is_of(item));
        check.settle(place.map(|place| items.swap_remove(place)))?;
        Ok(items)
    }

    async fn all_batches(&self, keys: &[Key], consistency: Consistency) -> Result<Vec<Item>, StoreError> {
        let batches = keys.chunks(100).map(|batch| self.one_batch_get(batch, consistency));
        Ok(try_join_all(batches).await?.into_iter().flatten().collect())
    }

    /// Reads at most 100 items. Requests unprocessed keys again until all are read or the request has tried for too
    /// long.
    async fn one_batch_get(&self, keys: &[Key], consistency: Consistency) -> Result<Vec<Item>, StoreError> {
        let mut backoff = Backoff::new(&self.random);
        let mut wanted: Vec<Attributes> = keys.iter().cloned().map(Key::into_attributes).collect();
        let mut items = Vec::with_capacity(wanted.len());
        loop {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(consistency == Consistency::Strong)
                .build()
                .map_err(|source| StoreError::Refused(source.into()))?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(&self.table, request)
                .send()
                .await
                .map_err(classify)?;
            let found = answer.responses.unwrap_or_default().remove(&self.table).unwrap_or_default();
            items.extend(found.into_iter().map(Item::decode).collect::<Result<Vec<_>, _>>()?);
            match answer.unprocessed_keys.unwrap_or_default().remove(&self.table) {
                Some(rest) if !rest.keys.is_empty() => wanted = rest.keys,
                _ => return Ok(items),
            }
            backoff.lose().await?;
        }
    }

    /// Deletes any number of items. A retry is harmless.
    pub(crate) async fn delete_all(&self, keys: Vec<Key>) -> Result<(), StoreError> {
        let delete = |key: Key| {
            let delete = DeleteRequest::builder().set_key(Some(key.into_attributes())).build();
            delete.map(|delete| WriteRequest::builder().delete_request(delete).build())
        };
        let deletes: Result<_, _> = keys.into_iter().map(delete).collect();
        self.write_all(deletes.map_err(|source| StoreError::Refused(source.into()))?).await
    }

    /// Puts any number of items without a condition. A retry is harmless.
    pub(crate) async fn put_all(&self, items: &[Item]) -> Result<(), StoreError> {
        let put = |item: &Item| {
            let put = PutRequest::builder().set_item(Some(item.encode()?)).build();
            let put = put.map_err(|source| StoreError::Refused(source.into()))?;
            Ok(WriteRequest::builder().put_request(put).build())
        };
        self.write_all(items.iter().map(put).collect::<Result<_, StoreError>>()?).await
    }

    /// Writes any number of items, 25 in each request, with 8 requests in parallel.
    async fn write_all(&self, writes: Vec<WriteRequest>) -> Result<(), StoreError> {
        self.check_session().await?;
        for wave in writes.chunks(25 * 8) {
            try_join_all(wave.chunks(25).map(|batch| self.one_batch_write(batch.to_vec()))).await?;
        }
        Ok(())
    }

    async fn one_batch_write(&self, mut wanted: Vec<WriteRequest>) -> Result<(), StoreError> {
        let mut backoff = Backoff::new(&self.random);
        loop {
            let request = self.client.batch_write_item().request_items(&self.table, wanted.clone());
            let answer = match request.send().await.map_err(classify) {
                Err(StoreError::Contention) => {
                    backoff.lose().await?;
                    continue;
                }
                answer => answer?,
            };
            match answer.unprocessed_items.unwrap_or_default().remove(&self.table) {
                Some(rest) if !rest.is_empty() => wanted = rest,
                _ => return Ok(()),
            }
            backoff.lose().await?;
        }
    }
}
