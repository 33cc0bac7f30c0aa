//! The frame `read`: sets the read mark of the user, as `PUT /api/conversations/{id}/read/` does. All participants get a
//! frame `read` from `deliver`, also the other devices of the user.

use shared::{
    App,
    http::Problem,
    ids::MessageId,
    store::{items::Link, read_marks::ReadMarkError},
};

/// Marks all messages up to a message as read.
pub async fn read(app: &App, link: &Link, message: MessageId) -> Result<(), Problem> {
    let marked = app.store.mark_read(message, link.user).await;
    marked.map(drop).map_err(refused)
}

/// Returns the problem of a read mark that was not set.
fn refused(error: ReadMarkError) -> Problem {
    match error {
        ReadMarkError::NoSuchMessage => {
            Problem::field("number", "is not the number of a message of this conversation")
        }
        ReadMarkError::NoSuchConversation => Problem::not_found(),
        ReadMarkError::NotAccepted => Problem::not_accepted(),
        ReadMarkError::Store(error) => error.into(),
    }
}
