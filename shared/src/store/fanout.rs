//! The reads of a fan-out: the participants of a conversation to whom its news is pushed, with their connections and
//! blocks, and the profiles and messages of the frames. It takes two round trips, whatever the number of participants.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures::{
    future::try_join,
    stream::{self, StreamExt, TryStreamExt},
};

use super::{
    Store, StoreError, Time,
    blocks::ViewersBlocks,
    items::{Closed, Item, Link, Member, Message, User},
    ops::{Consistency, Expression, Reading},
    table::{Activity, Key, Span, inbox_index},
};
use crate::ids::{ConversationId, UserId};

/// The maximum number of queries for connections that run at the same time. Each is one HTTP connection, and a function of
/// Lambda can have 1,024 open files.
const QUERIES_AT_ONCE: usize = 100;

/// A request for the participants of a conversation.
#[derive(Debug)]
pub struct FanoutRequest {
    /// The conversation.
    pub conversation: ConversationId,
    /// The senders who are known before the messages are read.
    pub senders: BTreeSet<UserId>,
    /// The numbers of the messages that the frames contain, with their senders.
    pub messages: BTreeSet<u64>,
    /// The numbers of other messages to read.
    pub others: BTreeSet<u64>,
}

/// A participant who gets frames.
#[derive(Debug)]
pub struct Listener {
    /// The accepted membership.
    pub member: Member,
    /// The user's blocks. They are read only for frames that contain messages.
    pub blocks: ViewersBlocks,
    /// The user's connections that have not expired.
    pub links: Vec<Link>,
}

/// The participants to whom the news of a conversation is pushed, and the contents of the frames.
#[derive(Debug, Default)]
pub struct Fanout {
    /// The accepted participants with a connection.
    pub listeners: Vec<Listener>,
    /// All accepted participants.
    pub accepted: HashSet<UserId>,
    /// The profiles of the senders.
    pub profiles: HashMap<UserId, User>,
    /// The messages that were read, by number, with tombstones.
    pub messages: HashMap<u64, Message>,
}

impl Fanout {
    /// Sorts items that were read in one batch. Returns the blocks among them.
    fn take(&mut self, items: Vec<Item>) -> HashMap<UserId, ViewersBlocks> {
        let mut blocks = HashMap::new();
        for item in items {
            match item {
                Item::User(user) => drop(self.profiles.insert(user.id, user)),
                Item::Message(message) => drop(self.messages.insert(message.number, message)),
                Item::Blocks(of) => drop(blocks.insert(of.user, Some(of).into())),
                _ => {}
            }
        }
        blocks
    }
}

impl FanoutRequest {
    fn keys(&self) -> Vec<Key> {
        let messages = self.messages.union(&self.others);
        let messages = messages.map(|number| Key::message(self.conversation.message(*number)));
        self.senders.iter().map(|user| Key::user(*user)).chain(messages).collect()
    }

    /// Returns true if a frame can contain a message.
    fn shows_messages(&self) -> bool {
        !self.senders.is_empty() || !self.messages.is_empty()
    }
}

impl Store {
    /// Returns the accepted participants of a conversation with their connections at `now`, strongly consistent: a participant
    /// who was removed before this call is not among them. First the memberships are read, in parallel with profiles and
    /// messages; then the connections, one query for each participant, in parallel with blocks and the other senders.
    pub async fn fan_out(&self, request: &FanoutRequest, now: Time) -> Result<Fanout, StoreError> {
        let items = self.batch_get(request.keys(), Consistency::Strong);
        let (members, items) = try_join(self.all_members(request.conversation), items).await?;
        let mut fanout = Fanout::default();
        fanout.take(items);
        let members: Vec<Member> = members.into_iter().filter(Member::is_accepted).collect();
        fanout.accepted = members.iter().map(|member| member.user).collect();
        let links = self.links_at(fanout.accepted.iter().copied(), now);
        let items = self.batch_get(second_keys(request, &fanout), Consistency::Strong);
        let (mut links, items) = try_join(links, items).await?;
        let mut blocks = fanout.take(items);
        fanout.listeners = members
            .into_iter()
            .filter_map(|member| {
                let links = links.remove(&member.user)?;
                let blocks = blocks.remove(&member.user).unwrap_or_default();
                Some(Listener { member, blocks, links })
            })
            .collect();
        Ok(fanout)
    }

    /// Returns the connections of several users that have not expired at `now`, strongly consistent, with one query for each
    /// user. Users without a connection are left out.
    pub async fn links_at(
        &self,
        users: impl IntoIterator<Item = UserId>,
        now: Time,
    ) -> Result<HashMap<UserId, Vec<Link>>, StoreError> {
        let queries: Vec<_> = users.into_iter().map(|user| self.links_of(user)).collect();
        let found = stream::iter(queries).buffer_unordered(QUERIES_AT_ONCE);
        let found: Vec<Vec<Link>> = found.try_collect().await?;
        let mut links: HashMap<UserId, Vec<Link>> = HashMap::new();
        for link in found.into_iter().flatten().filter(|link| link.expires_at > now) {
            links.entry(link.user).or_default().push(link);
        }
        Ok(links)
    }

    /// Returns the closing entry of a conversation, strongly consistent; `None` as long as it is not closed.
    pub async fn closing_entry(&self, id: ConversationId) -> Result<Option<Closed>, StoreError> {
        let span = Span::messages(id, 1, crate::ids::MAX_NUMBER);
        let page = self.query(span, Reading::newest_first(Some(1))).await?;
        Ok(page.items.into_iter().next().and_then(|item| match item {
            Item::Closed(closed) => Some(closed),
            _ => None,
        }))
    }

    /// Moves the inbox entry of a participant to the hour of an activity, for the order of the inbox.
    ///
    /// A later activity may have moved it further, or the participant may have left. Then the condition fails, because a
    /// comparison with a missing attribute is false: the entry is neither moved back nor created. A failure before the
    /// update leaves the entry where it is; a repetition after it finds it moved.
    pub async fn move_in_inbox(&self, user: UserId, activity: Activity) -> Result<(), StoreError> {
        let [_, (name, position)] = inbox_index(user, activity);
        let (update, condition) = (format!("SET #{name} = :position"), format!("#{name} < :position"));
        let expression = Expression::update(&update, &condition).text(":position", position);
        self.update(Key::inbox(user, activity.conversation), expression).await.map(drop)
    }
}

/// Returns the keys of the second round trip: the blocks of the participants, and the senders of other messages.
fn second_keys(request: &FanoutRequest, fanout: &Fanout) -> Vec<Key> {
    let viewers = fanout.accepted.iter().filter(|_| request.shows_messages());
    let shown = request.messages.iter().filter_map(|number| fanout.messages.get(number));
    let senders: BTreeSet<UserId> = shown.map(|message| message.sender).collect();
    let unknown = senders.into_iter().filter(|user| !fanout.profiles.contains_key(user));
    viewers.map(|user| Key::blocks(*user)).chain(unknown.map(Key::user)).collect()
}
