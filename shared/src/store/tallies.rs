//! The tallies of login attempts, and the devices on which users have logged in. The delays are decided in
//! `auth::tallies`.

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError,
    backoff::Backoff,
    items::{AttemptSource, Credential, Device, Item, Tally},
    ops::{ABSENT, Consistency, Expression, PRESENT, Written},
    table::Key,
};
use crate::{
    ids::{DeviceId, UserId},
    model::user::Email,
};

/// The items that decide on an attempt. A field is `None` if the item does not exist or was not requested.
#[derive(Debug, Default)]
pub struct AttemptItems {
    /// The credential of the email.
    pub credential: Option<Credential>,
    /// The requested tallies that exist, also expired ones.
    pub tallies: Vec<Tally>,
    /// The device, also an expired one.
    pub device: Option<Device>,
}

impl AttemptItems {
    /// Takes the tally of a source.
    pub fn take(&mut self, source: &AttemptSource) -> Option<Tally> {
        let position = self.tallies.iter().position(|tally| tally.source == *source)?;
        Some(self.tallies.swap_remove(position))
    }
}

impl Store {
    /// Returns the credential of an email, the tallies of some sources, and a device, strongly consistent and in one
    /// request.
    pub async fn attempt_items(
        &self,
        email: &Email,
        sources: &[AttemptSource],
        device: Option<(UserId, DeviceId)>,
    ) -> Result<AttemptItems, StoreError> {
        let mut keys = vec![Key::credential(email)];
        keys.extend(sources.iter().map(|source| Key::tally(email, source)));
        keys.extend(device.map(|(user, device)| Key::device(user, device)));
        let mut found = AttemptItems::default();
        for item in self.batch_get(keys, Consistency::Strong).await? {
            match item {
                Item::Credential(credential) => found.credential = Some(credential),
                Item::Tally(tally) => found.tallies.push(tally),
                Item::Device(device) => found.device = Some(device),
                _ => {}
            }
        }
        Ok(found)
    }

    /// Changes a tally to what `next` makes of the present one; `None` of `next` changes nothing. `seen` is the tally
    /// as it was read. Between two tries, the request waits.
    ///
    /// Parallel attempts may have read the same tally. The conditions let only one of them continue, so none avoids the
    /// delay. If a put fails after it took effect, its retry is refused by this effect, and the attempt is counted
    /// twice; a success forgets both.
    ///
    /// # Errors
    /// The error of `next`; [`StoreError::Contention`] after [`super::PATIENCE`].
    pub async fn change_tally<E: From<StoreError>>(
        &self,
        seen: Option<Tally>,
        next: impl Fn(Option<&Tally>) -> Result<Option<Tally>, E>,
    ) -> Result<(), E> {
        let mut backoff = Backoff::new(&self.random);
        let mut present = seen;
        while let Some(next) = next(present.as_ref())? {
            match self.put(&Item::Tally(next), unchanged(present.as_ref())).await? {
                Written::Done(_) => return Ok(()),
                Written::Refused(other) => present = other.and_then(Item::into_tally),
            }
            backoff.lose().await?;
        }
        Ok(())
    }

    /// Forgets the attempts of a source after a success, at `now`.
    ///
    /// The tally stays, so that a late try of an attempt that has succeeded finds another tally and is not counted
    /// again. TTL may delete the tally in the meantime; the condition prevents this update from making it anew. A
    /// retry resets the tally again. If this call fails, the attempts are forgotten by the next success or when the
    /// tally expires.
    pub async fn forget_attempts(
        &self,
        email: &Email,
        source: &AttemptSource,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let expression = Expression::update("SET #failures = :none, #not_before = :now", PRESENT)
            .number(":none", 0)
            .number(":now", now.timestamp_micros());
        self.update(Key::tally(email, source), expression).await.map(drop)
    }

    /// Puts a new device. Its id is random, so only tries of the same call write this item, and all of them write the
    /// same. If this call fails, the device may exist, but no client has a token for it.
    pub async fn put_device(&self, device: &Device) -> Result<(), StoreError> {
        self.put(&Item::Device(device.clone()), Expression::default()).await.map(drop)
    }
}

/// Returns a condition that fails if the tally is not `seen` any more. Each attempt changes the number or the time, also
/// after a success.
fn unchanged(seen: Option<&Tally>) -> Expression {
    match seen {
        None => Expression::condition(ABSENT),
        Some(seen) => Expression::condition("#failures = :seen AND #not_before = :before")
            .number(":seen", seen.failures)
            .number(":before", seen.not_before.timestamp_micros()),
    }
}
