//! The files of the engine: their folder, the lock on it, and the check of their state. The engine alone knows their
//! content, except for one index that this module adds and for the tables that `unfinished` removes.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use dynoxide::Database;
use rusqlite::Connection;

use super::{EngineError, cannot, unfinished};
use crate::private;

/// The name of the data file inside its folder.
pub(super) const DATA_FILE: &str = "messaging.sqlite";

/// An index for the engine's query of the highest sequence number before each write. The engine neither indexes nor
/// deletes its stream records: without the index, a write takes 0.4 ms at 1,000 records and 19 ms at 50,000.
const STREAM_INDEX: &str = "CREATE INDEX IF NOT EXISTS local_stream_sequence
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";

/// The place where the engine keeps its data.
#[derive(Debug, Clone)]
pub enum Storage {
    /// A temporary folder, which is deleted with the engine. It contains a file, because the second connection, which
    /// makes the index, could not open an in-memory database of `SQLite`.
    Temporary,
    /// A folder for data that stays. It is made if it is missing.
    Folder(PathBuf),
}

/// An exclusive claim on a folder. It ends when the value is dropped.
#[derive(Debug)]
pub(super) enum DataLocation {
    Temporary(tempfile::TempDir),
    Locked { folder: PathBuf, lock: File },
}

impl DataLocation {
    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Locked { folder, .. } => folder,
        }
    }

    /// Writes the endpoint into the lock file, for processes that find the folder locked.
    pub(super) fn announce(&self, endpoint: &str) -> io::Result<()> {
        match self {
            Self::Temporary(_) => Ok(()),
            Self::Locked { lock, .. } => (&*lock).write_all(endpoint.as_bytes()),
        }
    }
}

/// Claims the folder and opens the database in it.
pub(super) fn open(storage: Storage) -> Result<(DataLocation, Database), EngineError> {
    let location = claim(storage)?;
    let file = location.folder().join(DATA_FILE);
    let broken =
        |reason: String| EngineError::Broken { file: file.clone(), reason: reason.replace('\n', " ") };
    let path = file.to_str().ok_or_else(|| broken("its path is not UTF-8".into()))?;
    // `SQLite` gives its additional files the permissions of this file.
    private::file(&file).map_err(cannot(&format!("write to {}", file.display())))?;
    for suffix in ["-wal", "-shm"] {
        let beside = format!("{path}{suffix}");
        private::existing(Path::new(&beside)).map_err(cannot(&format!("write to {beside}")))?;
    }
    check(&file).map_err(broken)?;
    let database = Database::new(path).map_err(|error| broken(error.to_string()))?;
    prepare(&file).map_err(|error| broken(error.to_string()))?;
    if matches!(location, DataLocation::Temporary(_)) {
        // A temporary file is not needed after a power failure, so no write needs an fsync.
        database.enable_bulk_loading().map_err(|error| broken(error.to_string()))?;
    }
    Ok((location, database))
}

fn claim(storage: Storage) -> Result<DataLocation, EngineError> {
    match storage {
        Storage::Temporary => tempfile::Builder::new()
            .prefix("messaging-")
            .tempdir()
            .map(DataLocation::Temporary)
            .map_err(cannot("create a temporary folder")),
        Storage::Folder(folder) => lock(folder),
    }
}

/// Locks the folder with a lock of the operating system on an open file, which ends with the process in every case.
fn lock(folder: PathBuf) -> Result<DataLocation, EngineError> {
    let name = folder.display().to_string();
    private::folder(&folder).map_err(cannot(&format!("create the data folder {name}")))?;
    let file = folder.join("lock");
    let lock = private::file(&file).map_err(cannot(&format!("write to the data folder {name}")))?;
    match lock.try_lock() {
        Ok(()) => {
            lock.set_len(0).map_err(cannot(&format!("write to the data folder {name}")))?;
            Ok(DataLocation::Locked { folder, lock })
        }
        Err(TryLockError::WouldBlock) => Err(EngineError::InUse { endpoint: announced(&file), folder }),
        Err(TryLockError::Error(error)) => Err(cannot(&format!("lock the data folder {name}"))(error)),
    }
}

fn announced(file: &Path) -> Option<String> {
    fs::read_to_string(file).ok().filter(|endpoint| endpoint.starts_with("http://"))
}

/// Checks the whole file before the first write is acknowledged. A damaged file can open without an error and fail at a
/// later write.
fn check(file: &Path) -> Result<(), String> {
    let verdict = Connection::open(file)
        .and_then(|connection| {
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
        })
        .map_err(|error| error.to_string())?;
    if verdict == "ok" { Ok(()) } else { Err(verdict) }
}

/// Changes the file where the engine does not do so itself. The engine has made its own tables by then.
fn prepare(file: &Path) -> Result<(), rusqlite::Error> {
    let mut connection = Connection::open(file)?;
    unfinished::remove(&mut connection)?;
    connection.execute_batch(STREAM_INDEX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_question_for_the_next_number_uses_the_index() {
        let (location, _database) = open(Storage::Temporary).unwrap();
        let connection = Connection::open(location.folder().join(DATA_FILE)).unwrap();
        let plan: String = connection
            .query_row(
                "EXPLAIN QUERY PLAN SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1
                 FROM _stream_records WHERE table_name = ?1",
                ["messaging"],
                |row| row.get(3),
            )
            .unwrap();
        assert!(plan.contains("local_stream_sequence"), "{plan}");
    }
}
