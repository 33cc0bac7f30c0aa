//! `cargo run`: the whole API as one process on this machine, and `createsuperuser` for any table.
//! What it runs is in the library and in the functions; here are the command line, the start and the end.

mod cli;
mod client;
mod demo;
mod failure;
mod listen;
mod needed;
mod output;
mod seed;
mod startup;
mod superuser;

use std::process::ExitCode;

use clap::Parser as _;
use local::gateway::{Gateway, serve};

use cli::{Cli, Command};
use failure::Failure;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    output::log();
    let done = match cli.command {
        Some(Command::CreateSuperuser(account)) => superuser::create(account).await,
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
    // First of all, so that a signal during the start is not lost, and that nothing is opened for a port that is taken.
    let stop = listen::until_signal().map_err(Failure::Signals)?;
    let (listener, address) = listen::on_loopback(options.port).await?;
    let opened = startup::for_serving(&options).await?;
    let gateway = Gateway::new(&opened.app);
    let demo = if options.no_demo {
        None
    } else {
        Some(demo::ensure(&gateway, &opened.app).await)
    };
    output::welcome(address, &opened.place, demo.as_ref());
    let served = serve(listener, gateway, stop).await;
    opened.close().await;
    output::goodbye();
    served.map_err(|source| Failure::Serving { address, source })
}
