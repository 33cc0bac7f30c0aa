//! `PUT /api/conversations/{id}/read/`: sets the caller's read mark.

use serde::Serialize;
use shared::{
    http::{
        Authenticated, Fields, FromFields, Ids, Problem, Reply, RequestBody, Unchecked, Unversioned, typed,
    },
    ids::{ConversationId, MessageId},
    store::read_marks::ReadMarkError,
};
use utoipa::ToSchema;

/// A new read mark.
#[derive(Debug, ToSchema)]
#[schema(as = SetReadMark)]
pub struct Read {
    /// The last message that the caller has read. If the read mark is at a later message already, it stays there.
    message: MessageId,
    /// If true, marks this message and all later messages as unread. Only this moves the read mark back.
    #[schema(required = false, default = false)]
    unread: bool,
}

impl FromFields for Read {
    fn read(fields: &mut Fields) -> Option<Self> {
        let message = fields.required("message", typed);
        let unread = fields.given("unread", typed).unwrap_or_default();
        Some(Self { message: message?, unread })
    }
}

impl RequestBody for Read {
    const BOOLEANS: &'static [&'static str] = &["unread"];
}

/// The read mark and the number of unread messages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReadMark)]
pub struct ReadMarkView {
    /// The number of unread messages, exact up to 100.
    unread: u64,
    /// True if there are more than 100 unread messages.
    unread_more: bool,
    /// The last message that the caller has read; `null` if there is none.
    #[schema(required)]
    read: Option<MessageId>,
}

/// Sets the caller's read mark.
///
/// The read mark only moves forward, unless `unread` is true. Returns the number of unread messages after the change.
#[utoipa::path(put, path = "/api/conversations/{id}/read/", operation_id = "mark_read",
    params(Ids<ConversationId>), request_body = Read, responses((status = 200, body = ReadMarkView), (status = 403)))]
pub async fn read(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<ConversationId>,
    Unversioned(unversioned): Unversioned,
    request: Unchecked<Read>,
) -> Result<Reply<ReadMarkView>, Problem> {
    let request = match request.and(unversioned).finish() {
        Ok((request, ())) => request,
        // The store checks the membership of a request without faults. Only a participant learns about faults.
        Err(problem) => {
            let member = app.store.member(id, caller.user).await?.ok_or_else(Problem::not_found)?;
            return Err(if member.is_accepted() { problem } else { Problem::not_accepted() });
        }
    };
    let marked = if request.message.conversation != id {
        Err(match app.store.member(id, caller.user).await? {
            Some(member) if member.is_accepted() => ReadMarkError::NoSuchMessage,
            Some(_) => ReadMarkError::NotAccepted,
            None => ReadMarkError::NoSuchConversation,
        })
    } else if request.unread {
        app.store.mark_unread(request.message, caller.user).await
    } else {
        app.store.mark_read(request.message, caller.user).await
    };
    let mark = marked.map_err(refused)?;
    let read = (mark.read > 0).then(|| id.message(mark.read));
    Ok(Reply::ok(ReadMarkView { unread: mark.unread, unread_more: mark.unread_more, read }))
}

/// Returns the answer to a read mark that was not set.
fn refused(error: ReadMarkError) -> Problem {
    match error {
        ReadMarkError::NoSuchMessage => Problem::field("message", "is not a message of this conversation"),
        ReadMarkError::NoSuchConversation => Problem::not_found(),
        ReadMarkError::NotAccepted => Problem::not_accepted(),
        ReadMarkError::Store(error) => error.into(),
    }
}
