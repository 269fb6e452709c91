//! Sends records to a source of a service that runs.
//!
//! Over TCP and Unix sockets a connection is made for each pass. It counts as received when the service
//! has read to its end, which it shows by closing it then. HTTP answers. Nothing answers over UDP.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};

use crate::codec::Format;
use crate::config::{Source, SourceKind};
use crate::sink::webhook;
use crate::source::compression::Compression;
use crate::source::unix;

/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long an HTTP server may take to answer: it may be waiting for its engine.
const ANSWERING: Duration = Duration::from_secs(300);
/// A service that takes no more connections closes a new one at once; how long to wait for that.
const REFUSAL: Duration = Duration::from_millis(100);
/// How often a service may say that it is busy, and how long to wait each time at most.
const BUSY_TRIES: usize = 60;
const BUSY_WAIT: Duration = Duration::from_secs(10);
/// The largest datagram.
const DATAGRAM: usize = 65_507;
/// How much of an answer is shown.
const SHOWN_ANSWER: usize = 300;

/// Where records are sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A TCP server, as `host:port`.
    Tcp(String),
    /// A Unix socket.
    Unix(PathBuf),
    /// A UDP socket, as `host:port`.
    Udp(String),
    /// An HTTP server: its root, or the whole URL to post to.
    Http(Url),
}

/// Records were not sent, or it is not certain that they were received.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The connection fails.
    #[error("{0}")]
    Connection(#[from] io::Error),
    /// The service closed the connection before it had read everything.
    #[error("the service closed the connection before it had read everything; {0}")]
    Closed(&'static str),
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
        let write = |why: &str, then: &str| {
            Err(format!("{why}; write the records to a file with `--output`, and {then}"))
        };
        if source.decoding.compression != Compression::None {
            return write("it reads compressed bytes", "send that compressed");
        }
        match &source.kind {
            SourceKind::Tcp(settings) if settings.tls.is_some() => {
                write("it speaks TLS", "send that, for example with `openssl s_client`")
            }
            SourceKind::Tcp(settings) => reachable(&settings.listen).map(Target::Tcp),
            SourceKind::Udp(settings) => reachable(&settings.listen).map(Target::Udp),
            SourceKind::Unix(settings) if settings.mode == unix::Mode::Datagram => {
                write("it is a socket of datagrams", "send each line of that as one")
            }
            SourceKind::Unix(settings) => Ok(Target::Unix(settings.path.clone())),
            SourceKind::Http(settings) if settings.tls.is_some() || settings.token_file.is_some() => {
                write("it speaks TLS or wants a token", "post that, for example with `curl`")
            }
            SourceKind::Http(_) if !matches!(source.decoding.format, Format::Json) => {
                write("its records are not JSON", "post that, for example with `curl`")
            }
            SourceKind::Http(settings) => {
                let url = Url::parse(&format!("http://{}/", reachable(&settings.listen)?));
                url.map(Target::Http).map_err(|error| error.to_string())
            }
            SourceKind::TcpClient(_) => write("it reads from a server", "let that server send them"),
            SourceKind::File(_) => write("it reads files", "put that where the source reads"),
            SourceKind::Stdin => {
                write("nothing can be sent to a standard input from outside", "pipe that into the service")
            }
        }
    }

    /// The target that text on the command line means.
    ///
    /// # Errors
    /// When it means none.
    pub fn parse(text: &str) -> Result<Target, String> {
        if text.starts_with("http://") || text.starts_with("https://") {
            return Url::parse(text).map(Target::Http).map_err(|error| error.to_string());
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
        !matches!(self, Target::Udp(_))
    }

    /// Sends framed records of a stream and waits until they have been received.
    ///
    /// # Errors
    /// When that is not certain: the service may have received some or all of them.
    pub fn send(&self, stream: &str, records: &[Vec<u8>]) -> Result<(), SendError> {
        match self {
            Target::Tcp(address) => {
                let connection = connect(address)?;
                connection.set_read_timeout(Some(REFUSAL))?;
                through(
                    connection,
                    records,
                    |connection| {
                        connection.set_read_timeout(None)?;
                        connection.shutdown(Shutdown::Write)
                    },
                    TcpStream::take_error,
                )
            }
            Target::Unix(path) => {
                let connection = UnixStream::connect(path)?;
                connection.set_read_timeout(Some(REFUSAL))?;
                through(
                    connection,
                    records,
                    |connection| {
                        connection.set_read_timeout(None)?;
                        connection.shutdown(Shutdown::Write)
                    },
                    UnixStream::take_error,
                )
            }
            Target::Udp(address) => datagrams(address, records),
            Target::Http(url) => post(&events_url(url, stream), records),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Tcp(address) => f.write_str(address),
            Target::Unix(path) => write!(f, "unix:{}", path.display()),
            Target::Udp(address) => write!(f, "udp:{address}"),
            // Without the name, password and query that it may have.
            Target::Http(url) => {
                write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or_default())?;
                url.port().map_or(Ok(()), |port| write!(f, ":{port}"))?;
                f.write_str(url.path())
            }
        }
    }
}

