//! Users nested in other things: looked up together, shown by the one policy.

use std::collections::HashMap;

use super::{problem::Problem, user::UserView};
use crate::{App, ids::UserId, store::items::User};

/// Profiles for display, eventually consistent.
#[derive(Debug, Default)]
pub struct People {
    profiles: HashMap<UserId, User>,
}

impl People {
    /// Looks all of them up at once.
    pub async fn find(app: &App, users: impl IntoIterator<Item = UserId>) -> Result<Self, Problem> {
        Self::default().and(app, users).await
    }

    /// These, and those of `users` who are not among them.
    pub async fn and(mut self, app: &App, users: impl IntoIterator<Item = UserId>) -> Result<Self, Problem> {
        let missing: Vec<UserId> = users
            .into_iter()
            .filter(|user| !self.profiles.contains_key(user))
            .collect();
        if !missing.is_empty() {
            self.profiles.extend(app.store.profiles(missing).await?);
        }
        Ok(self)
    }

    /// Somebody who takes part in, or has written to, a conversation that the viewer reads: contact is shown. `None` for
    /// somebody who was never there.
    #[must_use]
    pub fn view(&self, user: UserId) -> Option<UserView> {
        self.profiles
            .get(&user)
            .map(|profile| UserView::new(profile, true))
    }
}

impl FromIterator<User> for People {
    fn from_iter<I: IntoIterator<Item = User>>(users: I) -> Self {
        Self {
            profiles: users.into_iter().map(|user| (user.id, user)).collect(),
        }
    }
}
