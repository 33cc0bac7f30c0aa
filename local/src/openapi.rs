//! The API's description in `OpenAPI` 3.1: the descriptions of each function's handlers, and the parts that all
//! operations share. The API serves the file `shared/openapi.json`, which `cargo run -- openapi` writes.

mod components;
mod examples;
pub(crate) mod fields;
mod operations;
mod problems;
mod representations;

use shared::http::schemas;
use utoipa::{
    OpenApi as _, PartialSchema, ToSchema,
    openapi::{
        Components, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Paths, RefOr, Schema, Server, Tag,
        path::{Operation, PathItem},
        tag::TagBuilder,
    },
};

/// The path of the description's file, from the workspace's folder.
pub const FILE: &str = "shared/openapi.json";

const ABOUT: &str = "\
A messaging API with users, roles, conversations of many participants, and messages.

Every path works with and without its trailing slash. HEAD works like GET, without a body. The response to OPTIONS is 204 with \
the header `Allow`. The response to an unsupported method is 405 with the header `Allow`.

Requests and responses are JSON. A request can also be an HTML form (`application/x-www-form-urlencoded`) with the same \
fields. In a form, repeat a field to send a list, send `metadata` as JSON text, and send a boolean as `true` or `false`. Every \
path accepts the \
parameter `format=json`, which selects JSON instead of the media type in the header `Accept`. Unknown \
fields and parameters \
are refused by name. Read-only fields of a request are accepted and ignored, so that a client can send back \
a resource that \
it received.

Errors are problem details (RFC 9457) with a stable `code`. The response is 404 for a resource that the caller may not know \
of, as if it did not exist. Every response has the header `X-Request-Id`.

The gateway in front of the API answers some requests itself. It refuses requests over its limits (413, 429, 431) and \
requests that it cannot read (400). It also answers if the API does not answer in time (500, 503). These \
responses are \
`application/json` with one field, `message`, and not problem details.

This document is OpenAPI 3.1. Generators that support only OpenAPI 3.0, such as progenitor, cannot use it.";

/// Returns the complete description.
#[must_use]
pub fn document() -> OpenApi {
    let mut document = OpenApiBuilder::new()
        .info(info())
        .servers(Some([server()]))
        .components(Some(Components::new()))
        .tags(Some(tags()))
        .build();
    for part in [
        auth::Description::openapi(),
        conversations::Description::openapi(),
        messages::Description::openapi(),
        moderation::Description::openapi(),
        realtime::Description::openapi(),
        browse::Description::openapi(),
    ] {
        document.merge(part);
    }
    let mut components = document.components.take().unwrap_or_default();
    for (name, schema) in vocabulary() {
        components.schemas.insert(name, schema);
    }
    components.schemas.values_mut().for_each(fields::rewrite);
    for (path, method, operation) in operations_of(&mut document.paths) {
        operations::complete(operation, method, path, &mut components);
    }
    components::complete(&mut components);
    examples::complete(&mut document.paths, &mut components);
    document.components = Some(components);
    document
}

/// Returns the description as JSON, as in the file. The error is a failure to serialize it.
pub fn text() -> Result<String, serde_json::Error> {
    document().to_pretty_json().map(|text| text + "\n")
}

fn info() -> utoipa::openapi::Info {
    let license = LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some(env!("CARGO_PKG_LICENSE")));
    InfoBuilder::new()
        .title("Messaging API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license.build()))
        .build()
}

fn server() -> Server {
    let mut server = Server::new(schemas::ADDRESS);
    server.description = Some("The server that this document describes.".to_owned());
    server
}

fn tags() -> Vec<Tag> {
    let tag = |name: &str, description| TagBuilder::new().name(name).description(Some(description)).build();
    vec![
        tag("tokens", "Operations to log in, refresh tokens and log out."),
        tag("users", "Operations on accounts, profiles and sessions."),
        tag("conversations", "Operations on conversations, participants, read marks and changes."),
        tag("messages", "Operations to send, read, change and delete messages."),
        tag("reports", "Operations to report content to the admins, and to handle the reports."),
        tag("realtime", "The ticket that opens a WebSocket connection."),
        tag("service", "The root of the API, the OpenAPI document, the public keys and the health check."),
    ]
}

/// Returns schemas that are referred to in places that no derive sees.
fn vocabulary() -> Vec<(String, RefOr<Schema>)> {
    fn of<T: ToSchema + PartialSchema>() -> (String, RefOr<Schema>) {
        (T::name().into(), T::schema())
    }
    vec![
        of::<shared::ids::IdempotencyKey>(),
        of::<shared::ids::SessionId>(),
        of::<shared::ids::UserId>(),
        of::<shared::ids::ConversationId>(),
        of::<shared::ids::MessageId>(),
        of::<shared::ids::ReportId>(),
        of::<shared::model::emoji::Emoji>(),
        of::<shared::http::Limit>(),
        of::<schemas::InboxLimit>(),
        of::<schemas::Cursor>(),
        of::<schemas::ChangeNumber>(),
        of::<schemas::EmailAddress>(),
    ]
}

/// Returns every operation with its path and method.
fn operations_of(paths: &mut Paths) -> impl Iterator<Item = (&str, &'static str, &mut Operation)> {
    paths.paths.iter_mut().flat_map(|(path, item)| {
        let PathItem { get, put, post, delete, patch, .. } = item;
        let all = [("get", get), ("post", post), ("put", put), ("patch", patch), ("delete", delete)];
        all.into_iter()
            .filter_map(move |(method, operation)| Some((path.as_str(), method, operation.as_mut()?)))
    })
}
