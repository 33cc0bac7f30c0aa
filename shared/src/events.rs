//! Security events: log lines of their own, with the field `event`. `docs/logging.md` lists them. They contain ids and
//! addresses, but no email and no content.

use std::{fmt::Display, net::IpAddr};

use tracing::info;

use crate::ids::UserId;

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A login with a wrong password, or with an email that has no account.
    LoginFailed,
    /// A logged-in user gave a wrong current password.
    PasswordNotConfirmed,
    /// A user changed the own password.
    PasswordChanged,
    /// A refresh token was used again after the grace period. Its session ends.
    RefreshTokenReused,
    /// An admin read or changed data that is not the admin's own.
    AdminAccess(Data),
}

/// The kind of data that an admin accesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// The profile of another user.
    User,
    /// The list of all users.
    Users,
    /// Reports of users about others.
    Reports,
    /// A conversation without the admin, or one of its messages.
    Conversation,
}

impl Event {
    /// Returns the field `event`.
    const fn name(self) -> &'static str {
        match self {
            Self::LoginFailed => "login_failed",
            Self::PasswordNotConfirmed => "password_not_confirmed",
            Self::PasswordChanged => "password_changed",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::AdminAccess(_) => "admin_access",
        }
    }

    const fn data(self) -> Option<&'static str> {
        match self {
            Self::AdminAccess(Data::User) => Some("user"),
            Self::AdminAccess(Data::Users) => Some("users"),
            Self::AdminAccess(Data::Reports) => Some("reports"),
            Self::AdminAccess(Data::Conversation) => Some("conversation"),
            _ => None,
        }
    }
}

/// Writes the line of an event. `actor` is the authenticated user. `target` is the id of the user or the conversation that
/// the event is about. `source` is the address of the client.
pub fn report(event: Event, actor: Option<UserId>, target: Option<&dyn Display>, source: Option<IpAddr>) {
    let text = |value: Option<&dyn Display>| value.map_or_else(|| "-".to_owned(), ToString::to_string);
    info!(
        event = event.name(),
        actor = text(actor.as_ref().map(|actor| actor as &dyn Display)),
        target = text(target),
        source = text(source.as_ref().map(|source| source as &dyn Display)),
        data = event.data(),
        "security event"
    );
}
