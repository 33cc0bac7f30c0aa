//! Consent: who must accept before others can write to them, and the answers to an invitation. An invited user is a
//! participant whose membership is not accepted, with an invitation in place of the inbox entry. Pages of invitations are
//! in `inbox`.

use std::collections::{BTreeSet, HashSet};

use super::{
    Command, Store, StoreError,
    closing::hiding,
    conversations::{conversation_change, meta_step},
    items::{ChangeKind, Conversation, InboxEntry, Invitation, Item, Member},
    ops::{Consistency, Expression, PRESENT, Reading},
    participants::{
        CurrentGroup,
        writing::{not_awaiting, with_participants},
    },
    retries::{Attempt, TriedChange},
    table::{InvitationPosition, Key, Span},
    transactions::Step,
};
use crate::{
    ids::{ConversationId, UserId},
    model::conversation::NESTED_PARTICIPANTS,
};

/// The maximum number of memberships that are looked up to find the conversations which a user shares with others. With
/// more of them, the others are asked for their consent, although they may know the user.
const LOOK_UPS: usize = 1000;

/// The maximum number of one user's conversations in which others are looked up.
const CONVERSATIONS: usize = 300;

/// The rule that decides which new participants of a conversation are invited and must accept.
#[derive(Debug, Clone, Default)]
pub struct Consent {
    /// The users who need not be asked; `None` if nobody is asked.
    known: Option<BTreeSet<UserId>>,
    /// The users who have blocked the actor. They can stay participants, but cannot become participants.
    blocking: Vec<UserId>,
}

impl Consent {
    /// Nobody must be asked.
    #[must_use]
    pub fn not_needed() -> Self {
        Self::default()
    }

    /// Everybody except these users must be asked. A user who is not among them because of a race is asked, too.
    #[must_use]
    pub fn needed_except(known: BTreeSet<UserId>) -> Self {
        Self { known: Some(known), ..Self::default() }
    }

    /// Returns the same rule, which also refuses those who have blocked the actor.
    #[must_use]
    pub fn refusing(self, blocking: Vec<UserId>) -> Self {
        Self { blocking, ..self }
    }

    /// Returns those of `coming` who have blocked the actor.
    pub(super) fn refused(&self, coming: &BTreeSet<UserId>) -> Vec<UserId> {
        self.blocking.iter().copied().filter(|user| coming.contains(user)).collect()
    }

    /// Returns true if this user must accept.
    #[must_use]
    pub fn is_needed_from(&self, user: UserId) -> bool {
        self.known.as_ref().is_some_and(|known| !known.contains(&user))
    }

    /// Returns a new membership as it is written: an invitation by `actor` if consent is needed.
    pub(super) fn applied(&self, mut member: Member, actor: UserId) -> Member {
        member.invited_by = self.is_needed_from(member.user).then_some(actor);
        member
    }
}

