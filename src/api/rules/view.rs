//! Rules as the API answers them.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::alert::Severity;
use crate::archive::{Archive, Page, Query};
use crate::diagnostic::{FileId, Sources, Span};
use crate::event::Timestamp;
use crate::language::{self, Part, PartKind, tree};
use crate::program::graph::{Edge, Graph, Node};
use crate::program::{Mode, RuleInfo};
use crate::runtime::control::{About, Control};
use crate::runtime::modes::Wanted;
use crate::store::StoreError;

/// The rules of the service, by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleList {
    /// The rules.
    pub rules: Vec<RuleSummary>,
}

/// A rule.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RuleSummary {
    /// Its name.
    pub name: String,
    /// What its author says that it is about.
    pub about: Option<String>,
    /// How much its alerts matter.
    pub severity: Severity,
    /// Whether its alerts are sent: `live`, or counted only: `shadow`, or it does not run: `off`.
    pub mode: Mode,
    /// The same as its text says.
    pub mode_of_text: Mode,
    /// Who has put it into another mode than its text says, if somebody has.
    pub mode_wanted: Option<Wanted>,
    /// Words to find and sort it by.
    pub tags: Vec<String>,
    /// Where it is written what to do about its alerts.
    pub runbook: Option<String>,
    /// The file that it is in.
    pub file: String,
    /// The line on which it begins.
    pub line: usize,
    /// Hash of what it means.
    pub fingerprint: String,
    /// The parts of its key.
    pub key: Vec<String>,
    /// The streams that it reads.
    pub streams: Vec<String>,
    /// The sinks that its alerts go to if no route says otherwise.
    pub sinks: Vec<String>,
    /// What it has done since the service began.
    pub counters: RuleCounters,
    /// When its last alert came, of those that are kept.
    pub last_alert: Option<Timestamp>,
}

/// What a rule has done since the service began.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub struct RuleCounters {
    /// Events that fit one of the events that it names, for a key that is known.
    pub events: u64,
    /// Alerts made.
    pub alerts: u64,
    /// Alerts that its `limit` held back.
    pub held_back: u64,
    /// Times that a limit was reached, so that a match can be missing.
    pub limits: u64,
    /// Past events left out of an aggregate because there were too many.
    pub forgotten: u64,
    /// Values that could not be computed.
    pub faults: u64,
}

/// Where a rule stands in the files.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// All of it, with the comments directly above it.
    pub span: Span,
    /// Where it begins, behind these.
    start: u32,
}

/// Where rules stand, by name.
pub fn places(rules: &Sources) -> BTreeMap<String, Place> {
    let mut places = BTreeMap::new();
    for (id, file) in rules.iter() {
        let (parsed, _) = language::parse(id, &file.text);
        for item in &parsed.items {
            if let tree::Item::Rule(rule) = item {
                places.insert(rule.name.node.clone(), place(id, &file.text, rule.span));
            }
        }
    }
    places
}

fn place(file: FileId, text: &str, rule: Span) -> Place {
    let mut start = text[..rule.start as usize].rfind('\n').map_or(0, |at| at + 1);
    while start > 0 {
        let line = text[..start - 1].rfind('\n').map_or(0, |at| at + 1);
        if !text[line..start].trim_start().starts_with('#') {
            break;
        }
        start = line;
    }
    Place { span: Span::new(file, start, rule.end as usize), start: rule.start }
}

impl RuleList {
    /// The rules of a service. It reads the disk.
    ///
    /// # Errors
    /// When what is kept of alerts cannot be read.
    pub fn of(control: &Control, about: &About) -> Result<RuleList, StoreError> {
        let places = places(&about.rules);
        let of = |info: &RuleInfo| RuleSummary::new(control, about, info, places.get(&*info.name));
        let rules = about.program.rules().iter().map(of).collect::<Result<_, _>>()?;
        Ok(RuleList { rules })
    }
}

