//! `/api/users/me/`: reads and changes the caller's own profile.

use shared::{
    http::{
        Authenticated, Fields, FromFields, NoParameters, Problem, Query, Reply, RequestBody, Unchecked,
        Unversioned, UserView,
        schemas::{EmailAddress, FirstName, LastName, PhoneNumber},
        typed,
    },
    model::{
        Faults, Invalid,
        user::{Contact, Email, Role, first_name, last_name, phone_number},
    },
    store::{ProfileChange, items::User},
};
use utoipa::ToSchema;

/// The fields to change. Other fields do not change.
#[derive(Debug, ToSchema)]
pub struct ChangeMe {
    /// A name of 1 to 150 characters.
    #[schema(value_type = FirstName, required = false)]
    pub first_name: Option<String>,
    /// A name of 1 to 150 characters.
    #[schema(value_type = LastName, required = false)]
    pub last_name: Option<String>,
    /// A phone number of 3 to 15 digits, with `+ ( ) - . /` and spaces; `null` removes it.
    #[schema(value_type = Option<PhoneNumber>)]
    pub phone_number: Option<Option<String>>,
    /// The consent that others need before they can write to the caller. `everyone` needs none. With `requests`, users who
    /// share no conversation with the caller can only send an invitation. It has an effect if the deployment asks for
    /// consent.
    #[schema(value_type = Contact, required = false)]
    pub contact: Option<Contact>,
    /// The current email address. A client may send it back, but cannot change it.
    #[schema(value_type = EmailAddress, required = false)]
    pub email: Option<String>,
    /// The current role. A client may send it back, but cannot change it here. Admins change roles at
    /// `/api/users/{id}/`.
    #[schema(value_type = Role, required = false)]
    pub role: Option<String>,
}

impl FromFields for ChangeMe {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            first_name: fields.given("first_name", first_name),
            last_name: fields.given("last_name", last_name),
            phone_number: fields.nullable("phone_number", phone_number).map(Option::flatten),
            contact: fields.given("contact", typed),
            email: fields.given("email", typed),
            role: fields.given("role", typed),
        })
    }
}

impl RequestBody for ChangeMe {
    const READ_ONLY: &'static [&'static str] = &["user_id", "created_at", "suspended"];
}

/// Returns the caller's profile.
///
/// The profile includes the contact details.
#[utoipa::path(get, path = "/api/users/me/", operation_id = "read_own_profile", responses((status = 200, body = UserView)))]
pub async fn read(
    Authenticated(caller, app): Authenticated,
    Query(NoParameters {}): Query<NoParameters>,
) -> Result<Reply<UserView>, Problem> {
    let user = caller.profile(&app).await?;
    Ok(Reply::ok(UserView::own(&user)))
}

/// Changes the caller's profile.
///
/// Fields that the request does not name do not change. A request that changes nothing writes nothing.
#[utoipa::path(patch, path = "/api/users/me/", operation_id = "change_own_profile",
    request_body = ChangeMe, responses((status = 200, body = UserView)))]
pub async fn change(
    Authenticated(caller, app): Authenticated,
    Unversioned(unversioned): Unversioned,
    request: Unchecked<ChangeMe>,
) -> Result<Reply<UserView>, Problem> {
    let user = caller.profile(&app).await?;
    let request = request.and(unversioned);
    let (request, ()) = request.check(|(request, ()), faults| request.check(&user, faults))?;
    let user = match request.change_of(&user) {
        None => user,
        Some(change) => {
            let changed = app.store.change_profile(caller.user, change).await?;
            changed.ok_or_else(Problem::token_not_valid)?
        }
    };
    Ok(Reply::ok(UserView::own(&user)))
}

impl ChangeMe {
    /// Notes a fault if the request contains another email or role than `user` has.
    fn check(&self, user: &User, faults: &mut Faults) {
        if let Some(email) = &self.email {
            faults.check(same_email(Some(email), user));
        }
        if let Some(role) = &self.role {
            faults.check(same_role(role, user));
        }
    }

