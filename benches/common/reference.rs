//! What the rules find in prepared traffic when nothing disturbs them: `tripline replay` over the
//! very bytes that were sent.

use std::collections::BTreeSet;
use std::fs::File;

use serde_json::Value;

use super::live;
use super::sender::{End, Pace, Settings};
use super::traffic::Traffic;
use crate::harness::{Folder, text};

/// The ids of the alerts that the example rules give for so many chunks.
pub fn alerts(traffic: &mut Traffic, chunks: usize) -> BTreeSet<String> {
    let folder = Folder::new();
    let mut arguments = vec!["replay".to_owned(), live::example_rules().to_owned()];
    let mut files = Vec::new();
    for lane in &traffic.lanes {
        // A minute of traffic is gigabytes; compressed it is a fraction of that.
        let file = folder.path().join(format!("{}.zst", lane.stream.name));
        arguments.push(format!("--input={}={}", lane.stream.name, file.display()));
        let file = File::create(file).expect("the file can be made");
        let mut file = zstd::Encoder::new(file, 1).expect("the level is one of zstd's").auto_finish();
        live::open(&mut file);
        files.push(file);
    }
    let settings = Settings { rate: None, ahead: usize::MAX, end: End::Chunks(chunks) };
    Pace::begin(traffic, settings).send(&mut traffic.lanes, files);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = folder.run(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let alerts: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    ids(&alerts, &traffic.closing_date(chunks))
}

/// The ids of those alerts that were decided before a date. What is decided later is about the closing
/// lines.
pub fn ids<'a>(alerts: impl IntoIterator<Item = &'a Value>, date: &str) -> BTreeSet<String> {
    let text = |alert: &'a Value, name: &str| alert[name].as_str().expect("an alert has this");
    let alerts = alerts.into_iter().filter(|alert| &text(alert, "decided_time")[..date.len()] < date);
    alerts.map(|alert| text(alert, "id").to_owned()).collect()
}
