//! What a client takes: JSON, a page, or neither (RFC 9110, section 12.5.1). Whoever does not say that pages are liked better
//! gets JSON.

use axum::{
    extract::Request,
    http::{HeaderMap, header},
};

use super::quoted::{Quoting, parts};

/// What is at a path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Offer {
    /// JSON, and a page that shows it.
    #[default]
    Data,
    /// A page of its own.
    Page,
    /// A file, which is sent whatever is asked for.
    File,
}

impl Offer {
    /// What a client is told that does not take it.
    pub(super) const fn refusal(self) -> &'static str {
        match self {
            Self::Data => "Only JSON and pages are to be had here: accept application/json or text/html.",
            Self::Page => "Only a page is to be had here: accept text/html.",
            Self::File => "Only this file is to be had here.",
        }
    }
}

/// What to answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The handler's answer as it is.
    Json,
    /// A page.
    Html,
    /// The client takes nothing that there is.
    Neither,
}

/// What the answer to a request is to be. `?format=json` overrides the header.
pub(super) fn form(offer: Offer, request: &Request) -> Form {
    let wants_json = request.uri().query().unwrap_or_default().split('&').any(|pair| pair == "format=json");
    let accept = Accept::of(request.headers());
    let html = accept.quality("text", "html");
    let json = accept.quality("application", "json").max(accept.quality("application", "problem+json"));
    match offer {
        Offer::File => Form::Json,
        // What goes wrong at a page is told in the form that is liked better.
        Offer::Page if html > json => Form::Html,
        Offer::Page if html > 0 => Form::Json,
        Offer::Data if wants_json => Form::Json,
        Offer::Data if html > json => Form::Html,
        Offer::Data if json > 0 => Form::Json,
        Offer::Page | Offer::Data => Form::Neither,
    }
}

/// The ranges of an `Accept` header, each with its weight in thousandths; no header takes everything.
struct Accept(Vec<(String, u16)>);

impl Accept {
    fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT).iter();
        let texts: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        let ranges = texts.iter().flat_map(|text| parts(text, ',', Quoting::Escaped));
        let ranges: Vec<(String, u16)> = ranges.map(range).collect();
        if ranges.is_empty() { Self(vec![("*/*".to_owned(), 1000)]) } else { Self(ranges) }
    }

    /// The weight of a media type: that of the most precise range that it is in, 0 where it is in none.
    fn quality(&self, kind: &str, subtype: &str) -> u16 {
        let ranges = [format!("{kind}/{subtype}"), format!("{kind}/*"), "*/*".to_owned()];
        let found = ranges.iter().find_map(|range| {
            self.0.iter().filter(|(named, _)| named == range).map(|(_, quality)| *quality).max()
        });
        found.unwrap_or(0)
    }
}

/// One range and its weight, which is the highest one if it cannot be read. Old HTTP clients of Java send `*` for `*/*`.
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

/// `0.8` as 800; also `.8`, `1.` and more digits than the three that RFC 9110 has. More than 1 is 1.
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
    // A weight above zero stays above it.
    let least = u16::from(fraction.bytes().any(|digit| digit != b'0'));
    three.parse().ok().map(|weight: u16| weight.max(least))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn asked(offer: Offer, uri: &str, accept: &[&str]) -> Form {
        let mut request = axum::http::Request::get(uri);
        for value in accept {
            request = request.header("accept", *value);
        }
        form(offer, &request.body(Body::empty()).unwrap())
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
            assert_eq!(asked(Offer::Data, "/", json), Form::Json, "{json:?}");
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
            assert_eq!(asked(Offer::Data, "/", html), Form::Html, "{html:?}");
            assert_eq!(asked(Offer::Data, "/?a=b&format=json", html), Form::Json, "{html:?}");
        }
        for neither in [
            &["image/png"][..],
            &["text/csv"],
            &["application/json;q=0"],
            &["*/*;q=0"],
            &["*/*;q=0.000"],
            &["\u{e4}"],
        ] {
            assert_eq!(asked(Offer::Data, "/", neither), Form::Neither, "{neither:?}");
        }
    }

    #[test]
    fn a_page_is_a_page_for_who_takes_one_and_a_file_is_a_file() {
        for html in [&["text/html"][..], &[CHROME]] {
            assert_eq!(asked(Offer::Page, "/?format=json", html), Form::Html, "{html:?}");
        }
        for any in [&[][..], &["*/*"]] {
            assert_eq!(asked(Offer::Page, "/", any), Form::Json, "{any:?}");
        }
        assert_eq!(asked(Offer::Page, "/", &["application/json"]), Form::Neither);
        assert_eq!(asked(Offer::File, "/", &["image/png"]), Form::Json);
    }
}
