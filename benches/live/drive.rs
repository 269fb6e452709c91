//! Sends traffic to a service and takes down what it uses while it works.

use std::net::{SocketAddr, TcpStream};
use std::process::{ChildStdout, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::live;
use crate::common::sender::{Pace, Sent, Settings};
use crate::common::traffic::Traffic;
use crate::harness::{Ended, Folder, Service};
use crate::usage::{self, Memory};

/// How often memory and progress are looked at.
const EVERY: Duration = Duration::from_millis(100);

/// A service that is ready for the traffic.
pub struct Load {
    service: Service,
    connections: Vec<TcpStream>,
    children_cpu_s: f64,
}

/// What is seen of a service at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Time since the sending began.
    pub at: Duration,
    /// Lines that were sent by then.
    pub lines: u64,
    /// The service's memory, where the system tells it.
    pub memory: Option<Memory>,
}

/// What a run took.
pub struct Run {
    /// What was sent.
    pub sent: Sent,
    /// How it was sent.
    pub pace: Pace,
    /// From the first byte until the service had worked everything off.
    pub seconds: f64,
    /// What was seen meanwhile.
    pub samples: Vec<Sample>,
    /// CPU time of the service.
    pub service_cpu_s: f64,
    /// CPU time of this process: the generator and the receiver.
    pub own_cpu_s: f64,
    /// The service's log.
    pub ended: Ended,
}

impl Load {
    /// Starts a service in `folder` and connects to it.
    pub fn start(folder: Folder, config: String, traffic: &Traffic, stdout: Stdio) -> Load {
        folder.write("tripline.toml", config);
        let children_cpu_s = usage::children_cpu_s();
        let mut service = Service::launch(folder, stdout);
        let connections = live::connect(&mut service, traffic);
        Load { service, connections, children_cpu_s }
    }

    /// Where its API listens.
    pub fn api(&mut self) -> SocketAddr {
        self.service.api()
    }

    /// The service's standard output.
    pub fn stdout(&mut self) -> ChildStdout {
        self.service.stdout().expect("it is piped and was not taken")
    }

    /// Sends the traffic and lets the service come to its end. `watch` is called with each sample.
    pub fn run(mut self, traffic: &mut Traffic, settings: Settings, mut watch: impl FnMut(&Sample)) -> Run {
        let own_cpu_s = usage::own_cpu_s();
        let process = self.service.process();
        let pace = Pace::begin(traffic, settings);
        let sample =
            || Sample { at: pace.started().elapsed(), lines: pace.lines(), memory: usage::memory(process) };
        let mut samples = Vec::new();
        let sent = thread::scope(|scope| {
            let sending = scope.spawn(|| {
                let sent = pace.send(&mut traffic.lanes, self.connections.iter().collect());
                live::finish(self.connections);
                sent
            });
            while !sending.is_finished() {
                samples.push(sample());
                watch(&samples[samples.len() - 1]);
                let next = pace.started() + EVERY * samples.len() as u32;
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
            sending.join().expect("everything is sent")
        });
        samples.push(sample());
        self.service.signal("TERM");
        // The totals are logged when everything has been worked off and delivered.
        self.service.wait_for("total", |_| true);
        let seconds = pace.started().elapsed().as_secs_f64();
        samples.push(sample());
        let own_cpu_s = usage::own_cpu_s() - own_cpu_s;
        let ended = self.service.end();
        let service_cpu_s = usage::children_cpu_s() - self.children_cpu_s;
        Run { sent, pace, seconds, samples, service_cpu_s, own_cpu_s, ended }
    }
}

impl Run {
    /// The most memory that the service has taken, where the system tells it.
    pub fn peak_mb(&self) -> Option<f64> {
        self.samples.iter().filter_map(|sample| sample.memory).map(|memory| memory.peak_mb).reduce(f64::max)
    }

    /// Asserts that nothing was lost, and prints what the run took.
    pub fn print(&self, traffic: &Traffic) {
        let alerts = live::assert_nothing_is_lost(&self.ended, traffic, self.sent.chunks);
        let events = traffic.lines(self.sent.chunks) as f64;
        println!(
            "{:>12} {:>9} {:>10} {:>22} {:>22} {:>9} {:>8}",
            "events",
            "seconds",
            "events/s",
            "service CPU µs/event",
            "sender CPU µs/event",
            "peak MB",
            "alerts"
        );
        println!(
            "{events:>12} {:>9.2} {:>10.0} {:>22.2} {:>22.2} {:>9} {alerts:>8}",
            self.seconds,
            events / self.seconds,
            self.service_cpu_s * 1e6 / events,
            self.own_cpu_s * 1e6 / events,
            self.peak_mb().map_or("unknown".to_owned(), |peak| format!("{peak:.0}")),
        );
    }
}

/// The streams of the traffic, for a heading.
pub fn streams(traffic: &Traffic) -> String {
    let names: Vec<&str> = traffic.lanes.iter().map(|lane| lane.stream.name).collect();
    let plural = if names.len() == 1 { "" } else { "s" };
    format!(
        "{} connection{plural} ({}), lines of {:.0} bytes",
        names.len(),
        names.join(", "),
        traffic.line_bytes
    )
}
