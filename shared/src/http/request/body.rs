//! Request bodies: strict JSON, or a URL-encoded HTML form with the same fields. An invalid body gets a 400 that names
//! every invalid field.

use std::convert::Infallible;

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{HeaderMap, Method, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};

use super::{
    fields::{Fields, FromFields, Unknown, shortened},
    json::{KEPT_AS_TEXT, json_object, metadata},
    pairs::pairs,
    query,
    unchecked::Unchecked,
};
use crate::{
    App,
    http::{Code, Problem},
    model::{Faults, Invalid},
};

/// The maximum size of a request body, in bytes.
pub const MAX_BODY: usize = 256 * 1024;

/// A request type that is read from the fields of a body.
pub trait RequestBody: FromFields {
    /// The fields of the representation that a client may send back. They are ignored.
    const READ_ONLY: &'static [&'static str] = &[];
    /// The fields that are lists. In an HTML form, a single value of such a field is a list with one element.
    const LISTS: &'static [&'static str] = &[];
    /// The fields that are booleans. In an HTML form, their values are texts such as `true` and `false`.
    const BOOLEANS: &'static [&'static str] = &[];
}

/// A parsed request body. The request must have no query parameters; one problem names the faults of body and query.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: RequestBody> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let Ok(request) = Unchecked::from_request(request, app).await;
        request.finish().map(Self)
    }
}

impl<T: RequestBody> FromRequest<App> for Unchecked<T> {
    type Rejection = Infallible;

    /// Reads the whole request, whatever its faults are. So a handler can first check the caller's access.
    async fn from_request(request: Request, app: &App) -> Result<Self, Infallible> {
        Ok(unchecked(request, app).await.unwrap_or_else(Self::unreadable))
    }
}

async fn unchecked<T: RequestBody>(request: Request, app: &App) -> Result<Unchecked<T>, Problem> {
    let (parts, body) = request.into_parts();
    let is_patch = parts.method == Method::PATCH;
    let media = match media(&parts.headers)? {
        Some(Media::MergePatch) if !is_patch => return Err(unsupported()),
        media => media,
    };
    let bytes = read(body).await?;
    let mut faults = query::refuse_all(&parts.uri)?;
    let mut values = match media {
        Some(Media::Form) => form_fields::<T>(&bytes, &mut faults)?,
        // An empty body has no fields. A PATCH without a document is a mistake (RFC 5789, section 2).
        _ if bytes.is_empty() && !is_patch => Map::new(),
        Some(Media::Json | Media::MergePatch) => json_object(&bytes, &mut faults)?,
        None => return Err(unsupported()),
    };
    values.retain(|name, _| !T::READ_ONLY.contains(&name.as_str()));
    let fields = Fields::new(values, app.clock.now()).with_headers(parts.headers).with_faults(faults);
    Ok(Unchecked::read(fields.merging(media == Some(Media::MergePatch)), Unknown::FIELD))
}

/// The media type of a JSON merge patch (RFC 7396): a change that is merged into the existing resource.
const MERGE_PATCH: &str = "application/merge-patch+json";

/// The media types that PATCH accepts, for the header `Accept-Patch` (RFC 5789, section 3.1).
pub(crate) const ACCEPT_PATCH: &str =
    "application/merge-patch+json, application/json, application/x-www-form-urlencoded";

/// The supported media types of request bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    /// A JSON document: `application/json`.
    Json,
    /// A JSON merge patch: `application/merge-patch+json` (RFC 7396), for PATCH only.
    MergePatch,
    /// An HTML form: `application/x-www-form-urlencoded`.
    Form,
}

/// Returns the media type of the body; `None` without the header `Content-Type`, which is correct for an empty body.
/// The error for any other media type is a 415.
pub(crate) fn media(headers: &HeaderMap) -> Result<Option<Media>, Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(None);
    };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/json") {
        Ok(Some(Media::Json))
    } else if essence.eq_ignore_ascii_case(MERGE_PATCH.as_bytes()) {
        Ok(Some(Media::MergePatch))
    } else if essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
        Ok(Some(Media::Form))
    } else {
        Err(unsupported())
    }
}

fn unsupported() -> Problem {
    Problem::new(
        Code::UnsupportedMediaType,
        "This media type is not supported. Send JSON with the header `Content-Type: application/json`.",
    )
}

/// Reads a whole body. The error is a 413 above [`MAX_BODY`] bytes, and a 400 if the body ends early.
pub(crate) async fn read(body: Body) -> Result<Vec<u8>, Problem> {
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(
            Code::PayloadTooLarge,
            format!("The body has more than {MAX_BODY} bytes. Send a smaller body."),
        )),
        Err(error) => {
            Err(Problem::new(Code::MalformedBody, "The body is not complete. Send the request again.")
                .caused_by(error))
        }
    }
}

