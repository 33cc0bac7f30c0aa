//! `POST /api/token/`: logs in with email and password, and begins a session. The login page uses the same check, in
//! `browser`.

use axum::{
    extract::State,
    http::{HeaderMap, header},
};
use serde::Serialize;
use shared::{
    App,
    auth::{
        AuthError, DeviceToken, Password,
        attempt::{self, LoginAttempt, Proof},
        jwt::REFRESH_LIFETIME,
        password::needs_rehash,
    },
    http::{
        ClientAddress, Code, Fields, FromFields, Json, Problem, Reply, RequestBody,
        schemas::{DeviceTokenText, EmailAddress, PasswordText, TokenText},
        typed,
    },
    ids::SessionId,
    model::user::Email,
    store::{
        StoreError,
        items::{Credential, Session, SessionKind, User},
    },
    telemetry,
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
    /// The `device_token` of an earlier login on this device. The login then does not wait for other devices' failed
    /// logins. A text that is not a token of this user is ignored.
    #[schema(value_type = Option<DeviceTokenText>)]
    pub device_token: Option<DeviceToken>,
}

impl FromFields for Login {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.required("email", |text: String| Email::parse(&text));
        let password = fields.required("password", typed);
        let device_token = fields.optional("device_token", |text: String| Ok(DeviceToken::parse(&text)));
        Some(Self { email: email?, password: password?, device_token: device_token.flatten() })
    }
}

impl RequestBody for Login {}

// There is no `Debug`, because logs must not contain the tokens.
/// The first pair of tokens of a session, and the token of the device.
#[derive(Serialize, ToSchema)]
pub struct LoginTokens {
    /// The refresh token. It can be exchanged once at `/api/token/refresh/`, within 30 days.
    #[schema(value_type = TokenText)]
    pub refresh: String,
    /// The access token for the header `Authorization: Bearer …`. It is valid for 15 minutes.
    #[schema(value_type = TokenText)]
    pub access: String,
    /// The token of this device. Keep it, and send it with the next login on this device.
    #[schema(value_type = DeviceTokenText)]
    pub device_token: String,
}

/// The maximum length of a stored `User-Agent`, in characters.
const USER_AGENT: usize = 200;

/// Logs in.
///
/// Starts a session and returns its first pair of tokens. After ten failed attempts with one email address from one
/// network or known device, further attempts have to wait.
#[utoipa::path(post, path = "/api/token/", operation_id = "login", request_body = Login, security(()),
    responses((status = 200, body = LoginTokens), (status = 401), (status = 403), (status = 429)))]
pub async fn login(
    State(app): State<App>,
    ClientAddress(client): ClientAddress,
    headers: HeaderMap,
    Json(request): Json<Login>,
) -> Result<Reply<LoginTokens>, Problem> {
    let begin = |credential: &Credential| token_session(&app, credential, &headers);
    let Login { email, password, device_token } = request;
    let attempt = LoginAttempt { email: &email, password: &password, client, device: device_token };
    let login = Box::pin(log_in(&app, &attempt, begin)).await?;
    let TokenPair { refresh, access } = TokenPair::of(&app, &login.session, login.user.role).await?;
    Ok(Reply::ok(LoginTokens { refresh, access, device_token: login.device.encode() }))
}

/// A login that succeeded.
pub(crate) struct LoggedIn {
    pub(crate) session: Session,
    pub(crate) user: User,
    /// The token of the device: the one that the client sent, or a new one.
    pub(crate) device: DeviceToken,
}

/// Begins the session that `begin` creates from the credential, if the password is correct.
///
/// The profile is read after the session was put. A change of the password, a closing of the account or a suspension first
/// changes the profile, and then ends all sessions. So either it finds this session, or its change is seen here. Then the
/// session ends at once; nobody has its tokens yet. The same happens if the profile cannot be read.
pub(crate) async fn log_in(
    app: &App,
    attempt: &LoginAttempt<'_>,
    begin: impl FnOnce(&Credential) -> Session,
) -> Result<LoggedIn, Problem> {
    let proof = attempt::log_in(app, attempt).await?.ok_or_else(refused)?;
    let session = begin(&proof.credential);
    let (put, device, kept) =
        tokio::join!(begin_session(app, &session), device(app, &proof), keep(app, attempt, &proof),);
    put?;
    if let Err(error) = kept {
        tracing::warn!(
            causes = telemetry::causes(&error),
            "an attempt is still counted; the next login takes it back"
        );
    }
    match app.store.user(session.user).await {
        Ok(Some(user)) if session.is_live(&user, session.created_at) => {
            Ok(LoggedIn { session, user, device: device? })
        }
        unusable => {
            app.store.end_session(session.user, session.id, session.created_at).await?;
            Err(match unusable {
                Ok(Some(user)) if user.suspended_at.is_some() => suspended(),
                Ok(_) => refused(),
                Err(error) => error.into(),
            })
        }
    }
}

/// Stores the session, and ends the user's oldest sessions beyond the limit. If they cannot be read or ended, the next
/// login ends them.
async fn begin_session(app: &App, session: &Session) -> Result<(), StoreError> {
    let (put, oldest) =
        tokio::join!(app.store.begin_session(session), app.store.sessions_beyond_limit(session));
    put?;
    let ended = match oldest {
        Ok(oldest) => app.store.end_oldest(session, oldest).await,
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        tracing::warn!(
            causes = telemetry::causes(&error),
            "the user's oldest sessions stay until the next login"
        );
    }
    Ok(())
}

/// Returns the token of the device, and stores the device if it is new. If this call fails, the client has no token of
/// the new device and repeats the login.
async fn device(app: &App, proof: &Proof) -> Result<DeviceToken, StoreError> {
    if let Some(known) = &proof.device {
        return Ok(known.clone());
    }
    let token = DeviceToken::new(proof.credential.user, &app.random);
    app.store.put_device(&token.item(app.clock.now())).await?;
    Ok(token)
}

/// Takes the attempt back, and stores a hash with the present parameters if the stored one has others.
async fn keep(app: &App, attempt: &LoginAttempt<'_>, proof: &Proof) -> Result<(), AuthError> {
    let credential = &proof.credential;
    let rehash = async {
        if needs_rehash(&credential.hash, app.hashing) {
            let rehashed = attempt.password.rehash(&app.random, app.hashing).await?;
            app.store.keep_hash(credential, &rehashed).await?;
        }
        Ok(())
    };
    let forgotten = app.store.forget_attempts(attempt.email, &proof.source, app.clock.now());
    let (forgotten, rehashed) = tokio::join!(forgotten, rehash);
    forgotten.map_err(AuthError::from).and(rehashed)
}

/// Returns a session with tokens that begins now.
pub(crate) fn token_session(app: &App, credential: &Credential, headers: &HeaderMap) -> Session {
    Session {
        kind: SessionKind::Token,
        expires_at: app.clock.now() + REFRESH_LIFETIME,
        ..begun(app, credential, headers)
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

/// Returns the problem for the right password of a suspended user.
fn suspended() -> Problem {
    Problem::new(
        Code::Suspended,
        "This account is suspended. Only an admin of this service can end the suspension.",
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
