//! `replay`: recorded events to their end.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::harness::{Folder, text, tripline};

const RULES: &str = r#"
stream auth time at late 1s idle 30s { id string, card string, amount float, at timestamp(ms) }
stream calls time at idle 30s { id string, card string, at timestamp(ms) }

rule told {
  by card
  event big = auth where amount > 100
  match big then calls as call within 1m
  alert high "told" { big = big.id, call = call.id }
}

rule untold {
  by card
  event big = auth where amount > 100
  match big then not calls for 1m
  alert low "untold" { big = big.id }
}
"#;

fn auth(id: &str, card: &str, at: u64) -> String {
    format!("{{\"id\":\"{id}\",\"card\":\"{card}\",\"amount\":500,\"at\":{at}}}\n")
}

fn call(id: &str, card: &str, at: u64) -> String {
    format!("{{\"id\":\"{id}\",\"card\":\"{card}\",\"at\":{at}}}\n")
}

/// Rules, two files of charges and one of calls.
fn recorded() -> Folder {
    let folder = Folder::new();
    folder.write("rules/a.trip", RULES);
    folder.write("auth-a.jsonl", format!("{}{}", auth("a1", "x", 1_000), auth("a2", "y", 90_000)));
    folder.write("auth-b.jsonl", format!("{}{}", auth("b1", "z", 2_000), auth("b2", "x", 200_000)));
    folder.write("calls.jsonl", format!("{}{}", call("c1", "x", 30_000), call("c2", "y", 100_000)));
    folder
}

const INPUTS: [&str; 6] =
    ["--input", "auth=auth-a.jsonl", "--input", "auth=auth-b.jsonl", "--input", "calls=calls.jsonl"];

fn replay(folder: &Folder, inputs: &[&str]) -> (String, String) {
    let run = folder.run(&[&["replay", "rules"], inputs].concat());
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    (text(&run.stdout).to_string(), text(&run.stderr).to_string())
}

fn fields(alerts: &str) -> Vec<(String, String)> {
    alerts
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .map(|alert| {
            (
                alert["rule"].as_str().expect("a rule").into(),
                alert["fields"]["big"].as_str().expect("a field").into(),
            )
        })
        .collect()
}

#[test]
fn alerts_come_in_the_order_decided_and_time_runs_to_the_end() {
    let folder = recorded();
    let (alerts, summary) = replay(&folder, &INPUTS);
    let expected = [("told", "a1"), ("untold", "b1"), ("told", "a2"), ("untold", "b2")];
    let expected: Vec<(String, String)> = expected.map(|(rule, big)| (rule.into(), big.into())).into();
    assert_eq!(fields(&alerts), expected);
    assert!(summary.contains("events     6 in "), "{summary}");
    assert!(summary.contains("alerts     4\n  told    2\n  untold  2"), "{summary}");
}

#[test]
fn neither_the_order_of_arguments_nor_compression_nor_the_output_matters() {
    let folder = recorded();
    let (expected, _) = replay(&folder, &INPUTS);
    let turned =
        ["-i", "calls=calls.jsonl", "-i", "auth=auth-b.jsonl", "-i", "auth=auth-a.jsonl", "-o", "out.jsonl"];
    assert_eq!(replay(&folder, &turned).0, "");
    assert_eq!(folder.read("out.jsonl"), expected);

    folder.write("auth-a.jsonl.gz", gzip(folder.read("auth-a.jsonl")));
    let pressed = zstd::encode_all(folder.read("calls.jsonl").as_bytes(), 3).expect("in memory");
    folder.write("calls.jsonl.zst", pressed);
    let packed = ["-i", "auth=auth-a.jsonl.gz", "-i", "auth=auth-b.jsonl", "-i", "calls=calls.jsonl.zst"];
    assert_eq!(replay(&folder, &packed).0, expected);

    let arguments =
        ["replay", "rules", "-i", "auth=auth-a.jsonl", "-i", "auth=auth-b.jsonl", "-i", "calls=-"];
    let run = folder.run_with(&arguments, folder.read("calls.jsonl").as_bytes());
    assert_eq!(text(&run.stdout), expected);
}

#[test]
fn bad_and_late_records_are_counted_and_shown() {
    let folder = recorded();
    let bad = format!(
        "{}garbage\n{}{{\"id\":\"q\"}}\n{}\n{}",
        auth("1", "x", 100_000),
        auth("late", "x", 5_000),
        "x".repeat(2_000_000),
        auth("2", "x", 101_000)
    );
    folder.write("bad.jsonl", bad);
    let (alerts, summary) = replay(&folder, &["-i", "auth=bad.jsonl"]);
    assert_eq!(alerts.lines().count(), 2, "what is good is matched all the same");
    assert!(summary.contains("malformed  3 (syntax 1, missing_field 1, oversized 1)"), "{summary}");
    assert!(summary.contains("  bad.jsonl:2: not a JSON object"), "{summary}");
    assert!(summary.contains("  bad.jsonl:4: the required field"), "{summary}");
    assert!(summary.contains("  bad.jsonl:5: the record has 2000000 bytes"), "{summary}");
    assert!(summary.contains("late       1"), "{summary}");
}

