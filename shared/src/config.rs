//! What a deployment decides: read once from the environment, the same names in `template.yaml`, `local` and tests.

use std::path::PathBuf;

/// Settings of one process.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the `DynamoDB` table (`TABLE_NAME`).
    pub table: String,
    /// Who issues the tokens (`ISSUER`): their `iss`.
    pub issuer: String,
    /// Whom the tokens are for (`AUDIENCE`): their `aud`.
    pub audience: String,
    /// Who may make users (`REGISTRATION`).
    pub registration: Registration,
    /// File that holds the signing seed (`SIGNING_SEED_FILE`), 32 bytes in base64url. Only `auth` has one.
    pub signing_seed_file: Option<PathBuf>,
}

/// Who may make users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Anybody (`open`).
    Open,
    /// Admins only (`admin`, which is also what nothing means).
    Admin,
}

/// An environment that no process can start with.
#[derive(Debug, thiserror::Error)]
#[error("the environment variable {name} {problem}")]
pub struct ConfigError {
    name: &'static str,
    problem: &'static str,
}

impl Config {
    /// Reads the environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        let required = |name| variable(name).ok_or(ConfigError { name, problem: "is not set" });
        let registration = match variable("REGISTRATION").as_deref() {
            Some("open") => Registration::Open,
            Some("admin") | None => Registration::Admin,
            Some(_) => {
                return Err(ConfigError { name: "REGISTRATION", problem: "is neither `open` nor `admin`" });
            }
        };
        Ok(Self {
            table: required("TABLE_NAME")?,
            issuer: required("ISSUER")?,
            audience: required("AUDIENCE")?,
            registration,
            signing_seed_file: variable("SIGNING_SEED_FILE").map(PathBuf::from),
        })
    }
}

/// A variable of the environment that is set to something.
#[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
