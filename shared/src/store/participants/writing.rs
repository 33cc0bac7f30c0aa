//! One transaction of a change of participants: the change, the conversation's item, and the memberships with their list
//! entries. What is to change was decided before, on what was read; who tries again is above.

use uuid::Uuid;

use super::{CurrentGroup, ParticipantsPlan};
use crate::{
    ids::{ConversationId, UserId},
    model::conversation::MemberRole,
    store::{
        Store, StoreError, Time,
        changes::{ChangeWritten, closing_entry},
        conversations::{conversation_change, joining, meta_step},
        items::{Change, Conversation, Item},
        ops::{Expression, PRESENT},
        table::{Key, LogPosition},
        transactions::{Step, Transacted},
    },
};

/// The actor, the request and the time of a change.
#[derive(Debug, Clone, Copy)]
pub(super) struct By {
    pub(super) actor: UserId,
    pub(super) request: Uuid,
    pub(super) now: Time,
}

impl Store {
    /// One transaction. When the last participant goes, the conversation is closed in it: nobody could ever read it.
    pub(super) async fn write_plan(
        &self,
        present: &CurrentGroup,
        conversation: &Conversation,
        plan: &ParticipantsPlan,
        By { actor, request, now }: By,
    ) -> Result<ChangeWritten, StoreError> {
        let id = conversation.id;
        let mut steps = vec![meta_step(conversation)];
        steps.extend(plan.joining(conversation, present.tail, now).flat_map(joining));
        steps.extend(plan.going.iter().flat_map(|user| leaving(id, *user)));
        steps.extend(plan.new_owner.map(|new_owner| role_step(id, new_owner, MemberRole::Owner)));
        if conversation.participant_count == 0 {
            steps.push(closing_entry(id, LogPosition::Message(present.tail + 1), actor, request, now));
            steps.push(closing_entry(id, LogPosition::Change(present.number), actor, request, now));
            return Ok(match self.transact(&steps).await? {
                Transacted::Done => ChangeWritten::Done,
                Transacted::Refused(failed) if closed_by(request, &failed) => ChangeWritten::Done,
                Transacted::Refused(_) | Transacted::Conflict => ChangeWritten::Lost,
            });
        }
        let (kind, users) = plan.told();
        let change = conversation_change(kind, conversation, present.number, actor, request, now);
        self.write_change(told(change, users, conversation), steps).await
    }
}

/// The change with whom it is about, and the count and owners that result.
pub(super) fn told(mut change: Change, users: Vec<UserId>, conversation: &Conversation) -> Change {
    change.users = users;
    change.participant_count = Some(conversation.participant_count);
    change.owners.clone_from(&conversation.owners);
    change
}

/// Whether one of the closing entries that a transaction has met is this request's own: an earlier try took effect after it was given up.
fn closed_by(request: Uuid, failed: &[Option<Option<Item>>]) -> bool {
    failed
        .iter()
        .flatten()
        .flatten()
        .any(|item| matches!(item, Item::Closed(closed) if closed.request == request))
}

/// The condition keeps two who remove the same person from counting them twice.
fn leaving(id: ConversationId, user: UserId) -> [Step; 2] {
    [
        Step::Delete(Key::member(id, user), Expression::condition(PRESENT)),
        Step::Delete(Key::inbox(user, id), Expression::default()),
    ]
}

/// An update never creates: the membership may have been removed since it was read.
pub(super) fn role_step(id: ConversationId, user: UserId, role: MemberRole) -> Step {
    let role = if role == MemberRole::Owner { "owner" } else { "member" };
    let expression = Expression::update("SET #role = :role", PRESENT).text(":role", role);
    Step::Update(Key::member(id, user), expression)
}
