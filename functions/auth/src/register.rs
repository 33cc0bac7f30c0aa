//! `POST /api/users/`: creates an account. Its role is always `guest`; admins change roles afterwards.

use axum::{
    extract::{FromRequestParts, State},
    http::request::Parts,
};
use shared::{
    App,
    auth::{
        NewPassword, Password,
        accounts::{self, NewAccount},
    },
    config::Registration,
    http::{
        Authenticated, Fields, FromFields, Json, Origin, Problem, Reply, RequestBody, UserView,
        schemas::{EmailAddress, FirstName, LastName, NewPasswordText, PhoneNumber},
    },
    model::user::{Email, first_name, last_name, phone_number},
};
use utoipa::ToSchema;

/// A new account.
#[derive(Debug, ToSchema)]
pub struct Register {
    /// The email address to log in with. It must not be registered yet.
    #[schema(value_type = EmailAddress)]
    pub email: Email,
    /// A password of 15 to 128 characters, or of 8 or more that are hard to guess.
    #[schema(value_type = NewPasswordText)]
    pub password: NewPassword,
    /// A name of 1 to 150 characters.
    #[schema(value_type = FirstName)]
    pub first_name: String,
    /// A name of 1 to 150 characters.
    #[schema(value_type = LastName)]
    pub last_name: String,
    /// A phone number of 3 to 15 digits, with `+ ( ) - . /` and spaces.
    #[schema(value_type = Option<PhoneNumber>)]
    pub phone_number: Option<String>,
}

impl FromFields for Register {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.required("email", |text: String| Email::parse(&text));
        let first_name = fields.required("first_name", first_name);
        let last_name = fields.required("last_name", last_name);
        let phone_number = fields.optional("phone_number", phone_number).flatten();
        // The password must not contain the names. Invalid names are left out, because their length is not bounded.
        let names: Vec<&str> = [&first_name, &last_name].into_iter().filter_map(Option::as_deref).collect();
        let password = fields
            .required("password", |password: Password| password.accept("password", email.as_ref(), &names));
        Some(Self {
            email: email?,
            password: password?,
            first_name: first_name?,
            last_name: last_name?,
            phone_number,
        })
    }
}

impl RequestBody for Register {
    const READ_ONLY: &'static [&'static str] = &["user_id", "role", "created_at", "suspended", "contact"];
}

/// Creates an account.
///
/// The role of a new account is always `guest`. If registration is not open in a deployment, only admins can create
/// accounts.
#[utoipa::path(post, path = "/api/users/", operation_id = "register",
    request_body = Register, security((), ("accessToken" = [])),
    responses((status = 201, body = UserView), (status = 401), (status = 403)))]
pub async fn register(
    _: MayRegister,
    State(app): State<App>,
    origin: Origin,
    Json(request): Json<Register>,
) -> Result<Reply<UserView>, Problem> {
    let Register { email, password, first_name, last_name, phone_number } = request;
    let account = NewAccount { email, password, first_name, last_name, phone_number };
    let user = accounts::create(&app, account).await?;
    let location = origin.link(&format!("/api/users/{}/", user.id));
    Ok(Reply::created(UserView::new(&user, true), location))
}

/// Proof that the sender of a request may create an account. If registration is open, everybody may, and a token is
/// ignored. If it is closed, only admins may.
pub struct MayRegister;

impl FromRequestParts<App> for MayRegister {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if app.config.registration == Registration::Admin {
            let Authenticated(caller, app) = Authenticated::from_request_parts(parts, app).await?;
            caller.require_admin(&app, "Only admins can create accounts in this deployment.").await?;
        }
        Ok(Self)
    }
}