/// The reason why an invitation is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The conversation does not exist or is closed, or the user is not a participant of it.
    #[error("no such participant")]
    NotFound,
    /// The table did not answer as expected. The invitation may have been accepted.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Returns those of `others` who share a conversation with `user` in which both are accepted: the direct conversation,
    /// or one of the first conversations of `user`. Strongly consistent and bounded: at most 300
    /// conversations and about 1,000 memberships are read.
    pub async fn acquaintances(
        &self,
        user: UserId,
        others: &[UserId],
    ) -> Result<BTreeSet<UserId>, StoreError> {
        let mut known = BTreeSet::new();
        if others.is_empty() {
            return Ok(known);
        }
        let limit = CONVERSATIONS.min(LOOK_UPS / others.len());
        // The list has no invitations, so the user has accepted all of these conversations.
        let (conversations, _) = self.conversations_of(user, None, limit).await?;
        let listed: HashSet<ConversationId> = conversations.iter().copied().collect();
        let mut keys = Vec::new();
        for other in others {
            keys.extend(conversations.iter().map(|id| Key::member(*id, *other)));
            let direct = self.direct_id([user, *other]).await?;
            if !listed.contains(&direct) {
                keys.extend([Key::member(direct, user), Key::member(direct, *other)]);
            }
        }
        let mut members: Vec<Member> = self.get_all(keys).await?;
        members.retain(Member::is_accepted);
        let (own, of_others): (Vec<Member>, Vec<Member>) =
            members.into_iter().partition(|member| member.user == user);
        let own: HashSet<ConversationId> = own.iter().map(|member| member.conversation).collect();
        let is_shared = |id: ConversationId| listed.contains(&id) || own.contains(&id);
        known.extend(of_others.iter().filter(|member| is_shared(member.conversation)).map(|it| it.user));
        Ok(known)
    }

    /// Returns at most `limit` invitations of a user, newest first and after `position`, and true if there are more.
    /// Strongly consistent: the list shows an invitation that was just made.
    pub(super) async fn invitations(
        &self,
        user: UserId,
        position: Option<InvitationPosition>,
        limit: usize,
    ) -> Result<(Vec<InvitationPosition>, bool), StoreError> {
        let reading = Reading { descending: true, limit: Some(limit + 1), consistency: Consistency::Strong };
        let span = Span::invitations(user, position);
        let (invitations, _) = self.query_kind::<Invitation>(span, reading).await?;
        let more = invitations.len() > limit;
        let positions = invitations.into_iter().take(limit).map(|invitation| invitation.position);
        Ok((positions.collect(), more))
    }

    /// Accepts the actor's invitation to a conversation. If it is accepted already, nothing is written.
    ///
    /// The actor may leave, another request may close the conversation, or another device may accept at the same time. Then
    /// the number of the change or the condition on META's version refuses one of the two, and this request is tried again
    /// on the new state. A failure before the commit leaves the invitation; after a failure behind the commit, the next try
    /// finds its own change, or the invitation accepted.
    pub async fn accept_invitation(&self, id: ConversationId, command: Command) -> Result<(), AcceptError> {
        self.retry_change(command, |attempt| self.try_to_accept(id, attempt)).await
    }

    async fn try_to_accept(
        &self,
        id: ConversationId,
        mut attempt: Attempt<()>,
    ) -> Result<TriedChange<()>, AcceptError> {
        let command = attempt.command;
        let (current, is_done) = self.current_group(id, &attempt).await?;
        if let Some(done) = attempt.result_if(is_done) {
            return Ok(done);
        }
        let CurrentGroup { mut conversation, number, .. } = current.ok_or(AcceptError::NotFound)?;
        let member = self.member(id, command.actor).await?.ok_or(AcceptError::NotFound)?;
        let Some(position) = member.invitation() else {
            return Ok(TriedChange::Done(()));
        };
        conversation.version += 1;
        conversation.has_invited = self.has_invited_besides(&conversation, command.actor).await?;
        let awaiting = conversation.awaiting.take();
        let mut steps = vec![meta_step(&conversation)];
        steps.extend(accepting(&member, position, command));
        steps.extend(awaiting.map(|user| not_awaiting(id, user)));
        let change = conversation_change(ChangeKind::InvitationAccepted, &conversation, number, command);
        let change = with_participants(change, vec![command.actor], &conversation);
        let written = self.write_change(change, steps).await?;
        written.finished(number, ()).ok_or(AcceptError::NotFound)
    }

    /// Returns true if participants other than `user` may not have accepted. The memberships are read after META, and each
    /// change of them changes META's version, so a write that is conditioned on the version misses none of them. With more
    /// participants than a representation nests, nothing is read.
    async fn has_invited_besides(
        &self,
        conversation: &Conversation,
        user: UserId,
    ) -> Result<bool, StoreError> {
        if conversation.pair.is_some() {
            return Ok(false);
        }
        if conversation.participant_count > NESTED_PARTICIPANTS as u64 {
            return Ok(true);
        }
        let members = self.all_members(conversation.id).await?;
        Ok(members.iter().any(|member| member.user != user && !member.is_accepted()))
    }

    /// Declines the invitation to a direct conversation, whose participants never change: it leaves the list and is hidden.
    ///
    /// The user may accept on another device at the same time. Then the conversation is in the inbox and is hidden there, as
    /// if the user had deleted it after accepting. A failure before the commit leaves the invitation; a repetition after it
    /// finds the conversation hidden.
    pub(super) async fn decline_direct(
        &self,
        user: UserId,
        position: InvitationPosition,
        tail: u64,
    ) -> Result<(), StoreError> {
        // A later request may have set a higher base; then the condition fails, and the base stays. The later request has
        // also deleted the invitation.
        let steps = [
            Step::Update(Key::member(position.conversation, user), hiding(tail)),
            Step::Delete(Key::invitation(user, position), Expression::default()),
        ];
        self.settle(&steps).await.map(drop)
    }
}

/// Returns the steps that accept an invitation: the membership is accepted, and the inbox entry takes the place of the
/// invitation. The user may leave at the same time; then the condition on META's version refuses one of the two changes,
/// and the condition on the membership keeps a late try from creating it.
fn accepting(member: &Member, position: InvitationPosition, command: Command) -> [Step; 3] {
    let Member { user, conversation, .. } = *member;
    let accept = Expression::update("SET #accepted_at = :now REMOVE #hidden", PRESENT)
        .number(":now", command.now.timestamp_micros());
    // The time of the acceptance puts the conversation at the top of the inbox.
    let entry = InboxEntry::new(user, conversation, command.now);
    [
        Step::Update(Key::member(conversation, user), accept),
        Step::Put(Item::Inbox(entry), Expression::default()),
        Step::Delete(Key::invitation(user, position), Expression::default()),
    ]
}
