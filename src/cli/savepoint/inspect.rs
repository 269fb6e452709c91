//! `tripline savepoint inspect`

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use crate::cli::output::{self, grouped, shortened};
use crate::cli::place::{self, Place};
use crate::cli::quarantine::visible;
use crate::engine::Summary;
use crate::event::Timestamp;
use crate::runtime::control::view::{optional_time, time};
use crate::runtime::recovery::as_row;
use crate::source::positions::Positions;
use crate::store::{Savepoint, SavepointInfo, StoreError, StoredRow, glance_at_savepoint};
use crate::stored::Row;

use super::{Meant, absolute, find, size};

/// How much of a fingerprint is shown: enough to tell it from others.
const SHOWN: usize = 12;

/// Say what is in a savepoint
///
/// Reads it to its end, so that it is known to be whole.
#[derive(Debug, clap::Args)]
pub struct Inspect {
    /// The name, or the file
    #[arg(value_name = "NAME|FILE")]
    name: String,

    #[command(flatten)]
    place: Place,

    /// Write a JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Inspect {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let file = find(&Meant::of(&self.name)?, || self.place.folder())?;
        let read = Read::whole(&absolute(&file))?;
        let content = Content::of(&read);
        if self.json {
            output::print_json(&content)?;
        } else {
            output::print(&content.text())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A savepoint that has been read to its end.
pub struct Read {
    /// What it says of itself.
    pub info: SavepointInfo,
    /// What it holds.
    pub summary: Summary,
    /// How far sources had come.
    pub positions: Positions,
}

impl Read {
    /// Reads all of it.
    ///
    /// # Errors
    /// When it is not whole, or another version's.
    pub fn whole(file: &Path) -> anyhow::Result<Read> {
        let disk = place::disk();
        let info = glance_at_savepoint(&*disk, file)?;
        let savepoint = Savepoint::open(&*disk, file)?;
        let (mut summary, positions) = begin(file, &savepoint)?;
        for stored in savepoint.rows {
            let stored = stored?;
            let row = as_row(&stored).map_err(|why| unreadable(file, why))?;
            summary.row(row).map_err(|why| unreadable(file, why))?;
        }
        Ok(Read { info, summary, positions })
    }
}

/// What a savepoint says before its rows.
fn begin(file: &Path, savepoint: &Savepoint) -> anyhow::Result<(Summary, Positions)> {
    let summary = Summary::new(&savepoint.head).map_err(|why| unreadable(file, why))?;
    let positions = Positions::of_stored(&savepoint.positions).map_err(|why| unreadable(file, why))?;
    Ok((summary, positions))
}

fn unreadable(file: &Path, why: impl std::fmt::Display) -> anyhow::Error {
    anyhow::Error::msg(format!("{} cannot be used: {why}", file.display()))
}

/// Gives rows, which may not be readable, as engines know them.
pub fn take_all<E: std::fmt::Display>(
    rows: impl Iterator<Item = Result<StoredRow, StoreError>>,
    mut give: impl FnMut(Row<'_>) -> Result<(), E>,
) -> anyhow::Result<()> {
    for stored in rows {
        let stored = stored?;
        give(as_row(&stored)?).map_err(|why| anyhow::Error::msg(why.to_string()))?;
    }
    Ok(())
}

/// What is in a savepoint.
#[derive(Serialize)]
struct Content<'a> {
    file: String,
    bytes: u64,
    #[serde(with = "time")]
    time: Timestamp,
    checkpoint: u64,
    #[serde(with = "optional_time")]
    event_time: Option<Timestamp>,
    /// Events taken since the state began.
    events: u64,
    /// Events that wait for their turn.
    waiting: u64,
    past_events: u64,
    journal: u64,
    head_bytes: u64,
    rows: u64,
    rules: Vec<RuleContent<'a>>,
    streams: &'a [String],
    partitions: Vec<PartitionContent<'a>>,
}

#[derive(Serialize)]
struct RuleContent<'a> {
    rule: &'a str,
    fingerprint: &'a str,
    keys: u64,
    partial_matches: u64,
}

#[derive(Serialize)]
struct PartitionContent<'a> {
    stream: &'a str,
    partition: u32,
    source: &'a str,
    from: String,
    open: bool,
    offset: u64,
    record: u64,
}

