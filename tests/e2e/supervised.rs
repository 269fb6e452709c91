//! What the service tells systemd, at a socket as systemd has it.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

use crate::harness::{Folder, PATIENCE, RULES, Service, TCP, event};
use crate::receiver::{Gate, Receiver};

/// Somebody who listens as systemd does.
struct Systemd {
    socket: UnixDatagram,
    /// Lines that have come and have not been looked at.
    lines: VecDeque<String>,
    /// The folder of the socket.
    folder: Folder,
}

impl Systemd {
    fn new() -> Systemd {
        let folder = Folder::new();
        let socket = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        Systemd { socket, lines: VecDeque::new(), folder }
    }

    /// Starts a service whose watchdog bites after so many microseconds.
    fn start(&self, rules: &str, config: &str, watchdog: &str) -> Service {
        let folder = Folder::new();
        folder.write("rules/test.trip", rules);
        folder.write("tripline.toml", format!("rules = \"rules\"\n{config}"));
        let path = self.folder.path().join("notify");
        let variables = [("NOTIFY_SOCKET", path.as_os_str()), ("WATCHDOG_USEC", OsStr::new(watchdog))];
        Service::launch_with(folder, Stdio::null(), variables)
    }

    /// The next line.
    fn next(&mut self) -> String {
        while self.lines.is_empty() {
            let mut datagram = vec![0; 64 << 10];
            let length = self.socket.recv(&mut datagram).expect("something is said");
            let text = std::str::from_utf8(&datagram[..length]).expect("text");
            self.lines.extend(text.lines().map(str::to_owned));
        }
        self.lines.pop_front().expect("it is not empty")
    }

    /// Waits for a line that begins so; gives those before it.
    fn until(&mut self, wanted: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            let line = self.next();
            if line.starts_with(wanted) {
                return before;
            }
            before.push(line);
        }
    }
}

#[test]
fn systemd_hears_of_the_start_the_work_and_the_end() {
    let mut systemd = Systemd::new();
    let sink = "shutdown_timeout = \"20s\"\n[sinks.desk]\ntype = \"stdout\"\n";
    let sink = sink.split_once('\n').expect("two parts");
    let config = format!("{}\n{TCP}{}", sink.0, sink.1);
    let mut service = systemd.start(RULES, &config, "2000000");
    let before = systemd.until("READY=1");
    assert!(before.iter().all(|line| !line.starts_with("STOPPING")), "{before:?}");
    assert!(before.contains(&"STATUS=starts: loads its state".to_owned()), "{before:?}");
    systemd.until("STATUS=takes events: 0 so far, 0 alerts, event time ");
    (0..3).for_each(|_| drop(systemd.until("WATCHDOG=1")));
    service.connect("auth").write_all(event(1, 500.0).as_bytes()).expect("it reads");
    systemd.until("STATUS=takes events: 1 so far, 1 alerts, ");
    service.signal("TERM");
    let before = systemd.until("STOPPING=1");
    assert!(before.iter().all(|line| line == "WATCHDOG=1" || line.starts_with("STATUS=")), "{before:?}");
    // What stopping may take, and a little more.
    assert_eq!(systemd.next(), "EXTEND_TIMEOUT_USEC=30000000");
    assert!(service.end().status.success());
}

/// Without a store, a sink that takes nothing makes the engine wait. It does not hang for that: whoever restarted it
/// would lose the alerts.
#[test]
fn an_engine_that_waits_for_a_sink_does_not_hang() {
    const EVENTS: usize = 60;
    let (mut systemd, gate) = (Systemd::new(), Gate::default());
    let receiver = Receiver::gated([], gate.clone());
    // One event a batch: there is room for some batches of alerts on the way to the sink.
    let sink = receiver.sink("desk", "queue = 1\nconcurrency = 1");
    let config = format!("[limits]\nbatch_events = 1\n{TCP}{sink}");
    let mut service = systemd.start(RULES, &config, "400000");
    let events: String = (0..EVENTS).map(|id| event(id, 500.0)).collect();
    service.connect("auth").write_all(events.as_bytes()).expect("it reads");
    assert_eq!(receiver.next().event(), "0", "the first one is under way, and waits for its answer");
    systemd.until("READY=1");
    // Several times as long as the watchdog waits.
    for _ in 0..30 {
        let before = systemd.until("WATCHDOG=1");
        assert!(!before.iter().any(|line| line.contains("trigger")), "{before:?}");
    }
    gate.open();
    (1..EVENTS).for_each(|id| assert_eq!(receiver.next().event(), id.to_string()));
    assert!(service.stop().status.success());
}

#[test]
fn systemd_waits_for_a_service_that_begins_anew() {
    let (mut systemd, state) = (Systemd::new(), Folder::new());
    let config = format!(
        "[state]\npath = \"{}\"\n{TCP}[sinks.desk]\ntype = \"stdout\"\n",
        state.path().join("state").display()
    );
    let mut service = systemd.start(RULES, &config, "60000000");
    systemd.until("READY=1");
    service.signal("HUP");
    systemd.until("RELOADING=1");
    let monotonic = systemd.next();
    assert!(monotonic.starts_with("MONOTONIC_USEC="), "{monotonic}");
    let meanwhile = systemd.until("READY=1");
    assert!(!meanwhile.iter().any(|line| line.starts_with("STOPPING")), "{meanwhile:?}");
    service.wait_for("began anew", |_| true);
    // What is wrong is said, and the service is what it was.
    service.folder.write("rules/test.trip", "rule");
    service.signal("HUP");
    systemd.until("RELOADING=1");
    systemd.until("READY=1");
    service.wait_for("does not begin anew", |_| true);
    service.signal("TERM");
    systemd.until("STOPPING=1");
    assert!(service.end().status.success());
}
