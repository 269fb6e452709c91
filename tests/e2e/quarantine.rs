//! What is set aside: the files, and `quarantine`, which looks at them and feeds them again.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Folder, RULES, Service, TCP, event, tcp_again, text};
use crate::ports::own_port;
use crate::receiver::Receiver;

const FILE: &str = "quarantine.jsonl";

/// The lines of a file, each a JSON object.
fn lines(folder: &Folder, name: &str) -> Vec<Value> {
    folder.read(name).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The folder of a service that has ended, which would otherwise go with it.
fn keep(service: &mut Service) -> Folder {
    std::mem::replace(&mut service.folder, Folder::new())
}

/// Runs `tripline quarantine` and gives its exit code, output and messages.
fn quarantine(folder: &Folder, arguments: &[&str]) -> (Option<i32>, String, String) {
    let run = folder.run(&[&["quarantine"], arguments].concat());
    (run.status.code(), text(&run.stdout).to_owned(), text(&run.stderr).to_owned())
}

/// What a service of [`RULES`] leaves behind that was sent `bytes`.
fn sent(config: &str, bytes: &[u8]) -> Folder {
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &format!("{config}{}", receiver.sink("desk", "")));
    let mut client = service.connect("auth");
    client.write_all(bytes).expect("sent");
    client.write_all(event("last", 500.0).as_bytes()).expect("sent");
    drop(client);
    assert_eq!(receiver.next().event(), "last");
    let folder = keep(&mut service);
    assert!(service.stop().status.success());
    folder
}

#[test]
fn what_is_no_event_is_in_the_file_with_its_bytes() {
    let mut bytes = b"garbage\n\xff\xfe\n{\"id\":1,\"card\":\"c\",\"amount\":2}\n".to_vec();
    bytes.extend(vec![b'x'; 2 << 20]);
    bytes.push(b'\n');
    let folder = sent(TCP, &bytes);
    let mode = fs::metadata(folder.path().join(FILE)).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "records can hold personal data");
    let lines = lines(&folder, FILE);
    let reasons: Vec<_> = lines.iter().map(|line| line["reason"].as_str().expect("text")).collect();
    assert_eq!(reasons, ["syntax", "syntax", "wrong_type", "oversized"]);
    assert_eq!(lines[0]["text"], "garbage");
    assert_eq!((&lines[1]["base64"], &lines[1]["text"]), (&"//4=".into(), &Value::Null));
    assert_eq!((&lines[1]["offset"], &lines[1]["number"]), (&8.into(), &2.into()));
    assert_eq!((&lines[2]["source"], &lines[2]["stream"]), (&"auth".into(), &"auth".into()));
    assert_eq!(lines[2]["detail"], "the field `id` should be text, but is the number 1");
    assert_eq!(lines[2]["text"], "{\"id\":1,\"card\":\"c\",\"amount\":2}");
    assert_eq!((&lines[3]["length"], &lines[3]["text"]), (&(2 << 20).into(), &Value::Null));

    let (code, list, _) = quarantine(&folder, &["list"]);
    assert_eq!(code, Some(0));
    let rows: Vec<Vec<&str>> =
        list.lines().skip(1).map(|line| line.split_whitespace().take(4).collect()).collect();
    assert_eq!(
        rows,
        [
            ["auth", "auth", "oversized", "1"],
            ["auth", "auth", "syntax", "2"],
            ["auth", "auth", "wrong_type", "1"]
        ]
    );
    let (_, json, _) = quarantine(&folder, &["list", "--json", "--reason", "syntax"]);
    let report: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(report["groups"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["groups"][0]["count"], 2);
    let (_, shown, _) = quarantine(&folder, &["show", FILE, "--reason", "syntax"]);
    assert!(shown.contains("auth -> auth, partition 0, number 2 at byte 8\n"), "{shown}");
    assert!(shown.contains("\n  garbage\n") && shown.contains("\n  \\xff\\xfe\n"), "{shown}");
    let (_, shown, more) = quarantine(&folder, &["show", "--limit", "1", "--json"]);
    assert_eq!(shown.lines().count(), 1);
    assert!(more.contains("3 more are not shown"), "{more}");
}

