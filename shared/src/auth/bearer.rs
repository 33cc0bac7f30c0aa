//! The text of a secret that a client keeps: the user, the id of an item, and 256 random bits. The item contains only
//! the digest of these bits. No code here prints a secret.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{ids::UserId, random::Random};

/// A secret of 256 bits.
#[derive(Clone)]
pub(super) struct Secret([u8; 32]);

impl Secret {
    pub(super) fn new(random: &Random) -> Self {
        Self(random.bytes())
    }

    pub(super) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) const fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns SHA-256 of the secret, in base64url.
    pub(super) fn digest(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.0))
    }
}

/// Reads the user, the id and the secret; `None` if the text is not 64 bytes in base64url.
pub(super) fn parse(text: &str) -> Option<(UserId, Uuid, Secret)> {
    let bytes: [u8; 64] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let (user, rest) = bytes.split_first_chunk::<16>()?;
    let (id, secret) = rest.split_first_chunk::<16>()?;
    let secret = Secret(secret.try_into().ok()?);
    Some((UserId::new(Uuid::from_bytes(*user)), Uuid::from_bytes(*id), secret))
}

/// Returns the text: 64 bytes in base64url.
pub(super) fn encode(user: UserId, id: Uuid, secret: &Secret) -> String {
    URL_SAFE_NO_PAD.encode([&user.uuid().as_bytes()[..], id.as_bytes(), secret.bytes()].concat())
}
