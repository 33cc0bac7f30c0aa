//! From the command line to an app that can run: engine or endpoint, table, signing key. It opens no port for other
//! processes, except that of the engine on loopback.

use std::fmt;
use std::path::{Path, PathBuf};

use local::engine::{Engine, EngineError, Storage};
use local::template;
use shared::App;
use shared::auth::Signer;
use shared::clock::Clock;
use shared::config::{Config, Limits, Registration};
use shared::model::user::Contact;
use shared::random::Random;
use shared::store::{Store, StoreError};
use url::{Host, Url};

use crate::cli::{Database, Setup};
use crate::failure::Failure;
use crate::seed;

/// The issuer of tokens in local runs. It is not a URL, because the URL changes with `--port` and tokens stay valid
/// after a restart.
const ISSUER: &str = "local";
const AUDIENCE: &str = "messaging";

/// The hint for a build without the feature `aws`, which cannot read profiles.
const ENVIRONMENT_ONLY: &str = "; set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, \
    or run `cargo run --features aws -- …` to use a profile";

/// An app with the engine that it needs while it runs.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) app: App,
    pub(crate) location: DataLocation,
    pub(crate) engine: Option<Engine>,
}

/// The place of the data, as the command line names it.
#[derive(Debug)]
pub(crate) enum DataLocation {
    Memory,
    Folder(PathBuf),
    Endpoint(Url),
}

impl DataLocation {
    /// Returns true if people at other machines may have access to the data.
    pub(crate) fn is_elsewhere(&self) -> bool {
        matches!(self, Self::Endpoint(url) if !is_loopback(url))
    }

    /// Returns true if the table is one of AWS, where Lambda delivers its stream.
    pub(crate) fn is_aws(&self) -> bool {
        matches!(self, Self::Endpoint(url) if !takes_any_credentials(url))
    }
}

impl fmt::Display for DataLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Endpoint(url) => f.write_str(url.as_str().trim_end_matches('/')),
        }
    }
}

impl Opened {
    /// Closes the data file. It contains all acknowledged writes.
    pub(crate) async fn close(self) {
        if let Some(engine) = self.engine {
            engine.stop().await;
        }
    }
}

/// Opens everything that serving needs. It makes the table if it is missing, and publishes the signing key in it.
pub(crate) async fn for_serving(setup: &Setup, in_memory: bool, contact: Contact) -> Result<Opened, Failure> {
    let random = Random::from_system();
    let location = location(&setup.database, in_memory);
    let name = &setup.database.table;
    let signer = signer(setup, &location, &random)?;
    let (engine, store) = connect(&location, name, &random).await?;
    let table = |source| table_failure(name, &location, source);
    store.create_table(&template::table()?).await.map_err(table)?;
    // Only this process uses the table in the folder. There, a new seed is a rotation.
    if engine.is_none() && signs_for_another(&store, &signer).await.map_err(table)? {
        return Err(Failure::ForeignKey { table: name.clone() });
    }
    let config = config(name, setup.limits.limits(), contact);
    let app = App::new(store, config, Some(signer), Clock::system(), random);
    app.publish_key().await.map_err(Failure::Key)?;
    Ok(Opened { app, location, engine })
}

/// Opens everything that the commands `createsuperuser` and `check` need, without a signing key. At an endpoint the table must exist, because a
/// missing table means a wrong name. If another process uses the engine in the folder, the store sends its calls to
/// that process.
pub(crate) async fn for_commands(database: &Database) -> Result<Opened, Failure> {
    let random = Random::from_system();
    let location = location(database, false);
    let (engine, store) = match connect(&location, &database.table, &random).await {
        Err(Failure::Engine(EngineError::InUse { endpoint: Some(running), .. })) => {
            (None, Store::local(&running, &database.table, random.clone()))
        }
        connected => connected?,
    };
    let table = |source| table_failure(&database.table, &location, source);
    match &location {
        DataLocation::Endpoint(_) => store.answers().await.map_err(table)?,
        _ => store.create_table(&template::table()?).await.map(drop).map_err(table)?,
    }
    let config = config(&database.table, Limits::NONE, Contact::Everyone);
    let app = App::new(store, config, None, Clock::system(), random);
    Ok(Opened { app, location, engine })
}

