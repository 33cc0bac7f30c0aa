//! The entry of every function on AWS Lambda: it takes the events of API Gateway and returns the router's answers. It knows
//! no routes. Events of WebSocket connections and of event sources are in [`sockets`].

pub mod sockets;

use axum::{
    Router,
    extract::Request,
    http::{Uri, header},
    middleware::{self, Next},
    response::Response,
};
pub use lambda_http::Error;
use lambda_http::{
    Adapter, LambdaEvent, Service, aws_lambda_events::apigw::ApiGatewayV2httpRequest, lambda_runtime,
    request::LambdaRequest,
};
use url::Url;

pub use self::sockets::{run_events, run_with_sockets};
use crate::http::{Code, Problem};

/// Answers the events of Lambda with `router` until the process ends.
pub async fn run(router: Router) -> Result<(), Error> {
    lambda_runtime::run(Events(router)).await
}

/// The service that answers events with a router. An event whose address is not valid gets a 400: `lambda_http` panics
/// for it, and API Gateway then answers 500.
#[derive(Debug, Clone)]
pub struct Events(pub Router);

type Answering = Adapter<'static, Response, Router>;

impl Service<LambdaEvent<LambdaRequest>> for Events {
    type Response = <Answering as Service<LambdaEvent<LambdaRequest>>>::Response;
    type Error = <Answering as Service<LambdaEvent<LambdaRequest>>>::Error;
    type Future = <Answering as Service<LambdaEvent<LambdaRequest>>>::Future;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        // A router is always ready.
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut event: LambdaEvent<LambdaRequest>) -> Self::Future {
        let mut router = self.0.clone();
        if let LambdaRequest::ApiGatewayV2(request) = &mut event.payload
            && !has_valid_address(request)
        {
            remove_address(request);
            router = router.layer(middleware::from_fn(refuse));
        }
        Answering::from(router).call(event)
    }
}

/// Returns true if scheme, host, path and query make a valid URL. `lambda_http` makes it in the same way.
fn has_valid_address(request: &ApiGatewayV2httpRequest) -> bool {
    let text = |name| request.headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = text("x-forwarded-proto").unwrap_or("https");
    let host = text(header::HOST.as_str()).or(request.request_context.domain_name.as_deref());
    let path = request.raw_path.as_deref().unwrap_or_default();
    let Ok(url) = Url::parse(&format!("{scheme}://{}{path}", host.unwrap_or("localhost"))) else {
        return false;
    };
    let address = match request.raw_query_string.as_deref() {
        None | Some("") => url.into(),
        Some(query) => format!("{url}?{query}"),
    };
    address.parse::<Uri>().is_ok()
}

/// Removes scheme, host, path and query from an event.
fn remove_address(request: &mut ApiGatewayV2httpRequest) {
    request.headers.remove(header::HOST);
    request.request_context.domain_name = None;
    request.raw_path = None;
    request.raw_query_string = None;
}

/// Adds the problem that the router answers with.
async fn refuse(mut request: Request, next: Next) -> Response {
    let detail = "The host, path and query of the request are not a valid URL. Check the header `Host`.";
    request.extensions_mut().insert(Problem::new(Code::InvalidRequest, detail));
    next.run(request).await
}
