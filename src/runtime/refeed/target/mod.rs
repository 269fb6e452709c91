//! Sends records to a source of a service that runs.
//!
//! Over TCP and Unix sockets a connection is made for each pass. It counts as received when the service
//! has read to its end, which it shows by closing it then. HTTP answers. Nothing answers to
//! datagrams.

mod connection;
mod datagrams;
mod http;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;

use reqwest::{StatusCode, Url};

use crate::config::{Source, SourceKind};
use crate::source::{Decoding, unix};

use self::connection::{Connection, compress, connect, encrypted, through};

// Why records cannot be sent to a source, and what to do.
const NEEDS_CERTIFICATE: &str = "it demands certificates of its clients; write them to a file with `--output`, and send \
                                 that with a certificate that it trusts";
const READS_FROM_A_SERVER: &str =
    "it reads from a server; write them to a file with `--output`, and let that server send them";
const READS_FILES: &str =
    "it reads files; write them to a file with `--output`, and put that where the source reads";
const READS_TOPICS: &str =
    "it reads topics of Kafka; write them to a file with `--output`, and produce that to the topic";
const READS_STANDARD_INPUT: &str = "nothing can be sent to a standard input from outside; write them to a file with \
                                    `--output`, and pipe that into the service";

/// Where records are sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A TCP server, as `host:port`.
    Tcp(String),
    /// A TCP server that speaks TLS, as `host:port`, and the PEM file of its certificate.
    Tls(String, PathBuf),
    /// A Unix socket.
    Unix(PathBuf),
    /// A Unix socket for datagrams.
    UnixDatagram(PathBuf),
    /// A UDP socket, as `host:port`.
    Udp(String),
    /// An HTTP server.
    Http(http::Server),
}

/// What is sent.
pub struct Load<'a> {
    /// The stream that the records are for.
    pub stream: &'a str,
    /// How they are read.
    pub decoding: &'a Decoding,
    /// What must come before them, framed.
    pub header: Option<&'a [u8]>,
    /// The records, framed, in order.
    pub records: &'a [Vec<u8>],
}

/// Not everything was sent, or it is not certain that it was received.
#[derive(Debug)]
pub struct Unsent {
    /// How many of the first records have been received.
    pub received: usize,
    /// What happened then.
    pub error: SendError,
}

impl<E: Into<SendError>> From<E> for Unsent {
    fn from(error: E) -> Unsent {
        Unsent { received: 0, error: error.into() }
    }
}

/// Records were not sent, or it is not certain that they were received.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The connection fails.
    #[error("{0}")]
    Connection(#[from] io::Error),
    /// The service closed the connection before it had read everything.
    #[error(
        "the service closed the connection before it had read everything; it may have too many connections, or be stopping"
    )]
    Closed,
    /// TLS cannot be spoken with it.
    #[error("TLS fails: {0}")]
    Tls(String),
    /// A record is too large to be sent this way.
    #[error("a record of {0} bytes does not fit into a datagram")]
    TooLarge(usize),
    /// The service refuses.
    #[error("the service answers {status}: {answer}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// The beginning of the answer.
        answer: String,
    },
    /// HTTP fails.
    #[error("{0}")]
    Http(String),
}

