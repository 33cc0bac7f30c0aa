//! Conversations: making a group, opening the direct conversation of a pair, renaming.

use uuid::Uuid;

use super::{
    Store, StoreError, Time,
    backoff::Backoff,
    inbox::Detail,
    items::{Change, ChangeKind, Conversation, InboxEntry, Item, Member, User},
    ops::{ABSENT, Consistency, Expression, Reading},
    table::{Key, Span},
    transactions::{Step, Transacted},
};
use crate::{
    ids::{ConversationId, IdempotencyKey, UserId},
    model::{
        Expected, Metadata, MetadataChange, TooLarge,
        conversation::{ConversationKind, MemberRole},
        message::digest,
    },
};

/// A conversation that is to be made.
#[derive(Debug, Clone)]
pub struct NewConversation {
    /// Its id: of the pair, or random, or of the request that makes it.
    pub id: ConversationId,
    /// Two people, or any number.
    pub kind: ConversationKind,
    /// Who makes it, and takes part.
    pub creator: UserId,
    /// Who else takes part.
    pub others: Vec<UserId>,
    /// What people call it.
    pub name: Option<String>,
    /// The client's own data.
    pub metadata: Option<Metadata>,
    /// The idempotency key of the request.
    pub key: Option<IdempotencyKey>,
}

/// What became of making one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It is made.
    New,
    /// It was there already, and is this one.
    Existing,
    /// Its id is another conversation's.
    Taken,
}

/// What a change of a conversation's own item sets; `None` leaves as it is.
#[derive(Debug, Clone, Default)]
pub struct ConversationEdit {
    /// The name from now on, `None` inside for none.
    pub name: Option<Option<String>>,
    /// The change of the client's own data.
    pub metadata: Option<MetadataChange>,
    /// The version that the client's copy has, if it insists.
    pub expected: Expected,
}

/// A conversation with the viewer's membership, strongly consistent.
#[derive(Debug)]
pub struct ConversationAccess {
    /// The conversation.
    pub conversation: Conversation,
    /// The viewer's membership, if any.
    pub member: Option<Member>,
}

impl Store {
    /// Makes a conversation with its memberships and its participants' list entries, in one transaction.
    ///
    /// The META's condition closes the race of two openings of one pair, and of a random id that stands already: one
    /// transaction takes effect, the other finds it standing. Repeated behind a lost answer it finds its own.
    pub async fn open_conversation(&self, new: &NewConversation, now: Time) -> Result<Opened, StoreError> {
        let mut steps =
            vec![Step::Put(Item::Conversation(new.conversation(now)), Expression::condition(ABSENT))];
        steps.extend(joining(member(new.id, new.creator, MemberRole::Owner, 0, now)));
        let role = new.others_role();
        steps.extend(new.others.iter().flat_map(|user| joining(member(new.id, *user, role, 0, now))));
        let mut backoff = Backoff::new(&self.random);
        let mut lost_before = false;
        loop {
            match self.transact(&steps).await? {
                Transacted::Done => return Ok(Opened::New),
                Transacted::Conflict => backoff.lose().await?,
                Transacted::Refused(failed) => match failed.into_iter().next().flatten().flatten() {
                    // An earlier try of this very request took effect after it was given up.
                    Some(Item::Conversation(standing)) if lost_before && new.was_made(&standing, now) => {
                        return Ok(Opened::New);
                    }
                    Some(Item::Conversation(standing)) if new.is(&standing) => return Ok(Opened::Existing),
                    Some(_) => return Ok(Opened::Taken),
                    // Half of another's opening of the same: its META comes in a moment.
                    None => backoff.lose().await?,
                },
            }
            lost_before = true;
        }
    }

    /// The direct conversation of a pair, if it stands, and the pair's profiles; one request.
    pub async fn direct_conversation(
        &self,
        id: ConversationId,
        pair: [UserId; 2],
    ) -> Result<(Option<Conversation>, Vec<User>), StoreError> {
        let keys = vec![Key::conversation(id), Key::user(pair[0]), Key::user(pair[1])];
        let (mut conversation, mut users) = (None, Vec::new());
        for item in self.batch_get(keys, Consistency::Strong).await? {
            match item {
                Item::Conversation(found) => conversation = Some(found),
                Item::User(user) => users.push(user),
                _ => {}
            }
        }
        Ok((conversation, users))
    }

    /// A conversation and a membership in it, strongly consistent, in one request. Says nothing of the closing entry.
    pub async fn conversation_access(
        &self,
        id: ConversationId,
        user: UserId,
    ) -> Result<Option<ConversationAccess>, StoreError> {
        let keys = vec![Key::conversation(id), Key::member(id, user)];
        let (mut conversation, mut member) = (None, None);
        for item in self.batch_get(keys, Consistency::Strong).await? {
            match item {
                Item::Conversation(found) => conversation = Some(found),
                Item::Member(found) => member = Some(found),
                _ => {}
            }
        }
        Ok(conversation.map(|conversation| ConversationAccess { conversation, member }))
    }

