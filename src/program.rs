//! The compiled rule set: immutable, shared by every thread, swapped whole.

mod audience;
mod compiling;
mod kept;
mod old;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::alert::{Notes, Severity};
use crate::automaton::cost::Cost;
use crate::automaton::graph::Graph;
use crate::automaton::{self, CompiledRule, OneByOne, Predicates, Representation};
use crate::diagnostic::codes::E0010;
use crate::diagnostic::{Diagnostics, Sources};
use crate::event::{Duration, FieldId, Kept, StreamId, StreamSchema};
use crate::history::{LogId, Logs, Reading};
use crate::language::case::Case;
use crate::language::checked::{AlertStream, Rule};
use crate::language::{self, Old, checked, tree};
use crate::table::TableSpec;

use audience::audiences;
use compiling::Compiling;
use old::Olds;

pub(crate) use audience::{Audience, Interest, Route, RouteId};

pub use compiling::{MAX_STATES, MAX_TRANSITIONS};
pub use old::{NotOld, OldRule};

pub use crate::automaton::cost;
pub use crate::automaton::{StepInfo, graph};
pub use crate::language::checked::Mode;

/// A rule of the program, by its place in the order of names; old versions of rules come behind all rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RuleId(pub u32);

/// A compiled rule set.
#[derive(Debug)]
pub struct Program {
    streams: Vec<StreamSchema>,
    /// For each stream, the fields that its events keep.
    kept: Vec<Kept>,
    tables: Vec<TableSpec>,
    rules: Vec<CompiledRule>,
    /// For each rule, [`CompiledRule::lone`]: beside the rules, so that a run begins without a look at one.
    lone: Vec<Option<Duration>>,
    infos: Vec<RuleInfo>,
    predicates: Predicates,
    /// What is kept of the past of streams.
    logs: Logs,
    /// How each rule reads it.
    readings: Vec<Readings>,
    /// For each log, the rules that read it.
    readers: Vec<Vec<RuleId>>,
    /// For each stratum of rules and each stream, whom its events concern, if anyone.
    audiences: Vec<Vec<Option<Box<Audience>>>>,
    /// The tests that the rule set holds.
    cases: Vec<Case>,
    /// For each rule, the streams of its alerts that rules read.
    alert_streams: Vec<Vec<AlertStream>>,
    /// For each rule, its text by itself; empty where that is too long.
    texts: Vec<Arc<str>>,
    /// What has become of old versions of rules.
    old: Olds,
}

/// How a rule reads the past, by the places of its expressions.
#[derive(Debug)]
pub(crate) struct Readings {
    /// In the conditions of its pattern.
    pub pattern: Vec<Reading>,
    /// In its alert.
    pub alert: Vec<Reading>,
    /// In the alert of a time-out.
    pub timeout: Vec<Reading>,
    /// In `for each` of its limit.
    pub limit: Vec<Reading>,
}

impl Readings {
    fn new(rule: &Rule, logs: &mut Logs, predicates: &mut Predicates) -> Readings {
        let mut read = |histories: &[checked::History]| {
            let reading = |history: &checked::History| {
                logs.reading(history, &rule.key.fields[&history.stream], predicates)
            };
            histories.iter().map(reading).collect()
        };
        Readings {
            pattern: read(&rule.histories),
            alert: read(&rule.alert.histories),
            timeout: rule.timeout.iter().flat_map(|timeout| read(&timeout.alert.histories)).collect(),
            limit: rule.limit.iter().flat_map(|limit| read(&limit.histories)).collect(),
        }
    }

    /// The logs that the rule reads.
    pub fn logs(&self) -> impl Iterator<Item = LogId> {
        [&self.pattern, &self.alert, &self.timeout, &self.limit]
            .into_iter()
            .flatten()
            .map(|reading| reading.log)
    }
}

/// Why nothing can be read into a stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoInput {
    /// There is none of that name.
    #[error("the rules have no stream `{name}`")]
    Unknown {
        /// The name.
        name: String,
    },
    /// It carries the alerts of a rule.
    #[error("`{name}` carries the alerts of the rule `{rule}`; nothing can be read into it")]
    Alerts {
        /// The stream.
        name: String,
        /// The rule.
        rule: String,
    },
}

/// Rules that are in another mode than their text says, by name.
pub type Modes = BTreeMap<String, Mode>;

