//! The address of the client, as the gateway saw it. The header `X-Forwarded-For` is not used: a client can send any
//! value in it.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr},
};

use axum::{extract::FromRequestParts, http::request::Parts};
use lambda_http::request::RequestContext;

use crate::App;

/// The address of the client; `0.0.0.0` if the gateway gave none, which a gateway on AWS never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    pub(super) fn of_parts(parts: &Parts) -> Self {
        Self::of(parts.extensions.get::<RequestContext>())
    }

    fn of(context: Option<&RequestContext>) -> Self {
        let address = match context {
            Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref(),
            #[allow(unreachable_patterns, reason = "other gateways are features of lambda_http")]
            _ => None,
        };
        let address = address.and_then(|address| address.parse().ok());
        Self(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }
}

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self::of_parts(parts))
    }
}