    /// Returns the change from `user`; `None` if nothing is different.
    fn change_of(self, user: &User) -> Option<ProfileChange> {
        let change = ProfileChange {
            first_name: self.first_name.filter(|name| *name != user.first_name),
            last_name: self.last_name.filter(|name| *name != user.last_name),
            phone_number: self.phone_number.filter(|number| *number != user.phone_number),
            // A user who names the setting of their role chooses it: it stays when the role changes.
            contact: self.contact.filter(|contact| user.contact != Some(*contact)),
        };
        (!change.is_empty()).then_some(change)
    }
}

/// Checks an email address that a client sends back. Another address is refused, because ignoring it would look like a
/// success.
pub(crate) fn same_email(email: Option<&str>, user: &User) -> Result<(), Invalid> {
    let same = match (email, &user.email) {
        (Some(email), Some(own)) => Email::parse(email).is_ok_and(|email| email == *own),
        (None, None) => true,
        _ => false,
    };
    if same { Ok(()) } else { Err(Invalid::new("email", "cannot be changed")) }
}

fn same_role(role: &str, user: &User) -> Result<(), Invalid> {
    if role == user.role.as_str() {
        return Ok(());
    }
    Err(Invalid::new("role", "cannot be changed here; admins can change roles at /api/users/{id}/"))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;
    use shared::{ids::UserId, model::user::Role};
    use uuid::Uuid;

    use super::*;

    fn parse(body: &serde_json::Value) -> Result<Option<ProfileChange>, Problem> {
        let user = User {
            id: UserId::new(Uuid::nil()),
            email: Some(Email::parse("ann@example.com").unwrap()),
            first_name: "Ann".to_owned(),
            last_name: "Miller".to_owned(),
            phone_number: Some("12345".to_owned()),
            role: Role::Guest,
            contact: Some(Contact::Requests),
            credential_version: 1,
            created_at: DateTime::UNIX_EPOCH,
            closed_at: None,
            suspended_at: None,
        };
        let mut body = body.as_object().unwrap().clone();
        body.retain(|name, _| !ChangeMe::READ_ONLY.contains(&name.as_str()));
        let request = Unchecked::<ChangeMe>::of(body, DateTime::UNIX_EPOCH);
        Ok(request.check(|request, faults| request.check(&user, faults))?.change_of(&user))
    }

    #[test]
    fn what_is_sent_back_changes_nothing() {
        for same in [
            json!({}),
            json!({"user_id": 1, "first_name": "Ann", "last_name": "Miller", "email": "ANN@example.com",
                "phone_number": "12345", "role": "guest", "created_at": null, "contact": "requests"}),
        ] {
            assert!(parse(&same).unwrap().is_none(), "{same}");
        }
    }

    #[test]
    fn a_change_names_what_differs() {
        let change = parse(&json!({"first_name": "Anna", "last_name": "Miller", "phone_number": null}));
        let change = change.unwrap().unwrap();
        assert_eq!(change.first_name.as_deref(), Some("Anna"));
        assert_eq!(change.last_name, None);
        assert_eq!(change.phone_number, Some(None));
    }

    #[test]
    fn what_cannot_be_changed_is_refused() {
        for (body, field) in [
            (json!({"role": "admin"}), "role"),
            (json!({"role": null}), "role"),
            (json!({"email": "ben@example.com"}), "email"),
            (json!({"email": "ann"}), "email"),
            (json!({"first_name": null}), "first_name"),
            (json!({"first_name": " "}), "first_name"),
            (json!({"phone_number": "call me"}), "phone_number"),
            (json!({"contact": "nobody"}), "contact"),
            (json!({"password": "x"}), "password"),
        ] {
            let text = parse(&body).unwrap_err().to_string();
            assert!(text.starts_with(&format!("{field} ")), "{body}: {text}");
        }
    }
}
