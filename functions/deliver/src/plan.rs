//! The work of a batch: the news of each conversation and of each user, in the order of the records. Nothing is read or
//! written here.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use shared::{
    ids::{ConnectionId, ConversationId, SessionId, UserId},
    store::{
        items::{Change, Closed, Item, Link, Member, Message, User},
        records::{Record, RecordEvent},
        table::LogPosition,
    },
};

use crate::fault::Records;

/// The work of a batch.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) conversations: BTreeMap<ConversationId, ConversationNews>,
    pub(crate) users: BTreeMap<UserId, UserNews>,
}

/// The news of a conversation.
#[derive(Debug, Default)]
pub(crate) struct ConversationNews {
    pub(crate) records: Records,
    pub(crate) news: Vec<News>,
}

/// A record about a conversation.
#[derive(Debug)]
pub(crate) enum News {
    /// A new message.
    Message(Message),
    /// A new entry of the change log.
    Change(Change),
    /// Another read mark of a participant.
    Read {
        /// The participant.
        user: UserId,
        /// The number of the last message that the participant has read.
        number: u64,
    },
    /// The conversation was closed.
    Closed(Closed),
    /// The membership of an accepted participant was deleted. The conversation may be closed.
    Removed {
        /// The participant.
        user: UserId,
        /// The time of the deletion in whole seconds.
        at: DateTime<Utc>,
    },
}

/// The news of a user's connections.
#[derive(Debug, Default)]
pub(crate) struct UserNews {
    pub(crate) records: Records,
    pub(crate) endings: Endings,
    /// New connections.
    pub(crate) connected: BTreeSet<ConnectionId>,
    /// True if a connection has ended.
    pub(crate) has_disconnected: bool,
    /// True if the account was closed.
    pub(crate) is_closed: bool,
}

/// The connections of a user that have to be closed.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    /// The connections of these sessions.
    sessions: BTreeSet<SessionId>,
    /// The connections with a lower version of the credential.
    below_version: u64,
    /// All connections.
    all: bool,
}

impl Endings {
    /// Returns true if the connection has to be closed.
    pub(crate) fn include(&self, link: &Link) -> bool {
        self.all || link.credential_version < self.below_version || self.sessions.contains(&link.session)
    }

    /// Ends the connections that the new profile does not allow.
    fn of_profile(&mut self, user: &User) {
        self.all |= !user.can_act();
        self.below_version = self.below_version.max(user.credential_version);
    }
}

impl Plan {
    /// Adds a record at its position in the batch. Records that ask for nothing are left out.
    pub(crate) fn add(&mut self, position: usize, record: Record) {
        use RecordEvent::{Insert, Modify, Remove};
        match (record.event, record.old, record.new) {
            (Insert, _, Some(Item::Message(message))) => {
                self.news(position, message.conversation, News::Message(message));
            }
            (Insert, _, Some(Item::Change(change))) => {
                self.news(position, change.conversation, News::Change(change));
            }
            (Insert, _, Some(Item::Closed(closed))) if matches!(closed.position, LogPosition::Message(_)) => {
                self.news(position, closed.conversation, News::Closed(closed));
            }
            (Modify, Some(Item::Member(old)), Some(Item::Member(new))) => {
                self.read_mark(position, &old, &new);
            }
            (Remove, Some(Item::Member(member)), _) if member.is_accepted() => {
                let removed = News::Removed { user: member.user, at: record.written_at };
                self.news(position, member.conversation, removed);
            }
            (event, old, new) => self.add_of_user(position, event, old, new),
        }
    }

    fn add_of_user(&mut self, position: usize, event: RecordEvent, old: Option<Item>, new: Option<Item>) {
        use RecordEvent::{Insert, Modify, Remove};
        match (event, old, new) {
            (Insert, _, Some(Item::Link(link))) => {
                self.user(position, link.user).connected.insert(link.connection);
            }
            (Remove, Some(Item::Link(link)), _) => {
                self.user(position, link.user).has_disconnected = true;
            }
            (_, _, Some(Item::EndedSession(ended))) => {
                self.user(position, ended.user).endings.sessions.insert(ended.id);
            }
            // TTL has deleted the session.
            (Remove, Some(Item::Session(session)), _) => {
                self.user(position, session.user).endings.sessions.insert(session.id);
            }
            (Modify, Some(Item::User(old)), Some(Item::User(new)))
                if !new.can_act() || old.credential_version != new.credential_version =>
            {
                let news = self.user(position, new.id);
                news.endings.of_profile(&new);
                news.is_closed |= old.closed_at.is_none() && new.closed_at.is_some();
            }
            _ => {}
        }
    }

    fn read_mark(&mut self, position: usize, old: &Member, new: &Member) {
        if old.read != new.read && new.is_accepted() {
            let read = News::Read { user: new.user, number: new.read };
            self.news(position, new.conversation, read);
        }
    }

    fn news(&mut self, position: usize, conversation: ConversationId, news: News) {
        let of = self.conversations.entry(conversation).or_default();
        of.records.insert(position);
        of.news.push(news);
    }

    fn user(&mut self, position: usize, user: UserId) -> &mut UserNews {
        let of = self.users.entry(user).or_default();
        of.records.insert(position);
        of
    }
}
