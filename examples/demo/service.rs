//! The service as a child process: its configuration, its start and its end.

use std::fmt::Write;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::generator::STREAMS;

/// The desks that the example rules send to.
const DESKS: [&str; 4] = ["fraud_desk", "security_desk", "operations", "audit"];
/// How long the service may take to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running service and the folder with its configuration and log.
#[derive(Debug)]
pub struct Service {
    child: Child,
    folder: PathBuf,
    /// Where each of [`STREAMS`] is taken.
    addresses: Vec<SocketAddr>,
    /// Where it can be looked at.
    api: SocketAddr,
}

impl Service {
    /// Starts the service on the example rules, with its alerts sent to `webhook`. It can be looked at at that port, if it
    /// is free.
    ///
    /// # Errors
    /// When the binary has not been built or cannot be started.
    pub fn start(webhook: SocketAddr, port: u16) -> Result<Service, String> {
        let binary = binary()?;
        let folder = std::env::temp_dir().join(format!("tripline-demo-{}", std::process::id()));
        let describe = |what: &str, error: io::Error| format!("cannot {what}: {error}");
        fs::create_dir_all(&folder).map_err(|error| describe("make a temporary folder", error))?;
        let (addresses, api) = free_addresses(port).map_err(|error| describe("find free ports", error))?;
        let config = folder.join("tripline.toml");
        fs::write(&config, configuration(&addresses, api, webhook))
            .map_err(|error| describe("write the configuration", error))?;
        let log = File::create(log_path(&folder)).map_err(|error| describe("write the log", error))?;
        let child = Command::new(&binary)
            .arg("run")
            .arg("--config")
            .arg(&config)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(|error| describe("write the log", error))?)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
        Ok(Service { child, folder, addresses, api })
    }

    /// The folder with the configuration and the log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where it can be looked at.
    pub fn api(&self) -> SocketAddr {
        self.api
    }

    /// A connection for each of [`STREAMS`], as soon as the service listens.
    ///
    /// # Errors
    /// When it does not come up; with its log.
    pub fn connect(&mut self) -> Result<Vec<TcpStream>, String> {
        let deadline = Instant::now() + PATIENCE;
        let mut connections = Vec::new();
        while connections.len() < self.addresses.len() {
            match TcpStream::connect(self.addresses[connections.len()]) {
                Ok(connection) => connections.push(connection),
                Err(_) if self.has_ended() => return Err(self.with_log("the service has ended")),
                Err(_) if Instant::now() > deadline => {
                    return Err(self.with_log("the service does not listen"));
                }
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        }
        Ok(connections)
    }

    /// Asks the service to stop, as an init system would, and waits until it has. The folder is
    /// removed when all went well.
    ///
    /// # Errors
    /// When it does not stop, or not well; with its log.
    pub fn stop(mut self) -> Result<(), String> {
        // The shell's own `kill`, because small systems have no other.
        let kill = format!("kill -TERM {}", self.child.id());
        Command::new("sh")
            .arg("-c")
            .arg(kill)
            .status()
            .map_err(|error| format!("cannot stop it: {error}"))?;
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended() {
            if Instant::now() > deadline {
                return Err(self.with_log("the service does not stop"));
            }
            thread::sleep(Duration::from_millis(20));
        }
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(self.with_log(&format!("the service has ended with {status}")));
        }
        let _ = fs::remove_dir_all(&self.folder);
        Ok(())
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// `what`, with the end of the service's log.
    fn with_log(&self, what: &str) -> String {
        let log = fs::read_to_string(log_path(&self.folder)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(30)..].join("\n");
        format!("{what}; its log in {} ends with:\n{last}", self.folder.display())
    }
}

impl Drop for Service {
    /// A demo that fails leaves no service behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log_path(folder: &Path) -> PathBuf {
    folder.join("tripline.log")
}

/// The `tripline` that was built with this example: it stands one folder above.
fn binary() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = own.parent().and_then(Path::parent).ok_or("this program stands in no folder")?;
    let binary = folder.join(format!("tripline{}", std::env::consts::EXE_SUFFIX));
    if binary.exists() {
        Ok(binary)
    } else {
        Err(format!("{} has not been built: run `make demo`", binary.display()))
    }
}

/// Addresses that were free a moment ago: one for each of [`STREAMS`], and one where the service can be looked at, with
/// that port if it is free.
fn free_addresses(port: u16) -> io::Result<(Vec<SocketAddr>, SocketAddr)> {
    let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    // All are held until all are known, so that they differ.
    let api = free(port).or_else(|_| free(0))?;
    let held: Vec<TcpListener> = STREAMS.iter().map(|_| free(0)).collect::<io::Result<_>>()?;
    let addresses = held.iter().map(TcpListener::local_addr).collect::<io::Result<_>>()?;
    Ok((addresses, api.local_addr()?))
}

/// As it would be in production, so that there is something to see: with a state, and a file for what is no event.
fn configuration(addresses: &[SocketAddr], api: SocketAddr, webhook: SocketAddr) -> String {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut text = format!("rules = '{}'\n", rules.display());
    let _ = write!(text, "\n[api]\nlisten = \"{api}\"\n\n[state]\npath = \"state\"\n");
    let _ = write!(text, "\n[quarantine]\nfile = \"quarantine.jsonl\"\n");
    for (stream, address) in STREAMS.iter().zip(addresses) {
        let name = stream.name;
        let _ =
            write!(text, "\n[sources.{name}]\ntype = \"tcp\"\nstream = \"{name}\"\nlisten = \"{address}\"\n");
    }
    for desk in DESKS {
        let _ = write!(text, "\n[sinks.{desk}]\ntype = \"webhook\"\nurl = \"http://{webhook}/{desk}\"\n");
    }
    text
}
