//! The consumer of the table's stream, and of the queue of cleanups.
//!
//! A batch of the stream goes through these steps: `event` divides it into records, `plan` sorts them by conversation and
//! user, `conversations`, `order` and `users` read what they need and decide on frames and writes, `parcel` puts the frames for one connection
//! together, and `post` pushes them. `fault` tells faults that pass from permanent ones, which `dead_letters` puts aside. `cleanup` processes the messages
//! of the queue.
//!
//! Everything can happen twice and in another order, except that the records of one item keep their order. Frames carry
//! numbers, and each write is conditional or a deletion, so a repetition is harmless.

mod cleanup;
mod conversations;
mod dead_letters;
mod event;
mod fault;
mod frames;
mod order;
mod parcel;
mod plan;
mod post;
mod presence;
mod stream;
mod users;

use std::sync::Arc;

use serde_json::Value;
use shared::{
    App,
    realtime::{Connections, Queue},
};

use self::event::Event;

/// The state of this function.
#[derive(Debug, Clone)]
pub struct Deliver {
    /// The state that all functions share.
    pub app: App,
    /// The connections of the WebSocket API.
    pub connections: Arc<dyn Connections>,
    /// The queue of records that cannot be processed.
    pub dead_letters: Arc<dyn Queue>,
    /// The queue of cleanups. This function also consumes it.
    pub cleanups: Arc<dyn Queue>,
}

impl Deliver {
    /// Processes an event of Lambda: records of the stream, or messages of the queue of cleanups. Returns the answer to
    /// Lambda, `{"batchItemFailures": [{"itemIdentifier": …}]}`.
    pub async fn handle(&self, event: Value) -> Value {
        let failed = match Event::read(event) {
            Event::Stream(records) => self.deliver(&records).await,
            Event::Queue(messages) => self.clean_up(&messages).await,
        };
        event::answer(failed)
    }
}
