//! `GET /api/messages/{id}/`: reads one message, and its versions before its edits.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::{
    App,
    http::{
        Authenticated, Caller, Fields, FromFields, Ids, MessageView, NoParameters, Origin, Page, Problem,
        Reply, UncheckedQuery, VisibleUsers,
        page::{List, Owned, owned_cursor, read_owned_cursor},
        schemas::{self, Cursor, MessageBody},
        user::timestamp,
    },
    ids::MessageId,
    model::Metadata,
    policy::Actor,
    store::items::{Message, Revision},
};
use utoipa::{IntoParams, ToSchema};

/// Returns a message like [`Caller::readable_message`]; fails with a 404 if there is none.
pub(crate) async fn readable(app: &App, caller: &Caller, id: MessageId) -> Result<(Message, Actor), Problem> {
    caller.readable_message(app, id).await?.ok_or_else(Problem::not_found)
}

/// Returns a message like [`readable`] that is not deleted; fails with a 403 if the caller is invited and has not accepted.
pub(crate) async fn writable(app: &App, caller: &Caller, id: MessageId) -> Result<(Message, Actor), Problem> {
    let (message, actor) = readable(app, caller, id).await?;
    if message.deleted_at.is_some() {
        return Err(Problem::not_found());
    }
    if actor.is_invited() { Err(Problem::not_accepted()) } else { Ok((message, actor)) }
}

/// Returns the answer with a message, as the actor sees it.
pub(crate) async fn shown(app: &App, actor: &Actor, message: Message) -> Result<Reply<MessageView>, Problem> {
    let visible_users = VisibleUsers::of(actor, message.conversation)
        .find_senders(app, [(message.conversation, message.sender)])
        .await?;
    let revision = message.revision;
    Ok(Reply::ok(MessageView::new(message, &visible_users)).version(revision))
}

/// Returns a message.
///
/// The response is 404 if the message is deleted. Send the `ETag` in `If-Match` to change the message.
#[utoipa::path(get, path = "/api/messages/{id}/", operation_id = "read_message", params(Ids<MessageId>),
    responses((status = 200, body = MessageView)))]
pub async fn retrieve(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<MessageId>,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<Reply<MessageView>, Problem> {
    let (message, actor) = readable(&app, &caller, id).await?;
    if message.deleted_at.is_some() {
        return Err(Problem::not_found());
    }
    query.finish()?;
    shown(&app, &actor, message).await
}

/// An earlier version of a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revision)]
pub struct RevisionView {
    /// The number of edits before this version: 0 for the text as it was sent. Reactions do not count.
    revision: u64,
    /// The text of the message in this revision.
    #[schema(value_type = MessageBody)]
    message_body: String,
    /// The client's own data in this revision.
    #[schema(value_type = Option<schemas::Metadata>, required)]
    metadata: Option<Metadata>,
    /// The time when this revision was written.
    #[serde(serialize_with = "timestamp")]
    written_at: DateTime<Utc>,
}

impl From<Revision> for RevisionView {
    fn from(revision: Revision) -> Self {
        Self {
            revision: revision.place.1,
            metadata: revision.metadata,
            message_body: revision.body,
            written_at: revision.written_at,
        }
    }
}

/// A page of earlier versions.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListRevisions {
    /// The position at which the page begins.
    #[param(value_type = Option<Cursor>)]
    cursor: Option<Owned<u64>>,
}

impl FromFields for ListRevisions {
    fn read(fields: &mut Fields) -> Option<Self> {
        let cursor = fields.optional("cursor", |text: String| read_owned_cursor(List::Revisions, &text));
        Some(Self { cursor: cursor.map(|cursor| cursor.map(u64::from_be_bytes)) })
    }
}

/// Lists the earlier versions of a message.
///
/// The oldest version comes first. Only the sender and admins can read earlier versions. A page ends after 1 MB.
#[utoipa::path(get, path = "/api/messages/{id}/revisions/", operation_id = "list_revisions",
    params(Ids<MessageId>, ListRevisions),
    responses((status = 200, body = Page<RevisionView>), (status = 403)))]
pub async fn revisions(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<MessageId>,
    origin: Origin,
    UncheckedQuery(query): UncheckedQuery<ListRevisions>,
) -> Result<Reply<Page<RevisionView>>, Problem> {
    let (message, actor) = readable(&app, &caller, id).await?;
    if message.deleted_at.is_some() {
        return Err(Problem::not_found());
    }
    if !actor.may_read_revisions(message.sender) {
        return Err(Problem::forbidden("Only the sender and admins can read earlier versions of a message."));
    }
    let query = query.finish()?;
    let after = query.cursor.map(|cursor| cursor.of(id.uuid())).transpose()?;
    let (revisions, more) = app.store.revisions(id, after).await?;
    let next = revisions.last().filter(|_| more).map(|last| {
        let cursor = owned_cursor(List::Revisions, id.uuid(), &last.place.1.to_be_bytes());
        origin.link(&format!("/api/messages/{id}/revisions/?cursor={cursor}"))
    });
    let results = revisions.into_iter().map(RevisionView::from).collect();
    Ok(Reply::ok(Page { next, previous: None, results }))
}
