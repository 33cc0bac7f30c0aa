//! The realtime side of an application: WebSocket connections without a network, and the stream of the table. A test
//! decides when the stream is delivered.
//!
//! ```rust
//! let live = Live::start(&app).await;
//! let mut phone = live.connect(&ann).await;
//! ben.send(&conversation, "memo, hello").await;
//! live.pump().await;
//! let frame = phone.until(|frame| frame["type"] == "message.created").await;
//! ```

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use deliver::Deliver;
use futures::{SinkExt as _, StreamExt as _};
use local::{
    function::{Function, InProcess},
    sockets::{LocalConnections, Opening, SocketLimits, Sockets},
    stream::{Checkpoint, Consumer, DeadLetters, LocalQueue, OverHttp, Pace, Pump},
    template::EventSource,
};
use realtime::Realtime;
use serde_json::{Value, json};
use shared::{App, ids::ConnectionId};
use tokio::{io::DuplexStream, sync::Mutex, task::JoinSet, time::timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};

use super::{app::TestApp, deliveries::Deliveries, permissions, user::User};

/// The maximum time that a test waits for a frame. A test that succeeds never waits so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// The size of the network between a client and its connection, in bytes.
const NETWORK: usize = 64 * 1024;

/// The host of the WebSocket API in tests.
pub const HOST: &str = "api.test";

/// The WebSocket API and the pump of an application.
pub struct Live {
    pub sockets: Sockets,
    pub connections: LocalConnections,
    /// The function `deliver`, with faults.
    pub deliveries: Arc<Deliveries>,
    pub dead_letters: DeadLetters,
    pub cleanups: LocalQueue,
    pump: Arc<Mutex<Pump>>,
}

/// A pump that works until this value is dropped.
pub struct Running {
    _tasks: JoinSet<()>,
}

impl Live {
    /// Starts the functions `realtime` and `deliver`. The stream is delivered only by [`Live::pump`] and [`Live::run`].
    pub async fn start(app: &TestApp) -> Self {
        let connections = LocalConnections::default();
        let realtime =
            Realtime { app: function(app, "realtime").await, connections: Arc::new(connections.clone()) };
        let sockets = Sockets::new(
            connections.clone(),
            InProcess::realtime(realtime),
            SocketLimits::default(),
            app.app.clock.clone(),
            app.app.random.clone(),
        );
        let dead_letters = DeadLetters::new(None);
        let cleanups = LocalQueue::new(None, app.app.random.clone(), dead_letters.clone()).unwrap();
        let deliver = Deliver {
            app: function(app, "deliver").await,
            connections: Arc::new(connections.clone()),
            dead_letters: Arc::new(dead_letters.clone()),
            cleanups: Arc::new(cleanups.clone()),
        };
        let deliveries = Deliveries::new(InProcess::deliver(deliver));
        let pump = pump(app, deliveries.clone(), &dead_letters, local::template::event_source().unwrap());
        Self { sockets, connections, deliveries, dead_letters, cleanups, pump: Arc::new(Mutex::new(pump)) }
    }

    /// Delivers everything that is in the stream, and then the cleanups. Returns the number of records.
    pub async fn pump(&self) -> usize {
        let delivered = self.pump.lock().await.drain().await.unwrap();
        while self.cleanups.deliver(&*self.deliveries).await {}
        delivered
    }

    /// Delivers the stream and the cleanups in the background, until the result is dropped.
    pub fn run(&self) -> Running {
        let mut tasks = JoinSet::new();
        tasks.spawn(forever(self.pump.clone()));
        tasks.spawn(self.cleanups.clone().run(self.deliveries.clone(), Duration::from_millis(20)));
        Running { _tasks: tasks }
    }

    /// Connects a user as a program does, delivers the stream, and waits for the first frame.
    pub async fn connect(&self, user: &User) -> Client {
        let ticket = user.request(Method::POST, "/api/realtime/ticket/").send().await.created();
        let ticket = ticket["ticket"].as_str().unwrap();
        let mut client = self.open(&format!("ticket={ticket}"), &[]).await.unwrap();
        self.pump().await;
        let first = client.next().await;
        assert_eq!(first, json!({ "type": "ready" }), "the first frame of {}", user.name);
        client
    }

    /// Opens a connection with a query and headers. Returns the status if the function refuses it.
    pub async fn open(&self, query: &str, headers: &[(&str, &str)]) -> Result<Client, u16> {
        open(&self.sockets, query, headers).await
    }
}

