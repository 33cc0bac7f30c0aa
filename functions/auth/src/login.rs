//! `POST /api/token/`: logs in with email and password, and begins a session. The login page uses the same check, in
//! `browser`.

use axum::{
    extract::State,
    http::{HeaderMap, header},
};
use shared::{
    App,
    auth::{Password, attempt, jwt::REFRESH_LIFETIME, password::needs_rehash},
    http::{
        Code, Fields, FromFields, Json, Problem, Reply, RequestBody,
        schemas::{EmailAddress, PasswordText},
        typed,
    },
    ids::SessionId,
    model::user::Email,
    store::items::{Credential, Session, SessionKind, User},
};
use utoipa::ToSchema;

use crate::TokenPair;

/// The email address and password of an account.
#[derive(Debug, ToSchema)]
pub struct Login {
    /// The email address of the account.
    #[schema(value_type = EmailAddress)]
    pub email: Email,
    /// The password of the account.
    #[schema(value_type = PasswordText)]
    pub password: Password,
}

impl FromFields for Login {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.required("email", |text: String| Email::parse(&text));
        let password = fields.required("password", typed);
        Some(Self { email: email?, password: password? })
    }
}

impl RequestBody for Login {}

/// The maximum length of a stored `User-Agent`, in characters.
const USER_AGENT: usize = 200;

/// Logs in.
///
/// Starts a session and returns its first pair of tokens.
#[utoipa::path(post, path = "/api/token/", operation_id = "login", request_body = Login, security(()),
    responses((status = 200, body = TokenPair), (status = 401), (status = 429)))]
pub async fn login(
    State(app): State<App>,
    headers: HeaderMap,
    Json(request): Json<Login>,
) -> Result<Reply<TokenPair>, Problem> {
    let begin = |credential: &Credential| Session {
        kind: SessionKind::Token,
        expires_at: app.clock.now() + REFRESH_LIFETIME,
        ..begun(&app, credential, &headers)
    };
    let (session, user) = Box::pin(log_in(&app, &request.email, &request.password, begin)).await?;
    Ok(Reply::ok(TokenPair::of(&app, &session, user.role).await?))
}

/// Begins the session that `begin` creates from the credential, if the password is correct.
///
/// Three calls run at the same time at the end. The session may be stored although the profile could not be read, or
/// although the profile shows a later change of the password or a closed account. Then the session ends at once; nobody
/// has its tokens yet. A later change of the password ends the session by its credential version.
pub(crate) async fn log_in(
    app: &App,
    email: &Email,
    password: &Password,
    begin: impl FnOnce(&Credential) -> Session,
) -> Result<(Session, User), Problem> {
    let proven = attempt::prove(app, email, password).await?;
    let credential = proven.ok_or_else(refused)?;
    let rehashed = if needs_rehash(&credential.hash, app.hashing) {
        Some(password.rehash(&app.random, app.hashing).await?)
    } else {
        None
    };
    let session = begin(&credential);
    let (put, profile, forgotten) = tokio::join!(
        app.store.begin_session(&session),
        app.store.user(credential.user),
        app.store.forget_attempts(&credential, rehashed, app.clock.now()),
    );
    put?;
    if let Err(error) = forgotten {
        tracing::warn!(%error, "attempts could not be forgotten; the next login does it");
    }
    match profile {
        Ok(Some(user)) if session.is_live(&user, session.created_at) => Ok((session, user)),
        unusable => {
            app.store.end_session(session.user, session.id).await?;
            Err(unusable.err().map_or_else(refused, Problem::from))
        }
    }
}

/// Returns a session that begins now. The caller sets its kind and its end.
pub(crate) fn begun(app: &App, credential: &Credential, headers: &HeaderMap) -> Session {
    let now = app.clock.now();
    Session {
        user: credential.user,
        id: SessionId::new(app.random.uuid()),
        kind: SessionKind::Unknown,
        secret: None,
        generation: 1,
        rotated_at: now,
        credential_version: credential.version,
        user_agent: user_agent(headers),
        created_at: now,
        expires_at: now,
    }
}

/// Returns the same problem for an unknown email, a wrong password and a closed account.
fn refused() -> Problem {
    Problem::new(
        Code::InvalidCredentials,
        "The email address or the password is wrong. Correct it and try again.",
    )
}

/// Returns the header `User-Agent` for the list of sessions, cut and with spaces in place of control characters; `None`
/// if it is blank.
fn user_agent(headers: &HeaderMap) -> Option<String> {
    let said = String::from_utf8_lossy(headers.get(header::USER_AGENT)?.as_bytes());
    let printable = said.chars().map(|c| if c.is_control() { ' ' } else { c });
    let text: String = printable.take(USER_AGENT).collect();
    Some(text).filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn kept(value: &[u8]) -> Option<String> {
        let value = HeaderValue::from_bytes(value).unwrap();
        user_agent(&HeaderMap::from_iter([(header::USER_AGENT, value)]))
    }

    #[test]
    fn a_user_agent_is_cut_and_printable() {
        assert_eq!(kept(b"curl/8").as_deref(), Some("curl/8"));
        assert_eq!(kept(b"a\tb").as_deref(), Some("a b"));
        assert_eq!(kept(&[b'x'; 500]).map(|text| text.len()), Some(200));
        assert_eq!(kept(b"\xff").as_deref(), Some("\u{fffd}"));
        assert_eq!(kept(b" "), None);
        assert_eq!(user_agent(&HeaderMap::new()), None);
    }
}