/// The rule was wrong, not the sender: mended, it takes what was rejected.
#[test]
fn records_are_fed_again_after_the_rule_was_mended() {
    let config = tcp_again();
    let good = "{\"id\":7,\"card\":\"c\",\"amount\":500}\n";
    let folder = sent(&config, format!("garbage\n{good}").as_bytes());
    assert_eq!(lines(&folder, FILE).len(), 2);

    let receiver = Receiver::start([]);
    let config = format!("{config}{}", receiver.sink("desk", ""));
    let mended = RULES.replace("id     string", "id     int");
    let mut service = Service::start_in(folder, &mended, &config);
    let (code, report, _) = quarantine(&service.folder, &["replay", "--dry-run"]);
    assert_eq!(code, Some(1));
    assert!(report.starts_with("would feed  1 record of `auth` to 127.0.0.1:"), "{report}");
    assert_eq!(lines(&service.folder, FILE).len(), 2, "nothing has changed");

    let (code, report, messages) = quarantine(&service.folder, &["replay"]);
    assert_eq!(code, Some(1), "{messages}");
    assert!(report.starts_with("fed         1 record of `auth` to 127.0.0.1:"), "{report}");
    assert!(report.contains("\nstill wrong 1 record of `auth`, syntax: "), "{report}");
    assert_eq!(receiver.next().body["fields"]["id"], 7);
    let left = lines(&service.folder, FILE);
    assert_eq!((left.len(), &left[0]["text"]), (1, &"garbage".into()));
    assert_eq!(names(service.folder.path(), FILE), [FILE]);
    let (code, report, _) = quarantine(&service.folder, &["replay", "--reason", "wrong_type"]);
    assert_eq!((code, report.contains("nothing to feed")), (Some(0), true), "{report}");
    assert_eq!(lines(&service.folder, FILE).len(), 1);

    // The service begins a new file where the old one was taken away.
    let mut client = service.connect("auth");
    client.write_all(format!("more\n{}", event(8, 500.0).replace("\"8\"", "8")).as_bytes()).expect("sent");
    assert_eq!(receiver.next().body["fields"]["id"], 8);
    let folder = keep(&mut service);
    assert!(service.stop().status.success());
    let texts: Vec<_> = lines(&folder, FILE).iter().map(|line| line["text"].clone()).collect();
    assert_eq!(texts, ["garbage", "more"]);
}

/// The files whose names begin so.
fn names(folder: &Path, prefix: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("a file").file_name().into_string().expect("text"));
    let mut names: Vec<_> = names.filter(|name| name.starts_with(prefix)).collect();
    names.sort();
    names
}

#[test]
fn a_service_that_is_away_costs_no_record() {
    let config = tcp_again();
    let folder = sent(&config, b"{\"id\":7,\"card\":\"c\",\"amount\":500}\ngarbage\n");
    let before = folder.read(FILE);
    folder.write("rules/test.trip", RULES.replace("id     string", "id     int"));
    let (code, report, messages) = quarantine(&folder, &["replay"]);
    assert_eq!(code, Some(1));
    assert!(messages.contains("cannot feed records of `auth` to 127.0.0.1:"), "{messages}");
    assert!(!report.contains("fed  "), "{report}");
    assert_eq!(lines(&folder, FILE).len(), 2, "was {before}");
    assert_eq!(names(folder.path(), FILE), [FILE]);
}

