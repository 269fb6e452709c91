//! Rules: their clauses put together.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::alert::{Notes, Passing, Severity};
use crate::diagnostic::codes::{E0106, E0109, E0110, E0311, E0312, E0403, E0404};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use crate::expression::Template;
use crate::language::checked::{self, AlertField, AlertSpec, Mode, Overlap, Timeout, VariableId};
use crate::language::tree::{self, ClauseKind, MaxKind};

use super::expression::{Checker, KeyName, Place, Typed};
use super::history;
use super::key;
use super::pattern::{self, PatternChecker};
use super::scope::{Globals, listed};
use super::variables::{Registers, Variables, Visible};
use super::{fingerprint, limit, lint};

/// Most live runs for one rule and key, unless `max runs` says otherwise.
pub const DEFAULT_MAX_RUNS: usize = 10_000;
/// Most events held by the live runs of one rule and key, unless `max events` says otherwise.
pub const DEFAULT_MAX_EVENTS: usize = 100_000;
/// Greatest value of `max runs` and `max events`.
pub const GREATEST_MAX: i64 = 10_000_000;

/// The clauses of a rule by kind.
#[derive(Default)]
struct Clauses<'t> {
    about: Option<&'t tree::Spanned<String>>,
    tags: Vec<&'t tree::Name>,
    runbook: Option<&'t tree::Spanned<String>>,
    by: Option<&'t [tree::KeyPart]>,
    events: Vec<&'t tree::EventDef>,
    event_names: BTreeMap<&'t str, Span>,
    pattern: Option<&'t tree::Match>,
    overlap: Option<&'t tree::Overlap>,
    alert: Option<&'t tree::Alert>,
    timeout: Option<&'t tree::OnTimeout>,
    to: Vec<&'t tree::Name>,
    limit: Option<&'t tree::Limit>,
    max: Vec<&'t tree::Max>,
    mode: Option<&'t tree::Name>,
}

impl<'t> Clauses<'t> {
    /// The expressions in which the rule may read the past of streams.
    fn expressions(&self) -> Vec<&'t tree::Expr> {
        let conditions = self.events.iter().filter_map(|event| event.condition.as_ref());
        let alerts = self.alert.into_iter().chain(self.timeout.map(|timeout| &timeout.alert));
        let said = alerts.flat_map(|alert| {
            let title = alert.title.parts.iter().filter_map(|part| match part {
                tree::TemplatePart::Expr(expr) => Some(expr),
                tree::TemplatePart::Text(_) => None,
            });
            title.chain(alert.fields.iter().map(|field| &field.value))
        });
        let counted_apart = self.limit.into_iter().flat_map(|limit| &limit.for_each);
        conditions.chain(said).chain(counted_apart).collect()
    }
}

