//! Checks the table of the proof of detection, `tests/sim/detected.tsv`, which `tests/sim/detect` writes.

/// Returns the number of seeds, the protection, and the finding or the reason of each line.
fn lines() -> Vec<(&'static str, &'static str, &'static str)> {
    let lines = include_str!("../detected.tsv").lines().filter(|line| !line.starts_with('#'));
    let columns = lines.map(|line| line.split('\t').collect::<Vec<_>>());
    columns.map(|columns| (columns[0], columns[1], columns[2])).collect()
}

#[test]
fn nine_in_ten_rows_of_the_suites_table_are_detected() {
    let rows: Vec<_> = lines().into_iter().filter(|(_, name, _)| name.contains('|')).collect();
    let detected = rows.iter().filter(|(seeds, ..)| seeds.parse::<u64>().is_ok()).count();
    assert!(rows.len() > 100 && detected * 10 >= rows.len() * 9, "{detected} of {}", rows.len());
}

#[test]
fn what_is_not_detected_has_a_reason() {
    let open: Vec<_> =
        lines().into_iter().filter(|(seeds, _, text)| *seeds == "-" && text.is_empty()).collect();
    assert_eq!(open, []);
}
