//! `$disconnect`: a connection has ended. API Gateway does not always send this event; then the next post to the connection
//! finds it gone, or TTL deletes its items.

use shared::{http::Problem, ids::ConnectionId};

use crate::Realtime;

/// Deletes the items of a connection that has ended.
pub async fn disconnect(realtime: &Realtime, connection: &ConnectionId) -> Result<u16, Problem> {
    let store = &realtime.app.store;
    if let Some(of) = store.user_of_connection(connection).await? {
        tracing::Span::current().record("user", tracing::field::display(of.user));
        store.forget_connection(of.user, connection).await?;
    }
    Ok(200)
}
