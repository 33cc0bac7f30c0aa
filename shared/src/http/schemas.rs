//! Parts of the API's description (`OpenAPI`) that no derive can make: the rules of values, from the constants that the
//! checks use, and the parameters that extractors read. Deployed functions do not run this code.

mod parameters;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type, schema::AdditionalProperties},
};

use super::Limit;
use crate::{
    auth::password::{LONGEST, SHORT},
    ids::MAX_NUMBER,
    model::{conversation, email, message, report, text::Rule, user},
};

/// The address of the API in the description in the repository: the address of `cargo run`. A server that serves the
/// description replaces it with the address of the request.
pub const ADDRESS: &str = "http://127.0.0.1:3000";

/// The pattern of text without the control characters that `model::text` refuses.
const PLAIN: &str = r"^[^\u0000-\u0008\u000b-\u001f\u007f]*$";
/// The pattern of such text that is not only white space. It lists the white space of Unicode, because `\s` of
/// ECMAScript differs from it slightly.
const NOT_BLANK: &str = concat!(
    r"^[^\u0000-\u0008\u000b-\u001f\u007f]*",
    r"[^\u0000-\u0020\u007f\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    r"[^\u0000-\u0008\u000b-\u001f\u007f]*$"
);
/// The pattern of one line: no control characters, line ends, characters that control the direction of text, or
/// private-use characters and noncharacters. Patterns that every client understands cannot name unassigned code points.
const LINE: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069",
    r"\ue000-\uf8ff\ufdd0-\ufdef\ufffc\ufffe\uffff]*$"
);
/// The pattern of one line that is not only white space.
const LINE_NOT_BLANK: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069",
    r"\ue000-\uf8ff\ufdd0-\ufdef\ufffc\ufffe\uffff]*",
    r"[^\u0000-\u0020\u007f-\u00a0\u061c\u1680\u2000-\u200a\u200e\u200f\u2028-\u202f\u205f\u2066-\u2069\u3000",
    r"\ue000-\uf8ff\ufdd0-\ufdef\ufffc\ufffe\uffff]",
    r"[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069",
    r"\ue000-\uf8ff\ufdd0-\ufdef\ufffc\ufffe\uffff]*$"
);
/// The pattern of a UUIDv7, plain or in quotation marks.
const UUID_V7_HEADER: &str =
    r#"^"?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"?$"#;
/// The pattern of a phone number, with the rules of `model::user::phone_number`.
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

