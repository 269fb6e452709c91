use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::*;
use crate::config::{self, Config};
use crate::diagnostic::Sources;
use crate::event::Timestamp;
use crate::program::Program;
use crate::runtime::clock::SystemClock;
use std::sync::Arc;

const RULES: &str = "
stream cards { id string, n int }
stream logins time at { user string, at timestamp(s) }
rule known { by user event e = logins where user != \"\" match e alert low \"t\" {} }
";

/// A quarantine file, and a service as far as it matters here: it listens.
struct Bench {
    folder: tempfile::TempDir,
    path: PathBuf,
    config: Config,
    program: Program,
}

impl Bench {
    /// With `cards` at that address.
    fn new(address: &str) -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("rules")).expect("a folder");
        let text = format!(
            "rules = \"rules\"\n[sources.cards]\ntype = \"tcp\"\nstream = \"cards\"\nlisten = \"{address}\"\n\
             [sources.pipe]\ntype = \"stdin\"\nstream = \"logins\"\n"
        );
        let loaded = config::parse("tripline.toml", &text, folder.path());
        let config = loaded.config.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        let (program, problems) = Program::compile(&Sources::new([("a.trip", RULES)]));
        let program = program.unwrap_or_else(|| panic!("{problems:?}"));
        let path = folder.path().join("quarantine.jsonl");
        Bench { folder, path, config, program }
    }

    fn judge(&self) -> Judge<'_> {
        Judge::new(&self.config, &self.program, Arc::new(SystemClock)).expect("they fit")
    }

    fn refeed(&self, way: Way) -> (Outcome, Result<(), RefeedError>) {
        let mut outcome = Outcome::default();
        let result = refeed(&self.path, &Filter::default(), &self.judge(), way, false, &mut outcome);
        (outcome, result)
    }

    fn write(&self, records: &[Record]) {
        let lines = records.iter().flat_map(|record| [record.to_line(), b"\n".to_vec()].concat());
        fs::write(&self.path, lines.collect::<Vec<u8>>()).expect("a file");
    }

    fn texts(&self) -> Vec<String> {
        let Ok(text) = fs::read_to_string(&self.path) else { return Vec::new() };
        let record = |line: &str| Record::from_line(line.as_bytes()).expect("a record");
        text.lines().map(|line| String::from_utf8(record(line).bytes).expect("text")).collect()
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("a folder");
        let names = entries.map(|entry| entry.expect("a file").file_name().into_string().expect("text"));
        let mut names: Vec<_> = names.filter(|name| name != "rules").collect();
        names.sort();
        names
    }
}

fn record(source: &str, stream: &str, text: &str) -> Record {
    Record {
        time: Timestamp::from_micros(0),
        source: source.into(),
        stream: stream.into(),
        partition: 0,
        offset: 0,
        number: 1,
        reason: "syntax".into(),
        detail: "whatever".into(),
        header: None,
        bytes: text.into(),
        length: None,
    }
}

fn good(n: usize) -> Record {
    record("cards", "cards", &format!("{{\"id\":\"c\",\"n\":{n}}}"))
}

/// Takes so many connections, each to its end, and then no more. `meanwhile` is called while each is
/// read.
fn listen(connections: usize, meanwhile: impl Fn() + Send + 'static) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (sender, received) = channel();
    thread::spawn(move || {
        for _ in 0..connections {
            let mut text = String::new();
            let mut connection = listener.accept().expect("a connection").0;
            connection.read_to_string(&mut text).expect("text");
            meanwhile();
            sender.send(text).expect("the test waits");
            drop(connection);
        }
    });
    (address, received)
}

#[test]
fn records_are_judged_by_the_rules_as_they_are() {
    let bench = Bench::new("127.0.0.1:1");
    let judge = bench.judge();
    let verdict = |record: &Record| match judge.judge(record) {
        Verdict::Header => "header".to_owned(),
        Verdict::Event { source, wire, .. } => {
            format!("{} {}", source.name.value, String::from_utf8_lossy(&wire).trim_end())
        }
        Verdict::Rejected { reason, detail } => format!("{reason}: {detail}"),
        Verdict::Homeless(why) => why,
    };
    assert_eq!(verdict(&good(7)), "cards {\"id\":\"c\",\"n\":7}");
    let wrong = verdict(&record("cards", "cards", "{\"id\":\"c\",\"n\":\"x\"}"));
    assert!(wrong.starts_with("wrong_type: the field `n`"), "{wrong}");
    let cut = verdict(&record("cards", "cards", "{\"id\":"));
    assert!(cut.starts_with("syntax: "), "{cut}");
    let cut = Record { reason: "incomplete".into(), ..record("cards", "cards", "{\"id\":") };
    assert_eq!(verdict(&cut), "incomplete: whatever");
    assert_eq!(verdict(&record("card", "cards", "{}")), "the configuration has no source `card`");
    let moved = verdict(&record("cards", "logins", "{}"));
    assert_eq!(moved, "the source `cards` does not feed the stream `logins` now");
    let future = verdict(&record("pipe", "logins", "{\"user\":\"u\",\"at\":99999999999}"));
    assert!(future.starts_with("future: "), "{future}");
    let passed_over =
        Record { length: Some(5_000_000), reason: "oversized".into(), ..record("cards", "cards", "") };
    assert!(verdict(&passed_over).starts_with("oversized: none of its bytes were kept"));
    let large = "x".repeat(2 << 20);
    assert!(verdict(&record("cards", "cards", &large)).starts_with("oversized: the record has"));
    assert!(verdict(&record("cards", "cards", "")).starts_with("incomplete: "));
}

