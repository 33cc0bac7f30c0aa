//! The two cookies of a browser: the session cookie, which scripts cannot read, and the CSRF cookie, whose token
//! scripts read and send back. Over HTTPS the session cookie has another name; see [`Site::session_cookie`].

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite, time::Duration};

use crate::{
    auth::{SessionCookie, browser::BROWSER_LIFETIME},
    http::request::{Site, csrf::CSRF_COOKIE},
};

/// Sets both cookies, to log a browser in.
pub fn begin(headers: &mut HeaderMap, site: &Site, session: &SessionCookie) {
    set(headers, site, site.session_cookie(), session.encode(), BROWSER_LIFETIME.num_seconds());
    set_csrf(headers, site, session.csrf_token());
}

/// Deletes both cookies, to log a browser out.
pub fn end(headers: &mut HeaderMap, site: &Site) {
    set(headers, site, site.session_cookie(), String::new(), 0);
    set(headers, site, CSRF_COOKIE, String::new(), 0);
}

/// Sets the cookie with the CSRF token that HTML forms and scripts send back.
pub fn set_csrf(headers: &mut HeaderMap, site: &Site, token: String) {
    set(headers, site, CSRF_COOKIE, token, BROWSER_LIFETIME.num_seconds());
}

fn set(headers: &mut HeaderMap, site: &Site, name: &'static str, value: String, seconds: i64) {
    let mut cookie = Cookie::new(name, value);
    cookie.set_path("/");
    cookie.set_same_site(SameSite::Lax);
    cookie.set_secure(site.is_secure());
    cookie.set_http_only(name != CSRF_COOKIE);
    cookie.set_max_age(Duration::seconds(seconds));
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        headers.append(header::SET_COOKIE, value);
    }
}
