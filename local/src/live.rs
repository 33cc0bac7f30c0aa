//! The realtime side of a local run: WebSocket connections, the pump of the stream, and the queues, with `realtime` and
//! `deliver` in this process or in those of `cargo lambda watch`.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use deliver::Deliver;
use local::function::{Function, InProcess, Invocations};
use local::gateway::{Gateway, Hosts, serve};
use local::sockets::{LocalConnections, SocketLimits, Sockets};
use local::stream::{
    Checkpoint, Consumer, DeadLetters, Dynamo, LocalQueue, OverHttp, Pace, Pump, QueueService,
};
use local::template;
use realtime::Realtime;
use shared::App;
use shared::clock::Clock;
use shared::random::Random;
use shared::realtime::Queue;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use url::Url;

use crate::cli::{Database, SocketServer, SocketTimes};
use crate::failure::Failure;
use crate::startup::{DataLocation, Opened};
use crate::{listen, output};

/// The waiting time before a message of the queue that has failed comes again.
const REDELIVERY: Duration = Duration::from_secs(1);

/// The waiting time between two reads of a stream whose writes are not reported.
const POLL: Duration = Duration::from_millis(20);

/// The running parts. They stop when this value is dropped.
#[derive(Debug, Default)]
pub(crate) struct Live {
    sockets: Option<Sockets>,
    tasks: JoinSet<()>,
}

impl Live {
    /// Returns the gateway with the WebSocket API.
    pub(crate) fn join(&self, gateway: Gateway) -> Gateway {
        match &self.sockets {
            Some(sockets) => gateway.with_sockets(sockets.clone()),
            None => gateway,
        }
    }