/// The address by which this machine reaches what listens there.
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

fn connect(address: &str) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECTING) {
            Ok(connection) => return Ok(connection),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Sends everything over a connection and waits until the other side has read it.
fn through<C: Read + Write>(
    mut connection: C,
    records: &[Vec<u8>],
    end: impl Fn(&C) -> io::Result<()>,
    error: impl Fn(&C) -> io::Result<Option<io::Error>>,
) -> Result<(), SendError> {
    const REFUSED: &str = "it may have too many connections, or be stopping";
    // Whoever closes at once has not read what is sent then, and would look as if it had.
    match connection.read(&mut [0]) {
        Ok(0) => return Err(SendError::Closed(REFUSED)),
        Err(error) if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            return Err(error.into());
        }
        // A source says nothing; what something else says does not matter.
        Ok(_) | Err(_) => {}
    }
    for record in records {
        connection.write_all(record)?;
    }
    connection.flush()?;
    end(&connection)?;
    let mut answer = [0; 1024];
    while connection.read(&mut answer)? > 0 {}
    match error(&connection)? {
        Some(_) => Err(SendError::Closed(REFUSED)),
        None => Ok(()),
    }
}

fn datagrams(address: &str, records: &[Vec<u8>]) -> Result<(), SendError> {
    let to = address.to_socket_addrs()?.next();
    let to = to.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))?;
    let socket = UdpSocket::bind(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    socket.connect(to)?;
    if let Some(record) = records.iter().find(|record| record.len() > DATAGRAM) {
        return Err(SendError::TooLarge(record.len()));
    }
    for record in records {
        socket.send(record)?;
    }
    Ok(())
}

/// Where events of a stream are posted to.
fn events_url(url: &Url, stream: &str) -> Url {
    if url.path() != "/" {
        return url.clone();
    }
    let mut url = url.clone();
    url.set_path(&format!("/v1/events/{stream}"));
    url
}

fn post(url: &Url, records: &[Vec<u8>]) -> Result<(), SendError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = webhook::client(url, ANSWERING).map_err(|error| SendError::Http(error.to_string()))?;
        let body = records.concat();
        for _ in 0..BUSY_TRIES {
            let request =
                client.post(url.clone()).header(CONTENT_TYPE, "application/x-ndjson").body(body.clone());
            let response =
                request.send().await.map_err(|error| SendError::Http(error.without_url().to_string()))?;
            let status = response.status();
            if status.is_success() {
                return Ok(());
            }
            if !matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
                let answer = response.text().await.unwrap_or_default();
                let answer = answer.chars().take(SHOWN_ANSWER).collect();
                return Err(SendError::Refused { status, answer });
            }
            tokio::time::sleep(wait_asked_for(&response)).await;
        }
        Err(SendError::Http("the service is too busy to take more".into()))
    })
}

