//! The two tokens of a session's current generation. They depend only on stored values and the signing key, so a
//! repeated request for one generation gets the same bytes. If the key changes between two requests, both pairs of
//! tokens are valid.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use sha2::{Digest, Sha256};
use shared::{
    App,
    auth::{
        AccessClaims, RefreshClaims,
        jwt::{ACCESS_LIFETIME, CLIENT_ID, Claims},
    },
    http::{Problem, schemas::TokenText},
    model::user::Role,
    store::items::Session,
};
use utoipa::ToSchema;

// There is no `Debug`, because logs must not contain the tokens.
/// A pair of tokens. The names are those of djangorestframework-simplejwt.
#[derive(Serialize, ToSchema)]
pub struct TokenPair {
    /// The refresh token. It can be exchanged once at `/api/token/refresh/`, within 30 days.
    #[schema(value_type = TokenText)]
    pub refresh: String,
    /// The access token for the header `Authorization: Bearer …`. It is valid for 15 minutes.
    #[schema(value_type = TokenText)]
    pub access: String,
}

impl TokenPair {
    /// Creates the tokens of a session's current generation. Fails with a 500 if the process has no signing key.
    pub(crate) async fn of(app: &App, session: &Session, role: Role) -> Result<Self, Problem> {
        let signing =
            app.signing.as_ref().ok_or_else(|| Problem::internal("this process has no signing key"))?;
        let signer = signing.signer(&app.keys, &app.store, app.clock.now()).await?;
        let refresh = signer.sign(&refresh_claims(app, session)).map_err(Problem::internal)?;
        let access = signer.sign(&access_claims(app, session, role)).map_err(Problem::internal)?;
        Ok(Self { refresh, access })
    }
}

fn refresh_claims(app: &App, session: &Session) -> RefreshClaims {
    RefreshClaims {
        iss: app.config.issuer.clone(),
        aud: RefreshClaims::audience(&app.config),
        sub: session.user,
        sid: session.id,
        generation: session.generation,
        iat: session.rotated_at.timestamp(),
        exp: session.expires_at.timestamp(),
    }
}

fn access_claims(app: &App, session: &Session, role: Role) -> AccessClaims {
    AccessClaims {
        iss: app.config.issuer.clone(),
        aud: AccessClaims::audience(&app.config),
        sub: session.user,
        sid: session.id,
        role,
        client_id: CLIENT_ID.to_owned(),
        jti: token_id(session, role),
        iat: session.rotated_at.timestamp(),
        exp: (session.rotated_at + ACCESS_LIFETIME).timestamp(),
    }
}

/// Returns the `jti` of a session's access token: 128 bits of SHA-256 over the values that determine its claims. It is
/// not random, so that a repeated request for one generation gets the same bytes.
fn token_id(session: &Session, role: Role) -> String {
    let hash = Sha256::new()
        .chain_update(b"messaging/access-token/1\0")
        .chain_update(session.id.uuid().as_bytes())
        .chain_update(session.generation.to_be_bytes())
        .chain_update(session.rotated_at.timestamp().to_be_bytes())
        .chain_update(role.as_str())
        .finalize();
    URL_SAFE_NO_PAD.encode(&hash[..16])
}
