//! Events over a Unix socket, that is from programs of the same machine: a stream socket, of which
//! each connection is a partition of the stream, or a datagram socket, which is one partition.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{UnixDatagram, UnixListener, UnixStream};

use super::datagram::{self, Datagrams};
use super::server::{Door, Listener, Peer, Records, serve};
use super::together::Turn;
use super::{Inlet, Running, Source, only};

/// Connections that the system has accepted and the service not yet.
const BACKLOG: i32 = 1024;
/// The system lets no datagram be larger than the buffer of its sender, which is smaller than this
/// unless somebody has raised `net.core.wmem_max`.
const LARGEST: usize = 1 << 20;

/// What a source over a Unix socket is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The file of the socket.
    pub path: PathBuf,
    /// Who may write to it, as file permissions; `None`: as the process's umask has it.
    pub permissions: Option<u32>,
    /// What it carries.
    pub mode: Mode,
}

/// What a socket carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Bytes, in connections.
    Stream {
        /// Most connections at a time; what comes beyond is closed at once.
        max_connections: usize,
        /// A connection that is silent for this long is closed.
        read_timeout: Option<Duration>,
        /// Whether clients are told how many of their records have been accepted.
        ack: bool,
    },
    /// Datagrams.
    Datagram,
}

/// The socket cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen at `{}`: {why}", path.display())]
pub struct OpenError {
    path: PathBuf,
    why: String,
}

/// A socket that has its path and is not read yet.
pub struct Server {
    socket: Bound,
    file: File,
}

enum Bound {
    Stream { listener: UnixListener, door: Door, read_timeout: Option<Duration>, ack: bool },
    Datagram(UnixDatagram),
}

impl Server {
    /// Takes the path. A socket there of a process that has ended is replaced.
    ///
    /// # Errors
    /// When another process listens there, when something else is there, or when it cannot be made.
    pub fn bind(settings: &Settings) -> Result<Server, OpenError> {
        try_bind(settings).map_err(|why| OpenError { path: settings.path.clone(), why })
    }
}

fn try_bind(settings: &Settings) -> Result<Server, String> {
    let words = |error: io::Error| error.to_string();
    let kind = match settings.mode {
        Mode::Stream { .. } => Type::STREAM,
        Mode::Datagram => Type::DGRAM,
    };
    let (socket, file) = take(&settings.path, settings.permissions, kind)?;
    let socket = match settings.mode {
        Mode::Stream { max_connections, read_timeout, ack } => {
            // Only now, so that nobody comes in before the permissions are set.
            socket.listen(BACKLOG).map_err(words)?;
            let listener = UnixListener::from_std(socket.into()).map_err(words)?;
            Bound::Stream { listener, door: Door { max_connections, tls: None }, read_timeout, ack }
        }
        Mode::Datagram => Bound::Datagram(UnixDatagram::from_std(socket.into()).map_err(words)?),
    };
    Ok(Server { socket, file })
}

/// Listens at a path, whatever is to come in there, with these permissions. A socket there of a process that has
/// ended is replaced. The file goes when what is given with the listener does.
///
/// # Errors
/// When another process listens there, when something else is there, or when it cannot be made.
pub fn listen(path: &Path, permissions: Option<u32>) -> Result<(UnixListener, File), OpenError> {
    let listen = || {
        let (socket, file) = take(path, permissions, Type::STREAM)?;
        socket.listen(BACKLOG).map_err(|error| error.to_string())?;
        let listener = UnixListener::from_std(socket.into()).map_err(|error| error.to_string())?;
        Ok((listener, file))
    };
    listen().map_err(|why| OpenError { path: path.to_path_buf(), why })
}

/// Takes a path for a socket.
fn take(path: &Path, permissions: Option<u32>, kind: Type) -> Result<(Socket, File), String> {
    let words = |error: io::Error| error.to_string();
    let address = SockAddr::unix(path).map_err(|_| "the path is too long for a socket".to_string())?;
    let socket = Socket::new(Domain::UNIX, kind, None).map_err(words)?;
    socket.set_nonblocking(true).map_err(words)?;
    if let Err(error) = socket.bind(&address) {
        if error.kind() != io::ErrorKind::AddrInUse {
            return Err(words(error));
        }
        remove_stale(path, &address, kind)?;
        socket.bind(&address).map_err(words)?;
    }
    let file = File::made(path).map_err(words)?;
    if let Some(permissions) = permissions {
        fs::set_permissions(path, fs::Permissions::from_mode(permissions)).map_err(words)?;
    }
    Ok((socket, file))
}

