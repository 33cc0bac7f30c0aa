//! Passwords: which ones are accepted, and how they are hashed (Argon2id) and compared. Nothing here prints one, and
//! nothing else hashes one.

use std::fmt;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{self, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use serde::Deserialize;
use tokio::{sync::Semaphore, task::spawn_blocking};
use zxcvbn::{Score, zxcvbn};

use crate::{
    http::Problem,
    model::{Invalid, user::Email},
    random::Random,
    store::StoreError,
};

/// NIST SP 800-63B-4, section 3.1.1.2: 15 characters for a password that is the only factor …
const LONG: usize = 15;
/// … and 8 at the least, which we take from passwords that are hard to guess.
pub(crate) const SHORT: usize = 8;
/// The standard asks for room for 64.
pub(crate) const LONGEST: usize = 128;

/// Hashes of these take 19 MiB, two passes and one lane: OWASP's password storage cheat sheet, in its order of preference.
const PARAMS: Params = match Params::new(19 * 1024, 2, 1, None) {
    Ok(params) => params,
    Err(_) => Params::DEFAULT,
};

/// A hash that no known password has, for the time that comparing takes.
pub const NOBODYS_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlzIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// So many at once: more would take memory (19 MiB each) and not be faster.
static TURNS: Semaphore = Semaphore::const_new(4);

/// A password as somebody has typed it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A password that is good enough to be set.
#[derive(Debug, Clone)]
pub struct NewPassword(Password);

impl Password {
    /// What somebody has typed.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Accepts a password for an account of this email and these names, where they are valid: 15 characters or more, or 8
    /// that are hard to guess.
    pub async fn accept(
        self,
        field: &'static str,
        email: Option<&Email>,
        names: &[&str],
    ) -> Result<Result<NewPassword, Invalid>, Problem> {
        let email = email.map_or("", Email::as_str);
        let length = self.0.chars().count();
        let reason = if length < SHORT {
            "must have at least 8 characters"
        } else if length > LONGEST {
            "must have at most 128 characters"
        } else if self.is_of(email) {
            "must not be the email address"
        } else if length < LONG && self.is_guessable(email, names).await? {
            "is too easy to guess: take 15 characters or more, or a few words that do not belong together"
        } else {
            return Ok(Ok(NewPassword(self)));
        };
        Ok(Err(Invalid::new(field, reason)))
    }

    /// Whether it is the email address, or what stands before the `@`.
    fn is_of(&self, email: &str) -> bool {
        let lower = self.0.to_lowercase();
        lower == email || Some(lower.as_str()) == email.split('@').next()
    }

    /// Whether it is too easy to guess for who knows the email and the names. The estimate takes its time in a turn, as
    /// hashing does.
    async fn is_guessable(&self, email: &str, names: &[&str]) -> Result<bool, Problem> {
        let parts = email.split(['@', '.', '-', '_', '+']);
        let words = names.iter().flat_map(|name| name.split_whitespace());
        let known: Vec<String> = parts.chain(words).chain([email]).map(str::to_owned).collect();
        let password = self.clone();
        in_turn(move || {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            zxcvbn(&password.0, &known).score() < Score::Three
        })
        .await
    }

    /// Whether `hash` is of this password. Takes as long as the hash's parameters say.
    pub async fn matches(&self, hash: &str) -> Result<bool, Problem> {
        let (password, hash) = (self.clone(), hash.to_owned());
        let compared = in_turn(move || {
            let hash = PasswordHash::new(&hash)?;
            hasher().verify_password(password.0.as_bytes(), &hash)
        });
        match compared.await? {
            Ok(()) => Ok(true),
            Err(password_hash::Error::PasswordInvalid) => Ok(false),
            Err(_) => Err(StoreError::corrupt("EMAIL", "its hash is none of Argon2").into()),
        }
    }

    /// The hash of a password that was right, by the present parameters.
    pub async fn rehash(&self, random: &Random) -> Result<String, Problem> {
        let (password, salt) = (self.clone(), random.bytes::<16>());
        let hashed = in_turn(move || hasher().hash_password_with_salt(password.0.as_bytes(), &salt));
        hashed.await?.map(|hash| hash.to_string()).map_err(Problem::internal)
    }
}

impl NewPassword {
    /// Its hash with a random salt, in PHC string format.
    pub async fn hash(&self, random: &Random) -> Result<String, Problem> {
        self.0.rehash(random).await
    }
}

/// Whether a hash was made with other parameters than those of today.
#[must_use]
pub fn needs_rehash(hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        let today = hash.algorithm == Algorithm::Argon2id.ident()
            && hash.version == Some(Version::V0x13.into())
            && Params::try_from(&hash).is_ok_and(|params| {
                (params.m_cost(), params.t_cost(), params.p_cost())
                    == (PARAMS.m_cost(), PARAMS.t_cost(), PARAMS.p_cost())
            });
        !today
    })
}

fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMS)
}

/// Runs what takes long beside the threads that serve requests, a few at a time.
async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let turn = TURNS.acquire().await.map_err(Problem::internal)?;
    // The turn goes along, as the work goes on when whoever waits for it has gone.
    let worked = spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    });
    worked.await.map_err(Problem::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn accepted(password: &str) -> bool {
        let email = Email::parse("ann.miller@example.com").unwrap();
        let accepted =
            Password::new(password.to_owned()).accept("password", Some(&email), &["Ann", "Miller"]).await;
        accepted.unwrap().is_ok()
    }

    #[tokio::test]
    async fn a_password_is_long_or_hard_to_guess() {
        for good in ["fifteen letters", "kX9#vq2Lw", "ñañañañañañañañ", &"x".repeat(128), "tapir oboe 7"]
        {
            assert!(accepted(good).await, "{good}");
        }
        for bad in [
            "",
            "kX9#vq2",
            "password1",
            "annmiller1",
            "12345678901234",
            "ann.miller@example.com",
            "Ann.Miller@Example.COM",
            "ann.miller",
            &"x".repeat(129),
        ] {
            assert!(!accepted(bad).await, "{bad}");
        }
    }

    #[tokio::test]
    async fn nothing_prints_a_password() {
        let password = Password::new("fifteen letters".to_owned());
        let new = password.clone().accept("password", None, &[]).await;
        let new = new.unwrap().unwrap();
        assert_eq!(format!("{password:?} {new:?}"), "Password(…) NewPassword(Password(…))");
    }

    #[tokio::test]
    async fn a_hash_is_of_its_password_only() {
        let password = Password::new("fifteen letters".to_owned());
        let hash = password.rehash(&Random::from_seed(1)).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(!needs_rehash(&hash));
        assert!(password.matches(&hash).await.unwrap());
        let other = Password::new("fifteen Letters".to_owned());
        assert!(!other.matches(&hash).await.unwrap());
        assert!(other.matches("md5").await.is_err());
    }

    #[tokio::test]
    async fn nobodys_hash_takes_the_same_time_and_is_nobodys() {
        assert!(!needs_rehash(NOBODYS_HASH));
        assert!(!Password::new(String::new()).matches(NOBODYS_HASH).await.unwrap());
        assert!(needs_rehash(&NOBODYS_HASH.replace("t=2", "t=3")));
        assert!(needs_rehash(&NOBODYS_HASH.replace("argon2id", "argon2i")));
    }
}
