//! How messages of syslog get to their receiver.
//!
//! Over UDP and Unix sockets, a message is a datagram. Over TCP and TLS, each has its length before it (octet
//! counting, RFC 6587 and RFC 5425). Nobody answers: what was written to a connection that breaks may not have
//! arrived. So a connection is looked at before it is used, and what was written in an attempt that failed is
//! written again.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket, UnixDatagram};
use tokio_rustls::TlsConnector;

use crate::tls;

/// Where messages go, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A datagram each, to a host and port.
    Udp(String),
    /// Over a connection to a host and port.
    Tcp(String),
    /// The same, encrypted.
    Tls(String, tls::ClientSettings),
    /// A datagram each, to a socket of this machine, such as `/dev/log`.
    Unix(PathBuf),
}

/// What opens connections.
pub struct Line {
    transport: Transport,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    connection: Option<Connection>,
}

enum Connection {
    Udp(UdpSocket),
    Unix(UnixDatagram),
    Stream(Box<dyn Stream>),
}

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

impl Line {
    /// Prepares to send. Connects to nothing yet.
    ///
    /// # Errors
    /// When certificates cannot be read.
    pub fn new(transport: &Transport) -> Result<Line, tls::TlsError> {
        let tls = match transport {
            Transport::Tls(_, settings) => Some(tls::connector(settings)?),
            _ => None,
        };
        Ok(Line { transport: transport.clone(), tls, connection: None })
    }

    /// Sends the messages in their order. Gives how many of them need not be sent again, and why that are not all.
    pub async fn send(&mut self, messages: &[String], timeout: Duration) -> (usize, Option<io::Error>) {
        let mut sent = 0;
        let late = || io::Error::new(io::ErrorKind::TimedOut, "no progress in time");
        let done = tokio::time::timeout(timeout, self.try_send(messages, &mut sent)).await;
        let Err(error) = done.unwrap_or_else(|_| Err(late())) else { return (messages.len(), None) };
        self.connection = None;
        (sent, Some(error))
    }

    async fn try_send(&mut self, messages: &[String], sent: &mut usize) -> io::Result<()> {
        if let Some(Connection::Stream(stream)) = &mut self.connection
            && is_closed(stream).await
        {
            self.connection = None;
        }
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(connect(&self.transport, self.tls.as_ref()).await?),
        };
        match connection {
            Connection::Udp(socket) => {
                for message in messages {
                    socket.send(message.as_bytes()).await?;
                    *sent += 1;
                }
            }
            Connection::Unix(socket) => {
                for message in messages {
                    socket.send(message.as_bytes()).await?;
                    *sent += 1;
                }
            }
            Connection::Stream(stream) => {
                let mut frames = Vec::new();
                for message in messages {
                    frames.extend_from_slice(format!("{} ", message.len()).as_bytes());
                    frames.extend_from_slice(message.as_bytes());
                }
                stream.write_all(&frames).await?;
                stream.flush().await?;
                *sent = messages.len();
            }
        }
        Ok(())
    }
}

async fn connect(
    transport: &Transport,
    tls: Option<&(TlsConnector, ServerName<'static>)>,
) -> io::Result<Connection> {
    match transport {
        Transport::Udp(address) => {
            let to = tokio::net::lookup_host(address).await?.next();
            let to = to.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))?;
            let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(any).await?;
            socket.connect(to).await?;
            Ok(Connection::Udp(socket))
        }
        Transport::Unix(path) => {
            let socket = UnixDatagram::unbound()?;
            socket.connect(path)?;
            Ok(Connection::Unix(socket))
        }
        Transport::Tcp(address) => Ok(Connection::Stream(Box::new(tcp(address).await?))),
        Transport::Tls(address, _) => {
            let (connector, name) = tls.expect("it was made for this transport");
            let stream = connector.connect(name.clone(), tcp(address).await?).await?;
            Ok(Connection::Stream(Box::new(stream)))
        }
    }
}

async fn tcp(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    // A receiver that is gone without a word is noticed while there is nothing to send.
    socket2::SockRef::from(&stream).set_keepalive(true)?;
    Ok(stream)
}

/// Whether the receiver has closed the connection, as far as is known here. What it says is passed over.
async fn is_closed(stream: &mut Box<dyn Stream>) -> bool {
    let mut said = [0; 256];
    loop {
        let read = tokio::select! {
            biased;
            read = stream.read(&mut said) => read,
            () = std::future::ready(()) => return false,
        };
        if !matches!(read, Ok(1..)) {
            return true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    const TIME: Duration = Duration::from_secs(60);

    async fn frame(listener: &TcpListener, length: usize) -> String {
        let (mut stream, _) = listener.accept().await.expect("somebody comes");
        let mut frame = vec![0; length];
        stream.read_exact(&mut frame).await.expect("it is whole");
        String::from_utf8(frame).expect("text")
    }

    #[tokio::test]
    async fn a_connection_that_was_closed_meanwhile_is_not_written_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let mut line = Line::new(&Transport::Tcp(address)).expect("there is nothing to it");
        let both = ["one".to_owned(), "zwölf".to_owned()];
        let (first, (sent, error)) = tokio::join!(frame(&listener, 13), line.send(&both, TIME));
        assert!(sent == 2 && error.is_none(), "{error:?}");
        assert_eq!(first, "3 one6 zwölf", "the length is in bytes");
        let Some(Connection::Stream(stream)) = &mut line.connection else { panic!("it is kept open") };
        // The receiver has left; the system is about to notice.
        tokio::time::timeout(TIME, async {
            while !is_closed(stream).await {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("it is noticed");
        let two = ["two".to_owned()];
        let (second, (sent, error)) = tokio::join!(frame(&listener, 5), line.send(&two, TIME));
        assert!(sent == 1 && error.is_none(), "{error:?}");
        assert_eq!(second, "3 two");
    }

    #[tokio::test]
    async fn nothing_of_an_attempt_that_failed_counts_as_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        drop(listener);
        let mut line = Line::new(&Transport::Tcp(address)).expect("there is nothing to it");
        let (sent, error) = line.send(&["one".into()], TIME).await;
        assert_eq!((sent, error.map(|error| error.kind())), (0, Some(io::ErrorKind::ConnectionRefused)));
    }
}
