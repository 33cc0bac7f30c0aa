//! Bodies of requests. Unknown fields are refused. A request may be a representation that the client has received: its
//! other fields are accepted and ignored, so they are described as read-only fields of the request, with their types.

use utoipa::openapi::{
    Components, RefOr, Schema, content::Content, path::Operation, schema::AdditionalProperties,
};

/// The representations that clients send back.
const NAMES: [&str; 5] = ["Conversation", "Message", "Participant", "Report", "User"];

/// Completes the schema of an operation's body.
pub(super) fn accept(operation: &Operation, components: &mut Components) {
    let Some(body) = body_of(operation).and_then(schema_name) else { return };
    if let Some(RefOr::T(Schema::Object(request))) = components.schemas.get_mut(body) {
        request.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    }
    let answers = operation.responses.responses.values();
    let bodies = answers.filter_map(|answer| match answer {
        RefOr::T(answer) => json(answer.content.get("application/json")),
        RefOr::Ref(_) => None,
    });
    let Some(representation) = bodies.filter_map(schema_name).find(|name| NAMES.contains(name)) else {
        return;
    };
    let Some(RefOr::T(Schema::Object(answer))) = components.schemas.get(representation) else { return };
    let fields = answer.properties.clone();
    let Some(RefOr::T(Schema::Object(request))) = components.schemas.get_mut(body) else { return };
    for (name, mut schema) in fields {
        if !request.properties.contains_key(&name) {
            make_read_only(&mut schema);
            request.properties.insert(name, schema);
        }
    }
}

fn body_of(operation: &Operation) -> Option<&Content> {
    match operation.request_body.as_ref()? {
        RefOr::T(body) => json(body.content.get("application/json")),
        RefOr::Ref(_) => None,
    }
}

fn json(content: Option<&RefOr<Content>>) -> Option<&Content> {
    match content? {
        RefOr::T(content) => Some(content),
        RefOr::Ref(_) => None,
    }
}

fn schema_name(content: &Content) -> Option<&str> {
    match content.schema.as_ref()? {
        RefOr::Ref(reference) => reference.ref_location.rsplit('/').next(),
        RefOr::T(_) => None,
    }
}

fn make_read_only(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::Ref(reference) => reference.read_only = Some(true),
        RefOr::T(Schema::Object(object)) => object.read_only = Some(true),
        // The type for arrays has no field for `readOnly`. Extensions are written in the same object, under any name.
        RefOr::T(Schema::Array(array)) => {
            array.extensions.get_or_insert_default().insert("readOnly".to_owned(), true.into());
        }
        RefOr::T(Schema::OneOf(one)) => one.read_only = Some(true),
        RefOr::T(_) => {}
    }
}
