//! Bytes through a connection, until the other side has read them.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use flate2::write::GzEncoder;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::source::compression::Compression;
use crate::tls;

use super::SendError;

/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(10);
/// A service that takes no more connections closes a new one at once; how long to wait for that.
const REFUSAL: Duration = Duration::from_millis(100);

/// A connection to a TCP server.
pub fn connect(address: &str) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECTING) {
            Ok(connection) => return Ok(connection),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// A connection to a server that shows this certificate.
pub fn encrypted(address: &str, certificate: &Path) -> Result<Encrypted, SendError> {
    let failed = |error: tls::TlsError| SendError::Tls(error.to_string());
    let config = tls::pinned(certificate).map_err(failed)?;
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    // The certificate tells whether it is the right server; the name is good manners.
    let name =
        ServerName::try_from(host.to_owned()).or_else(|_| ServerName::try_from("localhost".to_owned()));
    let name = name.expect("`localhost` is a name");
    let connection = ClientConnection::new(config, name).map_err(|error| failed(error.into()))?;
    let mut encrypted = StreamOwned::new(connection, connect(address)?);
    encrypted.conn.complete_io(&mut encrypted.sock).map_err(|error| SendError::Tls(tls::reason(&error)))?;
    Ok(encrypted)
}

/// What is sent through.
pub trait Connection: Read + Write {
    /// How long to wait for bytes; `None`: for ever.
    fn patience(&self, patience: Option<Duration>) -> io::Result<()>;

    /// Nothing more will be sent.
    fn end(&mut self) -> io::Result<()>;

    /// What has gone wrong since someone last asked.
    fn failure(&self) -> io::Result<Option<io::Error>>;
}

/// A connection that is encrypted.
pub type Encrypted = StreamOwned<ClientConnection, TcpStream>;

impl Connection for TcpStream {
    fn patience(&self, patience: Option<Duration>) -> io::Result<()> {
        self.set_read_timeout(patience)
    }

    fn end(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn failure(&self) -> io::Result<Option<io::Error>> {
        self.take_error()
    }
}

impl Connection for UnixStream {
    fn patience(&self, patience: Option<Duration>) -> io::Result<()> {
        self.set_read_timeout(patience)
    }

    fn end(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn failure(&self) -> io::Result<Option<io::Error>> {
        self.take_error()
    }
}

impl Connection for Encrypted {
    fn patience(&self, patience: Option<Duration>) -> io::Result<()> {
        self.sock.set_read_timeout(patience)
    }

    fn end(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        self.flush()?;
        self.sock.shutdown(Shutdown::Write)
    }

    fn failure(&self) -> io::Result<Option<io::Error>> {
        self.sock.take_error()
    }
}

/// Sends everything over a connection and waits until the other side has read it.
pub fn through(connection: &mut dyn Connection, bytes: &[u8]) -> Result<(), SendError> {
    // Whoever closes at once has not read what is sent then, and would look as if it had.
    connection.patience(Some(REFUSAL))?;
    match connection.read(&mut [0]) {
        Ok(0) => return Err(SendError::Closed),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(SendError::Closed),
        Err(error) if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            return Err(error.into());
        }
        // A source says nothing; what something else says does not matter.
        Ok(_) | Err(_) => {}
    }
    connection.patience(None)?;
    connection.write_all(bytes)?;
    connection.flush()?;
    connection.end()?;
    let mut answer = [0; 1024];
    loop {
        match connection.read(&mut answer) {
            Ok(0) => break,
            // A service that has read to the end of TLS goes without a farewell of its own.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    match connection.failure()? {
        Some(_) => Err(SendError::Closed),
        None => Ok(()),
    }
}

/// The bytes as a source wants them that reads them compressed.
pub fn compress(bytes: Vec<u8>, compression: Compression) -> io::Result<Vec<u8>> {
    match compression {
        Compression::None => Ok(bytes),
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&bytes)?;
            encoder.finish()
        }
        Compression::Zstd => zstd::encode_all(bytes.as_slice(), 1),
    }
}
