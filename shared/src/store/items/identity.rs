//! Items of who somebody is: profile, credential, sessions, and the keys that verify tokens. What is decided by them is in
//! `auth` and in the functions.

use chrono::{
    DateTime, Utc,
    serde::{ts_microseconds, ts_microseconds_option, ts_seconds},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ids::{SessionId, UserId},
    model::user::{Email, Role},
    store::table::parts,
};

/// A user's profile. A closed account keeps its item, without names, so that its messages keep a sender.
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
    /// Equal to the credential's; sessions of another version are over.
    pub credential_version: u64,
    #[serde(with = "ts_microseconds")]
    pub created_at: DateTime<Utc>,
    #[serde(default, with = "ts_microseconds_option", skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<DateTime<Utc>>,
}

/// What logs in with an email: its existence is what makes the email unique.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credential {
    /// The email, normalised.
    #[serde(rename = "pk", deserialize_with = "parts::credential_pk", skip_serializing)]
    pub email: Email,
    /// Whose it is.
    pub user: UserId,
    /// Argon2id in PHC string format.
    pub hash: String,
    /// Counts changes of the password.
    pub version: u64,
    /// Attempts since the last success.
    pub failures: u32,
    /// No attempt before this time.
    #[serde(with = "ts_microseconds")]
    pub not_before: DateTime<Utc>,
}

impl std::fmt::Debug for Credential {
    /// Neither the hash nor the email belongs into a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("user", &self.user)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// The way in which a session authenticates: by tokens, or by the cookie of a browser. Neither is accepted as the other.
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

/// A device that is logged in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// Whose it is.
    #[serde(rename = "pk", deserialize_with = "parts::user_pk", skip_serializing)]
    pub user: UserId,
    /// Which of the user's.
    #[serde(rename = "sk", deserialize_with = "parts::session_sk", skip_serializing)]
    pub id: SessionId,
    /// How it authenticates.
    pub kind: SessionKind,
    /// SHA-256 of the cookie's secret, where the kind is that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Counts refreshes; the refresh token of this generation is the live one. A cookie's session stays in its first.
    pub generation: u64,
    /// When this generation began.
    #[serde(with = "ts_microseconds")]
    pub rotated_at: DateTime<Utc>,
    /// The credential's version when the session began.
    pub credential_version: u64,
    /// What the device called itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// When the user logged in.
    #[serde(with = "ts_microseconds")]
    pub created_at: DateTime<Utc>,
    /// Over after this time, also where the item still stands (TTL deletes late).
    #[serde(with = "ts_seconds")]
    pub expires_at: DateTime<Utc>,
}

impl Session {
    /// Not expired, nor ended by a password change or by closing the account, which have not come to delete it.
    #[must_use]
    pub fn is_live(&self, user: &User, now: DateTime<Utc>) -> bool {
        self.expires_at > now
            && self.credential_version == user.credential_version
            && user.closed_at.is_none()
    }
}

/// The secret that ids of direct conversations are derived with. It is put once and never changes.
#[derive(Clone, Serialize, Deserialize)]
pub struct PairKeyItem {
    /// 32 random bytes in base64url.
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
    /// JWK thumbprint (RFC 7638).
    #[serde(rename = "sk", deserialize_with = "parts::signing_key_sk", skip_serializing)]
    pub kid: String,
    /// The Ed25519 public key in base64url: the JWK's `x` (RFC 8037).
    pub x: String,
    /// When what it is made of was made: of two keys, the later made one is the other's successor, whichever was
    /// published first. Earlier releases wrote the time of publication, which is as good for the keys of that time.
    #[serde(with = "ts_microseconds", alias = "published_at")]
    pub made_at: DateTime<Utc>,
    /// Verifies until then; set when its successor is there.
    #[serde(default, with = "ts_microseconds_option", skip_serializing_if = "Option::is_none")]
    pub not_after: Option<DateTime<Utc>>,
}
