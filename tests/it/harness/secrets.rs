//! A fake AWS Secrets Manager with one secret; it implements only the operation that the SDK calls. A test sets the
//! current version, or makes the service refuse all requests.
//!
//! ```rust
//! let secrets = Secrets::start().await;
//! secrets.set(Some(&Version::new('a', now)));
//! let signing = secrets.signing();
//! ```

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use serde_json::json;
use shared::auth::{Signer, Signing, SigningSecret};

use super::wire::{self, Answers, Reply, Request};

/// The fake service. Cheap to clone.
#[derive(Clone)]
pub struct Secrets {
    endpoint: String,
    core: Arc<Core>,
}

#[derive(Default)]
struct Core {
    current: Mutex<Option<Version>>,
    asked: Mutex<usize>,
}

/// A version of the secret.
#[derive(Clone)]
pub struct Version {
    text: String,
    made_at: DateTime<Utc>,
}

impl Version {
    pub fn new(letter: char, made_at: DateTime<Utc>) -> Self {
        Self { text: letter.to_string().repeat(64), made_at }
    }

    /// Returns a version with a weak secret that a person might type.
    pub fn short(made_at: DateTime<Utc>) -> Self {
        Self { text: "changeme".to_owned(), made_at }
    }

    /// Returns the id of the key of this version.
    pub fn kid(&self) -> String {
        Signer::from_secret(&self.text).unwrap().kid().to_owned()
    }
}

impl Secrets {
    pub async fn start() -> Self {
        let core = Arc::new(Core::default());
        let address = wire::serve(core.clone()).await;
        Self { endpoint: format!("http://{address}"), core }
    }

    /// Sets the current version. With `None`, the service refuses requests.
    pub fn set(&self, version: Option<&Version>) {
        *self.core.current.lock().unwrap() = version.cloned();
    }

    /// Returns the number of requests so far.
    pub fn asked(&self) -> usize {
        *self.core.asked.lock().unwrap()
    }

    /// Returns the signing configuration of a process that has just started with this secret.
    pub fn signing(&self) -> Signing {
        Signing::from_secret(SigningSecret::local(&self.endpoint, "arn:aws:secretsmanager:test"))
    }
}

impl Answers for Core {
    async fn answer(self: Arc<Self>, request: Request) -> Reply {
        assert_eq!(request.operation, "GetSecretValue");
        *self.asked.lock().unwrap() += 1;
        let current = self.current.lock().unwrap().clone();
        let (status, body) = match current {
            Some(version) => {
                let made_at: f64 = version.made_at.format("%s.%3f").to_string().parse().unwrap();
                (200, json!({ "ARN": "arn", "SecretString": version.text, "CreatedDate": made_at }))
            }
            None => (400, json!({ "__type": "AccessDeniedException", "message": "not now" })),
        };
        Reply::Answer { status, body: body.to_string().into_bytes() }
    }
}
