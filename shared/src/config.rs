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
    /// What signing keys are made of. Only `auth` has it.
    pub signing: Option<SigningSource>,
}

/// What a signing key is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SigningSource {
    /// A file that holds a seed (`SIGNING_SEED_FILE`), 32 bytes in base64url: local runs.
    SeedFile(PathBuf),
    /// A secret in Secrets Manager, by its ARN (`SIGNING_SECRET_ARN`): deployments.
    Secret(String),
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
            signing: SigningSource::of(variable("SIGNING_SEED_FILE"), variable("SIGNING_SECRET_ARN"))?,
        })
    }
}

impl SigningSource {
    /// With both, nobody could say which of them signs.
    fn of(seed_file: Option<String>, secret: Option<String>) -> Result<Option<Self>, ConfigError> {
        match (seed_file, secret) {
            (Some(_), Some(_)) => {
                let problem = "is set beside SIGNING_SEED_FILE; one of them has to go";
                Err(ConfigError { name: "SIGNING_SECRET_ARN", problem })
            }
            (Some(file), None) => Ok(Some(Self::SeedFile(file.into()))),
            (None, secret) => Ok(secret.map(Self::Secret)),
        }
    }
}

/// A variable of the environment that is set to something.
#[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

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
