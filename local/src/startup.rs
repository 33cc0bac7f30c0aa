//! From the command line to a running app: engine or endpoint, table, signing key.
//! It starts nothing that listens to the outside.

use std::fmt;
use std::path::{Path, PathBuf};

use local::engine::{Engine, EngineError, Storage};
use local::template;
use shared::App;
use shared::auth::Signer;
use shared::clock::Clock;
use shared::config::{Config, Registration};
use shared::random::Random;
use shared::store::{Store, StoreError};
use url::{Host, Url};

use crate::cli::{Database, Serve};
use crate::failure::Failure;
#[allow(unused_imports)]
use crate::needed::Needed as _;
use crate::seed;

/// Who issues tokens of local runs. No address, as that changes with `--port` and tokens outlive a restart.
const ISSUER: &str = "local";
const AUDIENCE: &str = "messaging";

/// An app and what must live as long as it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) app: App,
    pub(crate) place: Place,
    engine: Option<Engine>,
}

/// Where the data are.
#[derive(Debug)]
pub(crate) enum Place {
    Memory,
    Folder(PathBuf),
    Endpoint(Url),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Endpoint(url) => f.write_str(url.as_str().trim_end_matches('/')),
        }
    }
}

impl Opened {
    /// What went wrong with the table, in terms of the command line.
    pub(crate) fn table_failure(&self, source: StoreError) -> Failure {
        table_failure(&self.app.config.table, &self.place, source)
    }

    /// Closes the data file; what was acknowledged is in it.
    pub(crate) async fn close(self) {
        if let Some(engine) = self.engine {
            engine.stop().await;
        }
    }
}

/// Everything for `cargo run`.
pub(crate) async fn for_serving(options: &Serve) -> Result<Opened, Failure> {
    let random = Random::from_system();
    let place = place(&options.database, options.in_memory);
    let signer = signer(options, &place, &random)?;
    let (engine, store) = connect(&place, &options.database.table, &random).await?;
    let table = |source| table_failure(&options.database.table, &place, source);
    store.create_table(&template::table()?).await.map_err(table)?;
    if signs_for_another(&store, &signer).await.map_err(table)? {
        return Err(Failure::ForeignKey {
            table: options.database.table.clone(),
        });
    }
    let app = App::new(
        store,
        config(&options.database.table),
        Some(signer),
        Clock::system(),
        random,
    );
    Ok(Opened { app, place, engine })
}

/// What `createsuperuser` needs: no key, and in a deployment the table is there or it is the wrong name. An engine that
/// a running process has on the folder is used through that process.
pub(crate) async fn for_one_account(database: &Database) -> Result<Opened, Failure> {
    let random = Random::from_system();
    let place = place(database, false);
    let (engine, store) = match connect(&place, &database.table, &random).await {
        Err(Failure::Engine(EngineError::InUse {
            endpoint: Some(running),
            ..
        })) => (
            None,
            Store::local(&running, &database.table, random.clone()).await,
        ),
        connected => connected?,
    };
    let table = |source| table_failure(&database.table, &place, source);
    match &place {
        Place::Endpoint(_) => store.answers().await.map_err(table)?,
        _ => store
            .create_table(&template::table()?)
            .await
            .map(drop)
            .map_err(table)?,
    }
    let app = App::new(store, config(&database.table), None, Clock::system(), random);
    Ok(Opened { app, place, engine })
}

fn place(database: &Database, in_memory: bool) -> Place {
    match &database.dynamodb_endpoint {
        Some(url) => Place::Endpoint(url.clone()),
        None if in_memory => Place::Memory,
        None => Place::Folder(database.folder()),
    }
}

async fn connect(place: &Place, table: &str, random: &Random) -> Result<(Option<Engine>, Store), Failure> {
    let storage = match place {
        Place::Endpoint(url) => return Ok((None, at_endpoint(url, table, random).await)),
        Place::Memory => Storage::Temporary,
        Place::Folder(folder) => Storage::Folder(folder.clone()),
    };
    let engine = Engine::start(storage)?;
    let store = Store::local(&engine.endpoint(), table, random.clone()).await;
    Ok((Some(engine), store))
}

async fn at_endpoint(url: &Url, table: &str, random: &Random) -> Store {
    let url_text = url.as_str().trim_end_matches('/');
    if is_loopback(url) {
        Store::local(url_text, table, random.clone()).await
    } else {
        Store::at(url_text, table, random.clone()).await
    }
}

/// Engines on this machine take any credentials; real ones are not sent to them.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn config(table: &str) -> Config {
    Config {
        table: table.to_owned(),
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        registration: Registration::Open,
        signing_seed_file: None,
    }
}

fn signer(options: &Serve, place: &Place, random: &Random) -> Result<Signer, Failure> {
    let (file, text) = match (&options.signing_seed, place) {
        (Some(file), _) => (file.clone(), std::fs::read_to_string(file)),
        (None, Place::Memory) => (PathBuf::new(), Ok(seed::fresh(random))),
        (None, _) => kept_seed(&options.database.folder(), random),
    };
    let failure = |reason| Failure::Seed { file, reason };
    match text {
        Ok(text) => Signer::from_text(&text).map_err(|bad| failure(bad.to_string())),
        Err(error) => Err(failure(error.to_string())),
    }
}

fn kept_seed(folder: &Path, random: &Random) -> (PathBuf, std::io::Result<String>) {
    (folder.join(seed::FILE), seed::kept_in(folder, random))
}

/// Publishing a new key ends the others: in a deployment's table, that would log everybody out.
async fn signs_for_another(store: &Store, signer: &Signer) -> Result<bool, StoreError> {
    let keys = store.signing_keys().await?;
    let mut current = keys.iter().filter(|key| key.not_after.is_none()).peekable();
    Ok(current.peek().is_some() && current.all(|key| key.kid != signer.kid()))
}

fn table_failure(table: &str, place: &Place, source: StoreError) -> Failure {
    Failure::Table {
        table: table.to_owned(),
        place: place.to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        let is = |url: &str| is_loopback(&Url::parse(url).unwrap());
        assert!(is("http://127.0.0.1:8000") && is("http://localhost:8000") && is("http://[::1]:8000"));
        assert!(!is("https://dynamodb.eu-west-1.amazonaws.com") && !is("http://127.0.0.1.example.com"));
    }
}
