//! Changing a conversation: its name and metadata, who takes part, who owns it; each change reads, decides, writes, and does so
//! again where somebody else was faster. Who comes and who goes is decided in `planning`, the transaction is in `writing`.

mod planning;
mod writing;

use futures::future::try_join3;
use uuid::Uuid;

pub use self::planning::Wanted;
use self::{
    planning::ParticipantsPlan,
    writing::{By, role_step, told},
};
use super::{
    Store, StoreError, Time,
    backoff::Backoff,
    changes::ChangeWritten,
    conversations::{ConversationAccess, ConversationEdit, conversation_change, meta_step},
    items::{ChangeKind, Conversation, Item, Member},
    ops::{Consistency, Reading},
    table::{Key, Span},
};
use crate::{
    ids::{ConversationId, UserId},
    model::conversation::{MAX_OWNERS, MemberRole},
};

/// Most memberships that one transaction of 100 items can change: two items each, beside the change, the conversation and
/// the heir's role.
pub const MEMBERSHIPS_PER_CHANGE: usize = 48;

/// A conversation after a change, from what the change read and wrote: nothing that happens later is in it, and nothing that
/// happens later takes it away.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The conversation.
    pub conversation: Conversation,
    /// Participants by the order of ids: those whom the request names, or all of them if it sets all or none.
    pub participants: Vec<Member>,
}

impl Changed {
    /// The same after participants were removed again, one after the other.
    #[must_use]
    pub fn without(mut self, removed: Vec<(UserId, Conversation)>) -> Self {
        for (user, conversation) in removed {
            self.participants.retain(|member| member.user != user);
            self.conversation = conversation;
        }
        self
    }
}

/// What became of a change of participants.
#[derive(Debug, Clone)]
pub enum ParticipantsWritten {
    /// It took effect, or nothing was to be changed.
    Done(Box<Changed>),
    /// There is no such conversation any more.
    Gone,
    /// The client's copy is of another version.
    Stale,
    /// It would take memberships away that the actor may not.
    MayNotRemove,
    /// Whom it is about takes no part.
    NoSuchParticipant,
    /// It would have too many participants.
    Full,
    /// It would have too many owners.
    TooManyOwners,
    /// It would have no owner.
    LastOwner,
    /// Too many come and go at once for one transaction.
    TooManyAtOnce,
    /// The client's own data would be too large after the merge.
    MetadataTooLarge,
}

/// A group as it was read, and where its change log goes on.
struct CurrentGroup {
    conversation: Conversation,
    tail: u64,
    number: u64,
    /// True if this request has changed it already: an earlier try took effect after it was given up.
    is_done: bool,
}

impl ParticipantsWritten {
    fn done(conversation: Conversation, mut participants: Vec<Member>) -> Self {
        participants.sort_unstable_by_key(|member| member.user);
        Self::Done(Box::new(Changed { conversation, participants }))
    }
}

