//! Users as they are displayed beside messages and in conversations: profiles, and the memberships that decide about their
//! contact details. Nothing else is decided here.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    Store, StoreError,
    items::{Item, User},
    ops::Consistency,
    table::Key,
};
use crate::ids::{ConversationId, UserId};

/// A user in a conversation.
pub type MemberId = (ConversationId, UserId);

/// Profiles, and those of the members asked for that are memberships.
#[derive(Debug, Default)]
pub struct Senders {
    /// Profiles by user.
    pub profiles: HashMap<UserId, User>,
    /// Users who are participants now.
    pub participating: HashSet<MemberId>,
}

impl Senders {
    fn take(&mut self, items: Vec<Item>) {
        for item in items {
            match item {
                Item::User(user) => drop(self.profiles.insert(user.id, user)),
                Item::Member(member) => drop(self.participating.insert((member.conversation, member.user))),
                _ => {}
            }
        }
    }
}

impl Store {
    /// Profiles of `users` and memberships at `members`, a hundred of both in one request. For display: eventually
    /// consistent, and profiles that such a read does not have yet are read once more.
    pub async fn senders(
        &self,
        users: BTreeSet<UserId>,
        members: BTreeSet<MemberId>,
    ) -> Result<Senders, StoreError> {
        let members = members.iter().map(|(conversation, user)| Key::member(*conversation, *user));
        let keys = users.iter().map(|user| Key::user(*user)).chain(members).collect();
        let mut senders = Senders::default();
        senders.take(self.batch_get(keys, Consistency::Eventual).await?);
        let missing: Vec<Key> = users
            .iter()
            .filter(|user| !senders.profiles.contains_key(user))
            .map(|user| Key::user(*user))
            .collect();
        if !missing.is_empty() {
            senders.take(self.batch_get(missing, Consistency::Strong).await?);
        }
        Ok(senders)
    }
}
