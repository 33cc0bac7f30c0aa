//! `POST /api/conversations/`: a group, or the one direct conversation of two people.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::{
    App,
    http::{
        Caller, Code, IdempotencyKey, Json, Origin, People, Problem, Reply, RequestBody,
        describe::{ConversationName, Metadata},
    },
    ids::{ClientKey, ConversationId, UserId},
    model::{
        Faults,
        conversation::{Kind, PARTICIPANTS_PER_REQUEST, direct_id, name},
        text,
    },
    store::{
        conversations::{NewConversation, Opened},
        items::User,
    },
};
use utoipa::ToSchema;

use crate::{
    references::{UserReference, distinct, existing, no_such_user},
    view::ConversationView,
};

/// A conversation that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateConversation {
    /// Users by id, at most 40; the caller takes part in any case.
    participants: Vec<UserReference>,
    /// `direct` (with one other person) or `group`.
    #[serde(default)]
    kind: Kind,
    /// At most 200 characters.
    #[schema(value_type = Option<ConversationName>)]
    name: Option<String>,
    /// A JSON object of the client's own, at most 4 KB.
    #[schema(value_type = Option<Metadata>)]
    metadata: Option<Value>,
    /// A `UUIDv7`, the same in every retry, so that a group is made once. The header `Idempotency-Key` means the same.
    client_id: Option<ClientKey>,
}

impl RequestBody for CreateConversation {
    const READ_ONLY: &'static [&'static str] = crate::edit::READ_ONLY;
    const LISTS: &'static [&'static str] = &["participants"];
}

impl CreateConversation {
    fn parse(self, caller: UserId, id: ConversationId) -> Result<NewConversation, Problem> {
        let mut faults = Faults::default();
        let name = faults.check(self.name.map_or(Ok(None), name));
        let metadata = faults.check(text::metadata(&self.metadata.unwrap_or_default()));
        let mut others = distinct(&self.participants, PARTICIPANTS_PER_REQUEST)?;
        others.retain(|user| *user != caller);
        let (Some(name), Some(metadata)) = (name, metadata) else {
            return Err(faults.into_vec().into());
        };
        if self.kind == Kind::Direct && name.is_some() {
            return Err(Problem::field("name", "is a group's: a direct conversation has none"));
        }
        let id = match (self.kind, others.as_slice()) {
            (Kind::Group, _) => id,
            (Kind::Direct, [other]) => direct_id([caller, *other]),
            (Kind::Direct, _) => {
                return Err(Problem::field(
                    "participants",
                    "a direct conversation has exactly one other participant",
                ));
            }
        };
        Ok(NewConversation { id, kind: self.kind, creator: caller, others, name, metadata })
    }
}

/// Makes a conversation.
///
/// A group, or the one direct conversation of two people. 200 where it is there already.
#[utoipa::path(post, path = "/api/conversations/", operation_id = "create_conversation",
    params(IdempotencyKey), request_body = inline(Json<CreateConversation>),
    responses((status = 201, body = ConversationView), (status = 200, body = ConversationView)))]
pub async fn create(
    caller: Caller,
    State(app): State<App>,
    origin: Origin,
    key: IdempotencyKey,
    Json(request): Json<CreateConversation>,
) -> Result<Reply<ConversationView>, Problem> {
    let id = match key.or(request.client_id)? {
        Some(key) => group_of_request(caller.user, key),
        None => ConversationId::from_prefix(app.random.bytes()),
    };
    let new = request.parse(caller.user, id)?;
    let now = app.clock.now();
    let (opened, users) = match new.kind {
        Kind::Direct => open_direct(&app, &new, now).await?,
        Kind::Group => open_group(&app, &new, now).await?,
    };
    let location = origin.link(&format!("/api/conversations/{}/", new.id));
    let detail = match opened {
        Opened::New => new.detail(now),
        // Who made a group may have been removed from it since.
        Opened::Existing => {
            let detail = app.store.details(caller.user, &[new.id]).await?.pop();
            detail.filter(|detail| detail.member.is_some()).ok_or_else(taken)?
        }
        Opened::Taken => return Err(taken()),
    };
    let version = detail.conversation.v;
    let view = ConversationView::all(&app, &origin, vec![detail], People::seen_by(&caller).knowing(users))
        .await?
        .pop()
        .ok_or_else(taken)?;
    let reply = if opened == Opened::New { Reply::created(view, location) } else { Reply::ok(view) };
    Ok(reply.version(version))
}

/// The id is another's, or a conversation's that was deleted: a deleted one never comes back.
fn taken() -> Problem {
    Problem::new(Code::ClientIdReused, "Its id is taken: try again with another client_id.")
}

/// Makes a group.
async fn open_group(
    app: &App,
    new: &NewConversation,
    now: DateTime<Utc>,
) -> Result<(Opened, Vec<User>), Problem> {
    let users = existing(app, &[&[new.creator], new.others.as_slice()].concat()).await?;
    let opened = app.store.open_conversation(new, now).await?;
    app.store.remove_closed(new.id, new.creator, &new.others, now).await?;
    Ok((opened, users))
}

/// Opens a pair's conversation: one look, and one transaction if it does not stand yet.
async fn open_direct(
    app: &App,
    new: &NewConversation,
    now: DateTime<Utc>,
) -> Result<(Opened, Vec<User>), Problem> {
    let pair = [new.creator, new.others.first().copied().unwrap_or(new.creator)];
    let (standing, users) = app.store.direct_conversation(pair).await?;
    if let Some(standing) = standing {
        let opened = if new.is(&standing) { Opened::Existing } else { Opened::Taken };
        return Ok((opened, users));
    }
    let open = |user: &UserId| users.iter().any(|found| found.id == *user && found.closed_at.is_none());
    match pair.iter().find(|user| !open(user)) {
        Some(user) => Err(no_such_user(*user)),
        None => Ok((app.store.open_conversation(new, now).await?, users)),
    }
}

/// The id of the group that a user makes under a key: a retry makes the same one.
fn group_of_request(creator: UserId, key: ClientKey) -> ConversationId {
    let hash = Sha256::new()
        .chain_update(b"messaging/group-conversation/1")
        .chain_update(creator.uuid().as_bytes())
        .chain_update(key.uuid().as_bytes())
        .finalize();
    let mut prefix = [0; 10];
    prefix.copy_from_slice(&hash[..10]);
    ConversationId::from_prefix(prefix)
}
