//! Security events: log lines of their own, with the field `event`. `docs/logging.md` lists them. They contain ids and
//! addresses, but no email and no content.

use std::{fmt::Display, net::IpAddr};

use tracing::info;

use crate::{ids::UserId, model::user::Role, store::ChangedStanding};

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A login with a wrong password, or with an email that has no account.
    LoginFailed,
    /// A logged-in user gave a wrong current password.
    PasswordNotConfirmed,
    /// A user changed the own password.
    PasswordChanged,
    /// The command line gave an account a new password.
    PasswordReset,
    /// A user got this role.
    RoleChanged(Role),
    /// An account was suspended.
    UserSuspended,
    /// The suspension of an account ended.
    SuspensionEnded,
    /// An admin ended all sessions of a user.
    SessionsEnded,
    /// A user closed the own account.
    AccountClosed,
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
    /// The sessions of another user.
    Sessions,
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
            Self::PasswordReset => "password_reset",
            Self::RoleChanged(_) => "role_changed",
            Self::UserSuspended => "user_suspended",
            Self::SuspensionEnded => "suspension_ended",
            Self::SessionsEnded => "sessions_ended",
            Self::AccountClosed => "account_closed",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::AdminAccess(_) => "admin_access",
        }
    }

    /// Returns the field `role`.
    const fn role(self) -> Option<&'static str> {
        match self {
            Self::RoleChanged(role) => Some(role.as_str()),
            _ => None,
        }
    }

    /// Returns the field `data`.
    const fn data(self) -> Option<&'static str> {
        match self {
            Self::AdminAccess(Data::User) => Some("user"),
            Self::AdminAccess(Data::Users) => Some("users"),
            Self::AdminAccess(Data::Sessions) => Some("sessions"),
            Self::AdminAccess(Data::Reports) => Some("reports"),
            Self::AdminAccess(Data::Conversation) => Some("conversation"),
            _ => None,
        }
    }
}

impl ChangedStanding {
    /// Returns the events of this change; none if there was nothing to change.
    pub fn events(&self) -> impl Iterator<Item = Event> + use<> {
        let Self { before, after } = self;
        let role = (before.role != after.role).then_some(Event::RoleChanged(after.role));
        let suspension = match (before.suspended_at, after.suspended_at) {
            (None, Some(_)) => Some(Event::UserSuspended),
            (Some(_), None) => Some(Event::SuspensionEnded),
            _ => None,
        };
        role.into_iter().chain(suspension)
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
        role = event.role(),
        data = event.data(),
        "security event"
    );
}
