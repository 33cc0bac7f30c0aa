//! Passwords: the rules for new passwords, and hashing and comparing with Argon2id. No code here prints a password, and
//! no other module hashes one.

use std::fmt;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{self, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use serde::Deserialize;
use tokio::{sync::Semaphore, task::spawn_blocking};

pub(crate) use super::strength::LONGEST;
use super::{AuthError, strength};
use crate::{
    model::{Invalid, characters::composed, user::Email},
    random::Random,
    store::StoreError,
};

/// The minimum number of code points. NIST SP 800-63B-4, section 3.1.1.2, requires 15 if a password is the only factor.
/// A password of fewer than 15 must be harder to guess, see `strength`.
pub(crate) const SHORT: usize = 8;

/// The maximum number of bytes that are converted to NFC. A longer text is not a valid password, because NFD takes at
/// most a few times the bytes of NFC.
const NORMALISED_BYTES: usize = 16 * LONGEST;

/// The parameters of Argon2id: 19 MiB, two passes and one lane, a recommendation of OWASP's password storage cheat
/// sheet.
const PARAMS: Params = match Params::new(19 * 1024, 2, 1, None) {
    Ok(params) => params,
    Err(_) => Params::DEFAULT,
};

/// A hash that no known password matches. A comparison with it takes as long as with the hash of an account.
pub const NOBODYS_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlzIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The same at the lowest cost.
const NOBODYS_SIMULATED_HASH: &str =
    "$argon2id$v=19$m=8,t=1,p=1$bm9ib2R5IGhhcyB0aGlzIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The maximum number of parallel hashes. More would need more memory (19 MiB each) and not be faster.
static TURNS: Semaphore = Semaphore::const_new(4);

/// A password as a user typed it, in NFC, because keyboards compose accented letters in different ways.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct Password(String);

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A password that follows the rules for new passwords.
#[derive(Debug, Clone)]
pub struct NewPassword(Password);

impl Password {
    /// Creates a password from the typed text. A text that is too long for any password stays as it is.
    #[must_use]
    pub fn new(text: String) -> Self {
        if text.len() > NORMALISED_BYTES {
            return Self(text);
        }
        Self(composed(&text).into_owned())
    }

    /// Accepts a password of 8 to 128 characters that is hard to guess and is not the email address. A password of
    /// fewer than 15 characters must be harder to guess. Otherwise, returns a fault of the field `field`. The caller
    /// passes only a valid email and valid names.
    pub fn accept(
        self,
        field: &'static str,
        email: Option<&Email>,
        names: &[&str],
    ) -> Result<NewPassword, Invalid> {
        let length = self.0.chars().count();
        let reason = if length < SHORT {
            "must have at least 8 characters"
        } else if length > LONGEST {
            "must have at most 128 characters"
        } else if email.is_some_and(|email| self.is_of(email)) {
            "must not be the email address"
        } else if strength::is_guessable(&self.0, email, names) {
            "is too easy to guess; use more characters or several unrelated words, without repetitions"
        } else {
            return Ok(NewPassword(self));
        };
        Err(Invalid::new(field, reason))
    }

    /// Returns true if the text equals the email address or its local part.
    fn is_of(&self, email: &Email) -> bool {
        let local = email.as_str().split('@').next().unwrap_or_default();
        self.0.to_lowercase() == local || Email::parse(&self.0).is_ok_and(|typed| typed == *email)
    }

    /// Returns true if `hash` is a hash of this password. The duration depends on the parameters in the hash. Fails if
    /// `hash` is not an Argon2 hash.
    pub async fn matches(&self, hash: &str, hashing: Hashing) -> Result<bool, AuthError> {
        let (password, hash) = (self.clone(), hashing.at_its_cost(hash).to_owned());
        let compared = hashing.run(move || {
            let hash = PasswordHash::new(&hash)?;
            hasher(hashing).verify_password(password.0.as_bytes(), &hash)
        });
        match compared.await? {
            Ok(()) => Ok(true),
            Err(password_hash::Error::PasswordInvalid) => Ok(false),
            Err(_) => Err(StoreError::corrupt("EMAIL", "its hash is none of Argon2").into()),
        }
    }

    /// Returns a hash with the present parameters and a random salt, in PHC string format. It does not check the
    /// password.
    pub async fn rehash(&self, random: &Random, hashing: Hashing) -> Result<String, AuthError> {
        let (password, salt) = (self.clone(), random.bytes::<16>());
        let hashed =
            hashing.run(move || hasher(hashing).hash_password_with_salt(password.0.as_bytes(), &salt));
        hashed.await?.map(|hash| hash.to_string()).map_err(AuthError::internal)
    }
}

impl NewPassword {
    /// Returns the hash of the password with a random salt, in PHC string format.
    pub async fn hash(&self, random: &Random, hashing: Hashing) -> Result<String, AuthError> {
        self.0.rehash(random, hashing).await
    }
}

/// Returns true if a hash was made with parameters other than the present ones.
#[must_use]
pub fn needs_rehash(hash: &str, hashing: Hashing) -> bool {
    let today = hashing.params();
    PasswordHash::new(hash).is_ok_and(|hash| {
        let is_of_today = hash.algorithm == Algorithm::Argon2id.ident()
            && hash.version == Some(Version::V0x13.into())
            && Params::try_from(&hash).is_ok_and(|params| {
                (params.m_cost(), params.t_cost(), params.p_cost())
                    == (today.m_cost(), today.t_cost(), today.p_cost())
            });
        !is_of_today
    })
}

fn hasher(hashing: Hashing) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, hashing.params())
}

