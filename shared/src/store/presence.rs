//! Presence: users who come online or go offline. It is told to the participants of a user's most active conversations, and
//! is not part of any log.

use std::collections::HashSet;

use chrono::TimeDelta;
use futures::future::{try_join, try_join_all};

use super::{
    Store, StoreError, Time,
    blocks::ViewersBlocks,
    items::{Blocks, Item, Link, Member, Presence},
    ops::{Consistency, Expression, Reading, Written},
    table::{Activity, Key, Span},
};
use crate::ids::UserId;

/// The number of the most active conversations whose participants are told.
const CONVERSATIONS: usize = 20;
/// The maximum number of users who are told.
const MOST_USERS: usize = 200;
/// The shortest time between two frames of a user with the same state.
const BETWEEN: TimeDelta = TimeDelta::minutes(1);

impl Store {
    /// Notes that the presence of a user is told. Returns false if the same state was told within the last minute.
    ///
    /// Of two calls at the same time, the condition lets one succeed. A retry after a lost answer finds its own note, and the
    /// frame is not sent: presence is not repeated.
    pub async fn note_presence(&self, user: UserId, online: bool, now: Time) -> Result<bool, StoreError> {
        let expires_at = now + BETWEEN * 2;
        let state = if online { "online" } else { "offline" }.to_owned();
        let item = Item::Presence(Presence { user, state, told_at: now, expires_at });
        let condition = Expression::condition("attribute_not_exists(#pk) OR #told_at <= :before")
            .number(":before", (now - BETWEEN).timestamp_micros());
        Ok(matches!(self.put(&item, condition).await?, Written::Done(_)))
    }

    /// Returns the connections at `now` of those who see the presence of a user: the accepted participants of the 20
    /// conversations in which the user was active last, at most 200 users. Those whom the user has blocked, and those who have
    /// blocked the user, are not among them. The conversations come from the index, which may be stale; the memberships, also
    /// the user's own, come from the table.
    pub async fn presence_audience(&self, user: UserId, now: Time) -> Result<Vec<Link>, StoreError> {
        let newest =
            Reading { descending: true, limit: Some(CONVERSATIONS), consistency: Consistency::Eventual };
        let span = Span::active(user, None);
        let (found, own) = try_join(self.query_whole_raw(&span, newest), self.blocks(user)).await?;
        let own = ViewersBlocks::from(own);
        let ids = found.0.iter().filter_map(|item| Activity::parse(item.get("gsi1sk")?.as_s().ok()?));
        let members = try_join_all(ids.map(|activity| self.all_members(activity.conversation))).await?;
        let others = members.into_iter().filter_map(|members| others(user, &members)).flatten();
        let others: HashSet<UserId> = others.filter(|other| !own.contains(*other)).take(MOST_USERS).collect();
        let keys = others.iter().map(|other| Key::blocks(*other)).collect();
        let (mut links, blocks) = try_join(self.links_at(others, now), self.get_all::<Blocks>(keys)).await?;
        for blocks in blocks.iter().filter(|blocks| blocks.blocked.contains_key(&user)) {
            links.remove(&blocks.user);
        }
        Ok(links.into_values().flatten().collect())
    }
}

/// Returns the other accepted participants of a conversation; `None` unless the user has accepted it too.
fn others(user: UserId, members: &[Member]) -> Option<Vec<UserId>> {
    let accepted = members.iter().filter(|member| member.is_accepted()).map(|member| member.user);
    let (own, others): (Vec<UserId>, Vec<UserId>) = accepted.partition(|member| *member == user);
    (!own.is_empty()).then_some(others)
}