/// What the outside needs to know of a rule.
#[derive(Clone, Debug)]
pub struct RuleInfo {
    /// Its name.
    pub name: Arc<str>,
    /// Hash of its meaning.
    pub fingerprint: Arc<str>,
    /// What it says of itself.
    pub notes: Arc<Notes>,
    /// Severity of its alerts.
    pub severity: Severity,
    /// Names of the sinks that its alerts go to.
    pub sinks: Arc<[String]>,
    /// Whether its alerts are sent.
    pub mode: Mode,
    /// The same as its text says.
    pub mode_of_text: Mode,
}

impl Program {
    /// Compiles the files of a rule set. The diagnostics hold errors when there is no program, and
    /// perhaps warnings when there is one.
    pub fn compile(sources: &Sources) -> (Option<Program>, Diagnostics) {
        Program::compile_with_old(sources, &[])
    }

    /// Compiles like [`Program::compile`] a program that can tell why an event did not fit, for
    /// [`crate::testing`]. It does the same but takes more memory: its events keep all their fields,
    /// as tests and explanations speak of any, and it follows each partial match by itself.
    pub fn compile_for_tests(sources: &Sources) -> (Option<Program>, Diagnostics) {
        let (program, diagnostics) =
            Program::compile_by(sources, &[], &Modes::new(), language::check_for_tests);
        let keeping_all = |program: Program| {
            let kept = vec![Kept::ALL; program.streams.len()];
            Program { kept, ..program }
        };
        (program.map(keeping_all).map(Program::hold_one_by_one), diagnostics)
    }

    /// The program with the partial matches of every rule held one by one, also of those rules whose
    /// partial matches can be held together. It reports the same; what it takes in time and memory
    /// differs, and can be compared so.
    pub fn hold_one_by_one(mut self) -> Program {
        for compiled in &mut self.rules {
            if matches!(compiled.representation, Representation::Compact { .. }) {
                compiled.representation = Representation::List(OneByOne::Wanted);
            }
        }
        self.lone.fill(None);
        self
    }

