//! `tripline quarantine list`: what was set aside, in groups.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use crate::event::Timestamp;
use crate::quarantine::record::Record;

use super::{FileArgs, FilterArgs, note_unreadable, visible};
use crate::cli::output::{self, grouped, shortened};

/// How many lines that are no records are named.
const NAMED: usize = 5;
/// How much of an example is shown, in letters.
const SHOWN: usize = 100;

/// Say what was set aside: how many records of which source, why, and when
///
/// Exits with 0, whatever it finds.
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    file: FileArgs,

    #[command(flatten)]
    filter: FilterArgs,

    /// Write one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Records of one source and stream with one reason.
#[derive(Serialize)]
struct Group {
    source: String,
    stream: String,
    reason: String,
    count: u64,
    #[serde(serialize_with = "as_text")]
    first: Timestamp,
    #[serde(serialize_with = "as_text")]
    last: Timestamp,
    /// What is wrong with the last of them.
    example: String,
}

fn as_text<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

#[derive(Serialize)]
struct Report<'a> {
    file: String,
    groups: Vec<&'a Group>,
    unreadable: u64,
}

/// What was found in a file.
#[derive(Default)]
struct Found {
    groups: BTreeMap<(String, String, String), Group>,
    others: u64,
    unreadable: u64,
    named: Vec<(u64, String)>,
}

impl List {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let filter = self.filter.filter();
        let mut found = Found::default();
        let path = self.file.read(|line| {
            match line.record {
                Ok(record) if filter.takes(&record) => found.add(record),
                Ok(_) => found.others += 1,
                Err(why) => found.cannot_read(line.number, why.to_string()),
            }
            Ok(true)
        })?;
        if self.json {
            let groups = found.groups.values().collect();
            let report = Report { file: path.display().to_string(), groups, unreadable: found.unreadable };
            output::print_json(&report)?;
        } else {
            output::print(&found.table(&path))?;
        }
        note_unreadable(found.unreadable, &found.named, &path);
        Ok(ExitCode::SUCCESS)
    }
}

impl Found {
    fn add(&mut self, record: Record) {
        let key = (record.source.clone(), record.stream.clone(), record.reason.clone());
        let group = self.groups.entry(key).or_insert_with(|| Group {
            source: record.source,
            stream: record.stream,
            reason: record.reason,
            count: 0,
            first: record.time,
            last: record.time,
            example: String::new(),
        });
        group.count += 1;
        group.first = group.first.min(record.time);
        if record.time >= group.last {
            group.last = record.time;
            group.example = record.detail;
        }
    }

    fn cannot_read(&mut self, line: u64, why: String) {
        self.unreadable += 1;
        if self.named.len() < NAMED {
            self.named.push((line, why));
        }
    }

    fn table(&self, path: &Path) -> String {
        if self.groups.is_empty() {
            let path = path.display();
            return match self.others {
                0 => format!("nothing is in quarantine: `{path}` has no records\n"),
                others => format!("none of the {} records in `{path}` is asked for\n", grouped(others)),
            };
        }
        let head = ["source", "stream", "reason", "count", "first", "last", "for example"].map(str::to_owned);
        let rows: Vec<[String; 7]> = std::iter::once(head).chain(self.groups.values().map(row)).collect();
        output::table(&rows, &[3])
    }
}

fn row(group: &Group) -> [String; 7] {
    [
        visible(&group.source),
        visible(&group.stream),
        visible(&group.reason),
        grouped(group.count),
        to_seconds(group.first),
        to_seconds(group.last),
        shortened(&visible(&group.example), SHOWN),
    ]
}

/// Fractions of a second would only make the table wide.
fn to_seconds(time: Timestamp) -> String {
    Timestamp::from_micros(time.as_micros().div_euclid(1_000_000).saturating_mul(1_000_000)).to_string()
}
