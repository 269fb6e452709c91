//! Sends the lines over TCP, a connection for each stream, at a steady rate. A service that cannot
//! keep up slows it down: TCP then stops taking bytes.

use std::io::{BufWriter, Write};
use std::net::TcpStream;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::generator::{Generator, STREAMS};

/// Lines go out in bursts this often.
const BURSTS_PER_SECOND: u64 = 50;

/// How many lines were sent, and the connections, still open; or what went wrong.
pub type Sent = Result<(u64, Vec<TcpStream>), String>;

/// Sends everything that `generator` makes over `connections`, one for each of [`STREAMS`].
pub fn start(generator: Generator, connections: Vec<TcpStream>, rate: u64) -> JoinHandle<Sent> {
    thread::spawn(move || send(generator, connections, rate))
}

fn send(generator: Generator, connections: Vec<TcpStream>, rate: u64) -> Sent {
    let mut writers: Vec<_> =
        connections.into_iter().map(|connection| BufWriter::with_capacity(64 << 10, connection)).collect();
    let burst = (rate / BURSTS_PER_SECOND).max(1);
    let started = Instant::now();
    let mut lines = 0;
    for line in generator {
        let writer = &mut writers[line.stream];
        writeln!(writer, "{}", line.json)
            .map_err(|error| format!("cannot send to {}: {error}", STREAMS[line.stream].name))?;
        lines += 1;
        if lines % burst == 0 {
            flush(&mut writers)?;
            let due = Duration::from_secs_f64(lines as f64 / rate as f64);
            thread::sleep(due.saturating_sub(started.elapsed()));
        }
    }
    flush(&mut writers)?;
    let connections = writers.into_iter().map(|writer| writer.into_inner().map_err(|e| e.to_string()));
    Ok((lines, connections.collect::<Result<_, _>>()?))
}

fn flush(writers: &mut [BufWriter<TcpStream>]) -> Result<(), String> {
    writers.iter_mut().try_for_each(|writer| writer.flush().map_err(|error| format!("cannot send: {error}")))
}
