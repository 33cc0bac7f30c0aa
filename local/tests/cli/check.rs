//! The command `check`.

use super::{
    ADMIN_PASSWORD, folder,
    process::{Server, run, run_with_input},
};

#[test]
fn the_table_is_checked() {
    let folder = folder();
    let data = folder.path().to_str().unwrap();
    let input = format!("{ADMIN_PASSWORD}\n");
    run_with_input(&["createsuperuser", "--email", "root@example.com", "--data", data], &input).success();
    let checked = run(&["check", "--data", data]).output();
    assert!(checked.contains("The table messaging has 3 items, and every rule holds."), "{checked}");
    // Another process may use the folder.
    let server = Server::start(&["--data", data, "--no-demo"]);
    assert!(run(&["check", "--data", data]).output().contains("every rule holds"));
    drop(server);
    let missing = run(&["check", "--dynamodb-endpoint", "http://127.0.0.1:9", "--data", data]).failure();
    assert!(missing.contains("127.0.0.1:9"), "{missing}");
}
