//! Attempts at a password. Each attempt is counted in the tally of its source before the password is compared, so that
//! parallel guesses cannot all start from zero. Failed attempts delay further ones of the same source, see
//! `tallies`. An email without an account has tallies too: it costs the same time and gets the same
//! answers.

use std::{fmt::Display, net::IpAddr};

use chrono::TimeDelta;

use super::{
    AuthError, DeviceToken,
    device::is_fresh,
    password::{NOBODYS_HASH, Password},
    tallies::{Pace, with_attempt, with_failure},
};
use crate::{
    App,
    events::{self, Event},
    ids::SessionId,
    model::{network::Network, user::Email},
    store::items::{AttemptSource, Credential, Tally},
};

/// A request to log in.
#[derive(Debug, Clone)]
pub struct LoginAttempt<'a> {
    /// The email of the account.
    pub email: &'a Email,
    /// The typed password.
    pub password: &'a Password,
    /// The address of the client.
    pub client: IpAddr,
    /// The token that the client received at an earlier login.
    pub device: Option<DeviceToken>,
}

/// A login with the right password. Its attempt is still counted: the caller takes it back with
/// `Store::forget_attempts`.
#[derive(Debug)]
pub struct Proof {
    /// The credential of the email.
    pub credential: Credential,
    /// The source whose tally counts the attempt.
    pub source: AttemptSource,
    /// The token of the device, if the device is known and its token stays valid long enough.
    pub device: Option<DeviceToken>,
}

/// The state before an attempt.
#[derive(Debug)]
struct Standing {
    credential: Option<Credential>,
    source: AttemptSource,
    pace: Pace,
    tally: Option<Tally>,
    /// The device, if it is known.
    device: Option<DeviceToken>,
    /// The failures from unknown devices, if the device is unknown.
    unknown: Option<Tally>,
}

/// Returns the proof that `password` is the password of the email; `None` if it is not. The attempt is counted in any
/// case.
pub async fn log_in(app: &App, attempt: &LoginAttempt<'_>) -> Result<Option<Proof>, AuthError> {
    let standing = standing(app, attempt).await?;
    let (email, source) = (attempt.email, standing.source);
    claim(app, (email, source), standing.pace, standing.tally).await?;
    let is_right = is_right(app, standing.credential.as_ref(), attempt.password).await?;
    let target = standing.credential.as_ref().map(|credential| credential.user);
    if let Some(credential) = standing.credential.filter(|_| is_right) {
        return Ok(Some(Proof { credential, source, device: standing.device }));
    }
    let target = target.as_ref().map(|user| user as &dyn Display);
    events::report(Event::LoginFailed, None, target, Some(attempt.client));
    if let AttemptSource::Network(_) = source {
        count_failure(app, email, standing.unknown).await?;
    }
    Ok(None)
}

/// Returns the credential of `email` if `password` is its password; `None` otherwise. The user of the session confirms
/// the password, so the attempt is counted in the session's own tally, and other people's attempts never delay it. A
/// success takes the attempt back.
pub async fn confirm(
    app: &App,
    session: SessionId,
    email: &Email,
    password: &Password,
) -> Result<Option<Credential>, AuthError> {
    let source = AttemptSource::session(session);
    let mut items = app.store.attempt_items(email, &[source], None).await?;
    let tally = items.take(&source);
    claim(app, (email, source), Pace::Usual, tally).await?;
    let is_right = is_right(app, items.credential.as_ref(), password).await?;
    if is_right {
        app.store.forget_attempts(email, &source, app.clock.now()).await?;
    }
    Ok(items.credential.filter(|_| is_right))
}

/// Reads what decides on an attempt: one request, or two if the client sends a token that is not of a known device. The
/// requests do not depend on the existence of an account.
async fn standing(app: &App, attempt: &LoginAttempt<'_>) -> Result<Standing, AuthError> {
    if let Some(token) = &attempt.device
        && let Some(standing) = known_device(app, attempt.email, token).await?
    {
        return Ok(standing);
    }
    let source = AttemptSource::Network(Network::of(attempt.client));
    let sources = [source, AttemptSource::UnknownDevices];
    let mut items = app.store.attempt_items(attempt.email, &sources, None).await?;
    let unknown = items.take(&AttemptSource::UnknownDevices);
    let pace = Pace::of_unknown_devices(unknown.as_ref(), app.clock.now());
    let tally = items.take(&source);
    Ok(Standing { credential: items.credential, source, pace, tally, device: None, unknown })
}

/// Returns the state before an attempt on a known device; `None` if the token is not of one.
async fn known_device(app: &App, email: &Email, token: &DeviceToken) -> Result<Option<Standing>, AuthError> {
    let source = AttemptSource::Device(token.device);
    let mut items = app.store.attempt_items(email, &[source], Some((token.user, token.device))).await?;
    let now = app.clock.now();
    if !token.is_known(items.device.as_ref(), items.credential.as_ref(), now) {
        return Ok(None);
    }
    let stays = items.device.as_ref().is_some_and(|device| is_fresh(device, now));
    let (tally, device) = (items.take(&source), stays.then(|| token.clone()));
    let credential = items.credential;
    Ok(Some(Standing { credential, source, pace: Pace::Usual, tally, device, unknown: None }))
}

/// Counts an attempt, or fails with the time that it has to wait.
async fn claim(
    app: &App,
    (email, source): (&Email, AttemptSource),
    pace: Pace,
    seen: Option<Tally>,
) -> Result<(), AuthError> {
    let next = |present: Option<&Tally>| {
        with_attempt((email, source), present, pace, app.clock.now()).map(Some).map_err(throttled)
    };
    app.store.change_tally(seen, next).await
}

/// Counts a failure from an unknown device. It is counted after the password was compared, so that the attempts of an
/// attacker never compete with a right password for this tally.
async fn count_failure(app: &App, email: &Email, seen: Option<Tally>) -> Result<(), AuthError> {
    let next = |present: Option<&Tally>| Ok(with_failure(email, present, app.clock.now()));
    app.store.change_tally(seen, next).await
}

async fn is_right(
    app: &App,
    credential: Option<&Credential>,
    password: &Password,
) -> Result<bool, AuthError> {
    let hash = credential.map_or(NOBODYS_HASH, |credential| &credential.hash);
    password.matches(hash, app.hashing).await
}

fn throttled(wait: TimeDelta) -> AuthError {
    let milliseconds = u64::try_from(wait.num_milliseconds()).unwrap_or_default();
    AuthError::Throttled { retry_after: milliseconds.div_ceil(1000).max(1) }
}
