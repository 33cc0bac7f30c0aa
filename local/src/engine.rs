//! The embedded engine, compatible with DynamoDB. This process calls it directly; other processes use loopback HTTP, as
//! with DynamoDB. It does not imitate `DynamoDB`'s failures: it never throttles, has no conflicts, and has no stale
//! reads.

mod calls;
mod in_memory;
pub(crate) mod records;
mod storage;
mod unfinished;
mod values;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use dynoxide::Database;
use shared::random::Random;
use shared::store::Store;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::stream::Embedded;
use calls::{Call, Caller};
pub use in_memory::InMemory;
use storage::DataLocation;
pub use storage::Storage;

/// The time between two deletions of expired items. `DynamoDB` deletes them "within a few days"; a minute keeps a local
/// file small and shows that nothing depends on the delay.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// The maximum time for open requests after the engine is told to stop. `SQLite` answers within milliseconds.
const GRACE: Duration = Duration::from_secs(2);

/// The reason why the engine did not start. Each message is one line and names the file.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Another process holds the lock of the folder.
    #[error("another process uses the data folder {}", folder.display())]
    InUse {
        /// The locked folder.
        folder: PathBuf,
        /// The endpoint of that process's engine; `None` until it is known.
        endpoint: Option<String>,
    },
    /// The file exists, but this build cannot read it as a database.
    #[error("cannot use the data file {}: {reason}", file.display())]
    Broken {
        /// The data file.
        file: PathBuf,
        /// The reason from the engine, on one line.
        reason: String,
    },
    /// The folder, the lock, the thread or the socket could not be created or used.
    #[error("cannot {what}: {source}")]
    Io {
        /// The operation that failed.
        what: String,
        /// The error of the operating system.
        source: std::io::Error,
    },
}

/// A running engine. It stops when it is dropped.
///
/// It has its own thread, so that the blocking calls of `SQLite` never delay the caller's runtime, and so that joining
/// the thread proves that the file is closed.
#[derive(Debug)]
pub struct Engine {
    address: SocketAddr,
    caller: Caller,
    shutdown: Option<oneshot::Sender<()>>,
    stopped: Option<oneshot::Receiver<()>>,
    thread: Option<JoinHandle<()>>,
    /// Unlocks the folder, or deletes a temporary one, after the thread was joined: fields are dropped after `drop`.
    location: DataLocation,
}

impl Engine {
    /// Opens the data and serves it on a free loopback port. The engine answers requests as soon as this function
    /// returns.
    pub fn start(storage: Storage) -> Result<Self, EngineError> {
        let (location, database) = storage::open(storage)?;
        let listener = listen().map_err(cannot("listen on a loopback port"))?;
        let address = listener.local_addr().map_err(cannot("listen on a loopback port"))?;
        listener.set_nonblocking(true).map_err(cannot("listen on a loopback port"))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(cannot("start the engine"))?;
        location.announce(&format!("http://{address}")).map_err(cannot("write to the data folder"))?;
        let (shutdown, told) = oneshot::channel();
        let (done, stopped) = oneshot::channel();
        let (caller, calls) = calls::queue();
        let thread = thread::Builder::new()
            .name("dynamodb".into())
            .spawn(move || {
                runtime.block_on(serve(listener, database, calls, told));
                runtime.shutdown_timeout(GRACE);
                let _ = done.send(());
            })
            .map_err(cannot("start the engine"))?;
        Ok(Self {
            address,
            caller,
            shutdown: Some(shutdown),
            stopped: Some(stopped),
            thread: Some(thread),
            location,
        })
    }

    /// Returns a store that calls this engine directly.
    #[must_use]
    pub fn store(&self, table: &str, random: Random) -> Store {
        Store::in_process(Arc::new(self.caller.clone()), table, random)
    }

    /// Returns the access to the streams of the tables.
    #[must_use]
    pub fn streams(&self) -> Embedded {
        Embedded::new(Arc::new(self.caller.clone()), self.location.folder().join(storage::DATA_FILE))
    }

    /// Returns the signal after each write of this process.
    #[must_use]
    pub fn written(&self) -> Arc<Notify> {
        self.caller.written()
    }

    /// Returns the URL of the engine, which is the endpoint for the SDK.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits for open requests and closes the file. Temporary data is deleted when this function returns.
    pub async fn stop(mut self) {
        self.tell();
        if let Some(stopped) = self.stopped.take() {
            // An error means that the thread has ended without a message. Its end is all that this waits for.
            let _ = stopped.await;
        }
    }

    fn tell(&mut self) {
        if let Some(shutdown) = self.shutdown.take() {
            // An error means that the server has already failed and logged its error.
            let _ = shutdown.send(());
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.tell();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the engine's thread panicked");
        }
    }
}

