//! Users in requests: by id, or as objects with an id, like the users in representations.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;
use shared::{
    App,
    http::{Fields, Problem, UserView},
    ids::{ConversationId, UserId},
    store::{Candidates, items::User},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Object, OneOfBuilder, Ref, RefOr, Schema, schema::AdditionalProperties},
};

/// The maximum length of a list of users, repetitions included. Longer lists are not parsed.
const LONGEST: usize = 1000;

/// The fields of a user as the API returns one. A reference may contain them; only the id counts.
const USER_FIELDS: [&str; 9] = [
    "user_id",
    "first_name",
    "last_name",
    "email",
    "phone_number",
    "role",
    "created_at",
    "contact",
    "suspended",
];

/// A reference to a user in a request: the id, or an object with the id.
#[derive(Debug, Clone, Copy)]
pub struct UserReference(pub UserId);

impl PartialSchema for UserReference {
    fn schema() -> RefOr<Schema> {
        let mut user = match UserView::schema() {
            RefOr::T(Schema::Object(user)) => user,
            _ => Object::new(),
        };
        user.required = vec!["user_id".to_owned()];
        user.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        user.description = None;
        OneOfBuilder::new()
            .item(Ref::from_schema_name(UserId::name()))
            .item(user)
            .description(Some(
                "The id of a user, or an object with the field `user_id`, such as a user that \
                 the API returned.",
            ))
            .into()
    }
}

impl ToSchema for UserReference {}

impl<'de> Deserialize<'de> for UserReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReferenceVisitor).map(Self)
    }
}

struct ReferenceVisitor;

impl<'de> Visitor<'de> for ReferenceVisitor {
    type Value = UserId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the id of a user, or an object with a `user_id`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<UserId, E> {
        text.parse().map_err(|_| E::custom("must be the id of a user"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<UserId, A::Error> {
        let mut user = None;
        while let Some(name) = access.next_key::<String>()? {
            match name.as_str() {
                "user_id" => user = Some(access.next_value()?),
                _ => drop(access.next_value::<IgnoredAny>()?),
            }
        }
        user.ok_or_else(|| A::Error::custom("must be the id of a user, or an object with a `user_id`"))
    }
}

/// Parses a list of users from `fields`. Returns each user once; `None` if there are more than `most` or a reference is
/// invalid.
pub(crate) fn participants(fields: &mut Fields, list: Vec<Value>, most: usize) -> Option<Vec<UserId>> {
    if list.len() > LONGEST {
        fields.fault(
            "participants",
            format!("has {} users; at most {most} are allowed in one request", list.len()),
        );
        return None;
    }
    for (index, reference) in list.iter().enumerate() {
        if let Value::Object(user) = reference {
            fields.refuse_keys(&format!("participants[{index}]"), user, &USER_FIELDS);
        }
    }
    let mut users: Vec<UserId> =
        fields.elements("participants", list)?.into_iter().map(|UserReference(user)| user).collect();
    users.sort_unstable();
    users.dedup();
    if users.len() > most {
        fields.fault(
            "participants",
            format!("has {} users; at most {most} are allowed in one request", users.len()),
        );
        return None;
    }
    Some(users)
}

/// Returns the profiles of `users`. Fails unless `actor` can make all of them participants of a conversation: they have open
/// accounts, and those who are not participants yet have not blocked the actor. The answer is the same for unknown ids.
/// Returns also the participants who have blocked the actor: if one of them leaves meanwhile, the change must refuse them.
pub(crate) async fn existing(
    app: &App,
    actor: UserId,
    conversation: ConversationId,
    users: &[UserId],
) -> Result<(Vec<User>, Vec<UserId>), Problem> {
    let candidates = app.store.candidates(actor, users).await?;
    let blocking = candidates.blocking.clone();
    let members = app.store.members(conversation, &blocking).await?;
    let profiles = addable(candidates, users, |user| members.iter().any(|member| member.user == user))?;
    Ok((profiles, blocking))
}

/// Returns the profiles of `users`. Fails unless all of them have open accounts, and those who block the actor are
/// participants already.
pub(crate) fn addable(
    candidates: Candidates,
    users: &[UserId],
    is_present: impl Fn(UserId) -> bool,
) -> Result<Vec<User>, Problem> {
    let Candidates { open, blocking } = candidates;
    let is_refused = |user: &UserId| blocking.contains(user) && !is_present(*user);
    refuse_unknown(users.iter().copied().filter(|user| !open.contains_key(user) || is_refused(user)))?;
    Ok(open.into_values().collect())
}

/// Fails with a 400 that contains the ids of these users, if there are any.
pub(crate) fn refuse_unknown(users: impl Iterator<Item = UserId>) -> Result<(), Problem> {
    let users: Vec<UserId> = users.collect();
    if users.is_empty() { Ok(()) } else { Err(unknown(&users)) }
}

/// Returns the problem of users who do not exist, or who have blocked the caller: the caller must not know which.
pub(crate) fn unknown(users: &[UserId]) -> Problem {
    let names: Vec<String> = users.iter().map(ToString::to_string).collect();
    let reason = match names.as_slice() {
        [name] => format!("contains a user that does not exist: {name}"),
        _ => format!("contains users that do not exist: {}", names.join(", ")),
    };
    Problem::field("participants", reason)
}
