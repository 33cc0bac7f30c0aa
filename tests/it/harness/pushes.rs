//! The function `deliver` on the table of a test, with connections that record what they get. The stream is made from the
//! table: each pump compares the items with those of the pump before.
//!
//! ```rust
//! let live = Live::new(&app).await;
//! let ben = live.connect(&ben).await;
//! ann.send(&conversation, "memo, hello").await;
//! live.pump().await;
//! assert_eq!(live.frames(&ben)[0]["type"], "message.created");
//! ```

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use chrono::TimeDelta;
use deliver::Deliver;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    ids::ConnectionId,
    realtime::{Connections, MAX_MESSAGE, PostError, Queue, QueueError},
    store::items::Link,
};
use tokio::sync::{Mutex as AsyncMutex, watch};

use super::{
    TestApp, User,
    people::session_of,
    permissions,
    table::{Item, Table, text, typed},
};

/// The behaviour of a connection.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// It takes everything.
    Open,
    /// It answers 410 to this number of posts, and then takes everything.
    GoneFor(usize),
    /// It fails.
    Broken,
    /// It answers as soon as the watched value is true.
    Slow(watch::Receiver<bool>),
}

/// The connections of a test.
#[derive(Debug, Default)]
pub struct Wire {
    posts: Mutex<Vec<(String, String)>>,
    closed: Mutex<Vec<String>>,
    behaviours: Mutex<HashMap<String, Behaviour>>,
}

impl Wire {
    pub fn set(&self, connection: &str, behaviour: Behaviour) {
        self.behaviours.lock().unwrap().insert(connection.to_owned(), behaviour);
    }

    /// Returns the behaviour of a connection for one post.
    fn next(&self, connection: &str) -> Behaviour {
        let mut behaviours = self.behaviours.lock().unwrap();
        let present = behaviours.get(connection).cloned().unwrap_or(Behaviour::Open);
        if let Behaviour::GoneFor(times @ 1..) = present {
            behaviours.insert(connection.to_owned(), Behaviour::GoneFor(times - 1));
        }
        present
    }

    async fn take(&self, connection: &str, message: String) -> Result<(), PostError> {
        assert!(message.len() <= MAX_MESSAGE, "a message has {} bytes", message.len());
        match self.next(connection) {
            Behaviour::GoneFor(1..) => return Err(PostError::Gone),
            Behaviour::Broken => return Err(PostError::Failed("broken".to_owned())),
            Behaviour::Slow(mut gate) => drop(gate.wait_for(|is_open| *is_open).await.unwrap()),
            Behaviour::Open | Behaviour::GoneFor(0) => {}
        }
        self.posts.lock().unwrap().push((connection.to_owned(), message));
        Ok(())
    }
}

impl Connections for Wire {
    fn post<'a>(
        &'a self,
        connection: &'a ConnectionId,
        message: String,
    ) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(self.take(connection.as_str(), message))
    }

    fn close<'a>(&'a self, connection: &'a ConnectionId) -> BoxFuture<'a, Result<(), PostError>> {
        self.closed.lock().unwrap().push(connection.to_string());
        let is_broken = matches!(self.next(connection.as_str()), Behaviour::Broken);
        Box::pin(async move { if is_broken { Err(PostError::Failed("broken".to_owned())) } else { Ok(()) } })
    }
}

/// A queue of a test.
#[derive(Debug, Default)]
pub struct Letters {
    sent: Mutex<Vec<String>>,
    pub is_broken: AtomicBool,
}

impl Letters {
    /// Returns the messages since the last call.
    pub fn take(&self) -> Vec<Value> {
        let sent = mem::take(&mut *self.sent.lock().unwrap());
        sent.iter().map(|message| serde_json::from_str(message).unwrap()).collect()
    }
}

impl Queue for Letters {
    fn send(&self, message: String) -> BoxFuture<'_, Result<(), QueueError>> {
        Box::pin(async move {
            if self.is_broken.load(Ordering::SeqCst) {
                return Err(QueueError("broken".to_owned()));
            }
            self.sent.lock().unwrap().push(message);
            Ok(())
        })
    }
}

/// The items of a table by key.
type Items = BTreeMap<(String, String), Item>;

/// The function `deliver` of a test.
pub struct Live {
    pub deliver: Deliver,
    pub wire: Arc<Wire>,
    pub dead_letters: Arc<Letters>,
    pub cleanups: Arc<Letters>,
    table: Table,
    /// The table through the proxy, which the past of a table that lags needs.
    writes: Table,
    clock: Clock,
    before: AsyncMutex<Items>,
    numbers: AtomicU64,
}

impl Live {
    /// Starts the function. Its stream begins with the next write.
    pub async fn new(app: &TestApp) -> Self {
        let is_deployed = permissions::functions().iter().any(|name| name == "deliver");
        let state = if is_deployed { app.function("deliver").await } else { app.app.clone() };
        let (wire, dead_letters, cleanups) =
            (Arc::new(Wire::default()), Arc::new(Letters::default()), Arc::new(Letters::default()));
        let deliver = Deliver {
            app: state,
            connections: wire.clone(),
            dead_letters: dead_letters.clone(),
            cleanups: cleanups.clone(),
        };
        let (table, clock, numbers) = (app.table.clone(), app.app.clock.clone(), AtomicU64::new(1));
        let before = AsyncMutex::new(items(&table).await);
        let writes = app.people.table.clone();
        Self { deliver, wire, dead_letters, cleanups, table, writes, clock, before, numbers }
    }

