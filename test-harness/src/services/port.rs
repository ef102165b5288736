//! A port that can be closed and opened again, and that no other process gets by chance in the meantime.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};

use crate::clock::Deadline;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// The port. It closes, and connections to it end, when it is dropped.
pub(crate) struct Port {
    address: SocketAddr,
    /// Bound and never listening: while nothing else listens, connections are refused and the port stays ours.
    _reserved: TcpSocket,
    runtime: Handle,
    listening: Option<JoinHandle<()>>,
}

impl Port {
    /// Takes a port, closed as yet. It is served by the runtime that this is called in.
    pub(crate) fn reserve(address: SocketAddr) -> io::Result<Self> {
        let reserved = bound(address)?;
        Ok(Self { address: reserved.local_addr()?, _reserved: reserved, runtime: Handle::current(), listening: None })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands each connection to `serve` from now on, and no longer to what was before.
    pub(crate) fn open<F>(&mut self, serve: impl Fn(TcpStream) -> F + Send + 'static) -> io::Result<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.close();
        let _entered = self.runtime.enter();
        let listener = bound(self.address)?.listen(BACKLOG)?;
        self.listening = Some(tokio::spawn(accept(listener, serve)));
        Ok(())
    }

    /// Ends all connections and refuses new ones.
    pub(crate) fn close(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
            let _closed = Deadline::after(Duration::from_secs(5)).poll(|| listening.is_finished().then_some(()));
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        if let Some(listening) = &self.listening {
            listening.abort();
        }
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Two sockets may be bound to one port so, as long as no other listens there.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// The connections belong to this future: they end with it.
async fn accept<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream));
        while connections.try_join_next().is_some() {}
    }
}
