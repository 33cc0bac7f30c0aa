//! `POST /api/conversations/`: creates a group, or opens the only direct conversation of two users.

use futures::future::try_join;
use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::{
    App,
    http::{
        Authenticated, Code, Fields, FromFields, IdempotencyKeyHeader, Origin, Problem, Reply, RequestBody,
        Unchecked, VisibleUsers,
        schemas::{self, ConversationName},
        typed,
    },
    ids::{ConversationId, IdempotencyKey, UserId},
    model::{
        Faults, Invalid, Metadata,
        conversation::{ConversationKind, PARTICIPANTS_PER_REQUEST, name},
        user::Role,
    },
    store::{
        Command,
        consent::Consent,
        conversations::{NewConversation, OpenError, Opened, Pair},
        items::{Conversation, User},
    },
};
use utoipa::ToSchema;

use crate::{
    consent::consent,
    limits::limited,
    references::{UserReference, addable, participants, refuse_unknown},
    view::ConversationView,
};

/// A new conversation.
#[derive(Debug, ToSchema)]
pub struct CreateConversation {
    /// The participants, at most 40. The caller is always added.
    #[schema(value_type = Vec<UserReference>, min_items = 1)]
    participants: Vec<UserId>,
    /// The kind of the conversation. A `direct` conversation has exactly one other participant.
    #[schema(required = false, default = "group")]
    kind: ConversationKind,
    /// The name of a group. A direct conversation has no name.
    #[schema(value_type = Option<ConversationName>)]
    name: Option<String>,
    /// The client's own data.
    #[schema(value_type = Option<schemas::Metadata>)]
    metadata: Option<Metadata>,
    /// The idempotency key. A retry with the same key does not create a second group. A different request with the
    /// same key is refused. The header `Idempotency-Key` has the same meaning.
    client_id: Option<IdempotencyKey>,
}

impl RequestBody for CreateConversation {
    const READ_ONLY: &'static [&'static str] = crate::edit::READ_ONLY;
    const LISTS: &'static [&'static str] = &["participants"];
}

impl FromFields for CreateConversation {
    fn read(fields: &mut Fields) -> Option<Self> {
        let list = fields.required("participants", not_empty);
        let participants = list.and_then(|list| participants(fields, list, PARTICIPANTS_PER_REQUEST));
        let kind = fields.given("kind", typed).unwrap_or_default();
        let name = fields.optional("name", name).flatten();
        let metadata = fields.optional("metadata", typed);
        let client_id = fields.client_id();
        if kind == ConversationKind::Direct && name.is_some() {
            fields.fault("name", "cannot be set for a direct conversation");
        }
        Some(Self { participants: participants?, kind, name, metadata, client_id })
    }
}

fn not_empty(list: Vec<Value>) -> Result<Vec<Value>, Invalid> {
    if list.is_empty() {
        return Err(Invalid::new("participants", "must name at least one user"));
    }
    Ok(list)
}

impl CreateConversation {
    /// Notes a fault if a direct conversation has no other participant than `caller`, or more than one.
    fn check(&self, caller: UserId, faults: &mut Faults) {
        if self.kind == ConversationKind::Direct && self.others(caller).len() != 1 {
            let reason = "must name exactly one other user for a direct conversation";
            faults.note(Invalid::new("participants", reason));
        }
    }

    fn others(&self, caller: UserId) -> Vec<UserId> {
        self.participants.iter().copied().filter(|user| *user != caller).collect()
    }

    async fn new_conversation(self, caller: UserId, app: &App) -> Result<NewConversation, Problem> {
        let others = self.others(caller);
        let id = match (self.kind, others.first(), self.client_id) {
            (ConversationKind::Direct, Some(other), _) => app.store.direct_id([caller, *other]).await?,
            (_, _, Some(key)) => group_of_request(caller, key),
            (_, _, None) => ConversationId::from_prefix(app.random.bytes()),
        };
        Ok(NewConversation {
            id,
            kind: self.kind,
            creator: caller,
            others,
            name: self.name,
            metadata: self.metadata,
            key: self.client_id,
            consent: Consent::default(),
        })
    }
}

/// Creates a conversation.
///
/// Creates a group, or opens the direct conversation of two users. The response is 200 if the conversation already
/// exists. The number of new conversations and added participants of each user is limited.
#[utoipa::path(post, path = "/api/conversations/", operation_id = "create_conversation",
    params(IdempotencyKeyHeader), request_body = CreateConversation,
    responses((status = 201, body = ConversationView), (status = 200, body = ConversationView), (status = 429)))]