/// Whoever has no place left closes a connection without reading it, which must not look as if it had.
#[test]
fn a_service_without_a_free_connection_costs_no_record() {
    let config = tcp_again();
    let folder = sent(&config, b"{\"id\":7,\"card\":\"c\",\"amount\":500}\n");
    let before = folder.read(FILE);
    let receiver = Receiver::start([]);
    let config = format!("{config}max_connections = 1\n{}", receiver.sink("desk", ""));
    let mut service = Service::start_in(folder, &RULES.replace("id     string", "id     int"), &config);
    let mut first = service.connect("auth");
    first.write_all(event(1, 500.0).replace("\"1\"", "1").as_bytes()).expect("sent");
    assert_eq!(receiver.next().body["fields"]["id"], 1);
    let (code, _, messages) = quarantine(&service.folder, &["replay"]);
    assert_eq!(code, Some(1));
    assert!(messages.contains("closed the connection before it had read everything"), "{messages}");
    assert_eq!(service.folder.read(FILE), before);
    drop(first);
    let fed = || quarantine(&service.folder, &["replay"]).0 == Some(0);
    wait_until(fed);
    assert_eq!(receiver.next().body["fields"]["id"], 7);
    assert_eq!(names(service.folder.path(), FILE), [] as [&str; 0]);
}

#[test]
fn bytes_come_out_as_they_came_in() {
    let bytes = b"\xff\xfe{\"id\":7,\"card\":\"c\",\"amount\":500}\xc3";
    let folder = sent(TCP, &[bytes, b"\n".as_slice()].concat());
    let good = "{\"id\":7,\"card\":\"\u{e9}\",\"amount\":500}";
    let mut other = lines(&folder, FILE).remove(0);
    other["text"] = good.into();
    other.as_object_mut().expect("an object").remove("base64");
    folder.write(FILE, format!("{}{other}\n", folder.read(FILE)));
    folder.write("rules/test.trip", RULES.replace("id     string", "id     int"));

    let (code, output, report) = quarantine(&folder, &["replay", "--output", "-"]);
    assert_eq!(output, format!("{good}\n"));
    assert!(report.contains("fed         1 record of `auth` to standard output"), "{report}");
    assert_eq!((code, lines(&folder, FILE).len()), (Some(1), 2), "a pipe gives no receipt");

    let (code, _, messages) = quarantine(&folder, &["replay", "--output", "out.jsonl"]);
    assert_eq!((code, folder.read("out.jsonl")), (Some(1), format!("{good}\n")), "{messages}");
    let left = lines(&folder, FILE);
    assert_eq!(
        (left.len(), &left[0]["base64"]),
        (1, &"//57ImlkIjo3LCJjYXJkIjoiYyIsImFtb3VudCI6NTAwfcM=".into())
    );
    let (code, _, messages) = quarantine(&folder, &["replay", "--output", "out.jsonl"]);
    assert_eq!(code, Some(2));
    assert!(messages.contains("cannot create `out.jsonl`"), "{messages}");
}

/// What a crash of `quarantine replay` leaves is gone on with.
#[test]
fn a_replay_that_was_interrupted_is_gone_on_with() {
    let folder = sent(TCP, b"garbage\n{\"id\":7,\"card\":\"c\",\"amount\":500}\n");
    folder.write("rules/test.trip", RULES.replace("id     string", "id     int"));
    let taken = folder.read(FILE);
    let offset = taken.find('\n').expect("a line") + 1;
    folder.write(&format!("{FILE}.replaying"), &taken);
    folder.write(&format!("{FILE}.replaying.progress"), format!("{offset:020}\n"));
    folder.write(FILE, taken.replace("garbage", "newer").lines().next().expect("a line"));
    let (_, list, _) = quarantine(&folder, &["list"]);
    assert_eq!(list.lines().count(), 3, "{list}");
    let (code, report, _) = quarantine(&folder, &["replay", "--output", "out.jsonl"]);
    assert_eq!(code, Some(0), "{report}");
    assert!(report.starts_with("went on with a replay that did not come to its end"), "{report}");
    assert_eq!(folder.read("out.jsonl"), "{\"id\":7,\"card\":\"c\",\"amount\":500}\n");
    assert_eq!(lines(&folder, FILE).len(), 1);
    assert_eq!(names(folder.path(), FILE), [FILE]);
}

