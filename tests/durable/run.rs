//! A service that is killed again and again while clients go on where it had come with what they sent, and
//! the same once more undisturbed.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use tempfile::TempDir;

use crate::client::{Client, Wire};
use crate::inbox::{Inbox, Mail};
use crate::process::{Ended, Process, service};
use crate::traffic::{RULES, Traffic};
use crate::watched::PATIENCE;

/// So many loads a client sends before it waits until some have been accepted.
const WINDOW: usize = 48;
/// So many loads are sent to one life at most; then it is waited for what is to end it.
const LIFE: usize = 160;
/// So many loads are sent at the end, when nothing is killed any more.
const TAIL: usize = 40;

/// When a life ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It has logged so many lines.
    Logged(usize),
    /// It has logged this.
    Said(&'static str),
    /// So many loads have been accepted in this life.
    Accepted(usize),
    /// So many requests have come to the receiver in this life.
    Alerts(usize),
    /// The file of the state has begun to change for the n-th time in this life.
    Checkpoint(usize),
    /// It has been asked to stop and says that it does.
    Stopping(&'static str),
    /// It has been asked to stop and has stopped: it was not killed.
    Stopped,
}

impl Moment {
    /// One of them.
    pub fn pick(random: &mut ChaCha8Rng) -> Moment {
        let early = ["going on from the last checkpoint", "the journal has been worked off", "ready"];
        let stopping = ["stopping: reading", "the sources have stopped", "total"];
        match random.random_range(0..20) {
            0 => Moment::Logged(random.random_range(0..6)),
            1..=2 => Moment::Said(early[random.random_range(0..early.len())]),
            3..=8 => Moment::Accepted(random.random_range(0..80)),
            9..=13 => Moment::Alerts(random.random_range(1..60)),
            14..=16 => Moment::Checkpoint(random.random_range(1..6)),
            17 => Moment::Stopping(stopping[random.random_range(0..stopping.len())]),
            _ => Moment::Stopped,
        }
    }
}

/// A connection, and what went over it.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The number of its partition, where each connection is one.
    partition: Option<u64>,
    /// The first load that was sent.
    first: usize,
    /// How many were sent.
    sent: usize,
    /// How many the client knows to be accepted.
    told: usize,
}

/// A service with its folder and all who have to do with it.
pub struct Run {
    wire: Wire,
    traffic: Traffic,
    random: ChaCha8Rng,
    folder: TempDir,
    inbox: Inbox,
    orders: File,
    /// How many lines have been written into that file.
    written: usize,
    /// How many loads have been accepted for certain.
    done: usize,
    connections: Vec<Connection>,
}

