//! The environment variables of the suite. All are optional.
//!
//! ```sh
//! DYNAMODB_ENDPOINT=http://127.0.0.1:8000 cargo test --workspace --test it held::
//! API_URL=https://api.example.com cargo test --workspace --test it black_box
//! ```

/// Returns the `DynamoDB` endpoint to use instead of the embedded engine (`DYNAMODB_ENDPOINT`).
pub fn dynamodb() -> Option<String> {
    variable("DYNAMODB_ENDPOINT")
}

/// Returns the address of a running API for the black-box tests (`API_URL`), without a slash at the end.
pub fn api_url() -> Option<String> {
    variable("API_URL").map(|url| url.trim_end_matches('/').to_owned())
}

/// Returns the server whose known gaps are skipped (`API_GAPS`).
pub fn gaps() -> Option<String> {
    variable("API_GAPS")
}

/// Returns the text of the template to check: the file at `TEMPLATE`, or `template.yaml` of the repository. A copy with
/// a seeded mistake shows that the tests find the mistake.
pub fn template() -> String {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml").to_owned();
    let path = variable("TEMPLATE").unwrap_or(own);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the protection that the proxy removes in this run (`SABOTAGE`).
pub fn sabotage() -> Option<String> {
    variable("SABOTAGE")
}

/// Returns the file to which the proxy appends the name of every protection that it sees (`SABOTAGE_LIST`).
pub fn sabotage_list() -> Option<String> {
    variable("SABOTAGE_LIST")
}

/// Returns the size of the storm in `storm.rs`, such as `200x20x5000` (`STORM`).
pub fn storm() -> Option<String> {
    variable("STORM")
}

/// Returns the size of the attack in `attack.rs`, such as `200x20` (`ATTACK`).
pub fn attack() -> Option<String> {
    variable("ATTACK")
}

/// Returns the largest resident memory of this process so far, in KB; 0 where `/proc` does not exist.
pub fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "the suite reads its environment only here")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
