//! One connection from its handshake to its end. Messages of the client reach the function one at a time in their order;
//! messages to the client are written beside it.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::json;
use shared::realtime::MAX_MESSAGE;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::connections::Outlet;
use super::event::{self, Incoming, SocketContext};
use super::{MAX_FRAME, Sockets};

/// The number of messages of a client that wait for the function. Further messages stay in the network.
const WAITING: usize = 16;

/// A connection that the function has accepted. Messages can be sent to it; they wait for [`Accepted::serve`].
#[derive(Debug)]
pub struct Accepted {
    sockets: Sockets,
    context: SocketContext,
    outlet: Outlet,
}

/// The reason why a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The client has closed the connection, or the network has failed.
    ByClient,
    /// The connection is closed with this code.
    Close(CloseCode),
}

impl Accepted {
    pub(super) fn new(sockets: Sockets, context: SocketContext) -> Self {
        let outlet = sockets.connections.add(&context);
        Self { sockets, context, outlet }
    }

    /// Returns the facts about the connection.
    #[must_use]
    pub const fn context(&self) -> &SocketContext {
        &self.context
    }

    /// Closes the connection because the server stops. It can be called beside [`Accepted::serve`].
    pub(crate) fn stopper(&self) -> impl FnOnce() + Send + use<> {
        let (connections, id) = (self.sockets.connections.clone(), self.context.id.clone());
        move || {
            connections.remove(&id, CloseCode::Away);
        }
    }

    /// Exchanges messages until either side closes the connection or a limit is reached, and tells the function of the
    /// end.
    pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(self, stream: S) {
        let config = WebSocketConfig::default()
            .max_frame_size(Some(MAX_FRAME))
            .max_message_size(Some(MAX_MESSAGE))
            .read_buffer_size(8 * 1024)
            .write_buffer_size(0);
        let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
        let Self { sockets, context, outlet } = self;
        Session { sockets: &sockets, context: &context, active: Mutex::new(Instant::now()) }
            .run(socket, outlet)
            .await;
    }

    /// Tells the function of the end of a connection whose handshake was not completed.
    pub(crate) async fn abandon(self) {
        self.sockets.connections.remove(&self.context.id, CloseCode::Away);
        disconnected(&self.sockets, &self.context).await;
    }
}

struct Session<'a> {
    sockets: &'a Sockets,
    context: &'a SocketContext,
    active: Mutex<Instant>,
}

