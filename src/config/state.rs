//! Reads where the service keeps what outlasts it.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::diagnostic::codes::E0612;
use crate::diagnostic::{Diagnostic, Span};
use crate::event::Duration;
use crate::journal::Limits;
use crate::moving;
use crate::source::kafka::Topics;
use crate::source::{SourceLimits, unix};

use super::document::{Report, Table};
use super::kafka::is_topic;
use super::reference::{JOURNAL, STATE};
use super::{Located, Source, SourceKind};

/// What stands around a record in the journal, at most, with the name of its stream.
const AROUND: u64 = 256;
/// The least that may wait for the disk.
const WAITING: u64 = 16 << 20;
/// The longest record that the journal can hold, whatever its size.
const LONGEST: u64 = 32 << 20;

/// Where the service keeps what outlasts it.
#[derive(Clone, Debug)]
pub struct State {
    /// The folder.
    pub path: PathBuf,
    /// How often what has changed is stored.
    pub checkpoint: Duration,
    /// What becomes of what a rule has begun when it is changed.
    pub changed_rules: ChangedRules,
    /// How many bytes of memory what is held for keys may take; `None`: as many as it takes.
    pub memory: Option<u64>,
    /// How many bytes of alerts may wait for sinks.
    pub max_outbox: u64,
    /// How long alerts are kept for people to look at.
    pub keep_alerts: Duration,
    /// How many bytes of them are, at most.
    pub max_alerts: u64,
    /// How large the journal in it may get.
    pub journal: Limits,
    /// Where the state of engines is kept when it moves with partitions; `None`: in the folder.
    pub moving: Option<Moving>,
}

/// State that moves with the partitions of a topic.
#[derive(Clone, Debug)]
pub struct Moving {
    /// The fields that decide which partition an event is in.
    pub partitioned_by: Vec<Located<String>>,
    /// How the state topic is reached, and by which names.
    pub settings: moving::Settings,
}

/// What becomes of what a rule has begun when it is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedRules {
    /// Its old version completes it.
    Drain,
    /// It is dropped.
    Reset,
}

impl State {
    /// The folder of the journal.
    pub fn journal_folder(&self) -> PathBuf {
        self.path.join("journal")
    }
}

/// What is said about state, before the sources are known.
pub struct Said {
    /// All but the journal.
    state: Option<State>,
    /// The state topic and what the topic of events is partitioned by.
    moving: Option<(Located<String>, Vec<Located<String>>)>,
    max_size: u64,
    /// Where the size of the journal is said, or could be.
    place: Span,
}

/// Reads the tables `[state]` and `[journal]`.
pub fn said(root: &Table<'_>, folder: &Path, report: &mut Report) -> Option<Said> {
    let mut moving = None;
    let state = match root.table("state", report) {
        Some((values, heading)) => {
            let table = Table::new(values, &STATE, heading, report);
            moving = self::moving(&table, report);
            Some((held(&table, folder, report)?, heading))
        }
        None => None,
    };
    let empty = DeTable::new();
    let journal = root.table("journal", report);
    if let (Some((_, heading)), None) = (&journal, &state) {
        let message = "`[journal]` is of use only with `[state]`, which says where it is";
        report.contradiction(*heading, message, "add `[state]` with a `path`, or take this table out");
    }
    let place = state.as_ref().map_or(Span::default(), |(_, heading)| *heading);
    let (values, heading) = journal.unwrap_or((&empty, place));
    let table = Table::new(values, &JOURNAL, heading, report);
    let max_size = table.size("max_size", report)?;
    let place = table.place("max_size", report).unwrap_or(heading);
    Some(Said { state: state.map(|(state, _)| state), moving, max_size, place })
}

