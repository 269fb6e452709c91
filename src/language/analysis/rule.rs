//! Rules: their clauses put together.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;

use crate::alert::Severity;
use crate::diagnostic::codes::{E0102, E0106, E0109, E0110, E0311, E0312, E0402, E0403, E0404};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use crate::event::{FieldId, StreamId, Type};
use crate::expression::{Expr, Template};
use crate::language::checked::{self, AlertSpec, KeySpec, Mode, Overlap, RunRegister, Timeout, VariableId};
use crate::language::tree::{self, ClauseKind, MaxKind};

use super::expression::{Checker, Place};
use super::pattern::{self, PatternChecker};
use super::scope::{Globals, not_yet};
use super::variables::Visible;
use super::{fingerprint, lint};

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
    by: Option<(&'t [tree::KeyPart], Span)>,
    events: Vec<&'t tree::EventDef>,
    pattern: Option<&'t tree::Match>,
    overlap: Option<&'t tree::Overlap>,
    alert: Option<&'t tree::Alert>,
    timeout: Option<(&'t tree::OnTimeout, Span)>,
    to: Vec<&'t tree::Name>,
    max: Vec<&'t tree::Max>,
    mode: Option<&'t tree::Name>,
}

/// The checked rule; `None` when something is wrong, which has been reported.
pub(super) fn check<'t>(
    rule: &'t tree::Rule,
    globals: &Globals<'t>,
    diagnostics: &mut Diagnostics,
) -> Option<checked::Rule> {
    let clauses = sort_clauses(rule, diagnostics);
    for event in &clauses.events {
        if let Err(diagnostic) = globals.expect_stream(&event.stream) {
            diagnostics.push(*diagnostic);
        }
    }
    let max = limits(&clauses.max, diagnostics);
    let mode = mode(clauses.mode, diagnostics);
    let missing = |clause: &str, example: &str| {
        Diagnostic::new(E0110, rule.name.span, format!("`{}` has no `{clause}`", rule.name.node))
            .help(format!("add one, for example `{example}`"))
    };
    if clauses.alert.is_none() {
        diagnostics.push(missing("alert", "alert medium \"What happened\""));
    }
    let Some(match_clause) = clauses.pattern else {
        diagnostics.push(missing("match", "match a then b within 10m"));
        return None;
    };
    let pattern = PatternChecker::new(globals, diagnostics, &clauses.events).check(match_clause)?;
    lint::late_end(&match_clause.pattern, clauses.overlap, diagnostics);
    let streams: BTreeSet<StreamId> = pattern.tests.iter().map(|test| test.stream).collect();
    let key = key(clauses.by, &streams, rule, globals, diagnostics);
    let overlap = overlap(clauses.overlap, &pattern.captured, diagnostics);
    if pattern.root.waits() || clauses.timeout.is_some() {
        lint::held_back(&rule.name.node, rule.name.span, streams.iter().copied(), globals, diagnostics);
    }
    let named: Vec<(CompactString, Type)> = match &key {
        Some(key) => key.names.iter().cloned().zip(key.types(&globals.streams)).collect(),
        None => Vec::new(),
    };
    let visible = Visible { captured: &pattern.captured, around: &[], later: &[] };
    let alert = clauses.alert.and_then(|alert| check_alert(alert, &named, visible, globals, diagnostics));
    let timeout = match clauses.timeout {
        Some((clause, span)) => Some(check_timeout(clause, span, &pattern, &named, globals, diagnostics)?),
        None => None,
    };
    let mut checked = checked::Rule {
        name: rule.name.node.as_str().into(),
        span: rule.name.span,
        fingerprint: "".into(),
        about: clauses.about.map(|about| about.node.clone()),
        tags: clauses.tags.iter().map(|tag| tag.node.clone()).collect(),
        runbook: clauses.runbook.map(|runbook| runbook.node.clone()),
        key: key?,
        variables: pattern.variables,
        tests: pattern.tests,
        registers: pattern.registers,
        pattern: pattern.root,
        clocks: pattern.clocks,
        within: match_clause.within.as_ref().map(|within| within.node),
        overlap: overlap?,
        alert: alert?,
        timeout,
        max_runs: max.0?,
        max_events: max.1?,
        mode: mode?,
        sinks: clauses.to.iter().map(|sink| sink.node.clone()).collect::<Vec<_>>().into(),
    };
    checked.fingerprint = fingerprint::of(&checked, &globals.streams);
    Some(checked)
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
            ClauseKind::By(parts) => clauses.by = Some((parts, clause.span)),
            ClauseKind::Event(event) => add_event(event, &mut clauses.events, diagnostics),
            ClauseKind::Match(pattern) => clauses.pattern = Some(pattern),
            ClauseKind::Overlap(overlap) => clauses.overlap = Some(overlap),
            ClauseKind::Alert(alert) => clauses.alert = Some(alert),
            ClauseKind::OnTimeout(timeout) => clauses.timeout = Some((timeout, clause.span)),
            ClauseKind::To(sinks) => clauses.to = sinks.iter().collect(),
            ClauseKind::Limit(_) => diagnostics.push(not_yet(clause.span, "limits (`limit 1 per …`)")),
            ClauseKind::Max(max) => clauses.max.push(max),
            ClauseKind::Mode(mode) => clauses.mode = Some(mode),
        }
    }
    clauses
}

