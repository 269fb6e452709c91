//! The service as it runs: started from a configuration, watched through its log, and what it took.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::usage::{self, Memory};

/// How long something in the log is waited for.
const PATIENCE: Duration = Duration::from_secs(300);

/// A service that runs.
pub struct Service {
    child: Child,
    begun: Instant,
    /// CPU time of what had ended before it.
    before_s: f64,
    log: Receiver<(Instant, String)>,
    seen: Vec<(Instant, Value)>,
}

/// What a service took from its start to its end.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// CPU time in seconds.
    pub cpu_s: f64,
    /// Time on the clock in seconds.
    pub wall_s: f64,
}

impl Service {
    /// Starts a service in a folder, with this configuration.
    pub fn start(binary: &Path, folder: &Path, config: &str) -> Service {
        fs::write(folder.join("tripline.toml"), config).expect("the configuration can be written");
        let before_s = usage::children_cpu_s();
        let begun = Instant::now();
        let mut child = Command::new(binary)
            .args(["run", "--log-format", "json", "--log-level", "info"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let (sender, log) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        Service { child, begun, before_s, log, seen: Vec::new() }
    }

    /// Waits for a line of the log with this message, of a source if one is named. Returns it, and how many
    /// seconds after the start it came.
    pub fn wait_for(&mut self, message: &str, source: Option<&str>) -> (f64, Value) {
        let fits = |line: &Value| {
            let is_of_source = source.is_none_or(|source| line["source"] == source);
            line["message"].as_str().is_some_and(|text| text.contains(message)) && is_of_source
        };
        let deadline = Instant::now() + PATIENCE;
        let mut next = 0;
        loop {
            while let Some((at, line)) = self.seen.get(next) {
                if fits(line) {
                    return ((*at - self.begun).as_secs_f64(), line.clone());
                }
                next += 1;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.log.recv_timeout(left) else {
                panic!("no log line `{message}` in:\n{}", self.text());
            };
            self.keep(line);
        }
    }

    /// Waits until the log has so many lines with this message. Returns how many seconds after the start the
    /// last of them came.
    pub fn wait_for_all(&mut self, message: &str, many: usize) -> f64 {
        let fits = |line: &Value| line["message"].as_str().is_some_and(|text| text.contains(message));
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some((at, _)) = self.seen.iter().filter(|(_, line)| fits(line)).nth(many - 1) {
                return (*at - self.begun).as_secs_f64();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.log.recv_timeout(left) else {
                panic!("fewer than {many} log lines `{message}` in:\n{}", self.text());
            };
            self.keep(line);
        }
    }

    /// Its memory now, where the system tells it.
    pub fn memory(&self) -> Option<Memory> {
        usage::memory(self.child.id())
    }

    /// Sends a file to a source, as fast as it takes it, and waits until it has.
    pub fn send(&mut self, source: &str, file: &Path) {
        let (_, line) = self.wait_for("listening", Some(source));
        let address = line["address"].as_str().expect("an address");
        let mut connection = TcpStream::connect(address).expect("it listens");
        let mut file = File::open(file).expect("the file is there");
        io::copy(&mut file, &mut connection).expect("the service takes everything");
        connection.shutdown(Shutdown::Write).expect("the connection is open");
        let answer = connection.read(&mut [0]).expect("the service closes the connection");
        assert_eq!(answer, 0, "the service sends nothing");
    }

    /// Asks it to stop, once it has done what it was given.
    pub fn stop(self) -> Took {
        let kill = format!("kill -TERM {}", self.child.id());
        let status = Command::new("sh").arg("-c").arg(kill).status().expect("a shell");
        assert!(status.success(), "the service has ended already:\n{}", self.text());
        self.end()
    }

    /// Waits until it has ended.
    pub fn end(mut self) -> Took {
        while let Ok(line) = self.log.recv_timeout(PATIENCE) {
            self.keep(line);
        }
        let status = self.child.wait().expect("it has ended");
        let wall_s = self.begun.elapsed().as_secs_f64();
        assert!(status.success(), "the service failed:\n{}", self.text());
        Took { cpu_s: usage::children_cpu_s() - self.before_s, wall_s }
    }

    fn keep(&mut self, (at, line): (Instant, String)) {
        self.seen.push((at, serde_json::from_str(&line).unwrap_or(Value::String(line))));
    }

    fn text(&self) -> String {
        self.seen.iter().map(|(_, line)| format!("{line}\n")).collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
