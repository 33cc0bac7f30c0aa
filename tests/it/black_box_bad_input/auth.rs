//! Bad `Authorization` headers and bad tokens.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{As, Row, World};
use crate::harness::{app::SIGNING_SEED, people::People};

/// Returns a token with this header and these claims, signed with the test's key.
fn signed(header: &Value, claims: &Value) -> String {
    let text = format!("{}.{}", part(header), part(claims));
    let signature = SigningKey::from_bytes(&SIGNING_SEED).sign(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

fn header(people: &People) -> Value {
    json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": people.signer.kid() })
}

fn claims(people: &People, world: &World) -> Value {
    let now = people.clock.now().timestamp();
    json!({
        "iss": people.config.issuer, "aud": people.config.audience, "sub": world.ann.id,
        "sid": "00000000-0000-4000-8000-000000000000", "role": "guest", "client_id": "first-party", "jti": "one",
        "iat": now, "exp": now + 600,
    })
}

/// Returns a token of the test with one claim changed, or removed if the value is `null`.
fn with_claim(people: &People, world: &World, name: &str, value: Value) -> String {
    let mut claims = claims(people, world);
    let fields = claims.as_object_mut().unwrap();
    match value {
        Value::Null => drop(fields.remove(name)),
        value => drop(fields.insert(name.to_owned(), value)),
    }
    signed(&header(people), &claims)
}

fn with_header(people: &People, world: &World, name: &str, value: Value) -> String {
    let mut header = header(people);
    let fields = header.as_object_mut().unwrap();
    match value {
        Value::Null => drop(fields.remove(name)),
        value => drop(fields.insert(name.to_owned(), value)),
    }
    signed(&header, &claims(people, world))
}

fn public_key() -> [u8; 32] {
    SigningKey::from_bytes(&SIGNING_SEED).verifying_key().to_bytes()
}

/// Returns a token with an HS256 signature whose secret is the public key: the algorithm confusion attack (RFC 8725,
/// section 2.1).
fn symmetric(people: &People, world: &World) -> String {
    let mut header = header(people);
    header["alg"] = json!("HS256");
    let message = format!("{}.{}", part(&header), part(&claims(people, world)));
    let mac = Hmac::<Sha256>::new_from_slice(&public_key()).unwrap().chain_update(&message).finalize();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.into_bytes()))
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn unsigned(people: &People, world: &World, alg: &str) -> String {
    let mut header = header(people);
    header["alg"] = json!(alg);
    format!("{}.{}.", part(&header), part(&claims(people, world)))
}

type Make = fn(&People, &World) -> String;

#[rustfmt::skip]
const FORGED: [(&str, Make); 31] = [
    ("alg none", |p, w| unsigned(p, w, "none")),
    ("alg nOnE", |p, w| unsigned(p, w, "nOnE")),
    ("EdDSA without a signature", |p, w| unsigned(p, w, "EdDSA")),
    ("HS256 with the public key", symmetric),
    ("alg RS256 over our signature", |p, w| with_header(p, w, "alg", json!("RS256"))),
    ("alg HS256 over our signature", |p, w| with_header(p, w, "alg", json!("HS256"))),
    ("typ JWT", |p, w| with_header(p, w, "typ", json!("JWT"))),
    ("typ of a refresh token", |p, w| with_header(p, w, "typ", json!("rt+jwt"))),
    ("no typ", |p, w| with_header(p, w, "typ", Value::Null)),
    ("no kid", |p, w| with_header(p, w, "kid", Value::Null)),
    ("an unknown kid", |p, w| with_header(p, w, "kid", json!("unknown"))),
    ("a kid that is a path", |p, w| with_header(p, w, "kid", json!("../../dev/null"))),
    ("another iss", |p, w| with_claim(p, w, "iss", json!("https://evil.example"))),
    ("no iss", |p, w| with_claim(p, w, "iss", Value::Null)),
    ("another aud", |p, w| with_claim(p, w, "aud", json!("another"))),
    ("the aud of a refresh token", |p, w| {
        with_claim(p, w, "aud", json!(format!("{}/refresh", p.config.audience)))
    }),
    ("no aud", |p, w| with_claim(p, w, "aud", Value::Null)),
    ("no sub", |p, w| with_claim(p, w, "sub", Value::Null)),
    ("a sub that is not an id", |p, w| with_claim(p, w, "sub", json!("ann"))),
    ("no sid", |p, w| with_claim(p, w, "sid", Value::Null)),
    ("no role", |p, w| with_claim(p, w, "role", Value::Null)),
    ("an unknown role", |p, w| with_claim(p, w, "role", json!("root"))),
    ("no exp", |p, w| with_claim(p, w, "exp", Value::Null)),
    ("an exp that is text", |p, w| with_claim(p, w, "exp", json!("9999999999"))),
    ("an exp in the past", |p, w| with_claim(p, w, "exp", json!(1_700_000_000))),
    ("no iat", |p, w| with_claim(p, w, "iat", Value::Null)),
    ("no client_id", |p, w| with_claim(p, w, "client_id", Value::Null)),
    ("a client_id that is not text", |p, w| with_claim(p, w, "client_id", json!(7))),
    ("no jti", |p, w| with_claim(p, w, "jti", Value::Null)),
    ("a jti that is not text", |p, w| with_claim(p, w, "jti", json!({}))),
    ("an exp in the present second", |p, w| with_claim(p, w, "exp", json!(p.clock.now().timestamp()))),
];

const TAMPERED: [(&str, Make); 4] = [
    ("a changed payload", |p, w| {
        let token = signed(&header(p), &claims(p, w));
        let parts: Vec<&str> = token.split('.').collect();
        let mut other = claims(p, w);
        other["sub"] = json!(w.ben.id);
        format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(other.to_string()), parts[2])
    }),
    ("a changed signature", |p, w| {
        let token = signed(&header(p), &claims(p, w));
        let last = if token.ends_with('A') { "Q" } else { "A" };
        format!("{}{last}", &token[..token.len() - 1])
    }),
    ("a token of another key", |p, w| {
        let text = format!("{}.{}", part(&header(p)), part(&claims(p, w)));
        let signature = SigningKey::from_bytes(&[9; 32]).sign(text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }),
    ("a key in the header", |p, w| {
        let own = SigningKey::from_bytes(&[9; 32]);
        let mut header = header(p);
        header["jwk"] = json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(own.verifying_key().as_bytes()) });
        let text = format!("{}.{}", part(&header), part(&claims(p, w)));
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(own.sign(text.as_bytes()).to_bytes()))
    }),
];

