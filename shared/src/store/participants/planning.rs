//! The plan of a change of participants: a request compared with the present memberships. It reads and decides, and
//! writes nothing. A plan is valid only while the conversation keeps its version.

use std::collections::BTreeSet;

use super::{MEMBERSHIPS_PER_CHANGE, ParticipantsError};
use crate::{
    ids::{ConversationId, UserId},
    model::conversation::{MAX_PARTICIPANTS, MemberRole, NESTED_PARTICIPANTS},
    store::{
        Command, Store, StoreError, Time,
        consent::Consent,
        conversations::member,
        items::{ChangeKind, Conversation, Member},
        transactions::Step,
    },
};

/// A requested change of participants.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// The participants stay as they are.
    Same,
    /// These users become participants, besides the present participants. Those from whom consent is needed are invited.
    Add(&'a [UserId], &'a Consent),
    /// These users become the only participants. Only for a conversation that nests all its participants.
    Set {
        /// The participants after the change, by the order of their ids.
        users: &'a [UserId],
        /// True if the actor may remove other participants.
        may_remove: bool,
        /// Decides which of the new participants are invited.
        consent: &'a Consent,
    },
    /// This user stops being a participant.
    Remove(UserId),
}

impl<'a> Wanted<'a> {
    /// Returns the command, without its limit if the change adds nobody. Then no bucket is read.
    pub(super) const fn payer(self, command: Command) -> Command {
        match self.consent() {
            Some(_) => command,
            None => command.unlimited(),
        }
    }

    const fn consent(self) -> Option<&'a Consent> {
        match self {
            Self::Add(_, consent) | Self::Set { consent, .. } => Some(consent),
            Self::Same | Self::Remove(_) => None,
        }
    }
}

/// The additions and removals of a change, with their results.
pub(super) struct ParticipantsPlan<'a> {
    /// The user who makes the change, and so invites the new participants who are invited.
    pub(super) actor: UserId,
    /// Decides which of the new participants are invited; `None` if there are none.
    pub(super) consent: Option<&'a Consent>,
    /// The memberships before the change: those that the request names, or all of them if it sets all or none.
    pub(super) present: Vec<Member>,
    /// The users who become participants.
    pub(super) coming: BTreeSet<UserId>,
    /// The participants who are removed.
    pub(super) going: BTreeSet<UserId>,
    /// The participant who becomes an owner because the last owner is removed.
    pub(super) new_owner: Option<UserId>,
    /// The number of participants after the change.
    pub(super) count: u64,
    /// The first participants after the change, by the order of their ids.
    pub(super) first: Vec<UserId>,
    /// The step that pays for the new participants; `None` if it costs nothing.
    pub(super) payment: Option<Step>,
}

