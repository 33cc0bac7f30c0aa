//! Paths that a parser may read as another path: each piece with a special meaning, at each position of a path. They
//! contain no valid paths of the API.
//!
//! ```rust
//! altered("/api/users/me/") // "/api/users/me/../", "/api/users/..%2fme/", …
//! ```

use percent_encoding::percent_decode_str;

/// Pieces as a client writes them: separators, dot segments, and ends of a path or a line, encoded once and twice.
#[rustfmt::skip]
const PIECES: [&str; 58] = [
    "/", "//", "/.", "/./", "/..", "/../", "..", "../", ".", "/.;/", "/..;/",
    "%2f", "%2F", "%2f%2f", "%2f.", "%2f..", "%2F..%2F", "..%2f", "/%2e%2e", "/%2e/", "/.%2E/", "%2e",
    "%5c", "%5C..%5C", "\\", "/\\", "%5c%2e", "..%5c",
    "%3f", "%3Fx=1", "%23", "%23x",
    "%0a", "%0d", "%0d%0a", "%09", "%00", "%1f", "%7f", "%c2%85", "%20",
    "%25", "%252f", "%252F..%252f", "%252e", "/%252e%252e/", "%255c", "%253f", "%2523", "%250a", "%2500", "%2541",
    "%2d", ";x=1", "%c3%a4", "%e2%80%a8", "%ff", "%zz",
];

/// Returns the path with each piece at each position: before and after each slash, inside the last segment, at the end.
pub fn altered(path: &str) -> Vec<String> {
    let slashes = path.match_indices('/').flat_map(|(at, _)| [at, at + 1]);
    let inside = path.trim_end_matches('/').len().saturating_sub(1).max(1);
    let mut places: Vec<usize> = slashes.chain([inside, path.len()]).filter(|at| *at > 0).collect();
    places.sort_unstable();
    places.dedup();
    let at = |at: usize| PIECES.iter().map(move |piece| format!("{}{piece}{}", &path[..at], &path[at..]));
    places.into_iter().flat_map(at).collect()
}

/// Returns the path as API Gateway passes it on; `None` if the decoded path is not UTF-8.
pub fn decoded(path: &str) -> Option<String> {
    percent_decode_str(path).decode_utf8().ok().map(String::from)
}

/// Returns the path with the characters outside of ASCII that a gateway has left encoded; `None` if they are not UTF-8. The
/// encoded characters of ASCII stay.
pub fn with_plain_text(passed: &str) -> Option<String> {
    let is_beyond = |digit: char| matches!(digit, '8' | '9' | 'a'..='f' | 'A'..='F');
    let kept = passed.char_indices().fold(String::new(), |kept, (at, c)| match c {
        '%' if !passed[at + 1..].starts_with(is_beyond) => kept + "%25",
        _ => kept + c.encode_utf8(&mut [0; 4]),
    });
    decoded(&kept)
}

/// Returns true if a handler may receive this decoded path: every parser reads the same path.
pub fn is_unambiguous(passed: &str) -> bool {
    let has_code = passed
        .as_bytes()
        .windows(3)
        .any(|three| three[0] == b'%' && three[1].is_ascii_hexdigit() && three[2].is_ascii_hexdigit());
    let bad =
        passed.chars().any(|c| c <= '\u{1f}' || ('\u{7f}'..='\u{9f}').contains(&c) || "\\?#".contains(c));
    let slashed = format!("{}/", passed.strip_suffix('/').unwrap_or(passed));
    let has_gap = ["//", "/./", "/../"].iter().any(|part| slashed.contains(part));
    !(has_code || bad || has_gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_path_is_among_them() {
        let altered = altered("/api/users/me/");
        for path in ["/api/users/me/../", "/api/users/..%2fme/", "/api/users/me/%0a", "/api/users/m%5ce/"] {
            assert!(altered.iter().any(|one| one == path), "{path}");
        }
        let passed: Vec<String> = altered.iter().filter_map(|path| decoded(path)).collect();
        let fair = passed.iter().filter(|path| is_unambiguous(path)).count();
        assert!(fair > 0 && fair < passed.len() / 2, "{fair} of {}", passed.len());
        assert!(is_unambiguous("/") && is_unambiguous("/api/") && !is_unambiguous("//"));
    }
}
