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

mod again;
#[path = "../../it/harness/call.rs"]
#[allow(dead_code, reason = "shared with the suite, which selects calls by more properties")]
mod call;
mod client;
#[cfg(test)]
mod detected;
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

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;

use simulation::{Plan, Report};

/// Runs random histories of the system with random faults, and checks the promises of the API.
#[derive(Debug, Parser)]
#[command(name = "sim")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
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
    /// Repeats the histories of this file instead: `tests/sim/seeds.tsv`.
    #[arg(long, conflicts_with_all = ["seed", "seeds", "operations", "without"])]
    again: Option<PathBuf>,
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
    /// Ends at the first finding, also within a history, and does not look for a shorter one.
    #[arg(long)]
    quick: bool,
    /// Goes on behind a finding, and does not look for shorter histories.
    #[arg(long)]
    keep_going: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.logs {
        shared::telemetry::init();
    }
    match run(&options) {
        Ok(totals) if totals.found == 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("sim: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the histories, and prints their sums unless a finding ends the run.
fn run(options: &Options) -> Result<Totals, String> {
    let begun = Instant::now();
    let mut totals = Totals::default();
    for plan in options.plans()? {
        if options.at_most.is_some_and(|most| begun.elapsed().as_secs() >= most) {
            break;
        }
        let report = simulation::run(&plan);
        if let Some(file) = &options.trace {
            std::fs::write(file, &report.trace)
                .map_err(|error| format!("cannot write to {}: {error}", file.display()))?;
        }
        options.print_findings(&plan, &report.findings);
        totals.add(&report);
        if totals.found > 0 && !options.keep_going {
            return Ok(totals);
        }
    }
    totals.print(options, begun);
    Ok(totals)
}

impl Options {
    /// Returns the histories to run.
    fn plans(&self) -> Result<Box<dyn Iterator<Item = Plan> + '_>, String> {
        let plan = |seed, operations, without: &str| Plan {
            seed,
            operations,
            without: shrink::parse(without),
            has_faults: !self.calm,
            is_traced: self.trace.is_some(),
            ends_early: self.quick,
        };
        if let Some(file) = &self.again {
            let lines = again::read(file)?.into_iter();
            return Ok(Box::new(lines.map(move |line| plan(line.seed, line.operations, &line.without))));
        }
        let seeds = self.seed..self.seed.saturating_add(self.seeds);
        Ok(Box::new(seeds.map(move |seed| plan(seed, self.operations, &self.without))))
    }

    fn print_findings(&self, plan: &Plan, findings: &[String]) {
        let Some((first, others)) = findings.split_first() else {
            return;
        };
        shrink::print(plan, first, self.quick || self.keep_going);
        for finding in others.iter().take(5) {
            println!("also: {finding}");
        }
    }

    /// Names the histories for the last line of the output.
    fn describe(&self) -> String {
        match &self.again {
            Some(file) => format!("seeds of {}", file.display()),
            None => format!("seeds from {} on, {} operations each", self.seed, self.operations),
        }
    }
}

/// The sums of all histories of a run.
#[derive(Debug, Default)]
struct Totals {
    outcomes: BTreeMap<(&'static str, u16), u64>,
    faults: BTreeMap<&'static str, u64>,
    /// The virtual time that has passed.
    elapsed: Duration,
    seeds: u64,
    /// The seeds with findings.
    found: u64,
}

impl Totals {
    fn add(&mut self, report: &Report) {
        add(&mut self.outcomes, &report.outcomes);
        add(&mut self.faults, &report.faults);
        self.elapsed += report.elapsed;
        self.seeds += 1;
        self.found += u64::from(!report.findings.is_empty());
    }

    /// Prints the sums. `tests/sim/long` reads these lines.
    fn print(&self, options: &Options, begun: Instant) {
        println!("outcomes (0: no answer):");
        for ((kind, status), count) in &self.outcomes {
            println!("  {kind}: {status} {count}");
        }
        println!("faults:");
        for (name, count) in &self.faults {
            println!("  {name}: {count}");
        }
        let findings =
            if self.found == 0 { "no finding".to_owned() } else { format!("{} with findings", self.found) };
        println!(
            "{} {}: {findings}; {:.1} s, {:.0} s of virtual time",
            self.seeds,
            options.describe(),
            begun.elapsed().as_secs_f64(),
            self.elapsed.as_secs_f64(),
        );
    }
}

fn add<K: Copy + Ord>(totals: &mut BTreeMap<K, u64>, counts: &BTreeMap<K, u64>) {
    for (name, count) in counts {
        *totals.entry(*name).or_default() += count;
    }
}
