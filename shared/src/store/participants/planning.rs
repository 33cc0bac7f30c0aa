//! Who comes and who goes: what a request wants, held against the memberships that stand. It reads and decides; nothing is
//! written here, and what it decided holds only while the conversation's version does.

use std::collections::BTreeSet;

use super::{MEMBERSHIPS_PER_CHANGE, ParticipantsWritten};
use crate::{
    ids::{ConversationId, UserId},
    model::conversation::{MAX_PARTICIPANTS, MemberRole, NESTED_PARTICIPANTS},
    store::{
        Store, StoreError, Time,
        conversations::member,
        items::{ChangeKind, Conversation, Member},
        ops::Consistency,
    },
};

/// How participants are to change.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// As they are.
    Same,
    /// These take part too.
    Add(&'a [UserId]),
    /// These take part and nobody else; for a conversation that shows all its participants nested.
    Set {
        /// Who.
        users: &'a [UserId],
        /// Whether the actor may take others' memberships away.
        may_remove: bool,
    },
    /// This one does not any more.
    Remove(UserId),
}

impl Wanted<'_> {
    /// Returns a request for no change, with which participants are read as they are.
    pub(super) const fn settled(self) -> Self {
        match self {
            Self::Remove(_) => Self::Add(&[]),
            other => other,
        }
    }
}

/// Who comes and who goes, who becomes owner by that, and how many there are then.
pub(super) struct ParticipantsPlan {
    /// Memberships that were read, see [`super::Changed`].
    pub(super) standing: Vec<Member>,
    pub(super) coming: BTreeSet<UserId>,
    pub(super) going: BTreeSet<UserId>,
    pub(super) new_owner: Option<UserId>,
    pub(super) count: u64,
    /// The first participants by id after it.
    pub(super) first: Vec<UserId>,
}

impl ParticipantsPlan {
    pub(super) fn is_empty(&self) -> bool {
        self.coming.is_empty() && self.going.is_empty()
    }

    /// The conversation as the plan makes it.
    pub(super) fn applied(&self, mut conversation: Conversation, version: u64) -> Conversation {
        conversation.version = version;
        conversation.participant_count = self.count;
        conversation.first_participants.clone_from(&self.first);
        conversation.owners.retain(|owner| !self.going.contains(owner));
        conversation.owners.extend(self.new_owner);
        // Nobody stays: the first who comes owns it.
        let first = self.coming.first().filter(|_| conversation.owners.is_empty()).copied();
        conversation.owners.extend(first);
        conversation
    }

    /// The memberships of those who come: what was said before counts as read.
    pub(super) fn joining<'a>(
        &'a self,
        conversation: &'a Conversation,
        read: u64,
        now: Time,
    ) -> impl Iterator<Item = Member> + 'a {
        let role = move |user| {
            if conversation.owners.contains(&user) { MemberRole::Owner } else { MemberRole::Member }
        };
        self.coming.iter().map(move |user| member(conversation.id, *user, role(*user), read, now))
    }

    /// The participants when it has taken effect.
    pub(super) fn participants(&self, conversation: &Conversation, read: u64, now: Time) -> Vec<Member> {
        let staying = self.standing.iter().filter(|member| !self.going.contains(&member.user));
        let mut participants: Vec<Member> = staying.cloned().collect();
        for member in participants.iter_mut().filter(|member| self.new_owner == Some(member.user)) {
            member.role = MemberRole::Owner;
        }
        participants.extend(self.joining(conversation, read, now));
        participants
    }

    pub(super) fn told(&self) -> (ChangeKind, Vec<UserId>) {
        let kind = match (self.coming.is_empty(), self.going.is_empty()) {
            (false, true) => ChangeKind::ParticipantsAdded,
            (true, false) => ChangeKind::ParticipantsRemoved,
            (true, true) => ChangeKind::ConversationUpdated,
            (false, false) => ChangeKind::ParticipantsSet,
        };
        (kind, self.coming.union(&self.going).copied().collect())
    }
}

