//! `/api-auth/login/` and `/api-auth/logout/`: the pages that begin and end a browser session. Clients with tokens use
//! `login` and `blacklist`.

use std::net::IpAddr;

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use shared::{
    App,
    auth::{DeviceToken, Password, SessionCookie, attempt::LoginAttempt, browser::BROWSER_LIFETIME},
    http::{
        ClientAddress, Code, CurrentBrowserSession, Fields, FromFields, Json, PageQuery, Problem,
        RequestBody, Site, cookies, csrf, typed,
    },
    model::user::Email,
    pages::{Frame, Html},
    store::items::{Credential, Session, SessionKind},
};

use crate::login::{begun, log_in};

/// The path that follows a login without the parameter `next`.
const HOME: &str = "/api/";

/// The maximum length of `next`, in bytes.
const NEXT: usize = 2000;

/// The query parameter for the page that follows a login or logout.
#[derive(Debug)]
pub struct NextParameter {
    /// A path of this site. Other texts are ignored.
    pub next: String,
}

impl FromFields for NextParameter {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { next: fields.given("next", typed).unwrap_or_default() })
    }
}

/// The HTML form of the login. Its fields have the names that Django uses.
#[derive(Debug)]
pub struct LoginForm {
    /// The email address of the account.
    pub username: String,
    /// The password of the account.
    pub password: Password,
    /// The path that follows the login.
    pub next: String,
}

impl FromFields for LoginForm {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = if fields.has("email") && !fields.has("username") { "email" } else { "username" };
        let username = fields.required(name, typed);
        let password = fields.required("password", typed);
        let next = fields.given("next", typed).unwrap_or_default();
        Some(Self { username: username?, password: password?, next })
    }
}

impl RequestBody for LoginForm {}

/// The HTML form of the logout.
#[derive(Debug)]
pub struct LogoutForm {
    /// The path that follows the logout.
    pub next: String,
}

impl FromFields for LogoutForm {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { next: fields.given("next", typed).unwrap_or_default() })
    }
}

impl RequestBody for LogoutForm {}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    frame: Frame,
    csrf: &'a str,
    next: &'a str,
    username: &'a str,
    message: Option<String>,
}

#[derive(Template)]
#[template(path = "logout.html")]
struct LogoutPage<'a> {
    frame: Frame,
    next: &'a str,
}

/// Answers `GET` of the login with its form.
pub async fn login_page(
    State(app): State<App>,
    CurrentBrowserSession(browser_session): CurrentBrowserSession,
    site: Site,
    PageQuery(query): PageQuery<NextParameter>,
    parts: Parts,
) -> Response {
    let frame = Frame::new("Log in", &parts, browser_session.as_deref());
    let csrf = login_token(&frame, &parts, &app);
    let next = here_or_home(&query.next);
    let mut response =
        Html(LoginPage { frame, csrf: &csrf, next, username: "", message: None }).into_response();
    cookies::set_csrf(response.headers_mut(), &site, csrf);
    response
}

/// Answers `POST` of the login: redirects to `next`, or shows the form again with the error.
pub async fn login(
    State(app): State<App>,
    CurrentBrowserSession(browser_session): CurrentBrowserSession,
    (site, ClientAddress(client)): (Site, ClientAddress),
    parts: Parts,
    form: Result<Json<LoginForm>, Problem>,
) -> Response {
    let frame = Frame::new("Log in", &parts, browser_session.as_deref());
    let (username, next) = match &form {
        Ok(Json(form)) => (form.username.clone(), here_or_home(&form.next).to_owned()),
        Err(_) => (String::new(), HOME.to_owned()),
    };
    let begun = match csrf::check_before_login(&parts).and(form) {
        Ok(Json(form)) => begin(&app, &parts.headers, (&site, client), &form).await,
        Err(problem) => Err(problem),
    };
    match begun {
        Ok((cookie, device)) => {
            // The browser loses the cookie of its earlier session, and nobody else knows the secret. So an error is
            // only logged.
            if let Some(old) = browser_session
                && let Err(error) = app.store.end_session(old.user.id, old.session.id, app.clock.now()).await
            {
                tracing::warn!(%error, "the browser's earlier session stays until it expires");
            }
            let mut response = lead_to(&next);
            cookies::begin(response.headers_mut(), &site, &cookie);
            cookies::set_device(response.headers_mut(), &site, &device);
            response
        }
        Err(problem) if problem.code() == Code::Internal => problem.into_response(),
        Err(problem) => {
            let csrf = login_token(&frame, &parts, &app);
            let message = Some(problem.to_string());
            let page = LoginPage { frame, csrf: &csrf, next: &next, username: &username, message };
            let mut response = problem.answer_with(Html(page));
            cookies::set_csrf(response.headers_mut(), &site, csrf);
            response
        }
    }
}

