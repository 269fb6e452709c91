//! Chaining: streams that carry the alerts of rules.
//!
//! Enters: the declarations and then, one after the other, the checked rules. Leaves: the order in
//! which rules are checked, so that those whose alerts a rule reads come before it; the stratum of
//! each; and the schemas of such streams. What is wrong with the rule behind a stream has been
//! reported there: such a stream has no fields that are known, and nothing is said of those it lacks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use compact_str::CompactString;

use crate::diagnostic::codes::{E0403, E0430, E0431, E0432, E0433, W0540};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use crate::event::{Duration, Field, FieldType, StreamId, StreamSchema, Type};
use crate::language::checked::{self, AlertField, AlertStream, Filled, Mode};
use crate::language::tree;

use super::dependency::{self, Dependencies};
use super::fingerprint;
use super::reads::{Read, reads};
use super::scope::{Declarations, Globals, Reported, listed};
use super::stream::MAX_FIELDS;

/// Most places that are shown of a circle, besides the first.
const MAX_PLACES: usize = 10;
/// The field that tells a match from a time-out.
const KIND: &str = "kind";

/// What is known of a stream of alerts once its rule has been checked.
#[derive(Clone, Debug)]
pub(super) struct Derived {
    /// The fingerprint of the rule.
    pub fingerprint: Arc<str>,
    /// What makes each field, so that a fingerprint can cover it.
    pub fields: Vec<String>,
    /// The streams of sources that the rule reads, itself or by the alerts of others.
    pub sources: BTreeSet<StreamId>,
}

/// A stream of alerts before its rule has been checked.
pub(super) fn unsettled(stream: &tree::Stream) -> StreamSchema {
    StreamSchema {
        name: CompactString::new(&stream.name.node),
        fields: Vec::new(),
        time: None,
        late: Duration::ZERO,
        idle: None,
        alerts_of: Some(CompactString::new(&rule_of(stream).node)),
    }
}

/// The rule whose alerts a stream carries.
fn rule_of(stream: &tree::Stream) -> &tree::Name {
    match &stream.body {
        tree::StreamBody::Rule(rule) => rule,
        tree::StreamBody::Fields(_) => &stream.name,
    }
}

/// The rules in the order in which they are to be checked, each with its stratum: 0 when it reads
/// no alerts, else 1 more than the greatest of the rules whose alerts it reads. Reports streams of
/// rules that do not exist, and circles.
pub(super) fn plan<'t>(
    declarations: &Declarations<'t>,
    reported: &Reported<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<(&'t tree::Rule, u32)> {
    let rules: BTreeMap<&'t str, &'t tree::Rule> =
        declarations.rules.iter().map(|rule| (rule.name.node.as_str(), *rule)).collect();
    let mut behind: HashMap<&'t str, &'t str> = HashMap::new();
    for stream in &declarations.derived {
        let rule = rule_of(stream);
        if rules.contains_key(rule.node.as_str()) {
            behind.insert(&stream.name.node, &rule.node);
        } else if !reported.contains(&rule.node) {
            diagnostics.push(unknown_rule(rule, rules.keys().copied()));
        }
    }
    let uses: BTreeMap<&'t str, Vec<Read<'t>>> = rules
        .iter()
        .map(|(name, rule)| (*name, reads(rule).filter(|read| behind.contains_key(read.stream)).collect()))
        .collect();
    let used = |name: &'t str| uses[name].iter().map(|read| behind[read.stream]).collect();
    let Dependencies { order, circles } = dependency::order(rules.keys().copied(), used);
    for circle in &circles {
        diagnostics.push(in_a_circle(circle, &uses, &behind));
    }
    let mut strata: HashMap<&'t str, u32> = HashMap::new();
    for name in &order {
        let below = uses[name].iter().filter_map(|read| strata.get(behind[read.stream]));
        let stratum = below.max().map_or(0, |stratum| stratum + 1);
        strata.insert(name, stratum);
    }
    order.into_iter().map(|name| (rules[name], strata[name])).collect()
}

