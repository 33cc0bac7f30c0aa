//! Tokens: JSON Web Tokens signed with Ed25519 (RFC 8037), one algorithm and two types of tokens for different
//! audiences. Access tokens have the claims of RFC 9068. Only the function `auth` has a [`Signer`].

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

/// The lifetime of an access token. The token ends earlier if its session ends.
pub const ACCESS_LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// The lifetime of a refresh token. On a device that is not used for longer, the user has to log in again.
pub const REFRESH_LIFETIME: TimeDelta = TimeDelta::days(30);

/// The header `typ` of an access token (RFC 9068, section 2.1).
const ACCESS_TYPE: &str = "at+jwt";
/// The header `typ` of a refresh token.
const REFRESH_TYPE: &str = "rt+jwt";

/// The claim `client_id` of every access token. The API registers no clients, so all clients are the deployment's own.
pub const CLIENT_ID: &str = "first-party";

/// The claims of one type of token.
pub trait Claims: Serialize + DeserializeOwned {
    /// The header `typ` of this type of token.
    const TYPE: &'static str;
    /// Returns the claim `aud` of this type of token in a deployment.
    fn audience(config: &Config) -> String;
    /// Returns the time at which the token expires, in seconds since 1970. At that second it is already invalid.
    fn expires_at(&self) -> i64;
}

/// The claims of an access token: the claims of RFC 9068, section 2.2, and two of our own. All are required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The issuer of the token, from the configuration.
    pub iss: String,
    /// The audience of the token, from the configuration.
    pub aud: String,
    /// The id of the user.
    pub sub: UserId,
    /// The id of the session.
    pub sid: SessionId,
    /// The user's role when the token was issued, for display only.
    pub role: Role,
    /// The client that requested the token, always [`CLIENT_ID`].
    pub client_id: String,
    /// The token's id. Tokens with equal claims have equal ids; other tokens have different ids.
    pub jti: String,
    /// The time of issue, in seconds since 1970.
    pub iat: i64,
    /// The time of expiry, in seconds since 1970.
    pub exp: i64,
}

/// The claims of a refresh token. Its audience is not the audience of the API, so a library that checks the audience
/// does not accept it as an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshClaims {
    /// The issuer of the token, from the configuration.
    pub iss: String,
    /// The audience of the token: `/refresh` appended to the configured audience.
    pub aud: String,
    /// The id of the user.
    pub sub: UserId,
    /// The id of the session.
    pub sid: SessionId,
    /// The generation of the session that this token refreshes.
    #[serde(rename = "gen")]
    pub generation: u64,
    /// The time of issue, in seconds since 1970.
    pub iat: i64,
    /// The time of expiry, in seconds since 1970.
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

/// A seed from which no key can be made.
#[derive(Debug, thiserror::Error)]
#[error("the signing seed is not 32 bytes in base64url")]
pub struct InvalidSeed;

/// A secret that is too short for a key.
#[derive(Debug, thiserror::Error)]
#[error("the signing secret has fewer than {SECRET_LENGTH} characters")]
pub struct InvalidSecret;

/// The minimum length of a secret in bytes. With so many random letters and digits it is as hard to guess as the key.
const SECRET_LENGTH: usize = 43;
/// The domain tag that is hashed before the secret, so that another use of the same text gives another seed.
const SEED_DOMAIN: &[u8] = b"messaging/signing-seed/1\0";

/// Signs tokens with one private key.
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
    /// Creates a signer from a seed of 32 random bytes (RFC 8032, section 5.1.5).
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let (key, public) = ed25519::keys(&seed);
        let x = URL_SAFE_NO_PAD.encode(public);
        Self { key, kid: thumbprint(&x), x }
    }

    /// Creates a signer from a seed in base64url, the form in files. White space around the text is ignored.
    pub fn from_text(seed: &str) -> Result<Self, InvalidSeed> {
        let bytes = URL_SAFE_NO_PAD.decode(seed.trim()).map_err(|_| InvalidSeed)?;
        Ok(Self::from_seed(bytes.try_into().map_err(|_| InvalidSeed)?))
    }

    /// Creates a signer from a generated secret. The seed is SHA-256 over a domain tag and the text. White space around
    /// the text is ignored.
    pub fn from_secret(text: &str) -> Result<Self, InvalidSecret> {
        let text = text.trim();
        if text.len() < SECRET_LENGTH {
            return Err(InvalidSecret);
        }
        let seed = Sha256::new().chain_update(SEED_DOMAIN).chain_update(text).finalize();
        Ok(Self::from_seed(seed.into()))
    }

    /// Returns the key's id, its JWK thumbprint (RFC 7638).
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Returns the public key in base64url, the `x` of its JWK.
    #[must_use]
    pub fn public_x(&self) -> &str {
        &self.x
    }

    /// Signs claims. Equal claims give equal bytes, because Ed25519 is deterministic.
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

/// Returns the JWK thumbprint (RFC 7638) over the members of RFC 8037, appendix A.3.
fn thumbprint(x: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
}

/// Returns the key id in the header of a token; `None` if the token has another type than `C`, another algorithm, or no
/// key id.
pub(super) fn key_of<C: Claims>(token: &str) -> Option<String> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    let ours = header.alg == Algorithm::EdDSA && header.typ.as_deref() == Some(C::TYPE);
    header.kid.filter(|_| ours)
}

/// Returns the claims of a token that `key` signed for this deployment and that is valid at `now`; `None` for any other
/// token.
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
    // The expiry is compared below, because the library reads the machine's clock and allows a minute more.
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
        // A golden value: with another derivation, the next release would invalidate every token.
        assert_eq!(kid(&secret).as_deref(), Some("HelLC9H5F3rZqTCbBZu3nHJo8igjct1i9SYOeBxqfbg"));
        assert_eq!(kid(&format!(" {secret}\n")), kid(&secret));
        assert_ne!(kid(&"s".repeat(43)), kid(&secret));
        assert_eq!(kid(&"s".repeat(42)), None);
    }
}
