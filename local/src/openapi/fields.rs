//! Rewrites the schemas of fields for generators. The description of a field that may be `null` moves next to its
//! types, out of one of them. Examples become lists, as in OpenAPI 3.1.

use utoipa::openapi::{Object, OneOf, RefOr, Schema, schema::ArrayItems};

/// Rewrites a schema and its inner schemas.
pub(crate) fn rewrite(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => rewrite_object(object),
        RefOr::T(Schema::Array(array)) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                rewrite(items);
            }
        }
        RefOr::T(Schema::OneOf(one)) => rewrite_choice(one),
        _ => {}
    }
}

fn rewrite_object(object: &mut Object) {
    object.examples.extend(object.example.take());
    object.properties.values_mut().for_each(rewrite);
}

fn rewrite_choice(choice: &mut OneOf) {
    choice.items.iter_mut().for_each(rewrite);
    if choice.description.is_none() {
        let described = choice.items.iter_mut().find_map(|item| match item {
            RefOr::Ref(reference) if !reference.description.is_empty() => Some(reference),
            _ => None,
        });
        choice.description = described.map(|reference| std::mem::take(&mut reference.description));
    }
}
