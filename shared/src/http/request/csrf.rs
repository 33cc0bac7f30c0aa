//! Protection against cross-site request forgery, for requests that a cookie authenticates and for the login. The names
//! of the token are those of Django, so that scripts for the Django API keep working.

use axum::http::{Method, header, request::Parts};

use super::browser_session::{Site, cookie};
use crate::{
    auth::browser::same_secret,
    http::{Code, Problem},
    random::Random,
};

/// The name of the cookie from which scripts read the token.
pub const CSRF_COOKIE: &str = "csrftoken";
/// The name of the HTML form field that contains the token.
pub const CSRF_FIELD: &str = "csrfmiddlewaretoken";
/// The name of the header that contains the token.
const CSRF_HEADER: &str = "x-csrftoken";

/// The token from a field of the request's HTML form. The body that handlers read no longer has this field.
#[derive(Clone)]
pub(crate) struct FormToken(pub(crate) String);

/// Accepts safe methods, and requests that contain `token` and do not come from a page of another site, as far as the
/// browser tells. Fails with a 403 otherwise.
pub fn check(parts: &Parts, token: &str) -> Result<(), Problem> {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&parts.method) {
        return Ok(());
    }
    if !is_from_here(parts) {
        return Err(failed(
            "The request comes from a page of another site. Send it from a page of this site.",
        ));
    }
    let sent = match parts.headers.get(CSRF_HEADER) {
        Some(value) => value.to_str().ok(),
        None => parts.extensions.get::<FormToken>().map(|token| token.0.as_str()),
    };
    match sent {
        None => Err(failed(
            "The CSRF token is missing. Send the value of the cookie `csrftoken` in the header \
             `X-CSRFToken` or in the form field `csrfmiddlewaretoken`.",
        )),
        Some(sent) if same_secret(sent, token) => Ok(()),
        Some(_) => {
            Err(failed("The CSRF token is not valid for this session. Reload the page and try again."))
        }
    }
}

fn failed(detail: &str) -> Problem {
    Problem::new(Code::CsrfFailed, detail)
}

/// Returns true unless the headers `Origin` or `Sec-Fetch-Site` show another site. Old browsers and scripts send
/// neither.
fn is_from_here(parts: &Parts) -> bool {
    let said = |name: header::HeaderName| {
        parts.headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default())
    };
    let site = Site::of(parts);
    said(header::ORIGIN).all(|origin| site.as_ref().is_some_and(|site| site.is_origin(origin)))
        && said(header::HeaderName::from_static("sec-fetch-site"))
            .all(|relation| matches!(relation, "same-origin" | "none"))
}

/// Returns the token for an HTML form on a page without a session: the value of the cookie if it is valid, otherwise a
/// new token. The request must contain it in the form and in the cookie.
#[must_use]
pub fn before_login(parts: &Parts, random: &Random) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let sent = cookie(&parts.headers, CSRF_COOKIE);
    let whole = |text: &String| URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32);
    sent.filter(whole).unwrap_or_else(|| URL_SAFE_NO_PAD.encode(random.bytes::<32>()))
}

/// Accepts an HTML form whose token equals the cookie's (a double submit). Pages of other sites cannot read the cookie,
/// so they cannot make such a form.
pub fn check_before_login(parts: &Parts) -> Result<(), Problem> {
    check(parts, &cookie(&parts.headers, CSRF_COOKIE).unwrap_or_default())
}
