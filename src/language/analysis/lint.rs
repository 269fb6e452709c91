//! What is allowed but probably not meant.

use crate::diagnostic::codes::{W0502, W0503, W0504, W0506, W0507, W0508};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::event::Value;
use crate::expression::Expr;
use crate::language::tree::{self, Quantifier};

use super::scope::Globals;

/// A definition that the pattern does not use.
pub(super) fn unused_event(event: &tree::EventDef) -> Diagnostic {
    Diagnostic::new(W0507, event.name.span, format!("the pattern does not use `{}`", event.name.node))
        .help("take the definition out, or use it in `match`")
}

/// A condition that does not depend on anything.
pub(super) fn constant_condition(condition: &Expr, span: Span, diagnostics: &mut Diagnostics) {
    match condition.as_const() {
        Some(Value::Bool(true)) => diagnostics.push(
            Diagnostic::new(W0503, span, "this condition is always true")
                .help("take the `where` away if that is meant"),
        ),
        Some(_) => diagnostics.push(
            Diagnostic::new(W0504, span, "this condition is never true").help("no event can ever fit it"),
        ),
        None => {}
    }
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
                .help("a match is complete, and reported, as soon as it can be; with `overlap all` it is reported again with each further event"),
        );
    }
}

/// An absence or a time-out over a stream that a quiet partition would hold back.
pub(super) fn held_back(
    rule: &str,
    span: Span,
    streams: impl Iterator<Item = crate::event::StreamId>,
    globals: &Globals<'_>,
    diagnostics: &mut Diagnostics,
) {
    for stream in streams {
        let schema = globals.schema(stream);
        if schema.idle.is_none() && schema.time.is_some() {
            diagnostics.push(
                Diagnostic::new(
                    W0506,
                    span,
                    format!("a quiet partition of `{}` would hold back what `{rule}` waits for", schema.name),
                )
                .label("decided only when event time passes")
                .also(globals.stream_spans[stream.0 as usize], "this stream has no `idle`")
                .help(format!("write `stream {} … idle 30s {{`", schema.name)),
            );
        }
    }
}

/// An `on timeout` without anything that limits the time.
pub(super) fn never_times_out(span: Span) -> Diagnostic {
    Diagnostic::new(W0508, span, "nothing limits the time of this pattern, so it never times out")
        .help("end the match with `within 1h`")
}