    /// Stops the pump and the queue. Undelivered records come after the next start.
    pub(crate) async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

/// The files of the queues and of the position in the stream; none if the data end with the process.
#[derive(Debug, Default)]
struct Files {
    stream: Option<PathBuf>,
    cleanups: Option<PathBuf>,
    dead_letters: Option<PathBuf>,
}

impl Files {
    fn of(location: &DataLocation, database: &Database) -> Result<Self, Failure> {
        if matches!(location, DataLocation::Memory) {
            return Ok(Self::default());
        }
        let folder = database.folder();
        local::private::folder(&folder).map_err(cannot(&folder))?;
        let file = |kind: &str| Some(folder.join(format!("{}.{kind}", database.table)));
        Ok(Self {
            stream: file("stream.json"),
            cleanups: file("cleanups.json"),
            dead_letters: file("dead-letters.jsonl"),
        })
    }
}

/// Starts everything for functions in this process. On AWS, Lambda delivers the stream, so nothing is started.
pub(crate) fn start(opened: &Opened, times: &SocketTimes, database: &Database) -> Result<Live, Failure> {
    let (dynamo, written): (Arc<dyn Dynamo>, _) = match (&opened.engine, &opened.location) {
        (Some(engine), _) => (Arc::new(engine.streams()), engine.written()),
        (None, DataLocation::Endpoint(url)) if !opened.location.is_aws() => at(url),
        _ => return Ok(Live::default()),
    };
    let files = Files::of(&opened.location, database)?;
    let app = App { signing: None, ..opened.app.clone() };
    let connections = LocalConnections::default();
    let realtime = Realtime { app: app.clone(), connections: Arc::new(connections.clone()) };
    let sockets = Sockets::new(
        connections.clone(),
        InProcess::realtime(realtime),
        limits(times),
        app.clock.clone(),
        app.random.clone(),
    );
    let letters = DeadLetters::new(files.dead_letters);
    let cleanups = queue(files.cleanups, &app.random, &letters)?;
    let deliver = InProcess::deliver(Deliver {
        app: app.clone(),
        connections: Arc::new(connections),
        dead_letters: Arc::new(letters.clone()),
        cleanups: Arc::new(cleanups.clone()),
    });
    let consumer = consumer(deliver.clone(), &letters, app.clock.clone())?;
    let pump = Pump::new(dynamo, &database.table, consumer, checkpoint(files.stream)?, pace(opened))?;
    Ok(Live { sockets: Some(sockets), tasks: run(pump, written, cleanups, deliver) })
}

/// Serves WebSocket connections, the stream and the queues for functions in other processes, until a signal.
pub(crate) async fn serve_sockets(options: SocketServer) -> Result<(), Failure> {
    let stop = listen::until_signal().map_err(Failure::Signals)?;
    let (listener, address) = listen::on(IpAddr::V4(Ipv4Addr::LOCALHOST), options.port).await?;
    let (clock, random) = (Clock::system(), Random::from_system());
    let function = |name| Invocations::new(options.functions.as_str(), name);
    let sockets = Sockets::new(
        LocalConnections::default(),
        function("realtime"),
        limits(&options.times),
        clock.clone(),
        random.clone(),
    );
    let letters = DeadLetters::new(None);
    let cleanups = queue(None, &random, &letters)?;
    let deliver = function("deliver");
    let (dynamo, written) = at(&options.dynamodb_endpoint);
    let consumer = consumer(deliver.clone(), &letters, clock.clone())?;
    let pace = Pace { poll: POLL, ..Pace::default() };
    let pump = Pump::new(dynamo, &options.table, consumer, Checkpoint::in_memory(), pace)?;
    let queues: [(&'static str, Arc<dyn Queue>); 2] =
        [("cleanups", Arc::new(cleanups.clone())), ("dead-letters", Arc::new(letters))];
    let gateway = Gateway::of([], clock, random)
        .with_sockets(sockets.with_management())
        .with_queues(QueueService::new(queues));
    let mut tasks = run(pump, written, cleanups, deliver);
    output::sockets(address);
    let served = serve(listener, gateway, Hosts::default(), stop).await;
    tasks.shutdown().await;
    served.map_err(|source| Failure::Serving { address, source })
}

/// Returns the calls to an engine at an address, and a signal that never comes.
fn at(url: &Url) -> (Arc<dyn Dynamo>, Arc<Notify>) {
    (Arc::new(OverHttp::new(url.as_str())), Arc::default())
}

fn limits(times: &SocketTimes) -> SocketLimits {
    SocketLimits {
        idle: Duration::from_secs(times.websocket_idle.into()),
        lifetime: Duration::from_secs(times.websocket_lifetime.into()),
        ..SocketLimits::default()
    }
}

fn queue(file: Option<PathBuf>, random: &Random, letters: &DeadLetters) -> Result<LocalQueue, Failure> {
    let shown = file.clone().unwrap_or_default();
    LocalQueue::new(file, random.clone(), letters.clone()).map_err(cannot(&shown))
}

fn checkpoint(file: Option<PathBuf>) -> Result<Checkpoint, Failure> {
    match file {
        Some(file) => Checkpoint::kept_in(&file).map_err(cannot(&file)),
        None => Ok(Checkpoint::in_memory()),
    }
}

fn consumer(deliver: Arc<dyn Function>, letters: &DeadLetters, clock: Clock) -> Result<Consumer, Failure> {
    let source = template::event_source()?;
    Ok(Consumer { function: deliver, source, dead_letters: Arc::new(letters.clone()), clock })
}

/// The engine of this process reports its writes, so it is only asked for those of other processes.
fn pace(opened: &Opened) -> Pace {
    let poll = if opened.engine.is_some() { Pace::default().poll } else { POLL };
    Pace { poll, ..Pace::default() }
}

fn run(pump: Pump, written: Arc<Notify>, cleanups: LocalQueue, deliver: Arc<dyn Function>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(pump.run(written));
    tasks.spawn(cleanups.run(deliver, REDELIVERY));
    tasks
}

fn cannot(file: &std::path::Path) -> impl FnOnce(io::Error) -> Failure + use<> {
    let file = file.to_owned();
    move |source| Failure::State { file, source }
}
