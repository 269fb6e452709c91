//! Clients that know what of theirs was accepted: over TCP with acknowledgements, and over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;

use crate::watched::{PATIENCE, Watched};

/// How a client talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Records over TCP. The server says how many it has accepted.
    Tcp,
    /// Bodies over HTTP. The server answers each.
    Http,
}

/// What a client was told.
#[derive(Debug, Default)]
pub struct Told {
    /// How many records, or bodies, have been accepted.
    pub accepted: usize,
    /// The last answer that is none of success.
    pub refused: Option<u16>,
    /// How many answers those are.
    pub refusals: usize,
    /// What the last of them says.
    pub why: String,
    /// Whether the connection has ended.
    pub has_ended: bool,
}

/// A connection.
pub struct Client {
    wire: Wire,
    stream: TcpStream,
    pub told: Watched<Told>,
}

impl Client {
    pub fn connect(wire: Wire, address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("it listens");
        let _ = stream.set_nodelay(true);
        let read = BufReader::new(stream.try_clone().expect("a socket"));
        let told = Watched::<Told>::default();
        let telling = told.clone();
        thread::spawn(move || {
            match wire {
                Wire::Tcp => read_counts(read, &telling),
                Wire::Http => read_answers(read, &telling),
            };
            telling.change(|told| told.has_ended = true);
        });
        stream.set_write_timeout(Some(PATIENCE)).expect("a time-out");
        Client { wire, stream, told }
    }

    /// The address that it has.
    pub fn address(&self) -> SocketAddr {
        self.stream.local_addr().expect("it is connected")
    }

    /// Sends lines: one or more records, or one body. What cannot be sent any more is lost.
    pub fn send(&mut self, stream: &str, lines: &str) {
        let _ = match self.wire {
            Wire::Tcp => self.stream.write_all(lines.as_bytes()),
            Wire::Http => {
                let length = lines.len();
                let head = format!(
                    "POST /v1/events/{stream} HTTP/1.1\r\nhost: t\r\ncontent-length: {length}\r\n\r\n"
                );
                self.stream.write_all(format!("{head}{lines}").as_bytes())
            }
        };
    }

    /// Waits until so many have been accepted. False when the connection ends before.
    pub fn wait_for(&self, count: usize) -> bool {
        let settled = self.told.wait(|told| match told.accepted {
            accepted if accepted >= count => Some(true),
            _ => told.has_ended.then_some(false),
        });
        settled.unwrap_or_else(|| panic!("{count} are not accepted: {:?}", self.told.look()))
    }

    /// Ends the connection, and waits until the server has.
    pub fn close(self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        assert!(self.told.wait(|told| told.has_ended.then_some(())).is_some(), "the server goes on");
    }
}

fn read_counts(mut read: BufReader<TcpStream>, telling: &Watched<Told>) -> Option<()> {
    loop {
        let mut line = String::new();
        read.read_line(&mut line).ok()?;
        // The last one may have come in part.
        let count = line.strip_suffix('\n')?.parse().ok()?;
        telling.change(|told| {
            assert!(count > told.accepted, "a count that does not grow: {count} after {}", told.accepted);
            told.accepted = count;
        });
    }
}

fn read_answers(mut read: BufReader<TcpStream>, telling: &Watched<Told>) -> Option<()> {
    loop {
        let mut line = String::new();
        read.read_line(&mut line).ok()?;
        let status: u16 = line.split(' ').nth(1)?.parse().ok()?;
        let mut length = 0;
        while line != "\r\n" {
            line.clear();
            if read.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        read.read_exact(&mut body).ok()?;
        telling.change(|told| match status {
            202 => told.accepted += 1,
            other => {
                told.refused = Some(other);
                told.refusals += 1;
                told.why = String::from_utf8_lossy(&body).into_owned();
            }
        });
    }
}
