//! Who may do what: the one file to change for a deployment's own rules. Guests and hosts may do the same here; whether
//! something exists for the caller at all is decided before, by membership.

use crate::{
    ids::UserId,
    model::{conversation::MemberRole, user::Role},
};

/// Somebody who asks, with the role that was read for this decision.
#[derive(Debug, Clone, Copy)]
pub struct Actor {
    /// Who.
    pub user: UserId,
    /// What they are in the deployment.
    pub role: Role,
    /// What they are in the conversation in question; `None` where they take no part.
    pub member: Option<MemberRole>,
}

impl Actor {
    /// Sees and moderates everything.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    fn owns(&self) -> bool {
        self.member == Some(MemberRole::Owner)
    }

    /// Reads a conversation.
    #[must_use]
    pub fn may_read(&self) -> bool {
        self.member.is_some() || self.is_admin()
    }

    /// Sets the name and metadata of a group, and adds participants: everybody who takes part.
    #[must_use]
    pub fn may_change_conversation(&self) -> bool {
        self.member.is_some() || self.is_admin()
    }

    /// Removes `other` from a group, or leaves it.
    #[must_use]
    pub fn may_remove_participant(&self, other: UserId) -> bool {
        self.user == other || self.owns() || self.is_admin()
    }

    /// Gives and takes the owner's role, and deletes a group.
    #[must_use]
    pub fn may_own(&self) -> bool {
        self.owns() || self.is_admin()
    }

    /// Changes what a message says: who wrote it, nobody else.
    #[must_use]
    pub fn may_edit_message(&self, sender: UserId) -> bool {
        self.user == sender
    }

    /// Deletes a message.
    #[must_use]
    pub fn may_delete_message(&self, sender: UserId) -> bool {
        self.user == sender || self.owns() || self.is_admin()
    }

    /// Reads what a message said before it was edited.
    #[must_use]
    pub fn may_read_revisions(&self, sender: UserId) -> bool {
        self.user == sender || self.is_admin()
    }
}

/// Whether a user's email and phone number are shown to a viewer.
#[must_use]
pub fn shows_contact(subject: UserId, viewer: UserId, viewer_role: Role, share_a_conversation: bool) -> bool {
    subject == viewer || viewer_role == Role::Admin || share_a_conversation
}
