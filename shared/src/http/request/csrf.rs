//! Requests that another site's page makes a browser send: refused where the cookie is what authenticates, and at the login.
//! The token's names are Django's, as scripts of its users have them.

use axum::http::{Method, header, request::Parts};

use super::browser_session::{Site, cookie};
use crate::{
    auth::browser::same_secret,
    http::{Code, Problem},
    random::Random,
};

/// The cookie that scripts read the token from.
pub const CSRF_COOKIE: &str = "csrftoken";
/// The field of a form that holds the token.
pub const CSRF_FIELD: &str = "csrfmiddlewaretoken";
/// The header that holds the token.
const CSRF_HEADER: &str = "x-csrftoken";

/// The token that came as a field of the request's form, which was taken out of it.
#[derive(Clone)]
pub(crate) struct FormToken(pub(crate) String);

/// Passes safe methods, and requests that show `token` and come from a page of this site, as far as the browser says.
pub fn check(parts: &Parts, token: &str) -> Result<(), Problem> {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&parts.method) {
        return Ok(());
    }
    if !is_from_here(parts) {
        return Err(failed("The request comes from a page of another site."));
    }
    let sent = match parts.headers.get(CSRF_HEADER) {
        Some(value) => value.to_str().ok(),
        None => parts.extensions.get::<FormToken>().map(|token| token.0.as_str()),
    };
    match sent {
        None => Err(failed(
            "A request with a cookie needs the value of the cookie `csrftoken` in the header `X-CSRFToken` or in the \
             form's field `csrfmiddlewaretoken`.",
        )),
        Some(sent) if same_secret(sent, token) => Ok(()),
        Some(_) => Err(failed("The token is not this session's. Reload the page and try again.")),
    }
}

fn failed(detail: &str) -> Problem {
    Problem::new(Code::CsrfFailed, detail)
}

/// Whether what the browser says of the page that sent the request names this site. Old ones and scripts say nothing.
fn is_from_here(parts: &Parts) -> bool {
    let said = |name: header::HeaderName| {
        parts.headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default())
    };
    let site = Site::of(parts);
    said(header::ORIGIN).all(|origin| site.as_ref().is_some_and(|site| site.is_origin(origin)))
        && said(header::HeaderName::from_static("sec-fetch-site"))
            .all(|relation| matches!(relation, "same-origin" | "none"))
}

/// The token for a page without a session, which its form has to show together with the cookie: the cookie's that is there,
/// or a new one.
#[must_use]
pub fn before_login(parts: &Parts, random: &Random) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let sent = cookie(&parts.headers, CSRF_COOKIE);
    let whole = |text: &String| URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32);
    sent.filter(whole).unwrap_or_else(|| URL_SAFE_NO_PAD.encode(random.bytes::<32>()))
}

/// Passes a form whose token is the cookie's (a double submit, which another site's page cannot make).
pub fn check_before_login(parts: &Parts) -> Result<(), Problem> {
    check(parts, &cookie(&parts.headers, CSRF_COOKIE).unwrap_or_default())
}
