//! Records as datagrams.

use std::io;
use std::net::{ToSocketAddrs, UdpSocket};
use std::time::Duration;

use super::{SendError, Unsent};

/// The largest datagram.
pub const LARGEST: usize = 65_507;
/// How many bytes of datagrams are sent at once, and how long to pause then.
const BURST: usize = 64 << 10;
const PAUSE: Duration = Duration::from_millis(5);

/// A socket that sends to an address.
pub fn udp(address: &str) -> io::Result<UdpSocket> {
    let to = address.to_socket_addrs()?.next();
    let to = to.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))?;
    let socket = UdpSocket::bind(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    socket.connect(to)?;
    Ok(socket)
}

/// Sends each record by itself, with pauses, since what comes too fast is dropped.
pub fn send(records: &[Vec<u8>], send: impl Fn(&[u8]) -> io::Result<usize>) -> Result<(), Unsent> {
    if let Some(record) = records.iter().find(|record| record.len() > LARGEST) {
        return Err(SendError::TooLarge(record.len()).into());
    }
    let mut since_pause = 0;
    for (received, record) in records.iter().enumerate() {
        send(record).map_err(|error| Unsent { received, error: error.into() })?;
        since_pause += record.len();
        if since_pause >= BURST {
            std::thread::sleep(PAUSE);
            since_pause = 0;
        }
    }
    Ok(())
}