fn unknown_rule<'n>(rule: &tree::Name, known: impl Iterator<Item = &'n str>) -> Diagnostic {
    let message = format!("there is no rule `{}`", rule.node);
    let diagnostic = Diagnostic::new(E0430, rule.span, message);
    match nearest(&rule.node, known) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help("a stream is made `from` the alerts of a rule of this rule set"),
    }
}

/// Shows one way round of a circle of rules: the shortest that begins with the first of them.
fn in_a_circle<'t>(
    circle: &[&'t str],
    uses: &BTreeMap<&'t str, Vec<Read<'t>>>,
    behind: &HashMap<&'t str, &'t str>,
) -> Diagnostic {
    let first = circle.iter().min().copied().unwrap_or_default();
    let members: BTreeSet<&str> = circle.iter().copied().collect();
    // For each rule found, the one that reads it and where.
    let mut found: HashMap<&'t str, (&'t str, Read<'t>)> = HashMap::new();
    let mut next = vec![first];
    while !found.contains_key(first) && !next.is_empty() {
        let mut further = Vec::new();
        for rule in next {
            for read in uses[rule].iter().filter(|read| members.contains(behind[read.stream])) {
                found.entry(behind[read.stream]).or_insert_with(|| {
                    further.push(behind[read.stream]);
                    (rule, *read)
                });
            }
        }
        next = further;
    }
    let mut way = Vec::new();
    let mut at = first;
    while let Some((reader, read)) = found.get(at) {
        way.push((*reader, *read, at));
        at = reader;
        if at == first {
            break;
        }
    }
    way.reverse();
    let says = |(reader, read, of): &(&str, Read<'_>, &str)| match reader == of {
        true => format!("`{}` carries its own alerts", read.stream),
        false => format!("`{reader}` reads `{}`, the alerts of `{of}`", read.stream),
    };
    let message = match way.as_slice() {
        [(rule, ..)] => format!("the rule `{rule}` reads its own alerts"),
        _ => format!(
            "the rules {} read each other's alerts in a circle",
            listed(way.iter().map(|(rule, ..)| *rule))
        ),
    };
    let span = way.first().map_or_else(Span::default, |(_, read, _)| read.span);
    let mut diagnostic =
        Diagnostic::new(E0431, span, message).label(way.first().map(says).unwrap_or_default());
    for step in way.iter().skip(1).take(MAX_PLACES) {
        diagnostic = diagnostic.also(step.1.span, says(step));
    }
    diagnostic
        .help("let one of them read events instead: an alert may lead to others, but not back to itself")
}

