//! The table, as the repository's `template.yaml` defines it: what is deployed is what runs locally and in the tests.
//! It reads that one resource and passes over everything else, CloudFormation's short tags included.
#[test]
fn x() {
    let s = std::fs::read_to_string("/tmp/t.yaml").unwrap();
    let v: serde_json::Value = serde_saphyr::from_str(&s).unwrap();
    println!("{v:#}");
}