/// Removes the socket of a process that has ended.
fn remove_stale(path: &Path, address: &SockAddr, kind: Type) -> Result<(), String> {
    let found = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if !found.file_type().is_socket() {
        return Err("there is a file that is no socket; remove it, or choose another path".into());
    }
    let probe = Socket::new(Domain::UNIX, kind, None).map_err(|error| error.to_string())?;
    // One that listens but has its hands full must not block the start.
    probe.set_nonblocking(true).map_err(|error| error.to_string())?;
    match probe.connect(address) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| format!("the socket of an ended process stays: {error}"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // It has been accepted, or refused for a reason that a dead socket cannot have.
        _ => Err("another program, or another tripline, listens there already".into()),
    }
}

/// The file of a socket, which is removed with it.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    /// Its device and number, by which it is known again.
    identity: (u64, u64),
}

impl File {
    fn made(path: &Path) -> io::Result<File> {
        let made = fs::symlink_metadata(path)?;
        Ok(File { path: path.to_path_buf(), identity: (made.dev(), made.ino()) })
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // Another process may have put its own there meanwhile.
        let is_ours =
            fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.identity);
        if is_ours {
            // Failing leaves a stale socket, which the next start replaces.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Source for Server {
    fn announce(&self, inlets: &[Inlet]) {
        super::announce(inlets, "listening", &self.file.path.display());
    }

    fn run(self: Box<Self>, inlets: Vec<Inlet>, turn: Turn) -> Running {
        let Server { socket, file } = *self;
        let inlet = only(inlets);
        Box::pin(async move {
            // Goes when the reading has ended, or is given up.
            let _file = file;
            match socket {
                Bound::Stream { listener, door, read_timeout, ack } => {
                    let records = Records { inlet: inlet.clone(), read_timeout, ack };
                    turn.wait().await;
                    serve(listener, door, inlet, records).await;
                }
                Bound::Datagram(socket) => datagram::read(socket, LARGEST, inlet, turn).await,
            }
        })
    }
}

impl Listener for UnixListener {
    type Connection = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, Peer)> {
        let (stream, _) = UnixListener::accept(self).await?;
        let process = stream.peer_cred().ok().and_then(|peer| peer.pid());
        Ok((stream, Peer(process.map_or("unknown".into(), |id| format!("process {id}")))))
    }
}

impl Datagrams for UnixDatagram {
    async fn readable(&self) -> io::Result<()> {
        UnixDatagram::readable(self).await
    }

    fn try_receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.try_recv(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(path: PathBuf, mode: Mode) -> Settings {
        Settings { path, permissions: Some(0o600), mode }
    }

    fn modes() -> [Mode; 2] {
        [Mode::Stream { max_connections: 1, read_timeout: None, ack: false }, Mode::Datagram]
    }

    fn why(settings: &Settings) -> String {
        Server::bind(settings).err().expect("it cannot be had").to_string()
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        for mode in modes() {
            let folder = tempfile::tempdir().expect("a folder");
            let settings = settings(folder.path().join("in.sock"), mode);
            let server = Server::bind(&settings).expect("a free path");
            let permissions = fs::metadata(&settings.path).expect("it is there").permissions();
            assert_eq!(permissions.mode() & 0o777, 0o600);
            for other in modes() {
                let other = Settings { mode: other, ..settings.clone() };
                assert!(why(&other).ends_with("listens there already"), "{}", why(&other));
            }
            // As if the process had been killed: the socket is closed, and its file stays.
            let Server { socket, file } = server;
            drop(socket);
            std::mem::forget(file);
            let again = Server::bind(&settings).expect("a stale socket is replaced");
            drop(again);
            assert!(!settings.path.exists(), "it is removed at the end");
        }
    }

    #[tokio::test]
    async fn what_is_no_socket_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("precious");
        fs::write(&path, "data").expect("a file");
        for mode in modes() {
            assert!(why(&settings(path.clone(), mode)).contains("no socket"));
        }
        assert_eq!(fs::read_to_string(&path).expect("it is still there"), "data");
        let long = folder.path().join("x".repeat(200));
        assert!(why(&settings(long, Mode::Datagram)).ends_with("too long for a socket"));
    }

    #[tokio::test]
    async fn the_socket_of_another_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = settings(folder.path().join("in.sock"), Mode::Datagram);
        let server = Server::bind(&settings).expect("a free path");
        fs::remove_file(&settings.path).expect("it is there");
        fs::write(&settings.path, "another's").expect("a file");
        drop(server);
        assert!(settings.path.exists());
    }
}
