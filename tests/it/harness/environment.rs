//! What the suite takes from its environment, all of it optional.

/// A `DynamoDB` to use instead of the embedded engine (`DYNAMODB_ENDPOINT`).
pub fn dynamodb() -> Option<String> {
    variable("DYNAMODB_ENDPOINT")
}

/// A running API for the black-box tests (`API_URL`), without the slash at the end.
pub fn api_url() -> Option<String> {
    variable("API_URL").map(|url| url.trim_end_matches('/').to_owned())
}

/// Which server's known gaps are passed over (`API_GAPS`).
pub fn gaps() -> Option<String> {
    variable("API_GAPS")
}

/// The template that is looked at (`TEMPLATE`), the repository's without it: a copy with a mistake shows that it is found.
pub fn template() -> String {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml").to_owned();
    let path = variable("TEMPLATE").unwrap_or(own);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What is taken away under the SDK, to see that a test fails of it (`SABOTAGE`).
pub fn sabotage() -> Option<String> {
    variable("SABOTAGE")
}

/// A file to which everything that could be taken away is added (`SABOTAGE_LIST`).
pub fn sabotage_list() -> Option<String> {
    variable("SABOTAGE_LIST")
}

#[expect(clippy::disallowed_methods, reason = "the one place where the suite reads its environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
