//! A list of users as one attribute: 16 bytes for each id, in base64url. A list of strings would take twice the space,
//! and reading its fifty values would cost more than reading the rest of the item.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serializer, de::Error};
use uuid::Uuid;

use crate::ids::UserId;

/// Returns the text of the attribute.
pub(in crate::store) fn text(users: &[UserId]) -> String {
    let bytes: Vec<u8> = users.iter().flat_map(|user| *user.uuid().as_bytes()).collect();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads the text of the attribute.
pub(super) fn parse<E: Error>(text: &str) -> Result<Vec<UserId>, E> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(E::custom)?;
    let (ids, rest) = bytes.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(E::custom("expected ids of 16 bytes each"));
    }
    Ok(ids.iter().map(|id| UserId::new(Uuid::from_bytes(*id))).collect())
}

pub(super) fn serialize<S: Serializer>(users: &[UserId], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(users))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<UserId>, D::Error> {
    parse(&String::deserialize(deserializer)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_survive_the_attribute() {
        let users = [1, 2].map(|n| UserId::new(Uuid::from_u128(n)));
        let mut written = Vec::new();
        serialize(&users, &mut serde_json::Serializer::new(&mut written)).unwrap();
        assert_eq!(written, br#""AAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAI""#);
        let read = deserialize(&mut serde_json::Deserializer::from_slice(&written)).unwrap();
        assert_eq!(read, users);
        for bad in [r#""AAAA""#, r#""%""#, "1"] {
            assert!(deserialize(&mut serde_json::Deserializer::from_str(bad)).is_err(), "{bad}");
        }
    }
}