impl Run {
    pub fn new(wire: Wire, seed: u64, fails: usize) -> Run {
        let most = if wire == Wire::Tcp { 1 } else { 12 };
        let folder = tempfile::tempdir().expect("a folder");
        let orders = folder.path().join("orders.jsonl");
        let mut run = Run {
            wire,
            traffic: Traffic::new(seed, 6_000, most),
            random: ChaCha8Rng::seed_from_u64(seed),
            inbox: Inbox::start(fails),
            orders: OpenOptions::new().create(true).append(true).open(orders).expect("a file"),
            folder,
            written: 0,
            done: 0,
            connections: Vec::new(),
        };
        let rules = match wire {
            Wire::Tcp => RULES.to_owned(),
            // All bodies are one partition, also over restarts: one that comes again is behind itself.
            Wire::Http => RULES.replace("late 2s", "late 2m"),
        };
        std::fs::write(run.path("rules.trip"), rules).expect("a file");
        run.write_lines();
        run
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command that starts the service, as it is configured for this life.
    fn command(&mut self) -> Command {
        let source = match self.wire {
            Wire::Tcp => "type = \"tcp\"\nstream = \"auth\"\nack = true",
            Wire::Http => "type = \"http\"\nstreams = [\"auth\"]",
        };
        let shards = self.random.random_range(1..=4);
        let every = ["100ms", "1s", "1s"][self.random.random_range(0..3)];
        let config = format!(
            "rules = \"rules.trip\"\ndefault_sinks = [\"desk\"]\nshards = {shards}\n\
             [state]\npath = \"state\"\ncheckpoint = \"{every}\"\n\
             [sources.auth]\n{source}\nlisten = \"127.0.0.1:0\"\n\
             [sources.orders]\ntype = \"file\"\npath = \"orders.jsonl\"\nstream = \"orders\"\nfollow = true\n\
             poll = \"10ms\"\n{}",
            self.inbox.sink("desk")
        );
        std::fs::write(self.path("tripline.toml"), config).expect("a file");
        let mut command = service(self.folder.path());
        command.args(["--log-level", "info,tripline::source=debug"]);
        command
    }

    /// Writes the lines of the file whose turn has come.
    fn write_lines(&mut self) {
        let due = self.traffic.lines[self.written..].iter().take_while(|line| line.behind <= self.done);
        let text: Vec<&str> = due.map(|line| line.text.as_str()).collect();
        self.written += text.len();
        self.orders.write_all(text.concat().as_bytes()).expect("written");
    }

    fn lines(&self, connection: usize, loads: std::ops::Range<usize>) -> String {
        let records = self.traffic.loads[loads].iter().flatten();
        records.map(|record| record.on(connection)).collect()
    }

    /// Sends the next loads of a connection that has sent so many.
    fn send(&self, client: &mut Client, connection: usize, first: usize, sent: usize, count: usize) {
        let begin = first + sent;
        match self.wire {
            Wire::Tcp => client.send("auth", &self.lines(connection, begin..begin + count)),
            Wire::Http => {
                (begin..begin + count)
                    .for_each(|load| client.send("auth", &self.lines(connection, load..load + 1)));
            }
        }
    }

    /// A life of the service, and its end.
    pub fn live(&mut self, moment: Moment) -> Ended {
        let requests = self.inbox.mail.look().requests;
        let process = Process::spawn(self.command());
        match moment {
            Moment::Logged(lines) => {
                process.log.wait(|log| (log.has_ended || log.text.len() >= lines).then_some(()));
                return process.kill();
            }
            Moment::Said(message) => {
                let is_first = message.contains("going on") && self.connections.is_empty();
                process.wait_for(if is_first { "nothing is stored yet" } else { message }, |_| true);
                return process.kill();
            }
            _ => {}
        }
        ready(&process);
        let state = self.path("state/state.store");
        let changed = || std::fs::metadata(&state).map(|data| (data.mtime(), data.mtime_nsec())).ok();
        let (mut last, mut checkpoints) = (changed(), 0);
        let is_spinning = matches!(moment, Moment::Checkpoint(_));
        let is_due = |run: &Run, accepted: usize, checkpoints: usize| match moment {
            Moment::Accepted(count) => accepted >= count,
            Moment::Alerts(count) => run.inbox.mail.look().requests >= requests + count,
            Moment::Checkpoint(count) => checkpoints >= count,
            _ => accepted >= 20,
        };

        let mut client = Client::connect(self.wire, process.address("auth"));
        let (connection, first, window) = (self.connections.len(), self.done, self.window());
        let mut sent = 0;
        let deadline = Instant::now() + PATIENCE;
        // Something is always under way when it ends.
        let ended = loop {
            let (accepted, has_ended) = {
                let told = client.told.look();
                (told.accepted, told.has_ended)
            };
            assert!(!has_ended, "the connection has ended:\n{}", process.text());
            assert!(Instant::now() < deadline, "{moment:?} does not come:\n{}", process.text());
            self.done = first + accepted;
            self.write_lines();
            if is_spinning && changed() != last {
                (last, checkpoints) = (changed(), checkpoints + 1);
            }
            if sent > 0 && is_due(self, accepted, checkpoints) {
                break match moment {
                    Moment::Stopped => process.stop(),
                    Moment::Stopping(message) => {
                        process.ask_to_stop();
                        process.wait_for(message, |_| true);
                        process.kill()
                    }
                    _ => process.kill(),
                };
            }
            let room = (window - (sent - accepted)).min(LIFE.saturating_sub(sent));
            if room > 0 {
                let count = self.random.random_range(1..=room.min(8));
                self.send(&mut client, connection, first, sent, count);
                sent += count;
            } else if is_spinning {
                thread::yield_now();
            } else {
                thread::sleep(Duration::from_micros(300));
            }
        };
        // What it had said before it ended.
        let told = client.told.wait(|told| told.has_ended.then_some(told.accepted)).expect("it is gone");
        self.done = first + told;
        self.write_lines();
        let partition = partition(&ended, &client);
        self.connections.push(Connection { partition, first, sent, told });
        ended
    }

    fn window(&self) -> usize {
        if self.wire == Wire::Tcp { WINDOW } else { 1 }
    }

    /// The last life: sends what is left, waits for all that comes of it, and stops.
    pub fn finish(&mut self) -> Ended {
        let process = Process::spawn(self.command());
        ready(&process);
        let mut client = Client::connect(self.wire, process.address("auth"));
        let (connection, first) = (self.connections.len(), self.done);
        for sent in 0..TAIL {
            self.send(&mut client, connection, first, sent, 1);
            assert!(client.wait_for(sent + 1), "{}", process.text());
        }
        self.done = first + TAIL;
        self.write_lines();
        self.end(process, client, connection)
    }

    /// Sends the last record and line on a connection, and waits for all that comes of it.
    fn end(&mut self, process: Process, mut client: Client, connection: usize) -> Ended {
        let accepted = client.told.look().accepted;
        let (record, line) = Traffic::end();
        client.send("auth", &record.on(connection));
        assert!(client.wait_for(accepted + 1), "{}", process.text());
        self.orders.write_all(line.as_bytes()).expect("written");
        let (first, told) = (self.done - accepted, accepted);
        let last = self.traffic.loads[self.done - 1].last().expect("none is empty").number;
        let has_come = self.inbox.mail.wait(|mail| mail.taken.contains(&(connection, last)).then_some(()));
        assert!(has_come.is_some(), "{last} does not come:\n{}", process.text());
        let address = client.address();
        client.close();
        let ended = process.stop();
        assert!(ended.status.success(), "{}", ended.text());
        let partition = number(&ended, &address.to_string());
        self.connections.push(Connection { partition, first, sent: told, told });
        ended
    }

    /// How many loads of each connection have been accepted, as the alerts show.
    pub fn accepted(&self) -> Vec<usize> {
        let mail = self.inbox.mail.look();
        assert_eq!(mail.wrong, Vec::<String>::new());
        let taken = &mail.taken;
        let mut count = 0;
        let accepted = self.connections.iter().enumerate().map(|(connection, one)| {
            let loads = &self.traffic.loads[one.first..one.first + one.sent];
            let found: Vec<usize> = loads
                .iter()
                .map(|load| load.iter().filter(|record| taken.contains(&(connection, record.number))).count())
                .collect();
            let whole = found.iter().zip(loads).take_while(|(found, load)| **found == load.len()).count();
            let rest: usize = found[whole..].iter().sum();
            assert_eq!(rest, 0, "connection {connection}: something is missing: {one:?} {found:?}");
            assert!(whole >= one.told, "connection {connection}: {whole} have been kept: {one:?}");
            count += found[..whole].iter().sum::<usize>();
            whole
        });
        let accepted: Vec<usize> = accepted.collect();
        assert_eq!(count, taken.len(), "records that were never sent");
        accepted
    }

    /// The same records on the same connections to a service that nothing happens to.
    pub fn undisturbed(&self, seed: u64, accepted: &[usize]) -> Run {
        let mut calm = Run::new(self.wire, seed, 0);
        let process = Process::spawn(calm.command());
        ready(&process);
        let address = process.address("auth");
        let last = self.connections.len() - 1;
        for (connection, (one, accepted)) in self.connections.iter().zip(accepted).enumerate() {
            calm.done = one.first;
            calm.write_lines();
            if *accepted == 0 {
                continue;
            }
            let mut client = calm.connect(&process, address, one.partition);
            for sent in 0..*accepted {
                calm.send(&mut client, connection, one.first, sent, 1);
            }
            assert!(client.wait_for(*accepted), "{}", process.text());
            if connection == last {
                calm.done = one.first + one.told;
                calm.write_lines();
                calm.end(process, client, connection);
                break;
            }
            client.close();
        }
        calm
    }

    /// A connection that has this number. Numbers before it are used up.
    fn connect(&self, process: &Process, address: std::net::SocketAddr, wanted: Option<u64>) -> Client {
        loop {
            let client = Client::connect(self.wire, address);
            if self.wire == Wire::Http {
                return client;
            }
            let peer = client.address().to_string();
            let line = process.wait_for("a connection begins", |line| line["peer"] == *peer);
            let number = line["partition"].as_u64();
            if number == wanted {
                return client;
            }
            assert!(number < wanted, "{number:?} comes after {wanted:?}");
            client.close();
        }
    }

    /// What has been received.
    pub fn mail(&self) -> std::sync::MutexGuard<'_, Mail> {
        self.inbox.mail.look()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }
}