/// The checked rule; `None` when something is wrong, which has been reported.
pub(super) fn check<'t>(
    rule: &'t tree::Rule,
    stratum: u32,
    globals: &Globals<'t>,
    diagnostics: &mut Diagnostics,
) -> Option<checked::Rule> {
    globals.tables.take_noted();
    let clauses = sort_clauses(rule, diagnostics);
    for event in &clauses.events {
        if let Some(diagnostic) = globals.unknown_stream(&event.stream) {
            diagnostics.push(diagnostic);
        }
    }
    let max = limits(&clauses.max, diagnostics);
    let mode = mode(clauses.mode, diagnostics);
    report_missing(rule, &clauses, diagnostics);
    let Some(match_clause) = clauses.pattern else {
        let nothing = Variables::default();
        let visible = Visible { is_incomplete: true, ..Visible::of_alert(&nothing, &clauses.events) };
        for event in &clauses.events {
            pattern::check_unused(event, globals, diagnostics, visible);
        }
        lint::negations(&clauses.events, None, globals, diagnostics);
        return None;
    };
    let pattern =
        PatternChecker::new(globals, diagnostics, &clauses.events).check(match_clause, rule.has_unread);
    if pattern.root.is_some() {
        lint::late_end(&match_clause.pattern, clauses.overlap, diagnostics);
        lint::useless_limits(match_clause, diagnostics);
        // What is made of an alert waits for event time as an absence does.
        let mut reads = pattern.reads.iter();
        let derived = || reads.find(|(stream, _)| globals.is_derived(**stream)).map(|(_, span)| *span);
        let waits = pattern.waits.or(clauses.timeout.map(|timeout| timeout.span)).or_else(derived);
        if let Some(waiting) = waits {
            lint::held_back(waiting, pattern.reads.keys().copied(), globals, diagnostics);
        }
    }
    let mut reads = pattern.reads.clone();
    history::reads(clauses.expressions(), globals, &mut reads);
    let key = key::check(clauses.by, &reads, pattern.root.is_some(), globals, diagnostics);
    lint::negations(&clauses.events, key.spec.as_ref(), globals, diagnostics);
    let overlap = overlap(clauses.overlap, &pattern.captured, globals, diagnostics);
    // A `by` that could not be read would have named the parts of the key.
    let named = (clauses.by.is_some() || !rule.has_unread).then_some(key.names.as_slice());
    let visible =
        Visible { is_incomplete: rule.has_unread, ..Visible::of_alert(&pattern.captured, &clauses.events) };
    let alert = clauses.alert.and_then(|alert| check_alert(alert, named, visible, globals, diagnostics));
    let timeout =
        clauses.timeout.map(|clause| check_timeout(clause, &pattern, named, visible, globals, diagnostics));
    let limit = clauses.limit.map(|clause| limit::check(clause, named, visible, globals, diagnostics));
    let mut checked = checked::Rule {
        name: rule.name.node.as_str().into(),
        pattern_span: match_clause.pattern.span,
        stratum,
        fingerprint: "".into(),
        notes: notes(&clauses).into(),
        key: key.spec?,
        pattern: pattern.root?,
        variables: pattern.variables,
        tests: pattern.tests,
        registers: pattern.registers,
        histories: pattern.histories,
        clocks: pattern.clocks,
        within: match_clause.within.as_ref().map(|within| within.node),
        overlap: overlap?,
        alert: alert?,
        timeout: match timeout {
            Some(timeout) => Some(timeout?),
            None => None,
        },
        limit: match limit {
            Some(limit) => Some(limit?),
            None => None,
        },
        max_runs: max.0?,
        max_events: max.1?,
        mode: mode?,
        mode_of_text: mode?,
        tables: globals.tables.take_noted().into_iter().collect(),
        sinks: clauses.to.iter().map(|sink| sink.node.clone()).collect::<Vec<_>>().into(),
    };
    checked.fingerprint = fingerprint::of(&checked, globals);
    let meaning = checked.limit.as_ref().map(|limit| fingerprint::of_limit(limit, &checked, globals));
    if let (Some(limit), Some(meaning)) = (&mut checked.limit, meaning) {
        limit.meaning = meaning;
    }
    Some(checked)
}

/// What alerts of the rule carry for those who get them.
fn notes(clauses: &Clauses<'_>) -> Notes {
    let limit =
        |clause: &tree::Limit| Passing { count: clause.count.node.unsigned_abs(), per: clause.per.node };
    Notes {
        about: clauses.about.map(|about| about.node.clone()),
        tags: clauses.tags.iter().map(|tag| tag.node.clone()).collect(),
        runbook: clauses.runbook.map(|runbook| runbook.node.clone()),
        limit: clauses.limit.map(limit),
    }
}

/// Reports clauses that every rule needs. One that could not be read may be among them.
fn report_missing(rule: &tree::Rule, clauses: &Clauses<'_>, diagnostics: &mut Diagnostics) {
    if rule.has_unread {
        return;
    }
    let mut missing = |clause: &str, example: &str| {
        let message = format!("the rule `{}` has no `{clause}`", rule.name.node);
        diagnostics.push(
            Diagnostic::new(E0110, rule.name.span, message).help(format!("add one, for example `{example}`")),
        );
    };
    if clauses.pattern.is_none() {
        missing("match", "match a then b within 10m");
    }
    if clauses.alert.is_none() {
        missing("alert", "alert medium \"What happened\"");
    }
}

