//! The API as tests reach it: in process through the local gateway, or over the network. It sends requests as they are
//! built and compares each answer with the OpenAPI document.
//!
//! ```rust
//! let answer = app.get("/api/users/me/").bearer(&ann.token).header("accept", "text/html").send().await;
//! ```

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, Method},
};
use local::gateway::{Gateway, OverTls};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::{answer::Answer, description, environment};

/// The maximum number of requests that one test has in flight; further requests wait. It is enough for a race.
const AT_ONCE: usize = 20;
/// The maximum for another engine or over the network. `DynamoDB` Local answers from one core: on a busy machine, a
/// hundred parallel requests time out.
const AT_ONCE_ELSEWHERE: usize = 8;

/// The API under test. Cheap to clone; clones share the limit of parallel requests.
#[derive(Clone)]
pub struct Api {
    way: Arc<Way>,
    turns: Arc<Semaphore>,
    /// The address of the client; `None` for the loopback address. An API over the network ignores it.
    client: Option<IpAddr>,
}

enum Way {
    Gateway { gateway: Gateway, https: bool },
    Network { address: String, http: reqwest::Client },
}

impl Api {
    pub fn in_process(gateway: Gateway) -> Self {
        Self::by(Way::Gateway { gateway, https: false })
    }

    /// Returns the same gateway, reached by https as on AWS.
    pub fn over_https(&self) -> Self {
        let Way::Gateway { gateway, .. } = &*self.way else {
            panic!("the scheme of an API over the network is a part of its address")
        };
        Self::by(Way::Gateway { gateway: gateway.clone(), https: true })
    }

    pub fn over_network(address: &str) -> Self {
        Self::by(Way::Network {
            address: address.to_owned(),
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(std::time::Duration::from_secs(40))
                .build()
                .unwrap(),
        })
    }

    fn by(way: Way) -> Self {
        let elsewhere = environment::dynamodb().is_some() || matches!(way, Way::Network { .. });
        let at_once = if elsewhere { AT_ONCE_ELSEWHERE } else { AT_ONCE };
        Self { way: Arc::new(way), turns: Arc::new(Semaphore::new(at_once)), client: None }
    }

    /// Returns the same API, reached by a client with this address.
    pub fn client_at(&self, address: &str) -> Self {
        Self { client: Some(address.parse().unwrap()), ..self.clone() }
    }

    /// Begins a request. `path` is a path, or a URL that the API returned.
    pub fn request(&self, method: Method, path: &str) -> Request {
        Request {
            api: self.clone(),
            method,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Vec::new(),
        }
    }

    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    async fn exchange(&self, request: Request) -> Answer {
        let asked = format!("{} {}", request.method, request.path);
        let _turn = self.turns.acquire().await.unwrap();
        match &*self.way {
            Way::Gateway { gateway, https } => {
                let mut inner = axum::http::Request::new(Bytes::from(request.body));
                *inner.method_mut() = request.method;
                *inner.uri_mut() = without_origin(&request.path).parse().unwrap();
                *inner.headers_mut() = request.headers;
                inner.headers_mut().entry("host").or_insert(HeaderValue::from_static("api.test"));
                if let Some(client) = request.api.client {
                    inner.extensions_mut().insert(SocketAddr::from((client, 0)));
                }
                if *https {
                    inner.extensions_mut().insert(OverTls);
                }
                let answer = gateway.handle(inner).await;
                Answer {
                    status: answer.status().as_u16(),
                    headers: answer.headers().clone(),
                    body: answer.body().to_vec(),
                    asked,
                }
            }
            Way::Network { address, http } => {
                let url = format!("{address}{}", without_origin(&request.path));
                let sent = http.request(request.method, url).headers(request.headers).body(request.body);
                let answer = sent.send().await.unwrap();
                Answer {
                    status: answer.status().as_u16(),
                    headers: answer.headers().clone(),
                    body: answer.bytes().await.unwrap().to_vec(),
                    asked,
                }
            }
        }
    }
}

/// Returns the path and the query of a URL.
fn without_origin(link: &str) -> &str {
    let Some((_, rest)) = link.split_once("://") else {
        return link;
    };
    rest.find('/').map_or("/", |slash| &rest[slash..])
}

/// A request that is not sent yet.
#[derive(Clone)]
pub struct Request {
    api: Api,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Request {
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Adds a header. Earlier headers of the same name stay.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.header_bytes(name, value.as_bytes())
    }

    pub fn header_bytes(mut self, name: &str, value: &[u8]) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.headers.append(name, HeaderValue::from_bytes(value).unwrap());
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string().as_bytes())
    }

    pub fn form(self, body: &str) -> Self {
        self.raw("application/x-www-form-urlencoded", body.as_bytes())
    }

    /// Sets the body and the header `Content-Type`.
    pub fn raw(mut self, content_type: &str, body: &[u8]) -> Self {
        self.headers.remove("content-type");
        self.body = body.to_vec();
        self.header("content-type", content_type)
    }

    pub async fn send(self) -> Answer {
        let (api, method, path) = (self.api.clone(), self.method.clone(), self.path.clone());
        let answer = api.exchange(self).await;
        // An API at `API_URL` may be of another version than the checked-in OpenAPI document.
        if environment::api_url().is_none() {
            description::check(&method, without_origin(&path), &answer);
        }
        answer
    }
}
