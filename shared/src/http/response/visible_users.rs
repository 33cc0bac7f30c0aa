//! Users nested in other things: looked up together, shown by the one policy.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{problem::Problem, user::UserView};
use crate::{
    App,
    http::Caller,
    ids::{ConversationId, UserId},
    model::user::Role,
    policy::{Actor, shows_contact},
    store::{items::User, senders::MemberId},
};

/// Profiles for display, and what the viewer may see of them.
#[derive(Debug)]
pub struct VisibleUsers {
    viewer: UserId,
    viewer_role: Role,
    profiles: HashMap<UserId, User>,
    sharing: HashSet<MemberId>,
}

impl VisibleUsers {
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

    /// With participants of a conversation that the viewer reads. A user who left it does not share it any more, but their
    /// messages stay.
    #[must_use]
    pub fn sharing(
        mut self,
        conversation: ConversationId,
        participants: impl IntoIterator<Item = UserId>,
    ) -> Self {
        self.sharing.extend(participants.into_iter().map(|user| (conversation, user)));
        self
    }

    /// Looks up those of `users` who are not known yet, in one batch.
    pub async fn find(self, app: &App, users: impl IntoIterator<Item = UserId>) -> Result<Self, Problem> {
        self.find_all(app, users, []).await
    }

    /// Looks up the senders of messages of conversations that the viewer reads: those who are not known yet, and whether
    /// they still are participants, in one batch.
    pub async fn find_senders(
        self,
        app: &App,
        senders: impl IntoIterator<Item = MemberId>,
    ) -> Result<Self, Problem> {
        let senders: BTreeSet<MemberId> = senders.into_iter().collect();
        let users: Vec<UserId> = senders.iter().map(|(_, user)| *user).collect();
        self.find_all(app, users, senders).await
    }

    /// Looks up profiles of `users`, and who at `members` is a participant.
    pub async fn find_all(
        mut self,
        app: &App,
        users: impl IntoIterator<Item = UserId>,
        members: impl IntoIterator<Item = MemberId>,
    ) -> Result<Self, Problem> {
        let users: BTreeSet<UserId> =
            users.into_iter().filter(|user| !self.profiles.contains_key(user)).collect();
        // A membership is read only where it decides: not for the viewer, and not for an admin.
        let members: BTreeSet<MemberId> = members.into_iter().filter(|member| !self.shows(*member)).collect();
        if !users.is_empty() || !members.is_empty() {
            let found = app.store.senders(users, members).await?;
            self.profiles.extend(found.profiles);
            self.sharing.extend(found.participating);
        }
        Ok(self)
    }

    /// A user as the viewer may see one in a conversation; `None` for somebody who was never there.
    #[must_use]
    pub fn view(&self, conversation: ConversationId, user: UserId) -> Option<UserView> {
        let contact = self.shows((conversation, user));
        self.profiles.get(&user).map(|profile| UserView::new(profile, contact))
    }

    fn shows(&self, (conversation, user): MemberId) -> bool {
        let shares = self.sharing.contains(&(conversation, user));
        shows_contact(user, self.viewer, self.viewer_role, shares)
    }
}
