//! The two tokens of a session's present generation: made of what is stored and the signing key and nothing else, so that
//! whoever asks twice for a generation gets the same bytes. Where the key is exchanged in between, both pairs are good.

use serde::Serialize;
use shared::{
    App,
    auth::{
        AccessClaims, RefreshClaims,
        jwt::{ACCESS_LIFETIME, REFRESH_LIFETIME},
    },
    http::{Problem, describe::TokenText},
    model::user::Role,
    store::items::Session,
};
use utoipa::ToSchema;

/// Tokens, as users of djangorestframework-simplejwt know them. No `Debug`, which would print them.
#[derive(Serialize, ToSchema)]
pub struct TokenPair {
    /// Makes the next pair at `/api/token/refresh/`, once; good for 30 days.
    #[schema(value_type = TokenText)]
    pub refresh: String,
    /// Goes into the header `Authorization: Bearer …`; good for 15 minutes.
    #[schema(value_type = TokenText)]
    pub access: String,
}

impl TokenPair {
    /// The pair of a session.
    pub(crate) async fn of(app: &App, session: &Session, role: Role) -> Result<Self, Problem> {
        let signing =
            app.signing.as_ref().ok_or_else(|| Problem::internal("this process has no signing key"))?;
        let signer = signing.signer(app).await?;
        let issued_at = session.rotated_at.timestamp();
        let refresh = RefreshClaims {
            iss: app.config.issuer.clone(),
            aud: app.config.audience.clone(),
            sub: session.user,
            sid: session.id,
            generation: session.generation,
            iat: issued_at,
            exp: (session.rotated_at + REFRESH_LIFETIME).timestamp(),
        };
        let access = AccessClaims {
            iss: app.config.issuer.clone(),
            aud: app.config.audience.clone(),
            sub: session.user,
            sid: session.id,
            role,
            iat: issued_at,
            exp: (session.rotated_at + ACCESS_LIFETIME).timestamp(),
        };
        Ok(Self {
            refresh: signer.sign(&refresh).map_err(Problem::internal)?,
            access: signer.sign(&access).map_err(Problem::internal)?,
        })
    }
}
