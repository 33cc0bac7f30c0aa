//! The open connections, and the messages that wait for each. A message is only put into the buffer of its connection,
//! so a client that reads slowly delays nobody.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use futures::future::{BoxFuture, ready};
use shared::ids::ConnectionId;
use shared::realtime::{Connections, MAX_MESSAGE, PostError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::event::SocketContext;

/// The maximum size of all messages that wait for one client, in bytes.
const BUFFER: usize = 1024 * 1024;

/// The connections of a WebSocket API in this process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct LocalConnections(Arc<Mutex<HashMap<ConnectionId, Connection>>>);

#[derive(Debug)]
struct Connection {
    context: SocketContext,
    last_active_at: DateTime<Utc>,
    outbox: mpsc::UnboundedSender<Outgoing>,
    room: Arc<Semaphore>,
    close: oneshot::Sender<CloseCode>,
}

/// A message that waits for its client. It occupies its part of the buffer until it was written.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) text: String,
    _room: OwnedSemaphorePermit,
}

/// The end of a connection that the session holds.
#[derive(Debug)]
pub(super) struct Outlet {
    /// The messages to the client. It ends when the connection is to be closed.
    pub(super) outbox: mpsc::UnboundedReceiver<Outgoing>,
    /// The reason of the close.
    pub(super) closed: oneshot::Receiver<CloseCode>,
}

/// The facts about an open connection.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) context: SocketContext,
    pub(super) last_active_at: DateTime<Utc>,
}

impl LocalConnections {
    /// Adds a connection. From now on, messages can be sent to it.
    pub(super) fn add(&self, context: &SocketContext) -> Outlet {
        let (sender, outbox) = mpsc::unbounded_channel();
        let (close, closed) = oneshot::channel();
        let connection = Connection {
            context: context.clone(),
            last_active_at: context.connected_at,
            outbox: sender,
            room: Arc::new(Semaphore::new(BUFFER)),
            close,
        };
        self.lock().insert(context.id.clone(), connection);
        Outlet { outbox, closed }
    }

    /// Removes a connection: no further message is accepted. The session sends the accepted ones and closes the
    /// connection. Returns false if there is no such connection.
    pub(super) fn remove(&self, id: &ConnectionId, reason: CloseCode) -> bool {
        let Some(connection) = self.lock().remove(id) else {
            return false;
        };
        // The session may have ended by itself.
        let _ = connection.close.send(reason);
        true
    }

    pub(super) fn touch(&self, id: &ConnectionId, now: DateTime<Utc>) {
        if let Some(connection) = self.lock().get_mut(id) {
            connection.last_active_at = now;
        }
    }

    pub(super) fn facts(&self, id: &ConnectionId) -> Option<Facts> {
        let connections = self.lock();
        let connection = connections.get(id)?;
        Some(Facts { context: connection.context.clone(), last_active_at: connection.last_active_at })
    }

    /// Puts a message into the buffer of a connection. The message is sent soon after.
    pub(super) fn send(&self, id: &ConnectionId, text: String) -> Result<(), PostError> {
        if text.len() > MAX_MESSAGE {
            return Err(PostError::Failed(format!("the message has more than {MAX_MESSAGE} bytes")));
        }
        let connections = self.lock();
        let connection = connections.get(id).ok_or(PostError::Gone)?;
        let size = u32::try_from(text.len().max(1)).unwrap_or(u32::MAX);
        let room = Arc::clone(&connection.room).try_acquire_many_owned(size);
        let room = room.map_err(|_| PostError::Failed("the client reads too slowly".into()))?;
        connection.outbox.send(Outgoing { text, _room: room }).map_err(|_| PostError::Gone)
    }

    /// Returns the number of open connections.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionId, Connection>> {
        // No code under the lock panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections for LocalConnections {
    fn post<'a>(
        &'a self,
        connection: &'a ConnectionId,
        message: String,
    ) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(ready(self.send(connection, message)))
    }

    fn close<'a>(&'a self, connection: &'a ConnectionId) -> BoxFuture<'a, Result<(), PostError>> {
        let closed = self.remove(connection, CloseCode::Normal);
        Box::pin(ready(if closed { Ok(()) } else { Err(PostError::Gone) }))
    }
}