impl RuleSummary {
    /// What there is to list of a rule. It reads the disk.
    ///
    /// # Errors
    /// When what is kept of alerts cannot be read.
    pub fn new(
        control: &Control,
        about: &About,
        info: &RuleInfo,
        place: Option<&Place>,
    ) -> Result<RuleSummary, StoreError> {
        let program = &about.program;
        let metrics = control.metrics();
        let counted = metrics.rules.iter().find(|metrics| *metrics.name == *info.name);
        let counters = counted.map(|metrics| RuleCounters {
            events: metrics.events.get(),
            alerts: metrics.alerts.get(),
            held_back: metrics.held_back.get(),
            limits: metrics.limits.get(),
            forgotten: metrics.forgotten.get(),
            faults: metrics.faults.get(),
        });
        let (file, line) = place.map_or_else(Default::default, |place| {
            let file = place.span.file;
            (about.rules.file(file).name.clone(), about.rules.line_column(file, place.start).line)
        });
        let (key, streams) = program.reads(&info.name);
        Ok(RuleSummary {
            name: info.name.to_string(),
            about: info.notes.about.clone(),
            severity: info.severity,
            mode: info.mode,
            mode_of_text: info.mode_of_text,
            mode_wanted: about.modes.of(&info.name).cloned(),
            tags: info.notes.tags.clone(),
            runbook: info.notes.runbook.clone(),
            file,
            line,
            fingerprint: info.fingerprint.to_string(),
            key,
            streams,
            sinks: info.sinks.to_vec(),
            counters: counters.unwrap_or_default(),
            last_alert: last_alert(control.archive(), &info.name)?,
        })
    }
}

/// When the last alert of a rule came.
fn last_alert(archive: &Archive, rule: &str) -> Result<Option<Timestamp>, StoreError> {
    let query = Query { rules: vec![rule.to_owned()], ..Query::default() };
    let found = archive.search(&query, Page { before: None, limit: 1 })?;
    Ok(found.alerts.first().map(|alert| alert.header.record.time))
}

/// All of a rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeRule {
    /// What is listed of it.
    #[serde(flatten)]
    pub summary: RuleSummary,
    /// Its text as it stands in the file, with the comments directly above it.
    pub text: String,
    /// What the parts of the text are, for colours.
    pub tokens: Vec<TextPart>,
    /// The same in words: Markdown.
    pub words: String,
    /// What it costs to run, in words.
    pub cost: String,
    /// Its automaton.
    pub graph: Option<GraphView>,
}

/// A part of a text.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct TextPart {
    /// Its first byte.
    pub start: u32,
    /// The byte behind its last.
    pub end: u32,
    /// What it is.
    pub kind: PartKind,
}

/// An automaton as a picture.
#[derive(Debug, Serialize, ToSchema)]
pub struct GraphView {
    /// The boxes; the first is where a partial match begins.
    pub nodes: Vec<NodeView>,
    /// The arrows, the preferred ones of a box first.
    pub edges: Vec<EdgeView>,
    /// The time limit of the whole match in seconds, if there is one.
    pub within_seconds: Option<f64>,
    /// How many states are not drawn.
    pub left_out: usize,
}

/// A box.
#[derive(Debug, Serialize, ToSchema)]
pub struct NodeView {
    /// What was taken last.
    pub label: String,
    /// Whether a partial match is reported when it comes here.
    pub accepting: bool,
}

/// An arrow.
#[derive(Debug, Serialize, ToSchema)]
pub struct EdgeView {
    /// The place of the box that it leaves.
    pub from: usize,
    /// The place of the box that it leads to.
    pub to: usize,
    /// What makes it happen.
    pub label: String,
    /// Whether it stands for several steps, or for the passing of time.
    pub dashed: bool,
}

impl TextPart {
    /// A part of a text that begins at a byte of its file.
    pub fn new(part: Part, from: u32) -> TextPart {
        TextPart { start: part.start - from, end: part.end - from, kind: part.kind }
    }
}

impl From<Graph> for GraphView {
    fn from(graph: Graph) -> GraphView {
        let Graph { nodes, edges, within, left_out, .. } = graph;
        GraphView {
            nodes: nodes.into_iter().map(|Node { label, accepting }| NodeView { label, accepting }).collect(),
            edges: edges
                .into_iter()
                .map(|Edge { from, to, label, dashed }| EdgeView { from, to, label, dashed })
                .collect(),
            within_seconds: within.map(|within| within.as_micros() as f64 / 1e6),
            left_out,
        }
    }
}
