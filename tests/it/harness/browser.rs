//! A browser as the API sees it: it keeps cookies, requests pages and posts forms. It runs no script and does not
//! follow redirects.
//!
//! ```rust
//! let browser = Browser::of(&ann).await;
//! let page = browser.get("/api/users/me/").await.expect(200).text();
//! ```

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::http::Method;

use super::{
    answer::Answer,
    api::{Api, Request},
    people::PASSWORD,
    user::User,
};

/// The header `Accept` that Chromium sends when a user follows a link.
pub const ACCEPT: &str =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

/// A browser. Cheap to clone; clones share their cookies.
#[derive(Clone)]
pub struct Browser {
    pub api: Api,
    jar: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Browser {
    pub fn new(api: Api) -> Self {
        Self { api, jar: Arc::default() }
    }

    /// Returns the same browser, connected to another process.
    pub fn through(&self, api: Api) -> Self {
        Self { api, jar: self.jar.clone() }
    }

    /// Returns a browser in which the user is logged in with the login form.
    pub async fn of(user: &User) -> Self {
        let browser = Self::new(user.api.clone());
        browser.log_in(&user.email, PASSWORD, "/api/").await.expect(303);
        browser
    }

    /// Requests the login form and posts it with its CSRF token.
    pub async fn log_in(&self, email: &str, password: &str, next: &str) -> Answer {
        self.get("/api-auth/login/").await.expect(200);
        let token = self.csrf();
        let fields =
            [("username", email), ("password", password), ("next", next), ("csrfmiddlewaretoken", &token)];
        self.post("/api-auth/login/", &fields).await
    }

    pub async fn log_out(&self) -> Answer {
        let token = self.csrf();
        self.post("/api-auth/logout/", &[("csrfmiddlewaretoken", &token)]).await
    }

    /// Returns the value of a cookie; `None` if the browser has no such cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar.lock().unwrap().get(name).cloned()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.jar.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    /// Returns the CSRF token from its cookie; empty if there is none.
    pub fn csrf(&self) -> String {
        self.cookie("csrftoken").unwrap_or_default()
    }

    /// Begins a request with the cookies. The caller adds the headers of a page or of a script.
    pub fn request(&self, method: Method, path: &str) -> Request {
        let jar = self.jar.lock().unwrap();
        let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.api.request(method, path);
        if cookies.is_empty() { request } else { request.header("cookie", &cookies.join("; ")) }
    }

    /// Requests a page, with the `Accept` header of a browser.
    pub async fn get(&self, path: &str) -> Answer {
        let request = self.request(Method::GET, path).header("accept", ACCEPT);
        self.keep(request.send().await)
    }

    /// Requests JSON, as a script on a page does.
    pub async fn json(&self, path: &str) -> Answer {
        self.keep(self.request(Method::GET, path).header("accept", "application/json").send().await)
    }

    /// Posts a form.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, path).header("accept", ACCEPT).form(&encoded(fields));
        self.keep(request.send().await)
    }

    /// Sends a form with another method, as the script of a page does.
    pub async fn script(&self, method: Method, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request =
            self.request(method, path).header("accept", "text/html").header("x-csrftoken", &self.csrf());
        self.keep(request.form(&encoded(fields)).send().await)
    }

    /// Stores the cookies of an answer and returns the answer.
    pub fn keep(&self, answer: Answer) -> Answer {
        let mut jar = self.jar.lock().unwrap();
        for line in set_cookies(&answer) {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        drop(jar);
        answer
    }
}

/// Returns the values of `Set-Cookie` of an answer.
pub fn set_cookies(answer: &Answer) -> Vec<String> {
    answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

/// Returns the fields as `application/x-www-form-urlencoded`.
pub fn encoded(fields: &[(&str, &str)]) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    let text = |text: &str| text.bytes().map(byte).collect::<String>();
    fields.iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect::<Vec<_>>().join("&")
}
