//! `createsuperuser`: the first admin of a deployment, as Django users know the command.
//! The account is registered through the API, under its rules; only the role is given past it.

use std::io::{self, BufRead as _, IsTerminal as _};

use axum::http::{Method, StatusCode};
use local::gateway::Gateway;
use serde_json::{Value, json};
use shared::model::user::Role;

use crate::cli::Account;
use crate::client::Client;
use crate::failure::Failure;
#[allow(unused_imports)]
use crate::needed::Needed as _;
use crate::{output, startup};

pub(crate) async fn create(account: Account) -> Result<(), Failure> {
    // Before the password is asked for: nobody likes to type one twice for a table that does not answer.
    let opened = startup::for_one_account(&account.database).await?;
    let made = make(&opened, &account).await;
    opened.close().await;
    made.map(|()| output::superuser(account.email.trim()))
}

async fn make(opened: &startup::Opened, account: &Account) -> Result<(), Failure> {
    let user = json!({
        "email": account.email,
        "password": password()?,
        "first_name": account.first_name,
        "last_name": account.last_name,
    });
    let gateway = Gateway::new(&opened.app);
    let (status, answer) = Client::anonymous(&gateway)
        .send(Method::POST, "/api/users/", &user)
        .await;
    if status != StatusCode::CREATED {
        return Err(Failure::Account(reasons(status, &answer)));
    }
    let Some(user) = answer["user_id"].as_str().and_then(|id| id.parse().ok()) else {
        return Err(Failure::Account("the answer names no user".into()));
    };
    let store = &opened.app.store;
    let given = store.set_role(user, Role::Admin).await;
    given.map(drop).map_err(|source| opened.table_failure(source))
}

fn password() -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(Failure::Password)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let password = rpassword::prompt_password("Password: ").map_err(Failure::Password)?;
    let again = rpassword::prompt_password("Password (again): ").map_err(Failure::Password)?;
    if password == again {
        Ok(password)
    } else {
        Err(Failure::PasswordsDiffer)
    }
}

/// The problem's fields with what is wrong with each, or what it says as a whole.
fn reasons(status: StatusCode, problem: &Value) -> String {
    let Some(fields) = problem["errors"].as_object() else {
        return problem["detail"]
            .as_str()
            .map_or_else(|| status.to_string(), str::to_owned);
    };
    let reason = |(field, reasons): (&String, &Value)| {
        let reasons: Vec<_> = reasons
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        format!("{field} {}", reasons.join(", "))
    };
    fields.iter().map(reason).collect::<Vec<_>>().join("; ")
}
