//! Identifiers of users, sessions, conversations, messages, reports, requests and connections. A message's id contains its number, so finding
//! a message by its id is one key look-up. This module parses and prints ids; it does not read the table.

mod connection;
mod text;

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};
use uuid::{Builder, Uuid, Version};

use self::text::{id_text, parse_uuid, schema};
pub use self::{connection::ConnectionId, text::WrongId};

/// The number of bits of a message id that hold the message's number.
const NUMBER_BITS: u32 = 42;

/// The highest message number, 2^42 − 1 (13 decimal digits).
pub const MAX_NUMBER: u64 = (1 << NUMBER_BITS) - 1;

/// Declares an id type that accepts every UUID.
macro_rules! plain_id {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type(Uuid);

        impl $type {
            /// Creates the id from a UUID.
            #[must_use]
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Returns the id as a UUID.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            #[allow(clippy::unnecessary_wraps, reason = "the shape that `id_text` asks of every id")]
            const fn from_uuid(uuid: Uuid) -> Option<Self> {
                Some(Self(uuid))
            }
        }

        id_text!($type, $kind, concat!("The id of a ", $kind, "."), None, $example);
    };
}

plain_id!(
    /// The id of a user: a random UUID.
    UserId, "user", "5e2f3f6e-4a0e-4cbb-8f0f-5f8b1f2d9a10"
);
plain_id!(
    /// The id of a session, which is one login on one device: a random UUID.
    SessionId, "session", "0b9a7c1e-63c8-4a57-9d1c-2f4f6f1f7b21"
);
plain_id!(
    /// The id of a device on which a user has logged in: a random UUID.
    DeviceId, "device", "c6f0a2d4-1b7e-4f39-8a55-7d2e9b3c4f60"
);
plain_id!(
    /// The id of a report: a UUID that begins with a time, so that later reports have higher ids.
    ReportId, "report", "019aac3f-8e00-8cc3-98c4-dc0c0c07398f"
);

/// The id of a conversation: a `UUIDv8` (RFC 9562, section 5.8) that consists of an 80-bit prefix and 42 zero bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConversationId {
    prefix: u128,
}

/// The id of a message: the prefix of its conversation, with the message's number (from 1) in the low 42 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId {
    /// The conversation that contains the message.
    pub conversation: ConversationId,
    /// The message's number in the conversation, 1 to [`MAX_NUMBER`].
    pub number: u64,
}

/// Returns the `UUIDv8` that holds the 122 bits of `free` around its version and variant bits.
fn spread(free: u128) -> Uuid {
    let (a, b, c) = (free >> 74, (free >> 62) & 0xfff, free & ((1 << 62) - 1));
    Builder::from_u128((a << 80) | (b << 64) | c)
        .with_version(Version::Custom)
        .with_variant(uuid::Variant::RFC4122)
        .into_uuid()
}

/// Returns the 122 free bits of a `UUIDv8`, the reverse of [`spread`]; `None` for a UUID of another version or variant.
fn gather(uuid: Uuid) -> Option<u128> {
    let custom = uuid.get_version() == Some(Version::Custom) && uuid.get_variant() == uuid::Variant::RFC4122;
    let bits = uuid.as_u128();
    custom.then_some(((bits >> 80) << 74) | (((bits >> 64) & 0xfff) << 62) | (bits & ((1 << 62) - 1)))
}

impl ConversationId {
    /// Returns the conversation id whose 80-bit prefix is `bytes`, in big-endian order.
    #[must_use]
    pub fn from_prefix(bytes: [u8; 10]) -> Self {
        let prefix = bytes.iter().fold(0, |bits, byte| (bits << 8) | u128::from(*byte));
        Self { prefix }
    }

    /// Returns the id as a UUID.
    #[must_use]
    pub fn uuid(self) -> Uuid {
        spread(self.prefix << NUMBER_BITS)
    }

    /// Returns the id of message `number` of this conversation.
    #[must_use]
    pub const fn message(self, number: u64) -> MessageId {
        MessageId { conversation: self, number }
    }

    /// Returns the conversation id that a UUID contains; `None` if the UUID is not a conversation id.
    #[must_use]
    pub fn from_uuid(uuid: Uuid) -> Option<Self> {
        let free = gather(uuid)?;
        let number = free & u128::from(MAX_NUMBER);
        (number == 0).then_some(Self { prefix: free >> NUMBER_BITS })
    }
}

