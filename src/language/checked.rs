//! Rules after analysis: names resolved, types settled, constants folded. What the automaton is
//! built from; nothing here refers to the text except for places.

use std::collections::BTreeMap;
use std::sync::Arc;

use compact_str::CompactString;

use crate::alert::{Notes, Severity};
use crate::diagnostic::Span;
use crate::event::{Duration, FieldId, StreamId, StreamSchema, Type};
use crate::expression::{Expr, RegisterSpec, Template};
use crate::table::{TableId, TableSpec};

use super::case::Case;

pub use super::analysis::GREATEST_MAX;
pub use super::tree::LinkKind;

/// A rule set that can be run.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// The streams: those of sources sorted by name, then those of alerts sorted by name.
    pub streams: Vec<StreamSchema>,
    /// The lists and tables, sorted by name.
    pub tables: Vec<TableSpec>,
    /// How the streams of alerts are filled.
    pub alert_streams: Vec<AlertStream>,
    /// The rules, sorted by name.
    pub rules: Vec<Rule>,
    /// The old versions of rules that go on, by their places among those that were given; of others that have
    /// become something else, why they do not.
    pub old_rules: Vec<(usize, Result<OldRule, String>)>,
    /// The tests, in the order of the files.
    pub cases: Vec<Case>,
}

/// A variable of a rule's pattern, by its place in the pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableId(pub u32);

/// A test of an event (a step's, a `not`'s or an `until`'s), by its place in the rule's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TestId(pub u32);

/// A loop of the pattern whose repetitions begin anew what conditions see of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoopId(pub u32);

/// A group of the pattern with a time limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockId(pub u32);

/// A rule that can be run.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub name: Arc<str>,
    /// Where its pattern stands.
    pub pattern_span: Span,
    /// How far it is from events: 0 when it reads none that are made of alerts, else 1 more than the
    /// greatest of the rules whose alerts it reads.
    pub stratum: u32,
    /// Hash of its meaning: what decides when it matches and what it captures.
    pub fingerprint: Arc<str>,
    /// The lists and tables that its conditions and alerts read.
    pub tables: Vec<TableId>,
    /// `about`, `tags`, `runbook`, and what `limit` says of itself.
    pub notes: Arc<Notes>,
    /// What its events are grouped by.
    pub key: KeySpec,
    /// What the pattern captures, in the order of the pattern.
    pub variables: Vec<Variable>,
    /// The tests of its steps, `not`s and `until`s.
    pub tests: Vec<Test>,
    /// What a run keeps of captured events for its conditions.
    pub registers: Vec<RunRegister>,
    /// What its conditions read of the past.
    pub histories: Vec<History>,
    /// The pattern.
    pub pattern: Node,
    /// The time limits of groups, by [`ClockId`].
    pub clocks: Vec<Duration>,
    /// The time limit of the whole match.
    pub within: Option<Duration>,
    /// What a report does to the other runs of its key.
    pub overlap: Overlap,
    /// What a match says.
    pub alert: AlertSpec,
    /// What a time-out says, if it is reported.
    pub timeout: Option<Timeout>,
    /// Which alerts are held back.
    pub limit: Option<Limit>,
    /// Most live runs for one key.
    pub max_runs: usize,
    /// Most events that the live runs of one key may hold, each run counted by itself.
    pub max_events: usize,
    /// Whether alerts are sent.
    pub mode: Mode,
    /// The same as the text says: somebody may want it otherwise.
    pub mode_of_text: Mode,
    /// Names of the sinks.
    pub sinks: Arc<[String]>,
}

/// Whether a rule's alerts are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They are.
    Live,
    /// The rule is evaluated and counted, but nothing is sent.
    Shadow,
    /// The rule is not evaluated.
    Off,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Mode; 3] = [Mode::Live, Mode::Shadow, Mode::Off];

    /// The word that rules use.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Live => "live",
            Mode::Shadow => "shadow",
            Mode::Off => "off",
        }
    }

    /// The mode of that name.
    pub fn of_name(name: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// An old version of a rule, which goes on with what it has begun.
#[derive(Clone, Debug)]
pub struct OldRule {
    /// The version.
    pub rule: Rule,
    /// Which streams of the rule's alerts it fills.
    pub streams: Vec<AlertStream>,
}

/// What a rule's events are grouped by.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeySpec {
    /// Names of the parts, as in the first stream.
    pub names: Vec<CompactString>,
    /// For each stream that the rule reads, in its pattern or as history, the fields that make the
    /// key.
    pub fields: BTreeMap<StreamId, Vec<FieldId>>,
}

