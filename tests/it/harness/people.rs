//! Users and tokens, made without the API. Argon2 takes longer than most tests, so tests about other subjects write a
//! user directly into the table, in the form of the current release, with a fixed password hash and a token that the
//! test signs.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use shared::{
    auth::{AccessClaims, Signer, jwt::CLIENT_ID},
    clock::Clock,
    config::Config,
    ids::{SessionId, UserId},
    model::user::Role,
    random::Random,
};

use super::table::Table;

/// The password of every user of the suite. It contains the canary of `logs`.
pub const PASSWORD: &str = "correct-horse-battery-staple";
/// The Argon2id hash of the password, with the parameters of the design.
pub const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$scyVxXtOVeTHF642T5lsgA$UuSFSCLL1Pbg3/OT5SmJQFiVQ5gm21zbS12pD8BmRaU";

/// Makes users and tokens without requests to the API.
#[derive(Clone)]
pub struct People {
    pub table: Table,
    pub signer: Arc<Signer>,
    pub clock: Clock,
    pub config: Arc<Config>,
    pub random: Random,
}

impl People {
    /// Adds a user with a profile, a credential and a session. Returns the id and the email address.
    pub async fn add(&self, name: &str, role: Role) -> (UserId, String) {
        let user = UserId::new(self.random.uuid());
        let email = format!("{}.{}@example.com", name.to_lowercase(), &user.to_string()[..8]);
        self.table.put_all(&items(user, name, &email, role, self.clock.now())).await;
        (user, email)
    }

    /// Returns a valid access token of the user.
    pub fn token(&self, user: UserId, role: Role) -> String {
        self.token_with(user, role, TimeDelta::minutes(15))
    }

    /// Returns a token that expires `lifetime` from now.
    pub fn token_with(&self, user: UserId, role: Role, lifetime: TimeDelta) -> String {
        let now = self.clock.now();
        let claims = AccessClaims {
            iss: self.config.issuer.clone(),
            aud: self.config.audience.clone(),
            sub: user,
            sid: session_of(user),
            role,
            client_id: CLIENT_ID.to_owned(),
            jti: self.random.uuid().to_string(),
            iat: now.timestamp(),
            exp: (now + lifetime).timestamp(),
        };
        self.signer.sign(&claims).unwrap()
    }
}

/// Returns the id of the session that a user of the suite has from the beginning: the id of the user.
pub fn session_of(user: UserId) -> SessionId {
    SessionId::new(user.uuid())
}

/// Returns the three items of a user: profile, credential and session.
pub fn items(user: UserId, name: &str, email: &str, role: Role, now: DateTime<Utc>) -> [Value; 3] {
    let micros = now.timestamp_micros();
    [
        json!({
            "pk": format!("USER#{user}"), "sk": "PROFILE", "item": "user",
            "gsi1pk": "USERS", "gsi1sk": format!("{micros:017}#{user}"),
            "email": email, "first_name": name, "last_name": "Tester", "role": role.as_str(),
            "phone_number": "+44 20 7946 0018",
            "credential_version": 1, "created_at": micros,
        }),
        json!({
            "pk": format!("EMAIL#{email}"), "sk": "CREDENTIAL", "item": "credential",
            "user": user.to_string(), "hash": HASH, "version": 1,
        }),
        json!({
            "pk": format!("USER#{user}"), "sk": format!("SESSION#{}", session_of(user)), "item": "session",
            "kind": "token", "generation": 1, "rotated_at": micros, "credential_version": 1,
            "created_at": micros, "expires_at": (now + TimeDelta::days(90)).timestamp(),
        }),
    ]
}
