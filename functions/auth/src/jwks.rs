//! `GET /.well-known/jwks.json`: the public keys that verify tokens of this API (RFC 7517, RFC 8037).

use axum::{
    extract::State,
    http::{HeaderName, header},
};
use serde::Serialize;
use shared::{
    App,
    http::{NoParameters, Problem, Query, Reply},
    store::items::SigningKey,
};
use utoipa::ToSchema;

/// A set of public keys (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
pub struct KeySet {
    /// The keys that verify current tokens.
    pub keys: Vec<PublicKey>,
}

/// An Ed25519 public key.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicKey {
    /// The type of the key, always `OKP`.
    #[schema(example = "OKP")]
    pub kty: &'static str,
    /// The curve, always `Ed25519`.
    #[schema(example = "Ed25519")]
    pub crv: &'static str,
    /// The algorithm, always `EdDSA`.
    #[schema(example = "EdDSA")]
    pub alg: &'static str,
    /// The use, always `sig`: signatures.
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    pub usage: &'static str,
    /// The key's id, its thumbprint (RFC 7638).
    #[schema(example = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    pub kid: String,
    /// The public key in base64url.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    pub x: String,
}

/// Returns the public keys that verify tokens.
///
/// Clients can cache the keys for five minutes.
#[utoipa::path(get, path = "/.well-known/jwks.json", operation_id = "read_keys", security(()),
    responses((status = 200, body = KeySet)))]
pub async fn keys(
    State(app): State<App>,
    Query(NoParameters {}): Query<NoParameters>,
) -> Result<([(HeaderName, &'static str); 1], Reply<KeySet>), Problem> {
    let now = app.clock.now();
    let keys = app.store.signing_keys().await?;
    let good = keys.into_iter().filter(|key| key.not_after.is_none_or(|not_after| now < not_after));
    let keys = good.map(PublicKey::from).collect();
    let kept = [(header::CACHE_CONTROL, "public, max-age=300")];
    Ok((kept, Reply::ok(KeySet { keys })))
}

impl From<SigningKey> for PublicKey {
    fn from(key: SigningKey) -> Self {
        Self { kty: "OKP", crv: "Ed25519", alg: "EdDSA", usage: "sig", kid: key.kid, x: key.x }
    }
}
