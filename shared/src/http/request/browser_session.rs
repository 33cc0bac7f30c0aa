//! Browser sessions: the session of a request's cookie, and its user. Both are read with strong consistency for each
//! request, so that a logout and a change of the password take effect at once.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, Uri, header, request::Parts},
};
use cookie::Cookie;

use crate::{
    App,
    auth::{SessionCookie, browser::same_secret},
    http::{Problem, response::cookies},
    store::items::{Session, SessionKind, User},
};

/// The name of the session cookie over HTTP. Django uses this name, so scripts for the Django API keep working.
const PLAIN_SESSION_COOKIE: &str = "sessionid";

/// The name of the session cookie over HTTPS. Browsers accept the prefix `__Host-` only with `Secure`, with `Path=/`
/// and without `Domain`. So neither another host of the domain nor a person who can change HTTP traffic can replace the
/// cookie with one of their own.
const SECURE_SESSION_COOKIE: &str = "__Host-sessionid";

/// The maximum number of session cookies in a request that are looked up.
const MAX_COOKIES: usize = 2;

/// A live browser session.
pub struct BrowserSession {
    cookie: SessionCookie,
    /// The session item, as it was read for this request.
    pub session: Session,
    /// The user of the session, read together with the session.
    pub user: User,
}

impl std::fmt::Debug for BrowserSession {
    /// Writes only ids, because logs must contain neither secrets nor contact details.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BrowserSession")
            .field("user", &self.user.id)
            .field("session", &self.session.id)
            .finish_non_exhaustive()
    }
}

impl BrowserSession {
    /// Creates the browser session of a cookie.
    #[must_use]
    pub const fn new(cookie: SessionCookie, session: Session, user: User) -> Self {
        Self { cookie, session, user }
    }

    /// Sets the cookies of this session in an answer.
    pub fn set_cookies(&self, headers: &mut HeaderMap, site: &Site) {
        cookies::begin(headers, site, &self.cookie);
    }

    /// Returns the CSRF token that pages of this session must send with each request that changes data.
    #[must_use]
    pub fn csrf_token(&self) -> String {
        self.cookie.csrf_token()
    }
}

/// The browser session of a request to a page; `None` if the user is not logged in by cookie. Handlers that answer with
/// JSON use `Caller` instead.
#[derive(Debug, Clone)]
pub struct CurrentBrowserSession(pub Option<Arc<BrowserSession>>);

impl FromRequestParts<App> for CurrentBrowserSession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        browser_session(parts, app).await.map(Self)
    }
}

/// The browser session after a request that has ended or replaced it, as an extension of the response. The page of the
/// answer is for this session; `None` is a browser that is logged out.
#[derive(Debug, Clone)]
pub struct NextBrowserSession(pub Option<Arc<BrowserSession>>);

/// The result of reading the request's cookie before the handler runs, as an extension of the request.
#[derive(Debug, Clone)]
pub(crate) struct Known(pub(crate) Result<Option<Arc<BrowserSession>>, Problem>);

/// Returns the live session of the request's cookie; `None` if there is none. A request with the header `Authorization`
/// has no browser session. Uses the result of an earlier read of the same request.
pub(crate) async fn browser_session(
    parts: &Parts,
    app: &App,
) -> Result<Option<Arc<BrowserSession>>, Problem> {
    match parts.extensions.get::<Known>() {
        Some(known) => known.0.clone(),
        None => read(&parts.uri, &parts.headers, app).await,
    }
}

/// Reads the live session of the request's cookie from the table, like [`browser_session`] without an earlier read.
pub(crate) async fn read(
    uri: &Uri,
    headers: &HeaderMap,
    app: &App,
) -> Result<Option<Arc<BrowserSession>>, Problem> {
    if headers.contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    let name = Site::at(uri, headers).unwrap_or_default().session_cookie();
    let mut live = None;
    for cookie in session_cookies(headers, name) {
        let found = find(cookie, app).await?;
        // Two live sessions may be an attack: a page of another host of the domain has set its own cookie.
        if found.is_some() && live.is_some() {
            return Ok(None);
        }
        live = live.or(found);
    }
    Ok(live.map(Arc::new))
}