impl Store {
    /// A page of participants after one, by the order of ids, and whether there are more. Eventually consistent: for
    /// display; access is decided on the viewer's own membership.
    pub async fn participants(
        &self,
        id: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<(Vec<Member>, bool), StoreError> {
        self.participants_read(id, after, limit, Consistency::Eventual).await
    }

    pub(crate) async fn participants_read(
        &self,
        id: ConversationId,
        after: Option<UserId>,
        limit: usize,
        consistency: Consistency,
    ) -> Result<(Vec<Member>, bool), StoreError> {
        let reading = Reading { descending: false, limit: Some(limit + 1), consistency };
        let page = self.query_whole(Span::members(id, after), reading).await?;
        let mut members: Vec<Member> = page.items.into_iter().filter_map(Item::into_member).collect();
        let more = page.more || members.len() > limit;
        members.truncate(limit);
        Ok((members, more))
    }

    /// Memberships of `users`, strongly consistent.
    pub async fn members(&self, id: ConversationId, users: &[UserId]) -> Result<Vec<Member>, StoreError> {
        let keys = users.iter().map(|user| Key::member(id, *user)).collect();
        self.members_at(keys).await
    }

    async fn present(
        &self,
        id: ConversationId,
        actor: UserId,
        request: Uuid,
    ) -> Result<Option<CurrentGroup>, StoreError> {
        let (access, tail, changes) =
            try_join3(self.conversation_access(id, actor), self.tail(id), self.change_tail(id)).await?;
        let is_done = changes.is_of(request);
        // The conversation may have been read before the try took effect.
        let access = if is_done { self.conversation_access(id, actor).await? } else { access };
        Ok(match (access, tail, changes.next) {
            (Some(ConversationAccess { conversation, .. }), Some(tail), Some(number)) => {
                Some(CurrentGroup { conversation, tail, number, is_done })
            }
            // The last participant has left by this request, which closed the conversation.
            (Some(ConversationAccess { conversation, .. }), ..) if is_done => {
                Some(CurrentGroup { conversation, tail: 0, number: 0, is_done })
            }
            _ => None,
        })
    }

    /// Changes who takes part, name and metadata, all of it or nothing: reads, decides who comes and who goes, writes; again
    /// when somebody else was faster. What was said before somebody comes is theirs to read, and counts as read. The
    /// memberships' conditions close the races of two who add, or remove, the same person; the META's version keeps the
    /// count.
    pub async fn change_conversation(
        &self,
        id: ConversationId,
        actor: UserId,
        wanted: Wanted<'_>,
        edit: &ConversationEdit,
        request: Uuid,
        now: Time,
    ) -> Result<ParticipantsWritten, StoreError> {
        let mut backoff = Backoff::new(&self.random);
        loop {
            let Some(present) = self.present(id, actor, request).await? else {
                return Ok(ParticipantsWritten::Gone);
            };
            if !present.is_done && !edit.expected.allows(present.conversation.version) {
                return Ok(ParticipantsWritten::Stale);
            }
            let wanted = if present.is_done { wanted.settled() } else { wanted };
            let edited = if present.is_done { Ok(None) } else { edit.apply(&present.conversation) };
            let Ok(edited) = edited else {
                return Ok(ParticipantsWritten::MetadataTooLarge);
            };
            let plan = match self.plan(&present.conversation, wanted).await? {
                Ok(plan) => plan,
                Err(refusal) => return Ok(refusal),
            };
            if present.is_done || plan.is_empty() && edited.is_none() {
                return Ok(ParticipantsWritten::done(present.conversation, plan.standing));
            }
            let version = present.conversation.version + 1;
            let conversation = plan.applied(edited.unwrap_or(present.conversation.clone()), version);
            match self.write_plan(&present, &conversation, &plan, By { actor, request, now }).await? {
                ChangeWritten::Done => {
                    let participants = plan.participants(&conversation, present.tail, now);
                    return Ok(ParticipantsWritten::done(conversation, participants));
                }
                ChangeWritten::Closed => return Ok(ParticipantsWritten::Gone),
                ChangeWritten::Lost => backoff.lose().await?,
            }
        }
    }

    /// Gives or takes the owner's role. The META's version closes the race of two owners who take each other's.
    pub async fn set_member_role(
        &self,
        id: ConversationId,
        actor: UserId,
        user: UserId,
        role: MemberRole,
        request: Uuid,
        now: Time,
    ) -> Result<ParticipantsWritten, StoreError> {
        let mut backoff = Backoff::new(&self.random);
        loop {
            let Some(present) = self.present(id, actor, request).await? else {
                return Ok(ParticipantsWritten::Gone);
            };
            let Some(member) = self.member(id, user).await? else {
                return Ok(ParticipantsWritten::NoSuchParticipant);
            };
            if member.role == role {
                return Ok(ParticipantsWritten::done(present.conversation, vec![member]));
            }
            let mut conversation = present.conversation;
            conversation.version += 1;
            conversation.owners.retain(|owner| *owner != user);
            if role == MemberRole::Owner {
                conversation.owners.push(user);
            }
            if conversation.owners.is_empty() {
                return Ok(ParticipantsWritten::LastOwner);
            }
            if conversation.owners.len() > MAX_OWNERS {
                return Ok(ParticipantsWritten::TooManyOwners);
            }
            let kind = ChangeKind::RoleChanged;
            let change = conversation_change(kind, &conversation, present.number, actor, request, now);
            let steps = vec![meta_step(&conversation), role_step(id, user, role)];
            match self.write_change(told(change, vec![user], &conversation), steps).await? {
                ChangeWritten::Done => {
                    let member = Member { role, ..member };
                    return Ok(ParticipantsWritten::done(conversation, vec![member]));
                }
                ChangeWritten::Closed => return Ok(ParticipantsWritten::Gone),
                ChangeWritten::Lost => backoff.lose().await?,
            }
        }
    }
}
