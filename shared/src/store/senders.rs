//! Users as messages and conversations show them: profiles, and the memberships on which the display of contact details
//! depends. The policy decides about that display.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    Store, StoreError,
    items::{Member, User},
    ops::Consistency,
    table::Key,
};
use crate::ids::{ConversationId, UserId};

/// The conversation and the user of a membership.
pub type MemberId = (ConversationId, UserId);

/// The requested profiles that exist, and the requested memberships that are accepted.
#[derive(Debug, Default)]
pub struct Senders {
    /// The profiles that exist, by user.
    pub profiles: HashMap<UserId, User>,
    /// The memberships that exist and are accepted, by conversation and user.
    pub accepted: HashSet<MemberId>,
}

impl Senders {
    fn add(&mut self, (users, members): (Vec<User>, Vec<Member>)) {
        self.profiles.extend(users.into_iter().map(|user| (user.id, user)));
        let accepted = members.iter().filter(|member| member.is_accepted());
        self.accepted.extend(accepted.map(|member| (member.conversation, member.user)));
    }
}

impl Store {
    /// Returns the profiles of `users` and the accepted memberships at `members`, with at most 100 keys in each request. The
    /// result is for display only: the read is eventually consistent. Profiles that it does not find are read once
    /// more, strongly consistent.
    pub async fn senders(
        &self,
        users: BTreeSet<UserId>,
        members: BTreeSet<MemberId>,
    ) -> Result<Senders, StoreError> {
        let members = members.iter().map(|(conversation, user)| Key::member(*conversation, *user));
        let keys = users.iter().map(|user| Key::user(*user)).chain(members).collect();
        let mut senders = Senders::default();
        senders.add(self.get_all_of_two(keys, Consistency::Eventual).await?);
        let missing: Vec<Key> = users
            .iter()
            .filter(|user| !senders.profiles.contains_key(user))
            .map(|user| Key::user(*user))
            .collect();
        if !missing.is_empty() {
            senders.add(self.get_all_of_two(missing, Consistency::Strong).await?);
        }
        Ok(senders)
    }
}
