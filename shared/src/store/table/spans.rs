//! Spans: the ranges of sort keys that one query reads, with one constructor for each list. This module reads nothing:
//! the callers decide on the limit, the direction and the consistency of a query.

use std::fmt::Display;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Activity, InvitationPosition, KEYS, Key, LogPosition, META, REPORTS, USERS,
    index::{before, user_sort_key},
    of_conversation, of_inbox, of_links, of_state, of_user,
};
use crate::{
    ids::{ConversationId, MAX_NUMBER, MessageId, ReportId, SessionId, UserId},
    model::report::ReportState,
};

/// A range of sort keys in one partition of the table or of its index. Both bounds are included.
#[derive(Debug, Clone)]
pub(in crate::store) struct Span {
    pub(in crate::store) pk: String,
    pub(in crate::store) low: String,
    pub(in crate::store) high: String,
    pub(in crate::store) index: bool,
}

impl Span {
    fn new(pk: String, low: String, high: String) -> Self {
        Self { pk, low, high, index: false }
    }

    /// Returns the span of all keys that begin with `prefix`, restricted to the keys above `above` if it is set. The
    /// characters `:` and `~` sort after every character of an id.
    fn prefixed(pk: String, prefix: &str, above: Option<&dyn Display>) -> Self {
        let low = above.map_or_else(|| prefix.to_owned(), |above| format!("{prefix}{above}~"));
        Self::new(pk, low, format!("{prefix}~"))
    }

    /// Returns the span of the messages with the numbers `low` to `high`.
    pub(in crate::store) fn messages(conversation: ConversationId, low: u64, high: u64) -> Self {
        let sk = |number: u64| Key::log_entry(conversation, LogPosition::Message(number.min(MAX_NUMBER))).sk;
        Self::new(of_conversation(conversation), sk(low), sk(high))
    }

    /// Returns the span of the changes with the number `low` and higher numbers.
    pub(in crate::store) fn changes(conversation: ConversationId, low: u64) -> Self {
        let sk = |number: u64| Key::log_entry(conversation, LogPosition::Change(number.min(MAX_NUMBER))).sk;
        Self::new(of_conversation(conversation), sk(low), sk(MAX_NUMBER))
    }

    /// Returns the span of the earlier bodies of a message, starting after the body of number `after`.
    pub(in crate::store) fn revisions(id: MessageId, after: Option<u64>) -> Self {
        let after = after.map(|revision| format!("{revision:06}"));
        let after = after.as_ref().map(|revision| revision as &dyn Display);
        Self::prefixed(of_conversation(id.conversation), &format!("REV#{:013}#", id.number), after)
    }

    /// Returns the span of the pointers of the replies with the numbers `low` to `high` in the thread that begins with `root`.
    pub(in crate::store) fn replies(root: MessageId, (low, high): (u64, u64)) -> Self {
        let sk = |number: u64| Key::thread_pointer(root, number.min(MAX_NUMBER)).sk;
        Self::new(of_conversation(root.conversation), sk(low), sk(high))
    }

    /// Returns the span of the pins in the order of their messages.
    pub(in crate::store) fn pins(conversation: ConversationId) -> Self {
        Self::prefixed(of_conversation(conversation), "PIN#", None)
    }

    /// Returns the span of the participants in the order of their ids, starting after `after`.
    pub(in crate::store) fn members(conversation: ConversationId, after: Option<UserId>) -> Self {
        Self::prefixed(
            of_conversation(conversation),
            "MEMBER#",
            after.as_ref().map(|user| user as &dyn Display),
        )
    }

    /// Returns the span of a user's sessions in the order of their ids, starting after `after`.
    pub(in crate::store) fn sessions(user: UserId, after: Option<SessionId>) -> Self {
        Self::prefixed(of_user(user), "SESSION#", after.as_ref().map(|session| session as &dyn Display))
    }

    /// Returns the span of a user's conversations in the order of their ids, starting with `from`.
    pub(in crate::store) fn inbox(user: UserId, from: Option<ConversationId>) -> Self {
        let low = from.map_or_else(|| "CONV#".to_owned(), |from| format!("CONV#{from}"));
        Self::new(of_inbox(user), low, "CONV#~".to_owned())
    }

