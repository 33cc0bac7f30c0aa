//! The users that are nested in other representations: their profiles are read together, and one policy decides about
//! their contact details.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{message::ReactionView, problem::Problem, user::UserView};
use crate::{
    App,
    http::Caller,
    ids::{ConversationId, UserId},
    model::{reactions::Reactions, user::Role},
    policy::{Actor, sees_masked, shows_contact},
    store::{
        items::{Member, User},
        senders::MemberId,
    },
};

/// Profiles for display, with the facts that decide which contact details the viewer may see.
#[derive(Debug)]
pub struct VisibleUsers {
    viewer: UserId,
    viewer_role: Role,
    profiles: HashMap<UserId, User>,
    /// The accepted memberships that are known, of the viewer and of others.
    accepted: HashSet<MemberId>,
}

impl VisibleUsers {
    /// Creates an empty set for a viewer whose current role and membership of `conversation` were read.
    #[must_use]
    pub fn of(actor: &Actor, conversation: ConversationId) -> Self {
        let (profiles, accepted) = (HashMap::new(), HashSet::new());
        let visible_users = Self { viewer: actor.user, viewer_role: actor.role, profiles, accepted };
        visible_users.accepted(conversation, Some(actor.user).filter(|_| actor.is_accepted))
    }

    /// Creates an empty set for a viewer whose current role was not read. The viewer counts as a guest, even if a token
    /// claims the role admin.
    #[must_use]
    pub fn seen_by(caller: &Caller) -> Self {
        let (profiles, accepted) = (HashMap::new(), HashSet::new());
        Self { viewer: caller.user, viewer_role: Role::Guest, profiles, accepted }
    }

    /// Sets the viewer's current role.
    #[must_use]
    pub fn of_role(self, viewer_role: Role) -> Self {
        Self { viewer_role, ..self }
    }

    /// Returns true if the viewer sees the text of messages whose senders the viewer has blocked.
    #[must_use]
    pub fn sees_masked(&self) -> bool {
        sees_masked(self.viewer_role)
    }

    /// Returns the reactions to a message as the viewer sees them: without those of users whom the viewer has blocked, unless
    /// the viewer sees the messages of blocked users.
    #[must_use]
    pub fn reactions(&self, reactions: &Reactions) -> Vec<ReactionView> {
        let counts = reactions.counts(self.viewer, self.sees_masked());
        counts.into_iter().map(ReactionView::from).collect()
    }

    /// Adds profiles that were read before.
    #[must_use]
    pub fn knowing(mut self, users: impl IntoIterator<Item = User>) -> Self {
        self.profiles.extend(users.into_iter().map(|user| (user.id, user)));
        self
    }

    /// Adds participants who have accepted a conversation, the viewer among them if the viewer has. A user who left
    /// the conversation is not a participant any more, but the messages of this user stay.
    #[must_use]
    pub fn accepted(
        mut self,
        conversation: ConversationId,
        participants: impl IntoIterator<Item = UserId>,
    ) -> Self {
        self.accepted.extend(participants.into_iter().map(|user| (conversation, user)));
        self
    }

    /// Adds those of the memberships that are accepted.
    #[must_use]
    pub fn members<'a>(mut self, members: impl IntoIterator<Item = &'a Member>) -> Self {
        let accepted = members.into_iter().filter(|member| member.is_accepted());
        self.accepted.extend(accepted.map(|member| (member.conversation, member.user)));
        self
    }

    /// Reads the missing profiles of `users` in one batch.
    pub async fn find(self, app: &App, users: impl IntoIterator<Item = UserId>) -> Result<Self, Problem> {
        self.find_all(app, users, []).await
    }

    /// Reads the missing profiles of senders, and checks which senders are accepted participants, in one batch. The
    /// viewer must have access to the conversations of the senders' messages.
    pub async fn find_senders(
        self,
        app: &App,
        senders: impl IntoIterator<Item = MemberId>,
    ) -> Result<Self, Problem> {
        let senders: BTreeSet<MemberId> = senders.into_iter().collect();
        let users: Vec<UserId> = senders.iter().map(|(_, user)| *user).collect();
        self.find_all(app, users, senders).await
    }

    /// Reads the missing profiles of `users`, and checks which `members` are accepted participants, in one batch.
    pub async fn find_all(
        mut self,
        app: &App,
        users: impl IntoIterator<Item = UserId>,
        members: impl IntoIterator<Item = MemberId>,
    ) -> Result<Self, Problem> {
        let users: BTreeSet<UserId> =
            users.into_iter().filter(|user| !self.profiles.contains_key(user)).collect();
        let members: BTreeSet<MemberId> =
            members.into_iter().filter(|member| self.depends_on(*member)).collect();
        if !users.is_empty() || !members.is_empty() {
            let found = app.store.senders(users, members).await?;
            self.profiles.extend(found.profiles);
            self.accepted.extend(found.accepted);
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

    /// Returns true if the display depends on a membership that is not known: not for the viewer, not if the viewer is
    /// an admin, and not if the viewer has not accepted the conversation.
    fn depends_on(&self, member: MemberId) -> bool {
        self.accepted.contains(&(member.0, self.viewer)) && !self.shows(member)
    }

    fn shows(&self, (conversation, user): MemberId) -> bool {
        let both = [self.viewer, user].iter().all(|user| self.accepted.contains(&(conversation, *user)));
        shows_contact(user, self.viewer, self.viewer_role, both)
    }
}
