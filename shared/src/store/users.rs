//! Profiles, and accounts. An account consists of a profile and a credential.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError,
    backoff::Backoff,
    items::{Blocks, ClosedCredential, Credential, InboxEntry, Item, Member, User},
    ops::{ABSENT, Consistency, Expression, PRESENT, Reading},
    sessions::MARKED,
    standing::StandingError,
    table::{Key, Span},
    transactions::{Settled, Step, Transacted},
};
use crate::{
    ids::{SessionId, UserId},
    model::user::{Contact, Email, Role},
};

/// The maximum number of one user's conversations in which the other user's membership is looked up.
const SHARED_AMONG: usize = 300;

/// A change of a profile. A field that is `None` stays as it is.
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct ProfileChange {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// The phone number. `Some(None)` removes it.
    pub phone_number: Option<Option<String>>,
    pub contact: Option<Contact>,
}

impl ProfileChange {
    /// Returns true if the change changes no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first_name.is_none()
            && self.last_name.is_none()
            && self.phone_number.is_none()
            && self.contact.is_none()
    }
}

/// The position of a user in the list of all users: the time of creation, then the id.
pub type UserPosition = (DateTime<Utc>, UserId);

/// The users whom a request adds to a conversation.
#[derive(Debug)]
pub struct Candidates {
    /// The profiles of those with an open account.
    pub open: HashMap<UserId, User>,
    /// Those who have blocked the user who makes the request.
    pub blocking: Vec<UserId>,
}