    /// Adds a connection that has got `ready`, and returns its id.
    pub async fn connect(&self, user: &User) -> String {
        let connection = self.begin(user).await;
        self.deliver
            .app
            .store
            .mark_link_ready(user.id.parse().unwrap(), &connection.parse().unwrap())
            .await
            .unwrap();
        self.skip().await;
        connection
    }

    /// Adds a connection as `$connect` does, and returns its id.
    pub async fn begin(&self, user: &User) -> String {
        let connection = format!("{}-{}=", user.name, self.numbers.fetch_add(1, Ordering::SeqCst));
        self.put_link(user, &connection, TimeDelta::zero()).await;
        connection
    }

    /// Puts the link of a connection that began `ago`. It bypasses the role of `deliver`, which makes no connections.
    pub async fn put_link(&self, user: &User, connection: &str, ago: TimeDelta) {
        let now = self.clock.now();
        let id = user.id.parse().unwrap();
        let link = json!({
            "pk": format!("LINKS#{}", user.id), "sk": format!("LINK#{connection}"), "item": "link",
            "session": session_of(id).to_string(), "credential_version": 1,
            "connected_at": (now - ago).timestamp_micros(),
            "expires_at": (now + TimeDelta::hours(2)).timestamp(),
        });
        self.writes.put(&link).await;
    }

    /// Returns the links of a user.
    pub async fn links(&self, user: &User) -> Vec<Link> {
        self.deliver.app.store.links_of(user.id.parse().unwrap()).await.unwrap()
    }

    /// Leaves out the records of the writes until now.
    pub async fn skip(&self) {
        *self.before.lock().await = items(&self.table).await;
    }

    /// Returns the records of the writes since the last call.
    pub async fn records(&self) -> Vec<Value> {
        let mut before = self.before.lock().await;
        let after = items(&self.table).await;
        let keys = before.keys().chain(after.keys()).cloned().collect::<std::collections::BTreeSet<_>>();
        let changed = keys.into_iter().filter_map(|key| {
            let (old, new) = (before.get(&key), after.get(&key));
            (old != new).then(|| self.record(&key, old, new))
        });
        let records = changed.collect();
        *before = after;
        records
    }

    fn record(&self, key: &(String, String), old: Option<&Item>, new: Option<&Item>) -> Value {
        let event = match (old, new) {
            (None, _) => "INSERT",
            (Some(_), None) => "REMOVE",
            _ => "MODIFY",
        };
        let mut change = json!({
            "ApproximateCreationDateTime": self.clock.now().timestamp(),
            "SequenceNumber": self.numbers.fetch_add(1, Ordering::SeqCst).to_string(),
            "Keys": { "pk": { "S": key.0 }, "sk": { "S": key.1 } },
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        });
        for (name, image) in [("OldImage", old), ("NewImage", new)] {
            if let Some(image) = image {
                change[name] = typed(&image.clone().into())["M"].clone();
            }
        }
        json!({ "eventSource": "aws:dynamodb", "eventName": event, "dynamodb": change })
    }

    /// Delivers the writes since the last call. Nothing may fail.
    pub async fn pump(&self) {
        let records = self.records().await;
        assert_eq!(self.handle(&records).await, Vec::<String>::new());
    }

    /// Delivers a batch. Returns the sequence numbers that Lambda has to repeat.
    pub async fn handle(&self, records: &[Value]) -> Vec<String> {
        let answer = self.deliver.handle(json!({ "Records": records })).await;
        let failures = answer["batchItemFailures"].as_array().unwrap();
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
    }

    /// Processes the queue of cleanups until it is empty. Returns the number of messages.
    pub async fn clean_up(&self) -> usize {
        let mut count = 0;
        loop {
            let messages = self.cleanups.take();
            if messages.is_empty() {
                return count;
            }
            count += messages.len();
            let message =
                |body: Value| json!({ "eventSource": "aws:sqs", "messageId": "1", "body": body.to_string() });
            let records: Vec<Value> = messages.into_iter().map(message).collect();
            assert_eq!(self.handle(&records).await, Vec::<String>::new());
        }
    }

    /// Returns the messages to a connection since the last call.
    pub fn messages(&self, connection: &str) -> Vec<Value> {
        let mut posts = self.wire.posts.lock().unwrap();
        let (these, others) = mem::take(&mut *posts).into_iter().partition(|(to, _)| to == connection);
        *posts = others;
        let these: Vec<(String, String)> = these;
        these.iter().map(|(_, message)| serde_json::from_str(message).unwrap()).collect()
    }

    /// Returns the frames to a connection since the last call.
    pub fn frames(&self, connection: &str) -> Vec<Value> {
        let frames = self.messages(connection).into_iter().flat_map(|message| match message {
            Value::Array(frames) => frames,
            frame => vec![frame],
        });
        frames.collect()
    }

    /// Returns the types of the frames to a connection since the last call.
    pub fn types(&self, connection: &str) -> Vec<String> {
        self.frames(connection).iter().map(|frame| frame["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Returns the connections that were closed since the last call.
    pub fn closed(&self) -> Vec<String> {
        let mut closed = mem::take(&mut *self.wire.closed.lock().unwrap());
        closed.sort_unstable();
        closed
    }
}

async fn items(table: &Table) -> Items {
    let items = table.items().await.into_iter();
    items.map(|item| ((text(&item, "pk"), text(&item, "sk")), item)).collect()
}