fn partition(ended: &Ended, client: &Client) -> Option<u64> {
    number(ended, &client.address().to_string())
}

/// The number of the partition that a connection was.
fn number(ended: &Ended, peer: &str) -> Option<u64> {
    ended.log.find("a connection begins", |line| line["peer"] == peer)?["partition"].as_u64()
}

/// Waits until the service takes records, and its file holds event time back: what a connection sends before
/// that would let event time go on without it.
fn ready(process: &Process) {
    process.wait_for("ready", |_| true);
    process.wait_for("a file that is followed begins", |_| true);
}

/// Says where two runs differ, with the alerts.
pub fn difference(disturbed: &Mail, calm: &Mail) -> Option<String> {
    let (mut text, mut counts) = (String::new(), BTreeMap::<String, usize>::new());
    let mut say = |what: &str, body: &[u8]| {
        let alert: Value = serde_json::from_slice(body).unwrap_or_default();
        let rule = alert["rule"].as_str().unwrap_or("?");
        let count = counts.entry(format!("{what} {rule}")).or_default();
        *count += 1;
        if *count <= 3 {
            text.push_str(&format!("{what}: {}\n", String::from_utf8_lossy(body)));
        }
    };
    for (id, body) in &calm.alerts {
        match disturbed.alerts.get(id) {
            None => say("missing", body),
            Some(other) if other != body => {
                say("changed", other);
                say("it was", body);
            }
            Some(_) => {}
        }
    }
    disturbed
        .alerts
        .iter()
        .filter(|(id, _)| !calm.alerts.contains_key(*id))
        .for_each(|(_, body)| say("extra", body));
    (!counts.is_empty()).then(|| format!("{counts:#?}\n{text}"))
}
