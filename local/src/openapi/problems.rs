//! The answers to unsuccessful requests, as `shared::http::problem` has them and, below each, what the gateway itself says.

use serde_json::{Value, json};
use shared::http::Code;
use utoipa::openapi::{
    AllOfBuilder, ArrayBuilder, ContentBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Schema,
    Type,
};

/// A kind of unsuccessful answer.
pub(super) struct Refusal {
    pub(super) name: &'static str,
    codes: &'static [Code],
    says: &'static str,
    /// Whether API Gateway answers with this status as well, in its own words.
    gateway: bool,
}

const fn refusal(name: &'static str, codes: &'static [Code], says: &'static str) -> Refusal {
    Refusal { name, codes, says, gateway: false }
}

impl Refusal {
    const fn or_gateway(self) -> Self {
        Self { gateway: true, ..self }
    }
}

/// All of them; a status that an operation has stands for the one that its other properties choose.
pub(super) const REFUSALS: [Refusal; 21] = [
    refusal(
        "BadRequest",
        &[Code::InvalidRequest],
        "Some fields or parameters cannot be accepted; see `errors`.",
    )
    .or_gateway(),
    refusal(
        "BadBody",
        &[Code::InvalidRequest, Code::MalformedBody],
        "Some fields cannot be accepted, see `errors`; or the body cannot be read.",
    )
    .or_gateway(),
    refusal(
        "NotAuthenticated",
        &[Code::NotAuthenticated, Code::TokenNotValid],
        "No token came with the request, or one that is not valid, or not any more.",
    ),
    refusal("TokenNotValid", &[Code::TokenNotValid], "The token is not valid, or not any more."),
    refusal(
        "InvalidCredentials",
        &[Code::InvalidCredentials],
        "No active account has this email and password.",
    ),
    refusal("PermissionDenied", &[Code::PermissionDenied], "Known to the caller, and not allowed."),
    refusal(
        "CsrfFailed",
        &[Code::CsrfFailed],
        "The caller is known by a cookie, and the request does not show that it is from a page of this site.",
    ),
    refusal(
        "Forbidden",
        &[Code::PermissionDenied, Code::CsrfFailed],
        "Known to the caller, and not allowed; or the caller is known by a cookie, and the request does not show that \
         it is from a page of this site.",
    ),
    refusal(
        "NotFound",
        &[Code::NotFound],
        "There is nothing here, or nothing that the caller may know about.",
    ),
    refusal(
        "MethodNotAllowed",
        &[Code::MethodNotAllowed],
        "The gateway cuts a path at an encoded `?`, and what is left of it does not have this method.",
    ),
    refusal("NotAcceptable", &[Code::NotAcceptable], "Only JSON is to be had here."),
    refusal("ClientIdReused", &[Code::ClientIdReused], "The `client_id` was used for something else."),
    refusal(
        "SendConflict",
        &[Code::ClientIdReused, Code::OutcomeUnknown],
        "Another message was sent under this `client_id`; or it is so old that an earlier try cannot be looked for.",
    ),
    refusal("PreconditionFailed", &[Code::PreconditionFailed], "It has changed since it was read."),
    refusal("PayloadTooLarge", &[Code::PayloadTooLarge], "The body is over 256 KB.").or_gateway(),
    refusal("UnsupportedMediaType", &[Code::UnsupportedMediaType], "The body is neither JSON nor a form."),
    refusal("Throttled", &[Code::Throttled], "Too many wrong passwords: wait for so many seconds.")
        .or_gateway(),
    refusal("TooManyRequests", &[], "More requests came than the deployment is set to take.").or_gateway(),
    refusal("HeadTooLarge", &[], "Request line and headers are over 10,240 bytes.").or_gateway(),
    refusal("InternalError", &[Code::Internal], "Something is wrong on our side.").or_gateway(),
    refusal(
        "Unavailable",
        &[Code::Contention, Code::Unavailable],
        "Whether anything was written is unknown: try again. A send names the `client_id` to try again with.",
    )
    .or_gateway(),
];

impl Refusal {
    pub(super) fn status(&self) -> u16 {
        match (self.codes, self.name) {
            ([code, ..], _) => code.parts().0.as_u16(),
            ([], "HeadTooLarge") => 431,
            ([], _) => 429,
        }
    }

    pub(super) fn response(&self) -> Response {
        let mut response = ResponseBuilder::new().description(self.says);
        response = response.header_ref("X-Request-Id", header("X-Request-Id"));
        for name in self.headers() {
            response = response.header_ref(*name, header(name));
        }
        if !self.codes.is_empty() {
            let content = ContentBuilder::new().schema(Some(self.schema())).example(Some(self.example()));
            response = response.content("application/problem+json", content.build());
        }
        if self.gateway {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("GatewayMessage")));
            response = response.content("application/json", content.build());
        }
        response.build()
    }

    fn headers(&self) -> &'static [&'static str] {
        match self.status() {
            401 => &["WWW-Authenticate"],
            405 => &["Allow"],
            429 | 503 if !self.codes.is_empty() => &["Retry-After"],
            _ => &[],
        }
    }

    fn schema(&self) -> Schema {
        let codes: Vec<&str> = self.codes.iter().map(|code| code.parts().1).collect();
        let these = ObjectBuilder::new()
            .property(
                "status",
                ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([self.status()])),
            )
            .property("code", ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes)));
        AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(these).into()
    }

    fn example(&self) -> Value {
        let (status, code) = self.codes.first().map_or_else(Default::default, |code| code.parts());
        let mut example = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": self.says,
            "code": code,
            "request_id": REQUEST_ID,
        });
        if self.codes.first() == Some(&Code::InvalidRequest) {
            example["errors"] = json!({ "limit": ["must be a number from 1 to 100"] });
        }
        example
    }
}

pub(super) const REQUEST_ID: &str = "JKJaXmPLvHcESHA=";

pub(super) fn header(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

/// Problem details.
pub(super) fn problem() -> RefOr<Schema> {
    let text = |description: &str| {
        ObjectBuilder::new().schema_type(Type::String).description(Some(description)).build()
    };
    let reasons = ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::String));
    let errors = ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(reasons));
    let mut problem = ObjectBuilder::new()
        .description(Some("Problem details (RFC 9457)."))
        .property(
            "type",
            text("`about:blank`: the status says what kind of problem it is, and the code which."),
        )
        .property("title", text("The status in words."))
        .property(
            "status",
            ObjectBuilder::new().schema_type(Type::Integer).description(Some("The HTTP status.")),
        )
        .property("detail", text("What is wrong, for people."))
        .property("code", text("What is wrong, for programs: these names stay."))
        .property("request_id", text("The answer's `X-Request-Id`: name it when you ask about it."));
    for name in ["type", "title", "status", "detail", "code", "request_id"] {
        problem = problem.required(name);
    }
    problem
        .property("errors", errors.description(Some("What is wrong with each field.")))
        .property("client_id", Ref::from_schema_name("ClientKey"))
        .into()
}

/// What API Gateway says by itself.
pub(super) fn gateway_message() -> RefOr<Schema> {
    ObjectBuilder::new()
        .description(Some(
            "What the gateway says before a request has come to the API, or when no answer came from it.",
        ))
        .property("message", ObjectBuilder::new().schema_type(Type::String).examples(["Service Unavailable"]))
        .required("message")
        .into()
}