/// Returns the live session of a cookie, or the one that is closing its account; `None` if there is none.
async fn find(cookie: SessionCookie, app: &App) -> Result<Option<BrowserSession>, Problem> {
    let found = app.store.session_and_user(cookie.user, cookie.session).await?;
    let now = app.clock.now();
    Ok(found
        .filter(|(session, user)| {
            is_of(session, &cookie) && (session.is_live(user, now) || session.is_closing(user, now))
        })
        .map(|(session, user)| BrowserSession { cookie, session, user }))
}

/// Returns the session cookies of a request. A browser sends a second one if a host of the parent domain has set it.
/// More than [`MAX_COOKIES`] values are ignored, because each is looked up in the table.
fn session_cookies(headers: &HeaderMap, name: &str) -> Vec<SessionCookie> {
    let mut values = values_of(headers, name);
    values.sort_unstable();
    values.dedup();
    if values.len() > MAX_COOKIES {
        return Vec::new();
    }
    values.iter().filter_map(|value| SessionCookie::parse(value)).collect()
}

/// Returns true if a request has a session cookie, valid or not.
pub(super) fn has_cookie(parts: &Parts) -> bool {
    let name = Site::at(&parts.uri, &parts.headers).unwrap_or_default().session_cookie();
    !session_cookies(&parts.headers, name).is_empty()
}

/// Returns true if the session is a browser session and the cookie contains its secret. Sessions of tokens never match.
fn is_of(session: &Session, cookie: &SessionCookie) -> bool {
    session.kind == SessionKind::Cookie
        && session.secret.as_deref().is_some_and(|secret| same_secret(secret, &cookie.digest()))
}

/// Returns the value of the cookie with this name; `None` if the request has several, because one of them may come from
/// an attacker. Cookies that cannot be parsed are ignored, because other applications may set any text as a cookie.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut found = values_of(headers, name);
    found.pop().filter(|_| found.is_empty())
}

/// Returns the values of all cookies with this name. Cookies that cannot be parsed are ignored, because other
/// applications may set any text as a cookie.
fn values_of(headers: &HeaderMap, name: &str) -> Vec<String> {
    let lines = headers.get_all(header::COOKIE).iter();
    let sent = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let read = sent.filter_map(|cookie| Cookie::parse(str::from_utf8(cookie).ok()?).ok());
    read.filter(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned()).collect()
}

/// The scheme and host of a request's URL, in the form of a browser's `Origin` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The scheme: `https` or `http`.
    scheme: &'static str,
    host: String,
}

impl Default for Site {
    /// Returns a site without a host, which equals no origin. Its cookies are those of HTTPS.
    fn default() -> Self {
        Self { scheme: "https", host: String::new() }
    }
}

impl Site {
    /// Returns the site of a request; `None` if its URI has no host. Without a gateway's header `X-Forwarded-Proto`,
    /// the scheme is `http` for loopback hosts and `https` for others.
    #[must_use]
    pub fn of(parts: &Parts) -> Option<Self> {
        Self::at(&parts.uri, &parts.headers)
    }

    /// Returns the site of a request by its URI and headers, like [`Site::of`].
    #[must_use]
    pub fn at(uri: &Uri, headers: &HeaderMap) -> Option<Self> {
        let host = uri.authority().map(|host| host.as_str().to_ascii_lowercase())?;
        let said = headers.get("x-forwarded-proto").map(HeaderValue::as_bytes);
        let own = ["127.0.0.1", "localhost", "[::1]"];
        let loopback = own
            .iter()
            .any(|name| host.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')));
        let http = said.map_or(loopback, |said| said == b"http");
        Some(Self { scheme: if http { "http" } else { "https" }, host })
    }

    /// Returns true if the scheme is `https`, so that cookies get the attribute `Secure`.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.scheme == "https"
    }

