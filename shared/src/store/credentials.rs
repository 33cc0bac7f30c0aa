//! Credentials: who has an email, what its password hashes to, and how many attempts have failed.

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError,
    backoff::Backoff,
    items::{Credential, Item},
    ops::{Consistency, Expression, Written},
    table::Key,
    transactions::{Step, Transacted},
};
use crate::{
    ids::SessionId,
    model::user::{Email, Role},
};

/// What a claimed attempt leaves behind unless it succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedAttempts {
    /// Attempts since the last success.
    pub failures: u32,
    /// No attempt before this time.
    pub not_before: DateTime<Utc>,
}

/// A new password for a credential that was read. No `Debug`, which would print the hash.
pub struct PasswordChange<'a> {
    /// As it was read.
    pub credential: &'a Credential,
    /// The new password's hash, in PHC string format.
    pub hash: String,
    /// The one session that goes on.
    pub session: Option<SessionId>,
    /// A new role with it.
    pub role: Option<Role>,
    /// When.
    pub now: DateTime<Utc>,
}

/// What became of a [`PasswordChange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordChanged {
    /// It took effect.
    Done,
    /// The credential or the account is not what was read any more.
    Superseded,
    /// The session that was to go on is over.
    SessionOver,
}

impl Store {
    /// The credential of an email, strongly consistent.
    pub async fn credential(&self, email: &Email) -> Result<Option<Credential>, StoreError> {
        let item = self.get(Key::credential(email), Consistency::Strong).await?;
        Ok(item.and_then(Item::into_credential))
    }

    /// Counts an attempt before its password is looked at: `Ok` with the credential as it is now, or `Err` with what stands
    /// there instead of `seen`.
    ///
    /// The condition lets one of several parallel attempts go on from what they all read, so that none escapes the delay. The
    /// password to compare is the present one, as the credential comes back with the claim. A failure behind the commit makes
    /// the SDK's retry lose against itself: the attempt is then counted twice, and a success sets it right.
    pub async fn claim_attempt(
        &self,
        seen: &Credential,
        failed_attempts: FailedAttempts,
    ) -> Result<Result<Credential, Option<Credential>>, StoreError> {
        let condition = "#failures = :seen AND #not_before = :before";
        let update = "SET #failures = :failures, #not_before = :not_before";
        let expression = Expression::update(update, condition)
            .number(":seen", seen.failures)
            .number(":before", seen.not_before.timestamp_micros())
            .number(":failures", failed_attempts.failures)
            .number(":not_before", failed_attempts.not_before.timestamp_micros());
        Ok(match self.update(Key::credential(&seen.email), expression).await? {
            Written::Done(item) => {
                let claimed = item.and_then(Item::into_credential);
                Ok(claimed.ok_or_else(|| StoreError::corrupt("EMAIL", "another kind of item"))?)
            }
            Written::Refused(standing) => Err(standing.and_then(Item::into_credential)),
        })
    }

    /// Forgets failed attempts after a success, and keeps the password's hash of newer parameters if there is one.
    ///
    /// The condition keeps an old hash from replacing the one of a password that was changed since, or of who has the email
    /// since the account was closed; refused, there is nothing to do. Where this fails, the count stays until the next success.
    pub async fn forget_attempts(
        &self,
        credential: &Credential,
        rehashed: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let condition = "#user = :user AND #version = :version";
        let update = match rehashed {
            Some(_) => "SET #failures = :none, #not_before = :now, #hash = :hash",
            None => "SET #failures = :none, #not_before = :now",
        };
        let mut expression = Expression::update(update, condition)
            .text(":user", credential.user)
            .number(":version", credential.version)
            .number(":none", 0)
            .number(":now", now.timestamp_micros());
        if let Some(hash) = rehashed {
            expression = expression.text(":hash", hash);
        }
        self.update(Key::credential(&credential.email), expression).await.map(drop)
    }

    /// Changes the password: all that knows the old one is over with the version that it carries.
    ///
    /// One transaction, so that credential and profile never differ in their version. A repetition after a failure behind the
    /// commit finds its own hash, which nobody else can make as it is salted.
    pub async fn change_password(&self, change: &PasswordChange<'_>) -> Result<PasswordChanged, StoreError> {
        let mut backoff = Backoff::new(&self.random);
        loop {
            match self.transact(&change.steps()).await? {
                Transacted::Done => return Ok(PasswordChanged::Done),
                Transacted::Refused(reasons) => return Ok(change.refused(&reasons)),
                Transacted::Conflict => backoff.lose().await?,
            }
        }
    }
}

impl PasswordChange<'_> {
    /// The credential's version once it is done.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.credential.version + 1
    }

    fn steps(&self) -> Vec<Step> {
        let user = self.credential.user;
        let versions = |expression: Expression| {
            expression.number(":version", self.credential.version).number(":next", self.version())
        };
        // Two changes at once: the second would end the session that the first has kept.
        let credential = versions(Expression::update(
            "SET #hash = :hash, #version = :next, #failures = :none, #not_before = :now",
            "#user = :user AND #version = :version",
        ))
        .text(":hash", &self.hash)
        .text(":user", user)
        .number(":none", 0)
        .number(":now", self.now.timestamp_micros());
        // An account that is being closed stays closed: closing makes a version, too.
        let open = "#credential_version = :version";
        let profile = versions(match self.role {
            Some(role) => Expression::update("SET #credential_version = :next, #role = :role", open)
                .text(":role", role.as_str()),
            None => Expression::update("SET #credential_version = :next", open),
        });
        let mut steps = vec![
            Step::Update(Key::credential(&self.credential.email), credential),
            Step::Update(Key::user(user), profile),
        ];
        if let Some(session) = self.session {
            // A session that was ended meanwhile is not brought back, nor one that an earlier change has ended.
            let going_on = versions(Expression::update(
                "SET #credential_version = :next",
                "#credential_version = :version",
            ));
            steps.push(Step::Update(Key::session(user, session), going_on));
        }
        steps
    }

    fn refused(&self, reasons: &[Option<Option<Item>>]) -> PasswordChanged {
        match reasons {
            [Some(Some(Item::Credential(standing))), ..] if standing.hash == self.hash => {
                PasswordChanged::Done
            }
            [None, None, Some(_)] => PasswordChanged::SessionOver,
            _ => PasswordChanged::Superseded,
        }
    }
}
