//! The standing of an account: its role, and whether it is suspended. Only admins change it. One item contains all
//! admins who can act, and each change of a standing writes it under a condition. So of two changes at the same time,
//! one is tried again, and the last admin stays.

use super::{
    Store, StoreError, Time,
    items::{Admins, Item, User},
    ops::Expression,
    retries::Tried,
    table::Key,
    transactions::{Step, Transacted},
    users::while_open,
};
use crate::{ids::UserId, model::user::Role};

/// The maximum number of admins.
pub const MOST_ADMINS: usize = 1000;

/// A change of a standing. A field that is `None` stays as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct StandingChange {
    /// The new role.
    pub role: Option<Role>,
    /// True to suspend the account, false to end the suspension.
    pub suspended: Option<bool>,
}

/// The profile before and after a change of its standing. Both have the same standing if there was nothing to change.
#[derive(Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ChangedStanding {
    pub before: User,
    pub after: User,
}

/// The reason why a standing is not changed.
#[derive(Debug, thiserror::Error)]
pub enum StandingError {
    /// The user has no open account.
    #[error("the account is closed")]
    Closed,
    /// No admin would be left.
    #[error("no admin would be left")]
    LastAdmin,
    /// There would be more than [`MOST_ADMINS`] admins.
    #[error("there are too many admins")]
    TooManyAdmins,
    /// The table did not answer as expected. The change may have taken effect.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Changes the role or the suspension of an account. Returns the profile before and after this change.
    ///
    /// One transaction changes the profile and the item of the admins, or nothing. Another request may change a standing or
    /// close the account at the same time. Then a condition fails, and the change is tried again from the present state.
    /// A failure before the commit leaves everything; a retry after a failure that came after the commit finds nothing
    /// to change.
    pub async fn change_standing(
        &self,
        user: UserId,
        change: StandingChange,
        now: Time,
    ) -> Result<ChangedStanding, StandingError> {
        self.retry(|| self.try_to_change_standing(user, change, now)).await
    }

    async fn try_to_change_standing(
        &self,
        user: UserId,
        change: StandingChange,
        now: Time,
    ) -> Result<Tried<ChangedStanding>, StandingError> {
        let (admins, present) = self.get_two::<Admins, User>([Key::admins(), Key::user(user)]).await?;
        let present = present.filter(|user| user.closed_at.is_none()).ok_or(StandingError::Closed)?;
        let changed = change.apply(&present, now);
        if changed.role == present.role && changed.suspended_at == present.suspended_at {
            return Ok(Tried::Done(ChangedStanding { before: present, after: changed }));
        }
        let admins = admins.unwrap_or_default().with(&changed)?;
        let steps = [Step::Update(Key::user(user), standing(&changed)), step(admins)];
        match self.transact(&steps).await? {
            Transacted::Done => Ok(Tried::Done(ChangedStanding { before: present, after: changed })),
            Transacted::Conflict | Transacted::Refused(_) => Ok(Tried::Lost),
        }
    }

    /// Returns the step that takes a user out of the admins; `None` for other users. Fails if no admin would be left.
    pub(super) async fn step_without_admin(&self, user: &User) -> Result<Option<Step>, StandingError> {
        if user.role != Role::Admin {
            return Ok(None);
        }
        let (admins, _) = self.get_two::<Admins, User>([Key::admins(), Key::user(user.id)]).await?;
        let closed = User { role: Role::Guest, ..user.clone() };
        Ok(Some(step(admins.unwrap_or_default().with(&closed)?)))
    }
}

impl StandingChange {
    /// Returns the profile before and after this change, without writing it.
    #[must_use]
    pub fn of(self, user: User, now: Time) -> ChangedStanding {
        let after = self.apply(&user, now);
        ChangedStanding { before: user, after }
    }

    fn apply(self, user: &User, now: Time) -> User {
        let suspended_at = match self.suspended {
            Some(true) => user.suspended_at.or(Some(now)),
            Some(false) => None,
            None => user.suspended_at,
        };
        User { role: self.role.unwrap_or(user.role), suspended_at, ..user.clone() }
    }
}

impl Admins {
    /// Returns the next version of the item, with the new state of one user. Fails if no admin would be left, or if there
    /// would be too many.
    fn with(mut self, user: &User) -> Result<Self, StandingError> {
        let was_admin = self.users.contains(&user.id);
        self.users.retain(|admin| *admin != user.id);
        if user.role == Role::Admin && user.suspended_at.is_none() {
            self.users.push(user.id);
            self.users.sort_unstable();
        }
        self.version += 1;
        match self.users.len() {
            0 if was_admin => Err(StandingError::LastAdmin),
            count if count > MOST_ADMINS && !was_admin => Err(StandingError::TooManyAdmins),
            _ => Ok(self),
        }
    }
}

/// Returns the update that gives an open account the role and the suspension of `user`.
fn standing(user: &User) -> Expression {
    let update = match user.suspended_at {
        Some(_) => "SET #role = :role, #suspended_at = :since",
        None => "SET #role = :role REMOVE #suspended_at",
    };
    let expression = while_open(update).text(":role", user.role.as_str());
    match user.suspended_at {
        Some(since) => expression.number(":since", since.timestamp_micros()),
        None => expression,
    }
}

/// Returns the step that writes the whole item of the admins, on condition that it has the version before.
fn step(admins: Admins) -> Step {
    let seen = Expression::of_version(admins.version - 1);
    Step::Put(Item::Admins(admins), seen)
}
