//! The API's description in `OpenAPI` 3.1: the descriptions of each function's handlers, and the parts that all
//! operations share. The API serves the file `shared/openapi.json`, which `cargo run -- openapi` writes.

mod components;
mod examples;
mod fields;
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
Users with roles, conversations with many participants, messages.

Paths are answered with and without their trailing slash. GET is answered for HEAD too, without a body. OPTIONS is answered \
with 204 and `Allow`, and a method that a path does not have with 405 and `Allow`.

Requests and answers are JSON. A request whose fields are text, or lists of text, can also be sent as an HTML form \
(`application/x-www-form-urlencoded`) with the same fields; a list is a field that is repeated. Every path takes the parameter \
`format=json`, which asks for JSON whatever the header `Accept` says. Other fields and parameters than those described are \
refused by name. Read-only fields of a request are accepted and ignored, so that a client can send back what it received.

Unsuccessful requests are answered with problem details (RFC 9457) that have a stable `code`. Something that the caller may \
not know of is answered with 404, as if it did not exist. Every answer has an `X-Request-Id`.

The gateway in front of the API answers some requests itself: those over its limits (413, 429, 431), those that it cannot \
read (400), and those that get no answer from the API in time (500, 503). These answers are `application/json` with one field, \
`message`, rather than problem details.

The description is OpenAPI 3.1. Generators that read nothing but OpenAPI 3.0, such as progenitor, cannot use it.";

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
    server.description = Some("The API of this description.".to_owned());
    server
}

fn tags() -> Vec<Tag> {
    let tag = |name: &str, description| TagBuilder::new().name(name).description(Some(description)).build();
    vec![
        tag("tokens", "Logging in and out"),
        tag("users", "Accounts, profiles and devices"),
        tag("conversations", "Conversations, participants, read marks, changes"),
        tag("messages", "Sending and reading"),
        tag("service", "The root, this description, keys and health"),
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
