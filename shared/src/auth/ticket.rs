//! The text of a ticket that opens a WebSocket connection: 256 random bits. Its item contains only the digest of these bits.
//! No code here prints a ticket.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;

use super::bearer::Secret;
use crate::random::Random;

/// The lifetime of a ticket. A client uses it at once.
pub const TICKET_LIFETIME: TimeDelta = TimeDelta::seconds(30);

/// The secret of a ticket. It has no `Debug`, because that would print the secret.
pub struct TicketSecret(Secret);

impl TicketSecret {
    /// Creates a random secret.
    #[must_use]
    pub fn new(random: &Random) -> Self {
        Self(Secret::new(random))
    }

    /// Reads a ticket; `None` if it is not 32 bytes in base64url.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(Secret::from_bytes(bytes.try_into().ok()?)))
    }

    /// Returns the ticket: 32 bytes in base64url.
    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.bytes())
    }

    /// Returns SHA-256 of the secret, in base64url.
    #[must_use]
    pub fn digest(&self) -> String {
        self.0.digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_read_back() {
        let secret = TicketSecret::new(&Random::from_seed(1));
        let text = secret.encode();
        assert_eq!(text.len(), 43);
        let read = TicketSecret::parse(&text).unwrap();
        assert_eq!((read.encode(), read.digest()), (text.clone(), secret.digest()));
        assert!(!text.contains(&secret.digest()));
        for bad in ["", "a", &text[1..], &format!("{text}A"), &format!("{text}="), &"%".repeat(43)] {
            assert!(TicketSecret::parse(bad).is_none(), "{bad}");
        }
    }
}