impl Store {
    /// Who comes and who goes, by the memberships that stand; or why nobody does.
    pub(super) async fn plan(
        &self,
        conversation: &Conversation,
        wanted: Wanted<'_>,
    ) -> Result<Result<ParticipantsPlan, ParticipantsWritten>, StoreError> {
        let standing = match wanted {
            Wanted::Set { .. } if conversation.participant_count > NESTED_PARTICIPANTS as u64 => {
                return Ok(Err(ParticipantsWritten::TooManyAtOnce));
            }
            Wanted::Set { .. } => self.all_members(conversation.id).await?,
            Wanted::Add(users) => self.members(conversation.id, users).await?,
            Wanted::Remove(user) => self.members(conversation.id, &[user]).await?,
            Wanted::Same => self.shown_members(conversation.id).await?,
        };
        let users: BTreeSet<UserId> = standing.iter().map(|member| member.user).collect();
        let (coming, going) = match wanted {
            Wanted::Same => (BTreeSet::new(), BTreeSet::new()),
            Wanted::Add(users) => (users.iter().copied().collect(), BTreeSet::new()),
            Wanted::Set { users: wanted, .. } => {
                let wanted: BTreeSet<UserId> = wanted.iter().copied().collect();
                let going = &users - &wanted;
                (wanted, going)
            }
            Wanted::Remove(user) if users.contains(&user) => (BTreeSet::new(), BTreeSet::from([user])),
            Wanted::Remove(_) => return Ok(Err(ParticipantsWritten::NoSuchParticipant)),
        };
        // Decided on the memberships that the transaction is conditioned on, through the conversation's version.
        if matches!(wanted, Wanted::Set { may_remove: false, .. }) && !going.is_empty() {
            return Ok(Err(ParticipantsWritten::MayNotRemove));
        }
        let coming = &coming - &users;
        // Memberships may be newer than the count here: then its version refuses the write.
        let count = (conversation.participant_count + coming.len() as u64).saturating_sub(going.len() as u64);
        if coming.len() + going.len() > MEMBERSHIPS_PER_CHANGE {
            return Ok(Err(ParticipantsWritten::TooManyAtOnce));
        }
        if !coming.is_empty() && count > MAX_PARTICIPANTS as u64 {
            return Ok(Err(ParticipantsWritten::Full));
        }
        let new_owner = if going.is_empty() { None } else { self.new_owner(conversation, &going).await? };
        let first = Box::pin(self.first_after(conversation, &coming, &going)).await?;
        Ok(Ok(ParticipantsPlan { standing, coming, going, new_owner, count, first }))
    }

    /// The participants that a representation nests. Read after the conversation, they are those of its version or newer ones, and
    /// a write that is conditioned on the version has not missed any.
    async fn shown_members(&self, id: ConversationId) -> Result<Vec<Member>, StoreError> {
        let (members, _) = self.participants_read(id, None, NESTED_PARTICIPANTS, Consistency::Strong).await?;
        Ok(members)
    }

    /// The first participants by id once some came and some went. They are read again only where one of them goes and
    /// others move up, or where an earlier release did not write them. Memberships may be newer than the conversation here:
    /// then its version refuses the write.
    async fn first_after(
        &self,
        conversation: &Conversation,
        coming: &BTreeSet<UserId>,
        going: &BTreeSet<UserId>,
    ) -> Result<Vec<UserId>, StoreError> {
        if coming.is_empty() && going.is_empty() {
            return Ok(conversation.first_participants.clone());
        }
        let mut first: BTreeSet<UserId> = conversation.first_participants.iter().copied().collect();
        let are_all = conversation.participant_count <= first.len() as u64;
        if first.is_empty() || !(are_all || first.is_disjoint(going)) {
            let limit = NESTED_PARTICIPANTS + going.len();
            let read = self.participants_read(conversation.id, None, limit, Consistency::Strong);
            first.extend(read.await?.0.into_iter().map(|member| member.user));
        }
        let after = first.union(coming).copied().filter(|user| !going.contains(user));
        Ok(after.take(NESTED_PARTICIPANTS).collect())
    }

    /// Who becomes owner when the last one goes: the longest-standing of those who stay, of a few the first whose account
    /// is open.
    async fn new_owner(
        &self,
        conversation: &Conversation,
        going: &BTreeSet<UserId>,
    ) -> Result<Option<UserId>, StoreError> {
        if conversation.owners.iter().any(|owner| !going.contains(owner)) {
            return Ok(None);
        }
        let mut staying = self.all_members(conversation.id).await?;
        staying.retain(|member| !going.contains(&member.user));
        staying.sort_by_key(|member| (member.joined_at, member.user));
        let eldest: Vec<UserId> = staying.iter().take(100).map(|member| member.user).collect();
        let open = self.open_accounts(eldest.iter().copied()).await?;
        Ok(eldest.iter().find(|user| open.contains_key(user)).or(eldest.first()).copied())
    }
}