impl Store {
    /// Returns a profile, strongly consistent, for decisions; `None` if it does not exist. Closed accounts have a
    /// profile too.
    pub async fn user(&self, user: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.get(Key::user(user), Consistency::Strong).await?.and_then(Item::into_user))
    }

    /// Returns the profiles of the open accounts among `users`, strongly consistent. Only these users can become
    /// participants.
    pub async fn open_accounts(
        &self,
        users: impl IntoIterator<Item = UserId>,
    ) -> Result<HashMap<UserId, User>, StoreError> {
        let mut users = self.users_by_id(users).await?;
        users.retain(|_, user| user.closed_at.is_none());
        Ok(users)
    }

    /// Returns the profiles of the open accounts among `users`, and those of `users` who have blocked `actor`. Strongly
    /// consistent, in the same requests.
    pub async fn candidates(&self, actor: UserId, users: &[UserId]) -> Result<Candidates, StoreError> {
        let others = users.iter().filter(|user| **user != actor).map(|user| Key::blocks(*user));
        let keys = users.iter().map(|user| Key::user(*user)).chain(others).collect();
        let (users, blocks) = self.get_all_of_two::<User, Blocks>(keys, Consistency::Strong).await?;
        let open = users.into_iter().filter(|user| user.closed_at.is_none());
        let blocking = blocks.into_iter().filter(|blocks| blocks.blocked.contains_key(&actor));
        Ok(Candidates {
            open: open.map(|user| (user.id, user)).collect(),
            blocking: blocking.map(|blocks| blocks.user).collect(),
        })
    }

    /// Returns the profiles of `users` by id, strongly consistent. Users without a profile are left out.
    async fn users_by_id(
        &self,
        users: impl IntoIterator<Item = UserId>,
    ) -> Result<HashMap<UserId, User>, StoreError> {
        let mut ids: Vec<UserId> = users.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        let users: Vec<User> = self.get_all(ids.into_iter().map(Key::user).collect()).await?;
        Ok(users.into_iter().map(|user| (user.id, user)).collect())
    }

    /// Returns the profile of the open account of an email, strongly consistent; `None` if there is no such account.
    pub async fn user_with_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        let Some(credential) = self.credential(email).await? else {
            return Ok(None);
        };
        let user = self.user(credential.user).await?;
        Ok(user.filter(|user| user.closed_at.is_none()))
    }

    /// Returns a page of all users by time of creation, and true if more follow. The ids come from the index, which may
    /// be stale; the profiles come from the table.
    pub async fn users_after(
        &self,
        position: Option<UserPosition>,
        limit: usize,
    ) -> Result<(Vec<User>, bool), StoreError> {
        let reading = Reading { descending: false, limit: Some(limit), consistency: Consistency::Eventual };
        let (entries, more) = self.query_whole_raw(&Span::users(position), reading).await?;
        let ids: Vec<UserId> = entries.iter().filter_map(|entry| Key::of(entry)?.profile_user()).collect();
        let mut users = self.users_by_id(ids.iter().copied()).await?;
        Ok((ids.iter().filter_map(|id| users.remove(id)).collect(), more))
    }

    /// Returns true if both users have accepted one conversation: their direct conversation, or one of the first 300
    /// conversations of `user`. Strongly consistent; at most nine requests, which read at most 302 memberships of `other`
    /// and of `user` each.
    pub async fn share_a_conversation(&self, user: UserId, other: UserId) -> Result<bool, StoreError> {
        let direct = self.direct_id([user, other]).await?;
        let pair = self.members(direct, &[user, other]).await?;
        if pair.len() == 2 && pair.iter().all(Member::is_accepted) {
            return Ok(true);
        }
        let reading =
            Reading { descending: false, limit: Some(SHARED_AMONG), consistency: Consistency::Strong };
        let (entries, _) = self.query_kind::<InboxEntry>(Span::inbox(user, None), reading).await?;
        let conversations: Vec<_> = entries.iter().map(|entry| entry.conversation).collect();
        let theirs = self.memberships(other, &conversations).await?;
        let shared: Vec<_> =
            theirs.iter().filter(|member| member.is_accepted()).map(|member| member.conversation).collect();
        Ok(self.memberships(user, &shared).await?.iter().any(Member::is_accepted))
    }

    /// Creates an account. Returns false if the email already has one.
    ///
    /// One transaction puts both items or none. Other requests may register the same email at the same time; the
    /// conditions let one of them take effect. A retry after a failure that came after the commit finds a credential
    /// with its own user id, which is random. Then the answer is true. A try that arrives after the account of this email
    /// was closed finds the marker of the closing, and does nothing.
    pub async fn create_account(&self, user: &User, credential: &Credential) -> Result<bool, StoreError> {
        let steps = [
            Step::Put(Item::Credential(credential.clone()), free(user.created_at)),
            Step::Put(Item::User(user.clone()), Expression::condition(ABSENT)),
        ];
        Ok(match self.settle(&steps).await? {
            Settled::Done => true,
            Settled::Refused(conditions) => {
                matches!(conditions.item(0), Some(Item::Credential(present)) if present.user == user.id)
            }
        })
    }

    /// Changes names and phone number. Returns the profile as it is now; `None` if the user has no open account.
    ///
    /// Another request may close the account at the same time. Then the condition fails, so that the names do not come
    /// back.
    pub async fn change_profile(
        &self,
        user: UserId,
        change: ProfileChange,
    ) -> Result<Option<User>, StoreError> {
        let fields = [
            ("first_name", change.first_name.map(Some)),
            ("last_name", change.last_name.map(Some)),
            ("phone_number", change.phone_number),
            ("contact", change.contact.map(|contact| Some(contact.as_str().to_owned()))),
        ];
        let (mut set, mut remove, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for (name, value) in fields {
            match value {
                Some(Some(text)) => {
                    set.push(format!("#{name} = :{name}"));
                    values.push((format!(":{name}"), text));
                }
                Some(None) => remove.push(format!("#{name}")),
                None => {}
            }
        }
        let clauses = [("SET", set), ("REMOVE", remove)];
        let update: Vec<String> = clauses
            .iter()
            .filter(|(_, parts)| !parts.is_empty())
            .map(|(verb, parts)| format!("{verb} {}", parts.join(", ")))
            .collect();
        let expression = values
            .into_iter()
            .fold(while_open(&update.join(" ")), |expression, (name, text)| expression.text(&name, text));
        self.update_account(user, expression).await
    }

    /// Changes a profile. A single update would do, but a late try of it would overwrite a later change. A transaction has
    /// a token, by which DynamoDB recognises its own tries for ten minutes.
    async fn update_account(&self, user: UserId, expression: Expression) -> Result<Option<User>, StoreError> {
        match self.settle(&[Step::Update(Key::user(user), expression)]).await? {
            Settled::Done => self.user(user).await,
            Settled::Refused(_) => Ok(None),
        }
    }

    /// Closes an account: nobody can log in with it any more, and its messages keep a sender without a name.
    /// Only `session` has the credential version after that. All other sessions are older.
    ///
    /// One transaction changes the profile and the session, and replaces the credential by a marker, so that no credential
    /// outlives its account. It also takes an admin out of the item of the admins. Another request may change the password
    /// or end the session since they were read. Then a condition fails, and the account stays open. If another request
    /// changes the role or the admins, the profile is read again. A retry finds the account closed and has nothing to do;
    /// then the answer is false.
    pub async fn close_account(
        &self,
        user: User,
        session: SessionId,
        now: DateTime<Utc>,
    ) -> Result<bool, ClosingError> {
        let mut backoff = Backoff::new(&self.random);
        let version = user.credential_version;
        let mut user = user;
        while user.closed_at.is_none() {
            let mut steps = closing(&user, session, now);
            steps.extend(self.step_without_admin(&user).await?);
            match self.transact(&steps).await? {
                Transacted::Done => return Ok(true),
                Transacted::Refused(conditions) if conditions.only_failed(SESSION) => {
                    return Err(ClosingError::SessionOver);
                }
                Transacted::Refused(_) | Transacted::Conflict => backoff.lose().await?,
            }
            let present = self.user(user.id).await?;
            // A new version of an open account is a new password, which has ended the session.
            let present =
                present.filter(|user| user.closed_at.is_some() || user.credential_version == version);
            user = present.ok_or(ClosingError::SessionOver)?;
        }
        Ok(false)
    }
}

