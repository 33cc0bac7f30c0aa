//! The id of a WebSocket connection, which API Gateway makes. It is not a UUID.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de};

use super::WrongId;

/// The maximum length of an id in bytes. The ids of API Gateway have 16.
const MAX_LENGTH: usize = 128;

/// The id of a WebSocket connection: at most 128 letters, digits and `-_=`. API Gateway makes ids such as
/// `L0SM9cOFvHcCIhw=`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ConnectionId(String);

impl ConnectionId {
    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ConnectionId {
    type Err = WrongId;

    fn from_str(text: &str) -> Result<Self, WrongId> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte);
        let is_valid = !text.is_empty() && text.len() <= MAX_LENGTH && text.bytes().all(fits);
        if is_valid { Ok(Self(text.to_owned())) } else { Err(WrongId { kind: "connection" }) }
    }
}

impl<'de> Deserialize<'de> for ConnectionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_characters_of_api_gateways_ids_are_read() {
        assert!("L0SM9cOFvHcCIhw=".parse::<ConnectionId>().is_ok());
        for text in ["", "a/b", "a#b", "a b", "ä", &"a".repeat(129)] {
            assert!(text.parse::<ConnectionId>().is_err(), "{text}");
        }
    }
}