#[test]
fn mistakes_in_the_arguments_are_explained() {
    let folder = recorded();
    let refused = |arguments: &[&str]| {
        let run = folder.run(&[&["replay", "rules"], arguments].concat());
        assert_eq!(run.status.code(), Some(2), "{}", text(&run.stderr));
        assert_eq!(text(&run.stdout), "");
        text(&run.stderr).to_string()
    };
    assert!(refused(&["-i", "auth=gone"]).starts_with("error: cannot open `gone`: No such file"));
    assert!(refused(&["-i", "auht=calls.jsonl"]).contains("no stream `auht`; did you mean `auth`?"));
    assert!(refused(&["-i", "calls.jsonl"]).contains("an input is written `STREAM=FILE`"));
    assert!(refused(&["-i", "auth=auth-a.jsonl", "-i", "auth=auth-a.jsonl"]).contains("is given twice"));
    assert!(refused(&["-i", "auth=auth-a.jsonl", "-o", "gone/out"]).contains("cannot create `gone/out`"));
    folder.write("rules/b.trip", "rule");
    assert!(refused(&["-i", "auth=auth-a.jsonl"]).contains("error: the rules have"));
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_replay_quietly() {
    let folder = recorded();
    let many: String = (0..20_000).map(|at| auth("a", &format!("{at}"), at * 1_000)).collect();
    folder.write("many.jsonl", many);
    let mut child = tripline()
        .args(["replay", "rules", "-i", "auth=many.jsonl"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

#[test]
fn a_broken_archive_is_an_error_after_what_came_before() {
    let folder = recorded();
    let lines: String = (0..50_000).map(|at| auth("a", &format!("{at}"), at * 1_000)).collect();
    let mut archive = gzip(lines);
    archive.truncate(archive.len() / 2);
    folder.write("cut.jsonl.gz", archive);
    let run = folder.run(&["replay", "rules", "-i", "auth=cut.jsonl.gz"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stdout).lines().count() > 1_000);
    let error = "error: cannot read `cut.jsonl.gz`: the gzip data is cut off: its end is missing\n";
    assert!(text(&run.stderr).starts_with(error), "{}", text(&run.stderr));
}

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes.as_ref()).expect("in memory");
    encoder.finish().expect("in memory")
}

/// The charges and calls of [`recorded`], and where an option is needed to read them.
const OTHER_FORMATS: [(&str, &str, &[&str]); 7] = [
    ("c.csv", "card,id,amount,at\r\nx,a1,500,1000\r\ny,\"a2\",500,90000\r\n", &[]),
    ("c.csv.gz", "card;id;amount;at\nx;a1;500;1000\ny;a2;500;90000\n", &["--delimiter", ";"]),
    ("c.tsv", "x\ta1\t500\t1000\ny\ta2\t500\t90000", &["--columns", "card,id,amount,at"]),
    (
        "c.txt",
        "card\tid\tamount\tat\nx\ta1\t500\t1000\ny\ta2\t500\t90000",
        &["--format", "csv", "--delimiter", "tab"],
    ),
    ("c.logfmt", "id=a1 card=x amount=500 at=1000\nid=\"a2\" card=y amount=500 at=90000\n", &[]),
    (
        "c.log",
        "1000 card x was charged 500 (a1)\n90000 card y was charged 500 (a2)\n",
        &["--pattern", r"^(?<at>\d+) card (?<card>\S+) was charged (?<amount>\d+) \((?<id>\w+)\)$"],
    ),
    (
        "c.frames",
        "45 {\"id\":\"a1\",\"card\":\"x\",\"amount\":500,\"at\":1000}46 {\"id\":\"a2\",\"card\":\"y\",\"amount\":500,\"at\":90000}",
        &["--framing", "octet_counting"],
    ),
];

#[test]
fn recordings_may_have_other_formats_than_json() {
    let folder = recorded();
    let (expected, _) = replay(&folder, &["-i", "auth=auth-a.jsonl"]);
    assert_eq!(fields(&expected).len(), 2);
    for (name, content, options) in OTHER_FORMATS {
        folder.write(name, if name.ends_with(".gz") { gzip(content) } else { content.into() });
        let input = format!("auth={name}");
        let (alerts, summary) = replay(&folder, &[&["-i", &input], options].concat());
        assert_eq!(fields(&alerts), fields(&expected), "{name}: {summary}");
        assert!(summary.contains("events     2 in "), "{name}: {summary}");
        assert!(summary.contains("malformed  0\n"), "{name}: {summary}");
    }
    let pressed = zstd::encode_all("id,card,amount,at\na1,x,500,1000\na2,y,500,90000\n".as_bytes(), 3);
    let arguments = ["replay", "rules", "-i", "auth=-", "--format", "csv", "--compression", "zstd"];
    let run = folder.run_with(&arguments, &pressed.expect("in memory"));
    assert_eq!(fields(text(&run.stdout)), fields(&expected), "{}", text(&run.stderr));
}

const SYSLOG_RULES: &str = r#"
stream logs time at late 1s { host string, app string, text string from "message", at timestamp from "timestamp" }

rule failed {
  by host
  event e = logs where app == "su" and contains(text, "failed")
  match e then e as again within 1d
  alert high "failed twice" { at = again.at }
}
"#;

#[test]
fn syslog_times_without_a_year_are_near_the_time_of_the_recording() {
    let folder = Folder::new();
    folder.write("rules/a.trip", SYSLOG_RULES);
    folder
        .write("log", "<34>Dec 31 23:59:50 web su: failed for x\n<34>Jan  1 00:00:10 web su: failed for y\n");
    let year = |options: &[&str]| {
        let (alerts, summary) =
            replay(&folder, &[&["-i", "logs=log", "--format", "syslog"], options].concat());
        let alert: Value =
            serde_json::from_str(alerts.trim_end()).unwrap_or_else(|_| panic!("{alerts}{summary}"));
        alert["fields"]["at"].as_str().expect("a time").to_owned()
    };
    assert_eq!(year(&[]), "1970-01-01T00:00:10Z");
    assert_eq!(year(&["--received", "2026-02-01T00:00:00+01:00"]), "2026-01-01T00:00:10Z");
    let run = folder.run(&["replay", "rules", "-i", "logs=log", "--received", "yesterday"]);
    assert!(
        text(&run.stderr).contains("a time is written like 2026-03-01T08:00:00Z"),
        "{}",
        text(&run.stderr)
    );
}

#[test]
fn what_is_wrong_in_csv_is_shown_with_its_line() {
    let folder = recorded();
    folder.write(
        "bad.csv",
        "id,card,amount,at\n\"1\n\",x,500,1000\nshort,row\n2,x,much,2000\n3,x,500,3000\n4,x,500,4000,\"\n\n",
    );
    let (_, summary) = replay(&folder, &["-i", "auth=bad.csv"]);
    assert!(summary.contains("malformed  3 (syntax 1, wrong_type 1, incomplete 1)"), "{summary}");
    assert!(summary.contains("  bad.csv:4: not a row of CSV: it has 2 cells"), "{summary}");
    assert!(summary.contains("  bad.csv:5: the field `amount` should be"), "{summary}");
    assert!(summary.contains("  bad.csv:7: the record is not complete: the quotes of its last"), "{summary}");
    assert!(summary.contains("events     2 in "), "{summary}");
}

#[test]
fn formats_that_cannot_be_are_explained() {
    let folder = recorded();
    let refused = |arguments: &[&str]| {
        let run = folder.run(&[&["replay", "rules", "-i", "auth=auth-a.jsonl"], arguments].concat());
        assert_eq!(run.status.code(), Some(2), "{}", text(&run.stderr));
        text(&run.stderr).to_string()
    };
    assert!(refused(&["--delimiter", ";"]).contains("no input is CSV; add `--format csv`"));
    assert!(
        refused(&["--format", "csv", "--delimiter", "ab"]).contains("the delimiter is one ASCII character")
    );
    assert!(refused(&["--format", "regex"]).contains("--pattern <REGEX>"));
    assert!(refused(&["--pattern", "("]).contains("`--pattern`: "));
    assert!(
        refused(&["--pattern", "(?<id>a)", "--format", "json"]).contains("`--format` can only be `regex`")
    );
    let misfit = refused(&["--pattern", "(?<id>a)"]);
    assert!(misfit.contains("error: `--input auth=auth-a.jsonl`: the pattern has no group"), "{misfit}");
}

/// The recorded events of all example rules at once, some of which read the alerts of others.
fn examples() -> Vec<String> {
    let rules = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let pattern = rules.join("*/*.events/*.jsonl");
    let files = glob::glob(pattern.to_str().expect("text")).expect("a pattern");
    let mut arguments = vec!["replay".to_string(), rules.to_str().expect("text").to_string()];
    for file in files {
        let file = file.expect("a file");
        let stream = file.file_stem().and_then(|stem| stem.to_str()).expect("text");
        arguments.extend(["--input".to_string(), format!("{stream}={}", file.display())]);
    }
    arguments
}

#[test]
fn the_number_of_shards_changes_no_byte_of_the_alerts() {
    let arguments = examples();
    let run = |shards: &str| {
        let run = tripline().args(&arguments).args(["--shards", shards]).output().expect("it can be run");
        assert!(run.status.success(), "{}", text(&run.stderr));
        // The first line of the summary says how long it took.
        let summary = text(&run.stderr).lines().skip(1).collect::<Vec<_>>().join("\n");
        (text(&run.stdout).to_string(), summary)
    };
    let one = run("1");
    assert!(one.0.lines().count() > 30 && one.0.contains(r#""rule":"siege""#), "{}", one.0);
    for shards in ["2", "3", "8"] {
        let more = run(shards);
        assert_eq!(one.0, more.0, "{shards} shards");
        assert_eq!(one.1, more.1, "{shards} shards");
    }
}
