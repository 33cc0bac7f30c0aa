//! The request of `POST /api/sync/`, and the cursor of its pages. A cursor belongs to one user and to the numbers of one
//! call: it continues in the middle of what is above exactly these numbers.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _};

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};
use shared::{
    http::{
        Fields, FromFields, RequestBody,
        page::{List, cursor, read_cursor},
        schemas::Cursor,
        typed,
    },
    ids::{ConversationId, MAX_NUMBER, UserId},
    model::{Invalid, message::digest},
    store::sync::{Numbers, SyncPosition, SyncRequest},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};
use uuid::Uuid;

/// The maximum number of conversations that a call names.
const MOST_CONVERSATIONS: usize = 200;

/// The number of characters of a digest in a cursor.
const DIGEST: usize = 12;

/// The number in a cursor that stands for no number.
const NONE: u64 = u64::MAX;

/// The numbers that a client holds.
#[derive(Debug, ToSchema)]
#[schema(as = Sync)]
pub struct Sync {
    /// The numbers of the last message and of the last change that the client holds, by conversation. A client with
    /// more than 200 conversations sends them in groups in the order of their ids.
    #[schema(value_type = HeldNumbers, required = false)]
    conversations: BTreeMap<ConversationId, Held>,
    /// The highest id of the group before, if the client sends its conversations in groups.
    #[schema(required = false)]
    after: Option<ConversationId>,
    /// The `next` of the page before. The other fields must be the same as in the first call.
    #[schema(value_type = Option<Cursor>, required = false)]
    cursor: Option<String>,
}

/// The numbers of the last message and of the last change, as a list of two numbers.
#[derive(Debug, Clone, Copy)]
pub struct Held(Numbers);

impl<'de> Deserialize<'de> for Held {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let numbers = Vec::<Value>::deserialize(deserializer).unwrap_or_default();
        // JSON has one kind of number: 288.0 is an integer, too (JSON Schema 2020-12, section 6.1.1).
        let integer = |value: &Value| value.to_string().trim_end_matches(".0").parse::<u64>().ok();
        let number =
            |value: &Value| integer(value).filter(|number| value.is_number() && *number <= MAX_NUMBER);
        match numbers.iter().map(number).collect::<Vec<_>>()[..] {
            [Some(message), Some(change)] => Ok(Self(Numbers { message, change })),
            _ => Err(de::Error::custom(
                "must be a list of two numbers of 0 or more: the last message and the last change",
            )),
        }
    }
}

impl PartialSchema for Held {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(0))
            .maximum(Some(MAX_NUMBER))
            .description(Some("A number, or 0 for none."));
        ArrayBuilder::new()
            .items(number)
            .min_items(Some(2))
            .max_items(Some(2))
            .description(Some("The number of the last message and the number of the last change."))
            .examples([serde_json::json!([12, 3])])
            .into()
    }
}

impl ToSchema for Held {
    fn name() -> Cow<'static, str> {
        "LogNumbers".into()
    }
}

/// Numbers by conversation.
#[derive(Debug)]
pub struct HeldNumbers;

impl PartialSchema for HeldNumbers {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(Held::schema()))
            .max_properties(Some(MOST_CONVERSATIONS))
            .description(Some(
                "The numbers of the last message and of the last change that the client holds, by conversation, for \
                 at most 200 conversations.",
            ))
            .examples([serde_json::json!({ "01234567-89ab-8cde-bc04-8c0000000000": [12, 3] })])
            .into()
    }
}

impl ToSchema for HeldNumbers {}

impl FromFields for Sync {
    fn read(fields: &mut Fields) -> Option<Self> {
        let object = fields.optional("conversations", most).unwrap_or_default();
        let conversations = fields.members("conversations", object, "the id of a conversation");
        let after: Option<ConversationId> = fields.optional("after", typed);
        let cursor = fields.optional("cursor", typed);
        let conversations: BTreeMap<ConversationId, Held> = conversations?;
        if after.is_some_and(|after| conversations.keys().any(|id| *id <= after)) {
            fields.fault("after", "must be lower than every id in `conversations`");
        }
        Some(Self { conversations, after, cursor })
    }
}

impl RequestBody for Sync {}

fn most(value: Value) -> Result<Map<String, Value>, Invalid> {
    let reason = match value {
        Value::Object(object) if object.len() <= MOST_CONVERSATIONS => return Ok(object),
        Value::Object(_) => "must contain at most 200 conversations; send the others in other calls",
        _ => "must be a JSON object",
    };
    Err(Invalid::new("conversations", reason))
}

/// A request of one user, with the position of its page.
#[derive(Debug)]
pub(super) struct SyncOfUser {
    user: UserId,
    held: BTreeMap<ConversationId, Numbers>,
    after: Option<ConversationId>,
    digest: String,
    position: Option<SyncPosition>,
}