    /// Returns the span of a user's conversations by activity, restricted to the conversations that follow `position`
    /// in descending order.
    pub(in crate::store) fn active(user: UserId, position: Option<&Activity>) -> Self {
        let high = position.map_or_else(|| "ACTIVE#~".to_owned(), |position| position.sort_key_before());
        Self { index: true, ..Self::new(of_inbox(user), "ACTIVE#".to_owned(), high) }
    }

    /// Returns the span of a user's invitations by time, restricted to the invitations that follow `position` in
    /// descending order.
    pub(in crate::store) fn invitations(user: UserId, position: Option<InvitationPosition>) -> Self {
        let high = position.map_or_else(|| "~".to_owned(), |position| before(position.to_string()));
        Self::new(of_inbox(user), "INVITED#".to_owned(), format!("INVITED#{high}"))
    }

    /// Returns the span of all users by time of creation, starting after `after`.
    pub(in crate::store) fn users(after: Option<(DateTime<Utc>, UserId)>) -> Self {
        let low =
            after.map_or_else(|| "0".to_owned(), |(created_at, user)| user_sort_key(created_at, user) + "~");
        Self { index: true, ..Self::new(USERS.to_owned(), low, "~".to_owned()) }
    }

    /// Returns the span of the open reports in the order of their ids, starting after `after`.
    pub(in crate::store) fn open_reports(after: Option<ReportId>) -> Self {
        Self::prefixed(
            REPORTS.to_owned(),
            of_state(ReportState::Open),
            after.as_ref().map(|report| report as &dyn Display),
        )
    }

    /// Returns the span of the closed reports, restricted to the ids below `before` if it is set.
    pub(in crate::store) fn closed_reports(before: Option<ReportId>) -> Self {
        let prefix = of_state(ReportState::Closed);
        let below = |id: ReportId| ReportId::new(Uuid::from_u128(id.uuid().as_u128().saturating_sub(1)));
        let high = before.map_or_else(|| format!("{prefix}~"), |before| format!("{prefix}{}", below(before)));
        Self::new(REPORTS.to_owned(), prefix.to_owned(), high)
    }

    /// Returns the two spans of what remains in the partition of a closed conversation: messages, earlier bodies and all that
    /// sorts after the conversation's own item; and all that sorts before the memberships, such as changes.
    pub(in crate::store) fn remains(conversation: ConversationId) -> [Self; 2] {
        let pk = of_conversation(conversation);
        let after = Self::new(pk.clone(), format!("{META}~"), "~".to_owned());
        [after, Self::new(pk, " ".to_owned(), "MEMBER".to_owned())]
    }

    /// Returns the span of a user's WebSocket connections.
    pub(in crate::store) fn links(user: UserId) -> Self {
        Self::prefixed(of_links(user), "LINK#", None)
    }

    /// Returns the span of all signing keys.
    pub(in crate::store) fn signing_keys() -> Self {
        Self::prefixed(KEYS.to_owned(), "KEY#", None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_of_reports_excludes_its_position() {
        let id = ReportId::new(Uuid::from_u128(0x10));
        assert_eq!(Span::open_reports(Some(id)).low, "OPEN#00000000-0000-0000-0000-000000000010~");
        assert_eq!(Span::closed_reports(Some(id)).high, "CLOSED#00000000-0000-0000-0000-00000000000f");
        assert_eq!(
            (Span::open_reports(None).low, Span::closed_reports(None).high),
            ("OPEN#".into(), "CLOSED#~".into())
        );
    }

    #[test]
    fn the_span_of_users_begins_at_the_first() {
        let user = UserId::new(Uuid::from_u128(1));
        assert_eq!(Span::users(None).low, "0");
        let after = Span::users(Some((DateTime::UNIX_EPOCH, user)));
        assert_eq!(after.low, "00000000000000000#00000000-0000-0000-0000-000000000001~");
    }
}