/// Binds a listener to a free port of a random loopback address. The engine accepts any credentials and lets pages of
/// every origin read its answers, so a page must not find its address by trying. Where the system has them (Linux,
/// Windows), there are 16 million addresses in 127.0.0.0/8.
fn listen() -> std::io::Result<TcpListener> {
    let [a, b, c] = Random::from_system().bytes::<3>();
    // Addresses that end in 0 or 255 mean whole networks.
    let somewhere = Ipv4Addr::new(127, a, b, c.clamp(1, 254));
    TcpListener::bind((somewhere, 0)).or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
}

async fn serve(
    listener: TcpListener,
    database: Database,
    calls: mpsc::UnboundedReceiver<Call>,
    told: oneshot::Receiver<()>,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the engine cannot listen"),
    };
    let sweeping = tokio::spawn(sweep(database.clone()));
    let calling = tokio::spawn(calls::serve(database.clone(), calls));
    let (stop, stopping) = oneshot::channel::<()>();
    let mut server = std::pin::pin!(dynoxide::server::serve_with_shutdown(listener, database, async {
        let _ = stopping.await;
    }));
    let ended = tokio::select! {
        ended = &mut server => Some(ended),
        _ = told => None,
    };
    sweeping.abort();
    calling.abort();
    drop(stop);
    let ended = match ended {
        Some(ended) => Some(ended),
        // A client that has sent half a request must not keep the process running. The end of the runtime closes its
        // connection.
        None => tokio::time::timeout(GRACE, server).await.ok(),
    };
    if let Some(Err(error)) = ended {
        tracing::error!(error, "the engine stopped serving");
    }
}

/// Deletes expired items at intervals, because the engine does not delete them by itself.
async fn sweep(database: Database) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let database = database.clone();
        // The sweep runs on another thread, because it waits for requests that use the database.
        let swept = match tokio::task::spawn_blocking(move || database.sweep_ttl()).await {
            Ok(swept) => swept,
            Err(error) => return tracing::error!(%error, "the sweep of expired items died"),
        };
        match swept {
            Ok(0) => {}
            Ok(deleted) => tracing::debug!(deleted, "deleted expired items"),
            Err(error) => tracing::warn!(%error, "expired items could not be deleted"),
        }
    }
}

fn cannot(what: &str) -> impl FnOnce(std::io::Error) -> EngineError {
    let what = what.to_owned();
    move |source| EngineError::Io { what, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_files() -> usize {
        std::fs::read_dir("/proc/self/fd").unwrap().count()
    }

    #[tokio::test]
    async fn two_engines_cannot_use_one_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = Engine::start(Storage::Folder(folder.path().into())).unwrap();
        let second = Engine::start(Storage::Folder(folder.path().into())).unwrap_err();
        let EngineError::InUse { endpoint, .. } = second else { panic!("{second}") };
        assert_eq!(endpoint, Some(first.endpoint()));
        first.stop().await;
        Engine::start(Storage::Folder(folder.path().into())).unwrap().stop().await;
    }

    #[tokio::test]
    async fn the_table_stands_on_it_and_outlives_it() {
        let folder = tempfile::tempdir().unwrap();
        let definition = crate::template::table().unwrap();
        for made in [true, false] {
            let engine = Engine::start(Storage::Folder(folder.path().into())).unwrap();
            let store = Store::local(&engine.endpoint(), "messaging", Random::from_system());
            assert_eq!(store.create_table(&definition).await.unwrap(), made);
            store.answers().await.unwrap();
            engine.stop().await;
            assert!(store.answers().await.is_err());
        }
    }

    #[tokio::test]
    async fn a_broken_file_is_named_on_one_line() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(storage::DATA_FILE), "not a database ".repeat(1000)).unwrap();
        let error = Engine::start(Storage::Folder(folder.path().into())).unwrap_err().to_string();
        assert!(error.contains(storage::DATA_FILE) && !error.contains('\n'), "{error}");
    }

    #[tokio::test]
    async fn stopping_leaves_no_file_behind() {
        Engine::start(Storage::Temporary).unwrap().stop().await;
        let before = open_files();
        for _ in 0..10 {
            let engine = Engine::start(Storage::Temporary).unwrap();
            let folder = engine.location.folder().to_owned();
            assert!(folder.join(storage::DATA_FILE).exists());
            engine.stop().await;
            assert!(!folder.exists());
        }
        // Other tests of this process may open files at the same time. Ten engines would leave at least thirty files
        // open.
        assert!(open_files() < before + 20, "{before} -> {}", open_files());
    }

    #[tokio::test]
    async fn a_client_that_sends_half_a_request_does_not_hold_up_the_end() {
        use std::io::Write as _;
        let engine = Engine::start(Storage::Temporary).unwrap();
        let mut client = std::net::TcpStream::connect(engine.address).unwrap();
        client.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{").unwrap();
        tokio::time::timeout(GRACE * 3, engine.stop()).await.unwrap();
    }
}
