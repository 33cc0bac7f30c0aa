//! The process under test, and an HTTP client that needs only a socket. It waits for the output and the end of the
//! process, never for a fixed time.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use serde_json::{Value, json};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.args(arguments).env("RUST_LOG", "error");
    let ours =
        ["TABLE_NAME", "SIGNING_SEED_FILE", "LOCAL_DATA", "LOCAL_HOST_NAME", "LOCAL_LISTEN", "LOCAL_PORT"];
    for ours in ours {
        command.env_remove(ours);
    }
    command
}

/// A server on a free port. It stops when it is dropped.
pub struct Server {
    pub address: String,
    welcome: String,
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts the server and reads its whole welcome.
    pub fn start(options: &[&str]) -> Self {
        Self::of(&mut command(options))
    }

    /// Starts the server with a variable in its environment.
    pub fn start_with(name: &str, value: &Path, options: &[&str]) -> Self {
        Self::of(command(options).env(name, value))
    }

    /// Starts the server with its temporary files in `folder`.
    pub fn start_in(folder: &Path, options: &[&str]) -> Self {
        Self::of(command(options).env("TMPDIR", folder))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command.args(["--port", "0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut welcome = String::new();
        // The last line of both welcomes is a command that ends in `echo`.
        while !welcome.ends_with("; echo\n\n") {
            assert_ne!(stdout.read_line(&mut welcome).unwrap(), 0, "it ended after: {welcome}");
        }
        let address = welcome.split("http://").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        Self { address, welcome, child, stdout }
    }

    /// Returns the commands that the welcome tells users to paste.
    pub fn session(&self) -> &str {
        let start = self.welcome.find("API=").unwrap();
        &self.welcome[start..]
    }

    /// Sends a signal, and returns the exit status and the output after it.
    pub fn stop(mut self, name: &str) -> (ExitStatus, String) {
        signal(&self.child, name);
        let status = self.child.wait().unwrap();
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (status, rest)
    }
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-s", name, &pid]).status().unwrap();
    assert!(sent.success());
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process is not killed, because its temporary folder would stay. After `stop`, there is no process to
        // signal.
        if let Ok(None) = self.child.try_wait() {
            signal(&self.child, "TERM");
            let _ = self.child.wait();
        }
    }
}

/// The result of a command that has ended.
pub struct Ended(Output);

pub fn run(arguments: &[&str]) -> Ended {
    run_with_input(arguments, "")
}

pub fn run_with_input(arguments: &[&str], input: &str) -> Ended {
    let piped = |command: &mut Command| {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
    };
    let mut child = piped(&mut command(arguments)).unwrap();
    // The command may have ended without reading its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Ended(child.wait_with_output().unwrap())
}

impl Ended {
    pub fn success(self) {
        assert!(self.0.status.success(), "{}", String::from_utf8_lossy(&self.0.stderr));
    }

    /// Returns the output of a command that succeeded.
    pub fn output(self) -> String {
        let output = String::from_utf8(self.0.stdout.clone()).unwrap();
        self.success();
        output
    }

    /// Returns the line with which the command failed.
    pub fn failure(self) -> String {
        let line = String::from_utf8(self.0.stderr).unwrap();
        assert_eq!(self.0.status.code(), Some(1), "{line}");
        assert!(line.starts_with("error: ") && line.matches('\n').count() == 1, "{line}");
        line
    }
}

/// The status and the body of an answer.
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// Sends one request on its own connection; `uri` may be a whole URL, like the links in pages.
pub fn http(address: &str, method: &str, uri: &str, token: Option<&str>, body: &str) -> Answer {
    let path = uri.strip_prefix("http://").map_or(uri, |rest| &rest[rest.find('/').unwrap()..]);
    let authorization = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
    let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{authorization}{kind}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = exchange(address, &request);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Answer { status: head.split(' ').nth(1).unwrap().parse().unwrap(), body: body.to_owned() }
}

/// Sends these bytes, and returns all bytes that come back.
pub fn exchange(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

pub fn json_of(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// Logs in, and returns an access token.
pub fn log_in(address: &str, email: &str, password: &str) -> String {
    let login = json!({ "email": email, "password": password }).to_string();
    let tokens = json_of(&http(address, "POST", "/api/token/", None, &login), 200);
    tokens["access"].as_str().unwrap().to_owned()
}

/// Runs commands as a shell does and returns their output. Fails if one of them fails.
pub fn paste(commands: &str) -> String {
    let pasted = Command::new("bash").args(["-euo", "pipefail", "-c", commands]).output().unwrap();
    let answer = String::from_utf8(pasted.stdout).unwrap();
    assert!(pasted.status.success(), "{answer}\n{}", String::from_utf8_lossy(&pasted.stderr));
    answer
}