#[test]
fn what_a_service_did_not_take_is_in_the_file_again() {
    let (address, received) = listen(1, || ());
    let bench = Bench::new(&address);
    let count = 2 * PASS_RECORDS + 100;
    let mut records: Vec<Record> = (0..count).map(good).collect();
    records.insert(10, record("cards", "cards", "garbage"));
    bench.write(&records);
    let (outcome, result) = bench.refeed(Way::Home);
    let failure = result.expect_err("the second connection is refused").to_string();
    assert!(failure.contains(&format!("cannot feed records of `cards` to {address}: ")), "{failure}");
    let fed: u64 = outcome.fed.values().sum();
    assert_eq!(fed, PASS_RECORDS as u64 - 1);
    let received = received.recv().expect("the first pass");
    assert_eq!(received.lines().count() as u64, fed);
    let mut left = bench.texts();
    assert_eq!(left.len() as u64 + fed, records.len() as u64);
    assert_eq!(left.remove(0), "garbage");
    let all: Vec<_> = received.lines().map(str::to_owned).chain(left).collect();
    assert!(
        all.iter().eq((0..count).map(|n| format!("{{\"id\":\"c\",\"n\":{n}}}")).collect::<Vec<_>>().iter())
    );
    assert_eq!(bench.files(), ["quarantine.jsonl"]);
}

#[test]
fn a_file_of_which_nothing_was_taken_stays_as_it_is() {
    let bench = Bench::new("127.0.0.1:1");
    bench.write(&[record("cards", "cards", "garbage"), good(1), record("pipe", "logins", "{}")]);
    let before = fs::read(&bench.path).expect("a file");
    let (_, result) = bench.refeed(Way::Home);
    assert!(matches!(result, Err(RefeedError::Send { .. })));
    assert_eq!(fs::read(&bench.path).expect("a file"), before);
    assert_eq!(bench.files(), ["quarantine.jsonl"]);
}

/// After a pass was received it cannot be written down what stays: the next one goes on there.
#[test]
fn a_failure_at_the_worst_moment_loses_nothing() {
    let (address, received) = listen(0, || ());
    drop(received);
    let mut bench = Bench::new(&address);
    let path = bench.path.clone();
    // A folder stands where the file should be begun anew.
    let (address, received) = listen(2, move || drop(fs::create_dir(&path)));
    bench = Bench { config: Bench::new(&address).config, ..bench };
    bench.write(&[good(1), record("cards", "cards", "garbage"), good(2)]);
    let (_, result) = bench.refeed(Way::Home);
    let failure = result.expect_err("it cannot be written").to_string();
    assert!(failure.contains("nothing is lost: the records are in `"), "{failure}");
    assert_eq!(
        bench.files(),
        ["quarantine.jsonl", "quarantine.jsonl.replaying", "quarantine.jsonl.replaying.progress"]
    );
    let first = received.recv().expect("the pass");
    fs::remove_dir(&bench.path).expect("it is empty");

    let (outcome, result) = bench.refeed(Way::Home);
    assert!(outcome.resumed);
    assert!(matches!(result, Err(RefeedError::Left { .. })), "the folder is there again");
    assert_eq!(received.recv().expect("the pass again"), first, "fed twice rather than lost");
    fs::remove_dir(&bench.path).expect("it is empty");

    let out = bench.folder.path().join("out");
    let file = File::create(&out).expect("a file");
    let (outcome, result) = bench.refeed(Way::File(file, "out".into()));
    result.expect("it can be written");
    assert!(outcome.resumed);
    assert_eq!(fs::read_to_string(&out).expect("text"), first);
    assert_eq!(bench.texts(), ["garbage"]);
    assert_eq!(bench.files(), ["out", "quarantine.jsonl"]);
}

#[test]
fn what_has_nowhere_to_go_stays_and_is_named() {
    let bench = Bench::new("127.0.0.1:0");
    bench.write(&[good(1), record("pipe", "logins", "{\"user\":\"u\",\"at\":5}"), record("gone", "s", "x")]);
    let (outcome, result) = bench.refeed(Way::Home);
    result.expect("there was nothing to do");
    let stuck: Vec<_> = outcome.stuck.iter().map(|(source, (count, _))| (source.as_str(), *count)).collect();
    assert_eq!(stuck, [("cards", 1), ("gone", 1), ("pipe", 1)]);
    assert!(outcome.stuck["cards"].1.contains("`--to`"), "{:?}", outcome.stuck);
    assert_eq!(bench.texts().len(), 3);
}
