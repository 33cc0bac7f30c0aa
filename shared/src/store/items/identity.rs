//! The items of identity: profiles, credentials, sessions, and the keys that verify tokens. The decisions about them
//! are in `auth` and in the functions.

use chrono::{
    DateTime, Utc,
    serde::{ts_microseconds, ts_microseconds_option, ts_seconds},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::user_ids;
use crate::{
    ids::{SessionId, UserId},
    model::user::{Contact, Email, Role},
    store::table::parts,
};

/// The profile of a user. The item of a closed account remains, without names, so that its messages still have a
/// sender.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct User {
    #[serde(rename = "pk", deserialize_with = "parts::user_pk", skip_serializing)]
    pub id: UserId,
    pub email: Option<Email>,
    pub first_name: String,
    pub last_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    pub role: Role,
    /// The consent that others need before they can write to the user; `None` if the user has not chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// Equal to the version of the user's credential. A session with another version has ended.
    pub credential_version: u64,
    #[serde(with = "ts_microseconds")]
    pub created_at: DateTime<Utc>,
    #[serde(default, with = "ts_microseconds_option", skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<DateTime<Utc>>,
    /// The time at which an admin suspended the account; `None` if it is not suspended.
    #[serde(default, with = "ts_microseconds_option", skip_serializing_if = "Option::is_none")]
    pub suspended_at: Option<DateTime<Utc>>,
}

impl User {
    /// Returns true if the account is open and not suspended. Only such a user can log in and send.
    #[must_use]
    pub fn can_act(&self) -> bool {
        self.closed_at.is_none() && self.suspended_at.is_none()
    }

    /// Returns the user's setting, or the one of the user's role.
    #[must_use]
    pub fn contact(&self) -> Contact {
        self.contact.unwrap_or_else(|| Contact::default_of(self.role))
    }
}

/// The admins who can act: open accounts with the role `admin` that are not suspended. There is one such item. Each change
/// of a role or a suspension writes its next version.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Admins {
    /// The ids of the admins, sorted.
    #[serde(with = "user_ids")]
    pub users: Vec<UserId>,
    /// The number of writes of this item.
    pub version: u64,
}

/// The item by which a user logs in with an email. Its key makes the email unique.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credential {
    /// The email in its normal form.
    #[serde(rename = "pk", deserialize_with = "parts::email_pk", skip_serializing)]
    pub email: Email,
    /// The user of the account.
    pub user: UserId,
    /// The Argon2id hash of the password, in PHC string format.
    pub hash: String,
    /// The version of the credential. Each change of the password increments it.
    pub version: u64,
}

/// The marker in the place of the credential of an account that was closed. Without it, a registration that the SDK gave
/// up and that arrives late would make an account that nobody asked for any more.
#[derive(Clone, Serialize, Deserialize)]
pub struct ClosedCredential {
    /// The email in its normal form.
    #[serde(rename = "pk", deserialize_with = "parts::email_pk", skip_serializing)]
    pub email: Email,
    /// The time at which the account was closed, in microseconds. Only a registration that begins later can use the
    /// email.
    #[serde(with = "ts_microseconds")]
    pub closed_at: DateTime<Utc>,
    /// The time at which the marker may be deleted, in seconds: no call is under way for that long.
    #[serde(with = "ts_seconds")]
    pub expires_at: DateTime<Utc>,
}

impl std::fmt::Debug for ClosedCredential {
    /// Hides the email, because logs must not contain it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClosedCredential").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Credential {
    /// Hides the hash and the email, because logs must not contain them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("user", &self.user)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// The kind of a session: `token` for sessions with tokens, or `cookie` for browser sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// By refresh and access tokens.
    Token,
    /// By the cookie of a browser.
    Cookie,
    /// A kind of a later release, which this one does not take.
    #[serde(other)]
    Unknown,
}

/// A session: one login on one device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// The user who is logged in.
    #[serde(rename = "pk", deserialize_with = "parts::user_pk", skip_serializing)]
    pub user: UserId,
    /// The session's id, unique for its user.
    #[serde(rename = "sk", deserialize_with = "parts::session_sk", skip_serializing)]
    pub id: SessionId,
    /// The way in which the session authenticates requests.
    pub kind: SessionKind,
    /// SHA-256 of the cookie's secret; `None` for a session with tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The number of refreshes. Only the refresh token of this generation is valid. A session with a cookie keeps its
    /// first generation.
    pub generation: u64,
    /// The time at which this generation began, in microseconds.
    #[serde(with = "ts_microseconds")]
    pub rotated_at: DateTime<Utc>,
    /// The version of the user's credential. A password change ends every session that has an older version.
    pub credential_version: u64,
    /// The header `User-Agent` of the login, cut and without control characters; `None` if it was blank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The time of the login, in microseconds.
    #[serde(with = "ts_microseconds")]
    pub created_at: DateTime<Utc>,
    /// The time at which the session ends, in seconds. The item can exist longer, because TTL deletes late.
    #[serde(with = "ts_seconds")]
    pub expires_at: DateTime<Utc>,
}

/// The marker in the place of a session that has ended. Without it, a put of the session that the SDK gave up and
/// that arrives late would begin the session again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EndedSession {
    /// The user of the session.
    #[serde(rename = "pk", deserialize_with = "parts::user_pk", skip_serializing)]
    pub user: UserId,
    /// The id of the session.
    #[serde(rename = "sk", deserialize_with = "parts::session_sk", skip_serializing)]
    pub id: SessionId,
    /// The time at which the marker may be deleted, in seconds: no call is under way for that long.
    #[serde(with = "ts_seconds")]
    pub expires_at: DateTime<Utc>,
}

impl Session {
    /// Returns true if the session has not expired and was not ended by a password change, a suspension or the closing of
    /// the account. These may not have replaced its item yet.
    #[must_use]
    pub fn is_live(&self, user: &User, now: DateTime<Utc>) -> bool {
        self.is_current(user, now) && user.can_act()
    }

    /// Returns true if this session has closed the account of `user` and has not ended yet. Then the closing was
    /// interrupted, and its repetition needs the session.
    #[must_use]
    pub fn is_closing(&self, user: &User, now: DateTime<Utc>) -> bool {
        self.is_current(user, now) && user.closed_at.is_some()
    }

    fn is_current(&self, user: &User, now: DateTime<Utc>) -> bool {
        self.expires_at > now && self.credential_version == user.credential_version
    }
}

/// The secret from which the ids of direct conversations are derived. It is put once and never changes.
#[derive(Clone, Serialize, Deserialize)]
pub struct PairKeyItem {
    /// The secret: 32 random bytes in base64url.
    pub secret: String,
}

impl std::fmt::Debug for PairKeyItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PairKeyItem")
    }
}

/// A public key that verifies tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SigningKey {
    /// The key's id: its JWK thumbprint (RFC 7638).
    #[serde(rename = "sk", deserialize_with = "parts::signing_key_sk", skip_serializing)]
    pub kid: String,
    /// The Ed25519 public key in base64url: the JWK's `x` (RFC 8037).
    pub x: String,
    /// The time at which the version of the secret or the seed was made, in microseconds. Of two keys, the later one is
    /// the successor, whichever was published first. Earlier releases wrote the time of publication, which gives the
    /// same order for their keys.
    #[serde(with = "ts_microseconds", alias = "published_at")]
    pub made_at: DateTime<Utc>,
    /// The end of the key's validity. It is set when the successor is published; `None` before.
    #[serde(default, with = "ts_microseconds_option", skip_serializing_if = "Option::is_none")]
    pub not_after: Option<DateTime<Utc>>,
}
