//! Content negotiation (RFC 9110, section 12.5.1): JSON, a page, or 406. A client that does not prefer pages gets JSON.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::http::{
    Code, Problem,
    header_lists::{Quoting, parts},
    route_table::{RouteKind, RouteTable},
};

/// The representation of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Representation {
    /// The handler's answer as it is: JSON, or a file.
    Json,
    /// An HTML page, around the handler's answer or on its own.
    Html,
}

/// Returns the representation that the client prefers; `None` if the client accepts none that the path has.
/// `?format=json` overrides the header `Accept`.
#[must_use]
pub fn representation(kind: RouteKind, request: &Request) -> Option<Representation> {
    let wants_json = request.uri().query().unwrap_or_default().split('&').any(|pair| pair == "format=json");
    let accept = Accept::of(request.headers());
    let html = accept.quality("text", "html");
    let json = accept.quality("application", "json").max(accept.quality("application", "problem+json"));
    match kind {
        RouteKind::File => Some(Representation::Json),
        // Problems of a page are shown in the format that the client prefers.
        RouteKind::Page if html > json => Some(Representation::Html),
        RouteKind::Page if html > 0 => Some(Representation::Json),
        RouteKind::Api if wants_json => Some(Representation::Json),
        RouteKind::Api if html > json => Some(Representation::Html),
        RouteKind::Api if json > 0 => Some(Representation::Json),
        RouteKind::Page | RouteKind::Api => None,
    }
}

/// Answers with 406 if the client accepts nothing that the path has. An unknown path has nothing, and is answered with 404. An
/// answer to OPTIONS has no content.
pub(super) async fn refuse_unacceptable(
    State(routes): State<RouteTable>,
    request: Request,
    next: Next,
) -> Response {
    let kind = routes.find(&request).map(|route| route.kind);
    match kind.filter(|_| request.method() != Method::OPTIONS) {
        Some(kind) if representation(kind, &request).is_none() => {
            Problem::new(Code::NotAcceptable, refusal(kind)).into_response()
        }
        _ => next.run(request).await,
    }
}

const fn refusal(kind: RouteKind) -> &'static str {
    match kind {
        RouteKind::Api => "This path returns JSON or HTML. Accept `application/json` or `text/html`.",
        RouteKind::Page => "This path returns only HTML. Accept `text/html`.",
        RouteKind::File => "This path returns only a file. Accept any media type.",
    }
}

/// The media ranges of the `Accept` headers, each with its weight in thousandths. Without a header,
/// every type is accepted.
struct Accept(Vec<(String, u16)>);

impl Accept {
    fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT).iter();
        let texts: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        let ranges = texts.iter().flat_map(|text| parts(text, ',', Quoting::Escaped));
        let ranges: Vec<(String, u16)> = ranges.map(range).collect();
        if ranges.is_empty() { Self(vec![("*/*".to_owned(), 1000)]) } else { Self(ranges) }
    }

    /// Returns the weight of a media type: the weight of its most precise range, or 0 if no range matches.
    fn quality(&self, kind: &str, subtype: &str) -> u16 {
        let ranges = [format!("{kind}/{subtype}"), format!("{kind}/*"), "*/*".to_owned()];
        let found = ranges.iter().find_map(|range| {
            self.0.iter().filter(|(named, _)| named == range).map(|(_, quality)| *quality).max()
        });
        found.unwrap_or(0)
    }
}

/// Returns one range and its weight. A weight that cannot be parsed is the maximum. Old HTTP clients of Java send `*`
/// for `*/*`.
fn range(text: &str) -> (String, u16) {
    let mut parts = parts(text, ';', Quoting::Escaped).into_iter();
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let media = if media == "*" { "*/*".to_owned() } else { media };
    let weight = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then_some(value.trim())
    });
    (media, weight.and_then(thousandths).unwrap_or(1000))
}

/// Returns a weight in thousandths: `0.8` is 800. Also accepts `.8`, `1.`, and more than the three digits of RFC 9110.
/// A weight above 1 counts as 1.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || weight.is_empty() || weight == "." {
        return None;
    }
    if whole.bytes().any(|digit| digit != b'0') {
        return Some(1000);
    }
    let three: String = fraction.chars().chain("000".chars()).take(3).collect();
    // A weight above zero must not become zero.
    let least = u16::from(fraction.bytes().any(|digit| digit != b'0'));
    three.parse().ok().map(|weight: u16| weight.max(least))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn negotiated(kind: RouteKind, uri: &str, accept: &[&str]) -> Option<Representation> {
        let mut request = axum::http::Request::get(uri);
        for value in accept {
            request = request.header("accept", *value);
        }
        representation(kind, &request.body(Body::empty()).unwrap())
    }

    const CHROME: &str =
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

    #[test]
    fn browsers_get_pages_and_programs_json() {
        for json in [
            &[][..],
            &["*/*"],
            &["application/json"],
            &["application/json, text/html"],
            &["application/*"],
            &["application/problem+json"],
            &["text/html;q=0.5, application/json"],
            &["text/html;q=0, */*"],
            &[""],
            &["image/png", "application/json;q=0.001"],
            &["application/json;q=.9"],
            &["application/json;q=1."],
            &["application/json; Q = 0.12345 "],
            &["application/json;q=0.00001"],
            &["application/json;charset=utf-8;q=0.5"],
            &["application/json;profile=\"a,b;q=0\";q=0.5"],
            &["application/json;q=high"],
            &["*/*;q=2"],
            &["*;q=.2"],
            &[" , ,"],
            &["", "application/json"],
            &["image/png", "*/*;q=0.1"],
            &["text/html;q=.4, application/json;q=.5"],
        ] {
            assert_eq!(negotiated(RouteKind::Api, "/", json), Some(Representation::Json), "{json:?}");
        }
        for html in [
            &[CHROME][..],
            &["text/html"],
            &["text/*"],
            &["TEXT/HTML ; Q=0.9, */*;q=0.8"],
            &["text/html", "application/json;q=0.5"],
            &["*/*;q=0.1, text/html"],
            &["text/html;q=.9, application/json;q=.8"],
        ] {
            assert_eq!(negotiated(RouteKind::Api, "/", html), Some(Representation::Html), "{html:?}");
            assert_eq!(
                negotiated(RouteKind::Api, "/?a=b&format=json", html),
                Some(Representation::Json),
                "{html:?}"
            );
        }
        for neither in [
            &["image/png"][..],
            &["text/csv"],
            &["application/json;q=0"],
            &["*/*;q=0"],
            &["*/*;q=0.000"],
            &["\u{e4}"],
        ] {
            assert_eq!(negotiated(RouteKind::Api, "/", neither), None, "{neither:?}");
        }
    }

    #[test]
    fn pages_are_for_clients_that_accept_pages_and_files_for_all() {
        for html in [&["text/html"][..], &[CHROME]] {
            assert_eq!(
                negotiated(RouteKind::Page, "/?format=json", html),
                Some(Representation::Html),
                "{html:?}"
            );
        }
        for any in [&[][..], &["*/*"]] {
            assert_eq!(negotiated(RouteKind::Page, "/", any), Some(Representation::Json), "{any:?}");
        }
        assert_eq!(negotiated(RouteKind::Page, "/", &["application/json"]), None);
        assert_eq!(negotiated(RouteKind::File, "/", &["image/png"]), Some(Representation::Json));
    }
}
