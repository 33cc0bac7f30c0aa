//! Converts an HTTP request to the event that API Gateway sends for it, and refuses requests without a valid event. It
//! follows AWS's description of payload format 2.0, whatever the functions read from it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Request, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use lambda_http::request::LambdaRequest;
use serde_json::{Map, Value, json};
use url::{Url, form_urlencoded};
use uuid::Uuid;

use super::OverTls;

/// The host of requests without one. Only callers in this process can leave it out.
const HOST: &str = "localhost";

/// Headers that are for the gateway only (hop by hop), or that the event contains in another field.
const NOT_FORWARDED: [header::HeaderName; 7] = [
    header::CONNECTION,
    header::COOKIE,
    header::EXPECT,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The facts about a request that the gateway adds.
#[derive(Debug)]
pub(super) struct ConnectionFacts {
    pub(super) caller: SocketAddr,
    pub(super) id: Uuid,
    pub(super) time: DateTime<Utc>,
}

/// Returns the size of the request line and the headers in bytes, as API Gateway's limit counts them.
pub(super) fn head_size(request: &Request<Bytes>) -> usize {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let line = request.method().as_str().len() + target + "  HTTP/1.1\r\n".len();
    let headers = request.headers().iter();
    line + headers.map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum::<usize>()
}

/// Returns the event; `None` if API Gateway would refuse the request itself, because host and path make no valid URL.
pub(super) fn from(request: &Request<Bytes>, arrival: &ConnectionFacts) -> Option<LambdaRequest> {
    let host = host(request)?;
    let path = raw_path(request.uri())?;
    let query = request.uri().query().unwrap_or_default();
    if !makes_an_address(&host, &path, query) {
        return None;
    }
    let event = describe(request, arrival, &host, &path);
    serde_json::from_value(event).ok()
}

fn describe(request: &Request<Bytes>, arrival: &ConnectionFacts, host: &str, path: &str) -> Value {
    let headers = headers(request, arrival, host);
    let agent = headers.get("user-agent").cloned().unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": request.uri().query().unwrap_or_default(),
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": host,
            "domainPrefix": host.split('.').next(),
            "http": {
                "method": request.method().as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": arrival.caller.ip(),
                "userAgent": agent,
            },
            "requestId": arrival.id,
            "routeKey": "$default",
            "stage": "$default",
            "time": arrival.time.format("%d/%b/%Y:%H:%M:%S %z").to_string(),
            "timeEpoch": super::millis(arrival.time),
        },
    });
    if let Value::Object(event) = &mut event {
        add_optional(event, request);
    }
    event
}

/// Adds the fields that an event contains only if they have a value.
fn add_optional(event: &mut Map<String, Value>, request: &Request<Bytes>) {
    let cookies = cookies(request.headers());
    if !cookies.is_empty() {
        event.insert("cookies".into(), cookies.into());
    }
    if let Some(query) = request.uri().query().filter(|query| !query.is_empty()) {
        event.insert("queryStringParameters".into(), json!(parameters(query)));
    }
    let (encoded, body) = body(request);
    if let Some(body) = body {
        event.insert("body".into(), body.into());
    }
    event.insert("isBase64Encoded".into(), encoded.into());
}

/// Returns the path as an HTTP API passes it on: decoded once. Returns `None` if the decoded path is not UTF-8.
pub(super) fn raw_path(uri: &Uri) -> Option<Cow<'_, str>> {
    percent_encoding::percent_decode_str(uri.path()).decode_utf8().ok()
}

fn host(request: &Request<Bytes>) -> Option<String> {
    // The request's target takes precedence over the header (RFC 9112, section 3.2.2).
    let named = match (request.uri().authority(), request.headers().get(header::HOST)) {
        (Some(target), _) => target.as_str(),
        (None, Some(host)) => host.to_str().ok()?,
        (None, None) => HOST,
    };
    // A valid host and port contain none of these characters. In a URL, they would change the meaning of the following
    // text.
    let clean = !named.is_empty() && !named.contains(['/', '\\', '?', '#', '@', '%']);
    clean.then(|| named.to_owned())
}

/// Returns true if host, path and query make a valid URL. `lambda_http` builds it in the same way, and panics if it is
/// invalid.
fn makes_an_address(host: &str, path: &str, query: &str) -> bool {
    let Ok(url) = Url::parse(&format!("http://{host}{path}")) else {
        return false;
    };
    let address = if query.is_empty() { url.into() } else { format!("{url}?{query}") };
    address.parse::<Uri>().is_ok()
}

/// Returns the headers with lower-case names, repeated headers joined by commas, and the headers that the gateway adds.
fn headers(request: &Request<Bytes>, arrival: &ConnectionFacts, host: &str) -> BTreeMap<String, String> {
    let sent = request.headers();
    let forwarded = sent.keys().filter(|name| !NOT_FORWARDED.contains(name));
    let mut headers: BTreeMap<String, String> =
        forwarded.map(|name| (name.to_string(), joined(sent, name))).collect();
    let via = headers.get("x-forwarded-for").map_or_else(String::new, |via| format!("{via}, "));
    let trace = trace_id(arrival);
    let (scheme, usual_port) = match request.extensions().get::<OverTls>() {
        Some(OverTls) => ("https", 443),
        None => ("http", 80),
    };
    let port = host.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(usual_port);
    headers.insert("content-length".into(), request.body().len().to_string());
    headers.insert("host".into(), host.into());
    headers.insert("x-amzn-trace-id".into(), trace);
    headers.insert("x-forwarded-for".into(), format!("{via}{}", arrival.caller.ip()));
    headers.insert("x-forwarded-port".into(), port.to_string());
    headers.insert("x-forwarded-proto".into(), scheme.into());
    headers
}

fn trace_id(arrival: &ConnectionFacts) -> String {
    let id = arrival.id.simple().to_string();
    format!("Root=1-{:08x}-{}", arrival.time.timestamp(), &id[..24])
}

fn joined(headers: &HeaderMap, name: &header::HeaderName) -> String {
    let values: Vec<_> = headers.get_all(name).iter().map(text).collect();
    values.join(",")
}

fn text(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let sent = headers.get_all(header::COOKIE).iter().map(text);
    sent.flat_map(|line| line.split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>())
        .filter(|cookie| !cookie.is_empty())
        .collect()
}

/// Returns the decoded parameters, with repeated ones joined by commas. The event's `rawQueryString` is not decoded.
fn parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::<String, String>::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        parameters
            .entry(name.into_owned())
            .and_modify(|values| *values = format!("{values},{value}"))
            .or_insert_with(|| value.into_owned());
    }
    parameters
}

/// Returns true with a body in base64, or false with a text. API Gateway also encodes HTML forms, because only some
/// types are text to it.
fn body(request: &Request<Bytes>) -> (bool, Option<String>) {
    let bytes = request.body();
    if bytes.is_empty() {
        return (false, None);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if is_text(request.headers()) => (false, Some(text.to_owned())),
        _ => (true, Some(STANDARD.encode(bytes))),
    }
}

fn is_text(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let kind = text(kind).to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/")
        || matches!(kind, "application/json" | "application/javascript" | "application/xml")
}

#[cfg(test)]
mod tests;
