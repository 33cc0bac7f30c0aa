//! Known devices: the token that a client keeps from one login to the next. It proves that its owner has logged in on
//! this device before, and gives the device its own tally of attempts. It does not log in.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    bearer::{self, Secret},
    browser::same_secret,
};
use crate::{
    ids::{DeviceId, UserId},
    random::Random,
    store::items::{Credential, Device},
};

/// The time after which a device becomes unknown, from the login that gave it its token.
pub const DEVICE_LIFETIME: TimeDelta = TimeDelta::days(180);

/// The minimum time that a token is still valid after a login. A login with an older token gives the device a new one.
const KEPT_FOR: TimeDelta = TimeDelta::days(90);

/// The token of a known device: the user, the device and a secret of 256 bits.
#[derive(Clone)]
pub struct DeviceToken {
    /// The user who has logged in on the device.
    pub user: UserId,
    /// The id of the device.
    pub device: DeviceId,
    secret: Secret,
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceToken").field("device", &self.device).finish_non_exhaustive()
    }
}

impl DeviceToken {
    /// Creates the token of a new device.
    #[must_use]
    pub fn new(user: UserId, random: &Random) -> Self {
        Self { user, device: DeviceId::new(random.uuid()), secret: Secret::new(random) }
    }

    /// Reads a token; `None` if it is not 64 bytes in base64url.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (user, device, secret) = bearer::parse(text)?;
        Some(Self { user, device: DeviceId::new(device), secret })
    }

    /// Returns the text of the token: 64 bytes in base64url.
    #[must_use]
    pub fn encode(&self) -> String {
        bearer::encode(self.user, self.device.uuid(), &self.secret)
    }

    /// Returns the item of the device, which contains only the digest of the secret.
    #[must_use]
    pub fn item(&self, now: DateTime<Utc>) -> Device {
        Device {
            user: self.user,
            id: self.device,
            secret: self.secret.digest(),
            expires_at: now + DEVICE_LIFETIME,
        }
    }

    /// Returns true if `device` is the item of this token, has not expired, and belongs to the user of `credential`.
    pub(super) fn is_known(
        &self,
        device: Option<&Device>,
        credential: Option<&Credential>,
        now: DateTime<Utc>,
    ) -> bool {
        device.is_some_and(|device| {
            same_secret(&device.secret, &self.secret.digest())
                && device.expires_at > now
                && credential.is_some_and(|credential| credential.user == device.user)
        })
    }
}

/// Returns true if the token of a device stays valid long enough after a login at `now`.
pub(super) fn is_fresh(device: &Device, now: DateTime<Utc>) -> bool {
    device.expires_at - now >= KEPT_FOR
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::user::Email;

    #[test]
    fn a_device_is_known_to_its_user_by_its_secret_until_it_expires() {
        let (user, now) =
            (UserId::new(Uuid::from_u128(1)), DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let token = DeviceToken::new(user, &Random::from_seed(1));
        let credential = |user| Credential {
            email: Email::parse("ann@example.com").unwrap(),
            user,
            hash: String::new(),
            version: 1,
        };
        let (own, item) = (credential(user), token.item(now));
        let read = DeviceToken::parse(&token.encode()).unwrap();
        assert!(read.is_known(Some(&item), Some(&own), now));
        assert!(!read.is_known(Some(&item), Some(&own), now + DEVICE_LIFETIME));
        assert!(!read.is_known(Some(&item), None, now));
        assert!(!read.is_known(Some(&item), Some(&credential(UserId::new(Uuid::from_u128(2)))), now));
        assert!(!read.is_known(None, Some(&own), now));
        let other = DeviceToken { device: token.device, ..DeviceToken::new(user, &Random::from_seed(2)) };
        assert!(!other.is_known(Some(&item), Some(&own), now));
        assert!(is_fresh(&item, now + KEPT_FOR) && !is_fresh(&item, now + KEPT_FOR + TimeDelta::seconds(1)));
    }

    #[test]
    fn nothing_prints_the_secret() {
        let token = DeviceToken::new(UserId::new(Uuid::from_u128(1)), &Random::from_seed(1));
        let shown = format!("{token:?}");
        assert!(!shown.contains("secret") && !shown.contains(&token.encode()), "{shown}");
        assert!(DeviceToken::parse("").is_none() && DeviceToken::parse(&token.encode()[1..]).is_none());
    }
}
