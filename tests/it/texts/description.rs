//! The texts of the `OpenAPI` document.

use serde_json::Value;

use super::rules::{Kind, Text};

/// The texts below `value`: summaries, descriptions, and the problems in examples.
pub fn texts(path: &str, value: &Value) -> Vec<Text> {
    match value {
        Value::Object(members) => {
            members.iter().flat_map(|(name, value)| member(&format!("{path}/{name}"), name, value)).collect()
        }
        Value::Array(list) => list.iter().flat_map(|value| texts(path, value)).collect(),
        _ => Vec::new(),
    }
}

fn member(path: &str, name: &str, value: &Value) -> Vec<Text> {
    match (name, value) {
        ("summary", Value::String(text)) => vec![Text::new(path, Kind::Title, text)],
        ("description", Value::String(text)) => {
            text.split("\n\n").map(|paragraph| Text::new(path, Kind::Sentence, paragraph)).collect()
        }
        ("detail", Value::String(text)) => vec![Text::new(path, Kind::Sentence, text)],
        ("errors", Value::Object(fields)) if fields.values().all(Value::is_array) => {
            let reasons = fields.values().filter_map(Value::as_array).flatten().filter_map(Value::as_str);
            reasons.map(|reason| Text::new(path, Kind::FieldError, reason)).collect()
        }
        _ => texts(path, value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_found_at_any_depth() {
        let document = json!({
            "paths": { "/a/": { "get": { "summary": "Lists a", "description": "One.\nStill one.\n\nTwo." } } },
            "properties": { "description": { "description": "A field." }, "errors": { "description": "Errors." } },
            "example": { "detail": "Not found.", "errors": { "name": ["is required"] } },
        });
        let found = texts("", &document);
        let mut found: Vec<(Kind, &str)> =
            found.iter().map(|text| (text.kind, text.content.as_str())).collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [
                (Kind::Sentence, "A field."),
                (Kind::Sentence, "Errors."),
                (Kind::Sentence, "Not found."),
                (Kind::Sentence, "One. Still one."),
                (Kind::Sentence, "Two."),
                (Kind::FieldError, "is required"),
                (Kind::Title, "Lists a"),
            ]
        );
    }
}
