//! Files: read once, and followed while they grow, rotate and come and go.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use crate::harness::{Folder, RULES, Service, event, text};
use crate::receiver::Receiver;

/// A source of [`RULES`]' stream that follows `path`.
fn following(path: &str) -> String {
    format!(
        "[sources.logs]\ntype = \"file\"\npath = \"{path}\"\nstream = \"auth\"\nfollow = true\npoll = \"10ms\"\n"
    )
}

/// A file to append to, made if it is not there.
fn writer(path: impl AsRef<Path>) -> File {
    OpenOptions::new().create(true).append(true).open(path).expect("a file")
}

/// Writes events with the numbers.
fn write(file: &mut File, numbers: std::ops::Range<u32>) {
    let lines: String = numbers.map(|number| event(number, 500.0)).collect();
    file.write_all(lines.as_bytes()).expect("written");
}

/// The alerts of the events with the numbers come, in that order.
fn expect(receiver: &Receiver, numbers: std::ops::Range<u32>) {
    for number in numbers {
        assert_eq!(receiver.next().event(), number.to_string());
    }
}

/// Two streams of events in event time, one from each file, that make sense in order only.
const PAIRS: &str = r#"
stream pings time at late 0s { n int, at timestamp(s) }
stream pongs time at late 0s { n int, at timestamp(s) }
rule answered {
  event ping = pings where n >= 0
  event pong = pongs where n == ping.n
  match ping next pong
  alert low "{ping.n}" {}
  to out
}
"#;

