//! Files that are put aside while alerts come, by the service and by others.

use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;

use crate::event_of;
use crate::harness::{Folder, PATIENCE, RULES, Service, TCP, event};

fn start(more: &str) -> Service {
    let folder = Folder::new();
    folder.write("alerts/readme", "");
    let config = format!("{TCP}[sinks.desk]\ntype = \"file\"\npath = \"alerts/a.jsonl\"\n{more}\n");
    Service::start_in(folder, RULES, &config)
}

/// Whether a file counts: one that was being compressed when the service ended is there as it was.
fn is_whole(path: &Path) -> bool {
    let plain = path.with_extension("");
    path.extension() != Some("partial".as_ref())
        && !(path.extension() == Some("gz".as_ref()) && plain.exists())
}

fn content(path: &Path) -> String {
    let bytes = std::fs::read(path).expect("a file");
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut text = String::new();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("it is whole");
        return text;
    }
    String::from_utf8(bytes).expect("text")
}

/// The files of alerts by name, the one that is written to last.
fn files(service: &Service) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(service.folder.path().join("alerts")).expect("a folder");
    let mut files: Vec<(String, String)> = entries
        .map(|entry| entry.expect("a file").path())
        .map(|path| (path.file_name().expect("a name").to_str().expect("text").to_owned(), path))
        .filter(|(name, path)| name.starts_with("a.jsonl") && is_whole(path))
        .map(|(name, path)| (name, content(&path)))
        .collect();
    files.sort_by_key(|(name, _)| (name == "a.jsonl", name.len(), name.clone()));
    files
}

fn ids(files: &[(String, String)]) -> Vec<u64> {
    let lines = files.iter().flat_map(|(_, content)| content.lines());
    let id = |line: &str| {
        let alert: serde_json::Value = serde_json::from_str(line).expect("a whole line");
        alert["fields"]["id"].as_str().expect("text").parse().expect("a number")
    };
    lines.map(id).collect()
}

#[test]
fn files_are_put_aside_and_compressed_with_all_alerts_in_them() {
    let mut service = start("rotate_size = \"64KiB\"\nkeep = 1000\ncompress = true");
    let lines: String = (0..2_000).map(|number| event_of(number % 100, number)).collect();
    service.connect("auth").write_all(lines.as_bytes()).expect("sent");
    service.signal("TERM");
    let ended = service.end();
    assert_eq!(ended.total("sink", "desk")["delivered"], 2_000);
    let files = files(&service);
    assert!(files.len() > 5, "{} files", files.len());
    assert!(files.iter().all(|(_, content)| content.len() <= 64 << 10));
    let mut ids = ids(&files);
    ids.sort_unstable();
    assert_eq!(ids, (0..2_000).collect::<Vec<u64>>());
}

#[test]
fn what_logrotate_moves_is_begun_anew() {
    let mut service = start("");
    let mut client = service.connect("auth");
    let path = service.folder.path().join("alerts/a.jsonl");
    for (number, lines) in [(1, 1), (2, 1)] {
        client.write_all(event(number, 120.5).as_bytes()).expect("sent");
        let deadline = Instant::now() + PATIENCE;
        while std::fs::read_to_string(&path).map_or(0, |text| text.lines().count()) < lines {
            assert!(Instant::now() < deadline, "no alert {number}");
            std::thread::yield_now();
        }
        std::fs::rename(&path, path.with_extension(format!("jsonl.{number}"))).expect("it is moved");
    }
    drop(client);
    assert_eq!(ids(&files(&service)), [1, 2]);
    assert_eq!(service.stop().total("sink", "desk")["delivered"], 2);
}

#[test]
fn a_line_can_be_for_people() {
    let mut service = start("format = \"text\"");
    service.connect("auth").write_all(event("e1", 120.5).as_bytes()).expect("sent");
    service.signal("TERM");
    service.end();
    let line = service.folder.read("alerts/a.jsonl");
    assert!(line.contains("Z HIGH     big: c spent 120.5 card=c id=e1 id="), "{line}");
}
