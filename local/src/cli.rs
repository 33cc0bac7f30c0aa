//! The command line: its options and its help. The effects of the options are in `startup` and `main`.

mod limits;
mod sockets;
mod web;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use shared::model::user::Contact;
use url::Url;

use self::limits::UserLimits;
pub(crate) use self::sockets::{SocketServer, SocketTimes};
pub(crate) use self::web::Web;

/// Run the messaging API on this machine in one process; it listens on loopback unless `--listen` names another
/// address
#[derive(Debug, Parser)]
#[command(name = "local", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) serve: Serve,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create an admin account; type the password when asked, or send it as the first line of standard input
    #[command(name = "createsuperuser")]
    CreateSuperuser(Account),
    /// Create the table, the signing seed and the demo data if they do not exist, then exit
    Init(Init),
    /// Check the health of the process on this machine; exit with 0 if it runs and its table answers
    Health(Health),
    /// Run the WebSocket API, the stream and the queues for functions that another process runs, as `local/watch` does
    Sockets(SocketServer),
    /// Check the structure of the whole table while nothing writes to it; exit with 0 if every rule holds
    Check(Check),
    /// Write the OpenAPI document of the API to a file, and the AsyncAPI document of its frames next to it
    #[command(name = "openapi")]
    OpenApi(Description),
}

#[derive(Debug, Args)]
pub(crate) struct Description {
    /// File to write to
    #[arg(value_name = "FILE", default_value = local::openapi::FILE)]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    #[command(flatten)]
    pub(crate) setup: Setup,
}

#[derive(Debug, Args)]
pub(crate) struct Health {
    /// Port of the process on 127.0.0.1
    #[arg(long, value_name = "N", env = "LOCAL_PORT", default_value_t = 3000)]
    pub(crate) port: u16,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Port to listen on; 0 means any free port
    #[arg(long, value_name = "N", env = "LOCAL_PORT", default_value_t = 3000)]
    pub(crate) port: u16,

    /// Address to listen on; use 0.0.0.0 in a container, so that other machines can connect. If the address is not
    /// loopback, demo users are created only with `--demo`, because their password is public
    #[arg(long, value_name = "ADDRESS", env = "LOCAL_LISTEN", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) listen: IpAddr,

    /// Keep the data in memory only; they are lost when the process ends
    #[arg(long, conflicts_with_all = ["data", "dynamodb_endpoint"])]
    pub(crate) in_memory: bool,

    #[command(flatten)]
    pub(crate) web: Web,

    /// Consent that users need before others can write to them; with requests, a user who is put into a conversation
    /// by a stranger is invited and can accept or decline
    #[arg(long, value_name = "MODE", env = "CONTACT", default_value = "everyone", value_parser = contact)]
    pub(crate) contact: Contact,

    #[command(flatten)]
    pub(crate) sockets: SocketTimes,

    #[command(flatten)]
    pub(crate) setup: Setup,
}

/// The options for everything that must exist before the first request.
#[derive(Debug, Args)]
pub(crate) struct Setup {
    /// Do not create demo users and conversations
    #[arg(long)]
    pub(crate) no_demo: bool,

    /// Create demo users and conversations even if other machines can connect
    #[arg(long, conflicts_with = "no_demo")]
    pub(crate) demo: bool,

    /// File with the seed of the key that signs tokens; created if it does not exist [default: signing.seed in the
    /// data folder]
    #[arg(long, value_name = "FILE", env = "SIGNING_SEED_FILE")]
    pub(crate) signing_seed: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) limits: UserLimits,

    #[command(flatten)]
    pub(crate) database: Database,
}

/// The place of the data: a DynamoDB endpoint, or a folder for the embedded engine.
#[derive(Debug, Args)]
pub(crate) struct Database {
    #[arg(
        long,
        value_name = "URL",
        value_parser = endpoint,
        help = "Use this DynamoDB endpoint (DynamoDB Local or AWS) instead of the embedded engine"
    )]
    pub(crate) dynamodb_endpoint: Option<Url>,

    /// Folder for the data of the embedded engine [default: the environment variable `LOCAL_DATA`, or local/.data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,

    /// Name of the table
    #[arg(long, value_name = "NAME", env = "TABLE_NAME", default_value = "messaging")]
    pub(crate) table: String,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) database: Database,
}

