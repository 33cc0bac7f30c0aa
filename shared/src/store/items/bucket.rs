//! The item of a user's token bucket. The store's module `buckets` decides how many tokens a write costs.

use chrono::{
    DateTime, Utc,
    serde::{ts_microseconds, ts_seconds},
};
use serde::{Deserialize, Serialize};

use crate::{ids::UserId, store::table::parts};

/// The writes that a bucket pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketPurpose {
    /// New conversations and added participants.
    Conversations,
    /// Reports.
    Reports,
}

/// The tokens that a user has left for one purpose. A user without this item has a full bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenBucket {
    /// The user who spends the tokens.
    #[serde(rename = "pk", deserialize_with = "parts::limits_pk", skip_serializing)]
    pub user: UserId,
    /// The writes that the bucket pays for.
    #[serde(rename = "sk", deserialize_with = "parts::bucket_sk", skip_serializing)]
    pub purpose: BucketPurpose,
    /// The number of tokens at `updated_at`.
    pub tokens: u32,
    /// The time from which the next token comes back, in microseconds.
    #[serde(with = "ts_microseconds")]
    pub updated_at: DateTime<Utc>,
    /// The time at which the bucket is full again, in seconds. The item can exist longer, because TTL deletes late.
    #[serde(with = "ts_seconds")]
    pub expires_at: DateTime<Utc>,
}