impl MessageId {
    /// Returns the id as a UUID.
    #[must_use]
    pub fn uuid(self) -> Uuid {
        spread((self.conversation.prefix << NUMBER_BITS) | u128::from(self.number))
    }

    fn from_uuid(uuid: Uuid) -> Option<Self> {
        let free = gather(uuid)?;
        let number = u64::try_from(free & u128::from(MAX_NUMBER)).ok()?;
        let conversation = ConversationId { prefix: free >> NUMBER_BITS };
        (number > 0).then_some(Self { conversation, number })
    }
}

id_text!(
    ConversationId,
    "conversation",
    "The id of a conversation, a UUIDv8.",
    Some("^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-8[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F][048cC]0{10}$"),
    "01234567-89ab-8cde-bc04-8c0000000000"
);
id_text!(
    MessageId,
    "message",
    "The id of a message, a UUIDv8. It is the id of the conversation with the number of the message in the \
     low 42 bits.",
    Some("^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-8[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$"),
    "01234567-89ab-8cde-bc04-8c0000000002"
);

/// The client's key of one request: a `UUIDv7` (RFC 9562, section 5.7) that the client makes when its user presses
/// send. Each retry carries the same key, so the server recognises the retry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(Uuid);

impl IdempotencyKey {
    /// Creates a key from a UUID that the server made for its own retries.
    #[must_use]
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Returns the key as a UUID.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// Returns the time at which the client made the key, by the client's clock, with a resolution of one millisecond.
    #[must_use]
    pub fn made_at(self) -> DateTime<Utc> {
        let (seconds, nanos) = self.0.get_timestamp().map_or((0, 0), |timestamp| timestamp.to_unix());
        i64::try_from(seconds)
            .ok()
            .and_then(|seconds| DateTime::from_timestamp(seconds, nanos))
            .unwrap_or_default()
    }

    fn from_uuid(uuid: Uuid) -> Option<Self> {
        let sortable =
            uuid.get_version() == Some(Version::SortRand) && uuid.get_variant() == uuid::Variant::RFC4122;
        sortable.then_some(Self(uuid))
    }
}

id_text!(
    IdempotencyKey,
    "request (a UUIDv7)",
    "A UUIDv7 that the client creates when its user presses send. It must be the same in every retry.",
    Some("^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$"),
    "019aac3f-8e00-7cc3-98c4-dc0c0c07398f"
);

#[cfg(test)]
mod tests {
    use super::*;

    const CONVERSATION: ConversationId = ConversationId { prefix: 0x0123_4567_89ab_cdef_0123 };

    #[test]
    fn ids_have_their_golden_form() {
        assert_eq!(CONVERSATION.to_string(), "01234567-89ab-8cde-bc04-8c0000000000");
        assert_eq!(CONVERSATION.message(1).to_string(), "01234567-89ab-8cde-bc04-8c0000000001");
        assert_eq!(CONVERSATION.message(MAX_NUMBER).to_string(), "01234567-89ab-8cde-bc04-8fffffffffff");
    }

    #[test]
    fn ids_are_read_back() {
        for number in [1, 2, 1 << 41, MAX_NUMBER] {
            let id = CONVERSATION.message(number);
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        }
        assert_eq!(CONVERSATION.to_string().parse(), Ok(CONVERSATION));
        assert_eq!(
            ConversationId::from_prefix([0xff; 10]).to_string().parse(),
            Ok(ConversationId::from_prefix([0xff; 10]))
        );
    }

    #[test]
    fn an_id_of_another_kind_is_none() {
        assert!(CONVERSATION.message(1).to_string().parse::<ConversationId>().is_err());
        assert!(CONVERSATION.to_string().parse::<MessageId>().is_err());
        assert!(CONVERSATION.to_string().parse::<IdempotencyKey>().is_err());
        for text in ["", "a", "01234567-89ab-4cde-bc04-8c0000000001", "0123456789ab8cdebc048c0000000001", "#"]
        {
            assert!(text.parse::<MessageId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_client_key_tells_its_time() {
        let key: IdempotencyKey = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".parse().unwrap(); // RFC 9562, appendix A.6
        assert_eq!(key.made_at().to_rfc3339(), "2022-02-22T19:22:22+00:00");
    }
}