/// The reason why an account is not closed.
#[derive(Debug, thiserror::Error)]
pub enum ClosingError {
    /// The session has ended, or another session changed the password, which ends it.
    #[error("the session has ended")]
    SessionOver,
    /// No admin would be left, or the table did not answer as expected. Then the account may be closed.
    #[error(transparent)]
    Standing(#[from] StandingError),
}

impl From<StoreError> for ClosingError {
    fn from(error: StoreError) -> Self {
        Self::Standing(error.into())
    }
}

/// Returns an update of a profile that neither creates a profile nor changes a closed account.
pub(super) fn while_open(update: &str) -> Expression {
    Expression::update(update, &format!("{PRESENT} AND attribute_not_exists(#closed_at)"))
}

/// Returns the condition that no account has the email, or that its account was closed before a registration began at
/// `now`.
fn free(now: DateTime<Utc>) -> Expression {
    Expression::condition("attribute_not_exists(#pk) OR #closed_at <= :now")
        .number(":now", now.timestamp_micros())
}

/// The step of [`closing`] that changes the session.
const SESSION: usize = 1;

fn closing(user: &User, session: SessionId, now: DateTime<Utc>) -> Vec<Step> {
    let versions = |expression: Expression| {
        expression.number(":version", user.credential_version).number(":next", user.credential_version + 1)
    };
    // The next version makes a late password change and a late second closing fail. The role is reset, so that a
    // request that is under way does not act for an admin.
    let profile = Expression::update(
        "SET #first_name = :first_name, #last_name = :last_name, #role = :role, #closed_at = :now, \
         #credential_version = :next REMOVE #email, #phone_number",
        "#credential_version = :version AND #role = :seen",
    )
    .text(":seen", user.role.as_str())
    .text(":first_name", "Deleted")
    .text(":last_name", "user")
    .text(":role", Role::Guest.as_str())
    .number(":now", now.timestamp_micros());
    // Only this session gets the next version: a repetition of the request needs it until all others have ended. Another
    // request may have ended it. Then the condition fails, and the session is not recreated.
    let going_on =
        versions(Expression::update("SET #credential_version = :next", "#credential_version = :version"));
    let mut steps = vec![
        Step::Update(Key::user(user.id), versions(profile)),
        Step::Update(Key::session(user.id, session), going_on),
    ];
    if let Some(email) = &user.email {
        // Another user may own the credential of this email. Then the condition fails instead of replacing it.
        let own = Expression::condition("attribute_not_exists(#pk) OR #user = :user").text(":user", user.id);
        let (email, expires_at) = (email.clone(), now + MARKED);
        let marker = Item::ClosedCredential(ClosedCredential { email, closed_at: now, expires_at });
        steps.push(Step::Put(marker, own));
    }
    steps
}
