//! What is allowed but probably not meant.

use std::collections::BTreeSet;

use crate::diagnostic::codes::{W0502, W0506, W0507, W0508, W0509, W0510};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, Span};
use crate::event::{Duration, StreamSchema};
use crate::language::checked::KeySpec;
use crate::language::tree::{self, BinaryOp, ExprKind, Quantifier, UnaryOp};

use super::expression::written;
use super::scope::Globals;

/// A definition that the pattern does not use.
pub(super) fn unused_event(event: &tree::EventDef) -> Diagnostic {
    Diagnostic::new(W0507, event.name.span, format!("the pattern does not use `{}`", event.name.node))
        .help("take the definition out, or use it in `match`")
}

/// The last part of a match that is reported before the part could be taken.
pub(super) fn late_end(
    pattern: &tree::Sequence,
    overlap: Option<&tree::Overlap>,
    diagnostics: &mut Diagnostics,
) {
    if !matches!(overlap, None | Some(tree::Overlap::None | tree::Overlap::PerStart)) {
        return;
    }
    let last = match pattern.rest.last() {
        Some(tree::Part::Step { element, .. }) => element,
        Some(tree::Part::Absence(_)) => return,
        None => &pattern.first,
    };
    let bounded = match &last.quantifier {
        Some(Quantifier::Optional(_)) => true,
        Some(Quantifier::Count(count, _)) => count.node.max.is_some_and(|max| max > count.node.min),
        None => false,
    };
    if bounded {
        diagnostics.push(
            Diagnostic::new(W0502, last.span, "the match is reported before this could be taken")
                .label("comes too late to be in the alert")
                .help("a match is reported as soon as it is complete; with `overlap all` it is reported again with each further event"),
        );
    }
}

/// What waits for event time to pass, over a stream that a quiet partition would hold back.
pub(super) fn held_back(
    waiting: Span,
    streams: impl Iterator<Item = crate::event::StreamId>,
    globals: &Globals<'_>,
    diagnostics: &mut Diagnostics,
) {
    let sources: BTreeSet<_> = streams.flat_map(|stream| globals.sources_of(stream)).collect();
    for stream in sources {
        let schema = globals.schema(stream);
        if schema.idle.is_none() && schema.time.is_some() {
            let message = format!("a quiet source of `{}` would hold this back for good", schema.name);
            diagnostics.push(
                Diagnostic::new(W0506, waiting, message)
                    .label("decided when event time has passed")
                    .also(globals.stream_spans[stream.0 as usize], "this stream has no `idle`")
                    .help("say after how long a quiet source is no longer waited for: `idle 30s` before the `{`"),
            );
        }
    }
}

/// Warns about negations over fields that may be missing. A field of the key never is: an event without
/// it belongs to no group.
pub(super) fn negations(
    events: &[&tree::EventDef],
    key: Option<&KeySpec>,
    globals: &Globals<'_>,
    diagnostics: &mut Diagnostics,
) {
    for event in events {
        let (Some(condition), Some(stream)) = (&event.condition, globals.stream(&event.stream.node)) else {
            continue;
        };
        let is_wrong = |found: &Diagnostic| {
            let (at, whole) = (found.primary.span, condition.span);
            found.severity() == Severity::Error
                && at.file == whole.file
                && (whole.start..whole.end).contains(&at.start)
        };
        if diagnostics.iter().any(is_wrong) {
            continue;
        }
        let schema = globals.schema(stream);
        let fields = key.and_then(|key| key.fields.get(&stream)).map_or(&[][..], Vec::as_slice);
        let key = fields.iter().map(|field| schema.fields[field.0 as usize].name.as_str());
        negated_optional(condition, schema, key.collect(), diagnostics);
    }
}

/// Warns about negations over fields that may be missing in the condition of an aggregate over the past.
pub(super) fn negated_past(condition: &tree::Expr, schema: &StreamSchema, diagnostics: &mut Diagnostics) {
    negated_optional(condition, schema, BTreeSet::new(), diagnostics);
}

