//! Urlencoded forms of the fields that JSON bodies have: what can be said as text, and lists of it.

use utoipa::openapi::{
    Array, Components, Object, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema,
    schema::{ArrayItems, SchemaType, Type},
};

use super::operations::without_null;

/// The form of a body; `None` where a field that is needed cannot be said in one.
pub(super) fn of(body: &Object, components: &Components) -> Option<Object> {
    let mut form = ObjectBuilder::new().description(body.description.clone());
    for (name, schema) in &body.properties {
        let required = body.required.contains(name);
        match field(without_null(schema.clone()), components) {
            Some(schema) => form = form.property(name, schema),
            None if required => return None,
            None => continue,
        }
        if required {
            form = form.required(name);
        }
    }
    let mut form = form.build();
    form.additional_properties.clone_from(&body.additional_properties);
    Some(form)
}

fn field(schema: RefOr<Schema>, components: &Components) -> Option<RefOr<Schema>> {
    match schema {
        RefOr::T(Schema::Array(array)) => list(array).map(RefOr::from),
        schema if is_text(&schema, components) => Some(schema),
        _ => None,
    }
}

/// A list is a field that is named once for each value, and once at least: with nothing where the list is empty.
fn list(mut array: Array) -> Option<Schema> {
    let ArrayItems::RefOrSchema(items) = &array.items else { return None };
    let RefOr::Ref(Ref { ref_location, .. }) = &**items else { return None };
    // Of the two ways to name a user, the one that is text.
    let text = ref_location.ends_with("/UserReference");
    let nothing = ObjectBuilder::new().schema_type(Type::String).max_length(Some(0));
    let one = OneOfBuilder::new().item(Ref::from_schema_name("UserId")).item(nothing);
    let items = text.then(|| ArrayItems::RefOrSchema(Box::new(Schema::from(one).into())))?;
    array.items = items;
    array.min_items = Some(1);
    Some(Schema::Array(array))
}

fn is_text(schema: &RefOr<Schema>, components: &Components) -> bool {
    match schema {
        RefOr::Ref(Ref { ref_location, .. }) => {
            let name = ref_location.rsplit('/').next().unwrap_or_default();
            components.schemas.get(name).is_some_and(|schema| is_text(schema, components))
        }
        RefOr::T(Schema::Object(object)) => object.schema_type == SchemaType::Type(Type::String),
        RefOr::T(Schema::OneOf(one)) => {
            one.items.len() == 1 && one.items.iter().all(|item| is_text(item, components))
        }
        RefOr::T(_) => false,
    }
}
