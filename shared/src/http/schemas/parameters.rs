//! The parameters that extractors read: ids in paths, and headers.

use utoipa::{
    IntoParams, ToSchema,
    openapi::{
        ObjectBuilder, Ref, RefOr, Required, Schema, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use super::UUID_V7_HEADER;
use crate::{
    http::{IdempotencyKeyHeader, Ids, IfMatch, IfNoneMatch},
    ids::{ConversationId, MessageId, ReportId, SessionId, UserId},
    model::emoji::Emoji,
};

fn in_path<T: ToSchema>(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(Ref::from_schema_name(T::name())))
        .build()
}

/// Describes ids in paths, one implementation for each type of id.
macro_rules! ids {
    ($($id:ty: $description:literal;)*) => {$(
        impl IntoParams for Ids<$id> {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![in_path::<$id>("id", $description)]
            }
        }
    )*};
}

ids! {
    UserId: "The id of the user.";
    SessionId: "The id of the session.";
    ConversationId: "The id of the conversation.";
    MessageId: "The id of the message.";
    ReportId: "The id of the report.";
}

impl IntoParams for Ids<(ConversationId, UserId)> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            in_path::<ConversationId>("id", "The id of the conversation."),
            in_path::<UserId>("user_id", "The id of the participant."),
        ]
    }
}

impl IntoParams for Ids<(MessageId, Emoji)> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            in_path::<MessageId>("id", "The id of the message."),
            in_path::<Emoji>("emoji", "The emoji, encoded for a URL."),
        ]
    }
}

fn header(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Vec<Parameter> {
    let header =
        ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(Required::False);
    vec![header.description(Some(description)).schema(Some(schema)).build()]
}

/// Returns the schema of `*` or a list of entity tags (RFC 9110, sections 8.8.3 and 13.1).
fn tags() -> ObjectBuilder {
    let tags = r#"^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$"#;
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(tags))
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description =
            "One or more values of `ETag`. The response is 412 if none of them is the current version.";
        header("If-Match", description, tags().examples(["\"3\""]))
    }
}

impl IntoParams for IfNoneMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description =
            "One or more values of `ETag`. The response is 304 if one of them is the current version.";
        let tag = ObjectBuilder::new().schema_type(Type::String).examples(["W/\"kxbU4vJPbJfC\""]);
        header("If-None-Match", description, tag)
    }
}

impl IntoParams for IdempotencyKeyHeader {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The idempotency key, a UUIDv7, with or without quotation marks. The field \
                           `client_id` of the body has the same meaning.";
        // There is no `format: uuid`, because some generated clients cannot put UUIDs into headers.
        let key = ObjectBuilder::new().schema_type(Type::String).pattern(Some(UUID_V7_HEADER));
        header("Idempotency-Key", description, key.examples(["019aac3f-8e00-7cc3-98c4-dc0c0c07398f"]))
    }
}