/// The cost of a hash, and the thread that computes it. Injected, like the clock.
#[derive(Debug, Clone, Copy)]
pub struct Hashing {
    /// The passes over the memory in a simulation; `None` for the parameters of a deployment.
    simulated: Option<u32>,
}

impl Hashing {
    /// The parameters of a deployment, on a thread for blocking work.
    #[must_use]
    pub const fn standard() -> Self {
        Self { simulated: None }
    }

    /// The lowest cost, on the thread of the caller, so that a simulation is fast and the same seed gives the same
    /// history. Another number of passes over the memory is the cost of another release. Unsafe for real passwords.
    #[must_use]
    pub const fn for_simulation(passes: u32) -> Self {
        Self { simulated: Some(passes) }
    }

    /// Returns the hash, or, in a simulation, that of nobody at the lowest cost.
    fn at_its_cost(self, hash: &str) -> &str {
        if self.simulated.is_some() && hash == NOBODYS_HASH { NOBODYS_SIMULATED_HASH } else { hash }
    }

    fn params(self) -> Params {
        let lowest = |passes| Params::new(Params::MIN_M_COST, passes, 1, None).ok();
        self.simulated.and_then(lowest).unwrap_or(PARAMS)
    }

    /// Runs work that takes long on another thread than those that serve requests, a limited number at a time.
    async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AuthError> {
        if self.simulated.is_some() {
            return Ok(work());
        }
        let turn = TURNS.acquire().await.map_err(AuthError::internal)?;
        // The task owns the permit, because the work continues when the caller stops waiting.
        let worked = spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        worked.await.map_err(AuthError::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(password: &str) -> bool {
        let email = Email::parse("ann.miller@example.com").unwrap();
        Password::new(password.to_owned()).accept("password", Some(&email), &["Ann", "Miller"]).is_ok()
    }

    #[test]
    fn a_password_has_its_length_in_composed_characters_and_is_not_the_email() {
        assert!(accepted("kX9#vq2Lw") && accepted(&"tapir oboe 7 ".repeat(9)[..117]));
        for bad in ["", "kX9#vq2", "ann.miller@example.com", "Ann.Miller@Example.COM", "ann.miller"] {
            assert!(!accepted(bad), "{bad}");
        }
        assert!(!accepted(&format!("{}x", "kX9#vq2Lw1tapir7".repeat(8))));
        // Eight code points, but seven characters in composed form.
        assert!(!accepted("kX9#vqu\u{308}"));
    }

    #[tokio::test]
    async fn a_password_is_the_same_however_its_letters_are_typed() {
        let [composed, apart] = ["gräflich-übel", "gra\u{308}flich-u\u{308}bel"];
        let hash = Password::new(composed.to_owned())
            .rehash(&Random::from_seed(1), Hashing::standard())
            .await
            .unwrap();
        assert!(Password::new(apart.to_owned()).matches(&hash, Hashing::standard()).await.unwrap());
        let read: Password = serde_json::from_value(serde_json::json!(apart)).unwrap();
        assert!(read.matches(&hash, Hashing::standard()).await.unwrap());
        assert!(
            !Password::new("graflich-ubel".to_owned()).matches(&hash, Hashing::standard()).await.unwrap()
        );
    }

    #[test]
    fn nothing_prints_a_password() {
        let password = Password::new("fifteen letters".to_owned());
        let new = password.clone().accept("password", None, &[]).unwrap();
        assert_eq!(format!("{password:?} {new:?}"), "Password(…) NewPassword(Password(…))");
    }

    #[tokio::test]
    async fn a_hash_is_of_its_password_only() {
        let password = Password::new("fifteen letters".to_owned());
        let hash = password.rehash(&Random::from_seed(1), Hashing::standard()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(!needs_rehash(&hash, Hashing::standard()));
        assert!(password.matches(&hash, Hashing::standard()).await.unwrap());
        let other = Password::new("fifteen Letters".to_owned());
        assert!(!other.matches(&hash, Hashing::standard()).await.unwrap());
        assert!(other.matches("md5", Hashing::standard()).await.is_err());
    }

    #[tokio::test]
    async fn nobodys_hash_takes_the_same_time_and_is_nobodys() {
        assert!(!needs_rehash(NOBODYS_HASH, Hashing::standard()));
        assert!(!Password::new(String::new()).matches(NOBODYS_HASH, Hashing::standard()).await.unwrap());
        assert!(needs_rehash(&NOBODYS_HASH.replace("t=2", "t=3"), Hashing::standard()));
        assert!(needs_rehash(&NOBODYS_HASH.replace("argon2id", "argon2i"), Hashing::standard()));
    }
}
