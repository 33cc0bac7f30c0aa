//! The answer to a request that would exceed the limit of new conversations and added participants.

use shared::{http::Problem, store::LimitReached};

/// Returns a 429 for a request that can succeed later, and a 400 for a request with too many users at once.
pub(crate) fn limited(limit: LimitReached) -> Problem {
    match limit {
        LimitReached::Wait { wait } => Problem::throttled(
            "You have started too many conversations or added too many participants. Wait for the seconds in the \
             header `Retry-After`.",
            wait,
        ),
        LimitReached::MoreThanFull { size } => Problem::field(
            "participants",
            format!("must not add more than {size} users in one request; use several requests"),
        ),
    }
}
