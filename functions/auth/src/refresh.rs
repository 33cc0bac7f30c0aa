//! `POST /api/token/refresh/`: exchanges a refresh token for the next generation of a session's tokens. If a token is
//! used again after the grace period, then either this token or its successor was stolen, and the session ends.

use std::net::IpAddr;

use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use shared::{
    App,
    auth::{RefreshClaims, jwt::REFRESH_LIFETIME},
    events::{self, Event},
    http::{ClientAddress, Fields, FromFields, Json, Problem, Reply, RequestBody, schemas::TokenText, typed},
    store::{
        Rotation, RotationError,
        items::{Session, SessionKind},
    },
};
use utoipa::ToSchema;

use crate::TokenPair;

/// The grace period: for this time, a repeated request gets the same answer again, in case the first was lost.
const GRACE: TimeDelta = TimeDelta::seconds(30);

// There is no `Debug`, because logs must not contain the token.
/// A refresh token.
#[derive(ToSchema)]
pub struct Refresh {
    /// The refresh token.
    #[schema(value_type = TokenText)]
    pub refresh: String,
}

impl FromFields for Refresh {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { refresh: fields.required("refresh", typed)? })
    }
}

impl RequestBody for Refresh {}

/// Exchanges a refresh token for the next pair of tokens.
///
/// A refresh token can be used once. A repeated request within 30 seconds returns the same tokens, in case the first
/// response was lost. A later request with the same token ends the session.
#[utoipa::path(post, path = "/api/token/refresh/", operation_id = "refresh_token", request_body = Refresh, security(()),
    responses((status = 200, body = TokenPair), (status = 401)))]
pub async fn refresh(
    State(app): State<App>,
    ClientAddress(client): ClientAddress,
    Json(request): Json<Refresh>,
) -> Result<Reply<TokenPair>, Problem> {
    let now = app.clock.now();
    let claims = app.keys.refresh(&app.store, &request.refresh, now).await?;
    let rotation = Rotation {
        user: claims.sub,
        session: claims.sid,
        generation: claims.generation,
        now,
        expires_at: now + REFRESH_LIFETIME,
    };
    // If a call after the rotation fails, the client repeats the request within the grace period. The answer is derived
    // from stored values, so it is the same.
    let (rotated, profile) = tokio::join!(app.store.rotate_session(rotation), app.store.user(claims.sub));
    let session = match rotated {
        Ok(session) => session,
        Err(RotationError::Refused(present)) => {
            successor(&app, (&claims, client), present.map(|present| *present), now).await?
        }
        Err(RotationError::Store(error)) => return Err(error.into()),
    };
    match profile? {
        Some(user) if session.is_live(&user, now) => {
            Ok(Reply::ok(TokenPair::of(&app, &session, user.role).await?))
        }
        // The password was changed or the account was closed, and the session was not ended then, or is ending just now.
        _ => Err(ended(&app, &claims, now).await),
    }
}

/// Returns the stored session after a refused rotation, if this token made its current generation within the grace
/// period. Every other answer is an error; if the token was used again, the session ends as well.
async fn successor(
    app: &App,
    (claims, client): (&RefreshClaims, IpAddr),
    standing: Option<Session>,
    now: DateTime<Utc>,
) -> Result<Session, Problem> {
    match standing {
        Some(session) if session.expires_at <= now || session.kind != SessionKind::Token => {
            Err(Problem::refresh_token_not_valid())
        }
        Some(session) if is_successor(claims.generation, &session, now) => Ok(session),
        Some(_) => {
            events::report(Event::RefreshTokenReused, None, Some(&claims.sub), Some(client));
            Err(ended(app, claims, now).await)
        }
        None => Err(Problem::refresh_token_not_valid()),
    }
}

fn is_successor(generation: u64, session: &Session, now: DateTime<Utc>) -> bool {
    session.generation == generation.saturating_add(1) && now - session.rotated_at <= GRACE
}

/// Ends the session and returns a 401. If the write fails, it returns that error, and the client's next attempt ends
/// the session.
async fn ended(app: &App, claims: &RefreshClaims, now: DateTime<Utc>) -> Problem {
    match app.store.end_session(claims.sub, claims.sid, now).await {
        Ok(()) => Problem::refresh_token_not_valid(),
        Err(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use shared::ids::{SessionId, UserId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_the_generation_before_and_only_for_a_while() {
        let rotated_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let session = Session {
            user: UserId::new(Uuid::nil()),
            id: SessionId::new(Uuid::nil()),
            kind: SessionKind::Token,
            secret: None,
            generation: 3,
            rotated_at,
            credential_version: 1,
            user_agent: None,
            created_at: rotated_at,
            expires_at: rotated_at + REFRESH_LIFETIME,
        };
        assert!(is_successor(2, &session, rotated_at));
        assert!(is_successor(2, &session, rotated_at + GRACE));
        assert!(!is_successor(2, &session, rotated_at + GRACE + TimeDelta::microseconds(1)));
        assert!(!is_successor(1, &session, rotated_at));
        assert!(!is_successor(3, &session, rotated_at));
        assert!(!is_successor(u64::MAX, &session, rotated_at));
    }
}
