//! A Secrets Manager with one secret, as much of it as the SDK asks for: the test says which version is current, as it may
//! be told differently at different places, or that nobody answers.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use serde_json::json;
use shared::auth::{Signer, Signing, SigningSecret};

use super::wire::{self, Answers, Reply, Request};

/// The service. Cheap to clone.
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

    /// As somebody would type it.
    pub fn short(made_at: DateTime<Utc>) -> Self {
        Self { text: "changeme".to_owned(), made_at }
    }

    /// The id of its key.
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

    /// From now on this version is current; with none, asking is refused.
    pub fn set(&self, version: Option<&Version>) {
        *self.core.current.lock().unwrap() = version.cloned();
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        *self.core.asked.lock().unwrap()
    }

    /// What signs with this secret, in a process that has just started.
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
