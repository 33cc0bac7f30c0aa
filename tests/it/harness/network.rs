//! The black box: the API over the network, at `API_URL` or from the local server, started in this process on a table in
//! memory. Nothing is known of it but its address, so users register as users do.

use local::gateway::{self, Hosts};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{api::Api, app::TestApp, environment, people::PASSWORD, user::User};

/// An API that is only known by its address.
pub struct BlackBox {
    pub api: Api,
    /// Scheme, host and port.
    pub address: String,
    /// Runs while the test does; `None` where the API was there before.
    pub app: Option<TestApp>,
}

impl BlackBox {
    pub async fn start() -> Self {
        if let Some(address) = environment::api_url() {
            return Self { api: Api::over_network(&address), address, app: None };
        }
        let app = TestApp::new().await;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let gateway = app.gateway().await;
        tokio::spawn(gateway::serve(listener, gateway, Hosts::default(), std::future::pending()));
        Self { api: Api::over_network(&address), address, app: Some(app) }
    }

    /// Sends a request byte for byte, as no client library does, and returns the status and the whole answer.
    pub async fn raw(&self, method: &str, target: &str, headers: &str) -> (u16, String) {
        let host = self.address.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).await.unwrap();
        let head =
            format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or_else(|| panic!("{method} {target}: {answer:?}")), answer)
    }

    /// Registers and logs in.
    pub async fn user(&self, name: &str) -> User {
        let email = unique_email(name);
        let body = json!({
            "email": email, "password": PASSWORD, "first_name": name, "last_name": "Tester",
        });
        let user = self.api.post("/api/users/").json(&body).send().await.created();
        let login = json!({ "email": email, "password": PASSWORD });
        let tokens = self.api.post("/api/token/").json(&login).send().await.ok();
        let id = user["user_id"].as_str().unwrap();
        User::new(self.api.clone(), name, id, &email, tokens["access"].as_str().unwrap())
    }
}

/// An address that nobody had in an earlier run either.
pub fn unique_email(name: &str) -> String {
    let random = shared::random::Random::from_system().uuid().simple();
    format!("{}.{random}@example.com", name.to_lowercase())
}
