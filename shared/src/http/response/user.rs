//! A user as the API shows one, alone and nested; and what a caller's own profile says of them.

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
    model::user::{Email, Role},
    store::items::User,
};

/// A user. Contact details are included only if the caller may see them.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserView {
    /// The user's id.
    pub user_id: UserId,
    /// The first name.
    #[schema(value_type = FirstName)]
    pub first_name: String,
    /// The last name.
    #[schema(value_type = LastName)]
    pub last_name: String,
    /// The email address; `null` if the caller may not see it.
    #[schema(value_type = Option<EmailAddress>, required)]
    pub email: Option<String>,
    /// The phone number; `null` if there is none or the caller may not see it.
    #[schema(value_type = Option<PhoneNumber>, required)]
    pub phone_number: Option<String>,
    /// The role.
    pub role: Role,
    /// The time of registration.
    #[serde(serialize_with = "timestamp")]
    pub created_at: DateTime<Utc>,
}

impl UserView {
    /// The view of a profile, with or without how to reach its user.
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
        }
    }
}

impl Caller {
    /// The caller's own profile, strongly consistent; a cookie's was read with its session. A token outlives an account that
    /// was closed, and is nobody's then: 401.
    pub async fn profile(&self, app: &App) -> Result<User, Problem> {
        if let Some(known) = &self.known {
            return Ok(known.user.clone());
        }
        let user = app.store.user(self.user).await?;
        user.filter(|user| user.closed_at.is_none()).ok_or_else(Problem::token_not_valid)
    }

    /// The caller's role at this moment, of which a token knows only what it was. Who was no admin then is taken at the
    /// token's word, as nothing is decided by the difference of the other two.
    pub async fn role(&self, app: &App) -> Result<Role, Problem> {
        match self.claimed_role {
            Role::Admin => Ok(self.profile(app).await?.role),
            other => Ok(other),
        }
    }

    /// Fails with 403 and `detail` unless the caller is an admin at this moment.
    pub async fn require_admin(&self, app: &App, detail: &str) -> Result<(), Problem> {
        match self.profile(app).await?.role {
            Role::Admin => Ok(()),
            Role::Guest | Role::Host => Err(Problem::forbidden(detail)),
        }
    }
}

/// RFC 3339 in UTC with microseconds.
pub fn timestamp<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// The same for a time that may be missing.
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