fn location(database: &Database, in_memory: bool) -> DataLocation {
    match &database.dynamodb_endpoint {
        Some(url) => DataLocation::Endpoint(url.clone()),
        None if in_memory => DataLocation::Memory,
        None => DataLocation::Folder(database.folder()),
    }
}

async fn connect(
    location: &DataLocation,
    table: &str,
    random: &Random,
) -> Result<(Option<Engine>, Store), Failure> {
    let storage = match location {
        DataLocation::Endpoint(url) => return Ok((None, at_endpoint(url, table, random).await)),
        DataLocation::Memory => Storage::Temporary,
        DataLocation::Folder(folder) => Storage::Folder(folder.clone()),
    };
    let engine = Engine::start(storage)?;
    let store = engine.store(table, random.clone());
    Ok((Some(engine), store))
}

async fn at_endpoint(url: &Url, table: &str, random: &Random) -> Store {
    let endpoint = url.as_str().trim_end_matches('/');
    if takes_any_credentials(url) {
        return Store::local(endpoint, table, random.clone());
    }
    Store::at(endpoint, table, random.clone()).await
}

/// Returns true if the endpoint is an engine, which accepts any credentials. Real credentials are never sent to this
/// machine or without encryption: AWS uses HTTPS, and an HTTP endpoint is an engine, for example in another container.
pub(crate) fn takes_any_credentials(url: &Url) -> bool {
    is_loopback(url) || url.scheme() == "http"
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn config(table: &str, limits: Limits, contact: Contact) -> Config {
    Config {
        table: table.to_owned(),
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        registration: Registration::Open,
        limits,
        contact,
        realtime_url: None,
        signing: None,
    }
}

fn signer(setup: &Setup, location: &DataLocation, random: &Random) -> Result<Signer, Failure> {
    let file = match (&setup.signing_seed, location) {
        (Some(file), _) => file.clone(),
        (None, DataLocation::Memory) => return signer_of(Path::new("memory"), &seed::fresh(random)),
        (None, _) => setup.database.folder().join("signing.seed"),
    };
    let text = seed::kept_in(&file, random).map_err(|error| seed_failure(&file, &error))?;
    signer_of(&file, &text)
}

fn signer_of(file: &Path, text: &str) -> Result<Signer, Failure> {
    Signer::from_text(text).map_err(|bad| seed_failure(file, &bad))
}

fn seed_failure(file: &Path, reason: &impl ToString) -> Failure {
    Failure::Seed { file: file.to_owned(), reason: reason.to_string() }
}

/// Returns true if the table has signing keys and none of them is the signer's. Publishing a new key there would end
/// the tokens of all users of that deployment.
async fn signs_for_another(store: &Store, signer: &Signer) -> Result<bool, StoreError> {
    let keys = store.signing_keys().await?;
    let mut current = keys.iter().filter(|key| key.not_after.is_none()).peekable();
    Ok(current.peek().is_some() && current.all(|key| key.kid != signer.kid()))
}

fn table_failure(table: &str, location: &DataLocation, source: StoreError) -> Failure {
    let asks_aws = matches!(location, DataLocation::Endpoint(url) if !takes_any_credentials(url));
    let hint = if asks_aws && !cfg!(feature = "aws") { ENVIRONMENT_ONLY } else { "" };
    Failure::Table { table: table.to_owned(), location: location.to_string(), source, hint }
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

    #[test]
    fn real_credentials_are_sent_encrypted_and_to_other_machines_only() {
        let any = |url: &str| takes_any_credentials(&Url::parse(url).unwrap());
        assert!(any("http://dynamodb:8000") && any("http://localhost:8000") && any("https://localhost:8000"));
        assert!(!any("https://dynamodb.eu-west-1.amazonaws.com"));
    }
}