/// Reads all but what is said of the journal.
fn held(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<State> {
    let path = table.path("path", folder, report);
    let checkpoint = table.duration("checkpoint", report);
    let changed_rules = match table.word("changed_rules", report) {
        Some("reset") => Some(ChangedRules::Reset),
        word => word.map(|_| ChangedRules::Drain),
    };
    let (memory, max_outbox) = (table.size("memory", report), table.size("max_outbox", report));
    let (keep_alerts, max_alerts) = (table.duration("keep_alerts", report), table.size("max_alerts", report));
    Some(State {
        path: path?,
        checkpoint: checkpoint?,
        changed_rules: changed_rules?,
        memory,
        max_outbox: max_outbox?,
        keep_alerts: keep_alerts?,
        max_alerts: max_alerts?,
        journal: Limits::default(),
        moving: None,
    })
}

/// Reads where state is kept that moves.
fn moving(table: &Table<'_>, report: &mut Report) -> Option<(Located<String>, Vec<Located<String>>)> {
    let (topic, by) = (table.text("topic", report), table.place("partitioned_by", report));
    let Some(topic) = topic else {
        if let Some(place) = by {
            let message = "`partitioned_by` is of use only with `topic`, the topic of state that moves";
            report.contradiction(place, message, "add `topic`, or take this key out");
        }
        return None;
    };
    if !is_topic(&topic.value) {
        let message = format!("`{}` cannot be a topic", topic.value);
        let help = "the names of topics have letters, digits, `.`, `_` and `-`, at most 249";
        report.push(Diagnostic::new(E0612, topic.span, message).help(help));
        return None;
    }
    let partitioned_by = table.names("partitioned_by", report);
    if partitioned_by.is_empty() {
        let message = "`topic` needs `partitioned_by`: the fields that decide which partition an event is in";
        let help = "name the fields that the keys of messages are made of, for example `partitioned_by = [\"card\"]`";
        report.contradiction(topic.span, message, help);
        return None;
    }
    for (key, why) in [
        ("memory", "state that moves is held in memory"),
        ("changed_rules", "what a changed rule has begun is dropped where state moves"),
    ] {
        if let Some(place) = table.place(key, report) {
            let message = format!("`{key}` is of no use with `topic`: {why}");
            report.contradiction(place, &message, "take one of the two out");
        }
    }
    Some((topic, partitioned_by))
}

impl Said {
    /// What that means for these sources.
    pub fn settle(self, sources: &[Source], limits: &SourceLimits, report: &mut Report) -> Option<State> {
        let Said { state, moving, max_size, place } = self;
        let Some(state) = state else {
            for source in sources.iter().filter(|source| acknowledges(&source.kind)) {
                let message = "`ack = true` promises that records are kept, and nothing says where";
                let help = "add `[state]` with a `path`, or take `ack` out";
                report.contradiction(source.name.span, message, help);
            }
            return None;
        };
        let entry = limits.max_line as u64 + AROUND;
        let bodies = sources.iter().filter_map(|source| match &source.kind {
            SourceKind::Http(settings) => {
                let records = settings.max_records.min(settings.max_body / 2) as u64;
                Some(settings.max_body as u64 + records.saturating_mul(AROUND))
            }
            _ => None,
        });
        let body = bodies.max().unwrap_or(0);
        let waiting = (body + WAITING).max(4 * entry);
        let least = 4 * waiting.max(2 * entry);
        if sources.iter().any(|source| !matches!(source.kind, SourceKind::File(_) | SourceKind::Kafka(_))) {
            if entry > LONGEST {
                let message = format!(
                    "`limits.max_line` is more than the {} MiB that a record in the journal may have",
                    LONGEST >> 20
                );
                report.contradiction(place, &message, "lower `limits.max_line`");
            } else if max_size < least {
                let message = format!("`journal.max_size` is less than {} MiB", least.div_ceil(1 << 20));
                let help = "so much is needed for the largest records and bodies: raise it, or lower \
                            `limits.max_line`, and `max_body` and `max_records` of HTTP sources";
                report.contradiction(place, &message, help);
            }
        }
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let journal =
            Limits { disk: max_size, waiting: size(waiting), entry: size(entry), ..Limits::default() };
        let moving = moving.and_then(|(topic, by)| with_source(topic, by, sources, report));
        Some(State { journal, moving, ..state })
    }
}

/// State that moves with the partitions of the only source.
fn with_source(
    topic: Located<String>,
    partitioned_by: Vec<Located<String>>,
    sources: &[Source],
    report: &mut Report,
) -> Option<Moving> {
    let only = match sources {
        [Source { kind: SourceKind::Kafka(settings), .. }] => Some(settings),
        _ => None,
    };
    let named = only.filter(|settings| matches!(&settings.topics, Topics::Named(names) if names.len() == 1));
    let Some(settings) = named else {
        let message = "state moves with the partitions of one topic: there has to be one source, of `type = \"kafka\"`, with one topic in `topics`";
        let help = "put the events that rules read together into one topic, or take `topic` out: then state stays where it is";
        report.contradiction(topic.span, message, help);
        return None;
    };
    let settings_of_topic = moving::Settings {
        client: settings.client.clone(),
        topic: topic.value,
        group: settings.group.clone(),
        instance: settings.instance.clone(),
    };
    Some(Moving { partitioned_by, settings: settings_of_topic })
}

/// Whether a source tells its clients how many of their records are kept.
fn acknowledges(kind: &SourceKind) -> bool {
    match kind {
        SourceKind::Tcp(settings) => settings.ack,
        SourceKind::Unix(settings) => matches!(settings.mode, unix::Mode::Stream { ack: true, .. }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    #[test]
    fn what_changed_rules_have_begun_is_completed_unless_something_else_is_wanted() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("rules")).expect("a folder");
        let state = |more: &str| {
            let text = format!(
                "rules = \"rules\"\n[state]\npath = \"state\"\n{more}\n[sources.a]\ntype = \"stdin\"\nstream = \"s\"\n"
            );
            parse("tripline.toml", &text, folder.path()).config.and_then(|config| config.state)
        };
        for (more, expected) in [
            ("", Some(ChangedRules::Drain)),
            ("changed_rules = \"drain\"", Some(ChangedRules::Drain)),
            ("changed_rules = \"reset\"", Some(ChangedRules::Reset)),
            ("changed_rules = \"keep\"", None),
        ] {
            assert_eq!(state(more).map(|state| state.changed_rules), expected, "{more}");
        }
    }
}