/// Something that the pattern captures.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: CompactString,
    /// Where it stands in the pattern.
    pub span: Span,
    /// The stream its events are of.
    pub stream: StreamId,
    /// Whether it can capture several events.
    pub repeated: bool,
}

/// What an event must be for a step to take it, or for a `not` or `until` to see it.
#[derive(Clone, Debug)]
pub struct Test {
    /// The event definition, or stream, that it tests for.
    pub name: CompactString,
    /// The stream.
    pub stream: StreamId,
    /// What must hold of the event and the key alone.
    pub unary: Option<Expr>,
    /// What must hold together with what the run has captured.
    pub residual: Option<Expr>,
    /// The condition in pieces, for telling which of them does not hold; empty unless the rules were
    /// compiled for their tests.
    pub conjuncts: Vec<Conjunct>,
}

/// A part of a condition that must hold with the others.
#[derive(Clone, Debug)]
pub struct Conjunct {
    /// Where it stands.
    pub span: Span,
    /// What must hold.
    pub condition: Expr,
    /// What it looks at, with the places.
    pub shown: Vec<(Span, Expr)>,
}

/// Something a run keeps of what it captures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunRegister {
    /// The variable whose events it is given.
    pub variable: VariableId,
    /// What it keeps of them.
    pub spec: RegisterSpec,
    /// The loop whose repetitions clear it: in a repeated group `v.f` is the capture of the same
    /// repetition, while `first(v).f`, `last(v).f` and aggregates see all of the run.
    pub scope: Option<LoopId>,
}

/// An aggregate over the past events of a stream for the rule's key, its condition split by what it
/// looks at; all parts must hold.
#[derive(Clone, Debug)]
pub struct History {
    /// The stream.
    pub stream: StreamId,
    /// What is aggregated.
    pub register: RegisterSpec,
    /// How far back: events of time t count while `now - over < t`.
    pub over: Duration,
    /// Whether the current event is left out.
    pub previous: bool,
    /// What must hold of a past event alone, in which fields are those of the past event.
    pub filter: Option<Expr>,
    /// What must hold of the current event and the captures alone.
    pub gate: Option<Expr>,
    /// What of the past event, the first, must be equal to what of the current one and the captures.
    pub same: Vec<(Expr, Expr)>,
    /// What must hold of both together, in which [`Expr::Past`] reads the past event.
    pub scan: Option<Expr>,
}

/// A node of the pattern.
#[derive(Clone, Debug)]
pub enum Node {
    /// Takes one event.
    Step {
        /// What the event must be.
        test: TestId,
        /// What it is captured as.
        variable: VariableId,
    },
    /// One after the other.
    Sequence(Vec<Part>),
    /// One of them.
    Or(Vec<Node>),
    /// All of them, in any order.
    And(Vec<Node>),
    /// Several times.
    Loop(Box<Loop>),
    /// With a time limit from the first event taken in it.
    Within(ClockId, Box<Node>),
}

/// A counted or optional part of the pattern.
#[derive(Clone, Debug)]
pub struct Loop {
    /// Its number, when its repetitions begin registers anew.
    pub scope: Option<LoopId>,
    /// What is repeated; never matches nothing.
    pub body: Node,
    /// At least so often.
    pub min: u32,
    /// At most so often; `None`: any number.
    pub max: Option<u32>,
    /// Whether what follows is preferred to another repetition.
    pub lazy: bool,
    /// How a repetition follows the one before.
    pub join: LinkKind,
    /// What ends the loop once it has begun.
    pub until: Option<TestId>,
}

