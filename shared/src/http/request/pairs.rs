//! Names and values of an urlencoded text: of a form or of a query. The texts are decoded and bounded; the names are
//! not checked.

use crate::{
    http::{Code, Problem},
    model::text::is_refused,
};

/// The maximum number of fields of a form, and of parameters of a query.
pub(crate) const MAX_PAIRS: usize = 100;

/// Returns the pairs of an urlencoded text, at most [`MAX_PAIRS`]; `None` if a byte sequence is not UTF-8 or a
/// character is refused.
pub(crate) fn pairs(bytes: &[u8]) -> Result<Option<Vec<(String, String)>>, Problem> {
    let parts: Vec<&[u8]> =
        bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).take(MAX_PAIRS + 1).collect();
    if parts.len() > MAX_PAIRS {
        let detail = format!("At most {MAX_PAIRS} fields or parameters are allowed.");
        return Err(Problem::new(Code::MalformedBody, detail));
    }
    let pair = |pair: &[u8]| {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        Some((decoded(halves.next().unwrap_or_default())?, decoded(halves.next().unwrap_or_default())?))
    };
    Ok(parts.into_iter().map(pair).collect())
}

fn decoded(text: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let text = percent_encoding::percent_decode(&spaced).decode_utf8().ok()?.into_owned();
    (!text.chars().any(|c| is_refused(c) && c != '\r')).then_some(text)
}
