//! `createsuperuser`: makes the first admin of a deployment, like the command of Django. Email addresses and passwords
//! have the same rules as in registration. An existing account gets the role and the password.

use std::io::{self, BufRead as _, IsTerminal as _};

use shared::auth::accounts::{self, Application};
use shared::auth::password::Password;

use crate::cli::Account;
use crate::failure::Failure;
use crate::output;
use crate::startup::{self, Opened};

pub(crate) async fn create(account: Account) -> Result<(), Failure> {
    // The table is opened first, so that nobody types a password twice for a table that does not answer.
    let opened = startup::for_commands(&account.database).await?;
    let email = account.email.trim().to_owned();
    let made = make(&opened, account).await;
    opened.close().await;
    made.map(|()| output::superuser(&email))
}

async fn make(opened: &Opened, account: Account) -> Result<(), Failure> {
    let password = Password::new(password()?);
    let application = Application {
        email: account.email,
        first_name: account.first_name,
        last_name: account.last_name,
        phone_number: None,
    };
    let made = accounts::create_admin(&opened.app, application, password).await;
    made.map(drop).map_err(Failure::Account)
}

fn password() -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(Failure::Password)?;
        let password = line.trim_end_matches(['\r', '\n']);
        return if password.is_empty() { Err(Failure::NoPassword) } else { Ok(password.to_owned()) };
    }
    let password = rpassword::prompt_password("Password: ").map_err(Failure::Password)?;
    let again = rpassword::prompt_password("Password (again): ").map_err(Failure::Password)?;
    if password == again { Ok(password) } else { Err(Failure::PasswordsDiffer) }
}
