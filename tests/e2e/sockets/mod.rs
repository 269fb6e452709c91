//! Sources over sockets, with the real thing at the other end: many clients, slow ones, clients that
//! vanish, certificates of all kinds, floods of datagrams, and `logger`.

mod certificates;
mod client;
mod syslog;
mod tcp;
mod tls;
mod udp;
mod unix;

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::harness::Service;

/// Events with their own time: a rule reports each above 100, as soon as its turn in event time is
/// certain.
const TIMED: &str = r#"
stream auth time at idle 100ms {
  id     string
  card   string
  amount float
  at     timestamp(ms)
}

rule big {
  by card
  event big = auth where amount > 100
  match big
  alert high "{card} spent {big.amount}" { id = big.id }
  to desk
}
"#;

/// A time that the clock will not reach while a test runs: what follows the clock while nothing comes
/// then never makes an event late, however slow the machine is.
fn ahead() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    u64::try_from((now + Duration::from_secs(3600)).as_millis()).expect("it fits")
}

/// An event of [`TIMED`] that is reported if it is above 100.
fn timed(id: &str, amount: u32, at: u64) -> String {
    format!("{{\"id\":\"{id}\",\"card\":\"c\",\"amount\":{amount},\"at\":{at}}}\n")
}

/// Closes a connection without a farewell: the other side gets an error instead of an end.
fn reset(stream: TcpStream) {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("it is a socket");
}

fn send(stream: &mut impl Write, text: &str) {
    stream.write_all(text.as_bytes()).expect("sent");
    stream.flush().expect("sent");
}

/// Waits until a source has rejected a record for a reason.
fn rejected(service: &mut Service, kind: &str) -> Value {
    service.wait_for("rejected a record", |line| line["kind"] == kind)
}
