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
        Ok(Self {
            profiles: app.store.profiles(users).await?,
        })
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

impl From<User> for People {
    fn from(user: User) -> Self {
        Self {
            profiles: HashMap::from([(user.id, user)]),
        }
    }
}
