//! WebSocket connections without a network: the function `realtime` gets the events of its clients directly, and what it
//! posts to connections is kept.
//!
//! ```rust
//! let sockets = Sockets::new(&app).await;
//! let (_, ben) = (sockets.connect(&ann).await, sockets.connect(&ben).await);
//! sockets.typing(&ann, &conversation).await;
//! assert_eq!(sockets.posts.of(&ben)[0]["type"], "typing");
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use futures::{FutureExt as _, future::BoxFuture};
use realtime::Realtime;
use serde_json::{Value, json};
use shared::{
    ids::ConnectionId,
    realtime::{
        Connections, PostError,
        event::{Handshake, SocketEvent, SocketEventKind},
    },
};

use super::{TestApp, User};

/// The connections of a test. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Posts(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    frames: BTreeMap<String, Vec<Value>>,
    closed: Vec<String>,
    gone: BTreeSet<String>,
    failing: BTreeSet<String>,
}

impl Posts {
    /// Takes the frames that a connection got since the last call.
    pub fn of(&self, connection: &ConnectionId) -> Vec<Value> {
        self.0.lock().unwrap().frames.remove(connection.as_str()).unwrap_or_default()
    }

    /// Takes the connections that were closed since the last call.
    pub fn closed(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().closed)
    }

    /// Ends a connection without an event: the next post gets the status 410.
    pub fn lose(&self, connection: &ConnectionId) {
        self.0.lock().unwrap().gone.insert(connection.to_string());
    }

    /// Makes all posts to a connection fail, as for a client that reads nothing.
    pub fn break_down(&self, connection: &ConnectionId) {
        self.0.lock().unwrap().failing.insert(connection.to_string());
    }

    fn post(&self, connection: &str, message: &str) -> Result<(), PostError> {
        let mut kept = self.0.lock().unwrap();
        if kept.gone.contains(connection) {
            return Err(PostError::Gone);
        }
        if kept.failing.contains(connection) {
            return Err(PostError::Failed("no answer".to_owned()));
        }
        let message: Value = serde_json::from_str(message).unwrap();
        let frames = message.as_array().cloned().unwrap_or_else(|| vec![message]);
        kept.frames.entry(connection.to_owned()).or_default().extend(frames);
        Ok(())
    }
}

impl Connections for Posts {
    fn post<'a>(
        &'a self,
        connection: &'a ConnectionId,
        message: String,
    ) -> BoxFuture<'a, Result<(), PostError>> {
        async move { Self::post(self, connection.as_str(), &message) }.boxed()
    }

    fn close<'a>(&'a self, connection: &'a ConnectionId) -> BoxFuture<'a, Result<(), PostError>> {
        self.0.lock().unwrap().closed.push(connection.to_string());
        async { Ok(()) }.boxed()
    }
}

/// The function `realtime`, with its own caches, and its connections.
pub struct Sockets {
    pub realtime: Realtime,
    pub posts: Posts,
}

impl Sockets {
    pub async fn new(app: &TestApp) -> Self {
        let posts = Posts::default();
        let realtime = Realtime { app: app.function("realtime").await, connections: Arc::new(posts.clone()) };
        Self { realtime, posts }
    }

    /// Sends an event to the function and returns the status of its answer.
    pub async fn event(&self, connection: &ConnectionId, kind: SocketEventKind) -> u16 {
        let event = SocketEvent {
            connection: connection.clone(),
            request_id: "one".to_owned(),
            connected_at: self.realtime.app.clock.now(),
            source_ip: "192.0.2.1".to_owned(),
            kind,
        };
        self.realtime.answer(event).await.status
    }

    /// Returns an id for a new connection.
    pub fn id(&self) -> ConnectionId {
        let id = self.realtime.app.random.uuid().simple().to_string();
        format!("{}=", &id[..15]).parse().unwrap()
    }

    /// Connects with a ticket and returns the status.
    pub async fn open(&self, connection: &ConnectionId, ticket: &str, origin: Option<&str>) -> u16 {
        let handshake = Handshake {
            ticket: Some(ticket.to_owned()),
            origin: origin.map(str::to_owned),
            host: Some("ws.test".to_owned()),
        };
        self.event(connection, SocketEventKind::Connect(handshake)).await
    }

    /// Connects a user, and notes that the frame `ready` was sent, as `deliver` does.
    pub async fn connect(&self, user: &User) -> ConnectionId {
        let id = self.id();
        assert_eq!(self.open(&id, &ticket(user).await, None).await, 200);
        let ready = self.realtime.app.store.mark_link_ready(user.id.parse().unwrap(), &id);
        ready.await.unwrap();
        id
    }

    /// Sends a frame of a client, and returns the frames that the connection got.
    pub async fn frame(&self, connection: &ConnectionId, frame: &Value) -> Vec<Value> {
        self.event(connection, SocketEventKind::Message(Some(frame.to_string()))).await;
        self.posts.of(connection)
    }

    pub async fn ping(&self, connection: &ConnectionId) -> Vec<Value> {
        self.frame(connection, &json!({ "type": "ping" })).await
    }

    pub async fn typing(&self, connection: &ConnectionId, conversation: &str) -> Vec<Value> {
        self.frame(connection, &json!({ "type": "typing", "conversation": conversation })).await
    }

    pub async fn read(&self, connection: &ConnectionId, conversation: &str, number: u64) -> Vec<Value> {
        let frame = json!({ "type": "read", "conversation": conversation, "number": number });
        self.frame(connection, &frame).await
    }
}

/// Requests a ticket.
pub async fn ticket(user: &User) -> String {
    let answer = user.request(axum::http::Method::POST, "/api/realtime/ticket/").send().await.created();
    answer["ticket"].as_str().unwrap().to_owned()
}