/// Returns the problem of a form whose text cannot be read.
pub(crate) fn undecodable_form() -> Problem {
    Problem::new(Code::MalformedBody, "The form is not valid UTF-8 or contains control characters.")
}

/// Reads a URL-encoded HTML form. A name that appears twice is noted in `faults`, unless the field is a list.
fn form_fields<T: RequestBody>(bytes: &[u8], faults: &mut Faults) -> Result<Map<String, Value>, Problem> {
    let pairs = pairs(bytes)?.ok_or_else(undecodable_form)?;
    let mut fields = Map::new();
    for (name, value) in pairs {
        if T::LISTS.contains(&name.as_str()) {
            let list = fields.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if let (Value::Array(list), false) = (list, value.is_empty()) {
                list.push(Value::String(value));
            }
        } else if fields.contains_key(&name) {
            faults.note(Invalid::new(shortened(&name), "must be given only once"));
        } else {
            let value = if T::BOOLEANS.contains(&name.as_str()) {
                boolean(value)
            } else {
                text(&name, &value, faults)
            };
            fields.insert(name, value);
        }
    }
    Ok(fields)
}

/// Returns the boolean that a text of a form means, as in the forms of Django REST Framework. Another text stays a text,
/// and the field refuses it.
fn boolean(text: String) -> Value {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "on" => Value::Bool(true),
        "false" | "0" | "off" => Value::Bool(false),
        _ => Value::String(text),
    }
}

/// Returns the value of a text field of a form. Line ends are CRLF in HTML forms and LF in stored text. The field
/// [`KEPT_AS_TEXT`] contains JSON; an empty text is `null`.
fn text(name: &str, value: &str, faults: &mut Faults) -> Value {
    if name != KEPT_AS_TEXT {
        return Value::String(value.replace("\r\n", "\n"));
    }
    if value.trim().is_empty() {
        return Value::Null;
    }
    let parsed = metadata(value.as_bytes());
    faults.check(parsed.map_err(|reason| Invalid::new(KEPT_AS_TEXT, reason))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{super::pairs::MAX_PAIRS, *};

    struct Request;

    impl FromFields for Request {
        fn read(_: &mut Fields) -> Option<Self> {
            Some(Self)
        }
    }

    impl RequestBody for Request {
        const LISTS: &'static [&'static str] = &["l"];
        const BOOLEANS: &'static [&'static str] = &["b"];
    }

    fn form(bytes: &[u8]) -> Result<(Map<String, Value>, bool), Problem> {
        let mut faults = Faults::new();
        let fields = form_fields::<Request>(bytes, &mut faults)?;
        Ok((fields, faults.is_empty()))
    }

    #[test]
    fn forms_are_strict() {
        assert_eq!(form(b"a=1+2&b=%C3%A9&l=x").unwrap().0["l"], serde_json::json!(["x"]));
        assert!(form(b"a=%ff").is_err());
        assert!(form(b"a=%00").is_err());
        assert!(!form(b"a=1&a=2").unwrap().1);
    }

    #[test]
    fn a_form_carries_booleans_and_metadata() {
        for (text, value) in
            [("true", true.into()), ("False", false.into()), ("1", true.into()), ("x", "x".into())]
        {
            assert_eq!(form(format!("b={text}&a={text}").as_bytes()).unwrap().0, {
                Map::from_iter([("a".to_owned(), Value::from(text)), ("b".to_owned(), value)])
            });
        }
        for (text, is_accepted) in [
            ("%7B%22a%22:1E5%7D", true),
            ("", true),
            ("null", true),
            ("%7Ba", false),
            ("%7B%22a%22:1,%22a%22:2%7D", false),
        ] {
            assert_eq!(form(format!("metadata={text}").as_bytes()).unwrap().1, is_accepted, "{text}");
        }
    }

    #[test]
    fn a_form_has_at_most_so_many_fields() {
        let fields = |count: usize| (0..count).map(|n| format!("f{n}=1")).collect::<Vec<_>>().join("&");
        assert!(form(fields(MAX_PAIRS).as_bytes()).is_ok());
        assert_eq!(form(fields(MAX_PAIRS + 1).as_bytes()).unwrap_err().code(), Code::MalformedBody);
    }

    #[test]
    fn a_media_type_is_read_from_its_bytes() {
        let of = |value: &[u8]| {
            let value = axum::http::HeaderValue::from_bytes(value).unwrap();
            media(&HeaderMap::from_iter([(header::CONTENT_TYPE, value)]))
        };
        assert_eq!(of(b"Application/JSON ; charset=\xe4").unwrap(), Some(Media::Json));
        assert_eq!(of(b"application/x-www-form-urlencoded").unwrap(), Some(Media::Form));
        assert_eq!(of(b"application/merge-patch+json").unwrap(), Some(Media::MergePatch));
        assert!(of(b"text/plain").is_err() && of(b"").is_err() && of(b"\xff").is_err());
        assert_eq!(media(&HeaderMap::new()).unwrap(), None);
    }
}
