//! Changing a conversation: its name and metadata, who takes part, who owns it. Each change is one transaction of the change, the
//! conversation's item (with the resulting count and owners), and the memberships with their list entries.

use std::collections::BTreeSet;

use futures::future::try_join3;
use uuid::Uuid;

use super::{
    Store, StoreError, Time,
    backoff::Backoff,
    changes::{ChangeWritten, seal},
    conversations::{ConversationEdit, Seat, conversation_change, joining, meta_step},
    items::{Change, ChangeKind, Conversation, Item, Member},
    ops::{Consistency, Expression, PRESENT, Reading},
    table::{Key, Slot, Span},
    transactions::{Step, Transacted},
};
use crate::{
    ids::{ConversationId, UserId},
    model::conversation::{MAX_OWNERS, MAX_PARTICIPANTS, MemberRole, NESTED_PARTICIPANTS},
};

/// Most memberships that one transaction of 100 items can change: two items each, beside the change, the conversation and
/// the heir's role.
pub const MEMBERSHIPS_PER_CHANGE: usize = 48;

/// What became of a change of participants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParticipantsWritten {
    /// It took effect, or nothing was to be changed.
    Done,
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
}

/// A group as it was read, and where its change log goes on.
struct Present {
    conversation: Conversation,
    tail: u64,
    number: u64,
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
        Ok(self
            .batch_get(keys, Consistency::Strong)
            .await?
            .into_iter()
            .filter_map(Item::into_member)
            .collect())
    }

    async fn present(&self, id: ConversationId, actor: UserId) -> Result<Option<Present>, StoreError> {
        let (seat, tail, number) =
            try_join3(self.seat(id, actor), self.tail(id), self.next_change(id)).await?;
        Ok(match (seat, tail, number) {
            (Some(Seat { conversation, .. }), Some(tail), Some(number)) => {
                Some(Present { conversation, tail, number })
            }
            _ => None,
        })
    }

    /// Changes who takes part, name and metadata, all of it or nothing: reads, decides who comes and who goes, writes; again when somebody else was faster. What
    /// was said before somebody comes is theirs to read, and counts as read. The memberships' conditions close the races
    /// of two who add, or remove, the same person; the META's version keeps the count.
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
            let Some(present) = self.present(id, actor).await? else {
                return Ok(ParticipantsWritten::Gone);
            };
            if !edit.expected.allows(present.conversation.v) {
                return Ok(ParticipantsWritten::Stale);
            }
            let edited = edit.apply(&present.conversation);
            let plan = match self.plan(&present.conversation, wanted).await? {
                Ok(plan) => plan,
                Err(refusal) => return Ok(refusal),
            };
            if plan.is_empty() && edited.is_none() {
                return Ok(ParticipantsWritten::Done);
            }
            match self.write_plan(&present, edited, plan, actor, request, now).await? {
                ChangeWritten::Done => return Ok(ParticipantsWritten::Done),
                ChangeWritten::Closed => return Ok(ParticipantsWritten::Gone),
                ChangeWritten::Lost => backoff.lose().await?,
            }
        }
    }

    /// Who comes and who goes, by the memberships that stand; or why nobody does.
    async fn plan(
        &self,
        conversation: &Conversation,
        wanted: Wanted<'_>,
    ) -> Result<Result<Plan, ParticipantsWritten>, StoreError> {
        let standing: BTreeSet<UserId> = match wanted {
            Wanted::Set { .. } if conversation.participant_count > NESTED_PARTICIPANTS as u64 => {
                return Ok(Err(ParticipantsWritten::TooManyAtOnce));
            }
            Wanted::Set { .. } => self.all_members(conversation.id).await?,
            Wanted::Add(users) => self.members(conversation.id, users).await?,
            Wanted::Remove(user) => self.members(conversation.id, &[user]).await?,
            Wanted::Same => Vec::new(),
        }
        .into_iter()
        .map(|member| member.user)
        .collect();
        let (coming, going) = match wanted {
            Wanted::Same => (BTreeSet::new(), BTreeSet::new()),
            Wanted::Add(users) => (users.iter().copied().collect(), BTreeSet::new()),
            Wanted::Set { users, .. } => {
                let users: BTreeSet<UserId> = users.iter().copied().collect();
                (users.clone(), &standing - &users)
            }
            Wanted::Remove(user) if standing.contains(&user) => (BTreeSet::new(), BTreeSet::from([user])),
            Wanted::Remove(_) => return Ok(Err(ParticipantsWritten::NoSuchParticipant)),
        };
        // Decided on the memberships that the transaction is conditioned on, through the conversation's version.
        if matches!(wanted, Wanted::Set { may_remove: false, .. }) && !going.is_empty() {
            return Ok(Err(ParticipantsWritten::MayNotRemove));
        }
        let coming = &coming - &standing;
        // Memberships may be newer than the count here: then its version refuses the write.
        let count = (conversation.participant_count + coming.len() as u64).saturating_sub(going.len() as u64);
        if coming.len() + going.len() > MEMBERSHIPS_PER_CHANGE {
            return Ok(Err(ParticipantsWritten::TooManyAtOnce));
        }
        if !coming.is_empty() && count > MAX_PARTICIPANTS as u64 {
            return Ok(Err(ParticipantsWritten::Full));
        }
        let heir = if going.is_empty() { None } else { self.heir(conversation, &going).await? };
        Ok(Ok(Plan { coming, going, heir, count }))
    }

    /// Who becomes owner when the last one goes: the longest-standing of those who stay, of a few the first whose account
    /// is open.
    async fn heir(
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

    /// One transaction. When the last participant goes, the conversation is sealed in it: nobody could ever read it.
    async fn write_plan(
        &self,
        present: &Present,
        edited: Option<Conversation>,
        plan: Plan,
        actor: UserId,
        request: Uuid,
        now: Time,
    ) -> Result<ChangeWritten, StoreError> {
        let id = present.conversation.id;
        let mut conversation = edited.unwrap_or_else(|| present.conversation.clone());
        conversation.v = present.conversation.v + 1;
        conversation.participant_count = plan.count;
        conversation.owners.retain(|owner| !plan.going.contains(owner));
        conversation.owners.extend(plan.heir);
        // Nobody stays: the first who comes owns it.
        let first = plan.coming.first().filter(|_| conversation.owners.is_empty()).copied();
        conversation.owners.extend(first);
        let mut steps = vec![meta_step(&conversation)];
        let role = |user| {
            if first == Some(user) { MemberRole::Owner } else { MemberRole::Member }
        };
        steps.extend(plan.coming.iter().flat_map(|user| joining(id, *user, role(*user), present.tail, now)));
        steps.extend(plan.going.iter().flat_map(|user| leaving(id, *user)));
        steps.extend(plan.heir.map(|heir| role_step(id, heir, MemberRole::Owner)));
        if conversation.participant_count == 0 {
            steps.push(seal(id, Slot::Message(present.tail + 1), actor, request, now));
            steps.push(seal(id, Slot::Change(present.number), actor, request, now));
            return Ok(match self.transact(&steps).await? {
                Transacted::Done => ChangeWritten::Done,
                Transacted::Refused(_) | Transacted::Conflict => ChangeWritten::Lost,
            });
        }
        let (kind, users) = plan.told();
        let change = conversation_change(kind, &conversation, present.number, actor, request, now);
        self.write_change(told(change, users, &conversation), steps).await
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
            let Some(present) = self.present(id, actor).await? else {
                return Ok(ParticipantsWritten::Gone);
            };
            let Some(member) = self.member(id, user).await? else {
                return Ok(ParticipantsWritten::NoSuchParticipant);
            };
            if member.role == role {
                return Ok(ParticipantsWritten::Done);
            }
            let mut conversation = present.conversation;
            conversation.v += 1;
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
                ChangeWritten::Done => return Ok(ParticipantsWritten::Done),
                ChangeWritten::Closed => return Ok(ParticipantsWritten::Gone),
                ChangeWritten::Lost => backoff.lose().await?,
            }
        }
    }
}

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