/// Makes `streams`, which carry a rule's alerts: the rules after it are checked against them.
pub(super) fn settle(
    rule: &checked::Rule,
    tree: &tree::Rule,
    streams: &[&tree::Stream],
    globals: &mut Globals<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<AlertStream> {
    let mut made = Vec::new();
    for stream in streams {
        let Some(id) = globals.stream(&stream.name.node) else { continue };
        if rule.mode == Mode::Off {
            diagnostics.push(is_off(stream, tree));
        }
        let mut maker =
            Maker { rule, tree, stream, fields: Vec::new(), filled: Vec::new(), problems: Vec::new() };
        maker.key(globals);
        maker.push(KIND, FieldType::Str, false);
        maker.alert_fields();
        if maker.problems.is_empty() {
            let Maker { fields, filled, .. } = maker;
            let derived = Derived {
                fingerprint: Arc::clone(&rule.fingerprint),
                fields: meanings(rule, &fields, &filled, globals),
                sources: rule.key.fields.keys().flat_map(|read| globals.sources_of(*read)).collect(),
            };
            globals.streams[id.0 as usize].fields = fields;
            globals.derived.insert(id, derived);
            made.push(AlertStream { stream: id, rule: Arc::clone(&rule.name), filled });
        } else {
            maker.problems.into_iter().for_each(|problem| diagnostics.push(problem));
        }
    }
    made
}

/// What makes each field: its place in the key, or the expressions of the alerts.
fn meanings(rule: &checked::Rule, fields: &[Field], filled: &[Filled], globals: &Globals<'_>) -> Vec<String> {
    let of_alerts = filled.iter().map(|filled| fingerprint::alert_field(rule, *filled, globals));
    let kind = fields.len() - filled.len() - 1;
    let key = (0..kind).map(|part| format!("key {part}"));
    key.chain([KIND.to_owned()]).chain(of_alerts).collect()
}

fn is_off(stream: &tree::Stream, rule: &tree::Rule) -> Diagnostic {
    let message = format!("`{}` stays empty: the rule `{}` is off", stream.name.node, rule.name.node);
    let diagnostic = Diagnostic::new(W0540, rule_of(stream).span, message);
    let mode = rule.clauses.iter().find(|clause| matches!(clause.kind, tree::ClauseKind::Mode(_)));
    let diagnostic = match mode {
        Some(mode) => diagnostic.also(mode.span, "it is not evaluated"),
        None => diagnostic,
    };
    diagnostic.help("with `mode shadow` it is evaluated for the rules that read it, and sends nothing itself")
}

/// Puts the fields of a stream of alerts together.
struct Maker<'m> {
    rule: &'m checked::Rule,
    tree: &'m tree::Rule,
    stream: &'m tree::Stream,
    fields: Vec<Field>,
    filled: Vec<Filled>,
    problems: Vec<Diagnostic>,
}

