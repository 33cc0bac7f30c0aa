//! Removes tables whose creation was interrupted, so that the next start creates them again. The engine commits each
//! step of a creation on its own: metadata, data, index, stream and TTL. It reports a table as active after the first.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

/// TTL is the last step of a creation. A table without it was never used.
const UNFINISHED: &str = "SELECT table_name FROM _tables WHERE ttl_enabled IS NOT 1";

/// The tables of `SQLite` for one table: its data, and its indexes under `NAME::gsi::INDEX`.
const PARTS: &str = "SELECT name FROM sqlite_master
    WHERE type = 'table' AND (name = ?1 OR substr(name, 1, length(?1) + 2) = ?1 || '::')";

/// Removes each unfinished table that has no items. A table with items is never removed. The removal is one transaction:
/// if the process is killed before its commit, then the next start repeats it.
pub(super) fn remove(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for table in names(&transaction, UNFINISHED, &[])? {
        let parts = names(&transaction, PARTS, &[&table])?;
        if parts.contains(&table) && has_items(&transaction, &table)? {
            continue;
        }
        for part in parts {
            transaction.execute_batch(&format!("DROP TABLE {}", quoted(&part)))?;
        }
        transaction.execute("DELETE FROM _tables WHERE table_name = ?1", [&table])?;
        tracing::info!(table, "removed a table whose creation was interrupted; it has no items");
    }
    transaction.commit()
}

fn names(connection: &Connection, query: &str, parameters: &[&str]) -> Result<Vec<String>, rusqlite::Error> {
    let mut statement = connection.prepare(query)?;
    let rows = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get(0))?;
    rows.collect()
}

fn has_items(connection: &Connection, table: &str) -> Result<bool, rusqlite::Error> {
    let query = format!("SELECT 1 FROM {} LIMIT 1", quoted(table));
    Ok(connection.query_row(&query, [], |_| Ok(())).optional()?.is_some())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use shared::random::Random;
    use shared::store::Store;

    use super::*;
    use crate::engine::storage::DATA_FILE;
    use crate::engine::{Engine, Storage};

    const NO_TTL: &str = "UPDATE _tables SET ttl_enabled = 0, ttl_attribute = NULL;";
    const NO_STREAM: &str =
        "UPDATE _tables SET stream_enabled = 0, stream_view_type = NULL, stream_label = NULL;";
    const NO_INDEX: &str = "DROP TABLE \"messaging::gsi::gsi1\";";
    const NO_DATA: &str = "DROP TABLE messaging;";

    /// Starts an engine and creates the table. Returns true if the table was missing.
    async fn create(folder: &Path) -> bool {
        let engine = Engine::start(Storage::Folder(folder.into())).unwrap();
        let store = Store::local(&engine.endpoint(), "messaging", Random::from_system());
        let made = store.create_table(&crate::template::table().unwrap()).await.unwrap();
        engine.stop().await;
        made
    }

    /// Returns the tables of `SQLite`, and the settings of the table.
    fn state(folder: &Path) -> (Vec<String>, Vec<String>) {
        let connection = Connection::open(folder.join(DATA_FILE)).unwrap();
        let tables = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
        let settings =
            "SELECT concat_ws(' ', table_name, stream_view_type, stream_enabled, ttl_attribute, ttl_enabled)
            FROM _tables";
        (names(&connection, tables, &[]).unwrap(), names(&connection, settings, &[]).unwrap())
    }

    fn change(folder: &Path, statements: &str) {
        Connection::open(folder.join(DATA_FILE)).unwrap().execute_batch(statements).unwrap();
    }

    #[tokio::test]
    async fn a_creation_that_was_interrupted_after_any_step_is_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert!(create(folder).await && !create(folder).await);
        let complete = state(folder);
        for undone in 1..=4 {
            change(folder, &[NO_TTL, NO_STREAM, NO_INDEX, NO_DATA][..undone].concat());
            assert_ne!(state(folder), complete);
            assert!(create(folder).await, "{undone} steps were missing");
            assert_eq!(state(folder), complete, "{undone} steps were missing");
        }
    }

    #[tokio::test]
    async fn a_table_with_items_stays() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        create(folder).await;
        change(folder, NO_TTL);
        change(folder, "INSERT INTO messaging (pk, item_json, item_size) VALUES ('S:a', '{}', 1)");
        assert!(!create(folder).await);
        let connection = Connection::open(folder.join(DATA_FILE)).unwrap();
        assert_eq!(names(&connection, "SELECT pk FROM messaging", &[]).unwrap(), ["S:a"]);
    }
}
