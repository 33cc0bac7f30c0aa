//! The port that the process listens on, and the signals that end the process. The command line chooses the address;
//! the default is loopback.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpListener;

use crate::failure::Failure;

pub(crate) async fn on(ip: IpAddr, port: u16) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = TcpListener::bind((ip, port)).await;
    let listener = listener.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => Failure::PortTaken { ip, port },
        _ => Failure::Port { ip, port, source },
    })?;
    let address = listener.local_addr().map_err(|source| Failure::Port { ip, port, source })?;
    Ok((listener, address))
}

/// Returns the host name of requests to an address; `None` if the address is that of all interfaces.
pub(crate) fn name(address: SocketAddr) -> Option<String> {
    match address.ip() {
        ip if ip.is_unspecified() => None,
        IpAddr::V4(ip) => Some(ip.to_string()),
        IpAddr::V6(ip) => Some(format!("[{ip}]")),
    }
}

/// Resolves at the first Ctrl-C or SIGTERM after this call, even if the signal arrives before the future is polled.
#[cfg(unix)]
pub(crate) fn until_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
pub(crate) fn until_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
