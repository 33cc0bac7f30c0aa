//! Tokens: JSON Web Tokens signed with Ed25519 (RFC 8037), one algorithm and two types, which are for different audiences.
//! Access tokens have the claims of RFC 9068. Only `auth` holds a [`Signer`].

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::ed25519;
use crate::{
    config::Config,
    ids::{SessionId, UserId},
    model::user::Role,
};

/// How long an access token is good for: the most that it can outlive its session.
pub const ACCESS_LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// How long a refresh token is good for: a device that is used less often logs in again.
pub const REFRESH_LIFETIME: TimeDelta = TimeDelta::days(30);

/// `typ` of an access token (RFC 9068, section 2.1).
const ACCESS_TYPE: &str = "at+jwt";
/// `typ` of a refresh token.
const REFRESH_TYPE: &str = "rt+jwt";

/// `client_id` of every access token: the API registers no clients, so all of them are the deployment's own.
pub const CLIENT_ID: &str = "first-party";

/// Claims of a kind of token.
pub trait Claims: Serialize + DeserializeOwned {
    /// The header's `typ`.
    const TYPE: &'static str;
    /// Returns the `aud` of this kind of token in a deployment.
    fn audience(config: &Config) -> String;
    /// Good before this time, in seconds since 1970.
    fn expires_at(&self) -> i64;
}

/// The claims of an access token, those of RFC 9068, section 2.2, and two of our own. All are required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who issued it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// The user.
    pub sub: UserId,
    /// The session.
    pub sid: SessionId,
    /// The user's role when it was issued, for display.
    pub role: Role,
    /// The client that asked for it: [`CLIENT_ID`].
    pub client_id: String,
    /// The token's id. Equal claims have equal ids, others have not.
    pub jti: String,
    /// Issued at, in seconds since 1970.
    pub iat: i64,
    /// Good before, in seconds since 1970.
    pub exp: i64,
}

/// The claims of a refresh token. Its audience is not the API's, so that a library that checks the audience does not accept
/// it as an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshClaims {
    /// Who issued it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// The user.
    pub sub: UserId,
    /// The session.
    pub sid: SessionId,
    /// The session's generation that it refreshes.
    #[serde(rename = "gen")]
    pub generation: u64,
    /// Issued at, in seconds since 1970.
    pub iat: i64,
    /// Good before, in seconds since 1970.
    pub exp: i64,
}

impl Claims for AccessClaims {
    const TYPE: &'static str = ACCESS_TYPE;

    fn audience(config: &Config) -> String {
        config.audience.clone()
    }

    fn expires_at(&self) -> i64 {
        self.exp
    }
}

impl Claims for RefreshClaims {
    const TYPE: &'static str = REFRESH_TYPE;

    fn audience(config: &Config) -> String {
        format!("{}/refresh", config.audience)
    }

    fn expires_at(&self) -> i64 {
        self.exp
    }
}

/// A seed that no key can be made of.
#[derive(Debug, thiserror::Error)]
#[error("the signing seed is not 32 bytes in base64url")]
pub struct InvalidSeed;

/// A secret that no key should be made of.
#[derive(Debug, thiserror::Error)]
#[error("the signing secret has fewer than {SECRET_LENGTH} characters")]
pub struct InvalidSecret;

/// The least that a secret has: with so many random letters and digits it is as hard to guess as the key.
const SECRET_LENGTH: usize = 43;
/// What a seed is made of besides the secret, so that the same text used elsewhere gives another seed.
const SEED_DOMAIN: &[u8] = b"messaging/signing-seed/1\0";

/// Signs tokens.
pub struct Signer {
    key: EncodingKey,
    kid: String,
    x: String,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl Signer {
    /// A signer of a seed of 32 random bytes (RFC 8032, section 5.1.5).
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let (key, public) = ed25519::keys(&seed);
        let x = URL_SAFE_NO_PAD.encode(public);
        Self { key, kid: thumbprint(&x), x }
    }

    /// A signer of a seed as files and secrets hold it: base64url, white space around it passed over.
    pub fn from_text(seed: &str) -> Result<Self, InvalidSeed> {
        let bytes = URL_SAFE_NO_PAD.decode(seed.trim()).map_err(|_| InvalidSeed)?;
        Ok(Self::from_seed(bytes.try_into().map_err(|_| InvalidSeed)?))
    }

    /// A signer of a generated secret: the seed is the SHA-256 of its text behind a domain tag. White space around the text
    /// is passed over.
    pub fn from_secret(text: &str) -> Result<Self, InvalidSecret> {
        let text = text.trim();
        if text.len() < SECRET_LENGTH {
            return Err(InvalidSecret);
        }
        let seed = Sha256::new().chain_update(SEED_DOMAIN).chain_update(text).finalize();
        Ok(Self::from_seed(seed.into()))
    }

    /// The key's id: its thumbprint.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key as a JWK has it.
    #[must_use]
    pub fn public_x(&self) -> &str {
        &self.x
    }

    /// Signs claims. The same claims give the same bytes, as Ed25519 is deterministic.
    pub fn sign<C: Claims>(&self, claims: &C) -> Result<String, jsonwebtoken::errors::Error> {
        let header = Header {
            typ: Some(C::TYPE.to_owned()),
            kid: Some(self.kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        ed25519::install();
        jsonwebtoken::encode(&header, claims, &self.key)
    }
}

/// RFC 7638 with the members of RFC 8037, appendix A.3.
fn thumbprint(x: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
}

/// The key id that a token names; `None` for what is no token of type `C` and of our algorithm.
pub(super) fn key_of<C: Claims>(token: &str) -> Option<String> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    let ours = header.alg == Algorithm::EdDSA && header.typ.as_deref() == Some(C::TYPE);
    header.kid.filter(|_| ours)
}

/// The claims of a token that `key` signed for us and that is good at `now`.
pub(super) fn verify<C: Claims>(
    token: &str,
    key: &DecodingKey,
    config: &Config,
    now: DateTime<Utc>,
) -> Option<C> {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[&config.issuer]);
    validation.set_audience(&[C::audience(config)]);
    // The time is ours to compare: the library reads the machine's clock and allows a minute.
    validation.validate_exp = false;
    ed25519::install();
    let claims: C = jsonwebtoken::decode(token, key, &validation).ok()?.claims;
    (claims.expires_at() > now.timestamp()).then_some(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_is_as_the_rfc_has_it() {
        // RFC 8037, appendix A.3.
        let thumb = thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(thumb, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_seed_is_32_bytes() {
        assert!(Signer::from_text(" AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n").is_ok());
        assert!(Signer::from_text("AAAA").is_err());
    }

    #[test]
    fn a_secret_gives_one_key_and_is_long() {
        let kid = |text: &str| Signer::from_secret(text).map(|signer| signer.kid().to_owned()).ok();
        let secret = "s".repeat(64);
        // Golden: with another derivation every token would end with the release.
        assert_eq!(kid(&secret).as_deref(), Some("HelLC9H5F3rZqTCbBZu3nHJo8igjct1i9SYOeBxqfbg"));
        assert_eq!(kid(&format!(" {secret}\n")), kid(&secret));
        assert_ne!(kid(&"s".repeat(43)), kid(&secret));
        assert_eq!(kid(&"s".repeat(42)), None);
    }
}
