//! Conversations: the items of a new one, and the edit of name and metadata. The opening is in `opening`. Changes of
//! participants are in `participants`.

mod opening;

use aws_sdk_dynamodb::types::AttributeValue;

pub use self::opening::{OpenError, Opened, Pair};
use super::{
    Command, Store, StoreError, Time,
    changes::change_entry,
    consent::Consent,
    inbox::{Detail, accepted},
    items::{Change, ChangeKind, Conversation, InboxEntry, Invitation, Item, Member},
    ops::{ABSENT, Expression, PRESENT},
    table::Key,
    transactions::Step,
};
use crate::{
    ids::{ConversationId, IdempotencyKey, UserId},
    model::{
        Expected, Metadata, MetadataChange, TooLarge,
        conversation::{ConversationKind, MemberRole},
        message::digest,
    },
};

/// A new conversation.
#[derive(Debug, Clone)]
pub struct NewConversation {
    /// The id: derived from the pair or from the idempotency key, or random.
    pub id: ConversationId,
    /// The kind: `Direct` for exactly two participants, `Group` for any number.
    pub kind: ConversationKind,
    /// The user who creates it and is a participant.
    pub creator: UserId,
    /// The other participants.
    pub others: Vec<UserId>,
    /// The name of a group; `None` for a direct conversation.
    pub name: Option<String>,
    /// The client's own data.
    pub metadata: Option<Metadata>,
    /// The idempotency key of the request.
    pub key: Option<IdempotencyKey>,
    /// Decides which of the others are invited and have to accept.
    pub consent: Consent,
}

/// The new values of a conversation. A field that is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ConversationEdit {
    /// The new name; `Some(None)` removes the name.
    pub name: Option<Option<String>>,
    /// The change of the client's own data.
    pub metadata: Option<MetadataChange>,
    /// The versions that the client accepts as the base of the change.
    pub expected: Expected,
}

/// A conversation with the viewer's membership, strongly consistent.
#[derive(Debug)]
pub struct ConversationAccess {
    /// The conversation's item.
    pub conversation: Conversation,
    /// The viewer's membership, if any.
    pub member: Option<Member>,
}

impl Store {
    /// Returns a conversation and a user's membership in it, strongly consistent, in one request; `None` if the
    /// conversation does not exist. The result does not show whether the conversation is closed.
    pub async fn conversation_access(
        &self,
        id: ConversationId,
        user: UserId,
    ) -> Result<Option<ConversationAccess>, StoreError> {
        let (conversation, member) =
            self.get_two::<Conversation, Member>([Key::conversation(id), Key::member(id, user)]).await?;
        Ok(conversation.map(|conversation| ConversationAccess { conversation, member }))
    }
}

impl NewConversation {
    /// Returns the steps that write META, then two items for each participant.
    fn steps(&self, now: Time) -> Vec<Step> {
        let meta = Step::Put(Item::Conversation(self.conversation(now)), Expression::condition(ABSENT));
        std::iter::once(meta).chain(self.members(now).flat_map(joining)).collect()
    }

    /// Returns the memberships, that of the creator first.
    fn members(&self, now: Time) -> impl Iterator<Item = Member> {
        let others = self.others.iter().map(move |user| {
            let member = member(self.id, *user, self.others_role(), 0, now);
            self.consent.applied(member, self.creator)
        });
        std::iter::once(self.own(now)).chain(others)
    }

    /// Returns the conversation as its creator sees it after the creation at `now`. The result equals the items that
    /// were written; nothing is read.
    #[must_use]
    pub fn detail(&self, now: Time) -> Detail {
        Detail {
            conversation: self.conversation(now),
            member: Some(self.own(now)),
            participants: self.participants(),
            accepted: Some(accepted(&self.members(now).collect::<Vec<_>>())),
            newest: Vec::new(),
            is_archived: false,
            unread: None,
        }
    }

    /// Returns the creator's membership.
    fn own(&self, now: Time) -> Member {
        let own = member(self.id, self.creator, MemberRole::Owner, 0, now);
        Member { awaiting_from: self.awaiting().map(|_| 0), ..own }
    }

    /// Returns the creator if all others are invited.
    fn awaiting(&self) -> Option<UserId> {
        let all = self.others.iter().all(|user| self.consent.is_needed_from(*user));
        (all && !self.others.is_empty()).then_some(self.creator)
    }

    /// Returns all participants, by the order of their ids.
    fn participants(&self) -> Vec<UserId> {
        let mut participants = self.others.clone();
        participants.push(self.creator);
        participants.sort_unstable();
        participants
    }

    /// Returns `Owner` for a direct conversation: both participants own it. This permits nothing, as its participants
    /// never change.
    fn others_role(&self) -> MemberRole {
        if self.kind == ConversationKind::Direct { MemberRole::Owner } else { MemberRole::Member }
    }

