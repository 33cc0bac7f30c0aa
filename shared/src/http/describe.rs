//! How the API's description (`OpenAPI`) tells of values whose rules no derive can know, from the same constants that check
//! them; and of the extractors, by the types that handlers name. Nothing of this runs in a deployed function.

use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, Required, Schema, SchemaFormat, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{AdditionalProperties, AnyOfBuilder, SchemaType},
    },
};

use super::{IdempotencyKey, Ids, IfMatch, IfNoneMatch, Json, Limit, RequestBody};
use crate::{
    auth::password::{LONGEST, SHORT},
    ids::{ClientKey, ConversationId, MAX_NUMBER, MessageId, SessionId, UserId},
    model::{conversation, email, message, text::Rule, user},
};

/// Text without the control characters that `model::text` refuses.
const PLAIN: &str = r"^[^\u0000-\u0008\u000b-\u001f\u007f]*$";
/// The same, and not only white space: as Unicode has it, which ECMAScript's `\s` does not know quite.
const NOT_BLANK: &str = concat!(
    r"^[^\u0000-\u0008\u000b-\u001f\u007f]*",
    r"[^\u0000-\u0020\u007f\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    r"[^\u0000-\u0008\u000b-\u001f\u007f]*$"
);
/// One line: neither control characters nor line ends nor controls of the direction of text.
const LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*$";
/// The same, and not only white space.
const LINE_NOT_BLANK: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*",
    r"[^\u0000-\u0020\u007f-\u00a0\u061c\u1680\u2000-\u200a\u200e\u200f\u2028-\u202f\u205f\u2066-\u2069\u3000]",
    r"[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*$"
);
/// `model::user::phone_number`.
const PHONE_NUMBER: &str = r"^ *$|^(?:[+()./ -]*[0-9]){3,15}[+()./ -]*$";

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(PLAIN))
}

fn text(rule: Rule) -> ObjectBuilder {
    let minimum = (rule.min > 0).then_some(rule.min);
    let pattern = match (rule.is_line, rule.min) {
        (true, 0) => LINE,
        (true, _) => LINE_NOT_BLANK,
        (false, 0) => PLAIN,
        (false, _) => NOT_BLANK,
    };
    string().min_length(minimum).max_length(Some(rule.max)).pattern(Some(pattern))
}

/// Declares types that stand for a kind of text in schemas, and for nothing else.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $schema:expr, $example:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.examples([$example]).into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

texts! {
    /// What a message says.
    MessageBody = text(message::BODY).description(Some("At most 48 KB in UTF-8, and one character of it visible.")),
        "See you at the harbour at six.";
    /// What a message says, or said: nothing, once it is deleted.
    KeptBody = text(Rule { min: 0, ..message::BODY }).description(Some("Empty where the message is deleted.")),
        "See you at the harbour at six.";
    /// A conversation's name.
    ConversationName = text(conversation::NAME), "Weekend trip";
    /// A first name.
    FirstName = text(user::FIRST_NAME), "Ann";
    /// A last name.
    LastName = text(user::LAST_NAME), "Miller";
    /// A phone number.
    PhoneNumber = text(user::PHONE_NUMBER)
        .pattern(Some(PHONE_NUMBER))
        .description(Some("3 to 15 digits, with `+ ( ) - . /` and spaces.")),
        "+44 20 7946 0018";
    /// An email address.
    EmailAddress = string().format(Some(SchemaFormat::Custom("idn-email".to_owned()))).max_length(Some(email::EMAIL_BYTES)),
        "ann@example.com";
    /// A password that logs in.
    PasswordText = string().format(Some(SchemaFormat::KnownFormat(KnownFormat::Password))), "keys under the doormat";
    /// A password that is to be set.
    NewPasswordText = string()
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
        .min_length(Some(SHORT))
        .max_length(Some(LONGEST))
        .description(Some("15 characters or more, or fewer that are hard to guess; not the email address.")),
        "keys under the doormat";
    /// A token as it travels.
    TokenText = string(), "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl";
    /// A cursor.
    Cursor = string().description(Some("A place in this list, out of a `next` or `previous` link.")), "dQAGCeBp_xfAXi8_bkoOTLuPD1-LHy2aEA";
    /// A link to follow.
    Link = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::Custom("uri-reference".to_owned()))),
        "https://api.example.com/api/messages/?conversation=01234567-89ab-8cde-bc04-8c0000000000&limit=50";
}