    fn compile_by(
        sources: &Sources,
        olds: &[OldRule],
        modes: &Modes,
        check: for<'t> fn(&'t [tree::File], &'t [Old<'t>]) -> (checked::Checked, Diagnostics),
    ) -> (Option<Program>, Diagnostics) {
        let mut diagnostics = Diagnostics::default();
        let mut files = Vec::new();
        for (id, file) in sources.iter() {
            let (tree, problems) = language::parse(id, &file.text);
            files.push(tree);
            diagnostics.append(problems);
        }
        if diagnostics.iter().any(|diagnostic| diagnostic.code == E0010) {
            // Every name that the file declares would be reported as unknown.
            return (None, diagnostics.sorted());
        }
        let known: Vec<Old<'_>> =
            olds.iter().map(|old| Old::new(&old.name, &old.fingerprint, &old.text)).collect();
        let (mut checked, problems) = check(&files, &known);
        diagnostics.append(problems);
        let texts = language::alone(&files, sources);
        set_modes(&mut checked, modes);
        let program = Program::build(checked, (olds, &texts), &mut diagnostics);
        let diagnostics = language::apply_allowed(&files, sources, diagnostics).sorted();
        if diagnostics.has_errors() { (None, diagnostics) } else { (Some(program), diagnostics) }
    }

    fn build(
        checked: checked::Checked,
        (olds, texts): (&[OldRule], &BTreeMap<&str, String>),
        diagnostics: &mut Diagnostics,
    ) -> Program {
        let mut compiling = Compiling::default();
        let mut linter = automaton::Linter::new(&checked.streams);
        compiling.rules(checked.rules, &mut linter, diagnostics);
        if !diagnostics.has_errors() {
            diagnostics.append(automaton::same_meaning(&compiling.rules));
        }
        let own = compiling.rules.len();
        let text =
            |compiled: &CompiledRule| texts.get(&*compiled.rule.name).map_or("", String::as_str).into();
        let mut texts: Vec<Arc<str>> = compiling.rules.iter().map(text).collect();
        let mut declared = alert_streams(checked.alert_streams, &compiling.rules);
        let (going_on, refused) = compiling.old_rules(checked.old_rules, olds);
        for old in going_on {
            declared.push(old.streams);
            texts.push(old.text);
        }
        let Compiling { rules, mut predicates, .. } = compiling;
        let mut logs = Logs::default();
        let readings: Vec<Readings> =
            rules.iter().map(|compiled| Readings::new(&compiled.rule, &mut logs, &mut predicates)).collect();
        let strata = running(&rules).map(|(_, compiled)| compiled.rule.stratum + 1).max().unwrap_or(1);
        let of_stratum =
            |stratum| audiences(stratum, &checked.streams, (&rules, &readings), &logs, &predicates);
        let audiences: Vec<Vec<Option<Box<Audience>>>> = (0..strata).map(of_stratum).collect();
        let is_read =
            |stream: &AlertStream| audiences.iter().any(|of| of[stream.stream.0 as usize].is_some());
        declared.iter_mut().for_each(|streams| streams.retain(is_read));
        let mut infos: Vec<RuleInfo> = rules.iter().map(|compiled| RuleInfo::new(&compiled.rule)).collect();
        let old = Olds::new(infos.split_off(own), &infos, refused);
        Program {
            alert_streams: declared,
            audiences,
            readers: readers(&readings, &rules, &logs),
            logs,
            readings,
            infos,
            lone: rules.iter().map(CompiledRule::lone).collect(),
            kept: kept::kept(&checked.streams, rules.iter().map(|compiled| &compiled.rule)),
            streams: checked.streams,
            tables: checked.tables,
            cases: checked.cases,
            rules,
            predicates,
            texts,
            old,
        }
    }

    /// The streams: first those that sources feed, in the order of their names, then those that carry
    /// the alerts of rules, in the order of theirs. [`StreamId`] counts them from 0.
    pub fn streams(&self) -> &[StreamSchema] {
        &self.streams
    }

    /// The stream with that name.
    pub fn stream(&self, name: &str) -> Option<StreamId> {
        self.streams.iter().position(|stream| stream.name == name).map(|index| StreamId(index as u32))
    }

    /// The stream with that name, if sources can feed it.
    ///
    /// # Errors
    /// Why they cannot.
    pub fn input(&self, name: &str) -> Result<StreamId, NoInput> {
        let name = name.to_owned();
        let Some(stream) = self.stream(&name) else { return Err(NoInput::Unknown { name }) };
        match &self.schema(stream).alerts_of {
            None => Ok(stream),
            Some(rule) => Err(NoInput::Alerts { name, rule: rule.to_string() }),
        }
    }

    /// The names of the streams that sources can feed, in order.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        let of_sources = self.streams.iter().filter(|stream| stream.alerts_of.is_none());
        of_sources.map(|stream| stream.name.as_str())
    }

    /// The schema of a stream.
    pub fn schema(&self, stream: StreamId) -> &StreamSchema {
        &self.streams[stream.0 as usize]
    }

    /// The fields of a stream that its events keep: those that some rule reads. Who makes the events says
    /// it to the decoder (see [`crate::codec::Format::decoder`]).
    pub fn kept(&self, stream: StreamId) -> Kept {
        self.kept[stream.0 as usize]
    }

    /// The same for each stream.
    pub(crate) fn all_kept(&self) -> &[Kept] {
        &self.kept
    }

    /// The lists and tables, in the order of their names; [`crate::table::TableId`] counts them from
    /// 0. Their files are read by who runs the program.
    pub fn tables(&self) -> &[TableSpec] {
        &self.tables
    }

    /// The rules, in the order of their names; without old versions.
    pub fn rules(&self) -> &[RuleInfo] {
        &self.infos
    }

    /// Whether a field of this name is part of the key of a rule in each stream that the rule reads.
    pub fn is_keyed_by(&self, rule: &str, field: &str) -> bool {
        let compiled = self.infos.iter().zip(self.compiled()).find(|(info, _)| &*info.name == rule);
        compiled.is_some_and(|(_, compiled)| {
            let key = &compiled.rule.key.fields;
            let has = |stream, fields: &[FieldId]| {
                let schema: &StreamSchema = self.schema(stream);
                fields.iter().any(|id| schema.fields[id.0 as usize].name == field)
            };
            !key.is_empty() && key.iter().all(|(stream, fields)| has(*stream, fields))
        })
    }

    /// The tests that the rule set holds, in the order of its files.
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// The automata of all rules, or of the one named, as a Mermaid flowchart.
    pub fn mermaid(&self, rule: Option<&str>) -> String {
        graph::mermaid(&self.graphs(rule))
    }

    /// The automata of all rules, or of the one named, as an SVG document.
    #[cfg(feature = "service")]
    pub fn svg(&self, rule: Option<&str>) -> String {
        automaton::svg::svg(&self.graphs(rule))
    }

    /// What the rule of that name costs to run.
    pub fn cost(&self, rule: &str) -> Option<Cost> {
        let compiled = self.own().iter().find(|compiled| *compiled.rule.name == *rule)?;
        Some(Cost::of(compiled, &self.streams, &self.kept))
    }

    /// What each rule costs to run, in the order of their names.
    pub fn costs(&self) -> Vec<Cost> {
        self.own().iter().map(|compiled| Cost::of(compiled, &self.streams, &self.kept)).collect()
    }

    /// The picture of the automaton of a rule.
    pub fn graph(&self, rule: &str) -> Option<Graph> {
        self.graphs(Some(rule)).pop()
    }

    /// The parts of the pattern of a rule, in order; none when there is no such rule.
    pub fn steps(&self, rule: &str) -> Vec<StepInfo> {
        let compiled = self.own().iter().find(|compiled| *compiled.rule.name == *rule);
        compiled.map_or_else(Vec::new, |compiled| automaton::steps(&compiled.rule))
    }

    /// The names of the parts of the key of a rule, and of the streams that it reads.
    pub fn reads(&self, rule: &str) -> (Vec<String>, Vec<String>) {
        let Some(compiled) = self.own().iter().find(|compiled| *compiled.rule.name == *rule) else {
            return Default::default();
        };
        let key = &compiled.rule.key;
        let streams = key.fields.keys().map(|stream| self.schema(*stream).name.to_string());
        (key.names.iter().map(ToString::to_string).collect(), streams.collect())
    }

    /// The stream whose events a rule captures as this.
    pub fn stream_of(&self, rule: &str, variable: &str) -> Option<&str> {
        let compiled = self.own().iter().find(|compiled| *compiled.rule.name == *rule)?;
        let captured = compiled.rule.variables.iter().find(|known| known.name == *variable)?;
        Some(self.schema(captured.stream).name.as_str())
    }

    fn graphs(&self, rule: Option<&str>) -> Vec<Graph> {
        let wanted = |compiled: &&CompiledRule| rule.is_none_or(|rule| *compiled.rule.name == *rule);
        self.own().iter().filter(wanted).map(Graph::new).collect()
    }

    /// The rule with that name.
    pub(crate) fn rule(&self, name: &str) -> Option<RuleId> {
        find(&self.infos, name)
    }

    /// The text of a rule by itself; empty where that is too long.
    pub(crate) fn text(&self, rule: RuleId) -> &Arc<str> {
        &self.texts[rule.0 as usize]
    }

    /// The rules as compiled, without old versions.
    fn own(&self) -> &[CompiledRule] {
        &self.rules[..self.infos.len()]
    }

    /// The rules as compiled, in the order of their ids, and so with old versions.
    pub(crate) fn compiled(&self) -> &[CompiledRule] {
        &self.rules
    }

    /// How long a run of a rule lives that has only begun, where that is all there is to know of it.
    pub(crate) fn lone(&self, rule: RuleId) -> Option<Duration> {
        self.lone[rule.0 as usize]
    }

    /// The distinct predicates of all rules.
    pub(crate) fn predicates(&self) -> &Predicates {
        &self.predicates
    }

    /// What is kept of the past of streams.
    pub(crate) fn logs(&self) -> &Logs {
        &self.logs
    }

    /// How a rule reads the past.
    pub(crate) fn readings(&self, rule: RuleId) -> &Readings {
        &self.readings[rule.0 as usize]
    }

    /// The rules that read a log.
    pub(crate) fn readers(&self, log: LogId) -> &[RuleId] {
        &self.readers[log.0 as usize]
    }

    /// The rules whose alerts other rules read, in the order of their names.
    pub fn read_rules(&self) -> impl Iterator<Item = &RuleInfo> {
        self.infos
            .iter()
            .zip(&self.alert_streams)
            .filter(|(_, streams)| !streams.is_empty())
            .map(|(info, _)| info)
    }

    /// Whether a rule reads the alerts of another, or of another version of that.
    pub(crate) fn reads_alerts_of(&self, reader: RuleId, rule: RuleId) -> bool {
        let tests = self.rules[reader.0 as usize].rule.tests.iter().map(|test| test.stream);
        let past = self.readings(reader).logs().map(|log| self.logs.get(log).stream);
        let name = &*self.info(rule).name;
        tests.chain(past).any(|stream| self.schema(stream).alerts_of.as_deref() == Some(name))
    }

    /// The streams of a rule's alerts that rules read.
    pub(crate) fn alert_streams(&self, rule: RuleId) -> &[AlertStream] {
        &self.alert_streams[rule.0 as usize]
    }

    /// How many strata of rules there are: rules of the first read no alerts, those of the next read
    /// alerts of the first, and so on.
    pub(crate) fn strata(&self) -> usize {
        self.audiences.len()
    }

    /// Whom the events of a stream concern among the rules of a stratum, if anyone.
    pub(crate) fn audience(&self, stratum: usize, stream: StreamId) -> Option<&Audience> {
        self.audiences[stratum][stream.0 as usize].as_deref()
    }

    /// Where the events of a stream go among the rules of a stratum.
    pub(crate) fn routes(&self, stratum: usize, stream: StreamId) -> &[Route] {
        self.audience(stratum, stream).map_or(&[], Audience::routes)
    }

    /// Whether any rule reads a stream.
    pub fn is_read(&self, stream: StreamId) -> bool {
        (0..self.strata()).any(|stratum| !self.routes(stratum, stream).is_empty())
    }

    /// The ways in which the rules that are not off group the events of a stream: for each, the fields
    /// that make the key. None when no rule reads the stream. An event of which every key has a null
    /// part is of use to no rule.
    pub fn groupings(&self, stream: StreamId) -> Vec<Vec<FieldId>> {
        let mut groupings: Vec<Vec<FieldId>> = Vec::new();
        for route in (0..self.strata()).flat_map(|stratum| self.routes(stratum, stream)) {
            if !groupings.contains(&route.key) {
                groupings.push(route.key.clone());
            }
        }
        groupings
    }
}