#[test]
fn files_that_are_read_once_are_read_together_and_then_the_service_ends() {
    let folder = Folder::new();
    folder.write("rules/a.trip", PAIRS);
    let lines = |first: u32, file: u32| -> String {
        let numbers = (file..10_000).step_by(2);
        numbers.map(|n| format!("{{\"n\":{n},\"at\":{}}}\n", n * 10 + first)).collect()
    };
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    zipped.write_all(lines(0, 0).as_bytes()).expect("in memory");
    folder.write("in/pings.0.gz", zipped.finish().expect("in memory"));
    folder.write("in/pings.1", lines(0, 1).trim_end());
    folder.write("in/pongs.0", lines(1, 0));
    folder.write("in/pongs.1.zst", zstd::encode_all(lines(1, 1).as_bytes(), 1).expect("in memory"));
    let source =
        |name| format!("[sources.{name}]\ntype = \"file\"\npath = \"in/{name}.*\"\nstream = \"{name}\"\n");
    let config =
        format!("rules = \"rules\"\n{}{}[sinks.out]\ntype = \"stdout\"\n", source("pings"), source("pongs"));
    folder.write("tripline.toml", config);
    let run = folder.run(&["run"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let titles: Vec<String> = text(&run.stdout)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["title"].to_string())
        .collect();
    let expected: Vec<String> = (0..10_000).map(|n| format!("\"{n}\"")).collect();
    assert!(titles == expected, "{} of 10000\n{}", titles.len(), text(&run.stderr));
}

#[test]
fn of_a_compressed_file_that_was_cut_off_counts_what_is_there() {
    let folder = Folder::new();
    folder.write("rules/a.trip", RULES.replace("to desk", "to out"));
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    zipped.write_all(event("whole", 500.0).as_bytes()).expect("in memory");
    zipped.flush().expect("in memory");
    zipped.write_all(event("lost", 500.0).as_bytes()).expect("in memory");
    let zipped = zipped.finish().expect("in memory");
    folder.write("in.gz", &zipped[..zipped.len() - 20]);
    let config = "rules = \"rules\"\n[sources.logs]\ntype = \"file\"\npath = \"in.gz\"\nstream = \"auth\"\n\
                  [sinks.out]\ntype = \"stdout\"\n";
    folder.write("tripline.toml", config);
    let run = folder.run(&["run"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    assert_eq!(text(&run.stdout).lines().count(), 1, "{}", text(&run.stdout));
    assert!(text(&run.stderr).contains("what follows in the file is missing"), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("the gzip data is cut off"), "{}", text(&run.stderr));
}

#[test]
fn a_file_that_is_to_be_read_once_and_is_not_there_keeps_the_service_from_starting() {
    let folder = Folder::new();
    folder.write("rules/a.trip", RULES);
    for (path, message) in [
        ("nowhere.jsonl", "the source `logs`: cannot open `nowhere.jsonl`: No such file or directory"),
        (
            "nowhere/*.jsonl",
            "the source `logs`: no file matches `nowhere/*.jsonl`; a source with `follow = true`",
        ),
    ] {
        let config = format!(
            "rules = \"rules\"\n[sources.logs]\ntype = \"file\"\npath = \"{path}\"\nstream = \"auth\"\n\
             [sinks.desk]\ntype = \"stdout\"\n"
        );
        folder.write("tripline.toml", config);
        let run = folder.run(&["run"]);
        assert_eq!(run.status.code(), Some(1));
        assert!(text(&run.stderr).contains(message), "{}", text(&run.stderr));
    }
}

#[test]
fn a_file_that_appears_later_is_followed_and_read_to_its_end_when_the_service_stops() {
    let receiver = Receiver::start([]);
    let config = format!("{}{}", following("late.log"), receiver.sink("desk", ""));
    let mut service = Service::start(RULES, &config);
    service.wait_for("there is no such file yet", |line| line["source"] == "logs");
    let path = service.folder.path().join("late.log");
    let mut log = writer(&path);
    write(&mut log, 0..3);
    log.write_all(b"{\"id\":\"3\",\"card").expect("written");
    expect(&receiver, 0..3);
    log.write_all(b"\":\"c\",\"amount\":500}\n").expect("written");
    expect(&receiver, 3..4);
    // What is there is read before it stops.
    write(&mut log, 4..1_000);
    log.write_all(b"{\"id\":\"half").expect("written");
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    expect(&receiver, 4..1_000);
    assert_eq!(ended.lines("in the middle of a record")[0]["bytes"], 11);
    assert_eq!(ended.total("source", "logs")["rejected"], 0);
}

/// As `logrotate` does it with a program that opens its log again when it is told: until then it goes
/// on writing to the file that has been renamed.
#[test]
fn fifty_rotations_lose_nothing() {
    const EACH: u32 = 40;
    let receiver = Receiver::start([]);
    let config = format!("{}{}", following("app.log"), receiver.sink("desk", ""));
    let service = Service::start(RULES, &config);
    let folder = service.folder.path().to_owned();
    let path = folder.join("app.log");
    let mut log = writer(&path);
    // A file must have been seen before it is replaced.
    write(&mut log, 0..1);
    expect(&receiver, 0..1);
    let mut next = 1;
    for rotation in 0..50 {
        write(&mut log, next..next + EACH);
        fs::rename(&path, folder.join(format!("app.log.{rotation}"))).expect("renamed");
        write(&mut log, next + EACH..next + 2 * EACH);
        log = writer(&path);
        write(&mut log, next + 2 * EACH..next + 3 * EACH);
        expect(&receiver, next..next + 3 * EACH);
        next += 3 * EACH;
    }
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    let total = ended.total("source", "logs");
    assert_eq!((&total["events"], &total["rejected"]), (&next.into(), &0.into()));
    assert_eq!(ended.lines("read to its end and left").len(), 50);
}

#[test]
fn a_file_that_is_copied_and_cut_off_is_read_from_its_beginning() {
    let receiver = Receiver::start([]);
    let config = format!("{}{}", following("app.log"), receiver.sink("desk", ""));
    let mut service = Service::start(RULES, &config);
    let path = service.folder.path().join("app.log");
    let mut log = writer(&path);
    for round in 0..3 {
        let numbers = round * 1_000..round * 1_000 + 100 + round;
        write(&mut log, numbers.clone());
        expect(&receiver, numbers);
        let size = fs::copy(&path, path.with_extension("copy")).expect("copied");
        log.set_len(0).expect("truncated");
        // It must have been seen before it has grown to what it was.
        service.wait_for("the file has been cut off", |line| line["read"] == size);
    }
    assert!(service.stop().status.success());
}

/// Each file brings its own header, whichever columns the one before it had; positions go on.
#[test]
fn a_new_file_of_csv_has_its_own_header() {
    let receiver = Receiver::start([]);
    let source = following("app.csv").replace("poll", "codec = \"csv\"\npoll");
    // The alerts are of two cards, which do not wait for each other otherwise.
    let config = format!("{source}{}", receiver.sink("desk", "concurrency = 1"));
    let mut service = Service::start(RULES, &config);
    let path = service.folder.path().join("app.csv");
    fs::write(&path, "id,card,amount\n0,c,500\n\"1\",\"c\nd\",500\n2,c,50").expect("a file");
    expect(&receiver, 0..2);
    fs::rename(&path, path.with_extension("csv.1")).expect("renamed");
    fs::write(&path, "amount,note,id,card\n500,new,3,c\nlots,,4,c\n500,,5,c\n").expect("a file");
    expect(&receiver, 3..4);
    expect(&receiver, 5..6);
    let bad = service.wait_for("rejected", |line| line["kind"] == "wrong_type");
    // The last row of the first file had no line end: its 50 was all there was of it.
    assert_eq!((&bad["offset"], &bad["line"]), (&75.into(), &8.into()));
    let ended = service.stop();
    let total = ended.total("source", "logs");
    assert_eq!((&total["events"], &total["rejected"]), (&5.into(), &1.into()), "{}", ended.log());
}

#[test]
fn files_of_a_folder_are_picked_up_as_they_come() {
    let receiver = Receiver::start([]);
    let folder = Folder::new();
    fs::create_dir(folder.path().join("logs")).expect("a folder");
    folder.write("logs/old.log", event("before", 500.0));
    let config = format!("{}start = \"end\"\n{}", following("logs/*.log"), receiver.sink("desk", ""));
    let mut service = Service::start_in(folder, RULES, &config);
    service.wait_for("following a file", |line| line["offset"].as_u64() > Some(0));
    let folder = service.folder.path().join("logs");
    write(&mut writer(folder.join("old.log")), 0..1);
    expect(&receiver, 0..1);
    write(&mut writer(folder.join("new.log")), 1..2);
    expect(&receiver, 1..2);
    write(&mut writer(folder.join("old.log")), 2..3);
    expect(&receiver, 2..3);
    fs::remove_file(folder.join("new.log")).expect("removed");
    service.wait_for("the file has gone", |line| {
        line["file"].as_str().is_some_and(|file| file.ends_with("new.log"))
    });
    write(&mut writer(folder.join("old.log")), 3..4);
    expect(&receiver, 3..4);
    assert!(service.stop().status.success());
}