/// Values of `Authorization`, and the code of their 401.
#[rustfmt::skip]
const HEADERS: [(&str, &str, &str); 13] = [
    ("Basic", "Basic YW5uOnNlY3JldA==", "not_authenticated"),
    ("another scheme", "Token {access}", "not_authenticated"),
    ("no scheme", "{access}", "token_not_valid"),
    ("an empty header", "", "token_not_valid"),
    ("a scheme without a token", "Bearer", "token_not_valid"),
    ("a scheme and a space", "Bearer ", "token_not_valid"),
    ("a word as the token", "Bearer nonsense", "token_not_valid"),
    ("two parts", "Bearer a.b", "token_not_valid"),
    ("four parts", "Bearer {access}.x", "token_not_valid"),
    ("two tokens", "Bearer {access} {access}", "token_not_valid"),
    ("two tokens with a comma", "Bearer {access}, Bearer {access}", "token_not_valid"),
    ("a refresh token as access token", "Bearer {refresh}", "token_not_valid"),
    ("dots", "Bearer ..", "token_not_valid"),
];

pub fn rows() -> Vec<Row> {
    let mine = |name: &str| Row::new(&format!("token: {name}"), "GET", "/api/users/me/");
    let mut rows = vec![
        mine("none").who(As::Nobody).is(401, "not_authenticated"),
        mine("twice").header("authorization", "Bearer x").is(401, "token_not_valid").gap("repeated header"),
        mine("not ASCII")
            .gap("header that is not text")
            .who(As::Nobody)
            .header("authorization", b"Bearer \xff\xfe".to_vec())
            .is(401, "token_not_valid"),
        Row::new("refresh: an access token", "POST", "/api/token/refresh/")
            .json(r#"{"refresh": "{access}"}"#)
            .who(As::Nobody)
            .is(401, "token_not_valid"),
        Row::new("refresh: nonsense", "POST", "/api/token/refresh/")
            .json(r#"{"refresh": "nonsense"}"#)
            .who(As::Nobody)
            .is(401, "token_not_valid"),
        Row::new("blacklist: an access token", "POST", "/api/token/blacklist/")
            .json(r#"{"refresh": "{access}"}"#)
            .who(As::Nobody)
            .is(401, "token_not_valid"),
        Row::new("verify: nonsense", "POST", "/api/token/verify/")
            .json(r#"{"token": "nonsense"}"#)
            .who(As::Nobody)
            .is(401, "token_not_valid"),
        Row::new("send without a token", "POST", "/api/messages/")
            .json(r#"{"conversation": "{conversation}", "message_body": "memo"}"#)
            .who(As::Nobody)
            .is(401, "not_authenticated"),
        Row::new("a bad path without a token", "GET", "/api/messages/nonsense/")
            .who(As::Nobody)
            .is(401, "not_authenticated"),
        Row::new("a bad body without a token", "POST", "/api/messages/")
            .json("{")
            .who(As::Nobody)
            .is(401, "not_authenticated"),
    ];
    for (name, value, code) in HEADERS {
        rows.push(mine(name).who(As::Header(value.to_owned())).is(401, code));
    }
    for (name, make) in FORGED.into_iter().chain(TAMPERED) {
        rows.push(mine(name).who(As::Made(make)).is(401, "token_not_valid"));
    }
    rows
}
