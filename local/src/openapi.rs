//! The API's description, `OpenAPI` 3.1: what each function says of its handlers, and what holds for every one of them.
//! It is checked in as `shared/openapi.json`, which is what is served; `cargo run -- openapi` writes it.

mod components;
mod examples;
mod forms;
mod operations;
mod problems;

use shared::http::describe;
use utoipa::{
    OpenApi as _, PartialSchema, ToSchema,
    openapi::{
        Components, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Paths, RefOr, Schema, Server, Tag,
        path::{Operation, PathItem},
        tag::TagBuilder,
    },
};

/// Where the description is kept, as a path from the workspace's folder.
pub const FILE: &str = "shared/openapi.json";

const ABOUT: &str = "\
Users with roles, conversations with many participants, messages.

Paths are answered with and without their trailing slash. GET is answered for HEAD too, without a body; OPTIONS is a 204 with \
`Allow`, and another method than a path has is a 405 with it. Requests are JSON, or a form of the same fields where a form can \
say them; answers are JSON. Fields and parameters that are not described here are refused by name. Fields that are only read \
may be sent back, and are passed over.

Unsuccessful requests are answered with problem details (RFC 9457) that have a stable `code`. What is not the caller's to know \
about is a 404. Every answer has an `X-Request-Id`.";

/// The description, complete.
#[must_use]
pub fn document() -> OpenApi {
    let mut document = OpenApiBuilder::new()
        .info(info())
        .servers(Some([Server::new("/")]))
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
    for (path, method, operation) in operations_of(&mut document.paths) {
        operations::complete(operation, method, path, &mut components);
    }
    components::complete(&mut components);
    examples::complete(&mut document.paths, &mut components);
    document.components = Some(components);
    document
}

/// The description as it is checked in.
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

fn tags() -> Vec<Tag> {
    let tag = |name: &str, description| TagBuilder::new().name(name).description(Some(description)).build();
    vec![
        tag("tokens", "Logging in and out"),
        tag("users", "Accounts, profiles and devices"),
        tag("conversations", "Conversations, who takes part, read marks, changes"),
        tag("messages", "Sending and reading"),
        tag("service", "What machines ask for"),
    ]
}

/// Schemas that are referred to where no derive sees it.
fn vocabulary() -> Vec<(String, RefOr<Schema>)> {
    fn of<T: ToSchema + PartialSchema>() -> (String, RefOr<Schema>) {
        (T::name().into(), T::schema())
    }
    vec![
        of::<describe::JsonValue>(),
        of::<shared::ids::ClientKey>(),
        of::<shared::ids::SessionId>(),
        of::<shared::ids::UserId>(),
        of::<shared::ids::ConversationId>(),
        of::<shared::ids::MessageId>(),
        of::<shared::http::Limit>(),
        of::<describe::Cursor>(),
        of::<describe::Switch>(),
        of::<describe::ChangeNumber>(),
        of::<describe::EmailAddress>(),
    ]
}

/// Every operation with its path and method.
fn operations_of(paths: &mut Paths) -> impl Iterator<Item = (&str, &'static str, &mut Operation)> {
    paths.paths.iter_mut().flat_map(|(path, item)| {
        let PathItem { get, put, post, delete, patch, .. } = item;
        let all = [("get", get), ("post", post), ("put", put), ("patch", patch), ("delete", delete)];
        all.into_iter()
            .filter_map(move |(method, operation)| Some((path.as_str(), method, operation.as_mut()?)))
    })
}
