//! The calls to DynamoDB that reading a stream needs: to the engine in this process, or to an engine at an address. They
//! are plain JSON, because the SDK for streams would be another crate. An engine accepts any signature.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{Request, header};
use futures::future::{BoxFuture, ready};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use shared::store::{Answer, Engine};

use crate::engine::records;

/// A header with invented credentials, whose form the engines check.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
                             SignedHeaders=host;x-amz-date;x-amz-target, Signature=00";

/// The reason why a call has failed.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct DynamoError {
    /// The name of the error, for example `TrimmedDataAccessException`; `Unreachable` if there was no answer.
    pub code: String,
    message: String,
}

impl DynamoError {
    fn unreachable(reason: impl fmt::Display) -> Self {
        Self { code: "Unreachable".into(), message: reason.to_string() }
    }

    pub(super) fn of(body: &Value) -> Self {
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let code = text("__type").rsplit('#').next().unwrap_or_default().to_owned();
        Self { code, message: format!("{}{}", text("message"), text("Message")) }
    }
}

/// DynamoDB, or an engine that is compatible with it.
pub trait Dynamo: fmt::Debug + Send + Sync {
    /// Runs an operation on the table or its stream.
    fn call(&self, operation: &'static str, body: Value) -> BoxFuture<'_, Result<Value, DynamoError>>;

    /// Deletes records of the table that are older than a day, up to a sequence number, or all of them if the stream was
    /// never read. Returns their number. DynamoDB does this by itself.
    fn trim<'a>(
        &'a self,
        _table: &'a str,
        _through: Option<String>,
    ) -> BoxFuture<'a, Result<usize, DynamoError>> {
        Box::pin(ready(Ok(0)))
    }
}

/// The engine in this process.
#[derive(Debug, Clone)]
pub struct Embedded {
    engine: Arc<dyn Engine>,
    file: PathBuf,
}

impl Embedded {
    pub(crate) fn new(engine: Arc<dyn Engine>, file: PathBuf) -> Self {
        Self { engine, file }
    }
}

impl Dynamo for Embedded {
    fn call(&self, operation: &'static str, body: Value) -> BoxFuture<'_, Result<Value, DynamoError>> {
        Box::pin(async move {
            let answer = self.engine.run(operation.to_owned(), body.to_string().into_bytes()).await;
            let Some(Answer::Json { status, body }) = answer else {
                return Err(DynamoError::unreachable("the engine has stopped"));
            };
            let body = serde_json::from_str(&body).map_err(DynamoError::unreachable)?;
            if status == 200 { Ok(body) } else { Err(DynamoError::of(&body)) }
        })
    }

    fn trim<'a>(
        &'a self,
        table: &'a str,
        through: Option<String>,
    ) -> BoxFuture<'a, Result<usize, DynamoError>> {
        let (file, table) = (self.file.clone(), table.to_owned());
        Box::pin(async move {
            let deleting =
                tokio::task::spawn_blocking(move || records::delete_old(&file, &table, through.as_deref()));
            let deleted = deleting.await.map_err(DynamoError::unreachable)?;
            deleted.map_err(DynamoError::unreachable)
        })
    }
}

/// An engine at an unencrypted address, such as DynamoDB Local.
#[derive(Debug, Clone)]
pub struct OverHttp {
    address: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl OverHttp {
    /// Creates a client for an engine at an address such as `http://127.0.0.1:8000`. Sends no request.
    #[must_use]
    pub fn new(address: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { address: address.trim_end_matches('/').to_owned(), client }
    }

    async fn send(&self, operation: &str, body: Value) -> Result<Value, DynamoError> {
        let service = match operation {
            "DescribeTable" => "DynamoDB_20120810",
            _ => "DynamoDBStreams_20120810",
        };
        let request = Request::post(format!("{}/", self.address))
            .header(header::CONTENT_TYPE, "application/x-amz-json-1.0")
            .header("x-amz-target", format!("{service}.{operation}"))
            .header("x-amz-date", "20260101T000000Z")
            .header(header::AUTHORIZATION, AUTHORIZATION)
            .body(Full::from(body.to_string()))
            .map_err(DynamoError::unreachable)?;
        let response = self.client.request(request).await.map_err(DynamoError::unreachable)?;
        let is_success = response.status().is_success();
        let body = response.into_body().collect().await.map_err(DynamoError::unreachable)?.to_bytes();
        let body = serde_json::from_slice(&body).map_err(DynamoError::unreachable)?;
        if is_success { Ok(body) } else { Err(DynamoError::of(&body)) }
    }
}

impl Dynamo for OverHttp {
    fn call(&self, operation: &'static str, body: Value) -> BoxFuture<'_, Result<Value, DynamoError>> {
        Box::pin(self.send(operation, body))
    }
}
