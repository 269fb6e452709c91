//! Events over UDP. The socket is one partition of the stream, whoever sends.
//!
//! Nobody waits here: what comes while the socket's buffer is full is dropped by the system, and
//! counted.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};
use tokio::net::UdpSocket;
use tracing::{info, warn};

use super::datagram::{self, Datagrams};
use super::tcp::{advice, at_first};
use super::together::Turn;
use super::{Inlet, Running, Source, only};

/// A datagram cannot be larger.
const LARGEST: usize = u16::MAX as usize;

/// What a UDP source is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen, as `host:port`; port 0 takes a free one.
    pub listen: String,
    /// How many bytes the system is asked to keep for the source.
    pub receive_buffer: usize,
}

/// A socket that has its address and is not read yet.
#[derive(Debug)]
pub struct Receiver {
    socket: UdpSocket,
    drops: Drops,
    /// The buffer that was asked for and the one that the system gave.
    buffer: (usize, usize),
}

/// The address cannot be taken.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen at {address}: {error}{}", advice(error))]
pub struct OpenError {
    address: String,
    error: io::Error,
}

impl Receiver {
    /// Takes the address.
    ///
    /// # Errors
    /// When it cannot be found or taken.
    pub async fn bind(settings: &Settings) -> Result<Receiver, OpenError> {
        let bound = at_first(&settings.listen, |address| listen_at(address, settings.receive_buffer)).await;
        bound.map_err(|error| OpenError { address: settings.listen.clone(), error })
    }
}

fn listen_at(address: SocketAddr, buffer: usize) -> io::Result<Receiver> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    // The system gives at most what `net.core.rmem_max` allows, and says nothing.
    socket.set_recv_buffer_size(buffer)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    // Linux says the double, because it counts its own records of the datagrams too.
    let given = socket.recv_buffer_size()? / 2;
    let drops = Drops::of(&socket, address);
    Ok(Receiver { socket: UdpSocket::from_std(socket.into())?, drops, buffer: (buffer, given) })
}

impl Source for Receiver {
    fn announce(&self, inlets: &[Inlet]) {
        match self.socket.local_addr() {
            Ok(address) => super::announce(inlets, "listening", &address),
            Err(error) => warn!(%error, "the system does not say which address it gave"),
        }
        let (asked, given) = self.buffer;
        if given < asked {
            let source = &inlets[0].identity.name;
            info!(
                %source,
                asked,
                given,
                "the system keeps less for this source than `receive_buffer` asks for: `net.core.rmem_max` limits it"
            );
        }
    }

    fn run(self: Box<Self>, inlets: Vec<Inlet>, turn: Turn) -> Running {
        Box::pin(datagram::read(*self, LARGEST, only(inlets), turn))
    }
}

impl Datagrams for Receiver {
    async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    fn try_receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.try_recv(buffer)
    }

    fn dropped(&self) -> Option<u64> {
        self.drops.total()
    }
}

/// Where the system says how many datagrams it has dropped for a socket.
#[derive(Debug)]
struct Drops {
    list: &'static str,
    inode: Option<u64>,
}

impl Drops {
    #[cfg(target_os = "linux")]
    fn of(socket: &Socket, address: SocketAddr) -> Drops {
        use std::os::fd::AsRawFd;
        use std::os::unix::fs::MetadataExt;
        let list = if address.is_ipv4() { "/proc/self/net/udp" } else { "/proc/self/net/udp6" };
        let path = format!("/proc/self/fd/{}", socket.as_raw_fd());
        Drops { list, inode: std::fs::metadata(path).ok().map(|socket| socket.ino()) }
    }

    #[cfg(not(target_os = "linux"))]
    fn of(_socket: &Socket, _address: SocketAddr) -> Drops {
        Drops { list: "", inode: None }
    }

    fn total(&self) -> Option<u64> {
        find(&std::fs::read_to_string(self.list).ok()?, self.inode?)
    }
}

/// The number of drops in the system's list of sockets: the columns are those of proc(5), of which
/// the tenth is the inode and the last counts drops.
fn find(list: &str, inode: u64) -> Option<u64> {
    let inode = inode.to_string();
    list.lines().skip(1).find_map(|line| {
        let mut columns = line.split_ascii_whitespace();
        (columns.nth(9)? == inode).then(|| columns.last()?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_found_by_the_inode() {
        let list = "\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 5524: 0100007F:96D6 00000000:0000 07 00000000:007FFD00 00:00000000 00000000     0        0 627044 2 00000000263c6dc6 93447
11377: 0100007F:EDB3 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 627045 2 00000000941595c7 0
";
        assert_eq!(find(list, 627_044), Some(93_447));
        assert_eq!(find(list, 627_045), Some(0));
        assert_eq!(find(list, 2), None);
        assert_eq!(find("", 2), None);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_system_tells_what_it_drops() {
        let settings = Settings { listen: "127.0.0.1:0".into(), receive_buffer: 4 << 10 };
        let receiver = Receiver::bind(&settings).await.expect("a free port");
        let address = receiver.socket.local_addr().expect("it is bound");
        assert_eq!(receiver.dropped(), Some(0));
        let sender = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
        for _ in 0..200 {
            sender.send_to(&[b'x'; 1000], address).expect("sent");
        }
        let mut buffer = [0; 2000];
        receiver.readable().await.expect("some have come");
        let received = std::iter::from_fn(|| receiver.try_receive(&mut buffer).ok()).count() as u64;
        assert!((1..200).contains(&received), "{received}");
        assert_eq!(receiver.dropped(), Some(200 - received));
    }
}