/// Negations over fields that may be missing, in a condition that does not say what is to become of
/// events without the field. `asked`: the fields that are there all the same.
fn negated_optional<'t>(
    condition: &'t tree::Expr,
    schema: &'t StreamSchema,
    mut asked: BTreeSet<&'t str>,
    diagnostics: &mut Diagnostics,
) {
    let mut rest = vec![condition];
    while let Some(expr) = rest.pop() {
        if let ExprKind::IsMissing(of, _) = &expr.kind
            && let ExprKind::Name(name) = &of.kind
        {
            asked.insert(name.as_str());
        }
        if !is_past(expr) {
            rest.extend(tree::operands(expr));
        }
    }
    let mut rest = vec![condition];
    while let Some(expr) = rest.pop() {
        let is_negation = match &expr.kind {
            ExprKind::Unary(operator, _) => operator.node == UnaryOp::Not,
            ExprKind::Binary(_, operator, _) => operator.node == BinaryOp::Ne,
            ExprKind::In { negated, .. } => *negated,
            _ => false,
        };
        let field = is_negation.then(|| optional_field(expr, schema, &asked)).flatten();
        match field {
            Some(field) => diagnostics.push(negation(field, expr)),
            // What is asked of past events is looked at where it is checked.
            None if is_past(expr) => {}
            None => rest.extend(tree::operands(expr)),
        }
    }
}

/// The first field under a negation that may be missing, unless something is put in its place.
fn optional_field<'t>(
    expr: &'t tree::Expr,
    schema: &StreamSchema,
    asked: &BTreeSet<&str>,
) -> Option<&'t str> {
    let mut rest = vec![expr];
    while let Some(expr) = rest.pop() {
        let replaces = match &expr.kind {
            ExprKind::Binary(_, operator, _) => operator.node == BinaryOp::Default,
            ExprKind::Call { function, .. } => function.node == "coalesce",
            _ => false,
        };
        if let ExprKind::Name(name) = &expr.kind
            && schema.field(name).is_some_and(|(_, field)| field.optional)
            && !asked.contains(name.as_str())
        {
            return Some(name);
        }
        if !replaces && !is_past(expr) {
            rest.extend(tree::operands(expr).into_iter().rev());
        }
    }
    None
}

/// Whether it is an aggregate over the past of a stream.
fn is_past(expr: &tree::Expr) -> bool {
    matches!(expr.kind, ExprKind::Call { over: Some(_), .. })
}

fn negation(field: &str, expr: &tree::Expr) -> Diagnostic {
    let condition = match &expr.kind {
        ExprKind::Binary(left, operator, right) => {
            format!("{} {} {}", written(left), operator.node.as_str(), written(right))
        }
        _ => "…".to_owned(),
    };
    Diagnostic::new(W0509, expr.span, format!("`{field}` may be missing, and then this does not hold"))
        .label("neither true nor false without the field")
        .help(format!("to take events without it: `{field} is missing or {condition}`"))
        .help(format!("to leave them out, and say so: `{field} is present and {condition}`"))
}

/// An `on timeout` without anything that limits the time.
pub(super) fn never_times_out(span: Span) -> Diagnostic {
    Diagnostic::new(W0508, span, "this never happens: nothing limits the time of the pattern")
        .help("end the match with `within 1h`")
}

/// Warns about time limits inside others that are shorter.
pub(super) fn useless_limits(clause: &tree::Match, diagnostics: &mut Diagnostics) {
    limits_in(&clause.pattern, clause.within.as_ref(), diagnostics);
}

/// The limits in a sequence and in its groups, which the parser does not nest deeply. `around`: the
/// shortest limit around it.
fn limits_in(
    sequence: &tree::Sequence,
    around: Option<&tree::Spanned<Duration>>,
    diagnostics: &mut Diagnostics,
) {
    let links = sequence.rest.iter().filter_map(|part| match part {
        tree::Part::Step { link, .. } => link.within.as_ref(),
        tree::Part::Absence(_) => None,
    });
    links.for_each(|limit| useless_limit(limit, around, diagnostics));
    let rest = sequence.rest.iter().filter_map(|part| match part {
        tree::Part::Step { element, .. } => Some(element),
        tree::Part::Absence(_) => None,
    });
    for mut element in std::iter::once(&sequence.first).chain(rest) {
        while let tree::Atom::Element(inner) = &element.atom {
            element = inner;
        }
        let tree::Atom::Group(group) = &element.atom else { continue };
        group.within.iter().for_each(|limit| useless_limit(limit, around, diagnostics));
        let shortest = group.within.iter().chain(around).min_by_key(|limit| limit.node);
        group.branches.iter().for_each(|branch| limits_in(branch, shortest, diagnostics));
    }
}

fn useless_limit(
    limit: &tree::Spanned<Duration>,
    around: Option<&tree::Spanned<Duration>>,
    diagnostics: &mut Diagnostics,
) {
    let Some(around) = around.filter(|around| around.node < limit.node) else { return };
    let message = format!("this limit changes nothing: all must come within {} anyway", around.node);
    diagnostics.push(
        Diagnostic::new(W0510, limit.span, message)
            .also(around.span, "this is shorter")
            .help("make it shorter, take it out, or make the one around it longer"),
    );
}