/// Returns the CSRF token of the login form: that of the browser session, or otherwise one that equals the cookie.
fn login_token(frame: &Frame, parts: &Parts, app: &App) -> String {
    match &frame.user {
        Some(_) => frame.csrf.clone(),
        None => csrf::before_login(parts, &app.random),
    }
}

/// Begins a session whose secret is only in the cookie. Returns its cookie and the token of the device. Fails if the
/// email address is malformed or the login is refused.
async fn begin(
    app: &App,
    headers: &HeaderMap,
    (site, client): (&Site, IpAddr),
    form: &LoginForm,
) -> Result<(SessionCookie, DeviceToken), Problem> {
    let email = Email::parse(&form.username).map_err(|fault| Problem::field("username", fault.reason))?;
    let attempt = LoginAttempt {
        email: &email,
        password: &form.password,
        client,
        device: cookies::device(headers, site),
    };
    let mut cookie = None;
    let begin = |credential: &Credential| {
        let (session, made) = cookie_session(app, credential, headers);
        cookie = Some(made);
        session
    };
    let login = Box::pin(log_in(app, &attempt, begin)).await?;
    let cookie = cookie.ok_or_else(|| Problem::internal("a session without a cookie"))?;
    Ok((cookie, login.device))
}

/// Returns a browser session that begins now, and its cookie, which alone has the secret.
pub(crate) fn cookie_session(
    app: &App,
    credential: &Credential,
    headers: &HeaderMap,
) -> (Session, SessionCookie) {
    let session = begun(app, credential, headers);
    let cookie = SessionCookie::new(session.user, session.id, &app.random);
    let (secret, expires_at) = (Some(cookie.digest()), app.clock.now() + BROWSER_LIFETIME);
    (Session { kind: SessionKind::Cookie, secret, expires_at, ..session }, cookie)
}

/// Answers `GET` of the logout with a form that asks for confirmation.
pub async fn logout_page(
    CurrentBrowserSession(browser_session): CurrentBrowserSession,
    PageQuery(query): PageQuery<NextParameter>,
    parts: Parts,
) -> Response {
    let frame = Frame::new("Log out", &parts, browser_session.as_deref());
    Html(LogoutPage { frame, next: here_or_home(&query.next) }).into_response()
}

/// Answers `POST` of the logout. The session has ended before the answer is sent. Without a session, it only deletes
/// the cookies.
pub async fn logout(
    State(app): State<App>,
    CurrentBrowserSession(browser_session): CurrentBrowserSession,
    site: Site,
    parts: Parts,
    Json(form): Json<LogoutForm>,
) -> Result<Response, Problem> {
    if let Some(browser_session) = browser_session {
        csrf::check(&parts, &browser_session.csrf_token())?;
        app.store.end_session(browser_session.user.id, browser_session.session.id, app.clock.now()).await?;
    }
    let mut response = lead_to(here_or_home(&form.next));
    cookies::end(response.headers_mut(), &site);
    Ok(response)
}

/// Returns `next` if it is a path of this site, otherwise the API's root. A browser could read other texts as the URL
/// of another site.
pub(crate) fn here_or_home(next: &str) -> &str {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain && next.len() <= NEXT && next.starts_with('/') && !next.starts_with("//") { next } else { HOME }
}

/// Redirects to a path of this site.
pub(crate) fn lead_to(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static(HOME));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_no_other_site() {
        for here in
            ["/", "/api/", "/api/messages/?conversation=1&limit=5", "/a/%2F%2Fb", "/?next=//example.com"]
        {
            assert_eq!(here_or_home(here), here);
        }
        for elsewhere in [
            "",
            "api/",
            "//example.com",
            "///example.com",
            "/\\example.com",
            "\\\\example.com",
            "https://example.com",
            "https:example.com",
            "javascript:alert(1)",
            "/\n/example.com",
            "/\t/example.com",
            "/ /",
            " /",
            "/\u{0}",
            "/\u{2028}",
            "/\u{e4}",
            &format!("/{}", "a".repeat(NEXT)),
        ] {
            assert_eq!(here_or_home(elsewhere), HOME, "{elsewhere}");
        }
    }
}
