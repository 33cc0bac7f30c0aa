//! Profiles.

use std::collections::HashMap;

use super::{
    Store, StoreError,
    items::{Item, User},
    ops::Consistency,
    table::Key,
};
use crate::ids::UserId;

impl Store {
    /// A profile, strongly consistent: for decisions. Closed accounts have one too.
    pub async fn user(&self, user: UserId) -> Result<Option<User>, StoreError> {
        Ok(self
            .get(Key::user(user), Consistency::Strong)
            .await?
            .and_then(Item::into_user))
    }

    /// Profiles for display, by user: eventually consistent, and those that such a read does not have yet once more.
    pub async fn profiles(
        &self,
        users: impl IntoIterator<Item = UserId>,
    ) -> Result<HashMap<UserId, User>, StoreError> {
        let users: Vec<UserId> = users.into_iter().collect();
        let mut found = self
            .users_by_id(users.iter().copied(), Consistency::Eventual)
            .await?;
        let missing: Vec<UserId> = users
            .into_iter()
            .filter(|user| !found.contains_key(user))
            .collect();
        if !missing.is_empty() {
            found.extend(self.users_by_id(missing, Consistency::Strong).await?);
        }
        Ok(found)
    }

    /// Those of `users` whose accounts are open, strongly consistent: for deciding who can take part.
    pub async fn open_accounts(
        &self,
        users: impl IntoIterator<Item = UserId>,
    ) -> Result<HashMap<UserId, User>, StoreError> {
        let mut users = self.users_by_id(users, Consistency::Strong).await?;
        users.retain(|_, user| user.closed_at.is_none());
        Ok(users)
    }

    async fn users_by_id(
        &self,
        users: impl IntoIterator<Item = UserId>,
        consistency: Consistency,
    ) -> Result<HashMap<UserId, User>, StoreError> {
        let mut ids: Vec<UserId> = users.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        let items = self
            .batch_get(ids.into_iter().map(Key::user).collect(), consistency)
            .await?;
        Ok(items
            .into_iter()
            .filter_map(Item::into_user)
            .map(|user| (user.id, user))
            .collect())
    }
}
