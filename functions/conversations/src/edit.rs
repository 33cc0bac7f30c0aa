//! `PUT` and `PATCH /api/conversations/{id}/`: name, metadata, and who takes part.

use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use shared::{
    App,
    http::{
        Caller, Ids, IfMatch, Json, Origin, Problem, Reply, RequestBody,
        body::{given, present},
        describe::{ConversationName, Metadata},
    },
    ids::{ConversationId, UserId},
    model::{
        Faults,
        conversation::{Kind, NESTED_PARTICIPANTS, name},
        text,
    },
    policy::Actor,
    store::{conversations::ConversationEdit, items::Conversation, participants::Wanted},
};
use utoipa::ToSchema;

use crate::{
    participants::refusal,
    references::{UserReference, distinct, existing},
    retrieve::{seat, view},
    view::ConversationView,
};

/// Fields of the representation that a request passes over.
pub(crate) const READ_ONLY: &[&str] = &[
    "conversation_id",
    "participant_count",
    "participants_url",
    "messages",
    "messages_url",
    "last_message",
    "unread",
    "unread_more",
    "created_by",
    "created_at",
];

/// What a conversation is from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceConversation {
    /// Who takes part, by id, at most 50; the caller does in any case.
    participants: Vec<UserReference>,
    /// At most 200 characters; none without it.
    #[schema(value_type = Option<ConversationName>)]
    name: Option<String>,
    /// A JSON object of the client's own; none without it.
    #[schema(value_type = Option<Metadata>)]
    metadata: Option<Value>,
    /// Cannot change.
    kind: Option<Kind>,
}

impl RequestBody for ReplaceConversation {
    const READ_ONLY: &'static [&'static str] = READ_ONLY;
    const LISTS: &'static [&'static str] = &["participants"];
}

/// What of it is to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeConversation {
    /// Who takes part, by id, at most 50; the caller does in any case.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Vec<UserReference>)]
    participants: Option<Vec<UserReference>>,
    /// At most 200 characters; `null` takes it away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<ConversationName>)]
    name: Option<Option<String>>,
    /// A JSON object of the client's own; `null` takes it away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Metadata>)]
    metadata: Option<Option<Value>>,
    /// Cannot change.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Kind)]
    kind: Option<Kind>,
}

impl RequestBody for ChangeConversation {
    const READ_ONLY: &'static [&'static str] = READ_ONLY;
    const LISTS: &'static [&'static str] = &["participants"];
}

impl From<ReplaceConversation> for ChangeConversation {
    fn from(replace: ReplaceConversation) -> Self {
        let ReplaceConversation { participants, name, metadata, kind } = replace;
        Self { participants: Some(participants), name: Some(name), metadata: Some(metadata), kind }
    }
}

/// Replaces what can change of a conversation.
///
/// Name, metadata, and who takes part.
#[utoipa::path(put, path = "/api/conversations/{id}/", operation_id = "replace_conversation",
    params(Ids<ConversationId>, IfMatch), request_body = inline(Json<ReplaceConversation>),
    responses((status = 200, body = ConversationView), (status = 403)))]
pub async fn replace(
    caller: Caller,
    State(app): State<App>,
    Ids(id): Ids<ConversationId>,
    origin: Origin,
    if_match: IfMatch,
    Json(request): Json<ReplaceConversation>,
) -> Result<Reply<ConversationView>, Problem> {
    apply(&app, &caller, id, &origin, if_match, request.into()).await
}

/// Changes a conversation.
///
/// What is not named stays, and what changes nothing writes nothing.
#[utoipa::path(patch, path = "/api/conversations/{id}/", operation_id = "change_conversation",
    params(Ids<ConversationId>, IfMatch), request_body = inline(Json<ChangeConversation>),
    responses((status = 200, body = ConversationView), (status = 403)))]
pub async fn change(
    caller: Caller,
    State(app): State<App>,
    Ids(id): Ids<ConversationId>,
    origin: Origin,
    if_match: IfMatch,
    Json(request): Json<ChangeConversation>,
) -> Result<Reply<ConversationView>, Problem> {
    apply(&app, &caller, id, &origin, if_match, request).await
}

async fn apply(
    app: &App,
    caller: &Caller,
    id: ConversationId,
    origin: &Origin,
    IfMatch(expected): IfMatch,
    request: ChangeConversation,
) -> Result<Reply<ConversationView>, Problem> {
    let mut faults = Faults::default();
    let new_name = faults.check(request.name.map(|text| text.map_or(Ok(None), name)).transpose());
    let metadata = request.metadata.map(|metadata| text::metadata(&metadata.unwrap_or_default()));
    let metadata = faults.check(metadata.transpose());
    let users =
        request.participants.as_deref().map(|users| distinct(users, NESTED_PARTICIPANTS)).transpose()?;
    let (Some(new_name), Some(metadata)) = (new_name, metadata) else {
        return Err(faults.into_vec().into());
    };
    let (conversation, actor) = seat(app, caller, id).await?;
    if !actor.may_change_conversation() {
        return Err(Problem::forbidden("Only who takes part changes a conversation."));
    }
    if request.kind.is_some_and(|kind| kind != conversation.kind) {
        return Err(Problem::field("kind", "cannot change"));
    }
    if conversation.kind == Kind::Direct && matches!(new_name, Some(Some(_))) {
        return Err(Problem::field("name", "is a group's: a direct conversation has none"));
    }
    let users = users.map(|users| with_caller(users, &actor));
    let wanted = match &users {
        Some(users) if conversation.pair.is_none() => may_set(app, &actor, &conversation, users).await?,
        Some(users) if conversation.pair.is_some_and(|pair| users != &pair) => {
            return Err(Problem::field("participants", "those of a direct conversation never change"));
        }
        _ => Wanted::Same,
    };
    let edit = ConversationEdit { name: new_name, metadata, expected };
    let (request, now) = (app.random.uuid(), app.clock.now());
    refusal(app.store.change_conversation(id, caller.user, wanted, &edit, request, now).await?)?;
    if let Wanted::Set { users, .. } = wanted {
        app.store.remove_closed(id, caller.user, users, now).await?;
    }
    let (view, version) = view(app, caller, origin, id).await?;
    Ok(Reply::ok(view).version(version))
}

/// The caller stays in; an admin who takes no part stays out.
fn with_caller(mut users: Vec<UserId>, actor: &Actor) -> Vec<UserId> {
    if actor.member.is_some() && !users.contains(&actor.user) {
        users.push(actor.user);
        users.sort_unstable();
    }
    users
}

/// Checks that the caller may set who takes part in a group.
async fn may_set<'a>(
    app: &App,
    actor: &Actor,
    conversation: &Conversation,
    users: &'a [UserId],
) -> Result<Wanted<'a>, Problem> {
    if conversation.participant_count > NESTED_PARTICIPANTS as u64 {
        let id = conversation.id;
        return Err(Problem::field(
            "participants",
            format!(
                "can be set where there are at most {NESTED_PARTICIPANTS}: use /api/conversations/{id}/participants/"
            ),
        ));
    }
    existing(app, users).await?;
    Ok(Wanted::Set { users, may_remove: actor.may_own() })
}