    fn conversation(&self, now: Time) -> Conversation {
        let pair = self.others.first().filter(|_| self.kind == ConversationKind::Direct);
        let mut owners = vec![self.creator];
        owners.extend(pair);
        Conversation {
            id: self.id,
            kind: self.kind,
            pair: pair.map(|other| sorted([self.creator, *other])),
            name: self.name.clone(),
            metadata: self.metadata.clone(),
            idempotency_key: self.key.filter(|_| pair.is_some()),
            digest: Some(self.digest()).filter(|_| pair.is_none() || self.key.is_some()),
            created_by: self.creator,
            created_at: now,
            participant_count: 1 + self.others.len() as u64,
            owners,
            // A request names at most 40 participants, fewer than the number that is nested.
            first_participants: if pair.is_none() { self.participants() } else { Vec::new() },
            has_invited: self.members(now).any(|member| !member.is_accepted()),
            has_large_edits: false,
            awaiting: self.awaiting(),
            version: 1,
        }
    }

    /// Returns the digest of the request. It does not depend on the order of the participants.
    fn digest(&self) -> String {
        let mut participants = self.others.clone();
        participants.sort_unstable();
        let participants: String = participants.iter().map(UserId::to_string).collect();
        let metadata = self.metadata.as_ref().map_or("", Metadata::as_str);
        digest([self.name.as_deref().unwrap_or_default(), metadata, &participants])
    }

    /// Returns true if this creator made the present conversation at this microsecond.
    fn was_made(&self, present: &Conversation, now: Time) -> bool {
        self.is(present) && present.created_by == self.creator && present.created_at == now
    }

    /// Returns true if the conversation that has this id is the one to be made. Direct conversations are compared by
    /// their pair, as two pairs could have one id (probability 2^-80 for each two pairs). Groups are the same if the
    /// same user made them by the same request; groups of earlier releases have no digest.
    #[must_use]
    pub fn is(&self, present: &Conversation) -> bool {
        let pair = self.others.first().map(|other| sorted([self.creator, *other]));
        match self.kind {
            ConversationKind::Direct => present.pair == pair && !self.reuses_key_of(present),
            ConversationKind::Group => {
                present.kind == ConversationKind::Group
                    && present.created_by == self.creator
                    && present.digest.as_ref().is_none_or(|digest| *digest == self.digest())
            }
        }
    }

    /// Returns true if this creator opened the present conversation of the pair under this key, with another request.
    fn reuses_key_of(&self, present: &Conversation) -> bool {
        self.key.is_some()
            && self.key == present.idempotency_key
            && self.creator == present.created_by
            && present.digest != Some(self.digest())
    }
}

fn sorted(mut pair: [UserId; 2]) -> [UserId; 2] {
    pair.sort_unstable();
    pair
}

impl ConversationEdit {
    /// Returns the conversation after the edit; `None` if the edit changes nothing.
    pub(crate) fn apply(&self, conversation: &Conversation) -> Result<Option<Conversation>, TooLarge> {
        let name = self.name.clone().unwrap_or_else(|| conversation.name.clone());
        let metadata =
            MetadataChange::applied_if_any(self.metadata.as_ref(), conversation.metadata.as_ref())?;
        if name == conversation.name && metadata == conversation.metadata {
            return Ok(None);
        }
        Ok(Some(Conversation { name, metadata, version: conversation.version + 1, ..conversation.clone() }))
    }
}

/// Returns the steps that write the two items of a participant: the membership, and the inbox entry or the invitation. A
/// repeated or late join would reset the read mark; the condition on the membership refuses it. The entry is written and
/// removed together with the membership.
pub(crate) fn joining(member: Member) -> [Step; 2] {
    let Member { user, conversation, joined_at, .. } = member;
    let entry = match member.invitation() {
        Some(position) => Item::Invitation(Invitation { user, position }),
        None => Item::Inbox(InboxEntry::new(user, conversation, joined_at)),
    };
    [Step::Put(Item::Member(member), Expression::condition(ABSENT)), Step::Put(entry, Expression::default())]
}

/// Returns a new membership that begins at `now` with the read mark `read`.
pub(crate) fn member(id: ConversationId, user: UserId, role: MemberRole, read: u64, now: Time) -> Member {
    Member {
        conversation: id,
        user,
        role,
        joined_at: now,
        read,
        base: 0,
        moved_back: 0,
        hidden: false,
        invited_by: None,
        accepted_at: None,
        awaiting_from: None,
        archived_tail: None,
        muted: false,
    }
}

/// A condition that fails if there was a large edit since the item was read. It does not change the version.
const SAME_EDITS: &str = "(attribute_not_exists(#has_large_edits) OR #has_large_edits = :noted)";

/// Returns the step that writes the whole META item, on condition that it has the version before and that no large edit
/// was noted since it was read.
pub(crate) fn meta_step(conversation: &Conversation) -> Step {
    let seen = Expression::condition(&format!("#version = :seen AND {SAME_EDITS}"))
        .number(":seen", conversation.version - 1)
        .value(":noted", AttributeValue::Bool(conversation.has_large_edits));
    Step::Put(Item::Conversation(conversation.clone()), seen)
}

/// Returns the step that notes a large edit, on condition that the item exists. The value is the same for all edits, so
/// the step needs no version.
pub(crate) fn large_edit_step(id: ConversationId) -> Step {
    let note = Expression::update("SET #has_large_edits = :true", PRESENT);
    Step::Update(Key::conversation(id), note.value(":true", AttributeValue::Bool(true)))
}

/// Returns the change log's entry for the new version of a conversation.
pub(crate) fn conversation_change(
    kind: ChangeKind,
    conversation: &Conversation,
    number: u64,
    command: Command,
) -> Change {
    change_entry(kind, conversation.id, number, conversation.version, command)
}
