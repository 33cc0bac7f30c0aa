//! The text form of ids, in JSON and in the description of the API: canonical lower case. Only the hyphenated form is
//! read. The types of ids are declared in the parent module.

use utoipa::openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat, Type};
use uuid::Uuid;

/// A string that is not an id of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the id of a {kind}")]
pub struct WrongId {
    pub(super) kind: &'static str,
}

/// Reads a UUID in the hyphenated form: 36 characters, in upper or lower case. Other forms are errors.
pub(super) fn parse_uuid(text: &str, kind: &'static str) -> Result<Uuid, WrongId> {
    if text.len() != 36 {
        return Err(WrongId { kind });
    }
    Uuid::try_parse(text).map_err(|_| WrongId { kind })
}

/// Returns the schema of an id. `pattern` restricts the version of the UUID, which the format `uuid` does not do.
pub(super) fn schema(description: &str, pattern: Option<&str>, example: &str) -> RefOr<Schema> {
    let id =
        ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::Custom("uuid".to_owned())));
    id.description(Some(description)).pattern(pattern).examples([example]).into()
}

/// Implements the text and serde forms (canonical lower case) and the schema of an id type that has `from_uuid` and
/// `uuid`.
macro_rules! id_text {
    ($type:ident, $kind:literal, $description:expr, $pattern:expr, $example:literal) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                schema($description, $pattern, $example)
            }
        }

        impl ToSchema for $type {}

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.uuid().hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self)
            }
        }

        impl FromStr for $type {
            type Err = WrongId;

            fn from_str(text: &str) -> Result<Self, WrongId> {
                Self::from_uuid(parse_uuid(text, $kind)?).ok_or(WrongId { kind: $kind })
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut buffer = Uuid::encode_buffer();
                serializer.serialize_str(self.uuid().hyphenated().encode_lower(&mut buffer))
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(|_| {
                    de::Error::invalid_value(de::Unexpected::Other("text"), &concat!("the id of a ", $kind))
                })
            }
        }
    };
}

pub(super) use id_text;
