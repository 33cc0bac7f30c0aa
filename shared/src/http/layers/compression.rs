//! Compresses large answers with gzip for clients that accept it, because API Gateway does not compress.
//!
//! The length of a compressed page shows how often a text of a stranger is repeated in it (BREACH). The CSRF token in
//! the forms of a page does not change, so each page gets padding of a random length, as in Django.

use std::io::{self, Write as _};

use axum::{
    body::{Body, Bytes, HttpBody as _},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use flate2::{Compression, GzBuilder};
use futures::stream;
use http_body_util::BodyExt as _;

use super::head::HeadRequest;
use crate::{http::Problem, random::Random};

/// The size in bytes up to which answers are sent without compression.
const SMALL: u64 = 8 * 1024;

/// The prefixes of the media types that gzip makes smaller.
const TEXTS: [&[u8]; 4] = [b"application/json", b"application/problem+json", b"text/", b"image/svg+xml"];

/// Returns true if the client accepts gzip and does not prefer an unchanged body (RFC 9110, section 12.5.3).
#[must_use]
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let listed: Vec<(String, f32)> = lines.flat_map(|line| line.split(',')).map(coding).collect();
    let weight = |names: &[&str]| {
        let named = listed.iter().filter(|(name, _)| names.contains(&name.as_str()));
        named.map(|(_, weight)| *weight).reduce(f32::max)
    };
    let gzip = weight(&["gzip", "x-gzip"]).or_else(|| weight(&["*"])).unwrap_or_default();
    gzip > 0.0 && gzip >= weight(&["identity"]).unwrap_or_default()
}

/// Returns one coding and its weight. A weight that cannot be parsed is 0.
fn coding(text: &str) -> (String, f32) {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let weight = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then_some(value.trim())
    });
    let readable = |weight: &f32| (0.0..=1.0).contains(weight);
    (name, weight.map_or(1.0, |weight| weight.parse().ok().filter(readable).unwrap_or_default()))
}

/// The properties of a request that decide whether its answer is compressed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Acceptance {
    pub(crate) takes_gzip: bool,
    pub(crate) is_head: bool,
}

/// Compresses the answer of the inner layers.
pub(super) async fn compress_answer(State(random): State<Random>, request: Request, next: Next) -> Response {
    let acceptance = Acceptance {
        takes_gzip: takes_gzip(request.headers()),
        is_head: request.extensions().get::<HeadRequest>().is_some(),
    };
    let response = compressed(next.run(request).await, acceptance, &random).await;
    response.unwrap_or_else(|error| Problem::internal(error).into_response())
}

/// Returns the response, compressed if it is a large text and the client accepts gzip. Files that were compressed at
/// build time are unchanged.
pub(crate) async fn compressed(
    mut response: Response,
    acceptance: Acceptance,
    random: &Random,
) -> Result<Response, axum::Error> {
    if !is_large_text(&response) {
        return Ok(response);
    }
    vary(response.headers_mut());
    let is_page = is_page(response.headers());
    if !acceptance.takes_gzip {
        return Ok(response);
    }
    let (mut head, body) = response.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    weaken(&mut head.headers);
    // The padding gives each answer another length, so an answer to HEAD contains none (RFC 9110, section 8.6).
    if is_page && acceptance.is_head {
        return Ok(Response::from_parts(head, of_unknown_length()));
    }
    let bytes = body.collect().await?.to_bytes();
    let padding = if is_page { usize::from(random.bytes::<1>()[0]) % 101 } else { 0 };
    let packed = gzip(&bytes, padding).map_err(axum::Error::new)?;
    Ok(Response::from_parts(head, packed.into()))
}

/// Returns an empty body of unknown length, so that no server adds `Content-Length`.
fn of_unknown_length() -> Body {
    Body::from_stream(stream::empty::<io::Result<Bytes>>())
}

/// Returns true if the response is an HTML page.
fn is_page(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
}

fn is_large_text(response: &Response) -> bool {
    let headers = response.headers();
    let media = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    response.body().size_hint().lower() > SMALL
        && TEXTS.iter().any(|text| media.starts_with(text))
        && !headers.contains_key(header::CONTENT_ENCODING)
}

/// Adds `Accept-Encoding` to the header `Vary`.
fn vary(headers: &mut HeaderMap) {
    let known = headers.get(header::VARY).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if known.to_ascii_lowercase().contains("accept-encoding") {
        return;
    }
    let all =
        if known.is_empty() { "Accept-Encoding".to_owned() } else { format!("{known}, Accept-Encoding") };
    if let Ok(all) = HeaderValue::from_str(&all) {
        headers.insert(header::VARY, all);
    }
}

/// Makes a strong tag weak: a strong tag identifies the exact bytes, and compression changes them (RFC 9110, section
/// 8.8.3.3).
fn weaken(headers: &mut HeaderMap) {
    let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).filter(|tag| tag.starts_with('"'));
    if let Some(weak) = tag.and_then(|tag| HeaderValue::from_str(&format!("W/{tag}")).ok()) {
        headers.insert(header::ETAG, weak);
    }
}