impl Maker<'_> {
    fn push(&mut self, name: &str, ty: FieldType, optional: bool) {
        let name = CompactString::new(name);
        self.fields.push(Field { path: vec![name.clone()], name, ty, optional });
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.problems.push(diagnostic);
    }

    fn span(&self) -> Span {
        rule_of(self.stream).span
    }

    /// The parts of the key, with the types that they have in the streams of the rule.
    fn key(&mut self, globals: &Globals<'_>) {
        let Some((stream, fields)) = self.rule.key.fields.iter().next() else { return };
        for (name, field) in self.rule.key.names.iter().zip(fields) {
            let ty = globals.schema(*stream).fields[field.0 as usize].ty.value_type();
            let Some(ty) = FieldType::of(ty) else { continue };
            if let Some(why) = taken(name) {
                let message = format!(
                    "`{}` cannot carry `{name}`, a part of the key of `{}`: {why}",
                    self.stream.name.node, self.rule.name
                );
                let by =
                    self.tree.clauses.iter().find(|clause| matches!(clause.kind, tree::ClauseKind::By(_)));
                let mut diagnostic = Diagnostic::new(E0432, self.span(), message);
                if let Some(by) = by {
                    diagnostic = diagnostic.also(by.span, "the key");
                }
                self.report(diagnostic.help(format!(
                    "give the field another name where its stream is declared: `{name}_ {} from \"{name}\"`",
                    ty.value_type()
                )));
            }
            self.push(name, ty, false);
        }
    }

    /// The fields of the alerts: of the match, then what the time-out alone has.
    fn alert_fields(&mut self) {
        let rule = self.rule;
        let by_match = &rule.alert.fields;
        let by_timeout = rule.timeout.as_ref().map_or(&[][..], |timeout| &timeout.alert.fields);
        let place = |fields: &[AlertField], name: &str| fields.iter().position(|field| field.name == name);
        // Before each name is looked for among the others.
        let greater = by_match.len().max(by_timeout.len());
        if greater > MAX_FIELDS {
            return self.too_many(greater);
        }
        for (index, field) in by_match.iter().enumerate() {
            self.alert_field(Filled { by_match: Some(index), by_timeout: place(by_timeout, &field.name) });
        }
        for (index, field) in by_timeout.iter().enumerate() {
            if place(by_match, &field.name).is_none() {
                self.alert_field(Filled { by_match: None, by_timeout: Some(index) });
            }
        }
        if self.fields.len() > MAX_FIELDS {
            self.too_many(self.fields.len());
        }
    }

    fn too_many(&mut self, count: usize) {
        let name = &self.stream.name.node;
        let message = format!("`{name}` would have {count} fields; at most {MAX_FIELDS} are possible");
        let help = format!("give the alerts of `{}` fewer fields", self.rule.name);
        self.report(Diagnostic::new(E0403, self.span(), message).help(help));
    }

    fn alert_field(&mut self, filled: Filled) {
        let (by_match, by_timeout) = filled.fields(self.rule);
        let Some(name) = by_match.or(by_timeout).map(|field| field.name.clone()) else { return };
        let places = self.places(&name);
        let also = |mut diagnostic: Diagnostic| {
            for (span, of) in &places {
                diagnostic = diagnostic.also(*span, format!("the field of the {of}"));
            }
            diagnostic
        };
        let stream = &self.stream.name.node;
        let is_key = self.rule.key.names.contains(&name);
        let why = taken(&name).or(is_key.then_some("a part of the key has that name"));
        if let Some(why) = why {
            let message =
                format!("`{stream}` cannot carry the alert field `{name}` of `{}`: {why}", self.rule.name);
            let diagnostic = also(Diagnostic::new(E0432, self.span(), message));
            self.report(diagnostic.help("give the field of the alert another name"));
            return;
        }
        match one_type(by_match.map(|field| field.ty), by_timeout.map(|field| field.ty)) {
            Ok(ty) => {
                self.push(&name, ty, true);
                self.filled.push(filled);
            }
            Err(Untyped::Null) => {
                let message =
                    format!("the alert field `{name}` is always null, so that in `{stream}` it has no type");
                let diagnostic = also(Diagnostic::new(E0433, self.span(), message));
                self.report(diagnostic.help("leave the field out, or give it a value"));
            }
            Err(Untyped::Two(one, other)) => {
                let message = format!(
                    "the field `{name}` of `{stream}` would be `{one}` after a match, but `{other}` after a time-out"
                );
                let diagnostic = also(Diagnostic::new(E0433, self.span(), message));
                self.report(diagnostic.help(match one.is_number() && other.is_number() {
                    true => "make both `float`, for example with `* 1.0`",
                    false => "give one of the two another name",
                }));
            }
        }
    }

    /// Where the alert of a match and that of a time-out have a field of that name.
    fn places(&self, name: &str) -> Vec<(Span, &'static str)> {
        let alerts = self.tree.clauses.iter().filter_map(|clause| match &clause.kind {
            tree::ClauseKind::Alert(alert) => Some((alert, "match's alert")),
            tree::ClauseKind::OnTimeout(timeout) => Some((&timeout.alert, "time-out's alert")),
            _ => None,
        });
        let places = alerts.filter_map(|(alert, of)| {
            let field = alert.fields.iter().find(|field| field.name.node == name)?;
            Some((field.name.span, of))
        });
        places.collect()
    }
}

/// Why no field of a stream of alerts can have that name.
fn taken(name: &str) -> Option<&'static str> {
    match name {
        KIND => Some("its `kind` tells a match from a time-out"),
        "time" => Some("`time` is always the event time, here that of the decision"),
        _ => None,
    }
}

/// Why a field has no type.
enum Untyped {
    /// There is no value that it could have.
    Null,
    /// It has one in the alert of a match and another in that of a time-out.
    Two(Type, Type),
}

/// The type of a field that the alert of a match, that of a time-out or both have.
fn one_type(by_match: Option<Type>, by_timeout: Option<Type>) -> Result<FieldType, Untyped> {
    let known = |ty: Option<Type>| ty.and_then(FieldType::of);
    match (known(by_match), known(by_timeout)) {
        (Some(one), Some(other)) if one != other => Err(Untyped::Two(one.value_type(), other.value_type())),
        (one, other) => one.or(other).ok_or(Untyped::Null),
    }
}
