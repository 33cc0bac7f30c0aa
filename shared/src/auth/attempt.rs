//! Login attempts. Each attempt is counted before the password is compared, so that parallel guesses cannot all start
//! from zero. Failed attempts delay further ones. An email without an account costs the same time and gets the same
//! answers.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{
    AuthError,
    password::{NOBODYS_HASH, Password},
};
use crate::{
    App,
    ids::UserId,
    model::user::Email,
    store::{AttemptError, FailedAttempts, items::Credential},
};

/// The maximum number of claims for one attempt that loses to parallel attempts. By then, those attempts have started a
/// delay.
const CLAIMS: usize = 8;

/// Returns the credential of `email` if `password` is its password; `None` otherwise. The attempt is counted in any
/// case. After a success, the caller resets the count with `Store::forget_attempts`.
pub async fn prove(app: &App, email: &Email, password: &Password) -> Result<Option<Credential>, AuthError> {
    let found = app.store.credential(email).await?;
    let claimed = claim(app, email, found).await?;
    let hash = claimed.as_ref().map_or(NOBODYS_HASH, |credential| &credential.hash);
    let right = password.matches(hash, app.hashing).await?;
    Ok(claimed.filter(|_| right))
}

/// Counts an attempt. Returns the credential as it is after that; `None` if the email has no account.
async fn claim(
    app: &App,
    email: &Email,
    mut found: Option<Credential>,
) -> Result<Option<Credential>, AuthError> {
    for _ in 0..CLAIMS {
        let now = app.clock.now();
        let Some(seen) = found else {
            return claim_nobodys(app, email, now).await.map(|()| None);
        };
        let failed_attempts = FailedAttempts { failures: seen.failures, not_before: seen.not_before };
        let next = failed_attempts.next(now).map_err(throttled)?;
        match app.store.claim_attempt(&seen, next).await {
            Ok(claimed) => return Ok(Some(claimed)),
            Err(AttemptError::Superseded(present)) => found = present.map(|present| *present),
            Err(AttemptError::Store(error)) => return Err(error.into()),
        }
    }
    Err(throttled(TimeDelta::seconds(1)))
}

/// Counts an attempt with an email that has no account. It makes the same call to the table, which finds nothing to
/// change.
async fn claim_nobodys(app: &App, email: &Email, now: DateTime<Utc>) -> Result<(), AuthError> {
    let failed_attempts = app.guesses.claim(email, now).map_err(throttled)?;
    let nobody = Credential {
        email: email.clone(),
        user: UserId::new(Uuid::nil()),
        hash: NOBODYS_HASH.to_owned(),
        version: u64::MAX,
        failures: failed_attempts.failures,
        not_before: failed_attempts.not_before,
    };
    match app.store.claim_attempt(&nobody, failed_attempts).await {
        // Another request may have registered the email meanwhile. This attempt does not count for the new account.
        Ok(_) | Err(AttemptError::Superseded(_)) => Ok(()),
        Err(AttemptError::Store(error)) => Err(error.into()),
    }
}

fn throttled(wait: TimeDelta) -> AuthError {
    let milliseconds = u64::try_from(wait.num_milliseconds()).unwrap_or_default();
    AuthError::Throttled { retry_after: milliseconds.div_ceil(1000).max(1) }
}
