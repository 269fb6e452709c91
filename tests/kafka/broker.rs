//! A broker of Apache Kafka: one node in KRaft mode, on ports of this machine, from the jars that
//! `scripts/need-kafka` fetches.

use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::ports::own_port;

/// How long a broker may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A broker that runs until it is dropped.
pub struct Broker {
    folder: TempDir,
    port: u16,
    /// Its further listeners, with their ports.
    others: Vec<(&'static str, u16)>,
    process: Option<Process>,
}

/// What a broker has besides an open port.
#[derive(Default)]
pub struct Extras {
    /// Further listeners: their names, and the protocols that they speak.
    pub listeners: &'static [(&'static str, &'static str)],
    /// Further properties, a line each.
    pub properties: String,
    /// Names with passwords, as `SCRAM-SHA-256=[name=…,password=…]`.
    pub credentials: Vec<String>,
}

/// Its process. When the end of the pipe is gone, whyever that is, the broker is stopped at once.
struct Process {
    child: Child,
    _alive: ChildStdin,
}

impl Broker {
    /// Starts a broker with nothing in it.
    pub fn start() -> Broker {
        Broker::start_with(&Extras::default())
    }

    /// The same with something more.
    pub fn start_with(extras: &Extras) -> Broker {
        let folder = tempfile::tempdir().expect("a folder");
        let (port, controller) = (own_port(), own_port());
        let data = folder.path().join("data");
        let others: Vec<(&str, u16)> = extras.listeners.iter().map(|(name, _)| (*name, own_port())).collect();
        let all_at = |host: &str| -> String {
            others.iter().map(|(name, port)| format!(",{name}://{host}:{port}")).collect()
        };
        let (listeners, advertised) = (all_at("127.0.0.1"), all_at("localhost"));
        let protocols: String =
            extras.listeners.iter().map(|(name, protocol)| format!(",{name}:{protocol}")).collect();
        let more = &extras.properties;
        let properties = format!(
            "process.roles=broker,controller\n\
             node.id=1\n\
             controller.quorum.bootstrap.servers=127.0.0.1:{controller}\n\
             listeners=PLAINTEXT://127.0.0.1:{port}{listeners},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port}{advertised}\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}\n\
             controller.listener.names=CONTROLLER\n\
             inter.broker.listener.name=PLAINTEXT\n\
             log.dirs={}\n\
             offsets.topic.replication.factor=1\n\
             offsets.topic.num.partitions=2\n\
             transaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\n\
             transaction.state.log.num.partitions=2\n\
             transaction.abort.timed.out.transaction.cleanup.interval.ms=1000\n\
             group.initial.rebalance.delay.ms=0\n\
             group.min.session.timeout.ms=1000\n\
             auto.create.topics.enable=false\n\
             {more}\n",
            data.display()
        );
        fs::write(folder.path().join("server.properties"), properties).expect("a file");
        let format = java()
            .args([
                "kafka.tools.StorageTool",
                "format",
                "--standalone",
                "--cluster-id",
                "dGVzdHMtb2YtdHJpcGxpbg",
            ])
            .arg("--config")
            .arg(folder.path().join("server.properties"))
            .args(extras.credentials.iter().flat_map(|credential| ["--add-scram", credential]))
            .output()
            .expect("Java starts");
        assert!(format.status.success(), "{}", String::from_utf8_lossy(&format.stderr));
        let mut broker = Broker { folder, port, others, process: None };
        broker.resume();
        broker
    }

    /// The broker that most tests share.
    pub fn shared() -> Arc<Broker> {
        static SHARED: OnceLock<Mutex<Weak<Broker>>> = OnceLock::new();
        let shared = SHARED.get_or_init(Mutex::default);
        let mut shared = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let broker = Arc::new(Broker::start());
            *shared = Arc::downgrade(&broker);
            // Tests that come later take it over; with the process it ends.
            std::mem::forget(Arc::clone(&broker));
            broker
        })
    }

    /// Its address.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The address of another listener, by the name that certificates have.
    pub fn address_of(&self, listener: &str) -> String {
        let (_, port) =
            self.others.iter().find(|(name, _)| *name == listener).expect("there is such a listener");
        format!("localhost:{port}")
    }

    /// Starts it again after it was killed.
    pub fn resume(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .expect("a file");
        let mut child = Command::new("sh")
            .arg("-c")
            // The pipe is closed when the tests end, even when they are killed.
            .arg("\"$@\" & broker=$!; trap 'kill -9 $broker' EXIT; read -r _; kill -9 $broker")
            .arg("sh")
            .arg("java")
            .args([
                "-Xmx768m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dorg.slf4j.simpleLogger.showDateTime=true",
            ])
            .arg("-cp")
            .arg(jars())
            .arg("kafka.Kafka")
            .arg(self.folder.path().join("server.properties"))
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .expect("a shell starts");
        let alive = child.stdin.take().expect("it is piped");
        self.process = Some(Process { child, _alive: alive });
        let deadline = Instant::now() + PATIENCE;
        // The port is open before requests are answered; clients wait for that.
        while TcpStream::connect(self.address()).is_err() {
            assert!(Instant::now() < deadline, "the broker does not start:\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Kills it, as a loss of power would.
    pub fn kill(&mut self) {
        if let Some(Process { mut child, _alive }) = self.process.take() {
            drop(_alive);
            let _ = child.wait();
        }
    }

    /// What it has said.
    pub fn log(&self) -> String {
        let mut text = String::new();
        if let Ok(mut file) = fs::File::open(self.folder.path().join("log")) {
            let _ = file.read_to_string(&mut text);
        }
        text
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

fn java() -> Command {
    let mut java = Command::new("java");
    java.arg("-XX:TieredStopAtLevel=1").arg("-cp").arg(jars());
    java
}

/// The jars, which are fetched if they are not there.
fn jars() -> String {
    static JARS: OnceLock<PathBuf> = OnceLock::new();
    let folder = JARS.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let fetched = Command::new(root.join("scripts/need-kafka")).status().expect("a shell starts");
        assert!(fetched.success(), "scripts/need-kafka has failed");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
        target.join("kafka/lib")
    });
    format!("{}/*", folder.display())
}
