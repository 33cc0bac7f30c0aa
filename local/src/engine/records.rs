//! The records of the stream in the engine's file. The engine never deletes them; DynamoDB deletes them after a day.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, params};

/// The time that another writer may take.
const BUSY: Duration = Duration::from_secs(5);

/// The difference between a sequence number and the number in the file.
const OFFSET: u128 = 100_000_000_000_000_000_000;

/// Deletes a part of the old records, so that other writers wait only for a moment. The newest record stays, because
/// the next number depends on it.
const DELETE: &str = "DELETE FROM _stream_records WHERE id IN (
    SELECT id FROM _stream_records
    WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) <= ?2 AND created_at < unixepoch() - 86400
        AND CAST(sequence_number AS INTEGER) < (
            SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1)
    LIMIT 500)";

/// Deletes the records of a table that are older than a day, up to a sequence number, or all of them if there is none.
/// Returns their number.
pub(crate) fn delete_old(file: &Path, table: &str, through: Option<&str>) -> Result<usize, rusqlite::Error> {
    let through = through.map_or(i64::MAX, stored);
    let connection = Connection::open(file)?;
    connection.busy_timeout(BUSY)?;
    let mut statement = connection.prepare(DELETE)?;
    let mut deleted = 0;
    loop {
        match statement.execute(params![table, through])? {
            0 => return Ok(deleted),
            some => deleted += some,
        }
    }
}

/// Returns the number in the file for a sequence number; 0 for any other text.
fn stored(public: &str) -> i64 {
    let number = public.parse::<u128>().ok().and_then(|number| number.checked_sub(OFFSET));
    number.and_then(|number| i64::try_from(number).ok()).unwrap_or_default()
}
