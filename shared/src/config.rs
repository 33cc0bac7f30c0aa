//! The settings of a deployment. A process reads them once from its environment. The names are the same in
//! `template.yaml`, in `local` and in tests.

mod limits;

use std::path::PathBuf;

pub use self::limits::{
    ConversationLimit, LONGEST_WINDOW, LimitNumbers, Limits, MOST_SENDS, MOST_TOKENS, SendLimit,
};
use crate::model::user::Contact;

/// The settings of one process. The name of each environment variable is in parentheses.
#[derive(Debug, Clone)]
pub struct Config {
    /// The name of the DynamoDB table (`TABLE_NAME`).
    pub table: String,
    /// The issuer of the tokens, their claim `iss` (`ISSUER`).
    pub issuer: String,
    /// The audience of the tokens, their claim `aud` (`AUDIENCE`).
    pub audience: String,
    /// The users who may create accounts (`REGISTRATION`).
    pub registration: Registration,
    /// The limits of one user.
    pub limits: Limits,
    /// Decides whether users must consent before strangers can write to them (`CONTACT`). A user's own setting counts
    /// only if this is `requests`.
    pub contact: Contact,
    /// The address of the WebSocket API, for example `wss://abc.execute-api.eu-west-1.amazonaws.com/live`
    /// (`REALTIME_URL`). If it is `None`, the WebSocket API has the host of the request and the path `/live`, as in local
    /// runs.
    pub realtime_url: Option<String>,
    /// The source of the signing key; `None` in every function except `auth`.
    pub signing: Option<SigningSource>,
}

/// The source of a signing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SigningSource {
    /// A file that contains a seed (`SIGNING_SEED_FILE`), 32 bytes in base64url. Local runs use it.
    SeedFile(PathBuf),
    /// The ARN of a secret in Secrets Manager (`SIGNING_SECRET_ARN`). Deployments use it.
    Secret(String),
}

/// The users who may create accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Everybody may register (`open`).
    Open,
    /// Only admins may create accounts (`admin`, which is also the default).
    Admin,
}

/// An environment variable that is missing or has an invalid value, so that the process cannot start.
#[derive(Debug, thiserror::Error)]
#[error("the environment variable {name} {problem}")]
pub struct ConfigError {
    name: &'static str,
    problem: &'static str,
}

impl Config {
    /// Reads the settings from the environment. Fails on the first variable that is missing or invalid.
    pub fn from_env() -> Result<Self, ConfigError> {
        let registration = match variable("REGISTRATION").as_deref() {
            Some("open") => Registration::Open,
            Some("admin") | None => Registration::Admin,
            Some(_) => {
                return Err(ConfigError { name: "REGISTRATION", problem: "must be `open` or `admin`" });
            }
        };
        let contact = match variable("CONTACT").as_deref() {
            Some("everyone") => Contact::Everyone,
            Some("requests") => Contact::Requests,
            None => default_contact(registration),
            Some(_) => {
                return Err(ConfigError { name: "CONTACT", problem: "must be `everyone` or `requests`" });
            }
        };
        Ok(Self {
            table: required("TABLE_NAME")?,
            issuer: required("ISSUER")?,
            audience: required("AUDIENCE")?,
            registration,
            limits: Limits::from_env()?,
            contact,
            realtime_url: variable("REALTIME_URL"),
            signing: SigningSource::of(variable("SIGNING_SEED_FILE"), variable("SIGNING_SECRET_ARN"))?,
        })
    }
}

/// Returns the setting of a deployment that has not chosen one. Where everybody can make an account, every user can be a
/// stranger.
const fn default_contact(registration: Registration) -> Contact {
    match registration {
        Registration::Open => Contact::Requests,
        Registration::Admin => Contact::Everyone,
    }
}

impl SigningSource {
    /// Returns the source that is set; `None` if neither is set. Two sources are an error, because it would be unclear
    /// which key signs.
    fn of(seed_file: Option<String>, secret: Option<String>) -> Result<Option<Self>, ConfigError> {
        match (seed_file, secret) {
            (Some(_), Some(_)) => {
                let problem = "is set together with SIGNING_SEED_FILE; set only one of them";
                Err(ConfigError { name: "SIGNING_SECRET_ARN", problem })
            }
            (Some(file), None) => Ok(Some(Self::SeedFile(file.into()))),
            (None, secret) => Ok(secret.map(Self::Secret)),
        }
    }
}

/// Returns the value of an environment variable that a function needs at its start. Fails if it is not set or empty.
pub fn required(name: &'static str) -> Result<String, ConfigError> {
    variable(name).ok_or(ConfigError { name, problem: "is not set" })
}

/// Returns the value of an environment variable; `None` if it is not set or empty.
#[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_need_consent_where_everybody_can_register() {
        assert_eq!(default_contact(Registration::Open), Contact::Requests);
        assert_eq!(default_contact(Registration::Admin), Contact::Everyone);
    }

    #[test]
    fn a_key_has_one_source() {
        let of = |file: Option<&str>, secret: Option<&str>| {
            SigningSource::of(file.map(str::to_owned), secret.map(str::to_owned)).ok()
        };
        assert_eq!(of(None, None), Some(None));
        assert_eq!(of(Some("seed"), None), Some(Some(SigningSource::SeedFile("seed".into()))));
        assert_eq!(of(None, Some("arn")), Some(Some(SigningSource::Secret("arn".to_owned()))));
        assert_eq!(of(Some("seed"), Some("arn")), None);
    }
}
