//! As many events as the service takes, while a thousand readers follow its alerts over the API, some of which do not read.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::common::live;
use crate::common::sender::{End, Settings};
use crate::common::traffic::{Plan, Traffic};
use crate::drive::{Load, Run};
use crate::harness::{Folder, PATIENCE};
use crate::options::Options;
use crate::throughput::{CHUNK, file_sinks};

/// How many readers there are.
const READERS: usize = 1_000;
/// Every one of so many does not read what it is sent.
const STALLED: usize = 10;
/// So often it is measured with readers and without, one after the other, as the machine is not always equally fast.
const ROUNDS: usize = 3;
/// How often each reader looks whether something has come.
const EVERY: Duration = Duration::from_millis(250);

/// Measures and prints.
pub fn run(options: &Options) {
    raise_the_limit_of_files();
    let cards = options.cards.unwrap_or(100_000);
    let seconds = options.seconds.unwrap_or(10);
    println!(
        "readers: {ROUNDS} times {seconds} s without and with {READERS} readers of `/v1/alerts/stream`, of which {} do not read",
        READERS / STALLED
    );
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let [without, with] = [0, READERS].map(|readers| {
            let plan = Plan { cards, connections: options.connections, chunk: CHUNK, in_order: false };
            let mut traffic = Traffic::prepare(plan);
            let settings = Settings {
                rate: options.rate,
                ahead: options.ahead,
                end: End::After(Duration::from_secs(seconds)),
            };
            let (run, read) = measure(&mut traffic, settings, readers);
            println!("{readers} readers, who have read {read} bytes:");
            run.print(&traffic);
            events_per_second(&run, &traffic)
        });
        ratios.push(with / without);
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "With readers the service took {:.3} times as many events a second (median of {ROUNDS}).",
        ratios[ROUNDS / 2]
    );
}

fn events_per_second(run: &Run, traffic: &Traffic) -> f64 {
    traffic.lines(run.sent.chunks) as f64 / run.seconds
}

/// Sends the traffic while so many read; gives how many bytes they have read.
fn measure(traffic: &mut Traffic, settings: Settings, readers: usize) -> (Run, u64) {
    let config = live::configuration(live::example_rules(), traffic, &file_sinks());
    let config = format!("{config}\n[api]\nlisten = \"127.0.0.1:0\"\n");
    let mut load = Load::start(Folder::new(), config, traffic, Stdio::null());
    let api = load.api();
    let streams: Vec<TcpStream> = (0..readers).map(|_| follow(api)).collect();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reading = scope.spawn(|| read(&streams, &is_over));
        let run = load.run(traffic, settings, |_| ());
        is_over.store(true, Ordering::Relaxed);
        (run, reading.join().expect("it reads"))
    })
}

/// A reader whose request was answered.
fn follow(api: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(api).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream
        .write_all(format!("GET /v1/alerts/stream HTTP/1.1\r\nhost: {api}\r\n\r\n").as_bytes())
        .expect("it reads");
    let mut head = [0; 12];
    stream.read_exact(&mut head).expect("it answers");
    assert_eq!(&head, b"HTTP/1.1 200", "it lets a reader in");
    stream.set_nonblocking(true).expect("a TCP connection");
    stream
}

/// Reads what has come until it is over, but for those that do not read.
fn read(streams: &[TcpStream], is_over: &AtomicBool) -> u64 {
    let (mut total, mut buffer) = (0, vec![0; 64 << 10]);
    while !is_over.load(Ordering::Relaxed) {
        for (_, mut stream) in streams.iter().enumerate().filter(|(index, _)| index % STALLED != 0) {
            loop {
                match stream.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => total += count as u64,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => panic!("a reader was cut off: {error}"),
                }
            }
        }
        thread::sleep(EVERY);
    }
    total
}

/// Each reader is an open file, here and in the service, which inherits the limit.
fn raise_the_limit_of_files() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("the system tells");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("it is allowed");
}
