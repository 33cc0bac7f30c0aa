//! Users nested in other things: looked up together, shown by the one policy.

use std::collections::{HashMap, HashSet};

use super::{caller::Caller, problem::Problem, user::UserView};
use crate::{
    App,
    ids::UserId,
    model::user::Role,
    policy::{Actor, shows_contact},
    store::items::User,
};

/// Profiles for display, and what the viewer may see of them.
#[derive(Debug)]
pub struct People {
    viewer: UserId,
    viewer_role: Role,
    profiles: HashMap<UserId, User>,
    sharing: HashSet<UserId>,
}

impl People {
    /// Nobody yet, for a viewer whose role was read.
    #[must_use]
    pub fn of(actor: &Actor) -> Self {
        let (profiles, sharing) = (HashMap::new(), HashSet::new());
        Self { viewer: actor.user, viewer_role: actor.role, profiles, sharing }
    }

    /// Nobody yet, for a viewer whose role was not read: who claims to be an admin is shown what others are.
    #[must_use]
    pub fn seen_by(caller: &Caller) -> Self {
        Self::of(&Actor { user: caller.user, role: Role::Guest, member: None })
    }

    /// With profiles that were read already.
    #[must_use]
    pub fn knowing(mut self, users: impl IntoIterator<Item = User>) -> Self {
        self.profiles.extend(users.into_iter().map(|user| (user.id, user)));
        self
    }

    /// With participants of a conversation that the viewer reads. Who left it does not share it any more, though their
    /// messages stay.
    #[must_use]
    pub fn sharing(mut self, participants: impl IntoIterator<Item = UserId>) -> Self {
        self.sharing.extend(participants);
        self
    }

    /// Looks up those of `users` who are not known yet, all at once.
    pub async fn find(mut self, app: &App, users: impl IntoIterator<Item = UserId>) -> Result<Self, Problem> {
        let missing: Vec<UserId> =
            users.into_iter().filter(|user| !self.profiles.contains_key(user)).collect();
        if !missing.is_empty() {
            self.profiles.extend(app.store.profiles(missing).await?);
        }
        Ok(self)
    }

    /// A user as the viewer may see one; `None` for somebody who was never there.
    #[must_use]
    pub fn view(&self, user: UserId) -> Option<UserView> {
        let contact = shows_contact(user, self.viewer, self.viewer_role, self.sharing.contains(&user));
        self.profiles.get(&user).map(|profile| UserView::new(profile, contact))
    }
}