impl Session<'_> {
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(&self, socket: WebSocketStream<S>, outlet: Outlet) {
        let (mut sink, mut source) = socket.split();
        let (inbox, messages) = mpsc::channel(WAITING);
        let exchanging = async move {
            let end = self.exchange(&mut sink, &mut source, inbox, outlet).await;
            // From now on, functions find the connection gone.
            self.sockets.connections.remove(&self.context.id, CloseCode::Away);
            self.close(sink, source, end).await;
        };
        // The messages before the close are answered before the function learns of it.
        tokio::join!(exchanging, self.answer(messages));
        disconnected(self.sockets, self.context).await;
    }

    /// Reads and writes until the connection is to end. Dropping `inbox` ends the answering of messages.
    async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        sink: &mut SplitSink<WebSocketStream<S>, Message>,
        source: &mut SplitStream<WebSocketStream<S>>,
        inbox: mpsc::Sender<Incoming>,
        outlet: Outlet,
    ) -> End {
        let limits = self.sockets.limits;
        tokio::select! {
            end = self.read(source, inbox) => end,
            end = self.write(sink, outlet) => end,
            () = self.idle(limits.idle) => End::Close(CloseCode::Away),
            () = sleep(limits.lifetime) => End::Close(CloseCode::Away),
        }
    }

    async fn read<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        source: &mut SplitStream<WebSocketStream<S>>,
        inbox: mpsc::Sender<Incoming>,
    ) -> End {
        while let Some(read) = source.next().await {
            self.touch();
            let incoming = match read {
                Ok(Message::Text(text)) => Incoming::Text(text.as_str().to_owned()),
                Ok(Message::Binary(bytes)) => Incoming::Binary(bytes.to_vec()),
                // The library answers pings and closes at the next read.
                Ok(_) => continue,
                Err(error) => return end_of(&error),
            };
            if inbox.send(incoming).await.is_err() {
                break;
            }
        }
        End::ByClient
    }

    /// Writes messages until the connection is closed by this side, and then what still waits.
    async fn write<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        sink: &mut SplitSink<WebSocketStream<S>, Message>,
        outlet: Outlet,
    ) -> End {
        let Outlet { mut outbox, mut closed } = outlet;
        let writing = async {
            while let Some(message) = outbox.recv().await {
                if sink.send(Message::text(message.text.as_str())).await.is_err() {
                    return false;
                }
                self.touch();
            }
            true
        };
        let mut writing = pin!(writing);
        tokio::select! {
            is_written = &mut writing => {
                if is_written { End::Close(closed.await.unwrap_or(CloseCode::Normal)) } else { End::ByClient }
            }
            reason = &mut closed => {
                // A client that does not read keeps its connection no longer than this.
                let written = timeout(self.sockets.limits.grace, writing).await;
                let reason = reason.unwrap_or(CloseCode::Normal);
                if written == Ok(false) { End::ByClient } else { End::Close(reason) }
            }
        }
    }

    /// Gives the messages to the function, each after the answer to the one before.
    async fn answer(&self, mut messages: mpsc::Receiver<Incoming>) {
        while let Some(message) = messages.recv().await {
            let event = event::message(self.context, message, &self.sockets.random);
            let request = event["requestContext"]["requestId"].clone();
            if let Err(error) = self.sockets.function.invoke(event).await {
                tracing::error!(%error, connection = %self.context.id, "the function has not answered a message");
                let failure = json!({
                    "message": "Internal server error", "connectionId": self.context.id, "requestId": request,
                });
                // A client that is gone, or reads too slowly, does not learn of the failure.
                drop(self.sockets.connections.send(&self.context.id, failure.to_string()));
            }
        }
    }

    /// Sends the reason and waits for the client to close its side. Without the wait, bytes that were not read would reset
    /// the connection, and the client would not get the reason.
    async fn close<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut sink: SplitSink<WebSocketStream<S>, Message>,
        source: SplitStream<WebSocketStream<S>>,
        end: End,
    ) {
        let End::Close(code) = end else {
            return;
        };
        let closing = async {
            let frame = CloseFrame { code, reason: "".into() };
            if sink.send(Message::Close(Some(frame))).await.is_err() {
                return;
            }
            if let Ok(socket) = sink.reunite(source) {
                drain(socket.into_inner()).await;
            }
        };
        if timeout(self.sockets.limits.grace, closing).await.is_err() {
            tracing::debug!("a client has not answered the close of its connection");
        }
    }

    fn touch(&self) {
        *self.active.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.sockets.connections.touch(&self.context.id, self.sockets.clock.now());
    }

    /// Resolves when no frame was read or written for this time.
    async fn idle(&self, limit: Duration) {
        loop {
            let end = *self.active.lock().unwrap_or_else(PoisonError::into_inner) + limit;
            if end <= Instant::now() {
                return;
            }
            sleep_until(end).await;
        }
    }
}

fn end_of(error: &Error) -> End {
    match error {
        Error::Capacity(_) => End::Close(CloseCode::Size),
        Error::Protocol(_) => End::Close(CloseCode::Protocol),
        Error::Utf8(_) => End::Close(CloseCode::Invalid),
        _ => End::ByClient,
    }
}

async fn drain<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let mut ignored = [0; 4096];
    if stream.shutdown().await.is_ok() {
        while stream.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
    }
}

/// Tells the function that the connection has ended.
async fn disconnected(sockets: &Sockets, context: &SocketContext) {
    let event = event::disconnect(context, &sockets.random);
    if let Err(error) = sockets.function.invoke(event).await {
        tracing::warn!(%error, connection = %context.id, "the function has not answered $disconnect");
    }
}
