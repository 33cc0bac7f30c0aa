//! The properties of an operation that follow from its path and input: its tag, its authentication, and its
//! unsuccessful answers.

use utoipa::openapi::{
    Components, Ref, RefOr, Required, Response, Schema,
    path::{Operation, Parameter},
    schema::{SchemaType, Type},
    security::SecurityRequirement,
};

use super::{
    components::{ACCESS_TOKEN, CSRF_TOKEN, SESSION_COOKIE},
    problems::{DEFAULT, REFUSALS, Refusal, header},
    representations,
};

/// Adds these properties to an operation.
pub(super) fn complete(operation: &mut Operation, method: &str, path: &str, components: &mut Components) {
    operation.tags = Some(vec![tag(path).to_owned()]);
    operation.summary = operation.summary.take().map(|summary| summary.trim_end_matches('.').to_owned());
    let public = operation.security.is_some();
    if operation.security.is_none() {
        operation.security = Some(callers(method));
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        body.required = Some(Required::True);
    }
    representations::accept(operation, components);
    parameters(operation);
    let refusals = refusals(operation, method, path, public);
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            succeed(status, response);
        }
    }
    for name in refusals {
        let status = REFUSALS.iter().find(|refusal| refusal.name == name).map(Refusal::status);
        let status = status.map_or_else(|| "default".to_owned(), |status| status.to_string());
        let refusal = Ref::new(format!("#/components/responses/{name}"));
        operation.responses.responses.insert(status, refusal.into());
    }
}

fn tag(path: &str) -> &'static str {
    let of = |name: &str| path.starts_with(&format!("/api/{name}/"));
    match () {
        () if of("token") => "tokens",
        () if of("users") => "users",
        () if of("conversations") || of("sync") => "conversations",
        () if of("messages") => "messages",
        () if of("reports") => "reports",
        () if of("realtime") => "realtime",
        () => "service",
    }
}

/// Returns the ways to authenticate: a token, or the session cookie, which needs the CSRF token too unless the method
/// is GET.
fn callers(method: &str) -> Vec<SecurityRequirement> {
    let none: [&str; 0] = [];
    let cookie = SecurityRequirement::new(SESSION_COOKIE, none);
    let cookie = if method == "get" { cookie } else { cookie.add(CSRF_TOKEN, none) };
    vec![SecurityRequirement::new(ACCESS_TOKEN, none), cookie]
}

/// Removes `null` from the schemas of parameters, because a parameter is present or absent and never `null`.
fn parameters(operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();
    for parameter in parameters.iter_mut() {
        if let RefOr::T(Parameter { schema: Some(schema), .. }) = parameter {
            *schema = without_null(schema.clone());
        }
    }
}

/// Returns the schema without `null`.
fn without_null(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::OneOf(one)) => {
            let is_null = |item: &RefOr<Schema>| matches!(item, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null));
            let mut items: Vec<_> = one.items.iter().filter(|item| !is_null(item)).cloned().collect();
            match (items.pop(), items.is_empty()) {
                (Some(item), true) => item,
                _ => RefOr::T(Schema::OneOf(one)),
            }
        }
        RefOr::T(Schema::Object(mut object)) => {
            if let SchemaType::Array(types) = &object.schema_type
                && let [one] = types.iter().filter(|kind| **kind != Type::Null).collect::<Vec<_>>()[..]
            {
                object.schema_type = SchemaType::Type(one.clone());
            }
            RefOr::T(Schema::Object(object))
        }
        other => other,
    }
}

/// Returns the names of the unsuccessful answers that an operation lists. The default answer covers all others.
fn refusals(operation: &mut Operation, method: &str, path: &str, public: bool) -> Vec<&'static str> {
    let takes = |name: &str| {
        operation
            .parameters
            .iter()
            .flatten()
            .any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == name))
    };
    let says = |status: &str| operation.responses.responses.contains_key(status);
    let has_body = operation.request_body.is_some();
    let id = operation.operation_id.as_deref().unwrap_or_default();
    let mut names = vec![DEFAULT];
    names.push(if has_body { "BadBody" } else { "BadRequest" });
    let mut add = |condition: bool, name| names.extend(condition.then_some(name));
    add(says("429"), "Throttled");
    add(!public || id == "register", "NotAuthenticated");
    add(public && says("401") && id != "login" && id != "register", "TokenNotValid");
    add(id == "login", "InvalidCredentials");
    let by_cookie = method != "get" && (!public || id == "register");
    add(id == "login", "Suspended");
    add(says("403") && !by_cookie && id != "login", "PermissionDenied");
    let in_conversation = path.starts_with("/api/conversations/{") || path.starts_with("/api/messages/");
    add(says("403") && by_cookie, if in_conversation { "WriteRefused" } else { "Forbidden" });
    add(!says("403") && by_cookie, "CsrfFailed");
    add(says("409") && !path.starts_with("/api/messages/"), "LastAdmin");
    add(id == "add_reaction", "TooManyReactions");
    add(id == "pin_message", "TooManyPins");
    add(path.contains('{') || says("404"), "NotFound");
    add(["put", "patch", "delete"].contains(&method), "PreconditionFailed");
    add(takes("Idempotency-Key"), if id == "send_message" { "SendConflict" } else { "ClientIdReused" });
    add(takes("Idempotency-Key"), "OutcomeUnknown");
    names
}

/// Adds the description and the headers of a successful answer.
fn succeed(status: &str, response: &mut Response) {
    let body = response.content.get("application/json").and_then(|content| match content {
        RefOr::T(content) => content.schema.clone(),
        RefOr::Ref(_) => None,
    });
    let is = |name: &str| matches!(&body, Some(RefOr::Ref(body)) if body.ref_location.ends_with(&format!("/{name}")));
    if response.description.is_empty() {
        let done = match status {
            "201" => "The resource was created.",
            "204" => "The request succeeded. The response has no body.",
            _ => "The request succeeded.",
        };
        done.clone_into(&mut response.description);
    }
    let mut names = vec!["X-Request-Id"];
    // A ticket has no URL.
    names.extend((status == "201" && !is("RealtimeTicket")).then_some("Location"));
    names.extend((is("Message") || is("Conversation") || is("Report")).then_some("ETag"));
    for name in names {
        response.headers.insert(name.to_owned(), RefOr::Ref(header(name)));
    }
}
