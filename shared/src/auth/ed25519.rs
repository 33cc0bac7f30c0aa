//! Ed25519 (RFC 8032), the only algorithm of the tokens, as a provider for `jsonwebtoken`. The providers that come with
//! `jsonwebtoken` contain every algorithm of JWT, also RSA. They would add a third of a megabyte to each function, for
//! code that must never be used.

use std::sync::Once;

use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
    signature::{self, Signer, Verifier},
};

/// The PKCS #8 prefix of a seed of 32 bytes (RFC 8410, section 7, and its example in section 10.3).
const PKCS8: [u8; 16] = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    // Only needed for keys in the form of JWKs. This program never passes such keys to `jsonwebtoken`.
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes `jsonwebtoken` use this provider. Must be called before the library signs or verifies. A second call has no
/// effect.
pub(super) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        if PROVIDER.install_default().is_err() {
            tracing::error!("another provider of signatures stands already");
        }
    });
}

/// Returns the private key of a seed in the form that `jsonwebtoken` expects, and the public key.
pub(super) fn keys(seed: &[u8; 32]) -> (EncodingKey, [u8; 32]) {
    let public = SigningKey::from_bytes(seed).verifying_key().to_bytes();
    (EncodingKey::from_ed_der(&[&PKCS8[..], seed].concat()), public)
}

struct Signing(SigningKey);

struct Verifying(VerifyingKey);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that `jsonwebtoken` asks for")]
fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    if (*algorithm, key.family()) != (Algorithm::EdDSA, AlgorithmFamily::Ed) {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    let seed = key.as_bytes().strip_prefix(&PKCS8).and_then(|seed| seed.try_into().ok());
    Ok(Box::new(Signing(SigningKey::from_bytes(seed.ok_or(ErrorKind::InvalidEddsaKey)?))))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that `jsonwebtoken` asks for")]
fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    if (*algorithm, key.family()) != (Algorithm::EdDSA, AlgorithmFamily::Ed) {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    let public = VerifyingKey::try_from(key.try_get_as_bytes()?);
    Ok(Box::new(Verifying(public.map_err(|_| ErrorKind::InvalidEddsaKey)?)))
}

impl Signer<Vec<u8>> for Signing {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.0.sign(message).to_bytes().to_vec())
    }
}

impl JwtSigner for Signing {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

impl Verifier<Vec<u8>> for Verifying {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        self.0.verify(message, &Signature::from_slice(signature)?)
    }
}

impl JwtVerifier for Verifying {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u32> = hex.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
        digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
    }

    /// RFC 8032, section 7.1, test 2.
    const SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    const PUBLIC: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    const SIGNATURE: &str = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

    #[test]
    fn it_is_the_ed25519_of_the_rfc() {
        let (private, public) = keys(&bytes(SEED).try_into().unwrap());
        assert_eq!(public, *bytes(PUBLIC));
        let signed = signer(&Algorithm::EdDSA, &private).unwrap().try_sign(b"\x72").unwrap();
        assert_eq!(signed, bytes(SIGNATURE));
        let verifier = verifier(&Algorithm::EdDSA, &DecodingKey::from_ed_der(&public)).unwrap();
        assert!(verifier.verify(b"\x72", &signed).is_ok());
        assert!(verifier.verify(b"\x73", &signed).is_err());
        assert!(verifier.verify(b"\x72", &signed[..63].to_vec()).is_err());
    }

    #[test]
    fn nothing_else_is_signed_or_verified() {
        let (private, public) = keys(&[7; 32]);
        let secret = EncodingKey::from_secret(&public);
        for algorithm in [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256] {
            assert!(signer(&algorithm, &private).is_err());
            assert!(signer(&algorithm, &secret).is_err());
            assert!(verifier(&algorithm, &DecodingKey::from_ed_der(&public)).is_err());
            assert!(verifier(&algorithm, &DecodingKey::from_secret(&public)).is_err());
        }
        assert!(signer(&Algorithm::EdDSA, &secret).is_err());
        assert!(verifier(&Algorithm::EdDSA, &DecodingKey::from_secret(&public)).is_err());
    }
}
