//! Credentials: the user of an email, and the hash of the password. The hash is made and compared in `auth::password`;
//! attempts are counted in `tallies`.

use super::{
    Store, StoreError,
    items::{Credential, Item, Session},
    ops::{Consistency, Expression},
    sessions::marker,
    table::Key,
    transactions::{Conditions, Settled, Step},
};
use crate::{ids::SessionId, model::user::Email};

/// A new password for a credential that was read. It has no `Debug`, because that would print the hash.
pub struct PasswordChange<'a> {
    /// The credential as it was read.
    pub credential: &'a Credential,
    /// The hash of the new password, in PHC string format.
    pub hash: String,
    /// The session that makes the change, and its successor; `None` ends all sessions.
    pub session: Option<Replacement>,
}

/// A session that ends when a new session begins.
#[derive(Debug)]
pub struct Replacement {
    /// The session that ends.
    pub ended: SessionId,
    /// The new session of the same user, with the credential's version after the change.
    pub begun: Session,
}

/// The reason why a password is not changed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordChangeError {
    /// Another request changed the credential or the account since it was read.
    #[error("the credential was changed by another request")]
    Superseded,
    /// The session that makes the change has ended.
    #[error("the session has ended")]
    SessionOver,
    /// The table did not answer as expected. The change may have taken effect.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Returns the credential of an email, strongly consistent; `None` if the email has none.
    pub async fn credential(&self, email: &Email) -> Result<Option<Credential>, StoreError> {
        let item = self.get(Key::credential(email), Consistency::Strong).await?;
        Ok(item.and_then(Item::into_credential))
    }

    /// Stores the hash of the same password by newer parameters.
    ///
    /// The password may have been changed since, or the account was closed and another user registered the email. Then
    /// the condition fails, and the old hash replaces nothing. A retry stores the same hash. If this call fails, the
    /// next login repeats it.
    pub async fn keep_hash(&self, credential: &Credential, rehashed: &str) -> Result<(), StoreError> {
        let condition = "#user = :user AND #version = :version";
        let expression = Expression::update("SET #hash = :hash", condition)
            .text(":hash", rehashed)
            .text(":user", credential.user)
            .number(":version", credential.version);
        self.update(Key::credential(&credential.email), expression).await.map(drop)
    }

    /// Changes the password. The change gives the credential a new version, which ends every session with an older
    /// version.
    ///
    /// One transaction changes credential and profile, so that their versions never differ, and replaces the session that
    /// makes the change. So the old tokens and the old cookie of this session end with the old password. A retry after a
    /// failure that came after the commit finds its own hash in the credential. No other request can make the same hash,
    /// because the hash is salted.
    pub async fn change_password(&self, change: &PasswordChange<'_>) -> Result<(), PasswordChangeError> {
        match self.settle(&change.steps()).await? {
            Settled::Done => Ok(()),
            Settled::Refused(conditions) => change.refused(&conditions),
        }
    }
}

impl PasswordChange<'_> {
    /// Returns the credential's version after the change.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.credential.version + 1
    }

    fn steps(&self) -> Vec<Step> {
        let user = self.credential.user;
        let versions = |expression: Expression| {
            expression.number(":version", self.credential.version).number(":next", self.version())
        };
        // Two changes may read the same version. The condition refuses the second, which would end the session that the
        // first kept.
        let credential = versions(Expression::update(
            "SET #hash = :hash, #version = :next",
            "#user = :user AND #version = :version",
        ))
        .text(":hash", &self.hash)
        .text(":user", user);
        // Closing the account also sets a new version. So the condition fails for an account that another request
        // closed.
        let open = "#credential_version = :version";
        let profile = versions(Expression::update("SET #credential_version = :next", open));
        let mut steps = vec![
            Step::Update(Key::credential(&self.credential.email), credential),
            Step::Update(Key::user(user), profile),
        ];
        if let Some(Replacement { ended, begun }) = &self.session {
            // Another request or an earlier password change may have ended the session. Then the condition fails, and
            // no session begins.
            let live = Expression::condition("#credential_version = :version")
                .number(":version", self.credential.version);
            steps.push(Step::Put(marker(user, *ended, begun.created_at), live));
            // The id is random, and the conditions of the other steps let the change happen once.
            steps.push(Step::Put(Item::Session(begun.clone()), Expression::default()));
        }
        steps
    }

    /// Returns the meaning of the conditions that failed: an earlier try of this change took effect, or the change is
    /// refused.
    fn refused(&self, conditions: &Conditions) -> Result<(), PasswordChangeError> {
        match conditions.item(0) {
            Some(Item::Credential(present)) if present.hash == self.hash => Ok(()),
            _ if conditions.only_failed(2) => Err(PasswordChangeError::SessionOver),
            _ => Err(PasswordChangeError::Superseded),
        }
    }
}
