//! The service as a process that is started and ended in every way, and what it logs.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};

use serde_json::Value;

use crate::binary::tripline;
use crate::watched::Watched;

/// What it has logged so far.
#[derive(Debug, Default)]
pub struct Log {
    /// Its lines, as they are.
    pub text: Vec<String>,
    /// Those of them that are JSON.
    pub lines: Vec<Value>,
    /// Whether it has ended.
    pub has_ended: bool,
}

impl Log {
    /// The first line with that message.
    pub fn find(&self, message: &str, fits: impl Fn(&Value) -> bool) -> Option<&Value> {
        self.lines.iter().find(|line| says(line, message) && fits(line))
    }
}

/// Whether a line has that in its message.
pub fn says(line: &Value, message: &str) -> bool {
    line["message"].as_str().is_some_and(|text| text.contains(message))
}

/// The command that runs the service in a folder, where its `tripline.toml` is.
pub fn service(folder: &Path) -> Command {
    let mut command = tripline();
    command.args(["run", "--log-format", "json"]).current_dir(folder);
    command
}

/// A running service.
pub struct Process {
    child: Child,
    pub log: Watched<Log>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts a service and does not wait for anything.
    pub fn spawn(mut command: Command) -> Process {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let log = Watched::<Log>::default();
        let seen = log.clone();
        let reader = thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                seen.change(|log| {
                    log.lines.extend(serde_json::from_str::<Value>(&line));
                    log.text.push(line);
                });
            }
            seen.change(|log| log.has_ended = true);
        });
        Process { child, log, reader: Some(reader) }
    }

    /// Starts a service and waits until it is ready.
    pub fn start(command: Command) -> Process {
        let process = Process::spawn(command);
        process.wait_for("ready", |_| true);
        process
    }

    /// The first line of the log that fits, whether it is there or still to come.
    pub fn wait_for(&self, message: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let found = self.log.wait(|log| match log.find(message, &fits) {
            None if log.has_ended => Some(None),
            None => None,
            found => Some(found.cloned()),
        });
        found.flatten().unwrap_or_else(|| panic!("no log line `{message}` in:\n{}", self.text()))
    }

    /// Where a source listens.
    pub fn address(&self, source: &str) -> SocketAddr {
        let line = self.wait_for("listening", |line| line["source"] == source);
        line["address"].as_str().expect("an address").parse().expect("an address")
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged.
    pub fn text(&self) -> String {
        self.log.look().text.join("\n")
    }

    /// Kills it: it has no time for anything any more.
    pub fn kill(mut self) -> Ended {
        self.child.kill().expect("a child");
        let ended = self.end();
        // It may have come to its own end just before.
        assert!(ended.status.signal() == Some(9) || ended.status.success(), "{}", ended.text());
        ended
    }

    /// Asks it to stop.
    pub fn ask_to_stop(&self) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").arg("-c").arg(kill).status().expect("a shell").success());
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(self) -> Ended {
        self.ask_to_stop();
        self.end()
    }

    /// Waits until it has ended.
    pub fn end(mut self) -> Ended {
        let ended = self.log.wait(|log| log.has_ended.then_some(()));
        assert!(ended.is_some(), "it does not stop:\n{}", self.text());
        let status = self.child.wait().expect("it has ended");
        self.reader.take().expect("it ends once").join().expect("no panic");
        Ended { status, log: std::mem::take(&mut *self.log.look()) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A service that has ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub log: Log,
}

impl Ended {
    /// The whole log.
    pub fn text(&self) -> String {
        self.log.text.join("\n")
    }
}