pub async fn create(
    Authenticated(caller, app): Authenticated,
    origin: Origin,
    request: Unchecked<CreateConversation>,
) -> Result<Reply<ConversationView>, Problem> {
    let request = request.check(|request, faults| request.check(caller.user, faults))?;
    let mut new = request.new_conversation(caller.user, &app).await?;
    let command = caller.command(&app);
    let (opened, users, removed) = match new.kind {
        ConversationKind::Direct => open_direct(&app, &mut new, command).await?,
        ConversationKind::Group => open_group(&app, &mut new, command).await?,
    };
    let location = origin.link(&format!("/api/conversations/{}/", new.id));
    let detail = match opened {
        Opened::New => new.detail(command.now).without(removed),
        // Another request may have removed the creator from the group since then. The answer is then the same as for a
        // used key.
        Opened::Existing => {
            let detail = app.store.detail(caller.user, new.id).await?;
            detail.filter(|detail| detail.member.is_some()).ok_or_else(taken)?
        }
    };
    let version = detail.conversation.version;
    let role = role_of(caller.user, &users).unwrap_or(Role::Guest);
    let visible_users = VisibleUsers::seen_by(&caller).of_role(role).knowing(users);
    let view = ConversationView::of(&app, &origin, detail, visible_users).await?;
    let reply = if opened == Opened::New { Reply::created(view, location) } else { Reply::ok(view) };
    Ok(reply.version(version))
}

/// Returns the problem for a key that another request has used, or whose conversation was deleted. A deleted
/// conversation is never created again.
fn taken() -> Problem {
    Problem::new(
        Code::ClientIdReused,
        "Another conversation was created with this `client_id`. Use a new `client_id` for each \
         conversation.",
    )
}

/// Returns the answer to an opening that was refused or failed.
fn refused(error: OpenError) -> Problem {
    match error {
        OpenError::IdTaken => taken(),
        OpenError::Limit(limit) => limited(limit),
        OpenError::Store(error) => error.into(),
    }
}

/// The outcome of opening, the profiles that were read, and the participants who were removed because their account is
/// closed.
type Opening = (Opened, Vec<User>, Vec<(UserId, Conversation)>);

/// Creates a group. Users whose account was closed by another request at the same time are removed again.
async fn open_group(app: &App, new: &mut NewConversation, command: Command) -> Result<Opening, Problem> {
    let participants = [&[new.creator], new.others.as_slice()].concat();
    let bucket = async { app.store.bucket(command).await.map_err(Problem::from) };
    let (users, bucket) = try_join(creatable(app, new, &participants), bucket).await?;
    new.consent = consent(app, new.creator, &users).await?;
    let command = with_role(command, &users);
    let opened = app.store.open_conversation(new, command, bucket.as_ref()).await.map_err(refused)?;
    let removed = app.store.remove_closed(new.id, &new.others, command).await?;
    Ok((opened, users, removed))
}

/// Returns the profiles of the participants of a new group. Fails unless all of them have open accounts and have not
/// blocked the creator. A group that an earlier try of the request created is not created again, so a block that was made
/// since then does not change the answer.
async fn creatable(app: &App, new: &NewConversation, users: &[UserId]) -> Result<Vec<User>, Problem> {
    let candidates = app.store.candidates(new.creator, users).await?;
    let exists = !candidates.blocking.is_empty()
        && app.store.conversation_access(new.id, new.creator).await?.is_some();
    addable(candidates, users, |_| exists)
}

/// Opens the conversation of a pair: with one read, and one transaction if it does not exist yet.
async fn open_direct(app: &App, new: &mut NewConversation, command: Command) -> Result<Opening, Problem> {
    let pair = [new.creator, new.others.first().copied().unwrap_or(new.creator)];
    let Pair { conversation, users, is_blocked, bucket } =
        app.store.direct_conversation(new.id, pair, command).await?;
    if let Some(standing) = conversation {
        return if new.is(&standing) { Ok((Opened::Existing, users, Vec::new())) } else { Err(taken()) };
    }
    let open = |user: &UserId| {
        let is_blocking = is_blocked && *user != new.creator;
        users.iter().any(|found| found.id == *user && found.closed_at.is_none() && !is_blocking)
    };
    refuse_unknown(pair.into_iter().filter(|user| !open(user)))?;
    new.consent = consent(app, new.creator, &users).await?;
    let command = with_role(command, &users);
    let opened = app.store.open_conversation(new, command, bucket.as_ref()).await.map_err(refused)?;
    Ok((opened, users, Vec::new()))
}

/// Returns the command of an actor with the role in the actor's profile, which is among `users`.
fn with_role(command: Command, users: &[User]) -> Command {
    role_of(command.actor, users).map_or(command, |role| command.of_role(role))
}

fn role_of(user: UserId, users: &[User]) -> Option<Role> {
    users.iter().find(|found| found.id == user).map(|found| found.role)
}

/// Returns the id of the group that a user creates with a key. It depends only on both, so a retry creates the same
/// group.
fn group_of_request(creator: UserId, key: IdempotencyKey) -> ConversationId {
    let hash = Sha256::new()
        .chain_update(b"messaging/group-conversation/1")
        .chain_update(creator.uuid().as_bytes())
        .chain_update(key.uuid().as_bytes())
        .finalize();
    let mut prefix = [0; 10];
    prefix.copy_from_slice(&hash[..10]);
    ConversationId::from_prefix(prefix)
}
