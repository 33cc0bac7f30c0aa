//! The options for the limits of one user.

use clap::{Args, value_parser};
use shared::config::{LONGEST_WINDOW, LimitNumbers, Limits, MOST_SENDS, MOST_TOKENS};

/// The limits of one user, the same as the parameters of a deployment.
#[derive(Debug, Args)]
pub(crate) struct UserLimits {
    /// Number of messages that a user may send to one conversation within the window; 0 means no limit
    #[arg(long, value_name = "N", env = "SEND_LIMIT", default_value_t = LimitNumbers::DEFAULT.send_limit,
        value_parser = value_parser!(u32).range(0..=i64::from(MOST_SENDS)))]
    pub(crate) send_limit: u32,

    /// Length of the window, in seconds
    #[arg(long, value_name = "SECONDS", env = "SEND_WINDOW", default_value_t = LimitNumbers::DEFAULT.send_window,
        value_parser = value_parser!(u32).range(1..=i64::from(LONGEST_WINDOW)))]
    pub(crate) send_window: u32,

    /// Number of participants that a user may add to conversations at once; a conversation without others counts as
    /// one; 0 means no limit
    #[arg(long, value_name = "N", env = "CONVERSATION_LIMIT",
        default_value_t = LimitNumbers::DEFAULT.conversation_limit,
        value_parser = value_parser!(u32).range(0..=i64::from(MOST_TOKENS)))]
    pub(crate) conversation_limit: u32,

    /// Number of participants that a user may add again after each hour
    #[arg(long, value_name = "N", env = "CONVERSATION_REFILL",
        default_value_t = LimitNumbers::DEFAULT.conversation_refill,
        value_parser = value_parser!(u32).range(1..=i64::from(MOST_TOKENS)))]
    pub(crate) conversation_refill: u32,
}

impl UserLimits {
    pub(crate) fn limits(&self) -> Limits {
        Limits::of(LimitNumbers {
            send_limit: self.send_limit,
            send_window: self.send_window,
            conversation_limit: self.conversation_limit,
            conversation_refill: self.conversation_refill,
        })
    }
}
