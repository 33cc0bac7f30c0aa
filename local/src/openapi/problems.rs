//! The answers to unsuccessful requests, as in `shared::http::problem`: one schema for all, and the reasons for each
//! status.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::http::Code;
use utoipa::openapi::{
    ArrayBuilder, ContentBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Schema,
    SchemaFormat, Type,
};

/// The name of the response for every status that an operation does not list.
pub(super) const DEFAULT: &str = "Error";

/// A kind of unsuccessful answer, for one status.
pub(super) struct Refusal {
    pub(super) name: &'static str,
    codes: &'static [Code],
    says: &'static str,
}

const fn refusal(name: &'static str, codes: &'static [Code], says: &'static str) -> Refusal {
    Refusal { name, codes, says }
}

/// The answers that operations list by their status.
pub(super) const REFUSALS: [Refusal; 19] = [
    refusal(
        "BadRequest",
        &[Code::InvalidRequest],
        "Some parameters are not valid. `errors` has the reasons for each parameter.",
    ),
    refusal(
        "BadBody",
        &[Code::InvalidRequest, Code::MalformedBody],
        "Some fields are not valid, or the body is not valid JSON. `errors` has the reasons for each field.",
    ),
    refusal(
        "NotAuthenticated",
        &[Code::NotAuthenticated, Code::TokenNotValid],
        "The request has no token, or the token is not valid or has expired.",
    ),
    refusal("TokenNotValid", &[Code::TokenNotValid], "The token is not valid or has expired."),
    refusal(
        "InvalidCredentials",
        &[Code::InvalidCredentials],
        "The email address or the password is wrong. Correct it and try again.",
    ),
    refusal("Suspended", &[Code::Suspended], "The password is right, but an admin has suspended the user."),
    refusal("PermissionDenied", &[Code::PermissionDenied], "The caller is not allowed to do this."),
    refusal(
        "CsrfFailed",
        &[Code::CsrfFailed],
        "The CSRF token of the request is missing or not valid. It is required if a cookie authenticates \
         the request.",
    ),
    refusal(
        "Forbidden",
        &[Code::PermissionDenied, Code::CsrfFailed],
        "The caller is not allowed to do this, or the CSRF token of the request is missing or not valid.",
    ),
    refusal(
        "WriteRefused",
        &[Code::PermissionDenied, Code::NotAccepted, Code::InvitationPending, Code::CsrfFailed],
        "The caller is not allowed to do this, the caller or the invited users have not accepted an invitation, or \
         the CSRF token of the request is missing or not valid.",
    ),
    refusal("NotFound", &[Code::NotFound], "The resource was not found, or the caller does not have access."),
    refusal(
        "ClientIdReused",
        &[Code::ClientIdReused],
        "The `client_id` was already used for a different request.",
    ),
    refusal(
        "SendConflict",
        &[Code::ClientIdReused, Code::OutcomeUnknown],
        "Another message was sent with this `client_id`, or the `client_id` is too old to look for an \
         earlier attempt.",
    ),
    refusal(
        "LastAdmin",
        &[Code::LastAdmin],
        "The user is the last admin who can act. Give another user the role `admin` first.",
    ),
    refusal(
        "TooManyReactions",
        &[Code::TooManyReactions],
        "The message has as many different emoji or as many reactions as possible.",
    ),
    refusal("TooManyPins", &[Code::TooManyPins], "The conversation has as many pinned messages as possible."),
    refusal(
        "PreconditionFailed",
        &[Code::PreconditionFailed],
        "The current version of the resource does not satisfy `If-Match` or `If-None-Match`.",
    ),
    refusal(
        "Throttled",
        &[Code::Throttled],
        "Too many requests of this kind. Wait for the seconds in the header `Retry-After`, then try again.",
    ),
    refusal(
        "OutcomeUnknown",
        &[Code::Contention, Code::Unavailable],
        "It is unknown whether anything was written. Repeat the request with the same `client_id`. If the \
         request had none, use the `client_id` of this response.",
    ),
];