fn sort_clauses<'t>(rule: &'t tree::Rule, diagnostics: &mut Diagnostics) -> Clauses<'t> {
    let mut clauses = Clauses::default();
    let mut seen: BTreeMap<&'static str, Span> = BTreeMap::new();
    for clause in &rule.clauses {
        let once = match &clause.kind {
            ClauseKind::About(_) => Some("about"),
            ClauseKind::Tags(_) => Some("tags"),
            ClauseKind::Runbook(_) => Some("runbook"),
            ClauseKind::By(_) => Some("by"),
            ClauseKind::Match(_) => Some("match"),
            ClauseKind::Overlap(_) => Some("overlap"),
            ClauseKind::Alert(_) => Some("alert"),
            ClauseKind::OnTimeout(_) => Some("on timeout"),
            ClauseKind::To(_) => Some("to"),
            ClauseKind::Limit(_) => Some("limit"),
            ClauseKind::Mode(_) => Some("mode"),
            ClauseKind::Max(max) if max.what == MaxKind::Runs => Some("max runs"),
            ClauseKind::Max(_) => Some("max events"),
            ClauseKind::Event(_) => None,
        };
        if let Some(word) = once
            && let Some(first) = seen.insert(word, clause.span)
        {
            diagnostics.push(
                Diagnostic::new(E0109, clause.span, format!("`{word}` is given twice"))
                    .also(first, "first given here")
                    .help("keep one of the two"),
            );
            continue;
        }
        match &clause.kind {
            ClauseKind::About(text) => clauses.about = Some(text),
            ClauseKind::Tags(tags) => clauses.tags = tags.iter().collect(),
            ClauseKind::Runbook(link) => clauses.runbook = Some(link),
            ClauseKind::By(parts) => clauses.by = Some(parts),
            ClauseKind::Event(event) => add_event(event, &mut clauses, diagnostics),
            ClauseKind::Match(pattern) => clauses.pattern = Some(pattern),
            ClauseKind::Overlap(overlap) => clauses.overlap = Some(overlap),
            ClauseKind::Alert(alert) => clauses.alert = Some(alert),
            ClauseKind::OnTimeout(timeout) => clauses.timeout = Some(timeout),
            ClauseKind::To(sinks) => clauses.to = sinks.iter().collect(),
            ClauseKind::Limit(limit) => clauses.limit = Some(limit),
            ClauseKind::Max(max) => clauses.max.push(max),
            ClauseKind::Mode(mode) => clauses.mode = Some(mode),
        }
    }
    clauses
}

fn add_event<'t>(event: &'t tree::EventDef, clauses: &mut Clauses<'t>, diagnostics: &mut Diagnostics) {
    match clauses.event_names.insert(&event.name.node, event.name.span) {
        Some(first) => diagnostics.push(
            Diagnostic::new(
                E0106,
                event.name.span,
                format!("the event `{}` is defined twice", event.name.node),
            )
            .label("defined again here")
            .also(first, "first defined here")
            .help("give one of them another name"),
        ),
        None => clauses.events.push(event),
    }
}

fn limits(clauses: &[&tree::Max], diagnostics: &mut Diagnostics) -> (Option<usize>, Option<usize>) {
    let mut max = (Some(DEFAULT_MAX_RUNS), Some(DEFAULT_MAX_EVENTS));
    for clause in clauses {
        let value = if (1..=GREATEST_MAX).contains(&clause.count.node) {
            Some(clause.count.node as usize)
        } else {
            let what = if clause.what == MaxKind::Runs { "max runs" } else { "max events" };
            let message = format!("`{what}` must be from 1 to {GREATEST_MAX}");
            diagnostics.push(
                Diagnostic::new(E0403, clause.count.span, message)
                    .help("it bounds the memory that one key can take"),
            );
            None
        };
        match clause.what {
            MaxKind::Runs => max.0 = value,
            MaxKind::Events => max.1 = value,
        }
    }
    max
}

fn mode(name: Option<&tree::Name>, diagnostics: &mut Diagnostics) -> Option<Mode> {
    let Some(name) = name else { return Some(Mode::Live) };
    match name.node.as_str() {
        "shadow" => Some(Mode::Shadow),
        "off" => Some(Mode::Off),
        other => {
            let diagnostic = unknown_word(E0404, name.span, "mode", other, &["shadow", "off"]);
            diagnostics.push(diagnostic.help("without `mode`, alerts are sent"));
            None
        }
    }
}

fn unknown_word(
    code: crate::diagnostic::Code,
    span: Span,
    what: &str,
    found: &str,
    known: &[&str],
) -> Diagnostic {
    let diagnostic = Diagnostic::new(code, span, format!("there is no {what} `{found}`"));
    match nearest(found, known.iter().copied()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help(format!("it is one of {}", listed(known.iter().copied()))),
    }
}

