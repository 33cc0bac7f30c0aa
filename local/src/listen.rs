//! The port, and the signals that end the process.
//! Loopback only: the process holds demo users whose password is printed.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

use crate::failure::Failure;

pub(crate) async fn on_loopback(port: u16) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => Failure::PortTaken { port },
        _ => Failure::Port { port, source },
    })?;
    let address = listener.local_addr().map_err(|source| Failure::Port { port, source })?;
    Ok((listener, address))
}

/// Resolves at the first Ctrl-C or SIGTERM after this call, also where that came before anybody waited.
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
