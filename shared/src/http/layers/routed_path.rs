//! Compares the path that the router reads with the path that the gateway passed on.
//!
//! The gateway decodes the path, and `lambda_http` parses it again as part of a URL. That parser resolves dot segments,
//! turns backslashes into slashes, removes tabs and line ends, and ends the path at `?` or `#`. Then the router reads
//! another path than the client has sent, and the gateway's throttles have counted the client's path.

use axum::extract::Request;
use lambda_http::RequestExt as _;
use percent_encoding::percent_decode_str;

/// Returns true if the router reads exactly the path that the client has sent. Every other request is answered like an
/// unknown path.
pub(crate) fn is_path_of_client(request: &Request) -> bool {
    let Ok(asked) = String::from_utf8(decoded(request.raw_http_path()).collect()) else {
        return false;
    };
    is_plain(&asked) && percent_decode_str(request.uri().path()).eq(asked.bytes())
}

/// Returns the bytes of a path, in which characters outside of ASCII can still be encoded: `cargo lambda` passes them on so.
/// All other characters were decoded before, and decoding them again would lead past the gateway's throttles.
fn decoded(path: &str) -> impl Iterator<Item = u8> {
    let mut rest = path.as_bytes();
    std::iter::from_fn(move || {
        let (byte, length) = match rest {
            [b'%', high, low, ..] => encoded(*high, *low).map_or((b'%', 1), |byte| (byte, 3)),
            [byte, ..] => (*byte, 1),
            [] => return None,
        };
        rest = &rest[length..];
        Some(byte)
    })
}

/// Returns the byte of two hexadecimal digits if it is not ASCII.
fn encoded(high: u8, low: u8) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let byte = u8::try_from(digit(high)? * 16 + digit(low)?).ok()?;
    (!byte.is_ascii()).then_some(byte)
}

/// Returns true if no segment is empty, `.` or `..`, and no character is a control character or has a special meaning
/// in a URL.
fn is_plain(path: &str) -> bool {
    let Some(below) = path.strip_prefix('/') else {
        return false;
    };
    let has_meaning = |c: char| matches!(c, '\\' | '?' | '#') || c.is_control();
    let segments = below.strip_suffix('/').unwrap_or(below).split('/');
    let named = below.is_empty() || !segments.into_iter().any(|segment| matches!(segment, "" | "." | ".."));
    named && !below.contains(has_meaning)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn asked(raw: &str, routed: &str) -> bool {
        let request = axum::http::Request::get(routed).body(Body::empty()).unwrap();
        is_path_of_client(&request.with_raw_http_path(raw))
    }

    #[test]
    fn the_same_path_passes_in_every_encoding() {
        for (raw, routed) in [
            ("/", "/"),
            ("/api", "/api"),
            ("/api/users/me/", "/api/users/me/"),
            ("/api/a-b/", "/api/a%2Db/"),
            ("/api/ä/", "/api/%C3%A4/"),
            ("/api/%C3%a4/", "/api/%C3%A4/"),
            ("/api/a b;c/", "/api/a%20b;c/"),
            ("/api/.../.a/a./", "/api/.../.a/a./"),
            ("/api/100%/", "/api/100%/"),
        ] {
            assert!(asked(raw, routed), "{raw} {routed}");
        }
    }

    #[test]
    fn every_other_path_is_refused() {
        for (raw, routed) in [
            ("/api/a", "/api/b"),
            ("/api/a/", "/api/a"),
            ("/api/%41/", "/api/%41/"),
            ("/api/%c2%85/", "/api/%c2%85/"),
            ("/api/%ff/", "/api/%ff/"),
            ("/api/%2e%2e/", "/"),
            ("/api/a/../b/", "/api/b/"),
            ("/api/a\n/", "/api/a/"),
            ("/api/a?b", "/api/a"),
            ("/api/a", "/api/a/"),
            // An event without a path has an empty raw path.
            ("", "/"),
            ("api/", "/api/"),
        ] {
            assert!(!asked(raw, routed), "{raw} {routed}");
        }
    }

    #[test]
    fn segments_are_names() {
        for path in [
            "//",
            "/api//",
            "//api",
            "/api//users",
            "/.",
            "/..",
            "/./",
            "/api/..",
            "/api/../",
            "/api/./users",
            "/a\\b",
            "/a\u{0}",
            "/a\u{7f}",
            "/a\u{85}",
            "/a\tb",
            "/a\r",
            "/a#",
            "/a?",
            "",
            "a",
        ] {
            assert!(!is_plain(path), "{path:?}");
        }
    }
}