fn add_event<'t>(
    event: &'t tree::EventDef,
    events: &mut Vec<&'t tree::EventDef>,
    diagnostics: &mut Diagnostics,
) {
    match events.iter().find(|other| other.name.node == event.name.node) {
        Some(first) => diagnostics.push(
            Diagnostic::new(
                E0106,
                event.name.span,
                format!("the event `{}` is defined twice", event.name.node),
            )
            .label("defined again here")
            .also(first.name.span, "first defined here"),
        ),
        None => events.push(event),
    }
}

fn limits(clauses: &[&tree::Max], diagnostics: &mut Diagnostics) -> (Option<usize>, Option<usize>) {
    let mut max = (Some(DEFAULT_MAX_RUNS), Some(DEFAULT_MAX_EVENTS));
    for clause in clauses {
        let value = if (1..=GREATEST_MAX).contains(&clause.count.node) {
            Some(clause.count.node as usize)
        } else {
            diagnostics.push(
                Diagnostic::new(E0403, clause.count.span, format!("this must be from 1 to {GREATEST_MAX}"))
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
            diagnostics.push(unknown_word(E0404, name.span, "mode", other, &["shadow", "off"]));
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
        None => diagnostic.help(format!("one of: {}", known.join(", "))),
    }
}

/// What the events are grouped by, for each stream of the pattern.
fn key(
    by: Option<(&[tree::KeyPart], Span)>,
    streams: &BTreeSet<StreamId>,
    rule: &tree::Rule,
    globals: &Globals<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<KeySpec> {
    let mut spec =
        KeySpec { names: Vec::new(), fields: streams.iter().map(|stream| (*stream, Vec::new())).collect() };
    let Some((parts, _)) = by else { return Some(spec) };
    let mut sound = true;
    for part in parts {
        let Some(first) = part.fields.first() else { continue };
        spec.names.push(CompactString::new(&first.field.node));
        let mut first_type: Option<(Type, StreamId)> = None;
        for (&stream, fields) in &mut spec.fields {
            let Some((field, ty)) = key_field(part, stream, rule, globals, diagnostics) else {
                sound = false;
                continue;
            };
            fields.push(field);
            match first_type {
                None => first_type = Some((ty, stream)),
                Some((wanted, other)) if wanted != ty => {
                    diagnostics.push(different_key_types(first, (wanted, other), (ty, stream), globals));
                    sound = false;
                }
                Some(_) => {}
            }
        }
    }
    sound.then_some(spec)
}

fn different_key_types(
    at: &tree::KeyField,
    first: (Type, StreamId),
    second: (Type, StreamId),
    globals: &Globals<'_>,
) -> Diagnostic {
    let name = |stream| &globals.schema(stream).name;
    Diagnostic::new(
        E0402,
        at.field.span,
        format!(
            "this part of the key is {} in `{}`, but {} in `{}`",
            first.0,
            name(first.1),
            second.0,
            name(second.1)
        ),
    )
    .help("declare both fields with the same type")
}

/// The field of `stream` that one part of the key reads.
fn key_field(
    part: &tree::KeyPart,
    stream: StreamId,
    rule: &tree::Rule,
    globals: &Globals<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<(FieldId, Type)> {
    let schema = globals.schema(stream);
    let named = part
        .fields
        .iter()
        .find(|field| field.stream.as_ref().is_some_and(|name| name.node == schema.name.as_str()));
    let bare = part.fields.iter().find(|field| field.stream.is_none());
    let Some(wanted) = named.or(bare) else {
        let at = &part.fields[0].field;
        diagnostics.push(
            Diagnostic::new(
                E0402,
                at.span,
                format!(
                    "`{}` also reads `{}`, which has no part of the key here",
                    rule.name.node, schema.name
                ),
            )
            .help(format!("add it: `… = {}.{}`", schema.name, at.node)),
        );
        return None;
    };
    match schema.field(&wanted.field.node) {
        Some((id, field)) => Some((id, field.ty.value_type())),
        None => {
            let message = format!("`{}` has no field `{}` to group by", schema.name, wanted.field.node);
            let diagnostic = Diagnostic::new(E0102, wanted.field.span, message);
            let near = nearest(&wanted.field.node, schema.fields.iter().map(|field| field.name.as_str()));
            diagnostics.push(match near {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help(format!(
                    "if it has another name there: `by other.{} = {}.field`",
                    wanted.field.node, schema.name
                )),
            });
            None
        }
    }
}

fn overlap(
    written: Option<&tree::Overlap>,
    captured: &[super::variables::Captured],
    diagnostics: &mut Diagnostics,
) -> Option<Overlap> {
    let mut variable = |name: &tree::Name| {
        let found = captured.iter().position(|captured| captured.name == name.node.as_str());
        if found.is_none() {
            let diagnostic =
                Diagnostic::new(E0312, name.span, format!("the pattern captures nothing as `{}`", name.node));
            diagnostics.push(
                match nearest(&name.node, captured.iter().map(|captured| captured.name.as_str())) {
                    Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                    None => diagnostic,
                },
            );
        }
        found.map(|index| VariableId(index as u32))
    };
    match written {
        None | Some(tree::Overlap::None) => Some(Overlap::None),
        Some(tree::Overlap::PerStart) => Some(Overlap::PerStart),
        Some(tree::Overlap::All) => Some(Overlap::All),
        Some(tree::Overlap::ResumeAtFirst(name)) => variable(name).map(Overlap::ResumeAtFirst),
        Some(tree::Overlap::ResumeAtLast(name)) => variable(name).map(Overlap::ResumeAtLast),
    }
}

fn check_timeout<'t>(
    clause: &'t tree::OnTimeout,
    span: Span,
    pattern: &pattern::Checked,
    key: &[(CompactString, Type)],
    globals: &Globals<'t>,
    diagnostics: &mut Diagnostics,
) -> Option<Timeout> {
    if pattern.uses_any {
        diagnostics.push(
            Diagnostic::new(E0311, span, "`on timeout` has no clear meaning in a pattern that uses `any`")
                .label("one beginning has many runs here, and each would time out")
                .help("use `then` instead of `then any`, or a rule of its own for the absence"),
        );
    }
    if !pattern.is_limited {
        diagnostics.push(lint::never_times_out(span));
    }
    let after = match &clause.after {
        None => None,
        Some(name) => {
            let found = pattern.captured.iter().position(|captured| captured.name == name.node.as_str());
            if found.is_none() {
                let known = pattern.captured.iter().map(|captured| captured.name.as_str());
                let diagnostic = Diagnostic::new(
                    E0312,
                    name.span,
                    format!("the pattern captures nothing as `{}`", name.node),
                );
                diagnostics.push(match nearest(&name.node, known) {
                    Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                    None => diagnostic,
                });
            }
            Some(VariableId(found? as u32))
        }
    };
    let visible = Visible { captured: &pattern.captured, around: &[], later: &[] };
    let alert = check_alert(&clause.alert, key, visible, globals, diagnostics)?;
    Some(Timeout { after, alert })
}

fn check_alert<'t>(
    alert: &'t tree::Alert,
    key: &[(CompactString, Type)],
    visible: Visible<'_>,
    globals: &Globals<'t>,
    diagnostics: &mut Diagnostics,
) -> Option<AlertSpec> {
    let severity = Severity::ALL.into_iter().find(|severity| severity.name() == alert.severity.node);
    if severity.is_none() {
        let known = Severity::ALL.map(Severity::name);
        diagnostics.push(unknown_word(E0404, alert.severity.span, "severity", &alert.severity.node, &known));
    }
    let mut registers: Vec<RunRegister> = Vec::new();
    let mut checker = Checker::new(globals, diagnostics, Place::Alert { key }, visible, &mut registers);
    let title = template(&alert.title, &mut checker);
    let mut fields: Option<Vec<(CompactString, Expr)>> = Some(Vec::new());
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for field in &alert.fields {
        if let Some(first) = seen.insert(&field.name.node, field.name.span) {
            checker.report(
                Diagnostic::new(
                    E0106,
                    field.name.span,
                    format!("the field `{}` is given twice", field.name.node),
                )
                .also(first, "first given here"),
            );
        }
        match (checker.check(&field.value), &mut fields) {
            (Some(typed), Some(list)) => list.push((CompactString::new(&field.name.node), typed.expr)),
            _ => fields = None,
        }
    }
    Some(AlertSpec { severity: severity?, title: title?, fields: fields?, registers })
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
