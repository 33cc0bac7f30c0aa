//! The items of login attempts: the tallies that count them, and the devices on which a user has logged in. The delays
//! are decided in `auth`.

use std::{fmt, str::FromStr};

use chrono::{
    DateTime, Utc,
    serde::{ts_microseconds, ts_seconds},
};
use serde::{Deserialize, Serialize};

use crate::{
    ids::{DeviceId, SessionId, UserId, WrongId},
    model::{network::Network, user::Email},
    store::table::parts,
};

/// The source of the attempts that one tally counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptSource {
    /// Logins from unknown devices in one network.
    Network(Network),
    /// Logins from one known device, or confirmations of the password in one session.
    Device(DeviceId),
    /// All logins from unknown devices. This tally counts only failures.
    UnknownDevices,
}

/// The end of the key of [`AttemptSource::UnknownDevices`].
const UNKNOWN: &str = "unknown";

impl AttemptSource {
    /// Returns the source of the confirmations in a session. Ids of sessions and devices are random UUIDs, so they are
    /// never equal.
    #[must_use]
    pub const fn session(session: SessionId) -> Self {
        Self::Device(DeviceId::new(session.uuid()))
    }
}

impl fmt::Display for AttemptSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Device(device) => device.fmt(f),
            Self::UnknownDevices => f.write_str(UNKNOWN),
        }
    }
}

impl FromStr for AttemptSource {
    type Err = WrongId;

    fn from_str(text: &str) -> Result<Self, WrongId> {
        match text.parse() {
            _ if text == UNKNOWN => Ok(Self::UnknownDevices),
            Ok(network) => Ok(Self::Network(network)),
            Err(_) => text.parse().map(Self::Device),
        }
    }
}

/// The attempts that one source made at one email, whether or not the email has an account. A claimed attempt counts as
/// failed until it succeeds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The email in its normal form.
    #[serde(rename = "pk", deserialize_with = "parts::email_pk", skip_serializing)]
    pub email: Email,
    /// The source of the attempts.
    #[serde(rename = "sk", deserialize_with = "parts::tally_sk", skip_serializing)]
    pub source: AttemptSource,
    /// The number of attempts since the last success.
    pub failures: u32,
    /// The time before which this source may not make another attempt, in microseconds. For
    /// [`AttemptSource::UnknownDevices`], the time of the first failure.
    #[serde(with = "ts_microseconds")]
    pub not_before: DateTime<Utc>,
    /// The time at which the attempts are forgotten, in seconds. The item can exist longer, because TTL deletes late.
    #[serde(with = "ts_seconds")]
    pub expires_at: DateTime<Utc>,
}

impl fmt::Debug for Tally {
    /// Hides the email, because logs must not contain it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally")
            .field("source", &self.source)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

/// A device on which a user has logged in.
#[derive(Clone, Serialize, Deserialize)]
pub struct Device {
    /// The user who logged in.
    #[serde(rename = "pk", deserialize_with = "parts::user_pk", skip_serializing)]
    pub user: UserId,
    /// The device's id, unique for its user.
    #[serde(rename = "sk", deserialize_with = "parts::device_sk", skip_serializing)]
    pub id: DeviceId,
    /// SHA-256 of the secret in the device token.
    pub secret: String,
    /// The time at which the device becomes unknown, in seconds. The item can exist longer, because TTL deletes late.
    #[serde(with = "ts_seconds")]
    pub expires_at: DateTime<Utc>,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("user", &self.user).field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_source_is_read_back() {
        let device = AttemptSource::Device(DeviceId::new(Uuid::from_u128(1)));
        let network = |address: &str| AttemptSource::Network(Network::of(address.parse().unwrap()));
        let sources = [device, network("192.0.2.1"), network("2001:db8::1"), AttemptSource::UnknownDevices];
        for source in sources {
            assert_eq!(source.to_string().parse(), Ok(source));
        }
        assert!("somebody".parse::<AttemptSource>().is_err());
    }
}
