//! Profiles, and the accounts that they and the credentials make up.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError,
    backoff::Backoff,
    items::{Credential, Item, User},
    ops::{ABSENT, Consistency, Expression, PRESENT, Reading, Written},
    table::{Key, Span},
    transactions::{Step, Transacted},
};
use crate::{
    ids::UserId,
    model::user::{Email, Role},
};

/// Of how many of a user's conversations it is asked whether another takes part in them.
const SHARED_AMONG: usize = 300;

/// What to change of a profile; the rest stays.
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct ProfileChange {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// `Some(None)` removes it.
    pub phone_number: Option<Option<String>>,
}

impl ProfileChange {
    /// Whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first_name.is_none() && self.last_name.is_none() && self.phone_number.is_none()
    }
}

/// A user's place in the list of all.
pub type UserPosition = (DateTime<Utc>, UserId);

impl Store {
    /// A profile, strongly consistent: for decisions. Closed accounts have one too.
    pub async fn user(&self, user: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.get(Key::user(user), Consistency::Strong).await?.and_then(Item::into_user))
    }

    /// Those of `users` whose accounts are open, strongly consistent: for deciding who can take part.
    pub async fn open_accounts(
        &self,
        users: impl IntoIterator<Item = UserId>,
    ) -> Result<HashMap<UserId, User>, StoreError> {
        let mut users = self.users_by_id(users).await?;
        users.retain(|_, user| user.closed_at.is_none());
        Ok(users)
    }

    /// Profiles by user, strongly consistent.
    async fn users_by_id(
        &self,
        users: impl IntoIterator<Item = UserId>,
    ) -> Result<HashMap<UserId, User>, StoreError> {
        let mut ids: Vec<UserId> = users.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        let items = self.batch_get(ids.into_iter().map(Key::user).collect(), Consistency::Strong).await?;
        Ok(items.into_iter().filter_map(Item::into_user).map(|user| (user.id, user)).collect())
    }

    /// The open account of an email, strongly consistent.
    pub async fn user_with_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        let Some(credential) = self.credential(email).await? else {
            return Ok(None);
        };
        let user = self.user(credential.user).await?;
        Ok(user.filter(|user| user.closed_at.is_none()))
    }

    /// Everybody, by time of creation, and whether there are more. The index says who (eventually), the table what they are.
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

    /// Whether two users take part in a conversation together: their direct one, or one of the first 300 of `user`'s.
    pub async fn share_a_conversation(&self, user: UserId, other: UserId) -> Result<bool, StoreError> {
        let direct = self.direct_id([user, other]).await?;
        let pair = vec![Key::member(direct, user), Key::member(direct, other)];
        if self.batch_get(pair, Consistency::Strong).await?.len() == 2 {
            return Ok(true);
        }
        let reading =
            Reading { descending: false, limit: Some(SHARED_AMONG), consistency: Consistency::Strong };
        let page = self.query_whole(Span::inbox(user, None), reading).await?;
        let memberships = page.items.into_iter().filter_map(|item| match item {
            Item::Inbox(entry) => Some(Key::member(entry.conversation, other)),
            _ => None,
        });
        let found = self.batch_get(memberships.collect(), Consistency::Strong).await?;
        Ok(!found.is_empty())
    }

    /// Makes an account; `false` where the email has one.
    ///
    /// Both items or none: of parallel registrations of one email the conditions let one take effect. A repetition after a
    /// failure behind the commit finds a credential of this very user, whose id is random, and is a success.
    pub async fn create_account(&self, user: &User, credential: &Credential) -> Result<bool, StoreError> {
        let steps = [
            Step::Put(Item::Credential(credential.clone()), Expression::condition(ABSENT)),
            Step::Put(Item::User(user.clone()), Expression::condition(ABSENT)),
        ];
        let mut backoff = Backoff::new(&self.random);
        loop {
            match self.transact(&steps).await? {
                Transacted::Done => return Ok(true),
                Transacted::Refused(reasons) => {
                    let own = matches!(reasons.first(),
                        Some(Some(Some(Item::Credential(standing)))) if standing.user == user.id);
                    return Ok(own);
                }
                Transacted::Conflict => backoff.lose().await?,
            }
        }
    }

    /// Changes names and phone number; `None` where there is no open account.
    ///
    /// The condition closes the race with closing the account, whose names must not come back. A repetition sets the same.
    pub async fn change_profile(
        &self,
        user: UserId,
        change: ProfileChange,
    ) -> Result<Option<User>, StoreError> {
        let fields = [
            ("first_name", change.first_name.map(Some)),
            ("last_name", change.last_name.map(Some)),
            ("phone_number", change.phone_number),
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

    /// Gives a role; `None` where there is no open account. A repetition sets the same.
    pub async fn set_role(&self, user: UserId, role: Role) -> Result<Option<User>, StoreError> {
        let expression = while_open("SET #role = :role").text(":role", role.as_str());
        self.update_account(user, expression).await
    }

    async fn update_account(&self, user: UserId, expression: Expression) -> Result<Option<User>, StoreError> {
        match self.update(Key::user(user), expression).await? {
            Written::Done(item) => Ok(item.and_then(Item::into_user)),
            Written::Refused(_) => Ok(None),
        }
    }

    /// Closes an account as it was read: nobody logs in with it any more, and its messages keep a sender without a name.
    ///
    /// Profile and credential go together, so that no credential outlives its account. The version in the condition closes the
    /// race with a password change, which is read again. A repetition finds the account closed, which is what was wanted.
    pub async fn close_account(&self, user: User, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut backoff = Backoff::new(&self.random);
        let mut user = user;
        while user.closed_at.is_none() {
            if let Transacted::Done = self.transact(&closing(&user, now)).await? {
                return Ok(());
            }
            backoff.lose().await?;
            match self.user(user.id).await? {
                Some(present) => user = present,
                None => return Ok(()),
            }
        }
        Ok(())
    }
}

/// An update of a profile that neither creates one nor changes a closed account's.
fn while_open(update: &str) -> Expression {
    Expression::update(update, &format!("{PRESENT} AND attribute_not_exists(#closed_at)"))
}

fn closing(user: &User, now: DateTime<Utc>) -> Vec<Step> {
    // The next version, which keeps a change of the password or another closing that comes late from taking effect. The role
    // goes too, so that a token of the last quarter of an hour finds no admin behind it.
    let profile = Expression::update(
        "SET #first_name = :first_name, #last_name = :last_name, #role = :role, #closed_at = :now, \
         #credential_version = :next REMOVE #email, #phone_number",
        "#credential_version = :version",
    )
    .text(":first_name", "Deleted")
    .text(":last_name", "user")
    .text(":role", Role::Guest.as_str())
    .number(":now", now.timestamp_micros())
    .number(":version", user.credential_version)
    .number(":next", user.credential_version + 1);
    let mut steps = vec![Step::Update(Key::user(user.id), profile)];
    if let Some(email) = &user.email {
        // Never the credential of somebody else.
        let own = Expression::condition("attribute_not_exists(#pk) OR #user = :user").text(":user", user.id);
        steps.push(Step::Delete(Key::credential(email), own));
    }
    steps
}
