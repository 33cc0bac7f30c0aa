//! The items of the whole table, for checks of its structure by an operator. No request of the API reads them.

use serde_json::{Map, Value};

use super::{Store, StoreError, error::classify};

impl Store {
    /// Returns all items as plain JSON, strongly consistent, in no order. This costs one read unit for each
    /// 4 KB of the table, and keeps all items in memory.
    pub async fn all_items(&self) -> Result<Vec<Map<String, Value>>, StoreError> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            #[expect(clippy::disallowed_methods, reason = "a check of the whole table has no key")]
            let scan = self.client.scan();
            let page = scan
                .table_name(&self.table)
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(classify)?;
            for item in page.items.unwrap_or_default() {
                let plain = serde_dynamo::aws_sdk_dynamodb_1::from_item(item);
                items.push(plain.map_err(|error| StoreError::corrupt("item", error))?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }
}