/// Puts rules, and their old versions, into the modes in which somebody wants them.
fn set_modes(checked: &mut checked::Checked, modes: &Modes) {
    let old = checked.old_rules.iter_mut().filter_map(|(_, old)| old.as_mut().ok());
    for rule in checked.rules.iter_mut().chain(old.map(|old| &mut old.rule)) {
        if let Some(mode) = modes.get(&*rule.name) {
            rule.mode = *mode;
        }
    }
}

/// The rules that are not off, with their ids.
fn running(rules: &[CompiledRule]) -> impl Iterator<Item = (RuleId, &CompiledRule)> {
    let all = (0..).map(RuleId).zip(rules);
    all.filter(|(_, compiled)| compiled.rule.mode != Mode::Off)
}

/// For each log, the rules that read it.
fn readers(readings: &[Readings], rules: &[CompiledRule], logs: &Logs) -> Vec<Vec<RuleId>> {
    let mut readers: Vec<Vec<RuleId>> = vec![Vec::new(); logs.len()];
    for (id, _) in running(rules) {
        for log in readings[id.0 as usize].logs() {
            let readers = &mut readers[log.0 as usize];
            if readers.last() != Some(&id) {
                readers.push(id);
            }
        }
    }
    readers
}

/// The rule of that name among those sorted by name.
fn find(infos: &[RuleInfo], name: &str) -> Option<RuleId> {
    infos.binary_search_by(|info| (*info.name).cmp(name)).ok().map(|index| RuleId(index as u32))
}

/// For each rule, the streams of its alerts.
fn alert_streams(declared: Vec<AlertStream>, rules: &[CompiledRule]) -> Vec<Vec<AlertStream>> {
    let mut by_rule: Vec<Vec<AlertStream>> = rules.iter().map(|_| Vec::new()).collect();
    for stream in declared {
        if let Ok(rule) = rules.binary_search_by(|compiled| compiled.rule.name.cmp(&stream.rule)) {
            by_rule[rule].push(stream);
        }
    }
    for streams in &mut by_rule {
        streams.sort_by_key(|stream| stream.stream);
    }
    by_rule
}

impl RuleInfo {
    fn new(rule: &Rule) -> RuleInfo {
        RuleInfo {
            name: rule.name.clone(),
            fingerprint: rule.fingerprint.clone(),
            notes: rule.notes.clone(),
            severity: rule.alert.severity,
            sinks: rule.sinks.clone(),
            mode: rule.mode,
            mode_of_text: rule.mode_of_text,
        }
    }
}