/// A part of a sequence.
#[derive(Clone, Debug)]
pub enum Part {
    /// Something that takes events.
    Step(Link, Node),
    /// Something that must not come.
    Absence(Absence),
}

/// How a part of a sequence follows what was taken before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// `then`, `then any` or `next`.
    pub kind: LinkKind,
    /// How long after it at most.
    pub within: Option<Duration>,
}

impl Link {
    /// `then` without a limit.
    pub const THEN: Link = Link { kind: LinkKind::Then, within: None };
}

/// Something that must not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// What must not come.
    pub test: TestId,
    /// For how long.
    pub kind: AbsenceKind,
}

/// For how long something must not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbsenceKind {
    /// `then not x`: until the next step is taken or, at the end of a match, until its `within`
    /// has passed.
    Between,
    /// `next not x`: the very next event is not one.
    Next,
    /// `then not x for D`
    For(Duration),
}

/// What a report does to the other runs of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// Drops every run that began at or before the last event of the match.
    None,
    /// Drops the runs that began with the same event.
    PerStart,
    /// Drops nothing.
    All,
    /// Drops the runs that began before the first event captured as the variable.
    ResumeAtFirst(VariableId),
    /// Drops the runs that began before the last event captured as the variable.
    ResumeAtLast(VariableId),
}

/// What an alert says.
#[derive(Clone, Debug)]
pub struct AlertSpec {
    /// How much it matters.
    pub severity: Severity,
    /// Its title.
    pub title: Template,
    /// Its fields.
    pub fields: Vec<AlertField>,
    /// What title and fields read of the captured events.
    pub registers: Vec<RunRegister>,
    /// What title and fields read of the past.
    pub histories: Vec<History>,
}

/// A field of an alert.
#[derive(Clone, Debug)]
pub struct AlertField {
    /// Its name.
    pub name: CompactString,
    /// Its value.
    pub value: Expr,
    /// The type of the value.
    pub ty: Type,
}

/// A stream that carries the alerts of a rule. Its fields are the parts of the key, `kind`, and then
/// those that the alerts fill.
#[derive(Clone, Debug)]
pub struct AlertStream {
    /// The stream.
    pub stream: StreamId,
    /// The rule.
    pub rule: Arc<str>,
    /// Where the values of the last fields come from.
    pub filled: Vec<Filled>,
}

/// The place of a field's value in the rule's alerts; null where an alert has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// Among the fields of a match's alert.
    pub by_match: Option<usize>,
    /// Among the fields of a time-out's alert.
    pub by_timeout: Option<usize>,
}

impl Filled {
    /// The fields of the rule's alerts that it stands for: of the match, and of the time-out.
    pub fn fields(self, rule: &Rule) -> (Option<&AlertField>, Option<&AlertField>) {
        let by_timeout = rule.timeout.as_ref().zip(self.by_timeout);
        (
            self.by_match.map(|index| &rule.alert.fields[index]),
            by_timeout.map(|(timeout, index)| &timeout.alert.fields[index]),
        )
    }
}

/// What a time-out says and when.
#[derive(Clone, Debug)]
pub struct Timeout {
    /// Where `on timeout` stands.
    pub span: Span,
    /// Only when this variable had captured something.
    pub after: Option<VariableId>,
    /// What it says.
    pub alert: AlertSpec,
}

/// How many alerts of one key may be sent in a span of time; the others are held back.
#[derive(Clone, Debug)]
pub struct Limit {
    /// So many.
    pub count: usize,
    /// Before each moment for so long.
    pub per: Duration,
    /// Counted apart for each value of these.
    pub for_each: Vec<Expr>,
    /// Hash of what these mean: what has been counted for other expressions counts for nothing.
    pub meaning: Arc<str>,
    /// What these read of the captured events.
    pub registers: Vec<RunRegister>,
    /// What these read of the past.
    pub histories: Vec<History>,
}

impl RunRegister {
    /// The registers of a list, all empty.
    pub fn empty(list: &[RunRegister]) -> Vec<crate::expression::Register> {
        list.iter().map(|register| register.spec.empty()).collect()
    }
}
