//! Browser sessions: what the cookie holds, what of it is stored, and the token against forged requests that follows from
//! it. Nothing here prints a secret.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::{
    ids::{SessionId, UserId},
    random::Random,
};

/// How long a browser stays logged in: as long as Django's sessions do.
pub const BROWSER_LIFETIME: TimeDelta = TimeDelta::days(14);

/// What the token against forged requests is an HMAC of; its key is the session's own secret.
const CSRF_TAG: &[u8] = b"messaging: csrf token, 1";

/// The cookie of a browser session: user, session and a secret of 256 bits.
#[derive(Clone)]
pub struct SessionCookie {
    /// Whose.
    pub user: UserId,
    /// Which session.
    pub session: SessionId,
    secret: [u8; 32],
}

impl std::fmt::Debug for SessionCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionCookie").field("session", &self.session).finish_non_exhaustive()
    }
}

impl SessionCookie {
    /// A cookie with a new secret.
    #[must_use]
    pub fn new(user: UserId, session: SessionId, random: &Random) -> Self {
        Self { user, session, secret: random.bytes() }
    }

    /// Reads the cookie's value.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 64] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (user, rest) = bytes.split_first_chunk::<16>()?;
        let (session, secret) = rest.split_first_chunk::<16>()?;
        Some(Self {
            user: UserId::new(Uuid::from_bytes(*user)),
            session: SessionId::new(Uuid::from_bytes(*session)),
            secret: secret.try_into().ok()?,
        })
    }

    /// The cookie's value.
    #[must_use]
    pub fn encode(&self) -> String {
        let (user, session) = (self.user.uuid(), self.session.uuid());
        URL_SAFE_NO_PAD.encode([&user.as_bytes()[..], session.as_bytes(), &self.secret].concat())
    }

    /// What the session's item holds of the secret: its SHA-256, so that who reads the table cannot log in.
    #[must_use]
    pub fn digest(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.secret))
    }

    /// The token that a page of this session sends along; who cannot read the cookie cannot make it.
    #[must_use]
    pub fn csrf_token(&self) -> String {
        // HMAC takes keys of every length.
        let token = Hmac::<Sha256>::new_from_slice(&self.secret).map(|hmac| {
            let tagged = hmac.chain_update(CSRF_TAG);
            tagged.finalize().into_bytes()
        });
        token.map(|token| URL_SAFE_NO_PAD.encode(token)).unwrap_or_default()
    }
}

/// Whether two secrets are the same, in a time that does not tell how much of them is.
#[must_use]
pub fn same_secret(one: &str, other: &str) -> bool {
    !one.is_empty() && one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie() -> SessionCookie {
        let (user, session) = (UserId::new(Uuid::from_u128(1)), SessionId::new(Uuid::from_u128(2)));
        SessionCookie::new(user, session, &Random::from_seed(1))
    }

    #[test]
    fn a_cookie_is_read_back() {
        let cookie = cookie();
        let text = cookie.encode();
        let read = SessionCookie::parse(&text).unwrap();
        assert_eq!((read.user, read.session, read.digest()), (cookie.user, cookie.session, cookie.digest()));
        for bad in ["", "a", &text[1..], &format!("{text}A"), &format!("{text}="), &"%".repeat(86)] {
            assert!(SessionCookie::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn tokens_are_of_one_secret() {
        let (one, other) =
            (cookie(), SessionCookie::new(cookie().user, cookie().session, &Random::from_seed(2)));
        assert!(same_secret(&one.csrf_token(), &one.clone().csrf_token()));
        assert!(!same_secret(&one.csrf_token(), &other.csrf_token()));
        assert!(!same_secret("", ""));
        assert_ne!(one.digest(), other.digest());
    }

    #[test]
    fn nothing_prints_the_secret() {
        let cookie = cookie();
        let shown = format!("{cookie:?}");
        assert!(!shown.contains("secret") && !shown.contains(&cookie.encode()), "{shown}");
    }
}
