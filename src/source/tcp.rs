//! Events over TCP: a server to which clients send records, encrypted or not. Each connection is a
//! partition of the stream.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tracing::warn;

use crate::tls;

use super::server::{Door, Listener, Peer, Records, serve};
use super::together::Turn;
use super::{Inlet, Running, Source, only};

/// Connections that the system has accepted and the service not yet.
const BACKLOG: u32 = 1024;

/// What a TCP source is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen, as `host:port`; port 0 takes a free one.
    pub listen: String,
    /// Most connections at a time; what comes beyond is closed at once.
    pub max_connections: usize,
    /// A connection that is silent for this long is closed.
    pub read_timeout: Option<Duration>,
    /// How connections are encrypted, if they are.
    pub tls: Option<tls::ServerSettings>,
    /// Whether clients are told how many of their records have been accepted.
    pub ack: bool,
}

/// A server that has its address and does not accept yet.
pub struct Server {
    listener: TcpListener,
    door: Door,
    read_timeout: Option<Duration>,
    ack: bool,
}

/// A server cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot listen.
    #[error("cannot listen at {address}: {error}{}", advice(error))]
    Listen {
        /// Where.
        address: String,
        /// Why.
        error: io::Error,
    },
    /// It cannot speak TLS.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
}

/// What to do about an address that cannot be taken.
pub(super) fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; another program, or another tripline, listens there already",
        io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege",
        _ => "",
    }
}

impl Server {
    /// Reads the files for TLS and takes the address.
    ///
    /// # Errors
    /// When TLS cannot be spoken with these files; when the address cannot be found or taken.
    pub async fn bind(settings: &Settings) -> Result<Server, OpenError> {
        let tls = settings.tls.as_ref().map(tls::Acceptor::new).transpose()?;
        let listener = listen(&settings.listen).await?;
        let door = Door { max_connections: settings.max_connections, tls };
        Ok(Server { listener, door, read_timeout: settings.read_timeout, ack: settings.ack })
    }
}

impl Server {
    /// The address that it has.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Source for Server {
    fn announce(&self, inlets: &[Inlet]) {
        match self.address() {
            Ok(address) => super::announce(inlets, "listening", &address),
            Err(error) => warn!(%error, "the system does not say which address it gave"),
        }
    }

    fn run(self: Box<Self>, inlets: Vec<Inlet>, turn: Turn) -> Running {
        let inlet = only(inlets);
        let records = Records { inlet: inlet.clone(), read_timeout: self.read_timeout, ack: self.ack };
        Box::pin(async move {
            turn.wait().await;
            serve(self.listener, self.door, inlet, records).await;
        })
    }
}

impl Listener for TcpListener {
    type Connection = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, peer) = TcpListener::accept(self).await?;
        // What is ever written, a handshake or an answer, is whole and waited for.
        let _ = stream.set_nodelay(true);
        Ok((stream, Peer(peer.to_string())))
    }
}

/// Listens at an address, written as `host:port`.
pub(super) async fn listen(address: &str) -> Result<TcpListener, OpenError> {
    let listener = at_first(address, listen_at).await;
    listener.map_err(|error| OpenError::Listen { address: address.to_owned(), error })
}

/// Takes the first address of a name that can be had.
pub(super) async fn at_first<T>(address: &str, take: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host(address).await? {
        match take(address) {
            Ok(taken) => return Ok(taken),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait until the system has forgotten the old connections.
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit it.
    keep_alive(&SockRef::from(&socket))?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Lets the system ask the other side now and then whether it is still there: one that vanished
/// without a word must not hold event time back for ever. It is noticed within two minutes.
pub(super) fn keep_alive(socket: &SockRef<'_>) -> io::Result<()> {
    let probes = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(10))
        .with_retries(6);
    socket.set_tcp_keepalive(&probes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_system_asks_after_clients_that_are_silent() {
        let settings = Settings {
            listen: "localhost:0".into(),
            max_connections: 1,
            read_timeout: None,
            tls: None,
            ack: false,
        };
        let server = Server::bind(&settings).await.expect("a free port");
        let address = server.listener.local_addr().expect("it is bound");
        let client = TcpStream::connect(address).await.expect("it listens");
        let (stream, peer) = Listener::accept(&server.listener).await.expect("a client");
        assert_eq!(peer.to_string(), client.local_addr().expect("it is bound").to_string());
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().expect("a socket"));
        assert_eq!(socket.tcp_keepalive_time().expect("a socket"), Duration::from_secs(60));
        assert_eq!(socket.tcp_keepalive_interval().expect("a socket"), Duration::from_secs(10));
        assert_eq!(socket.tcp_keepalive_retries().expect("a socket"), 6);
    }

    #[tokio::test]
    async fn an_address_that_is_taken_or_unknown_is_named() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let listen = taken.local_addr().expect("it is bound").to_string();
        for (listen, why) in
            [(listen, "listens there already"), ("nowhere.invalid:1".into(), "nowhere.invalid:1")]
        {
            let settings = Settings { listen, max_connections: 1, read_timeout: None, tls: None, ack: false };
            let error = Server::bind(&settings).await.err().expect("it cannot be had").to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