#[test]
fn lines_that_someone_has_spoilt_stay_and_are_named() {
    let folder = sent(TCP, b"{\"id\":7,\"card\":\"c\",\"amount\":500}\n");
    folder.write("rules/test.trip", RULES.replace("id     string", "id     int"));
    folder.write(FILE, format!("{}{{\"time\": \u{1b}\n", folder.read(FILE)));
    let (code, report, messages) = quarantine(&folder, &["replay", "--output", "out.jsonl"]);
    assert_eq!(code, Some(0), "{report}{messages}");
    assert!(messages.contains("1 line of `"), "{messages}");
    assert!(messages.contains("\n  line 2: expected value at column 10\n"), "{messages}");
    assert_eq!(folder.read(FILE), "{\"time\": \u{1b}\n");
}

#[test]
fn a_file_that_is_moved_away_is_begun_anew() {
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &format!("{TCP}{}", receiver.sink("desk", "")));
    let mut client = service.connect("auth");
    let path = service.folder.path().join(FILE);
    client.write_all(b"first\n").expect("sent");
    wait_until(|| fs::read_to_string(&path).is_ok_and(|text| text.ends_with('\n')));
    fs::rename(&path, path.with_extension("1")).expect("moved");
    client.write_all(format!("second\n{}", event("last", 500.0)).as_bytes()).expect("sent");
    assert_eq!(receiver.next().event(), "last");
    let folder = keep(&mut service);
    let ended = service.stop();
    assert!(ended.status.success());
    let total = ended.total("file", "quarantine");
    assert_eq!((&total["kept"], &total["lost"]), (&2.into(), &0.into()));
    assert_eq!(lines(&folder, "quarantine.1")[0]["text"], "first");
    assert_eq!(lines(&folder, FILE)[0]["text"], "second");
}

/// Waits for something that another process does and does not tell.
fn wait_until(condition: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + crate::harness::PATIENCE;
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "it does not happen");
        std::thread::yield_now();
    }
}

#[test]
fn a_file_that_cannot_be_written_stops_nothing() {
    let receiver = Receiver::start([]);
    let more = "[quarantine]\nfile = \"gone/records\"\n";
    let mut service = Service::start(RULES, &format!("{more}{TCP}{}", receiver.sink("desk", "")));
    service.wait_for("the folder does not exist", |line| line["file"] == "quarantine");
    let mut client = service.connect("auth");
    client.write_all(format!("garbage\n{}", event(1, 500.0)).as_bytes()).expect("sent");
    assert_eq!(receiver.next().event(), "1");
    let line = service.wait_for("cannot keep records", |_| true);
    assert_eq!((&line["level"], &line["waiting"]), (&"ERROR".into(), &1.into()));
    fs::create_dir(service.folder.path().join("gone")).expect("a folder");
    client.write_all(b"more\n").expect("sent");
    service.wait_for("records can be kept again", |_| true);
    let folder = keep(&mut service);
    assert!(service.stop().status.success());
    let texts: Vec<_> = lines(&folder, "gone/records").iter().map(|line| line["text"].clone()).collect();
    assert_eq!(texts, ["garbage", "more"]);
}

#[test]
fn what_does_not_fit_into_the_file_is_counted() {
    let receiver = Receiver::start([]);
    let more = "[quarantine]\nmax_size = \"64KiB\"\n";
    let mut service = Service::start(RULES, &format!("{more}{TCP}{}", receiver.sink("desk", "")));
    let mut client = service.connect("auth");
    let garbage = "x".repeat(1_000) + "\n";
    client.write_all(garbage.repeat(200).as_bytes()).expect("sent");
    client.write_all(event("last", 500.0).as_bytes()).expect("sent");
    assert_eq!(receiver.next().event(), "last");
    let line = service.wait_for("the file is full", |_| true);
    assert_eq!((&line["level"], &line["max_size"]), (&"ERROR".into(), &65_536.into()));
    let folder = keep(&mut service);
    let ended = service.stop();
    assert!(ended.status.success());
    assert_eq!(ended.lines("the file is full").len(), 1);
    let size = fs::metadata(folder.path().join(FILE)).expect("a file").len();
    assert!((60_000..=65_536).contains(&size), "{size}");
    let total = ended.total("file", "quarantine");
    let (kept, lost) = (total["kept"].as_u64().expect("a number"), total["lost"].as_u64().expect("a number"));
    assert_eq!((kept, kept + lost), (lines(&folder, FILE).len() as u64, 200));
}

