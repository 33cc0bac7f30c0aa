//! Stands in for two methods of the store that are still to come, and goes with them.
//! An inherent method of the same name takes precedence over these.

use shared::ids::UserId;
use shared::model::user::Role;
use shared::random::Random;
use shared::store::{Store, StoreError};

pub(crate) trait Needed {
    async fn at(_endpoint: &str, table: &str, random: Random) -> Store {
        Store::from_env(table, random).await
    }

    async fn set_role(&self, _user: UserId, _role: Role) -> Result<Option<()>, StoreError> {
        Ok(None)
    }
}

impl Needed for Store {}
