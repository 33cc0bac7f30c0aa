//! `/api-auth/login/` and `/api-auth/logout/`: the pages that begin and end a browser's session.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use shared::{
    App,
    auth::{Password, SessionCookie, browser::BROWSER_LIFETIME},
    http::{
        Code, CurrentBrowserSession, Fields, FromFields, Json, PageQuery, Problem, RequestBody, Site,
        cookies, csrf, typed,
    },
    model::user::Email,
    pages::{Frame, Html},
    store::items::{Credential, Session, SessionKind},
};

use crate::login::{begun, log_in};

/// Where a login leads that says nothing else.
const HOME: &str = "/api/";

/// Longest address that a login leads to.
const NEXT: usize = 2000;

/// Where to go afterwards.
#[derive(Debug)]
pub struct NextParameter {
    /// A path of this site; anything else is passed over.
    pub next: String,
}

impl FromFields for NextParameter {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { next: fields.given("next", typed).unwrap_or_default() })
    }
}

/// The login form, with the names that Django gives its fields.
#[derive(Debug)]
pub struct LoginForm {
    /// The account's email.
    pub username: String,
    /// The account's.
    pub password: Password,
    /// A path of this site.
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

/// The logout form.
#[derive(Debug)]
pub struct LogoutForm {
    /// A path of this site.
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

/// `GET` of the login: the form.
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

/// `POST` of the login: leads to where the form says, or shows it again with what is wrong.
pub async fn login(
    State(app): State<App>,
    CurrentBrowserSession(browser_session): CurrentBrowserSession,
    site: Site,
    parts: Parts,
    form: Result<Json<LoginForm>, Problem>,
) -> Response {
    let frame = Frame::new("Log in", &parts, browser_session.as_deref());
    let (username, next) = match &form {
        Ok(Json(form)) => (form.username.clone(), here_or_home(&form.next).to_owned()),
        Err(_) => (String::new(), HOME.to_owned()),
    };
    let begun = match csrf::check_before_login(&parts).and(form) {
        Ok(Json(form)) => begin(&app, &parts.headers, &form).await,
        Err(problem) => Err(problem),
    };
    match begun {
        Ok(cookie) => {
            // The browser forgets the session that it had; nobody else knows its secret.
            if let Some(old) = browser_session
                && let Err(error) = app.store.end_session(old.user.id, old.session.id).await
            {
                tracing::warn!(%error, "the browser's earlier session stays until it expires");
            }
            let mut response = lead_to(&next);
            cookies::begin(response.headers_mut(), &site, &cookie);
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

/// The token of the login form: the present session's, or one that the cookie repeats.
fn login_token(frame: &Frame, parts: &Parts, app: &App) -> String {
    match &frame.user {
        Some(_) => frame.csrf.clone(),
        None => csrf::before_login(parts, &app.random),
    }
}

/// Begins a session whose secret is in the cookie alone.
async fn begin(app: &App, headers: &HeaderMap, form: &LoginForm) -> Result<SessionCookie, Problem> {
    let email = Email::parse(&form.username).map_err(|fault| Problem::field("username", fault.reason))?;
    let mut cookie = None;
    let begin = |credential: &Credential| {
        let session = begun(app, credential, headers);
        let made = SessionCookie::new(session.user, session.id, &app.random);
        let secret = Some(made.digest());
        cookie = Some(made);
        Session {
            kind: SessionKind::Cookie,
            secret,
            expires_at: app.clock.now() + BROWSER_LIFETIME,
            ..session
        }
    };
    Box::pin(log_in(app, &email, &form.password, begin)).await?;
    cookie.ok_or_else(|| Problem::internal("a session without a cookie"))
}

/// `GET` of the logout: asks whether to.
pub async fn logout_page(
    CurrentBrowserSession(browser_session): CurrentBrowserSession,
    PageQuery(query): PageQuery<NextParameter>,
    parts: Parts,
) -> Response {
    let frame = Frame::new("Log out", &parts, browser_session.as_deref());
    Html(LogoutPage { frame, next: here_or_home(&query.next) }).into_response()
}

/// `POST` of the logout: the session is over when this is answered. Without one there is nothing to end.
pub async fn logout(
    State(app): State<App>,
    CurrentBrowserSession(browser_session): CurrentBrowserSession,
    site: Site,
    parts: Parts,
    Json(form): Json<LogoutForm>,
) -> Result<Response, Problem> {
    if let Some(browser_session) = browser_session {
        csrf::check(&parts, &browser_session.csrf_token())?;
        app.store.end_session(browser_session.user.id, browser_session.session.id).await?;
    }
    let mut response = lead_to(here_or_home(&form.next));
    cookies::end(response.headers_mut(), &site);
    Ok(response)
}

/// A path of this site, or the API's root: an address elsewhere, or one that a browser would read as such, leads nowhere.
fn here_or_home(next: &str) -> &str {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain && next.len() <= NEXT && next.starts_with('/') && !next.starts_with("//") { next } else { HOME }
}

fn lead_to(path: &str) -> Response {
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
