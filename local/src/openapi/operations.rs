//! What holds for an operation by what it takes: its tag, how its caller is known, and the refusals that go with each.

use utoipa::openapi::{
    Components, Ref, RefOr, Required, Response, Schema,
    path::{Operation, Parameter},
    schema::{SchemaType, Type},
    security::SecurityRequirement,
};

use super::{
    forms,
    problems::{REFUSALS, header},
};

/// Completes an operation.
pub(super) fn complete(operation: &mut Operation, method: &str, path: &str, components: &mut Components) {
    operation.tags = Some(vec![tag(path).to_owned()]);
    operation.summary = operation.summary.take().map(|summary| summary.trim_end_matches('.').to_owned());
    let public = operation.security.is_some();
    if operation.security.is_none() {
        operation.security = Some(callers(method));
    }
    body(operation, components);
    parameters(operation);
    let refusals = refusals(operation, method, path, public);
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            succeed(status, response);
        }
    }
    for name in refusals {
        let status =
            REFUSALS.iter().find(|refusal| refusal.name == name).map(super::problems::Refusal::status);
        let status = status.unwrap_or_default().to_string();
        let refusal = Ref::new(format!("#/components/responses/{name}"));
        operation.responses.responses.insert(status, refusal.into());
    }
}

fn tag(path: &str) -> &'static str {
    let of = |name: &str| path.starts_with(&format!("/api/{name}/"));
    match () {
        () if of("token") => "tokens",
        () if of("users") => "users",
        () if of("conversations") => "conversations",
        () if of("messages") => "messages",
        () => "service",
    }
}

/// A token, or the cookie of a browser that is logged in, with its token against forgery where something may change.
fn callers(method: &str) -> Vec<SecurityRequirement> {
    let none: [&str; 0] = [];
    let cookie = SecurityRequirement::new("session", none);
    let cookie = if method == "get" { cookie } else { cookie.add("csrf", none) };
    vec![SecurityRequirement::new("bearer", none), cookie]
}

/// Moves the body's schema among the components, and adds the form of the same fields.
fn body(operation: &mut Operation, components: &mut Components) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    body.required = Some(Required::True);
    let Some(RefOr::T(json)) = body.content.get_mut("application/json") else { return };
    let Some(RefOr::T(Schema::Object(mut object))) = json.schema.take() else { return };
    let name = object.title.take().unwrap_or_default();
    if let Some(form) = forms::of(&object, components) {
        let form_name = format!("{name}Form");
        components.schemas.insert(form_name.clone(), form.into());
        let content = utoipa::openapi::Content::new(Some(Ref::from_schema_name(form_name)));
        json.schema = Some(Ref::from_schema_name(&name).into());
        body.content.insert("application/x-www-form-urlencoded".to_owned(), content.into());
    } else {
        json.schema = Some(Ref::from_schema_name(&name).into());
    }
    components.schemas.insert(name, Schema::Object(object).into());
}

/// Parameters are there or not: `null` is no value of theirs.
fn parameters(operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();
    for parameter in parameters.iter_mut() {
        if let RefOr::T(Parameter { schema: Some(schema), .. }) = parameter {
            *schema = without_null(schema.clone());
        }
    }
    parameters.push(RefOr::Ref(Ref::new("#/components/parameters/format")));
}

/// The same schema without `null`.
pub(super) fn without_null(schema: RefOr<Schema>) -> RefOr<Schema> {
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

/// The names of the refusals that an operation can meet.
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
    let mut names = vec!["NotAcceptable", "HeadTooLarge", "InternalError", "Unavailable"];
    names.push(if has_body { "BadBody" } else { "BadRequest" });
    names.push(if says("429") { "Throttled" } else { "TooManyRequests" });
    let mut add = |condition: bool, name| names.extend(condition.then_some(name));
    add(has_body, "PayloadTooLarge");
    add(has_body, "UnsupportedMediaType");
    add(!public || id == "register", "NotAuthenticated");
    add(public && says("401") && id != "login" && id != "register", "TokenNotValid");
    add(id == "login", "InvalidCredentials");
    let by_cookie = method != "get" && (!public || id == "register");
    add(says("403") && !by_cookie, "PermissionDenied");
    add(says("403") && by_cookie, "Forbidden");
    add(!says("403") && by_cookie, "CsrfFailed");
    add(path.contains('{') || says("404"), "NotFound");
    add(path.contains('{'), "MethodNotAllowed");
    add(["put", "patch", "delete"].contains(&method), "PreconditionFailed");
    add(takes("Idempotency-Key"), if id == "send_message" { "SendConflict" } else { "ClientIdReused" });
    names
}

/// What a successful answer has besides its body.
fn succeed(status: &str, response: &mut Response) {
    let body = response.content.get("application/json").and_then(|content| match content {
        RefOr::T(content) => content.schema.clone(),
        RefOr::Ref(_) => None,
    });
    let is = |name: &str| matches!(&body, Some(RefOr::Ref(body)) if body.ref_location.ends_with(&format!("/{name}")));
    if response.description.is_empty() {
        let done = match status {
            "201" => "It is made.",
            "204" => "It is done.",
            _ => "What was asked for.",
        };
        done.clone_into(&mut response.description);
    }
    let mut names = vec!["X-Request-Id"];
    names.extend((status == "201").then_some("Location"));
    names.extend((is("Message") || is("Conversation")).then_some("ETag"));
    for name in names {
        response.headers.insert(name.to_owned(), RefOr::Ref(header(name)));
    }
}
