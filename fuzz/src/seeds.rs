//! Where fuzzing begins: the rule files, events and conditions that the project holds already.

use std::fs;
use std::path::Path;

use super::state::sample;

/// Inputs for a target, from the folder of the project.
///
/// # Panics
/// When the project cannot be read.
pub fn seeds(project: &Path, target: &str) -> Vec<Vec<u8>> {
    let texts = match target {
        "decode_json" => events(project),
        "decode_text" => return records(),
        "decode_binary" => return binary(),
        "restore" => return states(),
        "expression" => conditions(&rule_files(project)),
        "format_generated" => return (0..64).map(random_bytes).collect(),
        _ => rule_files(project),
    };
    assert!(texts.len() > 20, "only {} seeds for {target}", texts.len());
    texts.into_iter().map(String::into_bytes).collect()
}

/// The texts of all rule files, of the recorded cases, and of the examples in the documentation.
pub fn rule_files(project: &Path) -> Vec<String> {
    let mut texts = texts(&project.join("rules"), "trip");
    texts.extend(self::texts(&project.join("tests"), "trip"));
    for cases in self::texts(&project.join("tests/conformance"), "jsonl") {
        texts.extend(cases.lines().map(|case| {
            let case: serde_json::Value = serde_json::from_str(case).expect("a case is JSON");
            case["rule"].as_str().expect("a case holds a rule").to_owned()
        }));
    }
    for page in self::texts(&project.join("docs"), "md") {
        let blocks = page.split("\n```").skip(1).step_by(2);
        let rules = blocks.filter(|block| block.starts_with("trip"));
        texts.extend(rules.filter_map(|block| Some(block.split_once('\n')?.1.to_owned() + "\n")));
    }
    texts
}

/// Recorded events, one each.
fn events(project: &Path) -> Vec<String> {
    let recordings = texts(&project.join("rules"), "jsonl");
    recordings.iter().flat_map(|recording| recording.lines().map(str::to_owned)).collect()
}

/// Records of bytes, behind the number of their format in the order of the target.
fn binary() -> Vec<Vec<u8>> {
    let avro = b"\x02\x01\0\x0e\x04\x04\xd2\x02\x02t\0\x04hi\0abcdefghijkl\x02";
    let message = b"\x08\x01\x10\x07\x22\x04\x0a\x02hi\x32\x02\x08\x01\x3a\x04\x01\x02\x03\x04";
    let behind = |choice: u8, id: &[u8], record: &[u8]| [&[choice], id, record].concat();
    vec![
        behind(0, b"", avro),
        behind(1, b"\0\0\0\0\x01", avro),
        behind(2, b"", message),
        behind(3, b"\0\0\0\0\x01\0", message),
        behind(3, b"\0\0\0\0\x01\x02\x02", b"\x0a\x02hi"),
    ]
}

/// Records of plain text, behind the number of their format in the order of the target.
fn records() -> Vec<Vec<u8>> {
    let partitions: [(u8, &[&str]); 9] = [
        (0, &["n,t,timestamp,extra", "1,\"a \"\"b\"\", c\",2026-03-01T08:00:00Z,x", "-2,,,"]),
        (0, &["\u{feff}t;n", "1;2"]),
        (1, &["1;text;1.50;1772352000000", "\"2\";\"a\nb\";.5;2026-03-01T08:00:00Z"]),
        (2, &["flag n=12 x=1e3 t=\"a \\\"b\\\" \\u00e9\" d=1h30m ip=10.0.0.1 at=0", "n=1 n=2 t= other=x=y"]),
        (
            3,
            &[
                "<34>1 2003-10-11T22:14:15.003Z host su 42 ID47 [timeQuality tzKnown=\"1\"][e@1 q=\"a\\]\"] \u{feff}text",
            ],
        ),
        (3, &["<13>Oct 11 22:14:15 host su[42]: text", "<13>Feb 29 2024 12:17:09: %ASA-6-302013: Built"]),
        (
            3,
            &["<13>2026-02-01T12:17:09.369447+01:00 host app: text", "Feb  1 12:17:09 2001:db8::1 app: text"],
        ),
        (3, &["<0>1 - - - - - [flag] text", "<191>text"]),
        (4, &["10.0.0.1 ada \"GET / HTTP/1.1\" 200", "::1 -"]),
    ];
    let seed = |(format, records): (u8, &[&str])| [&[format][..], records.join("\0").as_bytes()].concat();
    partitions.into_iter().map(seed).collect()
}

/// The parts of a stored state, each behind the number by which the target finds it.
fn states() -> Vec<Vec<u8>> {
    let stored = sample();
    let rows = (1..=u8::MAX).zip(&stored.rows);
    let rows = rows.flat_map(|(part, (_, _, key, value))| {
        [[&[part, 0], value.as_slice()].concat(), [&[part, 1], key.as_slice()].concat()]
    });
    std::iter::once([&[0, 0], stored.head.as_slice()].concat()).chain(rows).collect()
}

/// What stands behind `where` on a line.
fn conditions(texts: &[String]) -> Vec<String> {
    let lines = texts.iter().flat_map(|text| text.lines());
    let mut conditions: Vec<String> =
        lines.filter_map(|line| Some(line.split_once(" where ")?.1.to_owned())).collect();
    conditions.sort();
    conditions.dedup();
    conditions
}

fn random_bytes(seed: u8) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    let mut next = || {
        // Numerical Recipes' generator; its high bits are good enough for choices.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..u32::from(seed) * 10).map(|_| next()).collect()
}

/// The texts of all files with that ending below a folder, in order of their paths.
fn texts(folder: &Path, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a folder of the project can be read");
            open.extend(entries.map(|entry| entry.expect("a folder of the project can be read").path()));
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
    found.sort();
    found.iter().map(|path| fs::read_to_string(path).expect("a file of the project can be read")).collect()
}
