//! The limits of one user: how fast a user may send messages, start conversations and add participants. They only hold
//! values; the store counts.

use chrono::TimeDelta;

use super::{ConfigError, variable};

/// The limits of one user. `None` means that there is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The limit of messages (`SEND_LIMIT`, `SEND_WINDOW`).
    pub sends: Option<SendLimit>,
    /// The limit of new conversations and added participants (`CONVERSATION_LIMIT`, `CONVERSATION_REFILL`).
    pub conversations: Option<ConversationLimit>,
}

/// The number of messages that a user may send to one conversation within a window that ends now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendLimit {
    /// The number of messages, from 1 to [`MOST_SENDS`]. A send reads as many messages of the conversation, and 16 more.
    pub messages: usize,
    /// The length of the window.
    pub window: TimeDelta,
}

/// The bucket of tokens that a user spends. A new conversation costs one token for each participant that the user adds,
/// and at least one. An added participant costs one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationLimit {
    /// The number of tokens in a full bucket, at least 1.
    pub size: u32,
    /// The number of tokens that come back in an hour, at least 1.
    pub refill: u32,
}

/// The maximum of `SEND_LIMIT`. Each send reads as many messages, so a higher limit makes sends expensive.
pub const MOST_SENDS: u32 = 100;

/// The maximum of `SEND_WINDOW`, in seconds.
pub const LONGEST_WINDOW: u32 = 3_600;

/// The maximum of `CONVERSATION_LIMIT` and `CONVERSATION_REFILL`.
pub const MOST_TOKENS: u32 = 1_000_000;

/// The limits as numbers, as a deployment sets them. A limit of 0 means that there is no limit.
#[derive(Debug, Clone, Copy)]
pub struct LimitNumbers {
    /// The number of messages within a window.
    pub send_limit: u32,
    /// The length of the window, in seconds.
    pub send_window: u32,
    /// The number of tokens in a full bucket.
    pub conversation_limit: u32,
    /// The number of tokens that come back in an hour.
    pub conversation_refill: u32,
}

impl LimitNumbers {
    /// The defaults, the same as those of `template.yaml`.
    pub const DEFAULT: Self =
        Self { send_limit: 30, send_window: 30, conversation_limit: 100, conversation_refill: 20 };
}

impl Limits {
    /// No limits.
    pub const NONE: Self = Self { sends: None, conversations: None };

    /// Returns the limits of these numbers.
    #[must_use]
    pub fn of(numbers: LimitNumbers) -> Self {
        let LimitNumbers { send_limit, send_window, conversation_limit, conversation_refill } = numbers;
        let window = TimeDelta::seconds(i64::from(send_window.max(1)));
        let sends = SendLimit { messages: send_limit as usize, window };
        let conversations =
            ConversationLimit { size: conversation_limit, refill: conversation_refill.max(1) };
        Self {
            sends: (send_limit > 0).then_some(sends),
            conversations: (conversation_limit > 0).then_some(conversations),
        }
    }

    /// Reads the limits from the environment. Variables that are not set have their defaults.
    pub(super) fn from_env() -> Result<Self, ConfigError> {
        let defaults = LimitNumbers::DEFAULT;
        Ok(Self::of(LimitNumbers {
            send_limit: number("SEND_LIMIT", 0..=MOST_SENDS, defaults.send_limit)?,
            send_window: number("SEND_WINDOW", 1..=LONGEST_WINDOW, defaults.send_window)?,
            conversation_limit: number("CONVERSATION_LIMIT", 0..=MOST_TOKENS, defaults.conversation_limit)?,
            conversation_refill: number(
                "CONVERSATION_REFILL",
                1..=MOST_TOKENS,
                defaults.conversation_refill,
            )?,
        }))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::of(LimitNumbers::DEFAULT)
    }
}

/// Reads a number from the environment; `default` if it is not set.
fn number(
    name: &'static str,
    range: std::ops::RangeInclusive<u32>,
    default: u32,
) -> Result<u32, ConfigError> {
    in_range(variable(name).as_deref(), &range, default)
        .ok_or(ConfigError { name, problem: "must be a whole number in the range of its parameter" })
}

/// Returns the number of a text, or the default of a missing one; `None` if it is not a number of the range.
fn in_range(text: Option<&str>, range: &std::ops::RangeInclusive<u32>, default: u32) -> Option<u32> {
    let number = text.map_or(Some(default), |text| text.parse().ok());
    number.filter(|number| range.contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_means_no_limit() {
        let numbers = LimitNumbers { send_limit: 0, conversation_limit: 0, ..LimitNumbers::DEFAULT };
        assert_eq!(Limits::of(numbers), Limits::NONE);
        let limits = Limits::default();
        let window = TimeDelta::seconds(30);
        assert_eq!(limits.sends, Some(SendLimit { messages: 30, window }));
        assert_eq!(limits.conversations, Some(ConversationLimit { size: 100, refill: 20 }));
    }

    #[test]
    fn a_number_outside_its_range_is_refused() {
        let range = 0..=MOST_SENDS;
        assert_eq!(in_range(None, &range, 30), Some(30));
        assert_eq!(in_range(Some("0"), &range, 30), Some(0));
        for bad in ["101", "-1", "1.5", "many", " 1"] {
            assert_eq!(in_range(Some(bad), &range, 30), None, "{bad}");
        }
    }
}
