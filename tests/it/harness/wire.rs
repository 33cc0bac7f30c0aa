//! The part of HTTP/1.1 that the AWS SDK uses, implemented directly on TCP. A server framework cannot reset a
//! connection during an exchange or leave a request without an answer. This file does not interpret the bodies.

use std::{future::pending, io, net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// A request of the SDK.
pub struct Request {
    /// The path without slashes: the name of the function that makes the call.
    pub path: String,
    /// The name of the operation, after the dot of `x-amz-target`.
    pub operation: String,
    pub body: Vec<u8>,
}

/// The reply to a request.
#[derive(Clone)]
pub enum Reply {
    Answer {
        status: u16,
        body: Vec<u8>,
    },
    /// The connection is reset, without an answer.
    Reset,
    /// No answer. The connection stays open until the client reaches its time limit.
    Silence,
}

/// A service that answers the requests of the SDK.
pub trait Answers: Send + Sync + 'static {
    fn answer(self: Arc<Self>, request: Request) -> impl Future<Output = Reply> + Send;
}

/// Serves on a free loopback port until the runtime ends. Returns the address.
pub async fn serve(answers: Arc<impl Answers>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream, answers.clone()));
        }
    });
    address
}

async fn connection(stream: TcpStream, answers: Arc<impl Answers>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await? {
        match answers.clone().answer(request).await {
            Reply::Answer { status, body } => write(stream.get_mut(), status, &body).await?,
            // With a linger time of zero, closing the connection sends RST.
            Reply::Reset => return stream.get_ref().set_zero_linger(),
            Reply::Silence => pending().await,
        }
    }
    Ok(())
}

/// Reads the next request; `None` if the client has closed the connection.
async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let (mut path, mut operation, mut length) = (String::new(), String::new(), 0);
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            // The request line has no colon. The empty line ends the head.
            let Some(target) = line.split_whitespace().nth(1) else {
                break;
            };
            target.trim_matches('/').clone_into(&mut path);
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().map_err(io::Error::other)?,
            "x-amz-target" => operation = value.rsplit('.').next().unwrap_or_default().to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(Request { path, operation, body }))
}

async fn write(stream: &mut TcpStream, status: u16, body: &[u8]) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} .\r\ncontent-type: application/x-amz-json-1.0\r\nx-amzn-requestid: proxy\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).await?;
    stream.flush().await
}
