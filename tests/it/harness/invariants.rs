//! Rules that the whole table keeps after any sequence of requests, failures and races. They read the items themselves
//! and do not use the store. `app.check()` runs them at the end of a test; the simulator runs the same rules.

use super::table::Table;

/// Asserts every rule of the table.
pub async fn check(table: &Table) {
    let violations = local::check::violations(table.items().await);
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}
