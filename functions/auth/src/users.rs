//! `GET /api/users/`: all users, in pages, for admins; for others the user with a given email address.

use chrono::DateTime;
use shared::{
    App,
    events::{Data, Event},
    http::{
        Authenticated, Caller, Fields, FromFields, Limit, Origin, Page, Problem, Query, Reply, UserView,
        page::{List, bad_cursor, cursor, read_cursor, read_timed_position, timed_position},
        schemas::{Cursor, EmailAddress},
        typed,
    },
    ids::UserId,
    model::{Invalid, user::Email},
    store::{UserPosition, items::User},
};
use utoipa::IntoParams;

use crate::user::shown_to;

/// A page of users.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListUsers {
    /// The email address of the user to find.
    #[param(value_type = Option<EmailAddress>)]
    pub email: Option<Email>,
    /// The maximum number of entries on the page.
    #[param(required = false)]
    pub limit: Limit,
    /// The position at which the page begins.
    #[param(value_type = Option<Cursor>)]
    pub cursor: Option<UserPosition>,
}

impl FromFields for ListUsers {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.optional("email", |text: String| Email::parse(&text));
        let limit = fields.given("limit", typed).unwrap_or_default();
        let cursor = fields.optional("cursor", |text: String| position(&text));
        if email.is_some() && cursor.is_some() {
            fields.check(Err::<(), _>(bad_cursor()));
        }
        Some(Self { email, limit, cursor })
    }
}

/// Lists users.
///
/// Admins can list all users. Other callers must name an `email`, and get the user with this email address.
#[utoipa::path(get, path = "/api/users/", operation_id = "list_users", params(ListUsers),
    responses((status = 200, body = Page<UserView>), (status = 403)))]
pub async fn list(
    Authenticated(caller, app): Authenticated,
    origin: Origin,
    Query(query): Query<ListUsers>,
) -> Result<Reply<Page<UserView>>, Problem> {
    let page = match &query.email {
        Some(email) => with_email(&caller, &app, email).await?,
        None => everybody(&caller, &app, &origin, &query).await?,
    };
    Ok(Reply::ok(page))
}

async fn with_email(caller: &Caller, app: &App, email: &Email) -> Result<Page<UserView>, Problem> {
    let found = app.store.user_with_email(email).await?;
    let mut results = Vec::new();
    if let Some(user) = found {
        results.push(shown_to(caller, app, &user).await?);
    }
    Ok(Page { next: None, previous: None, results })
}

async fn everybody(
    caller: &Caller,
    app: &App,
    origin: &Origin,
    query: &ListUsers,
) -> Result<Page<UserView>, Problem> {
    let detail = "Only admins can list all users. Search for one user by email, as in \
                  /api/users/?email=ann@example.com.";
    caller.require_admin(app, detail).await?;
    caller.report(Event::AdminAccess(Data::Users), None);
    let limit = query.limit.0;
    let (users, more) = app.store.users_after(query.cursor, limit).await?;
    let next = users
        .last()
        .filter(|_| more)
        .map(|last| origin.link(&format!("/api/users/?limit={limit}&cursor={}", cursor_of(last))));
    Ok(Page { next, previous: None, results: users.iter().map(|user| UserView::new(user, true)).collect() })
}

fn cursor_of(user: &User) -> String {
    cursor(List::Users, &timed_position((user.created_at, user.id.uuid())))
}

fn position(text: &str) -> Result<UserPosition, Invalid> {
    let (created_at, id) = read_timed_position(read_cursor(List::Users, text)?)?;
    if created_at < DateTime::UNIX_EPOCH {
        return Err(bad_cursor());
    }
    Ok((created_at, UserId::new(id)))
}

#[cfg(test)]
mod tests {
    use shared::model::user::Role;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_position_is_read_back() {
        let user = User {
            id: UserId::new(Uuid::from_u128(7)),
            email: None,
            first_name: String::new(),
            last_name: String::new(),
            phone_number: None,
            role: Role::Guest,
            contact: None,
            credential_version: 1,
            created_at: DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap(),
            closed_at: None,
            suspended_at: None,
        };
        let text = cursor_of(&user);
        assert_eq!(position(&text).unwrap(), (user.created_at, user.id));
        assert!(position(&cursor(List::Users, &[0xff; 24])).is_err());
        assert!(position(&cursor(List::Users, &[0; 23])).is_err());
    }
}
