//! The representation of a user in the API, on its own and nested in others; and the caller's own profile and current
//! role.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::problem::Problem;
use crate::{
    App,
    http::{
        Caller,
        schemas::{EmailAddress, FirstName, LastName, PhoneNumber},
    },
    ids::UserId,
    model::user::{Contact, Email, Role},
    store::items::User,
};

/// A user. Contact details are included only if the caller may see them.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserView {
    /// The id of the user.
    pub user_id: UserId,
    /// The first name of the user.
    #[schema(value_type = FirstName)]
    pub first_name: String,
    /// The last name of the user.
    #[schema(value_type = LastName)]
    pub last_name: String,
    /// The email address; `null` if the caller may not see it.
    #[schema(value_type = Option<EmailAddress>, required)]
    pub email: Option<String>,
    /// The phone number; `null` if there is none or the caller may not see it.
    #[schema(value_type = Option<PhoneNumber>, required)]
    pub phone_number: Option<String>,
    /// The role of the user.
    pub role: Role,
    /// The time when the user was registered.
    #[serde(serialize_with = "timestamp")]
    pub created_at: DateTime<Utc>,
    /// True if an admin has suspended the user. Only the user's own profile and the responses to admins contain it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = bool, required = false)]
    pub suspended: Option<bool>,
    /// The consent that others need before they can write to the user. Only the user's own profile contains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Contact, required = false)]
    pub contact: Option<Contact>,
}

impl UserView {
    /// Creates the view of a profile. The email address and the phone number are `null` unless `shows_contact` is true.
    #[must_use]
    pub fn new(user: &User, shows_contact: bool) -> Self {
        let email = user.email.as_ref().map(Email::shown);
        Self {
            user_id: user.id,
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            email: email.filter(|_| shows_contact),
            phone_number: user.phone_number.clone().filter(|_| shows_contact),
            role: user.role,
            created_at: user.created_at,
            suspended: None,
            contact: None,
        }
    }

    /// Creates the view for admins.
    #[must_use]
    pub fn for_admins(user: &User) -> Self {
        Self { suspended: Some(user.suspended_at.is_some()), ..Self::new(user, true) }
    }

    /// Creates the view of the caller's own profile.
    #[must_use]
    pub fn own(user: &User) -> Self {
        Self { contact: Some(user.contact()), ..Self::for_admins(user) }
    }
}

impl Caller {
    /// Returns the caller's own profile, read with strong consistency; with a cookie, it was read together with the
    /// session. Fails with a 401 if the account is closed, because a token can be valid longer than its account.
    pub async fn profile(&self, app: &App) -> Result<User, Problem> {
        let user = match &self.known {
            Some(known) => Some(known.user.clone()),
            None => app.store.user(self.user).await?,
        };
        let refused = if self.is_browser() { Problem::not_authenticated } else { Problem::token_not_valid };
        user.filter(|user| user.closed_at.is_none()).ok_or_else(refused)
    }

    /// Returns the caller's current role. A token contains the role at the time when it was issued, so the role admin
    /// is checked in the profile. Other roles are taken from the token, because no decision depends on the difference
    /// between guest and host.
    pub async fn role(&self, app: &App) -> Result<Role, Problem> {
        match self.claimed_role {
            Role::Admin => Ok(self.profile(app).await?.role),
            other => Ok(other),
        }
    }

    /// Reads the caller's profile, and fails with a 403 and `detail` if the caller is not an admin now.
    pub async fn require_admin(&self, app: &App, detail: &str) -> Result<(), Problem> {
        match self.profile(app).await?.role {
            Role::Admin => Ok(()),
            Role::Guest | Role::Host => Err(Problem::forbidden(detail)),
        }
    }
}

/// Serializes a time as RFC 3339 in UTC with microseconds.
pub fn timestamp<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// Serializes a time like [`timestamp`], and `None` as `null`.
#[allow(clippy::ref_option, reason = "the signature that serde asks for")]
pub fn timestamp_option<S: Serializer>(
    time: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => timestamp(time, serializer),
        None => serializer.serialize_none(),
    }
}
