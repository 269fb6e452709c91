//! Ports for who has to be told where to listen: services that begin anew where they were, and programs that cannot be asked
//! which port they took.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

/// Ports below the ephemeral ones, which begin at 32768 on Linux: nobody who asks for any port is given one of these, and no
/// connection to somebody else goes out from one.
const RANGE: Range<u16> = 10_000..32_000;

/// Where a port is held, so that it can be listened at meanwhile.
const HELD_AT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A port of 127.0.0.1, for TCP and UDP, that nobody listens at. No other test is given it, of this process or of another, until
/// this process ends.
pub fn own_port() -> u16 {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    // Processes that run at the same time begin at different places, which saves them most of the attempts.
    let first = std::process::id().wrapping_mul(97);
    for _ in RANGE {
        let next = first.wrapping_add(ASKED.fetch_add(1, Ordering::Relaxed));
        let offset = next % u32::from(RANGE.end - RANGE.start);
        let port = RANGE.start + u16::try_from(offset).expect("it is in the range");
        let Ok(held) = TcpListener::bind((HELD_AT, port)) else { continue };
        let address = (Ipv4Addr::LOCALHOST, port);
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            std::mem::forget(held);
            return port;
        }
    }
    panic!("no port of {RANGE:?} is free");
}
