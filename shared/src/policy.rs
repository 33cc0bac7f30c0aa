//! The rules of who may do what. A deployment that needs its own rules changes only this file. Guests and hosts have
//! the same rights here. Membership decides earlier whether a conversation exists for the caller at all.

use crate::{
    ids::UserId,
    model::{
        conversation::{ConversationKind, MemberRole},
        user::Role,
    },
};

/// The caller of a request, with the roles that were read for this decision.
#[derive(Debug, Clone, Copy)]
pub struct Actor {
    /// The id of the caller.
    pub user: UserId,
    /// The caller's role in the deployment.
    pub role: Role,
    /// The caller's role in the conversation in question; `None` if the caller is not a participant.
    pub member: Option<MemberRole>,
    /// True if the caller is a participant who has accepted the conversation.
    pub is_accepted: bool,
}

impl Actor {
    /// Returns true if the caller is an admin, who may see and moderate everything.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    fn owns(&self) -> bool {
        self.member == Some(MemberRole::Owner) && !self.is_invited()
    }

    /// Returns true if the caller has to accept an invitation before writing in the conversation. Admins act without.
    #[must_use]
    pub fn is_invited(&self) -> bool {
        self.member.is_some() && !self.is_accepted && !self.is_admin()
    }

    /// Returns true if the caller may read the conversation.
    #[must_use]
    pub fn may_read(&self) -> bool {
        self.member.is_some() || self.is_admin()
    }

    /// Returns true if the caller may set the name and metadata of a group and add participants. Every participant may.
    #[must_use]
    pub fn may_change_conversation(&self) -> bool {
        self.member.is_some() || self.is_admin()
    }

    /// Returns true if the caller may remove `other` from a group: the participant themselves, an owner or an admin.
    #[must_use]
    pub fn may_remove_participant(&self, other: UserId) -> bool {
        self.user == other || self.owns() || self.is_admin()
    }

    /// Returns true if the caller may grant and revoke the role of owner, and delete a group.
    #[must_use]
    pub fn may_own(&self) -> bool {
        self.owns() || self.is_admin()
    }

    /// Returns true if the caller may change the text of a message. Only its sender may; admins may not.
    #[must_use]
    pub fn may_edit_message(&self, sender: UserId) -> bool {
        self.user == sender
    }

    /// Returns true if the caller may delete a message that `sender` sent in any conversation: the sender or an admin.
    #[must_use]
    pub fn may_delete_message(&self, sender: UserId) -> bool {
        self.user == sender || self.is_admin()
    }

    /// Returns true if the caller may also delete the messages of others in a conversation of this kind. Owners may in
    /// groups. Both users of a direct conversation are its owners, so neither may delete what the other has sent.
    #[must_use]
    pub fn may_delete_messages_of_others(&self, kind: ConversationKind) -> bool {
        self.is_admin() || (self.owns() && kind == ConversationKind::Group)
    }

    /// Returns true if the caller may react to messages: every participant who has accepted the conversation. Admins who do
    /// not take part may not, because a reaction is a statement like a message.
    #[must_use]
    pub fn may_react(&self) -> bool {
        self.is_accepted
    }

    /// Returns true if the caller may pin messages and remove pins: every participant who has accepted the conversation, and
    /// admins, like for the name of a group.
    #[must_use]
    pub fn may_pin(&self) -> bool {
        self.is_accepted || self.is_admin()
    }

    /// Returns true if the caller may read the earlier texts of an edited message: its sender or an admin.
    #[must_use]
    pub fn may_read_revisions(&self, sender: UserId) -> bool {
        self.user == sender || self.is_admin()
    }
}

/// Returns true if the limit of new conversations and added participants holds for users with this role. Admins have no
/// such limit, because they make conversations for others.
#[must_use]
pub fn has_conversation_limit(role: Role) -> bool {
    role != Role::Admin
}

/// Returns true if a viewer sees the text of messages whose senders the viewer has blocked. Admins do, because they
/// moderate.
#[must_use]
pub fn sees_masked(viewer_role: Role) -> bool {
    viewer_role == Role::Admin
}

/// Returns true if the email and phone number of `subject` are shown to `viewer`: to the user themselves, to admins,
/// and if both have accepted one conversation. An invitation shows nothing, neither of the inviter nor of the invited
/// user.
#[must_use]
pub fn shows_contact(subject: UserId, viewer: UserId, viewer_role: Role, both_accepted: bool) -> bool {
    subject == viewer || viewer_role == Role::Admin || both_accepted
}
