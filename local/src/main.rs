//! `cargo run`: the whole API as one process on this machine, and `createsuperuser` for any table. The API itself is in
//! the library and in the functions; this file has the command line, the start and the end.

mod cli;
mod client;
mod demo;
mod failure;
mod health;
mod listen;
mod live;
mod output;
mod seed;
mod startup;
mod superuser;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use local::gateway::{Cors, Gateway, Hosts, serve};
use shared::model::user::Contact;

use cli::{Cli, Command};
use demo::Demo;
use failure::Failure;
use startup::Opened;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    output::log();
    let done = match cli.command {
        Some(Command::CreateSuperuser(account)) => superuser::create(account).await,
        Some(Command::Init(init)) => prepare(init.setup).await,
        Some(Command::Health(health)) => health::check(health.port).await,
        Some(Command::Check(check)) => check_table(&check.database).await,
        Some(Command::Sockets(sockets)) => live::serve_sockets(sockets).await,
        Some(Command::OpenApi(description)) => describe(&description.file),
        None => run(cli.serve).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::error(&failure);
            ExitCode::FAILURE
        }
    }
}

async fn run(options: cli::Serve) -> Result<(), Failure> {
    // These two come first, so that a signal during the start is not lost, and nothing is opened if the port is already
    // used.
    let stop = listen::until_signal().map_err(Failure::Signals)?;
    let (listener, address) = listen::on(options.listen, options.port).await?;
    let opened = startup::for_serving(&options.setup, options.in_memory, options.contact).await?;
    let is_private = address.ip().is_loopback() && !opened.location.is_elsewhere();
    let demo = demo_data(&options.setup, is_private, &opened).await;
    let live = live::start(&opened, &options.sockets, &options.setup.database)?;
    output::welcome(address, &opened.location, demo.as_ref());
    let cli::Web { cors_origins, host_names } = options.web;
    let gateway = live.join(Gateway::new(&opened.app)).with_cors(Cors::of(cors_origins));
    let hosts = Hosts::with(host_names.into_iter().chain(listen::name(address)));
    let served = serve(listener, gateway, hosts, stop).await;
    live.stop().await;
    opened.close().await;
    output::goodbye();
    served.map_err(|source| Failure::Serving { address, source })
}

/// Prepares everything for serving, for scripts in which another process serves, such as `local/watch`.
async fn prepare(setup: cli::Setup) -> Result<(), Failure> {
    let opened = startup::for_serving(&setup, false, Contact::Everyone).await?;
    let is_private = !opened.location.is_elsewhere();
    let demo = demo_data(&setup, is_private, &opened).await;
    output::prepared(&opened.app.config.table, &opened.location, demo.as_ref());
    opened.close().await;
    Ok(())
}

/// Checks the rules that hold between the items of the table, and prints each violation.
async fn check_table(database: &cli::Database) -> Result<(), Failure> {
    let opened = startup::for_commands(database).await?;
    let items = opened.app.store.all_items().await;
    let location = opened.location.to_string();
    opened.close().await;
    let table = database.table.clone();
    let items =
        items.map_err(|source| Failure::Table { table: table.clone(), location, source, hint: "" })?;
    let count = items.len();
    let violations = local::check::violations(items);
    output::checked(&table, count, &violations);
    if violations.is_empty() { Ok(()) } else { Err(Failure::Violations { table, count: violations.len() }) }
}

fn describe(file: &Path) -> Result<(), Failure> {
    let frames = file.with_file_name("asyncapi.json");
    let written = local::openapi::text()
        .map_err(io::Error::from)
        .and_then(|text| std::fs::write(file, text))
        .and_then(|()| local::asyncapi::text().map_err(io::Error::other))
        .and_then(|text| std::fs::write(frames, text));
    written.map_err(|source| Failure::Description { file: file.to_owned(), source })
}

/// Makes the demo users if only this machine can reach them, because their password is public, or if `--demo` requests
/// them.
async fn demo_data(
    setup: &cli::Setup,
    is_private: bool,
    opened: &Opened,
) -> Option<Result<Demo, demo::DemoError>> {
    if setup.no_demo || !(is_private || setup.demo) {
        return None;
    }
    let gateway = Gateway::new(&opened.app.clone().without_limits());
    Some(demo::ensure(&gateway, &opened.app).await)
}
