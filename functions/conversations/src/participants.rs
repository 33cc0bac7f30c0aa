//! `/api/conversations/{id}/participants/`: lists the participants, and adds users to them.

use serde::Serialize;
use shared::{
    http::{
        Authenticated, Fields, FromFields, Ids, Limit, Origin, Page, Problem, Reply, RequestBody, Unchecked,
        UncheckedQuery,
        page::{List, Owned, owned_cursor, read_owned_cursor},
        schemas::Cursor,
        typed,
    },
    ids::{ConversationId, UserId},
    model::{
        Invalid,
        conversation::{ConversationKind, MAX_PARTICIPANTS, PARTICIPANTS_PER_REQUEST},
    },
    store::participants::{MEMBERSHIPS_PER_CHANGE, ParticipantsError, Wanted},
};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    consent::consent,
    limits::limited,
    references::{UserReference, existing, participants, unknown},
    retrieve::{accepted_access, conversation_access},
    view::ParticipantView,
};

/// A page of participants.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListParticipants {
    /// The maximum number of entries on the page.
    #[param(required = false)]
    limit: Limit,
    /// The position at which the page begins.
    #[param(value_type = Option<Cursor>)]
    cursor: Option<Owned<UserId>>,
}

impl FromFields for ListParticipants {
    fn read(fields: &mut Fields) -> Option<Self> {
        let limit = fields.given("limit", typed).unwrap_or_default();
        let cursor = fields.optional("cursor", |text: String| read_owned_cursor(List::Participants, &text));
        let user = |bytes| UserId::new(Uuid::from_bytes(bytes));
        Some(Self { limit, cursor: cursor.map(|cursor| cursor.map(user)) })
    }
}

/// Lists the participants of a conversation.
///
/// The participants are sorted by id.
#[utoipa::path(get, path = "/api/conversations/{id}/participants/", operation_id = "list_participants",
    params(Ids<ConversationId>, ListParticipants), responses((status = 200, body = Page<ParticipantView>)))]
pub async fn list(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<ConversationId>,
    origin: Origin,
    UncheckedQuery(query): UncheckedQuery<ListParticipants>,
) -> Result<Reply<Page<ParticipantView>>, Problem> {
    let (_, actor) = conversation_access(&app, &caller, id).await?;
    let query = query.finish()?;
    let limit = query.limit.0;
    let after = query.cursor.map(|cursor| cursor.of(id.uuid())).transpose()?;
    let (members, more) = app.store.participants(id, after, limit).await?;
    let next = members.last().filter(|_| more).map(|last| {
        let cursor = owned_cursor(List::Participants, id.uuid(), last.user.uuid().as_bytes());
        origin.link(&format!("/api/conversations/{id}/participants/?limit={limit}&cursor={cursor}"))
    });
    let results = ParticipantView::all(&app, &actor, &members).await?;
    Ok(Reply::ok(Page { next, previous: None, results }))
}

/// The users to add.
#[derive(Debug, ToSchema)]
pub struct AddParticipants {
    /// The users to add, at most 40.
    #[schema(value_type = Vec<UserReference>)]
    participants: Vec<UserId>,
}

impl FromFields for AddParticipants {
    fn read(fields: &mut Fields) -> Option<Self> {
        let list = fields.required("participants", typed)?;
        let participants = participants(fields, list, PARTICIPANTS_PER_REQUEST)?;
        Some(Self { participants })
    }
}

impl RequestBody for AddParticipants {
    const LISTS: &'static [&'static str] = &["participants"];
}

/// The participants that the request named, in their current state.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AddedParticipants)]
pub struct Added {
    /// The participants.
    participants: Vec<ParticipantView>,
}

/// Adds participants to a conversation.
///
/// Users who are already participants do not change. The number of new conversations and added participants of each
/// user is limited.
#[utoipa::path(post, path = "/api/conversations/{id}/participants/", operation_id = "add_participants",
    params(Ids<ConversationId>), request_body = AddParticipants,
    responses((status = 200, body = Added), (status = 403), (status = 429)))]
pub async fn add(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<ConversationId>,
    request: Unchecked<AddParticipants>,
) -> Result<Reply<Added>, Problem> {
    let (conversation, actor) = accepted_access(&app, &caller, id).await?;
    if !actor.may_change_conversation() {
        return Err(Problem::forbidden("Only participants can add participants."));
    }
    if conversation.kind == ConversationKind::Direct {
        return Err(direct());
    }
    let AddParticipants { participants: users } = request.finish()?;
    let (mut profiles, blocking) = existing(&app, caller.user, id, &users).await?;
    // A participant is not asked again. Who leaves in this moment is asked, because they are not in the result.
    profiles.retain(|user| !conversation.first_participants.contains(&user.id));
    let consent = consent(&app, caller.user, &profiles).await?.refusing(blocking);
    let command = caller.command(&app).of_role(actor.role);
    let wanted = Wanted::Add(&users, &consent);
    let changed = app.store.change_participants(id, wanted, command).await.map_err(refused)?;
    let changed = changed.without(app.store.remove_closed(id, &users, command).await?);
    let participants = ParticipantView::all(&app, &actor, &changed.participants).await?;
    Ok(Reply::ok(Added { participants }))
}

pub(crate) fn direct() -> Problem {
    Problem::forbidden("The participants of a direct conversation cannot be changed.")
}

/// Returns the answer to a change that was refused or failed.
pub(crate) fn refused(error: ParticipantsError) -> Problem {
    match error {
        ParticipantsError::NotFound | ParticipantsError::NoSuchParticipant => Problem::not_found(),
        ParticipantsError::MayNotRemove => {
            Problem::forbidden("Only owners and admins can remove other participants.")
        }
        ParticipantsError::Blocked(users) => unknown(&users),
        ParticipantsError::Limit(limit) => limited(limit),
        ParticipantsError::Stale => Problem::precondition_failed(),
        ParticipantsError::MetadataTooLarge(error) => Invalid::from(error).into(),
        ParticipantsError::Full => Problem::field(
            "participants",
            format!("must not be more than {MAX_PARTICIPANTS} in one conversation"),
        ),
        ParticipantsError::TooManyAtOnce => Problem::field(
            "participants",
            format!(
                "must not differ in more than {MEMBERSHIPS_PER_CHANGE} users in one request; use several requests"
            ),
        ),
        ParticipantsError::Store(error) => error.into(),
    }
}