impl<'a> Content<'a> {
    fn of(read: &'a Read) -> Content<'a> {
        let Read { info, summary, positions } = read;
        let rules = summary.rules.iter().map(|rule| RuleContent {
            rule: &rule.rule,
            fingerprint: &rule.fingerprint,
            keys: rule.keys,
            partial_matches: rule.runs,
        });
        let partitions = positions.streams.iter().flat_map(|(stream, of)| {
            of.partitions.iter().map(|(id, position)| PartitionContent {
                stream,
                partition: id.0,
                source: &position.origin.source,
                from: position.origin.kind.to_string(),
                open: position.is_open,
                offset: position.reached.offset,
                record: position.reached.number,
            })
        });
        Content {
            file: info.file.display().to_string(),
            bytes: info.bytes,
            time: info.time,
            checkpoint: info.commit,
            event_time: Some(summary.passed).filter(|passed| *passed > Timestamp::FIRST),
            events: summary.events,
            waiting: summary.waiting,
            past_events: summary.past_events,
            journal: info.journal,
            head_bytes: info.head,
            rows: info.rows,
            rules: rules.collect(),
            streams: &summary.streams,
            partitions: partitions.collect(),
        }
    }

    fn text(&self) -> String {
        let event_time = self.event_time.map_or("before the first event".into(), |time| time.to_string());
        let mut text = format!("{}\n", self.file);
        let mut line = |name: &str, value: String| text.push_str(&format!("  {name:<11} {value}\n"));
        line("state of", format!("{}, checkpoint {}", self.time, grouped(self.checkpoint)));
        line("event time", event_time);
        line(
            "events",
            format!("{} taken, {} wait for their turn", grouped(self.events), grouped(self.waiting)),
        );
        line("past", format!("{} events kept for aggregates", grouped(self.past_events)));
        line("journal", format!("taken in up to entry {}", grouped(self.journal)));
        line(
            "size",
            format!(
                "{}: a head of {} and {} rows; whole",
                size(self.bytes),
                size(self.head_bytes),
                grouped(self.rows)
            ),
        );
        line("streams", if self.streams.is_empty() { "none".into() } else { self.streams.join(", ") });
        text.push('\n');
        text.push_str(&self.rules_text());
        text.push('\n');
        text.push_str(&self.partitions_text());
        text
    }

    fn rules_text(&self) -> String {
        let head = ["rule", "fingerprint", "keys", "partial matches"].map(str::to_owned).to_vec();
        let row = |rule: &RuleContent<'_>| {
            let fingerprint = shortened(rule.fingerprint, SHOWN);
            vec![visible(rule.rule), fingerprint, grouped(rule.keys), grouped(rule.partial_matches)]
        };
        let rows: Vec<_> = std::iter::once(head).chain(self.rules.iter().map(row)).collect();
        output::table(&rows, &[2, 3])
    }

    fn partitions_text(&self) -> String {
        if self.partitions.is_empty() {
            return "no source has begun\n".into();
        }
        let head = ["stream", "partition", "source", "from", "next byte", "next record", ""];
        let row = |one: &PartitionContent<'_>| {
            vec![
                visible(one.stream),
                one.partition.to_string(),
                visible(one.source),
                visible(&one.from),
                grouped(one.offset),
                grouped(one.record),
                if one.open { String::new() } else { "ended".into() },
            ]
        };
        let head = head.map(str::to_owned).to_vec();
        let rows: Vec<_> = std::iter::once(head).chain(self.partitions.iter().map(row)).collect();
        output::table(&rows, &[1, 4, 5])
    }
}
