//! Converts a function's answer to an HTTP response. The answer goes through its JSON, as between Lambda and API
//! Gateway, because some data does not survive it: for example a repeated header other than `set-cookie`.

use axum::body::Bytes;
use axum::http::{HeaderValue, Response, StatusCode, header};
use base64::DecodeError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_http::Body;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use serde::Serialize;

/// The reason why a function's answer is invalid.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    #[error("it cannot be converted to JSON and back: {0}")]
    Json(#[from] serde_json::Error),
    #[error("its status is {0}")]
    Status(i64),
    #[error("its body is not base64: {0}")]
    Body(#[from] DecodeError),
}

/// A valid answer of a function.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    body: Bytes,
    rest: ApiGatewayV2httpResponse,
}

impl Answer {
    pub(super) fn read(response: &impl Serialize) -> Result<Self, NoAnswer> {
        let mut rest: ApiGatewayV2httpResponse = serde_json::from_value(serde_json::to_value(response)?)?;
        let status =
            u16::try_from(rest.status_code).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.ok_or(NoAnswer::Status(rest.status_code))?;
        let body = rest.body.take().unwrap_or_default();
        let body = if rest.is_base64_encoded { STANDARD.decode(body.as_ref())?.into() } else { raw(body) };
        Ok(Self { status, body, rest })
    }

    pub(super) fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.rest.headers;
        let cookies = self.rest.cookies.iter().filter_map(|cookie| HeaderValue::from_str(cookie).ok());
        for cookie in cookies {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

fn raw(body: Body) -> Bytes {
    match body {
        Body::Text(text) => text.into(),
        Body::Binary(bytes) => bytes.into(),
        _ => Bytes::new(),
    }
}

/// Returns an answer of the gateway itself, in the format of API Gateway.
pub(super) fn message(status: StatusCode, text: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(serde_json::json!({ "message": text }).to_string()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