impl Target {
    /// Where a source of this machine takes records.
    ///
    /// # Errors
    /// When records cannot be sent to it: why, and what to do.
    pub fn of(source: &Source) -> Result<Target, String> {
        match &source.kind {
            SourceKind::Tcp(settings) => {
                let address = reachable(&settings.listen)?;
                match &settings.tls {
                    None => Ok(Target::Tcp(address)),
                    Some(tls) if tls.clients.is_none() => {
                        Ok(Target::Tls(address, tls.identity.certificate.clone()))
                    }
                    Some(_) => Err(NEEDS_CERTIFICATE.into()),
                }
            }
            SourceKind::Udp(settings) => reachable(&settings.listen).map(Target::Udp),
            SourceKind::Unix(settings) => Ok(match settings.mode {
                unix::Mode::Stream { .. } => Target::Unix(settings.path.clone()),
                unix::Mode::Datagram => Target::UnixDatagram(settings.path.clone()),
            }),
            SourceKind::Http(settings) => {
                let address = reachable(&settings.listen)?;
                if settings.tls.as_ref().is_some_and(|tls| tls.clients.is_some()) {
                    return Err(NEEDS_CERTIFICATE.into());
                }
                http::Server::of(&address, settings).map(Target::Http)
            }
            SourceKind::TcpClient(_) => Err(READS_FROM_A_SERVER.into()),
            SourceKind::File(_) => Err(READS_FILES.into()),
            SourceKind::Kafka(_) => Err(READS_TOPICS.into()),
            SourceKind::Stdin => Err(READS_STANDARD_INPUT.into()),
        }
    }

    /// The target that text on the command line means.
    ///
    /// # Errors
    /// When it means none.
    pub fn parse(text: &str) -> Result<Target, String> {
        if text.starts_with("http://") || text.starts_with("https://") {
            let url = Url::parse(text).map_err(|error| error.to_string())?;
            return Ok(Target::Http(http::Server::at(url)));
        }
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Target::Unix(path.into()));
        }
        let (udp, address) = match text.strip_prefix("udp:") {
            Some(address) => (true, address),
            None => (false, text.strip_prefix("tcp:").unwrap_or(text)),
        };
        match address.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0) => {
                let address = address.to_owned();
                Ok(if udp { Target::Udp(address) } else { Target::Tcp(address) })
            }
            _ => {
                Err("a target is written `host:port`, `udp:host:port`, `unix:PATH` or `http://host:port`"
                    .into())
            }
        }
    }

    /// Whether the service says what it has received.
    pub fn confirms(&self) -> bool {
        !matches!(self, Target::Udp(_) | Target::UnixDatagram(_))
    }

    /// Sends records and waits until they have been received.
    ///
    /// # Errors
    /// When that is not certain of all of them. Those that are not counted as received may have been.
    pub fn send(&self, load: &Load<'_>) -> Result<(), Unsent> {
        let through = |connection: &mut dyn Connection| Ok(through(connection, &bytes(load)?)?);
        match self {
            Target::Tcp(address) => through(&mut connect(address)?),
            Target::Tls(address, certificate) => through(&mut encrypted(address, certificate)?),
            Target::Unix(path) => through(&mut UnixStream::connect(path)?),
            Target::UnixDatagram(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                datagrams::send(load.records, |record| socket.send(record))
            }
            Target::Udp(address) => {
                let socket = datagrams::udp(address)?;
                datagrams::send(load.records, |record| socket.send(record))
            }
            Target::Http(server) => server.post(load),
        }
    }
}

/// All that goes through a connection.
fn bytes(load: &Load<'_>) -> io::Result<Vec<u8>> {
    let bytes = [load.header.unwrap_or_default(), &load.records.concat()].concat();
    compress(bytes, load.decoding.compression)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Tcp(address) => f.write_str(address),
            Target::Tls(address, _) => write!(f, "{address} (TLS)"),
            Target::Unix(path) | Target::UnixDatagram(path) => write!(f, "unix:{}", path.display()),
            Target::Udp(address) => write!(f, "udp:{address}"),
            Target::Http(server) => server.fmt(f),
        }
    }
}

/// The address by which this machine reaches what listens there; what to do when the port is not known.
fn reachable(listen: &str) -> Result<String, String> {
    let (host, port) = listen.rsplit_once(':').unwrap_or((listen, "0"));
    let host = match host {
        "0.0.0.0" => "127.0.0.1",
        "[::]" => "[::1]",
        host => host,
    };
    if port == "0" {
        return Err("it listens at a port that the system chooses; name it with `--to`".into());
    }
    Ok(format!("{host}:{port}"))
}
