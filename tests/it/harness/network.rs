//! The black box: the API over the network, at `API_URL` or at a local server of this process. The tests know only its
//! address, so they register users through the API.
//!
//! ```rust
//! let black_box = BlackBox::start().await;
//! let ann = black_box.user("Ann").await;
//! ```

use local::gateway::{self, Hosts};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{api::Api, app::TestApp, environment, people::PASSWORD, user::User};

/// An API that tests know only by its address.
pub struct BlackBox {
    pub api: Api,
    /// The scheme, the host and the port.
    pub address: String,
    /// The application behind the local server; `None` if the API at `API_URL` is used.
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

    /// Sends a request byte for byte, as client libraries do not. Returns the status and the whole answer.
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

    /// Registers a user and logs the user in.
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

/// Returns an email address that no earlier run has used.
pub fn unique_email(name: &str) -> String {
    let random = shared::random::Random::from_system().uuid().simple();
    format!("{}.{random}@example.com", name.to_lowercase())
}
