//! The creation of accounts, shared by registration, the command line and the demo data. Login attempts are in
//! `attempt`.

use super::{
    AuthError,
    password::{NewPassword, Password},
};
use crate::{
    App,
    events::{self, Event},
    ids::UserId,
    model::{
        Faults, Invalid,
        user::{Email, Role, first_name, last_name, phone_number},
    },
    store::{
        MOST_ADMINS, PasswordChange, PasswordChangeError, StandingChange, StandingError,
        items::{Credential, User},
    },
};

/// The fields of a requested account, unchecked.
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct Application {
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub phone_number: Option<String>,
}

/// The fields of an account, checked.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct NewAccount {
    pub email: Email,
    pub password: NewPassword,
    pub first_name: String,
    pub last_name: String,
    pub phone_number: Option<String>,
}

impl NewAccount {
    /// Checks every field. The error lists all faults.
    pub fn parse(application: Application, password: Password) -> Result<Self, AuthError> {
        let mut faults = Faults::default();
        let email = faults.check(Email::parse(&application.email));
        let first_name = faults.check(first_name(application.first_name));
        let last_name = faults.check(last_name(application.last_name));
        let phone_number = faults.check(phone_number(application.phone_number.unwrap_or_default()));
        // Only valid names are searched for in the password, so their length is bounded.
        let names: Vec<&str> = [&first_name, &last_name].into_iter().filter_map(Option::as_deref).collect();
        let password = faults.check(password.accept("password", email.as_ref(), &names));
        let (Some(email), Some(password), Some(first_name), Some(last_name), Some(phone_number)) =
            (email, password, first_name, last_name, phone_number)
        else {
            return Err(AuthError::Fields(faults));
        };
        Ok(Self { email, password, first_name, last_name, phone_number })
    }
}

/// Creates an account with the role `guest`. Fails with a fault of `email` if the email is already registered.
pub async fn create(app: &App, account: NewAccount) -> Result<User, AuthError> {
    let now = app.clock.now();
    let user = User {
        id: UserId::new(app.random.uuid()),
        email: Some(account.email.clone()),
        first_name: account.first_name,
        last_name: account.last_name,
        phone_number: account.phone_number,
        role: Role::Guest,
        contact: None,
        credential_version: 1,
        created_at: now,
        closed_at: None,
        suspended_at: None,
    };
    let credential = Credential {
        email: account.email,
        user: user.id,
        hash: account.password.hash(&app.random, app.hashing).await?,
        version: user.credential_version,
    };
    if app.store.create_account(&user, &credential).await? {
        Ok(user)
    } else {
        Err(Invalid::new("email", "is already registered").into())
    }
}

/// Creates an admin, for the command line. If the email is already registered, its account gets the role and the
/// password, and all its sessions end. A suspension ends too. If the process dies between two of these steps, the command
/// can be repeated. The text of an error is one line for a terminal.
pub async fn create_admin(
    app: &App,
    application: Application,
    password: Password,
) -> Result<User, AuthError> {
    let account = NewAccount::parse(application, password)?;
    let Some(credential) = app.store.credential(&account.email).await? else {
        let user = create(app, account).await?;
        return appoint(app, user.id).await;
    };
    let change = PasswordChange {
        credential: &credential,
        hash: account.password.hash(&app.random, app.hashing).await?,
        session: None,
    };
    app.store.change_password(&change).await.map_err(|error| match error {
        PasswordChangeError::Superseded | PasswordChangeError::SessionOver => AuthError::from(Invalid::new(
            "email",
            "belongs to an account that was changed at the same time; try again",
        )),
        PasswordChangeError::Store(error) => error.into(),
    })?;
    events::report(Event::PasswordReset, None, Some(&credential.user), None);
    app.store.end_sessions(credential.user, Some(change.version()), app.clock.now()).await?;
    appoint(app, credential.user).await
}

async fn appoint(app: &App, user: UserId) -> Result<User, AuthError> {
    let change = StandingChange { role: Some(Role::Admin), suspended: Some(false) };
    let changed =
        app.store.change_standing(user, change, app.clock.now()).await.map_err(|error| match error {
            StandingError::Closed | StandingError::LastAdmin => AuthError::from(Invalid::new(
                "email",
                "belongs to an account that was closed at the same time",
            )),
            StandingError::TooManyAdmins => AuthError::from(Invalid::new(
                "email",
                format!("cannot be one more admin: there are {MOST_ADMINS}"),
            )),
            StandingError::Store(error) => error.into(),
        })?;
    for event in changed.events() {
        events::report(event, None, Some(&user), None);
    }
    Ok(changed.after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_named() {
        let problem =
            NewAccount::parse(Application::default(), Password::new("short".to_owned())).unwrap_err();
        let text = problem.to_string();
        for field in ["password must", "email must", "first_name must", "last_name must"] {
            assert!(text.contains(field), "{text}");
        }
        assert!(!text.contains("phone_number"), "{text}");
    }

    #[test]
    fn a_password_is_compared_with_what_is_valid_only() {
        let ann = |email: &str, first_name: &str| Application {
            email: email.to_owned(),
            first_name: first_name.to_owned(),
            last_name: "Miller".to_owned(),
            phone_number: None,
        };
        for (application, wrong) in [
            (ann("ann@example.com", "zarquon vell"), "password is too easy"),
            (ann("zarquonvell9@example.com", "Ann"), "password must not be"),
            (ann("zarquonvell9", "Ann"), "email must"),
            (ann("ann@example.com", &"zarquon vell ".repeat(20)), "first_name must"),
        ] {
            let problem = NewAccount::parse(application, Password::new("zarquonvell9".to_owned()));
            let text = problem.unwrap_err().to_string();
            assert!(text.starts_with(wrong), "{text}");
            assert_eq!(text.contains("password "), wrong.starts_with("password "), "{text}");
        }
    }
}