/// The kinds of problems that can occur in every operation and that no operation lists.
const OTHERS: [Code; 7] = [
    Code::MethodNotAllowed,
    Code::NotAcceptable,
    Code::PayloadTooLarge,
    Code::UnsupportedMediaType,
    Code::Internal,
    Code::Contention,
    Code::Unavailable,
];

impl Refusal {
    pub(super) fn status(&self) -> u16 {
        self.codes.first().map_or(500, |code| code.parts().0.as_u16())
    }

    pub(super) fn response(&self) -> Response {
        let headers: &[&str] = match self.status() {
            401 => &["WWW-Authenticate"],
            429 | 503 => &["Retry-After"],
            _ => &[],
        };
        let code = self.codes.first().copied().unwrap_or(Code::Internal);
        response(self.says, headers, example(code, self.says))
    }
}

/// Returns the response for every status that is not listed.
pub(super) fn default_response() -> Response {
    let statuses: BTreeSet<u16> = OTHERS.iter().map(|code| code.parts().0.as_u16()).collect();
    let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
    let says = format!(
        "All other errors: {}. A 405 has the header `Allow`, and a 503 has the header `Retry-After`. After \
         a 503, it is unknown whether anything was written.",
        statuses.join(", ")
    );
    let detail =
        "The database did not answer in time. It is unknown whether anything was written. Try again.";
    response(&says, &["Allow", "Retry-After"], example(Code::Unavailable, detail))
}

fn response(description: &str, headers: &[&str], example: Value) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).example(Some(example));
    let mut response = ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content.build())
        .header_ref("X-Request-Id", header("X-Request-Id"));
    for name in headers {
        response = response.header_ref(*name, header(name));
    }
    response.build()
}

fn example(code: Code, detail: &str) -> Value {
    let (status, name) = code.parts();
    let mut example = json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
        "code": name,
        "request_id": REQUEST_ID,
    });
    if code == Code::InvalidRequest {
        example["errors"] = json!({ "limit": ["must be a number from 1 to 100"] });
    }
    example
}

pub(super) const REQUEST_ID: &str = "JKJaXmPLvHcESHA=";

pub(super) fn header(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

/// Returns the names of the current codes, for a description. Clients must expect other codes.
fn known_codes() -> String {
    let listed = REFUSALS.iter().flat_map(|refusal| refusal.codes).chain(&OTHERS);
    let names: BTreeSet<&str> = listed.map(|code| code.parts().1).collect();
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Returns the schema of problem details (RFC 9457).
pub(super) fn problem() -> RefOr<Schema> {
    let text = |description: &str| {
        ObjectBuilder::new().schema_type(Type::String).description(Some(description)).build()
    };
    let status = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
        .description(Some("The HTTP status."));
    let code = format!(
        "The kind of problem, for programs. The meaning of a code never changes. Later versions can add \
         codes. The current codes are {}.",
        known_codes()
    );
    let reasons = ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::String));
    let errors = ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(reasons));
    let mut client_id = Ref::from_schema_name("IdempotencyKey");
    "The idempotency key to repeat the request with.".clone_into(&mut client_id.description);
    let mut problem = ObjectBuilder::new()
        .description(Some("Problem details (RFC 9457)."))
        .property("type", text("Always `about:blank`. The field `code` has the kind of problem."))
        .property("title", text("The name of the HTTP status."))
        .property("status", status)
        .property("detail", text("An explanation of the problem for people."))
        .property("code", text(&code))
        .property(
            "request_id",
            text("The id of the request, as in the header `X-Request-Id` and in the logs."),
        );
    for name in ["type", "title", "status", "detail", "code", "request_id"] {
        problem = problem.required(name);
    }
    problem
        .property("errors", errors.description(Some("The reasons for each field that is not valid.")))
        .property("client_id", client_id)
        .into()
}
