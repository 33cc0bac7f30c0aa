//! `PUT` and `PATCH /api/conversations/{id}/`: changes the name, the metadata and the participants.

use shared::{
    App,
    http::{
        Authenticated, Caller, Fields, FromFields, Ids, IfMatch, Origin, Problem, Reply, RequestBody,
        Unchecked, VisibleUsers,
        schemas::{self, ConversationName},
        typed,
    },
    ids::{ConversationId, UserId},
    model::{
        Expected, Faults, Invalid, Metadata, MetadataChange,
        conversation::{ConversationKind, NESTED_PARTICIPANTS, name},
    },
    policy::Actor,
    store::{conversations::ConversationEdit, items::Conversation, participants::Wanted},
};
use utoipa::ToSchema;

use crate::{
    consent::consent,
    participants::refused,
    references::{UserReference, existing, participants},
    retrieve::accepted_access,
    view::ConversationView,
};

/// The fields of the representation that a request may contain and that are ignored.
pub(crate) const READ_ONLY: &[&str] = &[
    "conversation_id",
    "state",
    "invited_by",
    "muted",
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

/// The new state of a conversation. Fields that the request does not name become empty.
#[derive(Debug, ToSchema)]
pub struct ReplaceConversation {
    /// The participants, at most 50. The caller always stays a participant.
    #[schema(value_type = Vec<UserReference>)]
    participants: Vec<UserId>,
    /// The name of the conversation.
    #[schema(value_type = Option<ConversationName>)]
    name: Option<String>,
    /// The client's own data.
    #[schema(value_type = Option<schemas::Metadata>)]
    metadata: Option<Metadata>,
    /// The kind of the conversation. It cannot be changed.
    kind: Option<ConversationKind>,
}

impl RequestBody for ReplaceConversation {
    const READ_ONLY: &'static [&'static str] = READ_ONLY;
    const LISTS: &'static [&'static str] = &["participants"];
}

/// The fields to change. Other fields do not change.
#[derive(Debug, ToSchema)]
pub struct ChangeConversation {
    /// The participants, at most 50. The caller always stays a participant.
    #[schema(value_type = Vec<UserReference>, required = false)]
    participants: Option<Vec<UserId>>,
    /// The name of the conversation; `null` removes it.
    #[schema(value_type = Option<ConversationName>)]
    name: Option<Option<String>>,
    /// The client's own data; `null` removes it.
    #[schema(value_type = Option<schemas::Metadata>)]
    metadata: Option<MetadataChange>,
    /// The kind of the conversation. It cannot be changed.
    #[schema(value_type = ConversationKind, required = false)]
    kind: Option<ConversationKind>,
}

impl RequestBody for ChangeConversation {
    const READ_ONLY: &'static [&'static str] = READ_ONLY;
    const LISTS: &'static [&'static str] = &["participants"];
}

impl FromFields for ReplaceConversation {
    fn read(fields: &mut Fields) -> Option<Self> {
        let list = fields.required("participants", typed);
        let participants = list.and_then(|list| participants(fields, list, NESTED_PARTICIPANTS));
        let name = fields.optional("name", name).flatten();
        let metadata = fields.optional("metadata", typed);
        let kind = fields.optional("kind", typed);
        Some(Self { participants: participants?, name, metadata, kind })
    }
}

impl FromFields for ChangeConversation {
    fn read(fields: &mut Fields) -> Option<Self> {
        let list = fields.given("participants", typed);
        let participants = list.and_then(|list| participants(fields, list, NESTED_PARTICIPANTS));
        let name = fields.nullable("name", name).map(Option::flatten);
        let metadata = fields.nullable("metadata", typed);
        let metadata = metadata.map(|metadata| MetadataChange::of(metadata, fields.merges()));
        let kind = fields.given("kind", typed);
        Some(Self { participants, name, metadata, kind })
    }
}

impl From<ReplaceConversation> for ChangeConversation {
    fn from(replace: ReplaceConversation) -> Self {
        let ReplaceConversation { participants, name, metadata, kind } = replace;
        let metadata = Some(MetadataChange::Replace(metadata));
        Self { participants: Some(participants), name: Some(name), metadata, kind }
    }
}

