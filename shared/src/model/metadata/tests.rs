//! Tests of reading, storing and merging metadata.

use super::*;

/// Reads `text` in the same way as the field of a request.
fn read(text: &str) -> serde_json::Result<Option<Metadata>> {
    let json: &RawValue = serde_json::from_str(text)?;
    serde_json::from_value(Metadata::carried(json, 15).map_err(Error::custom)?)
}

#[test]
fn numbers_and_the_order_of_keys_are_kept() {
    for kept in [
        r#"{"b":1,"a":2,"10":3,"2":4}"#,
        r#"{"n":[1E5,1e5,1e+5,-0,-0.0,0e0,1.0,1,0.10,1e308,1e-400,5E-324]}"#,
        r#"{"n":[123456789012345678901234567890,0.1234567890123456789,18446744073709551616,9007199254740993]}"#,
        r#"{"a":{"z":[{"y":1,"x":{}}],"b":[]},"c":null,"d":[true,false],"e":"é😀\n\"\\/"}"#,
        r#"{"$serde_json::private::RawValue":"[1]","$serde_json::private::Number":"1"}"#,
        "{}",
    ] {
        let metadata = read(kept).unwrap().unwrap();
        assert_eq!(metadata.as_str(), kept);
        assert_eq!(serde_json::to_string(&metadata).unwrap(), kept, "in an answer");
        assert_eq!(Metadata::stored(kept.to_owned()).unwrap(), metadata);
    }
}

#[test]
fn white_space_and_the_spelling_of_strings_are_not_kept() {
    let spelled = read(" { \"\\u0041\" :\t[ 1 ,\n\"\\u00e9\\/\\ud83d\\ude00\" ] } ").unwrap().unwrap();
    assert_eq!(spelled.as_str(), r#"{"A":[1,"é/😀"]}"#);
    assert_eq!(read("null").unwrap(), None);
    assert_ne!(read(r#"{"a":1}"#).unwrap(), read(r#"{"a":1.0}"#).unwrap());
}

#[test]
fn what_a_strict_reader_refuses_is_refused() {
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(15), "]".repeat(15));
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(METADATA_BYTES));
    for bad in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"b":[{"a":1,"a":2}]}"#,
        r#"{"a":"\u0000"}"#,
        r#"{"a\u007f":1}"#,
        r#"{"a":["\ud800"]}"#,
        r#"{"a":01}"#,
        r#"{"a":NaN}"#,
        r#"{"a":1e400}"#,
        r#"{"a":[-1E309]}"#,
        &format!(r#"{{"a":0.{}}}"#, "1".repeat(NUMBER_LENGTH)),
        r#"{"a":1}x"#,
        "{\"a\":\"\u{1}\"}",
        "[]",
        "1",
        r#""{}""#,
        &deep,
        &long,
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
    assert!(read(&format!(r#"{{"a":{}{}}}"#, "[".repeat(14), "]".repeat(14))).is_ok());
    let longest = format!(r#"{{ "a" : "{}" }}"#, "\\u0041".repeat(METADATA_BYTES - 8));
    assert_eq!(read(&longest).unwrap().unwrap().as_str().len(), METADATA_BYTES, "what is stored counts");
}

#[test]
fn an_error_says_which_rule_a_number_breaks() {
    for (number, reason) in [
        (format!("0.{}", "1".repeat(NUMBER_LENGTH)), "has a number of more than 1000 characters"),
        (format!("1{}", "0".repeat(NUMBER_LENGTH)), "has a number of more than 1000 characters"),
        ("1e400".to_owned(), "has a number out of range"),
    ] {
        let error = read(&format!(r#"{{"a":[{number}]}}"#)).unwrap_err().to_string();
        assert_eq!(error, format!("{reason}; send it as a string"));
    }
    let key = "k".repeat(METADATA_BYTES);
    let error = read(&format!(r#"{{"{key}":1,"{key}":2}}"#)).unwrap_err().to_string();
    assert!(error.len() < 200, "{error}");
}

/// The cases of RFC 7396, appendix A, whose target and patch are objects, and cases for the order of keys and for
/// numbers.
#[test]
fn a_patch_is_merged() {
    for (target, patch, result) in [
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
        (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
        ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        (
            r#"{"z":1E5,"y":-0,"x":1.0}"#,
            r#"{"y":1.10,"é":{"b":[null],"a":1e2}}"#,
            r#"{"z":1E5,"y":1.10,"x":1.0,"é":{"b":[null],"a":1e2}}"#,
        ),
        (r#"{"z":1E5}"#, "{}", r#"{"z":1E5}"#),
    ] {
        let [target, patch] = [target, patch].map(|text| read(text).unwrap().unwrap());
        assert_eq!(target.merged(&patch).unwrap().as_str(), result);
    }
    let half = format!(r#"{{"a":"{}"}}"#, "x".repeat(METADATA_BYTES / 2));
    let [target, patch] = [half.clone(), half.replace('a', "b")].map(|text| read(&text).unwrap().unwrap());
    assert_eq!(target.merged(&patch).unwrap_err().field, "metadata");
}

#[test]
fn nobody_but_the_reader_of_bodies_makes_it() {
    for bad in [serde_json::json!({ "a": 1 }), serde_json::json!("{}"), serde_json::json!([])] {
        assert!(serde_json::from_value::<Metadata>(bad).is_err());
    }
    let forged = read(r#"{"\u0000json":"{}"}"#);
    assert!(forged.is_err(), "its key holds a control character");
}
