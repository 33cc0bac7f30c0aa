//! The call of SQS that functions make, `SendMessage`, for functions in other processes
//! (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>). The last part of a
//! queue's URL is its name. It checks no signature, but requires one, as the `@connections` API.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use shared::realtime::Queue;

const SEND: &str = "AmazonSQS.SendMessage";
const TARGET: &str = "x-amz-target";

/// Queues by their names. Clones share them.
#[derive(Debug, Clone)]
pub struct QueueService(Arc<[(&'static str, Arc<dyn Queue>)]>);

impl QueueService {
    /// Creates a service with these queues.
    #[must_use]
    pub fn new(queues: impl IntoIterator<Item = (&'static str, Arc<dyn Queue>)>) -> Self {
        Self(queues.into_iter().collect())
    }

    /// Returns true if a request is for this service.
    pub(crate) fn is_for_queues(request: &Request<Bytes>) -> bool {
        let target = request.headers().get(TARGET);
        target.is_some_and(|target| target.as_bytes().starts_with(b"AmazonSQS."))
    }

    /// Answers a request.
    pub(crate) async fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        if !request.headers().contains_key(header::AUTHORIZATION) {
            return response(StatusCode::FORBIDDEN, &json!({ "__type": "MissingAuthenticationToken" }));
        }
        if request.headers().get(TARGET).is_none_or(|target| target != SEND) {
            return refusal("UnsupportedOperation");
        }
        let message: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let url = message["QueueUrl"].as_str().unwrap_or_default();
        let name = url.rsplit('/').next().unwrap_or_default();
        let Some((_, queue)) = self.0.iter().find(|(queue, _)| *queue == name) else {
            return refusal("QueueDoesNotExist");
        };
        let Some(body) = message["MessageBody"].as_str() else {
            return refusal("MissingParameter");
        };
        match queue.send(body.to_owned()).await {
            Ok(()) => response(StatusCode::OK, &json!({ "MessageId": name })),
            Err(error) => {
                tracing::error!(%error, queue = name, "a message could not be kept");
                response(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "__type": "InternalError" }))
            }
        }
    }
}

fn refusal(code: &str) -> Response<Bytes> {
    response(StatusCode::BAD_REQUEST, &json!({ "__type": format!("com.amazonaws.sqs#{code}") }))
}

fn response(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
