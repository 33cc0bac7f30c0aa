//! `POST /api/users/`: creates an account. Its role is always `guest`; admins change roles afterwards. A request with
//! credentials that asks for another role is refused. Without credentials the role is ignored, because whoever registers
//! has no choice.

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
        Authenticated, Fields, FromFields, Origin, Problem, Reply, RequestBody, Unchecked, UserView,
        has_credentials,
        schemas::{EmailAddress, FirstName, LastName, NewPasswordText, NewRole, PhoneNumber},
        typed,
    },
    model::{
        Invalid,
        user::{Email, Role, first_name, last_name, phone_number},
    },
};
use utoipa::ToSchema;

// A required field is `None` only in a request with faults.
/// A new account.
#[derive(Debug, ToSchema)]
pub struct Register {
    /// The email address to log in with. It must not be registered yet.
    #[schema(value_type = EmailAddress)]
    pub email: Option<Email>,
    /// A password of 15 to 128 characters, or of 8 or more that are hard to guess.
    #[schema(value_type = NewPasswordText)]
    pub password: Option<NewPassword>,
    /// A name of 1 to 150 characters.
    #[schema(value_type = FirstName)]
    pub first_name: Option<String>,
    /// A name of 1 to 150 characters.
    #[schema(value_type = LastName)]
    pub last_name: Option<String>,
    /// A phone number of 3 to 15 digits, with `+ ( ) - . /` and spaces.
    #[schema(value_type = Option<PhoneNumber>)]
    pub phone_number: Option<String>,
    /// The role of a new account, which is always `guest`. Admins change roles afterwards, at `/api/users/{id}/`. With a
    /// token, another role is refused; without one it is ignored.
    #[schema(value_type = NewRole, required = false)]
    pub role: Option<String>,
}

impl FromFields for Register {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.required("email", |text: String| Email::parse(&text));
        let first_name = fields.required("first_name", first_name);
        let last_name = fields.required("last_name", last_name);
        let phone_number = fields.optional("phone_number", phone_number).flatten();
        let role = fields.optional("role", typed);
        // The password must not contain the names. Invalid names are left out, because their length is not bounded.
        let names: Vec<&str> = [&first_name, &last_name].into_iter().filter_map(Option::as_deref).collect();
        let password = fields
            .required("password", |password: Password| password.accept("password", email.as_ref(), &names));
        Some(Self { email, password, first_name, last_name, phone_number, role })
    }
}

impl Register {
    /// Returns the account of a request without faults; `None` if a field is missing.
    fn account(self) -> Option<NewAccount> {
        Some(NewAccount {
            email: self.email?,
            password: self.password?,
            first_name: self.first_name?,
            last_name: self.last_name?,
            phone_number: self.phone_number,
        })
    }
}

impl RequestBody for Register {
    const READ_ONLY: &'static [&'static str] = &["user_id", "created_at", "suspended", "contact"];
}

/// Creates an account.
///
/// The role of a new account is always `guest`. A request of an admin that names another role is refused. If registration is not open in a deployment, only admins can create
/// accounts.
#[utoipa::path(post, path = "/api/users/", operation_id = "register",
    request_body = Register, security((), ("accessToken" = [])),
    responses((status = 201, body = UserView), (status = 401), (status = 403)))]
pub async fn register(
    MayRegister { is_for_another }: MayRegister,
    State(app): State<App>,
    origin: Origin,
    request: Unchecked<Register>,
) -> Result<Reply<UserView>, Problem> {
    let request = request.check(|request, faults| {
        if let Some(role) = &request.role {
            faults.check(role_of_new(role, is_for_another));
        }
    })?;
    let account = request.account();
    let account = account.ok_or_else(|| Problem::internal("a registration without a field or a fault"))?;
    let user = accounts::create(&app, account).await?;
    let location = origin.link(&format!("/api/users/{}/", user.id));
    Ok(Reply::created(UserView::new(&user, true), location))
}

/// Checks the role that a request names. For an admin who makes an account for another person, ignoring another role would
/// look like a success.
fn role_of_new(role: &str, is_for_another: bool) -> Result<(), Invalid> {
    let is_ignored = !is_for_another && [Role::Host, Role::Admin].iter().any(|other| other.as_str() == role);
    if role == Role::Guest.as_str() || is_ignored {
        return Ok(());
    }
    Err(Invalid::new("role", "is always `guest` for a new account; admins can change it at /api/users/{id}/"))
}

/// Proof that the sender of a request may create an account. If registration is open, everybody may, and a token is
/// ignored. If it is closed, only admins may.
pub struct MayRegister {
    /// True if the request has credentials, so somebody who is logged in makes an account for another person.
    is_for_another: bool,
}

impl FromRequestParts<App> for MayRegister {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if app.config.registration == Registration::Admin {
            let Authenticated(caller, app) = Authenticated::from_request_parts(parts, app).await?;
            caller.require_admin(&app, "Only admins can create accounts in this deployment.").await?;
            return Ok(Self { is_for_another: true });
        }
        Ok(Self { is_for_another: has_credentials(parts) })
    }
}