/// Who comes and who goes, who becomes owner by that, and how many there are then.
struct Plan {
    coming: BTreeSet<UserId>,
    going: BTreeSet<UserId>,
    heir: Option<UserId>,
    count: u64,
}

impl Plan {
    fn is_empty(&self) -> bool {
        self.coming.is_empty() && self.going.is_empty()
    }

    fn told(&self) -> (ChangeKind, Vec<UserId>) {
        let kind = match (self.coming.is_empty(), self.going.is_empty()) {
            (false, true) => ChangeKind::ParticipantsAdded,
            (true, false) => ChangeKind::ParticipantsRemoved,
            (true, true) => ChangeKind::ConversationUpdated,
            (false, false) => ChangeKind::ParticipantsSet,
        };
        (kind, self.coming.union(&self.going).copied().collect())
    }
}

/// The change with whom it is about, and the count and owners that result.
fn told(mut change: Change, users: Vec<UserId>, conversation: &Conversation) -> Change {
    change.users = users;
    change.participant_count = Some(conversation.participant_count);
    change.owners.clone_from(&conversation.owners);
    change
}

/// The condition keeps two who remove the same person from counting them twice.
fn leaving(id: ConversationId, user: UserId) -> [Step; 2] {
    [
        Step::Delete(Key::member(id, user), Expression::condition(PRESENT)),
        Step::Delete(Key::inbox(user, id), Expression::default()),
    ]
}

/// An update never creates: the membership may have been removed since it was read.
fn role_step(id: ConversationId, user: UserId, role: MemberRole) -> Step {
    let role = if role == MemberRole::Owner { "owner" } else { "member" };
    let expression = Expression::update("SET #role = :role", PRESENT).text(":role", role);
    Step::Update(Key::member(id, user), expression)
}
