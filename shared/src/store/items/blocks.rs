//! The item of a user's blocks. The store's module `blocks` changes it and applies it to messages.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{ids::UserId, store::table::parts};

/// The users whom a user has blocked. A user without this item has never blocked anybody. The item stays when the last
/// block is removed, so that its version is never used again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocks {
    /// The user who has blocked the others.
    #[serde(rename = "pk", deserialize_with = "parts::user_pk", skip_serializing)]
    pub user: UserId,
    /// The time of each block in microseconds, by the blocked user.
    pub blocked: BTreeMap<UserId, i64>,
    /// The number of changes of this item. Each change requires the version that it read.
    pub version: u64,
}

impl Blocks {
    /// Returns the time at which the user was blocked; `None` if the user is not blocked.
    #[must_use]
    pub fn since(&self, user: UserId) -> Option<DateTime<Utc>> {
        self.blocked.get(&user).copied().and_then(DateTime::from_timestamp_micros)
    }

    /// Returns the blocked users with the times of the blocks, the newest block first.
    #[must_use]
    pub fn newest_first(&self) -> Vec<(DateTime<Utc>, UserId)> {
        let mut blocks: Vec<_> =
            self.blocked.keys().filter_map(|user| Some((self.since(*user)?, *user))).collect();
        blocks.sort_unstable_by(|a, b| b.cmp(a));
        blocks
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::items::Item;

    #[test]
    fn blocks_survive_the_table() {
        let user = |n| UserId::new(Uuid::from_u128(n));
        let blocked = BTreeMap::from([(user(2), 1_800_000_000_000_001), (user(3), 1_800_000_000_000_000)]);
        let blocks = Blocks { user: user(1), blocked, version: 7 };
        let read = Item::decode(Item::Blocks(blocks.clone()).encode().unwrap()).unwrap();
        assert!(matches!(&read, Item::Blocks(read) if *read == blocks), "{read:?}");
        let order: Vec<UserId> = blocks.newest_first().into_iter().map(|(_, user)| user).collect();
        assert_eq!(order, [user(2), user(3)]);
    }
}
