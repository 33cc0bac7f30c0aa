//! What the operations refer to: answers, headers, the one parameter that all take, and how a caller says who they are.

use utoipa::openapi::{
    Components, Header, HeaderBuilder, ObjectBuilder, Ref, RefOr, Required, Schema, Type,
    path::{ParameterBuilder, ParameterIn},
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::problems::{REFUSALS, REQUEST_ID, gateway_message, problem};

/// Adds everything that operations may refer to.
pub(super) fn complete(components: &mut Components) {
    components.schemas.iter_mut().for_each(|(name, schema)| page(name, schema));
    components.schemas.insert("Problem".to_owned(), problem());
    components.schemas.insert("GatewayMessage".to_owned(), gateway_message());
    for refusal in &REFUSALS {
        components.responses.insert(refusal.name.to_owned(), refusal.response().into());
    }
    for (name, header) in headers() {
        components.headers.insert(name.to_owned(), header.into());
    }
    let json = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["json"]));
    let format = ParameterBuilder::new()
        .name("format")
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some("Asks for JSON, whatever the header `Accept` says."))
        .schema(Some(json));
    components.parameters.insert("format".to_owned(), format.build().into());
    for (name, scheme) in security_schemes() {
        components.security_schemes.insert(name.to_owned(), scheme.into());
    }
}

/// A page's results are of a kind that has a name, by which it is told here as it is elsewhere.
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
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).examples([1]);
    let seconds = HeaderBuilder::new().description(Some("Seconds to wait.")).schema(Some(seconds)).build();
    [
        ("X-Request-Id", text("Names this answer in the logs.", REQUEST_ID)),
        ("Allow", text("The methods of the path.", "GET, HEAD, OPTIONS")),
        ("ETag", text("The version, for `If-Match`.", "\"3\"")),
        (
            "Location",
            text(
                "Where the new thing is.",
                "https://api.example.com/api/messages/01234567-89ab-8cde-bc04-8c0000000002/",
            ),
        ),
        ("WWW-Authenticate", text("How to say who you are.", "Bearer realm=\"api\"")),
        ("Retry-After", seconds),
    ]
}

fn security_schemes() -> [(&'static str, SecurityScheme); 3] {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The `access` token of `/api/token/`."));
    let key = |name, description: &str| ApiKeyValue::with_description(name, description);
    [
        ("bearer", SecurityScheme::Http(bearer.build())),
        (
            "session",
            SecurityScheme::ApiKey(ApiKey::Cookie(key(
                "sessionid",
                "A browser that is logged in. Over https the cookie is named `__Host-sessionid`.",
            ))),
        ),
        (
            "csrf",
            SecurityScheme::ApiKey(ApiKey::Header(key(
                "X-CSRFToken",
                "The value of the cookie `csrftoken`, where the session's cookie says who asks.",
            ))),
        ),
    ]
}
