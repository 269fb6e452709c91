//! Starts the service and reads its log.

#[path = "../common/binary.rs"]
mod binary;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub use binary::tripline;

use crate::ports::own_port;

/// How long a test waits for something that should come.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A stream by time of arrival, and a rule that reports each event above 100.
pub const RULES: &str = r#"
stream auth {
  id     string
  card   string
  amount float
}

rule big {
  by card
  event big = auth where amount > 100
  match big
  alert high "{card} spent {big.amount}" { id = big.id }
  to desk
}
"#;

/// A TCP source of [`RULES`]' stream.
pub const TCP: &str = "[sources.auth]\ntype = \"tcp\"\nstream = \"auth\"\nlisten = \"127.0.0.1:0\"\n";

/// [`TCP`] at a port that is there again when the service begins anew, or another takes its place.
pub fn tcp_again() -> String {
    TCP.replace(":0", &format!(":{}", own_port()))
}

/// A folder with files in it.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, content).expect("a file");
        path
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).expect("a file")
    }

    /// Runs the binary here to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, b"")
    }

    /// The same with standard input.
    pub fn run_with(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = tripline()
            .args(arguments)
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        let input = input.to_vec();
        // What does not read its input closes it early.
        let writer = thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().expect("it ends");
        writer.join().expect("the writer does not panic");
        output
    }

    /// Runs a command that has to do what it is asked; gives what it prints as JSON.
    #[allow(dead_code, reason = "not all who start the service ask it something")]
    pub fn ask(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        serde_json::from_str(text(&output.stdout)).expect("JSON")
    }
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("output is UTF-8")
}

/// An event of [`RULES`]' stream as a line.
pub fn event(id: impl std::fmt::Display, amount: f64) -> String {
    format!("{{\"id\":\"{id}\",\"card\":\"c\",\"amount\":{amount}}}\n")
}

/// A running service.
pub struct Service {
    child: Child,
    /// Kept until the service has ended.
    pub folder: Folder,
    log: Receiver<String>,
    seen: Vec<String>,
}

impl Service {
    /// Starts a service with these rules and this configuration (without `rules`), and waits until it
    /// is ready.
    pub fn start(rules: &str, config: &str) -> Service {
        Service::start_in(Folder::new(), rules, config)
    }

    /// The same in a folder that holds what the rules read.
    pub fn start_in(folder: Folder, rules: &str, config: &str) -> Service {
        folder.write("rules/test.trip", rules);
        folder.write("tripline.toml", format!("rules = \"rules\"\n{config}"));
        Service::launch(folder, Stdio::null())
    }

    /// Starts a service with the `tripline.toml` that is in the folder, and waits until it is ready.
    pub fn launch(folder: Folder, stdout: Stdio) -> Service {
        Service::launch_with(folder, stdout, [])
    }

    /// The same with variables in its environment.
    pub fn launch_with<'a>(
        folder: Folder,
        stdout: Stdio,
        variables: impl IntoIterator<Item = (&'a str, &'a OsStr)>,
    ) -> Service {
        let mut child = tripline()
            .args(["run", "--log-format", "json"])
            .envs(variables)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let (lines, log) = channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
        let mut service = Service { child, folder, log, seen: Vec::new() };
        service.wait_for("ready", |_| true);
        service
    }

    /// The first line of the log with that message that fits, whether it has been seen or is still to
    /// come.
    pub fn wait_for(&mut self, message: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let matching = |line: &str| {
            let value: Value = serde_json::from_str(line).ok()?;
            (value["message"].as_str()?.contains(message) && fits(&value)).then_some(value)
        };
        if let Some(found) = self.seen.iter().find_map(|line| matching(line)) {
            return found;
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.log.recv_timeout(left) else {
                panic!("no log line `{message}` in:\n{}", self.seen.join("\n"));
            };
            self.seen.push(line);
            if let Some(found) = matching(self.seen.last().expect("just pushed")) {
                return found;
            }
        }
    }

    /// Waits for the next line of the log, whatever it says.
    #[allow(dead_code, reason = "the tests with Kafka use it")]
    pub fn wait_for_next(&mut self) {
        let line = self.log.recv_timeout(PATIENCE);
        self.seen
            .push(line.unwrap_or_else(|_| panic!("nothing more is said after:\n{}", self.seen.join("\n"))));
    }

    /// The lines of the log with that text, of those up to the last one that was waited for: the service is
    /// ready.
    pub fn seen(&self, text: &str) -> Vec<&String> {
        self.seen.iter().filter(|line| line.contains(text)).collect()
    }

    /// Where a source listens.
    pub fn address(&mut self, source: &str) -> SocketAddr {
        let line = self.wait_for("listening", |line| line["source"] == source);
        line["address"].as_str().expect("an address").parse().expect("an address")
    }

    /// Where the API listens.
    #[allow(dead_code, reason = "not all who start the service ask it something")]
    pub fn api(&mut self) -> SocketAddr {
        let line = self.wait_for("the API listens", |line| line["address"].is_string());
        line["address"].as_str().expect("an address").parse().expect("an address")
    }

    /// A connection to a source.
    pub fn connect(&mut self, source: &str) -> TcpStream {
        let stream = TcpStream::connect(self.address(source)).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        stream
    }

    /// The number of its process.
    #[allow(dead_code, reason = "the live benchmark asks for it")]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Its standard output, when that is piped; once.
    #[allow(dead_code, reason = "the live benchmark reads it")]
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").arg("-c").arg(kill).status().expect("a shell");
        assert!(status.success());
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(mut self) -> Ended {
        self.signal("TERM");
        self.end()
    }

    /// Waits until it has ended.
    pub fn end(&mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        // The log ends when the process does.
        while let Ok(line) = self.log.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.seen.push(line);
        }
        assert!(Instant::now() < deadline, "it does not stop:\n{}", self.seen.join("\n"));
        let status = self.child.wait().expect("it has ended");
        Ended { status, log: std::mem::take(&mut self.seen) }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if thread::panicking() {
            let log: Vec<String> = self.seen.drain(..).chain(self.log.try_iter()).collect();
            eprintln!("the log of the service:\n{}", log.join("\n"));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A service that has ended.
pub struct Ended {
    pub status: ExitStatus,
    log: Vec<String>,
}

impl Ended {
    /// The lines of the log with that message.
    pub fn lines(&self, message: &str) -> Vec<Value> {
        let values = self.log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        values.filter(|line| line["message"].as_str().is_some_and(|text| text.contains(message))).collect()
    }

    /// The totals that it logged for a source or sink.
    pub fn total(&self, kind: &str, name: &str) -> Value {
        let found = self.lines("total").into_iter().find(|line| line[kind] == name);
        found.unwrap_or_else(|| panic!("no totals of {name} in:\n{}", self.log.join("\n")))
    }

    /// The whole log.
    pub fn log(&self) -> String {
        self.log.join("\n")
    }
}
