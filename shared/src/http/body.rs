//! Request bodies: strict JSON, or an urlencoded form of the same fields. What does not parse is a 400 that names the field.

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    json::json_object,
    problem::{Code, Problem},
    query::{NoParameters, Query},
};
use crate::model::{Invalid, text::is_refused};

/// Most bytes of a request's body.
pub const MAX_BODY: usize = 256 * 1024;

/// The fields of a request's body.
pub trait RequestBody: DeserializeOwned {
    /// Fields of the representation that a client may send back and that are passed over.
    const READ_ONLY: &'static [&'static str] = &[];
    /// Fields that are lists, so that a form with one value means a list of one.
    const LISTS: &'static [&'static str] = &[];
}

/// A parsed request body.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S: Sync, T: RequestBody> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let Query(NoParameters {}) = Query::of(&parts.uri)?;
        let form = is_form(&parts.headers)?;
        let bytes = read(body).await?;
        let fields = match form {
            true => form_fields(&bytes, T::LISTS)?,
            false if bytes.is_empty() => Map::new(),
            false => json_object(&bytes)?,
        };
        parse(fields).map(Self)
    }
}

/// Whether the body is a form; JSON otherwise.
pub(super) fn is_form(headers: &HeaderMap) -> Result<bool, Problem> {
    let value = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let essence = value.map(|value| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    match essence.as_deref() {
        Some("application/json") => Ok(false),
        Some("application/x-www-form-urlencoded") => Ok(true),
        _ => Err(Problem::new(
            Code::UnsupportedMediaType,
            "Send JSON, with the header `Content-Type: application/json`.",
        )),
    }
}

/// A whole body, if it is not too large.
pub(super) async fn read(body: Body) -> Result<Vec<u8>, Problem> {
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Problem::new(Code::PayloadTooLarge, format!("The body is over {MAX_BODY} bytes.")))
        }
        Err(error) => Err(Problem::new(Code::MalformedBody, "The body broke off.").caused_by(error)),
    }
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(Code::MalformedBody, detail)
}

/// Reads an urlencoded form. Line ends are CRLF in forms (HTML) and LF in stored text.
fn form_fields(bytes: &[u8], lists: &[&str]) -> Result<Map<String, Value>, Problem> {
    let mut fields = Map::new();
    for (name, value) in
        pairs(bytes).ok_or_else(|| malformed("The form is not UTF-8, or holds control characters."))?
    {
        if lists.contains(&name.as_str()) {
            let list = fields.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if let (Value::Array(list), false) = (list, value.is_empty()) {
                list.push(Value::String(value));
            }
        } else if fields.insert(name.clone(), Value::String(value.replace("\r\n", "\n"))).is_some() {
            return Err(Invalid::new(name, "is named twice").into());
        }
    }
    Ok(fields)
}

/// The pairs of an urlencoded text; `None` where a byte sequence is not UTF-8 or a character is refused.
pub(super) fn pairs(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let decode = |text: &[u8]| {
        let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        let text = percent_encoding::percent_decode(&spaced).decode_utf8().ok()?.into_owned();
        (!text.chars().any(|c| is_refused(c) && c != '\r')).then_some(text)
    };
    bytes
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            Some((decode(halves.next().unwrap_or_default())?, decode(halves.next().unwrap_or_default())?))
        })
        .collect()
}

/// Reads `T` out of fields that were read already.
pub fn parse<T: RequestBody>(mut fields: Map<String, Value>) -> Result<T, Problem> {
    fields.retain(|name, _| !T::READ_ONLY.contains(&name.as_str()));
    deserialize(Value::Object(fields)).map_err(Problem::from)
}

/// Deserialises with the field's name in the error, and without the value, which may be a secret.
pub(super) fn deserialize<T: DeserializeOwned>(value: Value) -> Result<T, Invalid> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let said = error.into_inner().to_string();
        let quoted = said.split('`').nth(1).unwrap_or_default().to_owned();
        if said.starts_with("missing field") {
            Invalid::new(quoted, "is required")
        } else if said.starts_with("unknown field") {
            Invalid::new(quoted, "is no field of this request")
        } else if let Some((_, expected)) = said.split_once(", expected ") {
            Invalid::new(path, format!("must be {expected}"))
        } else {
            Invalid::new(path, said)
        }
    })
}

/// For PATCH: tells a field that is `null` (`Some(None)`) from one that is not there (`None`).
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// For PATCH: a field that may be left out, and may not be `null`.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Login {
        #[allow(dead_code)]
        password: String,
        #[serde(default, deserialize_with = "present")]
        name: Option<Option<String>>,
    }

    impl RequestBody for Login {
        const READ_ONLY: &'static [&'static str] = &["user_id"];
    }

    fn fault(json: &str) -> String {
        let error = deserialize::<Login>(serde_json::from_str(json).unwrap()).unwrap_err();
        error.to_string()
    }

    #[test]
    fn errors_name_the_field_and_not_the_value() {
        assert_eq!(fault("{}"), "password: is required");
        assert_eq!(fault(r#"{"password":1234}"#), "password: must be a string");
        assert_eq!(fault(r#"{"password":"","nam":1}"#), "nam: is no field of this request");
    }

    #[test]
    fn null_and_nothing_differ() {
        let name = |json: &str| parse::<Login>(json_object(json.as_bytes()).unwrap()).unwrap().name;
        assert_eq!(name(r#"{"password":"","user_id":7}"#), None);
        assert_eq!(name(r#"{"password":"","name":null}"#), Some(None));
    }

    #[test]
    fn forms_are_strict() {
        assert_eq!(form_fields(b"a=1+2&b=%C3%A9&l=x", &["l"]).unwrap()["l"], serde_json::json!(["x"]));
        assert!(form_fields(b"a=%ff", &[]).is_err());
        assert!(form_fields(b"a=%00", &[]).is_err());
        assert!(form_fields(b"a=1&a=2", &[]).is_err());
    }
}