fn wait_asked_for(response: &Response) -> Duration {
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1)).min(BUSY_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn targets_are_read_and_shown() {
        for text in ["127.0.0.1:7001", "[::1]:7001", "udp:host:7001", "unix:/run/trip.sock", "http://h:8080/"]
        {
            assert_eq!(Target::parse(text).map(|target| target.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(Target::parse("tcp:host:1"), Ok(Target::Tcp("host:1".into())));
        assert_eq!(Target::parse("http://u:secret@h/x?y").map(|it| it.to_string()), Ok("http://h/x".into()));
        for wrong in ["", "host", "host:", ":1", "host:0", "host:65536", "unix:", "udp:", "http://"] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_listens_everywhere_is_reached_here() {
        assert_eq!(reachable("0.0.0.0:7001").as_deref(), Ok("127.0.0.1:7001"));
        assert_eq!(reachable("[::]:7001").as_deref(), Ok("[::1]:7001"));
        assert_eq!(reachable("host:7001").as_deref(), Ok("host:7001"));
        assert!(reachable("127.0.0.1:0").is_err());
    }

    #[test]
    fn events_are_posted_to_their_stream_unless_a_path_is_named() {
        let url = |text| Url::parse(text).expect("a URL");
        assert_eq!(events_url(&url("http://h:1"), "cards").as_str(), "http://h:1/v1/events/cards");
        assert_eq!(events_url(&url("http://h:1/in"), "cards").as_str(), "http://h:1/in");
    }

    fn serve(serve: impl FnOnce(TcpStream) + Send + 'static) -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        std::thread::spawn(move || serve(listener.accept().expect("a connection").0));
        Target::Tcp(address)
    }

    #[test]
    fn records_are_received_when_the_other_side_has_read_to_the_end() {
        let (sender, received) = std::sync::mpsc::channel();
        let target = serve(move |mut connection| {
            let mut all = Vec::new();
            connection.read_to_end(&mut all).expect("it can be read");
            sender.send(all).expect("the test waits");
        });
        target.send("s", &[b"a\n".into(), b"b\n".into()]).expect("received");
        assert_eq!(received.recv().expect("bytes"), b"a\nb\n");
    }

    #[test]
    fn a_connection_that_is_closed_early_has_not_received_anything() {
        let refusing = serve(drop);
        assert!(matches!(refusing.send("s", &[b"a\n".into()]), Err(SendError::Closed(_))));
        let record = vec![b'a'; 10 << 20];
        let leaving = serve(|mut connection| {
            connection.read_exact(&mut [0; 10]).expect("some bytes");
        });
        assert!(leaving.send("s", &[record]).is_err());
        let nobody = Target::Tcp("127.0.0.1:1".into());
        assert!(matches!(nobody.send("s", &[b"a\n".into()]), Err(SendError::Connection(_))));
    }

    #[test]
    fn unix_sockets_and_datagrams_get_each_record() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
        let reading = std::thread::spawn(move || {
            let mut text = String::new();
            listener.accept().expect("a connection").0.read_to_string(&mut text).expect("text");
            text
        });
        Target::Unix(path).send("s", &[b"a\n".into(), b"b\n".into()]).expect("received");
        assert_eq!(reading.join().expect("no panic"), "a\nb\n");

        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let target = Target::Udp(socket.local_addr().expect("an address").to_string());
        assert!(!target.confirms());
        target.send("s", &[b"a\n".into(), b"b\n".into()]).expect("sent");
        let mut buffer = [0; 10];
        let sizes =
            [socket.recv(&mut buffer), socket.recv(&mut buffer)].map(|size| size.expect("a datagram"));
        assert_eq!(sizes, [2, 2]);
        let large = target.send("s", &[b"a\n".into(), vec![b'x'; DATAGRAM + 1]]);
        assert!(matches!(large, Err(SendError::TooLarge(_))));
    }

    /// Answers requests in turn, each on a connection of its own; gives the first lines and bodies.
    fn answer(answers: &'static [&'static str]) -> (Target, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = std::thread::spawn(move || {
            let mut seen = Vec::new();
            for answer in answers {
                let mut connection = listener.accept().expect("a connection").0;
                let mut request = Vec::new();
                while !request.ends_with(b"a\nb\n") {
                    let mut byte = [0];
                    connection.read_exact(&mut byte).expect("a request");
                    request.extend(byte);
                }
                let text = String::from_utf8(request).expect("text");
                seen.push(text.lines().next().expect("a line").to_owned());
                let head = format!("HTTP/1.1 {answer}connection: close\r\ncontent-length: 3\r\n\r\nbad");
                connection.write_all(head.as_bytes()).expect("sent");
            }
            seen
        });
        (Target::parse(&url).expect("a URL"), serving)
    }

    #[test]
    fn a_busy_server_is_asked_again_and_one_that_refuses_is_not() {
        let records = [b"a\n".to_vec(), b"b\n".to_vec()];
        let (target, serving) =
            answer(&["429 Busy\r\nretry-after: 0\r\n", "503 Busy\r\nretry-after: 0\r\n", "202 Ok\r\n"]);
        target.send("cards", &records).expect("received");
        assert_eq!(serving.join().expect("no panic"), ["POST /v1/events/cards HTTP/1.1"; 3]);
        let (target, _serving) = answer(&["400 Bad\r\n"]);
        let refused = target.send("cards", &records).expect_err("refused").to_string();
        assert_eq!(refused, "the service answers 400 Bad Request: bad");
    }
}