fn overlap(
    written: Option<&tree::Overlap>,
    captured: &Variables,
    globals: &Globals<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Overlap> {
    let mut variable = |name| captured_as(name, captured, globals, diagnostics);
    match written {
        None | Some(tree::Overlap::None) => Some(Overlap::None),
        Some(tree::Overlap::PerStart) => Some(Overlap::PerStart),
        Some(tree::Overlap::All) => Some(Overlap::All),
        Some(tree::Overlap::ResumeAtFirst(name)) => variable(name).map(Overlap::ResumeAtFirst),
        Some(tree::Overlap::ResumeAtLast(name)) => variable(name).map(Overlap::ResumeAtLast),
    }
}

/// The variable of that name; one that does not exist is reported.
fn captured_as(
    name: &tree::Name,
    captured: &Variables,
    globals: &Globals<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<VariableId> {
    let found = captured.find(&name.node);
    if found.is_none() && !globals.reported.contains(&name.node) {
        let known = || captured.iter().map(|captured| captured.name.as_str());
        let message = format!("the pattern captures nothing as `{}`", name.node);
        let diagnostic = Diagnostic::new(E0312, name.span, message);
        diagnostics.push(match nearest(&name.node, known()) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(format!("it captures {}", listed(known()))),
        });
    }
    found.map(|(id, _)| id)
}

fn check_timeout<'t>(
    clause: &'t tree::OnTimeout,
    pattern: &pattern::Checked,
    key: Option<&[KeyName]>,
    visible: Visible<'_>,
    globals: &Globals<'t>,
    diagnostics: &mut Diagnostics,
) -> Option<Timeout> {
    if let Some(any) = pattern.any {
        diagnostics.push(
            Diagnostic::new(
                E0311,
                clause.span,
                "`on timeout` has no clear meaning in a pattern that uses `any`",
            )
            .also(any, "one beginning has many partial matches here, and each would time out")
            .help("take the `any` away, or write a rule of its own for what must not be missing"),
        );
    }
    if !pattern.is_limited && pattern.root.is_some() {
        diagnostics.push(lint::never_times_out(clause.span));
    }
    let after = match &clause.after {
        None => Some(None),
        Some(name) => captured_as(name, &pattern.captured, globals, diagnostics).map(Some),
    };
    let alert = check_alert(&clause.alert, key, visible, globals, diagnostics)?;
    Some(Timeout { span: clause.span, after: after?, alert })
}

fn check_alert<'t>(
    alert: &'t tree::Alert,
    key: Option<&[KeyName]>,
    visible: Visible<'_>,
    globals: &Globals<'t>,
    diagnostics: &mut Diagnostics,
) -> Option<AlertSpec> {
    let severity = Severity::ALL.into_iter().find(|severity| severity.name() == alert.severity.node);
    if severity.is_none() {
        let known = Severity::ALL.map(Severity::name);
        diagnostics.push(unknown_word(E0404, alert.severity.span, "severity", &alert.severity.node, &known));
    }
    let mut registers = Registers::default();
    let mut checker = Checker::new(globals, diagnostics, Place::Alert { key }, visible, &mut registers);
    let title = template(&alert.title, &mut checker);
    let mut fields: Option<Vec<AlertField>> = Some(Vec::new());
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for field in &alert.fields {
        if let Some(first) = seen.insert(&field.name.node, field.name.span) {
            checker.report(
                Diagnostic::new(
                    E0106,
                    field.name.span,
                    format!("the field `{}` is given twice", field.name.node),
                )
                .also(first, "first given here")
                .help("give one of them another name"),
            );
        }
        match (checker.check(&field.value), &mut fields) {
            (Some(Typed { expr: value, ty }), Some(list)) => {
                list.push(AlertField { name: CompactString::new(&field.name.node), value, ty });
            }
            _ => fields = None,
        }
    }
    let (registers, histories) = registers.into_parts();
    Some(AlertSpec { severity: severity?, title: title?, fields: fields?, registers, histories })
}

fn template<'t>(written: &'t tree::Template, checker: &mut Checker<'_, 't>) -> Option<Template> {
    let mut template = Template::default();
    let mut sound = true;
    let mut text = String::new();
    for part in &written.parts {
        match part {
            tree::TemplatePart::Text(more) => text.push_str(more),
            tree::TemplatePart::Expr(expr) => match checker.check(expr) {
                Some(typed) => template.parts.push((std::mem::take(&mut text), Some(typed.expr))),
                None => sound = false,
            },
        }
    }
    if !text.is_empty() {
        template.parts.push((text, None));
    }
    sound.then_some(template)
}
