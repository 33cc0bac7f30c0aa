//! As much HTTP/1.1 as the AWS SDK speaks to `DynamoDB`, by hand, because a server framework cannot be told to reset a
//! connection in the middle of an exchange or to fall silent. It knows nothing of what the bodies say.

use std::{future::pending, io, net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// One request as the SDK sent it.
pub struct Request {
    /// The path, without slashes: who asks.
    pub path: String,
    /// The operation's name, behind the dot of `x-amz-target`.
    pub operation: String,
    pub body: Vec<u8>,
}

/// What comes back.
#[derive(Clone)]
pub enum Reply {
    Answer {
        status: u16,
        body: Vec<u8>,
    },
    /// The connection is reset, without an answer.
    Reset,
    /// Nothing comes back, and the connection stays open: the client runs into its time-out.
    Silence,
}

/// Answers requests.
pub trait Answers: Send + Sync + 'static {
    fn answer(self: Arc<Self>, request: Request) -> impl Future<Output = Reply> + Send;
}

/// Serves on a free loopback port until the runtime ends.
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
            // With a linger time of zero, closing sends RST.
            Reply::Reset => return stream.get_ref().set_zero_linger(),
            Reply::Silence => pending().await,
        }
    }
    Ok(())
}

/// The next request; `None` where the client has closed.
async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let (mut path, mut operation, mut length) = (String::new(), String::new(), 0);
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            // The request line has no colon; the empty line ends the head.
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
