//! The address of the client, as the gateway saw it. The header `X-Forwarded-For` is not used: a client can send any
//! value in it.

use std::{
    convert::Infallible,
    fmt,
    net::{IpAddr, Ipv4Addr},
};

use axum::{extract::FromRequestParts, http::request::Parts};
use lambda_http::request::RequestContext;

use crate::{App, model::network::Network};

/// The address of the client; `None` if the gateway gave none, which a gateway on AWS never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(Option<IpAddr>);

impl ClientAddress {
    /// Returns the network of the address. All requests without an address are of one network.
    #[must_use]
    pub fn network(self) -> Network {
        Network::of(self.0.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }

    fn of(context: &RequestContext) -> Self {
        match context {
            RequestContext::ApiGatewayV2(context) => {
                let address = context.http.source_ip.as_deref();
                Self(address.and_then(|address| address.parse().ok()))
            }
            #[allow(unreachable_patterns, reason = "other gateways are features of lambda_http")]
            _ => Self(None),
        }
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("-"),
        }
    }
}

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<RequestContext>().map_or(Self(None), Self::of))
    }
}
