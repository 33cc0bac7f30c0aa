//! The reasons for exit code 1, each as one line for the user of the command. Problems of single requests are not here:
//! they are answered over HTTP.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use local::engine::EngineError;
use local::template::TemplateError;
use shared::auth::AuthError;
use shared::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Engine(#[from] EngineError),
    #[error("{0}")]
    Template(#[from] TemplateError),
    #[error("port {port} on {ip} is taken; choose another one with --port")]
    PortTaken { ip: IpAddr, port: u16 },
    #[error("cannot listen on port {port} of {ip}: {source}")]
    Port { ip: IpAddr, port: u16, source: io::Error },
    #[error("nothing healthy on port {port} of 127.0.0.1: {reason}")]
    Unhealthy { port: u16, reason: String },
    #[error("serving on {address} ended: {source}")]
    Serving { address: SocketAddr, source: io::Error },
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    #[error("table {table} at {location} cannot be used: {source}{}{hint}", cause(source))]
    Table { table: String, location: String, source: StoreError, hint: &'static str },
    #[error("the signing seed in {} cannot be used: {reason}", file.display())]
    Seed { file: PathBuf, reason: String },
    #[error(
        "table {table} belongs to a deployment with another signing key, whose tokens this process would end; \
         name the file with the deployment's seed by --signing-seed"
    )]
    ForeignKey { table: String },
    #[error("the key that signs tokens cannot be published: {0}")]
    Key(AuthError),
    #[error("cannot read the password: {0}")]
    Password(io::Error),
    #[error("no password was given; type it when asked, or make it the first line of standard input")]
    NoPassword,
    #[error("the two passwords differ")]
    PasswordsDiffer,
    #[error("the description of the API cannot be written to {}: {source}", file.display())]
    Description { file: PathBuf, source: io::Error },
    #[error("the account was not made: {0}")]
    Account(AuthError),
}

/// Returns all causes of an error on one line. One of them may name the host or the missing permission.
fn cause(error: &dyn Error) -> String {
    let layers = std::iter::successors(error.source(), |error| (*error).source());
    layers.fold(String::new(), |text, layer| text + ": " + &layer.to_string())
}