/// Returns the bytes in gzip format. The padding is a file name of that length, which gzip does not compress and
/// clients ignore.
fn gzip(bytes: &Bytes, padding: usize) -> io::Result<Vec<u8>> {
    let builder = if padding > 0 { GzBuilder::new().filename(vec![b'-'; padding]) } else { GzBuilder::new() };
    let mut encoder = builder.write(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn takes(lines: &[&str]) -> bool {
        let lines = lines.iter().map(|line| (header::ACCEPT_ENCODING, line.parse().unwrap()));
        takes_gzip(&lines.collect())
    }

    #[test]
    fn the_client_says_what_it_takes() {
        for taken in [
            &["gzip"][..],
            &["GZIP"],
            &["x-gzip"],
            &["deflate, gzip;q=1.0, *;q=0.5"],
            &["*"],
            &["br;q=1, *;q=0.1"],
            &["br", "gzip;q=0.001"],
            &["gzip ; q=.5"],
            &["identity;q=0.5, gzip"],
            &["identity;q=0, gzip;q=0.1"],
            &["gzip;level=9;q=0.3"],
            &["gzip;q=1."],
        ] {
            assert!(takes(taken), "{taken:?}");
        }
        for refused in [
            &[][..],
            &[""],
            &["br"],
            &["identity"],
            &["gzip;q=0"],
            &["gzip;q=0.000"],
            &["gzip;Q=0, *"],
            &["*;q=0"],
            &["gzip;q=0.4, identity;q=0.5"],
            &["identity, *;q=0.9"],
            &["gzip;q=2"],
            &["gzip;q=-1"],
            &["gzip;q=x"],
            &["gzip;q=NaN"],
            &["gzip;q="],
            &["gzipped"],
            &["g zip"],
        ] {
            assert!(!takes(refused), "{refused:?}");
        }
    }

    async fn answer(media: &'static str, size: usize, acceptance: Acceptance) -> (Option<String>, Vec<u8>) {
        let body = axum::body::Body::from("a".repeat(size));
        let headers = [(header::CONTENT_TYPE, media), (header::ETAG, "\"3\""), (header::VARY, "Accept")];
        let response = axum::response::IntoResponse::into_response((headers, body));
        let response = compressed(response, acceptance, &Random::from_seed(1)).await.unwrap();
        let is_measured = response.body().size_hint().exact().is_some();
        assert_eq!(is_measured, !(acceptance.is_head && media == "text/html"), "{media}");
        let text = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let packed = text(header::CONTENT_ENCODING);
        let large = size > 8192 && TEXTS.iter().any(|text| media.as_bytes().starts_with(text));
        assert_eq!(text(header::VARY).unwrap(), if large { "Accept, Accept-Encoding" } else { "Accept" });
        assert_eq!(text(header::ETAG).unwrap(), if packed.is_some() { "W/\"3\"" } else { "\"3\"" });
        (packed, response.into_body().collect().await.unwrap().to_bytes().into())
    }

    const TAKES: Acceptance = Acceptance { takes_gzip: true, is_head: false };

    #[tokio::test]
    async fn large_texts_are_compressed() {
        for media in ["application/json", "application/problem+json", "text/html; charset=utf-8", "text/css"]
        {
            let (coding, bytes) = answer(media, 8193, TAKES).await;
            assert_eq!(coding.as_deref(), Some("gzip"), "{media}");
            let mut text = String::new();
            flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text).unwrap();
            assert_eq!(text, "a".repeat(8193), "{media}");
        }
        for (media, size, takes_gzip) in
            [("application/json", 8192, true), ("application/json", 8193, false), ("image/png", 8193, true)]
        {
            let (coding, bytes) = answer(media, size, Acceptance { takes_gzip, is_head: false }).await;
            assert_eq!((coding, bytes.len()), (None, size), "{media}");
        }
    }

    #[tokio::test]
    async fn a_head_describes_what_is_sent() {
        let head = Acceptance { takes_gzip: true, is_head: true };
        let (json, same) =
            (answer("application/json", 9000, head).await, answer("application/json", 9000, TAKES).await);
        assert_eq!(json, same);
        assert_eq!(answer("text/html", 9000, head).await, (Some("gzip".to_owned()), Vec::new()));
    }

    #[test]
    fn pages_of_one_length_differ_in_length() {
        let random = Random::from_system();
        let length = |_| {
            let padding = usize::from(random.bytes::<1>()[0]) % 101;
            gzip(&Bytes::from_static(b"page"), padding).unwrap().len()
        };
        let lengths: std::collections::BTreeSet<usize> = (0..200).map(length).collect();
        assert!(lengths.len() > 20, "{lengths:?}");
    }
}
