//! The host names for which the server answers.
//!
//! A page of another site can give its own host name the address 127.0.0.1 (DNS rebinding). The browser then treats
//! this server as that site, and lets the page read every answer. The header `Host` of such a request contains the name
//! of that site.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{Response, StatusCode, header};

use super::answer::message;

/// The loopback names, and the names that were added. Clones share the list.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    added: Arc<[String]>,
}

impl Hosts {
    /// Creates the list of loopback names and these names.
    #[must_use]
    pub fn with(added: impl IntoIterator<Item = String>) -> Self {
        Self { added: added.into_iter().map(|name| name.to_ascii_lowercase()).collect() }
    }

    /// Returns the answer to a request for another server; `None` if the request is for this one.
    pub(super) fn refusal(&self, head: &Parts) -> Option<Response<Bytes>> {
        let mut sent = head.headers.get_all(header::HOST).iter();
        let (first, second) = (sent.next(), sent.next());
        let target = head.uri.authority().map(Authority::as_str);
        if second.is_some() || (first.is_none() && target.is_none()) {
            return Some(message(StatusCode::BAD_REQUEST, "The request must have exactly one header Host."));
        }
        let named = first.map(|host| String::from_utf8_lossy(host.as_bytes()));
        let mut named = named.as_deref().into_iter().chain(target);
        named.find(|name| !self.has(name)).map(elsewhere)
    }

    /// Returns true if a host, with or without a port, is in the list.
    fn has(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else {
            return false;
        };
        // No text may come before the name, and only a port may follow it.
        let is_port = |rest: &str| matches!(rest, "" | ":") || authority.port_u16().is_some();
        let is_whole = host.strip_prefix(authority.host()).is_some_and(is_port);
        let name = authority.host().to_ascii_lowercase();
        let is_loopback = matches!(name.as_str(), "localhost" | "[::1]")
            || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
        is_whole && (is_loopback || self.added.contains(&name))
    }
}

/// Returns a 421. Its text is for a person who typed the URL, and for a developer whose proxy sends another host name.
fn elsewhere(host: &str) -> Response<Bytes> {
    let text = format!(
        "This server does not answer for the host {host:?}. Use localhost or 127.0.0.1, or start the server \
         with \
         --host-name and that name."
    );
    message(StatusCode::MISDIRECTED_REQUEST, &text)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn status(hosts: &Hosts, target: &str, sent: &[&str]) -> u16 {
        let request = sent.iter().fold(Request::get(target), |request, host| request.header("host", *host));
        let head = request.body(()).unwrap().into_parts().0;
        hosts.refusal(&head).map_or(200, |response| response.status().as_u16())
    }

    #[test]
    fn loopback_names_and_added_ones_are_answered() {
        let hosts = Hosts::with(["Dev.Example.com".to_owned()]);
        for host in [
            "localhost",
            "LOCALHOST:3000",
            "127.0.0.1",
            "127.0.0.1:3000",
            "127.8.9.1:1",
            "[::1]",
            "[::1]:3000",
            "localhost:",
            "dev.example.com",
            "dev.example.com:8443",
        ] {
            assert_eq!(status(&hosts, "/", &[host]), 200, "{host}");
            assert_eq!(status(&hosts, &format!("http://{host}/"), &[host]), 200, "{host}");
        }
        assert_eq!(status(&hosts, "http://localhost/", &[]), 200);
    }

    #[test]
    fn every_other_name_is_refused() {
        let hosts = Hosts::with(["dev.example.com".to_owned()]);
        for host in [
            "evil.example",
            "evil.example:3000",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.1",
            "2130706433",
            "0.0.0.0",
            "[::]",
            "[::ffff:127.0.0.1]",
            "192.168.0.1",
            "a.dev.example.com",
            "localhost@evil.example",
            "evil.example@localhost",
            "localhost:3000:3000",
            "localhost:port",
            "local host",
            "",
            ":3000",
            "localhost/",
            "localhost#",
        ] {
            assert_eq!(status(&hosts, "/", &[host]), 421, "{host}");
        }
        assert_eq!(status(&hosts, "http://evil.example/", &["localhost"]), 421);
        assert_eq!(status(&hosts, "http://localhost/", &["evil.example"]), 421);
    }

    #[test]
    fn one_host_is_named() {
        assert_eq!(status(&Hosts::default(), "/", &[]), 400);
        assert_eq!(status(&Hosts::default(), "/", &["localhost", "localhost"]), 400);
        assert_eq!(status(&Hosts::default(), "/", &["localhost", "evil.example"]), 400);
    }
}