/// Any JSON that a client attaches: text without control characters, and numbers that come back as they were sent.
#[derive(Debug)]
pub struct JsonValue;

impl PartialSchema for JsonValue {
    fn schema() -> RefOr<Schema> {
        let plain = [Type::Null, Type::Boolean].map(|kind| ObjectBuilder::new().schema_type(kind).into());
        // Of every size that a double can hold, and as precise as it is written.
        let number = ObjectBuilder::new().schema_type(Type::Number).into();
        let array = ArrayBuilder::new().items(Ref::from_schema_name("JsonValue")).into();
        let any = plain.into_iter().chain([number, string().into(), array, object().into()]);
        any.fold(AnyOfBuilder::new(), |any, schema: Schema| any.item(schema))
            .description(Some("JSON of the client's own, at most 16 levels deep."))
            .into()
    }
}

impl ToSchema for JsonValue {}

fn object() -> ObjectBuilder {
    let names = Schema::Object(string().build());
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property_names(Some(names))
        .additional_properties(Some(Ref::from_schema_name("JsonValue")))
}

/// A JSON object that a client attaches.
#[derive(Debug)]
pub struct Metadata;

impl PartialSchema for Metadata {
    fn schema() -> RefOr<Schema> {
        object()
            .description(Some("A JSON object of the client's own, at most 4 KB."))
            .examples([serde_json::json!({"colour": "blue"})])
            .into()
    }
}

impl ToSchema for Metadata {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((JsonValue::name().into(), JsonValue::schema()));
    }
}

/// A parameter that is on or off.
#[derive(Debug)]
pub struct Switch;

impl PartialSchema for Switch {
    fn schema() -> RefOr<Schema> {
        let words =
            ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["1", "0", "true", "false"]));
        words.default(Some("0".into())).into()
    }
}

impl ToSchema for Switch {}

/// The number of a change.
#[derive(Debug)]
pub struct ChangeNumber;

impl PartialSchema for ChangeNumber {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer);
        number.minimum(Some(0)).maximum(Some(MAX_NUMBER - 1)).examples([7]).into()
    }
}

impl ToSchema for ChangeNumber {}

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(100))
            .examples([20])
            .into()
    }
}

impl ToSchema for Limit {}

/// A request's body: its fields, and those that may be sent back and are passed over. By this trait, as
/// `#[utoipa::path]` asks for it where a type has parameters.
impl<T: RequestBody + ToSchema> utoipa::__dev::ComposeSchema for Json<T> {
    fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        let RefOr::T(Schema::Object(mut object)) = T::schema() else {
            return T::schema();
        };
        for name in T::READ_ONLY {
            let any = ObjectBuilder::new().schema_type(SchemaType::AnyValue).read_only(true);
            object.properties.insert((*name).to_owned(), any.into());
        }
        // Unknown fields are refused.
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        object.title = Some(T::name().into());
        RefOr::T(Schema::Object(object))
    }
}

impl<T: RequestBody + ToSchema> ToSchema for Json<T> {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}

fn in_path<T: ToSchema>(name: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(Ref::from_schema_name(T::name())))
        .build()
}

/// Ids in paths, by the type that the handler takes them as.
macro_rules! ids {
    ($($id:ty),*) => {$(
        impl IntoParams for Ids<$id> {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![in_path::<$id>("id")]
            }
        }
    )*};
}

ids!(UserId, SessionId, ConversationId, MessageId);

impl IntoParams for Ids<(ConversationId, UserId)> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path::<ConversationId>("id"), in_path::<UserId>("user_id")]
    }
}

fn header(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Vec<Parameter> {
    let header =
        ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(Required::False);
    vec![header.description(Some(description)).schema(Some(schema)).build()]
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The `ETag` of the caller's copy, or several: 412 where it is not the present one.";
        header("If-Match", description, ObjectBuilder::new().schema_type(Type::String).examples(["\"3\""]))
    }
}

impl IntoParams for IfNoneMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The `ETag` of the caller's copy, or several: 304 where one is the present one.";
        let tag = ObjectBuilder::new().schema_type(Type::String).examples(["W/\"kxbU4vJPbJfC\""]);
        header("If-None-Match", description, tag)
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The same as `client_id` in the body.";
        header("Idempotency-Key", description, Ref::from_schema_name(ClientKey::name()))
    }
}
