//! The cookies of a browser: the session cookie and the device cookie, which scripts cannot read, and the CSRF cookie,
//! whose token scripts read and send back. Over HTTPS the first two have other names; see [`Site::session_cookie`].

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite, time::Duration};

use crate::{
    auth::{DeviceToken, SessionCookie, browser::BROWSER_LIFETIME, device::DEVICE_LIFETIME},
    http::request::{Site, browser_session::cookie, csrf::CSRF_COOKIE},
};

/// Returns the name of the cookie with the device token, see [`Site::session_cookie`].
fn device_cookie(site: &Site) -> &'static str {
    if site.is_secure() { "__Host-device" } else { "device" }
}

/// Sets the cookies of the session, to log a browser in.
pub fn begin(headers: &mut HeaderMap, site: &Site, session: &SessionCookie) {
    set(headers, site, site.session_cookie(), session.encode(), BROWSER_LIFETIME.num_seconds());
    set_csrf(headers, site, session.csrf_token());
}

/// Sets the cookie with the token of a known device. It stays after a logout.
pub fn set_device(headers: &mut HeaderMap, site: &Site, token: &DeviceToken) {
    set(headers, site, device_cookie(site), token.encode(), DEVICE_LIFETIME.num_seconds());
}

/// Returns the device token of a request; `None` if it has no valid one, or several.
#[must_use]
pub fn device(headers: &HeaderMap, site: &Site) -> Option<DeviceToken> {
    cookie(headers, device_cookie(site)).and_then(|text| DeviceToken::parse(&text))
}

/// Deletes the cookies of the session, to log a browser out.
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
