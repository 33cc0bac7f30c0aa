//! The transaction of a change of participants: the change, the conversation, and the memberships with their inbox
//! entries. The callers have decided on the change from what they read, and try again.

use super::{CurrentGroup, ParticipantsPlan};
use crate::{
    ids::{ConversationId, UserId},
    model::conversation::MemberRole,
    store::{
        Command, Store, StoreError,
        changes::{ChangeWritten, closing_entry},
        conversations::{conversation_change, joining, meta_step},
        items::{Change, Conversation, Item, Member},
        ops::{Expression, PRESENT},
        table::{Key, LogPosition},
        transactions::{Conditions, Step, Transacted},
    },
};

impl Store {
    /// Writes a plan in one transaction. If the last participant leaves, the transaction also closes the conversation,
    /// as nobody could ever read it again.
    ///
    /// A failure before the commit leaves nothing. After a failure behind the commit, the next try recognises the
    /// change or the closing entry by the request's id.
    pub(super) async fn write_plan(
        &self,
        current: &CurrentGroup,
        conversation: &Conversation,
        plan: &ParticipantsPlan<'_>,
        command: Command,
    ) -> Result<ChangeWritten, StoreError> {
        let id = conversation.id;
        let mut steps = vec![meta_step(conversation)];
        steps.extend(plan.joining(conversation, current.tail, command.now).flat_map(joining));
        steps.extend(plan.going().flat_map(leaving));
        steps.extend(plan.new_owner.map(|new_owner| role_step(id, new_owner, MemberRole::Owner)));
        steps.extend(plan.payment.clone());
        steps.extend(awaiting_step(current, conversation, plan));
        if conversation.participant_count == 0 {
            steps.push(closing_entry(id, LogPosition::Message(current.tail + 1), command));
            steps.push(closing_entry(id, LogPosition::Change(current.number), command));
            return Ok(match self.transact(&steps).await? {
                Transacted::Done => ChangeWritten::Done,
                Transacted::Refused(conditions) if closed_by(command, &conditions) => ChangeWritten::Done,
                Transacted::Refused(_) | Transacted::Conflict => ChangeWritten::Lost,
            });
        }
        let (kind, users) = plan.change();
        let change = conversation_change(kind, conversation, current.number, command);
        self.write_change(with_participants(change, users, conversation), steps).await
    }
}

/// Returns a change with the users that it concerns, and with the resulting number of participants and owners.
pub(in crate::store) fn with_participants(
    mut change: Change,
    users: Vec<UserId>,
    conversation: &Conversation,
) -> Change {
    change.users = users;
    change.participant_count = Some(conversation.participant_count);
    change.owners.clone_from(&conversation.owners);
    change
}

/// Returns true if a condition failed on a closing entry of this request: an earlier try took effect after this process
/// had given the try up.
fn closed_by(command: Command, conditions: &Conditions) -> bool {
    conditions.items().any(|item| matches!(item, Item::Closed(closed) if closed.request == command.request))
}

/// Returns the steps that remove a membership, and its inbox entry or its invitation. Two requests may remove the same
/// participant at the same time; the condition keeps the second one from counting the removal twice. If the participant
/// accepts at the same time, the condition on META's version refuses one of the two requests.
fn leaving(member: &Member) -> [Step; 2] {
    [
        Step::Delete(Key::member(member.conversation, member.user), Expression::condition(PRESENT)),
        Step::Delete(Key::entry_of(member), Expression::default()),
    ]
}

/// Returns the step that begins or ends the wait for a first acceptance. `None` if the wait does not change, or if its
/// membership is removed.
fn awaiting_step(
    current: &CurrentGroup,
    conversation: &Conversation,
    plan: &ParticipantsPlan<'_>,
) -> Option<Step> {
    match (current.conversation.awaiting, conversation.awaiting) {
        (None, Some(user)) => {
            // The membership was read with this version of META, so it exists. The condition keeps a late try from
            // creating it.
            let update = Expression::update("SET #awaiting_from = :tail", PRESENT);
            let update = update.number(":tail", current.tail);
            Some(Step::Update(Key::member(conversation.id, user), update))
        }
        (Some(user), None) if !plan.going.contains(&user) => Some(not_awaiting(conversation.id, user)),
        _ => None,
    }
}

/// Returns the step that ends the wait for a first acceptance. The waiting participant may leave at the same time; then the
/// condition on META's version refuses one of the two changes, and this condition keeps a late try from creating the
/// membership.
pub(in crate::store) fn not_awaiting(id: ConversationId, user: UserId) -> Step {
    Step::Update(Key::member(id, user), Expression::update("REMOVE #awaiting_from", PRESENT))
}

/// Returns the step that sets a role. Another request may have removed the membership since it was read; the condition
/// keeps the update from creating it again.
pub(super) fn role_step(id: ConversationId, user: UserId, role: MemberRole) -> Step {
    let role = if role == MemberRole::Owner { "owner" } else { "member" };
    let expression = Expression::update("SET #role = :role", PRESENT).text(":role", role);
    Step::Update(Key::member(id, user), expression)
}