impl ParticipantsPlan<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.coming.is_empty() && self.going.is_empty()
    }

    /// Returns the conversation after the change.
    pub(super) fn applied(&self, mut conversation: Conversation, version: u64) -> Conversation {
        conversation.version = version;
        conversation.participant_count = self.count;
        conversation.first_participants.clone_from(&self.first);
        conversation.owners.retain(|owner| !self.going.contains(owner));
        conversation.owners.extend(self.new_owner);
        // No present participant stays, so the first new participant becomes the owner.
        let first = self.coming.first().filter(|_| conversation.owners.is_empty()).copied();
        conversation.owners.extend(first);
        conversation.awaiting = self.awaiting(&conversation);
        conversation.has_invited |= self.coming.iter().any(|user| self.is_invited(*user));
        conversation
    }

    /// Returns the participant who waits for a first acceptance after the change. The wait begins if the only participant
    /// invites others. It ends if a participant comes who needs no consent, if nobody is left to accept, and if the waiting
    /// participant leaves. `conversation` is the one before the change, except for its participants.
    fn awaiting(&self, conversation: &Conversation) -> Option<UserId> {
        let all_invited = self.coming.iter().all(|user| self.is_invited(*user));
        if let Some(user) = conversation.awaiting {
            let stays = all_invited && self.count > 1 && !self.going.contains(&user);
            // The membership of a new owner is already written for the role; the wait then stays until the next change.
            return (stays || self.new_owner == Some(user)).then_some(user);
        }
        let was_alone = self.going.is_empty() && self.count == 1 + self.coming.len() as u64;
        let is_participant = conversation.owners.contains(&self.actor);
        (!self.coming.is_empty() && was_alone && is_participant && all_invited).then_some(self.actor)
    }

    /// Returns the memberships of the participants who are removed.
    pub(super) fn going(&self) -> impl Iterator<Item = &Member> {
        self.present.iter().filter(|member| self.going.contains(&member.user))
    }

    fn is_invited(&self, user: UserId) -> bool {
        self.consent.is_some_and(|consent| consent.is_needed_from(user))
    }

    /// Returns the memberships of the new participants. Messages up to number `read` count as read.
    pub(super) fn joining<'a>(
        &'a self,
        conversation: &'a Conversation,
        read: u64,
        now: Time,
    ) -> impl Iterator<Item = Member> + 'a {
        let role = move |user| {
            if conversation.owners.contains(&user) { MemberRole::Owner } else { MemberRole::Member }
        };
        self.coming.iter().map(move |user| {
            let member = member(conversation.id, *user, role(*user), read, now);
            match self.consent {
                Some(consent) => consent.applied(member, self.actor),
                None => member,
            }
        })
    }

    /// Returns the participants after the change.
    pub(super) fn participants(&self, conversation: &Conversation, read: u64, now: Time) -> Vec<Member> {
        let staying = self.present.iter().filter(|member| !self.going.contains(&member.user));
        let mut participants: Vec<Member> = staying.cloned().collect();
        for member in participants.iter_mut().filter(|member| self.new_owner == Some(member.user)) {
            member.role = MemberRole::Owner;
        }
        participants.extend(self.joining(conversation, read, now));
        participants
    }

    /// Returns the kind of the change, and the users that it concerns.
    pub(super) fn change(&self) -> (ChangeKind, Vec<UserId>) {
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
    /// Compares a request with the present memberships and returns the plan of the change.
    pub(super) async fn plan<'a>(
        &self,
        conversation: &Conversation,
        wanted: Wanted<'a>,
        actor: UserId,
    ) -> Result<ParticipantsPlan<'a>, ParticipantsError> {
        let present = match wanted {
            Wanted::Set { .. } if conversation.participant_count > NESTED_PARTICIPANTS as u64 => {
                return Err(ParticipantsError::TooManyAtOnce);
            }
            Wanted::Set { .. } => self.all_members(conversation.id).await?,
            Wanted::Add(users, _) => self.members(conversation.id, users).await?,
            Wanted::Remove(user) => self.members(conversation.id, &[user]).await?,
            Wanted::Same => self.shown_members(conversation.id).await?,
        };
        let users: BTreeSet<UserId> = present.iter().map(|member| member.user).collect();
        let (coming, going) = match wanted {
            Wanted::Same => (BTreeSet::new(), BTreeSet::new()),
            Wanted::Add(users, _) => (users.iter().copied().collect(), BTreeSet::new()),
            Wanted::Set { users: wanted, .. } => {
                let wanted: BTreeSet<UserId> = wanted.iter().copied().collect();
                let going = &users - &wanted;
                (wanted, going)
            }
            Wanted::Remove(user) if users.contains(&user) => (BTreeSet::new(), BTreeSet::from([user])),
            Wanted::Remove(_) => return Err(ParticipantsError::NoSuchParticipant),
        };
        // The transaction is conditioned on the version of the conversation, and so on the memberships of this
        // decision.
        if matches!(wanted, Wanted::Set { may_remove: false, .. }) && !going.is_empty() {
            return Err(ParticipantsError::MayNotRemove);
        }
        let coming = &coming - &users;
        // The request was allowed because users who have blocked the actor were participants. They may have left since then.
        let refused = wanted.consent().map(|consent| consent.refused(&coming)).unwrap_or_default();
        if !refused.is_empty() {
            return Err(ParticipantsError::Blocked(refused));
        }
        // Another request may have changed the memberships after the conversation was read. Then the condition on the
        // version refuses the write.
        let count = (conversation.participant_count + coming.len() as u64).saturating_sub(going.len() as u64);
        if coming.len() + going.len() > MEMBERSHIPS_PER_CHANGE {
            return Err(ParticipantsError::TooManyAtOnce);
        }
        if !coming.is_empty() && count > MAX_PARTICIPANTS as u64 {
            return Err(ParticipantsError::Full);
        }
        let new_owner = if going.is_empty() { None } else { self.new_owner(conversation, &going).await? };
        let first = Box::pin(self.first_after(conversation, &coming, &going)).await?;
        let (consent, payment) = (wanted.consent(), None);
        Ok(ParticipantsPlan { actor, consent, present, coming, going, new_owner, count, first, payment })
    }

    /// Reads the participants that a representation nests. They are read after the conversation and so are not older
    /// than its version. A write that is conditioned on the version misses none of them.
    async fn shown_members(&self, id: ConversationId) -> Result<Vec<Member>, StoreError> {
        let (members, _) = self.participants(id, None, NESTED_PARTICIPANTS).await?;
        Ok(members)
    }

    /// Returns the first participants after a change, by the order of their ids. They are read again only if one of
    /// them is removed and others move up, or if an earlier release did not write them. Another request may have
    /// changed the memberships after the conversation was read. Then the condition on the version refuses the write.
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
            let read = self.participants(conversation.id, None, limit);
            first.extend(read.await?.0.into_iter().map(|member| member.user));
        }
        let after = first.union(coming).copied().filter(|user| !going.contains(user));
        Ok(after.take(NESTED_PARTICIPANTS).collect())
    }

    /// Returns the participant who becomes an owner; `None` if an owner stays or nobody does. The participant is the
    /// first to join whose account is open, among the first 100 to join; if no account is open, the first to join. Users
    /// who are only invited come after all others.
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
        staying.sort_by_key(|member| (!member.is_accepted(), member.joined_at, member.user));
        let eldest: Vec<UserId> = staying.iter().take(100).map(|member| member.user).collect();
        let open = self.open_accounts(eldest.iter().copied()).await?;
        Ok(eldest.iter().find(|user| open.contains_key(user)).or(eldest.first()).copied())
    }
}