#[test]
fn without_a_quarantine_records_are_only_counted() {
    let folder = sent(&format!("[quarantine]\nenabled = false\n{TCP}"), b"garbage\n");
    assert_eq!(names(folder.path(), FILE), [] as [&str; 0]);
    let (code, _, messages) = quarantine(&folder, &["list"]);
    assert_eq!(code, Some(2));
    assert!(messages.contains("`tripline.toml` keeps no quarantine: `enabled` is false"), "{messages}");
}

#[test]
fn late_events_are_kept_if_that_is_wanted() {
    let rules = RULES.replace("stream auth {", "stream auth time at late 1s idle 30s {\n  at timestamp(ms)");
    let receiver = Receiver::start([]);
    let more = "[late]\nfile = \"late.jsonl\"\n";
    let mut service = Service::start(&rules, &format!("{more}{TCP}{}", receiver.sink("desk", "")));
    let mut client = service.connect("auth");
    let at = |id: &str, at: u64| event(id, 500.0).replace('}', &format!(",\"at\":{at}}}"));
    client.write_all(at("1", 1_000_000).as_bytes()).expect("sent");
    client.write_all(at("2", 1_010_000).as_bytes()).expect("sent");
    assert_eq!(receiver.next().event(), "1");
    client.write_all(at("late", 1_006_500).as_bytes()).expect("sent");
    service.wait_for("did not take an event: late", |_| true);
    let folder = keep(&mut service);
    assert!(service.stop().status.success());
    let lines = lines(&folder, "late.jsonl");
    assert_eq!(lines.len(), 1);
    assert_eq!((&lines[0]["source"], &lines[0]["stream"]), (&"auth".into(), &"auth".into()));
    assert_eq!(
        (&lines[0]["event_time"], &lines[0]["late_by"]),
        (&"1970-01-01T00:16:46.5Z".into(), &2.5.into())
    );
    assert_eq!(lines[0]["event"]["id"], "late");
}

#[test]
fn mistakes_in_the_arguments_are_explained() {
    let folder = sent(TCP, b"garbage\n");
    let refused = |arguments: &[&str]| {
        let (code, _, messages) = quarantine(&folder, arguments);
        assert_eq!(code, Some(2), "{messages}");
        messages
    };
    assert!(refused(&["list", "gone"]).starts_with("error: cannot read `gone`: No such file"));
    assert!(refused(&["list", "--since", "now"]).contains("a time is written like"));
    assert!(refused(&["replay", "--source", "auht"]).contains("no source `auht`; did you mean `auth`?"));
    assert!(refused(&["replay", "--to", "nowhere"]).contains("a target is written `host:port`"));
    let config = folder.read("tripline.toml");
    folder.write("tripline.toml", format!("{config}[sources.pipe]\ntype = \"stdin\"\nstream = \"auth\"\n"));
    let message = refused(&["replay", "--to", "127.0.0.1:1"]);
    assert!(
        message.contains("`--to` is for the records of one source: name it with `--source`"),
        "{message}"
    );
}

