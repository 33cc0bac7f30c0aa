//! The command `health`: one request to the process on this machine. It is the health check of a container, whose image
//! has no other HTTP client.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::failure::Failure;

/// The maximum time for the answer. It is longer than the time that the process gives its table.
const PATIENCE: Duration = Duration::from_secs(8);

/// Succeeds if the process answers 200, which means that the process and its table work.
pub(crate) async fn check(port: u16) -> Result<(), Failure> {
    let unhealthy = |reason: String| Failure::Unhealthy { port, reason };
    let line = tokio::time::timeout(PATIENCE, status_line(port)).await;
    let line = line.map_err(|_| unhealthy("it did not answer in time".into()))?;
    let line = line.map_err(|error| unhealthy(error.to_string()))?;
    match line.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(unhealthy(format!("its answer is {:?}", line.trim_end()))),
    }
}

async fn status_line(port: u16) -> io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await?;
    Ok(line)
}
