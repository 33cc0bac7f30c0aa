//! The users that are nested in other representations: their profiles are read together, and one policy decides about
//! their contact details.

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

/// Profiles for display, with the facts that decide which contact details the viewer may see.
#[derive(Debug)]
pub struct VisibleUsers {
    viewer: UserId,
    viewer_role: Role,
    profiles: HashMap<UserId, User>,
    sharing: HashSet<MemberId>,
}

impl VisibleUsers {
    /// Creates an empty set for a viewer whose current role was read.
    #[must_use]
    pub fn of(actor: &Actor) -> Self {
        let (profiles, sharing) = (HashMap::new(), HashSet::new());
        Self { viewer: actor.user, viewer_role: actor.role, profiles, sharing }
    }

    /// Creates an empty set for a viewer whose current role was not read. The viewer counts as a guest, even if a token
    /// claims the role admin.
    #[must_use]
    pub fn seen_by(caller: &Caller) -> Self {
        Self::of(&Actor { user: caller.user, role: Role::Guest, member: None })
    }

    /// Adds profiles that were read before.
    #[must_use]
    pub fn knowing(mut self, users: impl IntoIterator<Item = User>) -> Self {
        self.profiles.extend(users.into_iter().map(|user| (user.id, user)));
        self
    }

    /// Adds participants of a conversation that the viewer may read. A user who left the conversation is not a
    /// participant any more, but the messages of this user stay.
    #[must_use]
    pub fn sharing(
        mut self,
        conversation: ConversationId,
        participants: impl IntoIterator<Item = UserId>,
    ) -> Self {
        self.sharing.extend(participants.into_iter().map(|user| (conversation, user)));
        self
    }

    /// Reads the missing profiles of `users` in one batch.
    pub async fn find(self, app: &App, users: impl IntoIterator<Item = UserId>) -> Result<Self, Problem> {
        self.find_all(app, users, []).await
    }

    /// Reads the missing profiles of senders, and checks which senders still are participants, in one batch. The viewer
    /// must have access to the conversations of the senders' messages.
    pub async fn find_senders(
        self,
        app: &App,
        senders: impl IntoIterator<Item = MemberId>,
    ) -> Result<Self, Problem> {
        let senders: BTreeSet<MemberId> = senders.into_iter().collect();
        let users: Vec<UserId> = senders.iter().map(|(_, user)| *user).collect();
        self.find_all(app, users, senders).await
    }

    /// Reads the missing profiles of `users`, and checks which `members` still are participants, in one batch.
    pub async fn find_all(
        mut self,
        app: &App,
        users: impl IntoIterator<Item = UserId>,
        members: impl IntoIterator<Item = MemberId>,
    ) -> Result<Self, Problem> {
        let users: BTreeSet<UserId> =
            users.into_iter().filter(|user| !self.profiles.contains_key(user)).collect();
        // A membership is read only if the decision depends on it: not for the viewer, and not if the viewer is an
        // admin.
        let members: BTreeSet<MemberId> = members.into_iter().filter(|member| !self.shows(*member)).collect();
        if !users.is_empty() || !members.is_empty() {
            let found = app.store.senders(users, members).await?;
            self.profiles.extend(found.profiles);
            self.sharing.extend(found.participating);
        }
        Ok(self)
    }

    /// Returns the view of a user, with the contact details that the viewer may see in this conversation; `None` if the
    /// user has no profile.
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