/// Rows are of no use without the header that stood before them.
#[test]
fn rows_of_csv_keep_their_header() {
    let config = format!("{}codec = \"csv\"\n", tcp_again());
    let receiver = Receiver::start([]);
    let mut service = Service::start(RULES, &format!("{config}{}", receiver.sink("desk", "")));
    let mut one = service.connect("auth");
    one.write_all(b"id,card,amount\n1,c,\"12,5\"\n2,c,500\n").expect("sent");
    assert_eq!(receiver.next().event(), "2");
    let mut other = service.connect("auth");
    other.write_all(b"amount,id,card\nmany,3,c\n500,4,c\n").expect("sent");
    assert_eq!(receiver.next().event(), "4");
    // The stream wants a card, and this header has none.
    let mut third = service.connect("auth");
    third.write_all(b"id,amount\n5,500\n").expect("sent");
    drop(third);
    service.wait_for("rejected", |line| line["record"] == "\"5,500\"");
    let folder = keep(&mut service);
    assert!(service.stop().status.success());

    let kept = lines(&folder, FILE);
    let headers: Vec<_> = kept.iter().map(|line| line["header"].as_str()).collect();
    let expected = [Some("id,card,amount"), Some("amount,id,card"), None, Some("id,amount")];
    assert_eq!(headers, expected, "{kept:?}");
    let mended = RULES.replace("amount float", "amount string").replace("amount > 100", "amount != \"\"");
    let mended = mended
        .replace("card   string", "card   string?")
        .replace("by card\n", "")
        .replace("{card} spent", "spent");
    let receiver = Receiver::start([]);
    let service = Service::start_in(folder, &mended, &format!("{config}{}", receiver.sink("desk", "")));
    let (code, report, messages) = quarantine(&service.folder, &["replay"]);
    assert_eq!(code, Some(0), "{report}{messages}");
    assert!(report.contains("fed         3 records of `auth`"), "{report}");
    assert!(report.contains("took out 1 header"), "{report}");
    let mut fed = [(); 3].map(|()| receiver.next().event().to_owned());
    fed.sort();
    assert_eq!(fed, ["1", "3", "5"]);
    assert_eq!(names(service.folder.path(), FILE), [] as [&str; 0]);
}

/// What is sent is framed, compressed and encrypted as the source wants it.
#[test]
fn records_are_sent_as_their_source_reads_them() {
    let made = rcgen::generate_simple_self_signed(["tripline.example".to_owned()]).expect("a certificate");
    let config = format!(
        "[sources.auth]\ntype = \"tcp\"\nstream = \"auth\"\nlisten = \"127.0.0.1:{}\"\nframing = \"length_prefixed\"\n\
         compression = \"gzip\"\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n\
         [sources.local]\ntype = \"unix\"\nstream = \"auth\"\npath = \"in.sock\"\nframing = \"octet_counting\"\n\
         compression = \"zstd\"\n\
         [sources.datagrams]\ntype = \"unix\"\nstream = \"auth\"\npath = \"dgram.sock\"\nmode = \"datagram\"\n\
         [sources.packets]\ntype = \"udp\"\nstream = \"auth\"\nlisten = \"127.0.0.1:{}\"\n\
         [sources.web]\ntype = \"http\"\nlisten = \"127.0.0.1:{}\"\ntoken_file = \"tokens\"\nmax_records = 2\n\
         tls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n",
        own_port(),
        own_port(),
        own_port()
    );
    let folder = Folder::new();
    folder.write("cert.pem", made.cert.pem());
    folder.write("key.pem", made.signing_key.serialize_pem());
    folder.write("tokens", "\nsesame\nother\n");
    let kept: String = ["auth", "local", "datagrams", "packets", "web", "web"]
        .iter()
        .map(|source| {
            let text = event(source, 500.0);
            let record = serde_json::json!({
                "time": "2026-03-01T08:00:00Z", "source": source, "stream": "auth", "partition": 0, "offset": 0,
                "number": 1, "reason": "wrong_type", "detail": "once", "text": text.trim_end(),
            });
            format!("{record}\n")
        })
        .collect();
    folder.write(FILE, kept);
    let receiver = Receiver::start([]);
    let service = Service::start_in(folder, RULES, &format!("{config}{}", receiver.sink("desk", "")));
    let (code, report, messages) = quarantine(&service.folder, &["replay"]);
    assert_eq!(code, Some(0), "{report}{messages}");
    assert!(messages.contains("nothing answers to datagrams"), "{messages}");
    let mut fed = [(); 6].map(|()| receiver.next().event().to_owned());
    fed.sort();
    assert_eq!(fed, ["auth", "datagrams", "local", "packets", "web", "web"]);
    assert!(service.stop().status.success());
}
