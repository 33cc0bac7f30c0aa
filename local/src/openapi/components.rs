//! The components that operations refer to: answers, headers, and security schemes. Schemas come from the types of the
//! API.

use utoipa::openapi::{
    Components, Header, HeaderBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat, Type,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::problems::{DEFAULT, REFUSALS, REQUEST_ID, default_response, problem};

/// The names of the security schemes. They differ from the names of schemas, because generators create a type for each.
pub(super) const ACCESS_TOKEN: &str = "accessToken";
pub(super) const SESSION_COOKIE: &str = "sessionCookie";
pub(super) const CSRF_TOKEN: &str = "csrfToken";

/// Adds all components that operations may refer to.
pub(super) fn complete(components: &mut Components) {
    components.schemas.iter_mut().for_each(|(name, schema)| page(name, schema));
    components.schemas.insert("Problem".to_owned(), problem());
    for refusal in &REFUSALS {
        components.responses.insert(refusal.name.to_owned(), refusal.response().into());
    }
    components.responses.insert(DEFAULT.to_owned(), default_response().into());
    for (name, header) in headers() {
        components.headers.insert(name.to_owned(), header.into());
    }
    for (name, scheme) in security_schemes() {
        components.security_schemes.insert(name.to_owned(), scheme.into());
    }
}

/// Replaces the schema of a page's results by a reference to its name.
fn page(name: &str, schema: &mut RefOr<Schema>) {
    if let Some(of) = name.strip_prefix("Page_")
        && let RefOr::T(Schema::Object(object)) = schema
        && let Some(RefOr::T(Schema::Array(results))) = object.properties.get_mut("results")
    {
        results.items = Ref::from_schema_name(of).into();
    }
}

fn headers() -> [(&'static str, Header); 6] {
    let text = |description: &str, example: &str| {
        let schema = ObjectBuilder::new().schema_type(Type::String).examples([example]);
        HeaderBuilder::new().description(Some(description)).schema(Some(schema)).build()
    };
    let seconds = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
        .minimum(Some(0))
        .examples([1]);
    let seconds = HeaderBuilder::new()
        .description(Some("The number of seconds to wait before the next request."))
        .schema(Some(seconds))
        .build();
    [
        ("X-Request-Id", text("The id of the request in the logs.", REQUEST_ID)),
        ("Allow", text("The methods that the path supports.", "GET, HEAD, OPTIONS")),
        ("ETag", text("The version of the representation, for `If-Match`.", "\"3\"")),
        (
            "Location",
            text(
                "The URL of the new resource.",
                "https://api.example.com/api/messages/01234567-89ab-8cde-bc04-8c0000000002/",
            ),
        ),
        ("WWW-Authenticate", text("The authentication scheme to use.", "Bearer realm=\"api\"")),
        ("Retry-After", seconds),
    ]
}

fn security_schemes() -> [(&'static str, SecurityScheme); 3] {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The `access` token from `/api/token/`."));
    let key = |name, description: &str| ApiKeyValue::with_description(name, description);
    let cookie = "The cookie of a browser session. Over https its name is `__Host-sessionid`.";
    let csrf = "The value of the cookie `csrftoken`. It is required for requests that write and that the \
                cookie authenticates.";
    [
        (ACCESS_TOKEN, SecurityScheme::Http(bearer.build())),
        (SESSION_COOKIE, SecurityScheme::ApiKey(ApiKey::Cookie(key("sessionid", cookie)))),
        (CSRF_TOKEN, SecurityScheme::ApiKey(ApiKey::Header(key("X-CSRFToken", csrf)))),
    ]
}