impl Sync {
    /// Returns the position of the page; `None` for the first page. Fails if the cursor belongs to another user or to a
    /// call with other numbers.
    pub(super) fn position(&self, user: UserId) -> Result<Option<SyncPosition>, Invalid> {
        self.position_in(&self.digest(user))
    }

    fn position_in(&self, digest: &str) -> Result<Option<SyncPosition>, Invalid> {
        self.cursor.as_deref().map(|cursor| position(cursor, digest)).transpose()
    }

    /// Returns the request of `user`. Fails like [`Sync::position`].
    pub(super) fn of(self, user: UserId) -> Result<SyncOfUser, Invalid> {
        let digest = self.digest(user);
        let position = self.position_in(&digest)?;
        let held = self.conversations.into_iter().map(|(id, Held(numbers))| (id, numbers)).collect();
        Ok(SyncOfUser { user, held, after: self.after, digest, position })
    }

    /// Returns the digest of the user and of the numbers of the call.
    fn digest(&self, user: UserId) -> String {
        let mut numbers = String::new();
        for (id, Held(Numbers { message, change })) in &self.conversations {
            // Writing to a string does not fail.
            let _ = write!(numbers, "{id} {message} {change};");
        }
        let after = self.after.map(|after| after.to_string()).unwrap_or_default();
        let mut digest = digest([&user.to_string(), &after, &numbers]);
        digest.truncate(DIGEST);
        digest
    }
}

impl SyncOfUser {
    /// Returns the request for the page. A call with as many conversations as possible ends at the last of them, because
    /// the client may hold more.
    pub(super) fn pages(&self) -> SyncRequest<'_> {
        let last = self.held.last_key_value().map(|(id, _)| *id);
        let until = last.filter(|_| self.held.len() == MOST_CONVERSATIONS);
        let Self { user, held, after, position, .. } = self;
        SyncRequest { user: *user, held, after: *after, until, position: *position }
    }

    /// Returns the cursor of a position in the pages of this call.
    pub(super) fn cursor(&self, position: SyncPosition) -> String {
        let SyncPosition { conversation, reached } = position;
        let [message, change] = reached.map_or([NONE; 2], |reached| [reached.message, reached.change]);
        let (message, change) = (message.to_be_bytes(), change.to_be_bytes());
        let id = conversation.uuid();
        cursor(List::Sync, &[self.digest.as_bytes(), id.as_bytes(), &message, &change].concat())
    }
}

fn position(text: &str, digest: &str) -> Result<SyncPosition, Invalid> {
    let bytes: Option<[u8; DIGEST + 32]> = read_cursor(List::Sync, text).ok();
    let bytes = bytes.filter(|bytes| bytes.starts_with(digest.as_bytes()));
    bytes.and_then(|bytes| position_of(&bytes[DIGEST..])).ok_or_else(|| {
        let reason =
            "is not a valid cursor for this call; send the `next` of its last page with the same fields";
        Invalid::new("cursor", reason)
    })
}

fn position_of(bytes: &[u8]) -> Option<SyncPosition> {
    let number = |at: usize| Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let conversation = ConversationId::from_uuid(Uuid::from_slice(bytes.get(..16)?).ok()?)?;
    let reached = match (number(16)?, number(24)?) {
        (NONE, NONE) => None,
        (message, change) if message.max(change) <= MAX_NUMBER => Some(Numbers { message, change }),
        _ => return None,
    };
    Some(SyncPosition { conversation, reached })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_call(message: u64, user: u128) -> SyncOfUser {
        let id = ConversationId::from_prefix([7; 10]);
        let conversations = BTreeMap::from([(id, Held(Numbers { message, change: 0 }))]);
        let call = Sync { conversations, after: None, cursor: None };
        call.of(UserId::new(Uuid::from_u128(user))).unwrap()
    }

    #[test]
    fn a_cursor_belongs_to_one_call_of_one_user() {
        let call = of_call(3, 1);
        for reached in [None, Some(Numbers { message: 5, change: MAX_NUMBER })] {
            let made = SyncPosition { conversation: ConversationId::from_prefix([9; 10]), reached };
            let text = call.cursor(made);
            assert_eq!(position(&text, &call.digest).unwrap(), made);
            for other in [of_call(4, 1), of_call(3, 2)] {
                assert!(position(&text, &other.digest).is_err());
            }
        }
        let too_high = Numbers { message: MAX_NUMBER + 1, change: 0 };
        let made =
            SyncPosition { conversation: ConversationId::from_prefix([9; 10]), reached: Some(too_high) };
        assert!(position(&call.cursor(made), &call.digest).is_err());
    }
}