#[derive(Debug, Args)]
pub(crate) struct Account {
    /// Email address to log in with
    #[arg(long)]
    pub(crate) email: String,

    /// First name
    #[arg(long, value_name = "NAME", default_value = "Admin")]
    pub(crate) first_name: String,

    /// Last name
    #[arg(long, value_name = "NAME", default_value = "User")]
    pub(crate) last_name: String,

    #[command(flatten)]
    pub(crate) database: Database,
}

impl Database {
    /// Returns the folder for the data. If cargo runs the process, the default is in the crate `local`, whatever the
    /// current folder is.
    pub(crate) fn folder(&self) -> PathBuf {
        let named = || std::env::var_os("LOCAL_DATA").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let beside = || std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| "local".into(), PathBuf::from);
        self.data.clone().or_else(named).unwrap_or_else(|| beside().join(".data"))
    }
}

const NOT_AN_ENDPOINT: &str = "must be a URL such as http://127.0.0.1:8000, without a path";

fn contact(text: &str) -> Result<Contact, String> {
    let all = [Contact::Everyone, Contact::Requests];
    let named = all.into_iter().find(|contact| contact.as_str() == text);
    named.ok_or_else(|| "must be everyone or requests".into())
}

fn endpoint(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| NOT_AN_ENDPOINT.to_owned())?;
    let plain = matches!(url.scheme(), "http" | "https") && url.has_host() && url.path() == "/";
    if plain { Ok(url) } else { Err(NOT_AN_ENDPOINT.into()) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn contradictions_are_refused() {
        for line in [
            "local --in-memory --data x",
            "local --in-memory --dynamodb-endpoint http://127.0.0.1:8000",
            "local --dynamodb-endpoint 127.0.0.1:8000",
            "local --dynamodb-endpoint http://127.0.0.1:8000/path",
            "local --port 65536",
            "local --listen localhost",
            "local --listen 0.0.0.0:3000",
            "local --demo --no-demo",
            "local health --listen 0.0.0.0",
            "local --in-memory createsuperuser --email a@b.de",
            "local createsuperuser",
            "local --cors-origin *",
            "local --cors-origin null",
            "local --cors-origin localhost:5173",
            "local --cors-origin https://app.example.com/path",
            "local --cors-origin https://app.example.com?",
            "local --cors-origin https://me@app.example.com",
            "local --host-name http://dev.example.com",
            "local --host-name dev.example.com:3000",
            "local --host-name dev.example.com/",
            "local --host-name *",
            "local --send-limit 101",
            "local --send-window 0",
            "local --conversation-limit -1",
            "local --conversation-refill 0",
            "local init --cors-origin https://app.example.com",
            "local --contact nobody",
            "local init --contact requests",
            "local --websocket-idle 0",
            "local --websocket-idle 601",
            "local --websocket-lifetime 7201",
            "local sockets",
            "local sockets --functions http://127.0.0.1:9000",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
        for line in [
            "local",
            "local --in-memory --no-demo --port 0 --contact requests",
            "local --contact everyone",
            "local --listen ::1 --demo",
            "local health --port 4000",
            "local --send-limit 0 --conversation-limit 0",
            "local --websocket-idle 2 --websocket-lifetime 60",
            "local sockets --functions http://127.0.0.1:9000 --dynamodb-endpoint http://127.0.0.1:8000",
            "local init --dynamodb-endpoint http://127.0.0.1:8000 --no-demo --signing-seed x",
            "local createsuperuser --email a@b.de --first-name A --last-name B --data x",
            "local --cors-origin http://localhost:5173 --cors-origin https://app.example.com/",
            "local --host-name dev.example.com --host-name Other.test --host-name 192.168.0.2",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }
}