impl ChangeConversation {
    /// Notes faults that depend on the current conversation: changes that its kind or its size does not allow.
    fn check(&self, conversation: &Conversation, actor: &Actor, faults: &mut Faults) {
        if self.kind.is_some_and(|kind| kind != conversation.kind) {
            faults.note(Invalid::new("kind", "cannot be changed"));
        }
        if conversation.kind == ConversationKind::Direct && matches!(self.name, Some(Some(_))) {
            faults.note(Invalid::new("name", "cannot be set for a direct conversation"));
        }
        let Some(users) = &self.participants else { return };
        if conversation.pair.is_some_and(|pair| with_caller(users.clone(), actor) != pair) {
            faults.note(Invalid::new("participants", "cannot be changed in a direct conversation"));
        }
        if conversation.participant_count > NESTED_PARTICIPANTS as u64 {
            let reason = format!(
                "cannot be replaced if there are more than {NESTED_PARTICIPANTS}; use \
                 /api/conversations/{}/participants/",
                conversation.id
            );
            faults.note(Invalid::new("participants", reason));
        }
    }
}

/// Replaces a conversation.
///
/// The name, the metadata and the participants can be changed. Only owners and admins can remove participants.
#[utoipa::path(put, path = "/api/conversations/{id}/", operation_id = "replace_conversation",
    params(Ids<ConversationId>, IfMatch), request_body = ReplaceConversation,
    responses((status = 200, body = ConversationView), (status = 403), (status = 429)))]
pub async fn replace(
    Authenticated(caller, app): Authenticated,
    (Ids(id), IfMatch(expected)): (Ids<ConversationId>, IfMatch),
    origin: Origin,
    request: Unchecked<ReplaceConversation>,
) -> Result<Reply<ConversationView>, Problem> {
    let request = request.map(ChangeConversation::from).and(expected);
    Box::pin(apply(&app, &caller, id, &origin, request)).await
}

/// Changes a conversation.
///
/// Fields that the request does not name do not change. A request that changes nothing writes nothing.
#[utoipa::path(patch, path = "/api/conversations/{id}/", operation_id = "change_conversation",
    params(Ids<ConversationId>, IfMatch), request_body = ChangeConversation,
    responses((status = 200, body = ConversationView), (status = 403), (status = 429)))]
pub async fn change(
    Authenticated(caller, app): Authenticated,
    (Ids(id), IfMatch(expected)): (Ids<ConversationId>, IfMatch),
    origin: Origin,
    request: Unchecked<ChangeConversation>,
) -> Result<Reply<ConversationView>, Problem> {
    Box::pin(apply(&app, &caller, id, &origin, request.and(expected))).await
}

async fn apply(
    app: &App,
    caller: &Caller,
    id: ConversationId,
    origin: &Origin,
    request: Unchecked<(ChangeConversation, Expected)>,
) -> Result<Reply<ConversationView>, Problem> {
    let (conversation, actor) = accepted_access(app, caller, id).await?;
    if !actor.may_change_conversation() {
        return Err(Problem::forbidden("Only participants can change a conversation."));
    }
    let (request, expected) =
        request.check(|(request, _), faults| request.check(&conversation, &actor, faults))?;
    let users = request.participants.map(|users| with_caller(users, &actor));
    let needed;
    let wanted = match &users {
        Some(users) if conversation.pair.is_none() => {
            let (mut profiles, blocking) = existing(app, caller.user, id, users).await?;
            // A participant is not asked again. Who leaves in this moment is asked, because they are not in the result.
            profiles.retain(|user| !conversation.first_participants.contains(&user.id));
            needed = consent(app, caller.user, &profiles).await?.refusing(blocking);
            Wanted::Set { users, may_remove: actor.may_own(), consent: &needed }
        }
        _ => Wanted::Same,
    };
    // The data for the answer is read before the write, because the caller may not be a participant after it.
    let detail = app.store.detail(caller.user, id).await?.ok_or_else(Problem::not_found)?;
    let edit = ConversationEdit { name: request.name, metadata: request.metadata, expected };
    let command = caller.command(app).of_role(actor.role);
    let changed = app.store.change_conversation(id, wanted, &edit, command).await;
    let mut changed = changed.map_err(refused)?;
    if let Wanted::Set { users, .. } = wanted {
        changed = changed.without(app.store.remove_closed(id, users, command).await?);
    }
    let version = changed.conversation.version;
    let view =
        ConversationView::of(app, origin, detail.changed(changed), VisibleUsers::of(&actor, id)).await?;
    Ok(Reply::ok(view).version(version))
}

/// Returns the users with the caller, if the caller is a participant. An admin who is not a participant is not added.
fn with_caller(mut users: Vec<UserId>, actor: &Actor) -> Vec<UserId> {
    if actor.member.is_some() && !users.contains(&actor.user) {
        users.push(actor.user);
        users.sort_unstable();
    }
    users
}
