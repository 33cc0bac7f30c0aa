//! `/api/conversations/{id}/participants/{user_id}/`: one participant. Owners change roles and remove others, and every
//! participant can leave.

use axum::http::StatusCode;
use shared::{
    App,
    http::{
        Authenticated, Fields, FromFields, Ids, NoParameters, Problem, Reply, RequestBody, Unchecked,
        UncheckedQuery, Unversioned, typed,
    },
    ids::{ConversationId, UserId},
    model::conversation::{ConversationKind, MAX_OWNERS, MemberRole},
    policy::Actor,
    store::{
        items::Member,
        participants::{RoleError, Wanted},
    },
};
use utoipa::ToSchema;

use crate::{
    participants::{direct, refused},
    retrieve::{accepted_access, conversation_access},
    view::ParticipantView,
};

async fn view(app: &App, actor: &Actor, member: Option<Member>) -> Result<ParticipantView, Problem> {
    let member = member.ok_or_else(Problem::not_found)?;
    ParticipantView::all(app, actor, &[member]).await?.pop().ok_or_else(Problem::not_found)
}

/// Returns a participant.
///
/// Contact details are included only if the caller may see them.
#[utoipa::path(get, path = "/api/conversations/{id}/participants/{user_id}/", operation_id = "read_participant",
    params(Ids<(ConversationId, UserId)>), responses((status = 200, body = ParticipantView)))]
pub async fn retrieve(
    Authenticated(caller, app): Authenticated,
    Ids((id, user)): Ids<(ConversationId, UserId)>,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<Reply<ParticipantView>, Problem> {
    let (_, actor) = conversation_access(&app, &caller, id).await?;
    query.finish()?;
    let member = app.store.member(id, user).await?;
    Ok(Reply::ok(view(&app, &actor, member).await?))
}

/// The fields of a participant that can be changed.
#[derive(Debug, ToSchema)]
pub struct ChangeParticipant {
    /// The role of the participant in the conversation.
    #[schema(value_type = MemberRole, required = false)]
    role: Option<MemberRole>,
}

impl FromFields for ChangeParticipant {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { role: fields.given("role", typed) })
    }
}

impl RequestBody for ChangeParticipant {
    const READ_ONLY: &'static [&'static str] = &["user", "joined_at", "state", "invited_by", "last_read"];
}

/// Changes the role of a participant.
///
/// Only owners and admins can change roles. A conversation keeps at least one owner.
#[utoipa::path(patch, path = "/api/conversations/{id}/participants/{user_id}/", operation_id = "change_participant",
    params(Ids<(ConversationId, UserId)>), request_body = ChangeParticipant,
    responses((status = 200, body = ParticipantView), (status = 403)))]
pub async fn change(
    Authenticated(caller, app): Authenticated,
    Ids((id, user)): Ids<(ConversationId, UserId)>,
    Unversioned(unversioned): Unversioned,
    request: Unchecked<ChangeParticipant>,
) -> Result<Reply<ParticipantView>, Problem> {
    let (conversation, actor) = accepted_access(&app, &caller, id).await?;
    if !actor.may_own() {
        return Err(Problem::forbidden("Only owners and admins can change the role of a participant."));
    }
    if conversation.kind == ConversationKind::Direct {
        return Err(direct());
    }
    let (request, ()) = request.and(unversioned).finish()?;
    let member = match request.role {
        Some(role) => {
            let changed = app.store.set_member_role(id, user, role, caller.command(&app)).await;
            Some(changed.map_err(role_refused)?)
        }
        None => app.store.member(id, user).await?,
    };
    Ok(Reply::ok(view(&app, &actor, member).await?))
}

/// Returns the answer to a role that was not changed.
fn role_refused(error: RoleError) -> Problem {
    match error {
        RoleError::NotFound => Problem::not_found(),
        RoleError::TooManyOwners => Problem::field(
            "role",
            format!("cannot be `owner`, because a conversation has at most {MAX_OWNERS} owners"),
        ),
        RoleError::LastOwner => Problem::field(
            "role",
            "cannot be changed for the last owner; make another participant an owner first",
        ),
        RoleError::Store(error) => error.into(),
    }
}

/// Removes a participant.
///
/// Participants can remove themselves. Only owners and admins can remove other participants.
#[utoipa::path(delete, path = "/api/conversations/{id}/participants/{user_id}/", operation_id = "remove_participant",
    params(Ids<(ConversationId, UserId)>), responses((status = 204), (status = 403)))]
pub async fn remove(
    Authenticated(caller, app): Authenticated,
    Ids((id, user)): Ids<(ConversationId, UserId)>,
    Unversioned(unversioned): Unversioned,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<StatusCode, Problem> {
    let (conversation, actor) = conversation_access(&app, &caller, id).await?;
    if actor.is_invited() && user != actor.user {
        return Err(Problem::not_accepted());
    }
    if !actor.may_remove_participant(user) {
        return Err(Problem::forbidden("Only owners and admins can remove other participants."));
    }
    if conversation.kind == ConversationKind::Direct {
        return Err(direct());
    }
    query.and(unversioned).finish()?;
    app.store.change_participants(id, Wanted::Remove(user), caller.command(&app)).await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}
