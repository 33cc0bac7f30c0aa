//! The simulator: random histories of the deployed functions on the embedded engine, with random faults and random timing, in
//! virtual time on one thread. It checks every answer against a model, and the whole table at the end.
//!
//! ```sh
//! cargo run -p sim -- --seed 42 --operations 1000
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool of the suite: a defect of its own ends it, and its output is its result"
)]

#[path = "../../it/harness/call.rs"]
#[allow(dead_code, reason = "shared with the suite, which selects calls by more properties")]
mod call;
mod client;
mod engine;
#[path = "../../it/harness/environment.rs"]
#[allow(dead_code, reason = "shared with the suite, which has more settings")]
mod environment;
mod faults;
mod model;
mod operations;
mod probes;
mod random;
#[path = "../../it/harness/refusals.rs"]
mod refusals;
mod register;
#[path = "../../it/harness/sabotage.rs"]
#[allow(dead_code, reason = "shared with the suite")]
mod sabotage;
mod shrink;
mod simulation;
mod stream;
mod trace;
mod walks;
mod world;
mod writes;

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, time::Instant};

use clap::Parser;

use simulation::{Plan, Report};

/// Runs random histories of the system with random faults, and checks the promises of the API.
#[derive(Debug, Parser)]
#[command(name = "sim")]
struct Options {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of seeds, one after the other.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// The operations of each history.
    #[arg(long, default_value_t = 1000)]
    operations: u64,
    /// Begins no further seed after this time, in seconds.
    #[arg(long)]
    at_most: Option<u64>,
    /// Leaves these operations out: numbers, and ranges such as 10-20, separated by commas.
    #[arg(long, default_value = "")]
    without: String,
    /// Runs without faults.
    #[arg(long)]
    calm: bool,
    /// Writes the trace of the last seed to this file.
    #[arg(long)]
    trace: Option<PathBuf>,
    /// Prints the log lines of the functions.
    #[arg(long)]
    logs: bool,
    /// Ends at the first finding without looking for a shorter history.
    #[arg(long)]
    quick: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.logs {
        shared::telemetry::init();
    }
    let begun = Instant::now();
    let mut totals = Report::default();
    let mut done = 0;
    for seed in options.seed..options.seed.saturating_add(options.seeds) {
        if options.at_most.is_some_and(|most| begun.elapsed().as_secs() >= most) {
            break;
        }
        let plan = Plan {
            seed,
            operations: options.operations,
            without: shrink::parse(&options.without),
            has_faults: !options.calm,
            is_traced: options.trace.is_some(),
        };
        let report = simulation::run(&plan);
        if let Some(file) = &options.trace
            && let Err(error) = std::fs::write(file, &report.trace)
        {
            eprintln!("sim: cannot write to {}: {error}", file.display());
            return ExitCode::FAILURE;
        }
        if let Some(finding) = report.findings.first() {
            shrink::print(&plan, finding, options.quick);
            for finding in report.findings.iter().skip(1).take(5) {
                println!("also: {finding}");
            }
            return ExitCode::FAILURE;
        }
        add(&mut totals.outcomes, &report.outcomes);
        add(&mut totals.faults, &report.faults);
        totals.elapsed += report.elapsed;
        done += 1;
    }
    print(&options, done, &totals, begun);
    ExitCode::SUCCESS
}

fn add<K: Copy + Ord>(totals: &mut BTreeMap<K, u64>, counts: &BTreeMap<K, u64>) {
    for (name, count) in counts {
        *totals.entry(*name).or_default() += count;
    }
}

fn print(options: &Options, done: u64, totals: &Report, begun: Instant) {
    println!("outcomes (0: no answer):");
    for ((kind, status), count) in &totals.outcomes {
        println!("  {kind}: {status} {count}");
    }
    println!("faults:");
    for (name, count) in &totals.faults {
        println!("  {name}: {count}");
    }
    println!(
        "{done} seeds from {} on, {} operations each: no finding; {:.1} s, {:.0} s of virtual time",
        options.seed,
        options.operations,
        begun.elapsed().as_secs_f64(),
        totals.elapsed.as_secs_f64(),
    );
}
