//! Browser sessions: the contents of the cookie, the digest that is stored, and the CSRF token that is derived from the
//! cookie's secret. No code here prints a secret.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::bearer::{self, Secret};
use crate::{
    ids::{SessionId, UserId},
    random::Random,
};

/// The lifetime of a browser session, the default of Django's sessions.
pub const BROWSER_LIFETIME: TimeDelta = TimeDelta::days(14);

/// The text whose HMAC is the CSRF token. The HMAC's key is the secret of the session.
const CSRF_TAG: &[u8] = b"messaging: csrf token, 1";

/// The cookie of a browser session: the user, the session and a secret of 256 bits.
#[derive(Clone)]
pub struct SessionCookie {
    /// The user of the session.
    pub user: UserId,
    /// The id of the session.
    pub session: SessionId,
    secret: Secret,
}

impl std::fmt::Debug for SessionCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionCookie").field("session", &self.session).finish_non_exhaustive()
    }
}

impl SessionCookie {
    /// Creates a cookie with a new secret.
    #[must_use]
    pub fn new(user: UserId, session: SessionId, random: &Random) -> Self {
        Self { user, session, secret: Secret::new(random) }
    }

    /// Reads the value of a cookie; `None` if it is not 64 bytes in base64url.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (user, session, secret) = bearer::parse(text)?;
        Some(Self { user, session: SessionId::new(session), secret })
    }

    /// Returns the value of the cookie: 64 bytes in base64url.
    #[must_use]
    pub fn encode(&self) -> String {
        bearer::encode(self.user, self.session.uuid(), &self.secret)
    }

    /// Returns SHA-256 of the secret, in base64url. The session's item contains only this digest, so a reader of the
    /// table cannot log in.
    #[must_use]
    pub fn digest(&self) -> String {
        self.secret.digest()
    }

    /// Returns the CSRF token that the pages of this session send with each form. It cannot be made without reading the
    /// cookie.
    #[must_use]
    pub fn csrf_token(&self) -> String {
        // HMAC accepts keys of every length, so this never fails.
        let token = Hmac::<Sha256>::new_from_slice(self.secret.bytes()).map(|hmac| {
            let tagged = hmac.chain_update(CSRF_TAG);
            tagged.finalize().into_bytes()
        });
        token.map(|token| URL_SAFE_NO_PAD.encode(token)).unwrap_or_default()
    }
}

/// Returns true if two secrets are equal and not empty. The time of the comparison does not show how many bytes are
/// equal.
#[must_use]
pub fn same_secret(one: &str, other: &str) -> bool {
    !one.is_empty() && one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

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