    /// Returns the name of the session cookie for this scheme.
    #[must_use]
    pub fn session_cookie(&self) -> &'static str {
        if self.is_secure() { SECURE_SESSION_COOKIE } else { PLAIN_SESSION_COOKIE }
    }

    /// Returns true if the value of an `Origin` header equals this site.
    #[must_use]
    pub fn is_origin(&self, origin: &str) -> bool {
        origin.to_ascii_lowercase().split_once("://") == Some((self.scheme, self.host.as_str()))
    }
}

impl FromRequestParts<App> for Site {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self::of(parts).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(uri: &str, proto: Option<&str>) -> Site {
        let mut request = axum::http::Request::get(uri);
        if let Some(proto) = proto {
            request = request.header("x-forwarded-proto", proto);
        }
        Site::of(&request.body(()).unwrap().into_parts().0).unwrap()
    }

    #[test]
    fn a_site_is_what_its_gateway_says() {
        let deployed = site("https://api.test/api/", Some("https"));
        assert!(deployed.is_secure() && deployed.is_origin("https://api.test"));
        for other in ["http://api.test", "https://api.test:444", "https://api.test.", "api.test", "null", ""]
        {
            assert!(!deployed.is_origin(other), "{other}");
        }
        let local = site("http://127.0.0.1:3000/", Some("http"));
        assert!(!local.is_secure() && local.is_origin("http://127.0.0.1:3000"));
        // `cargo lambda watch` sends no such header, and `lambda_http` assumes HTTPS then.
        assert!(!site("https://127.0.0.1:9000/", None).is_secure());
        assert!(site("https://api.test/", None).is_secure());
        assert!(site("https://127.0.0.1.example.com/", None).is_secure());
    }

    #[test]
    fn cookies_travel_encrypted_where_the_page_does() {
        use crate::{
            auth::SessionCookie,
            http::cookies,
            ids::{SessionId, UserId},
            random::Random,
        };
        let random = Random::from_seed(1);
        let cookie = SessionCookie::new(UserId::new(random.uuid()), SessionId::new(random.uuid()), &random);
        let lines = |site: &Site| {
            let mut headers = HeaderMap::new();
            cookies::begin(&mut headers, site, &cookie);
            headers
                .get_all(header::SET_COOKIE)
                .iter()
                .map(|line| line.to_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let (secure, plain) =
            (site("https://api.test/", Some("https")), site("http://api.test/", Some("http")));
        assert!(lines(&secure).iter().all(|line| line.contains("; Secure")));
        assert!(lines(&plain).iter().all(|line| !line.contains("Secure")));
        let named = |site: &Site, name: &str| lines(site).iter().any(|line| line.starts_with(name));
        assert!(named(&secure, "__Host-sessionid=") && named(&secure, "csrftoken="));
        assert!(named(&plain, "sessionid=") && named(&plain, "csrftoken="));
    }

    #[test]
    fn of_two_cookies_of_a_name_neither_counts() {
        let headers = |lines: &[&str]| {
            let values = lines.iter().map(|line| (header::COOKIE, line.parse().unwrap()));
            values.collect::<HeaderMap>()
        };
        assert_eq!(cookie(&headers(&["a=1; b=2"]), "b").as_deref(), Some("2"));
        assert_eq!(cookie(&headers(&["a=1; a=2"]), "a"), None);
        assert_eq!(cookie(&headers(&["b=1"]), "a"), None);
    }

    #[test]
    fn a_cookie_is_found_beside_others_that_cannot_be_read() {
        for line in [
            &b"city=Logro\xf1o; a=1"[..],
            "a=1; city=Logroño".as_bytes(),
            b"\xff; =; ;;x;a=1;\xc3",
            b" a = 1 ",
        ] {
            let mut headers = HeaderMap::new();
            headers.append(header::COOKIE, HeaderValue::from_static("b=2"));
            headers.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
            headers.append(header::COOKIE, HeaderValue::from_bytes(b"c=\xf1").unwrap());
            assert_eq!(cookie(&headers, "a").as_deref(), Some("1"), "{line:?}");
        }
    }
}
