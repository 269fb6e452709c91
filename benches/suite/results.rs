//! What was measured, and the file in the repository that the next measurement is compared with.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The whole of a measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The commit that was measured.
    pub commit: String,
    /// The day, as `2026-03-01`.
    pub date: String,
    /// Processor, cores and memory.
    pub machine: String,
    /// The compiler.
    pub compiler: String,
    /// What was called.
    pub command: String,
    /// Events of a case end to end.
    pub events: u64,
    /// The figures, in the order of the table.
    pub rows: Vec<Row>,
}

/// One figure, with what belongs to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What it is about; rows of one group stand together.
    pub group: String,
    /// Its name, of which a group has each only once.
    pub case: String,
    /// The figure.
    pub value: f64,
    /// What it counts.
    pub unit: Unit,
    /// What the value is to reach.
    pub target: Option<f64>,
    /// Events a second of CPU time, where that says something.
    pub events_per_s: Option<f64>,
    /// Peak memory of the process, in megabytes.
    pub peak_mb: Option<f64>,
    /// How many alerts there were: another number is another result, not another speed.
    pub alerts: Option<u64>,
    /// What else there is to say.
    pub remark: String,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Microseconds of CPU time an event.
    MicrosAnEvent,
    /// Nanoseconds of CPU time an event.
    NanosAnEvent,
    /// Nanoseconds of CPU time an event and live run.
    NanosARun,
    /// Bytes, of memory where nothing else is said.
    Bytes,
    /// Megabytes.
    Megabytes,
    /// Seconds, of CPU time where nothing else is said.
    Seconds,
    /// Milliseconds on the clock.
    Millis,
    /// One cost divided by another.
    Times,
    /// How many times as fast.
    SpeedUp,
    /// Events a second on the clock.
    EventsASecond,
}

impl Unit {
    /// The value with its unit.
    pub fn show(self, value: f64) -> String {
        match self {
            Unit::MicrosAnEvent => format!("{value:.2} µs"),
            Unit::NanosAnEvent if value < 100.0 => format!("{value:.1} ns"),
            Unit::NanosAnEvent => format!("{value:.0} ns"),
            Unit::NanosARun => format!("{value:.2} ns"),
            Unit::Bytes => format!("{value:.0} B"),
            Unit::Megabytes => format!("{value:.1} MB"),
            Unit::Seconds => format!("{value:.2} s"),
            Unit::Millis => format!("{value:.1} ms"),
            Unit::Times | Unit::SpeedUp => format!("{value:.2}x"),
            Unit::EventsASecond => format!("{value:.0}/s"),
        }
    }

    /// What it is called without a value.
    pub fn name(self) -> &'static str {
        match self {
            Unit::MicrosAnEvent => "µs an event",
            Unit::NanosAnEvent => "ns an event",
            Unit::NanosARun => "ns a run",
            Unit::Bytes => "bytes",
            Unit::Megabytes => "MB",
            Unit::Seconds => "s",
            Unit::Millis => "ms",
            Unit::Times => "times",
            Unit::SpeedUp => "times as fast",
            Unit::EventsASecond => "events a second",
        }
    }

    /// Whether more is better.
    pub fn more_is_better(self) -> bool {
        matches!(self, Unit::SpeedUp | Unit::EventsASecond)
    }
}

impl Row {
    /// A figure of which nothing else is said yet.
    pub fn new(group: &str, case: impl Into<String>, value: f64, unit: Unit) -> Row {
        Row {
            group: group.to_owned(),
            case: case.into(),
            value,
            unit,
            target: None,
            events_per_s: None,
            peak_mb: None,
            alerts: None,
            remark: String::new(),
        }
    }

    /// The same with a value to reach.
    pub fn target(mut self, target: f64) -> Row {
        self.target = Some(target);
        self
    }

    /// The same with something to say of it.
    pub fn remark(mut self, remark: impl Into<String>) -> Row {
        self.remark = remark.into();
        self
    }

    /// Whether the value reaches its target; it does where there is none.
    pub fn is_reached(&self) -> bool {
        self.target.is_none_or(|target| {
            if self.unit.more_is_better() { self.value >= target } else { self.value <= target }
        })
    }
}

impl Report {
    /// The result that is kept in a file, if it can be read.
    pub fn read(file: &Path) -> Option<Report> {
        let text = fs::read_to_string(file).ok()?;
        match serde_json::from_str(&text) {
            Ok(report) => Some(report),
            Err(error) => {
                eprintln!("{} is not compared with: {error}", file.display());
                None
            }
        }
    }

    /// Keeps this result in a file.
    pub fn write(&self, file: &Path) {
        let mut text = serde_json::to_string_pretty(self).expect("a report is plain data");
        text.push('\n');
        let folder = file.parent().map_or(Ok(()), fs::create_dir_all);
        folder
            .and_then(|()| fs::write(file, text))
            .unwrap_or_else(|error| panic!("{} cannot be written: {error}", file.display()));
        eprintln!("Kept in {}.", file.display());
    }

    /// The figure of this name.
    pub fn row(&self, group: &str, case: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.group == group && row.case == case)
    }
}