/// Declares types that represent a kind of text in schemas, and have no other use.
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
    /// The text of a new or edited message.
    MessageBody = text(message::BODY)
        .description(Some("The text of a message, at most 48 KB in UTF-8, with at least one visible character.")),
        "See you at the harbour at six.";
    /// The text of a stored message; it is empty if the message is deleted.
    KeptBody = text(Rule { min: 0, ..message::BODY })
        .description(Some("The text of a message. It is empty if the message is deleted.")),
        "See you at the harbour at six.";
    /// The name of a conversation.
    ConversationName = text(conversation::NAME)
        .description(Some("The name of a conversation. A text without a visible character means no name.")),
        "Weekend trip";
    /// The comment of a report.
    ReportComment = text(report::COMMENT)
        .description(Some("The comment of the reporter. A text without a visible character means no comment.")),
        "He sends me this every day.";
    /// The note on a report.
    ReportNote = text(report::NOTE)
        .description(Some("The note of the admins. A text without a visible character means no note.")),
        "The user was warned.";
    /// The admin to whom a request assigns a report.
    Assignee = string()
        .max_length(Some(36))
        .description(Some("The word `me`, or the id that the report already has in this field.")),
        "me";
    /// The first name of a user.
    FirstName = text(user::FIRST_NAME).description(Some("The first name of a user.")), "Ann";
    /// The last name of a user.
    LastName = text(user::LAST_NAME).description(Some("The last name of a user.")), "Miller";
    /// The phone number of a user.
    PhoneNumber = text(user::PHONE_NUMBER)
        .pattern(Some(PHONE_NUMBER))
        .description(Some("A phone number of 3 to 15 digits, with `+ ( ) - . /` and spaces.")),
        "+44 20 7946 0018";
    /// The email address of a user.
    EmailAddress = string()
        .format(Some(SchemaFormat::Custom("idn-email".to_owned())))
        .max_length(Some(email::EMAIL_BYTES))
        .description(Some("An email address.")),
        "ann@example.com";
    /// A password for a login.
    PasswordText = string().format(Some(SchemaFormat::KnownFormat(KnownFormat::Password))).description(Some("A password.")), "keys under the doormat";
    /// A new password of a user.
    NewPasswordText = string()
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
        .min_length(Some(SHORT))
        .max_length(Some(LONGEST))
        .description(Some("A new password: 15 characters or more, or 8 or more that are hard to guess. It must not be the email address.")),
        "keys under the doormat";
    /// The text of a JSON Web Token.
    TokenText = string().description(Some("A JSON Web Token.")), "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl";
    /// The role of a new account.
    NewRole = string().enum_values(Some(["guest"])).description(Some("The role of a new account.")), "guest";
    /// The token of a known device.
    DeviceTokenText = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("The token of a device on which the user has logged in before.")),
        "Xi8_bkoOTLuPD1-LHy2aEF4vP25KDky7jw9fix8tmhCaEHUACRHgacf8QF4vP25KDky7jw9fix8tmhB1AAngacf8QA";
    /// The cursor of a position in a list.
    Cursor = string()
        .max_length(Some(200))
        .description(Some("A position in this list, from the URL in `next` or `previous`.")),
        "dQAGCeBp_xfAXi8_bkoOTLuPD1-LHy2aEA";
    /// The link to another page of a list.
    Link = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::Custom("uri-reference".to_owned())))
        .description(Some("A URL. Clients should use it without changes.")),
        "https://api.example.com/api/messages/?conversation=01234567-89ab-8cde-bc04-8c0000000000&limit=50";
}

/// A JSON object of a client, kept as it was sent.
#[derive(Debug)]
pub struct Metadata;

impl PartialSchema for Metadata {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .description(Some(
                "A JSON object with the client's own data, at most 4 KB and 16 levels deep. Numbers \
                 must be in the range of a double. The API returns the object as the client \
                 wrote it.",
            ))
            .examples([serde_json::json!({"colour": "blue"})])
            .into()
    }
}

impl ToSchema for Metadata {}

/// The number of a change in the change log of a conversation.
#[derive(Debug)]
pub struct ChangeNumber;

impl PartialSchema for ChangeNumber {
    fn schema() -> RefOr<Schema> {
        let number = integer(KnownFormat::Int64).minimum(Some(0)).maximum(Some(MAX_NUMBER - 1));
        let number = number.description(Some(
            "The number of a change in its conversation. 0 is the position before the first change.",
        ));
        number.default(Some(0.into())).examples([7]).into()
    }
}

impl ToSchema for ChangeNumber {}

fn integer(format: KnownFormat) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).format(Some(SchemaFormat::KnownFormat(format)))
}

fn limit(default: usize) -> RefOr<Schema> {
    let number = integer(KnownFormat::Int32).minimum(Some(1)).maximum(Some(100));
    number
        .default(Some(default.into()))
        .description(Some("The maximum number of entries on a page."))
        .examples([20])
        .into()
}

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        limit(Limit::default().0)
    }
}

impl ToSchema for Limit {}

/// The [`Limit`] of the list of conversations. Its default is lower, because its entries are larger than those of other
/// lists.
#[derive(Debug)]
pub struct InboxLimit;

impl InboxLimit {
    /// The number of conversations on a page if the request has no limit.
    pub const DEFAULT: Limit = Limit(20);
}

impl PartialSchema for InboxLimit {
    fn schema() -> RefOr<Schema> {
        limit(Self::DEFAULT.0)
    }
}

impl ToSchema for InboxLimit {}