    /// All memberships of a conversation (at most 1,000 of them), strongly consistent.
    pub(crate) async fn all_members(&self, id: ConversationId) -> Result<Vec<Member>, StoreError> {
        let reading = Reading { descending: false, limit: None, consistency: Consistency::Strong };
        let page = self.query_whole(Span::members(id, None), reading).await?;
        Ok(page.items.into_iter().filter_map(Item::into_member).collect())
    }
}

impl NewConversation {
    /// What it shows to its creator when it was made at `now`: what stands in the table then, without reading it.
    #[must_use]
    pub fn detail(&self, now: Time) -> Detail {
        let own = member(self.id, self.creator, MemberRole::Owner, 0, now);
        Detail {
            conversation: self.conversation(now),
            member: Some(own),
            participants: self.participants(),
            newest: Vec::new(),
            unread: None,
        }
    }

    /// Everybody, by id.
    fn participants(&self) -> Vec<UserId> {
        let mut participants = self.others.clone();
        participants.push(self.creator);
        participants.sort_unstable();
        participants
    }

    /// Both of a direct conversation own it; nobody can do anything with that.
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
            // A request names at most forty.
            first_participants: if pair.is_none() { self.participants() } else { Vec::new() },
            version: 1,
        }
    }

    /// Digest of what the request asked for. The order in which it names participants does not count.
    fn digest(&self) -> String {
        let mut participants = self.others.clone();
        participants.sort_unstable();
        let participants: String = participants.iter().map(UserId::to_string).collect();
        let metadata = self.metadata.as_ref().map_or("", Metadata::as_str);
        digest([self.name.as_deref().unwrap_or_default(), metadata, &participants])
    }

    /// Returns true if this creator made what stands at the id at this microsecond.
    fn was_made(&self, standing: &Conversation, now: Time) -> bool {
        self.is(standing) && standing.created_by == self.creator && standing.created_at == now
    }

    /// Returns true if what stands at the id is what was to be made. A direct conversation's pair is compared, as two pairs
    /// could have one id (with a chance of one in 2^80 for each pair of pairs). A group is the same if the same user has made
    /// it by the same request; groups of earlier releases have no digest.
    #[must_use]
    pub fn is(&self, standing: &Conversation) -> bool {
        let pair = self.others.first().map(|other| sorted([self.creator, *other]));
        match self.kind {
            ConversationKind::Direct => standing.pair == pair && !self.reuses_key_of(standing),
            ConversationKind::Group => {
                standing.kind == ConversationKind::Group
                    && standing.created_by == self.creator
                    && standing.digest.as_ref().is_none_or(|digest| *digest == self.digest())
            }
        }
    }

    /// Returns true if this creator opened the standing pair's conversation under this key, with another request.
    fn reuses_key_of(&self, standing: &Conversation) -> bool {
        self.key.is_some()
            && self.key == standing.idempotency_key
            && self.creator == standing.created_by
            && standing.digest != Some(self.digest())
    }
}

fn sorted(mut pair: [UserId; 2]) -> [UserId; 2] {
    pair.sort_unstable();
    pair
}

impl ConversationEdit {
    /// The conversation as the edit makes it; `None` if it is so already.
    pub(crate) fn apply(&self, conversation: &Conversation) -> Result<Option<Conversation>, TooLarge> {
        let name = self.name.clone().unwrap_or_else(|| conversation.name.clone());
        let present = conversation.metadata.as_ref();
        let metadata = self.metadata.as_ref().map(|change| change.applied(present)).transpose()?;
        let metadata = metadata.unwrap_or_else(|| conversation.metadata.clone());
        if name == conversation.name && metadata == conversation.metadata {
            return Ok(None);
        }
        Ok(Some(Conversation { name, metadata, version: conversation.version + 1, ..conversation.clone() }))
    }
}

/// The two items of taking part. The membership's condition keeps a joining that is repeated or late from resetting a
/// read mark; the list entry stands and goes with it.
pub(crate) fn joining(member: Member) -> [Step; 2] {
    let entry =
        InboxEntry { user: member.user, conversation: member.conversation, joined_at: member.joined_at };
    [
        Step::Put(Item::Member(member), Expression::condition(ABSENT)),
        Step::Put(Item::Inbox(entry), Expression::default()),
    ]
}

/// A membership that begins now.
pub(crate) fn member(id: ConversationId, user: UserId, role: MemberRole, read: u64, now: Time) -> Member {
    Member { conversation: id, user, role, joined_at: now, read, base: 0, hidden: false }
}

/// Writes the whole META, on the version before.
pub(crate) fn meta_step(conversation: &Conversation) -> Step {
    let seen = Expression::condition("#version = :seen").number(":seen", conversation.version - 1);
    Step::Put(Item::Conversation(conversation.clone()), seen)
}

pub(crate) fn conversation_change(
    kind: ChangeKind,
    conversation: &Conversation,
    number: u64,
    actor: UserId,
    request: Uuid,
    now: Time,
) -> Change {
    Change {
        conversation: conversation.id,
        number,
        kind,
        message: None,
        users: Vec::new(),
        actor,
        revision: conversation.version,
        request,
        changed_at: now,
        participant_count: None,
        owners: Vec::new(),
    }
}