/// Delivers a stream until the task is aborted. The engine does not report writes of other processes, so it is asked.
async fn forever(pump: Arc<Mutex<Pump>>) {
    loop {
        pump.lock().await.drain().await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Opens a connection to a WebSocket API. It has the header `Host`, unless `headers` has another one.
pub async fn open(sockets: &Sockets, query: &str, headers: &[(&str, &str)]) -> Result<Client, u16> {
    let mut all = HeaderMap::new();
    all.insert("host", HeaderValue::from_static(HOST));
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        all.insert(name, HeaderValue::from_str(value).unwrap());
    }
    let opening = Opening { headers: all, query: query.to_owned(), caller: Ipv4Addr::LOCALHOST.into() };
    let accepted = sockets.open(&opening).await.map_err(|status| status.as_u16())?;
    let id = accepted.context().id.clone();
    let (near, far) = tokio::io::duplex(NETWORK);
    tokio::spawn(accepted.serve(far));
    let socket = WebSocketStream::from_raw_socket(near, Role::Client, None).await;
    Ok(Client { id, socket, waiting: Vec::new() })
}

/// Returns a pump over the stream of the application's table, from its beginning.
pub fn pump(
    app: &TestApp,
    function: Arc<dyn Function>,
    dead_letters: &DeadLetters,
    source: EventSource,
) -> Pump {
    let dynamo = Arc::new(OverHttp::new(app.table.endpoint.address()));
    let consumer = Consumer {
        function,
        source,
        dead_letters: Arc::new(dead_letters.clone()),
        clock: app.app.clock.clone(),
    };
    let pace = Pace { poll: Duration::from_millis(5), backoff: Duration::from_millis(1) };
    Pump::new(dynamo, &app.table.name, consumer, Checkpoint::in_memory(), pace).unwrap()
}

/// Returns the state of a function, with its permissions if the template has it.
async fn function(app: &TestApp, name: &str) -> App {
    if permissions::functions().iter().any(|function| function == name) {
        return app.function(name).await;
    }
    App { signing: None, ..app.app.clone() }
}

/// A client of the WebSocket API.
pub struct Client {
    /// The id of its connection, which real clients do not know.
    pub id: ConnectionId,
    socket: WebSocketStream<DuplexStream>,
    /// Frames of a message that were not returned yet.
    waiting: Vec<Value>,
}

impl Client {
    pub async fn send(&mut self, frame: &Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// Returns the next frame. A message of several frames is returned frame by frame.
    pub async fn next(&mut self) -> Value {
        while self.waiting.is_empty() {
            let message = self.message().await;
            let Message::Text(text) = message else {
                panic!("the connection has ended: {message:?}");
            };
            self.waiting = match serde_json::from_str(text.as_str()).unwrap() {
                Value::Array(frames) => frames,
                frame => vec![frame],
            };
        }
        self.waiting.remove(0)
    }

    /// Returns the first frame that fits, and skips the frames before it.
    pub async fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = self.next().await;
            if fits(&frame) {
                return frame;
            }
        }
    }

    /// Returns the frames until the first one that fits, which is the last one of them.
    pub async fn all_until(&mut self, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut frames = Vec::new();
        while !frames.last().is_some_and(&fits) {
            frames.push(self.next().await);
        }
        frames
    }

    /// Returns the frames that have arrived before the answer to a `ping`.
    pub async fn before_pong(&mut self) -> Vec<Value> {
        self.send(&json!({ "type": "ping" })).await;
        let mut frames = self.all_until(|frame| frame["type"] == "pong").await;
        frames.pop();
        frames
    }

    /// Waits until the other side closes the connection. Returns the code.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.message().await {
                return frame.map_or(1005, |frame| frame.code.into());
            }
        }
    }

    async fn message(&mut self) -> Message {
        let message = timeout(PATIENCE, self.socket.next()).await.expect("no frame has arrived");
        message.expect("the connection has ended without a close").unwrap()
    }

    /// Closes the connection and waits for the answer.
    pub async fn close(mut self) {
        self.socket.close(None).await.unwrap();
        while let Some(Ok(_)) = timeout(PATIENCE, self.socket.next()).await.expect("no answer to the close") {
        }
    }

    /// Ends the connection without a close, like a network that fails.
    pub fn kill(self) {
        drop(self);
    }
}
