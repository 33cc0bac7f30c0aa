//! Archiving and muting: the settings of one participant about one conversation. They are in the membership and in the inbox
//! entry. A send writes nothing for them: each read compares the archived number with the last message.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    Store, StoreError,
    items::{InboxSettings, Member},
    ops::{Expression, PRESENT},
    table::Key,
    transactions::{Settled, Step},
};

/// A condition that fails if no item exists at the key, or if the user has archived the same number or a later one.
const NOT_ARCHIVED_LATER: &str =
    "attribute_exists(#pk) AND (attribute_not_exists(#archived_tail) OR #archived_tail < :tail)";

/// A change of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboxSettingsChange {
    /// Archives the messages up to a number. The next one brings the conversation back.
    Archive {
        /// The number of the last message that the user knows, or of the last message of all.
        tail: u64,
    },
    /// Brings the conversation back to the inbox.
    Unarchive,
    /// Mutes the conversation. If it is archived, messages do not bring it back.
    Mute,
    /// Ends muting.
    Unmute,
}

impl Store {
    /// Changes the settings of an accepted participant, whose membership was read. A change that changes nothing writes
    /// nothing. Returns false if the membership is removed.
    ///
    /// A message may be sent at the same time; then its number is higher than the archived one, and it brings the
    /// conversation back. Another request may archive a later number; then the conditions fail, and the later number stays.
    /// The user may leave; then the conditions fail, and nothing is created. The two items change in one transaction, so they
    /// always agree. A failure before the commit leaves the settings as they are; a repetition after it finds them changed.
    pub async fn change_inbox_settings(
        &self,
        member: &Member,
        change: InboxSettingsChange,
    ) -> Result<bool, StoreError> {
        if change.is_done(member.settings()) {
            return Ok(true);
        }
        let Member { conversation, user, .. } = *member;
        let keys = [Key::member(conversation, user), Key::inbox(user, conversation)];
        let steps = keys.map(|key| Step::Update(key, change.expression()));
        Ok(match self.settle(&steps).await? {
            Settled::Done => true,
            // A condition fails on items that exist only if they contain a later number.
            Settled::Refused(conditions) => conditions.items().count() == steps.len(),
        })
    }
}

impl InboxSettingsChange {
    /// Returns true if the settings are already as this change leaves them.
    fn is_done(self, settings: InboxSettings) -> bool {
        match self {
            Self::Archive { tail } => settings.archived_tail.is_some_and(|archived| archived >= tail),
            Self::Unarchive => settings.archived_tail.is_none(),
            Self::Mute => settings.muted,
            Self::Unmute => !settings.muted,
        }
    }

    fn expression(self) -> Expression {
        match self {
            Self::Archive { tail } => {
                Expression::update("SET #archived_tail = :tail", NOT_ARCHIVED_LATER).number(":tail", tail)
            }
            Self::Unarchive => Expression::update("REMOVE #archived_tail", PRESENT),
            Self::Mute => {
                Expression::update("SET #muted = :true", PRESENT).value(":true", AttributeValue::Bool(true))
            }
            Self::Unmute => Expression::update("REMOVE #muted", PRESENT),
        }
    }
}
