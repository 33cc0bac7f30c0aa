//! A list of users as one attribute: 16 bytes for each id, in base64url. A list of strings would take twice the space,
//! and reading its fifty values would cost more than reading the rest of the item.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serializer, de::Error};
use uuid::Uuid;

use crate::ids::UserId;

pub(super) fn serialize<S: Serializer>(users: &[UserId], serializer: S) -> Result<S::Ok, S::Error> {
    let bytes: Vec<u8> = users.iter().flat_map(|user| *user.uuid().as_bytes()).collect();
    serializer.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<UserId>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(D::Error::custom)?;
    let (ids, rest) = bytes.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(D::Error::custom("expected ids of 16 bytes each"));
    }
    Ok(ids.iter().map(|id| UserId::new(Uuid::from_bytes(*id))).collect())
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
