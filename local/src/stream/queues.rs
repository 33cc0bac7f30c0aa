//! The queues of `deliver` in this process. The queue of cleanups gives its messages to `deliver` as SQS does, at least
//! once; the queue of dead letters keeps them for people.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, ready};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::random::Random;
use shared::realtime::{Queue, QueueError};
use tokio::sync::Notify;

use crate::function::Function;
use crate::private;

/// The number of deliveries after which a message becomes a dead letter.
const MOST_RECEIVES: u32 = 5;

/// A queue of this process, with its messages in a file if they are to outlive it. Clones share it.
#[derive(Debug, Clone)]
pub struct LocalQueue(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    messages: Mutex<Vec<Stored>>,
    file: Option<PathBuf>,
    sent: Notify,
    random: Random,
    dead_letters: DeadLetters,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    id: String,
    body: String,
    receives: u32,
}

impl LocalQueue {
    /// Creates a queue with the messages of the file; without a file, the messages end with the process. A message that
    /// fails too often goes to `dead_letters`.
    pub fn new(file: Option<PathBuf>, random: Random, dead_letters: DeadLetters) -> io::Result<Self> {
        if let Some(file) = &file {
            private::existing(file)?;
        }
        let messages = match file.as_ref().map(fs::read) {
            None => Vec::new(),
            Some(Ok(text)) => serde_json::from_slice(&text)?,
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Some(Err(error)) => return Err(error),
        };
        let (messages, sent) = (Mutex::new(messages), Notify::new());
        Ok(Self(Arc::new(Inner { messages, file, sent, random, dead_letters })))
    }

    /// Gives messages to the function until the future is dropped. A message that fails comes again after `pause`.
    pub async fn run(self, function: Arc<dyn Function>, pause: Duration) {
        loop {
            while self.deliver(&*function).await {}
            if self.is_empty() {
                self.0.sent.notified().await;
            } else {
                // Another message ends the wait early, which is harmless.
                let _ = tokio::time::timeout(pause, self.0.sent.notified()).await;
            }
        }
    }

    /// Gives each message that is there to the function once. Returns true if one was processed.
    pub async fn deliver(&self, function: &dyn Function) -> bool {
        let mut any = false;
        let messages = self.lock().clone();
        for message in messages {
            let answer = function.invoke(event(&message)).await;
            let failed = |answer: &Value| {
                let failures = answer["batchItemFailures"].as_array();
                failures.is_some_and(|failures| !failures.is_empty())
            };
            let is_done = answer.as_ref().is_ok_and(|answer| !failed(answer));
            any |= is_done;
            if let Err(error) = &answer {
                tracing::error!(%error, "a message of the queue has failed");
            }
            self.end(message, is_done).await;
        }
        any
    }

    /// Removes a message that was processed, or counts a delivery that has failed.
    async fn end(&self, mut message: Stored, is_done: bool) {
        message.receives += 1;
        let is_dead = !is_done && message.receives >= MOST_RECEIVES;
        if is_dead && let Err(error) = self.0.dead_letters.send(message.body.clone()).await {
            return tracing::error!(%error, "a message that was given up stays in the queue");
        }
        let mut messages = self.lock();
        match messages.iter().position(|other| other.id == message.id) {
            Some(place) if is_done || is_dead => drop(messages.remove(place)),
            Some(place) => messages[place] = message,
            None => {}
        }
        // If the file is not written, a message comes again after a restart, which is harmless.
        if let Err(error) = self.save(&messages) {
            tracing::error!(%error, "the queue could not be written");
        }
    }

    fn add(&self, body: String) -> io::Result<()> {
        let mut messages = self.lock();
        messages.push(Stored { id: self.0.random.uuid().to_string(), body, receives: 0 });
        self.save(&messages)?;
        self.0.sent.notify_one();
        Ok(())
    }

    fn save(&self, messages: &[Stored]) -> io::Result<()> {
        let Some(file) = &self.0.file else {
            return Ok(());
        };
        private::replace(file, &serde_json::to_vec(messages)?)
    }

    /// Returns true if no message waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Stored>> {
        self.0.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue for LocalQueue {
    fn send(&self, message: String) -> BoxFuture<'_, Result<(), QueueError>> {
        Box::pin(ready(self.add(message).map_err(|error| QueueError(error.to_string()))))
    }
}

/// Returns the event of SQS for a message.
fn event(message: &Stored) -> Value {
    json!({ "Records": [{
        "messageId": message.id,
        "receiptHandle": message.id,
        "body": message.body,
        "attributes": { "ApproximateReceiveCount": (message.receives + 1).to_string() },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:cleanups",
        "awsRegion": "us-east-1",
    }] })
}

/// The queue of dead letters: a file with one JSON document on each line, and a line in the log for each. Clones share
/// it.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    file: Option<PathBuf>,
    kept: Arc<Mutex<Vec<String>>>,
}

impl DeadLetters {
    /// Creates a queue in a file; without a file, the letters are kept in memory.
    #[must_use]
    pub fn new(file: Option<PathBuf>) -> Self {
        Self { file, kept: Arc::default() }
    }

    /// Returns the letters in memory.
    #[must_use]
    pub fn letters(&self) -> Vec<String> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, message: String) -> io::Result<()> {
        let Some(file) = &self.file else {
            tracing::error!("a dead letter");
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(message);
            return Ok(());
        };
        // A letter may contain texts of users, so the log has only the place.
        tracing::error!(file = %file.display(), "a dead letter was put into the file");
        drop(private::file(file)?);
        let mut opened = fs::OpenOptions::new().append(true).open(file)?;
        opened.write_all(format!("{}\n", message.replace('\n', " ")).as_bytes())
    }
}

impl Queue for DeadLetters {
    fn send(&self, message: String) -> BoxFuture<'_, Result<(), QueueError>> {
        Box::pin(ready(self.add(message).map_err(|error| QueueError(error.to_string()))))
    }
}
