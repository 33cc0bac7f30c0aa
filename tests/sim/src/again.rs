//! The file of histories that have found something, which are repeated in every run of the continuous integration.

use std::path::Path;

/// One line of the file.
#[derive(Debug, PartialEq)]
pub struct Line {
    pub seed: u64,
    pub operations: u64,
    /// The operations that are left out, as `--without` takes them.
    pub without: String,
}

/// Reads the file. Fails with a text for the user.
pub fn read(file: &Path) -> Result<Vec<Line>, String> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    parse(&text)
        .map_err(|line| format!("{}: not a seed, a number and a list of operations: {line}", file.display()))
}

/// Returns the lines that are not comments. Fails with the first line that has another form.
fn parse(text: &str) -> Result<Vec<Line>, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line_of(line).ok_or_else(|| line.to_owned())).collect()
}

fn line_of(line: &str) -> Option<Line> {
    let [seed, operations, without, _finding] = line.split('\t').collect::<Vec<_>>().try_into().ok()?;
    let (seed, operations) = (seed.parse().ok()?, operations.parse().ok()?);
    Some(Line { seed, operations, without: without.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_the_repository_is_read_whole() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds.tsv");
        assert!(!read(&file).unwrap().is_empty());
    }

    #[test]
    fn a_line_has_four_columns() {
        let line = Line { seed: 7, operations: 300, without: "1,5-8".to_owned() };
        assert_eq!(parse("# comment\n\n7\t300\t1,5-8\tfinding\n"), Ok(vec![line]));
        assert_eq!(parse("7\t300\tfinding"), Err("7\t300\tfinding".to_owned()));
        assert_eq!(parse("x\t300\t\tfinding"), Err("x\t300\t\tfinding".to_owned()));
    }
}
