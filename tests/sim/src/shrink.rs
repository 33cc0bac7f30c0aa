//! Shortens a history that shows a finding: it leaves out operations as long as the same kind of finding stays (delta debugging,
//! Zeller and Hildebrandt, 2002).

use std::collections::BTreeSet;

use crate::simulation::{self, Plan};

/// The most runs that look for a shorter history.
const MOST_RUNS: usize = 200;

/// Reads a list of numbers and ranges: `1,5-7`.
pub fn parse(list: &str) -> BTreeSet<u64> {
    let ranges = list.split(',').filter_map(|part| {
        let (first, end) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse::<u64>().ok()?..=end.trim().parse::<u64>().ok()?)
    });
    ranges.flatten().collect()
}

/// Writes numbers as [`parse`] reads them.
fn list(numbers: &BTreeSet<u64>) -> String {
    let mut parts: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => parts.push((*number, *number)),
        }
    }
    let part = |(first, last): &(u64, u64)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    parts.iter().map(part).collect::<Vec<_>>().join(",")
}

/// Prints a finding and the command that repeats the shortest history found.
pub fn print(plan: &Plan, finding: &str, quick: bool) {
    println!("seed {}: {finding}", plan.seed);
    let (shortest, finding) = if quick { (plan.clone(), finding.to_owned()) } else { shorten(plan, finding) };
    let left = shortest.operations - shortest.without.range(..shortest.operations).count() as u64;
    println!("the shortest history found has {left} operations: {finding}");
    let without = if shortest.without.is_empty() {
        String::new()
    } else {
        format!(" --without {}", list(&shortest.without))
    };
    let calm = if shortest.has_faults { "" } else { " --calm" };
    println!(
        "repeat it: cargo run -p sim -- --seed {} --operations {}{calm}{without} --trace trace.txt",
        shortest.seed, shortest.operations
    );
}

/// Returns the first words of a finding, without its ids and numbers: the kind of the finding.
fn kind(finding: &str) -> String {
    finding
        .split_whitespace()
        .filter(|word| word.chars().all(char::is_alphabetic))
        .collect::<Vec<_>>()
        .join(" ")
}

fn shorten(plan: &Plan, finding: &str) -> (Plan, String) {
    let mut shortest = (plan.clone(), finding.to_owned());
    let mut size = plan.operations / 2;
    let mut runs = 0;
    while size > 0 {
        let mut start = 0;
        while start < plan.operations && runs < MOST_RUNS {
            let mut shorter = shortest.0.clone();
            shorter.without.extend(start..(start + size).min(plan.operations));
            if shorter.without.len() > shortest.0.without.len() {
                runs += 1;
                let found = simulation::run(&shorter).findings;
                if let Some(found) = found.into_iter().find(|found| kind(found) == kind(finding)) {
                    shortest = (shorter, found);
                }
            }
            start += size;
        }
        size /= 2;
    }
    shortest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_operations_are_written_as_they_are_read() {
        for text in ["", "3", "1,3", "0-2,4,7-9"] {
            assert_eq!(list(&parse(text)), text);
        }
        assert_eq!(list(&parse("1,2,3")), "1-3");
    }

    #[test]
    fn findings_of_one_kind_differ_in_ids_and_numbers_only() {
        assert_eq!(kind("number 3 of a-1 is x2 and y3"), kind("number 9 of b-2 is z1 and w7"));
        assert_ne!(kind("user 3 was removed"), kind("user 3 was added"));
    }
}
