//! The index of the table: its name, and the attributes that give an item a position in it. Index reads may be stale,
//! so no decision about access uses the index. The ranges of its keys are in `spans`.

use chrono::{DateTime, Utc};

use super::{USERS, of_inbox};
use crate::ids::{ConversationId, UserId};

/// The name of the index.
pub(in crate::store) const INDEX: &str = "gsi1";

/// The position of a conversation in its participant's list: the hour of its last activity, then its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Activity {
    /// The number of hours since 1970-01-01T00:00Z.
    pub hour: u32,
    /// The conversation at this position.
    pub conversation: ConversationId,
}

impl Activity {
    /// Returns the position of `conversation` for an activity at `time`.
    #[must_use]
    pub fn at(time: DateTime<Utc>, conversation: ConversationId) -> Self {
        Self { hour: u32::try_from(time.timestamp() / 3600).unwrap_or_default(), conversation }
    }

    fn sort_key(self) -> String {
        format!("ACTIVE#{:07}#{}", self.hour, self.conversation)
    }

    /// Returns the highest key below this one.
    pub(super) fn sort_key_before(self) -> String {
        before(self.sort_key())
    }

    pub(in crate::store) fn parse(sort_key: &str) -> Option<Self> {
        let (hour, conversation) = sort_key.strip_prefix("ACTIVE#")?.split_once('#')?;
        Some(Self { hour: hour.parse().ok()?, conversation: conversation.parse().ok()? })
    }
}

/// Returns the highest key below `key`. No key contains `~`, and `!` sorts before every character of an id.
pub(super) fn before(mut key: String) -> String {
    if let Some(last) = key.pop() {
        let before = char::from_u32(u32::from(last) - 1).unwrap_or('!');
        key.push(before);
        key.push('~');
    }
    key
}

pub(super) fn user_sort_key(created_at: DateTime<Utc>, user: UserId) -> String {
    format!("{:017}#{user}", created_at.timestamp_micros())
}

/// Returns the index attributes of a user's profile.
pub(in crate::store) fn user_index(created_at: DateTime<Utc>, user: UserId) -> [(&'static str, String); 2] {
    [("gsi1pk", USERS.to_owned()), ("gsi1sk", user_sort_key(created_at, user))]
}

/// Returns the index attributes of an inbox entry.
pub(in crate::store) fn inbox_index(user: UserId, activity: Activity) -> [(&'static str, String); 2] {
    [("gsi1pk", of_inbox(user)), ("gsi1sk", activity.sort_key())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_in_the_list_excludes_itself_and_nothing_below() {
        let activity = Activity { hour: 494_000, conversation: ConversationId::from_prefix([1; 10]) };
        let before = activity.sort_key_before();
        assert!(before < activity.sort_key());
        assert!(
            before
                > Activity { hour: 494_000, conversation: ConversationId::from_prefix([0; 10]) }.sort_key()
        );
        assert_eq!(Activity::parse(&activity.sort_key()), Some(activity));
    }
}
