//! Aggregates over the past: `count(auth where device == this.device) over previous 90d`.
//!
//! Enters: such a call, in the condition of an event or in an alert. Leaves: a [`History`] whose
//! condition is split by what it looks at, so that most of it is asked once of each event and never
//! again.

use std::collections::BTreeMap;

use crate::diagnostic::codes::{E0201, E0204, E0220, E0221, E0222, E0223, W0520};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::event::{Duration, StreamId, Type};
use crate::expression::{Aggregate, Comparison, Expr, FieldSource, RegisterSpec, conjunction};
use crate::language::checked::History;
use crate::language::tree::{self, ExprKind};

use super::expression::{Checker, Place, Typed, written};
use super::scope::{Globals, listed};

/// Most aggregates over the past that one rule may read.
pub(super) const MAX_HISTORIES: usize = 1_000;

/// The streams whose past is read in `expr`, with their places.
pub(super) fn reads<'t>(
    exprs: impl IntoIterator<Item = &'t tree::Expr>,
    globals: &Globals<'_>,
    reads: &mut BTreeMap<StreamId, Span>,
) {
    let mut rest: Vec<&tree::Expr> = exprs.into_iter().collect();
    while let Some(expr) = rest.pop() {
        if let ExprKind::Call { arguments, over: Some(_), .. } = &expr.kind
            && let Some((name, span, _)) = arguments.first().and_then(subject)
            && let Some(stream) = globals.stream(name)
        {
            reads.entry(stream).or_insert(span);
        }
        rest.extend(tree::operands(expr));
    }
}

/// The name, its place and the field of `auth` or `auth.amount`.
pub(super) fn subject(argument: &tree::Expr) -> Option<(&str, Span, Option<&tree::Name>)> {
    match &argument.kind {
        ExprKind::Name(name) => Some((name, argument.span, None)),
        ExprKind::Field(of, field) => match &of.kind {
            ExprKind::Name(name) => Some((name, of.span, Some(field))),
            _ => None,
        },
        _ => None,
    }
}

impl<'g, 't> Checker<'g, 't> {
    /// `count(auth where not ok) over 10m`
    pub(super) fn history(
        &mut self,
        function: &'t tree::Name,
        arguments: &'t [tree::Expr],
        condition: Option<&'t tree::Expr>,
        over: &tree::Over,
        span: Span,
    ) -> Option<Typed> {
        let name = function.node.as_str();
        let Some((_, aggregate)) = Aggregate::FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            let known = || Aggregate::FUNCTIONS.iter().map(|(known, _)| *known);
            let diagnostic = Diagnostic::new(
                E0220,
                function.span,
                format!("`{name}` cannot look at the past of a stream"),
            );
            self.report(match nearest(name, known()) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help(format!("`over` stands behind {}", listed(known()))),
            });
            return None;
        };
        let current = self.current_event(span)?;
        let Some((name, at, field)) = arguments.first().filter(|_| arguments.len() == 1).and_then(subject)
        else {
            let message = format!("`{name}` over a time looks at one stream or one of its fields");
            let help = format!("write `{name}(stream.field) over {}`", over.duration.node);
            self.report(Diagnostic::new(E0204, span, message).help(help));
            return None;
        };
        let stream = self.past_stream(name, at)?;
        let (source, ty) = self.past_source(*aggregate, stream, at, field)?;
        let result = self.result_type(*aggregate, ty, &arguments[0])?;
        if over.duration.node <= Duration::ZERO {
            let message = "a time of no length holds no event";
            self.report(
                Diagnostic::new(E0222, over.duration.span, message).help("say how far back: `over 10m`"),
            );
            return None;
        }
        let mut history = History {
            stream,
            register: RegisterSpec { aggregate: *aggregate, source, ty },
            over: over.duration.node,
            previous: over.previous,
            filter: None,
            gate: None,
            same: Vec::new(),
            scan: None,
        };
        if let Some(condition) = condition {
            self.past_condition(condition, current, &mut history)?;
        }
        if self.registers.histories().len() >= MAX_HISTORIES {
            let message = format!("a rule may look at the past {MAX_HISTORIES} times at most");
            self.report(Diagnostic::new(E0220, span, message).help("split the rule into several"));
            return None;
        }
        let id = self.registers.add_history(history);
        Some(Typed::new(Expr::History(id), result))
    }

    /// The stream of the event from which the past is seen: `Some(None)` in an alert. An aggregate
    /// that stands where there is no past is reported.
    fn current_event(&mut self, span: Span) -> Option<Option<StreamId>> {
        let problem = match self.place {
            Place::Condition { stream, .. } => return Some(Some(stream)),
            Place::Alert { .. } => return Some(None),
            Place::Past { .. } => Diagnostic::new(E0220, span, "an aggregate over the past cannot stand in another one")
                .help("a past event has no past of its own here; write two conditions, or a rule whose alerts are a stream"),
            Place::Constant => Diagnostic::new(E0220, span, "the past is seen from an event, and there is none here")
                .help("write the aggregate into the condition of an event; a `def` can be given its value as an argument"),
        };
        self.report(problem);
        None
    }

    /// The stream of that name.
    fn past_stream(&mut self, name: &str, span: Span) -> Option<StreamId> {
        if let Some(stream) = self.globals.stream(name) {
            return Some(stream);
        }
        if self.globals.reported.contains(name) {
            return None;
        }
        let of_event = self.visible.defined.iter().find(|event| event.name.node == name);
        let diagnostic = Diagnostic::new(E0221, span, format!("`{name}` is not a stream"));
        self.report(match of_event {
            Some(event) => diagnostic
                .label(format!("an event of this rule, from `{}`", event.stream.node))
                .help(format!(
                    "the past is that of a whole stream; say what counts: `{} where …`",
                    event.stream.node
                )),
            None => {
                let known = || self.globals.streams.iter().map(|stream| stream.name.as_str());
                match nearest(name, known()) {
                    Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                    None => diagnostic.help(format!("the streams are {}", listed(known()))),
                }
            }
        });
        None
    }

    /// What of the past events is aggregated, and its type.
    fn past_source(
        &mut self,
        aggregate: Aggregate,
        stream: StreamId,
        at: Span,
        field: Option<&tree::Name>,
    ) -> Option<(FieldSource, Type)> {
        let schema = self.globals.schema(stream);
        let Some(field) = field else {
            if aggregate == Aggregate::Count {
                return Some((FieldSource::Event, Type::Bool));
            }
            let name = aggregate.name();
            let example = self.globals.example_field(stream);
            let message = format!("`{name}` needs a field of the events");
            let help = format!("write for example `{name}({}.{example})`", schema.name);
            self.report(Diagnostic::new(E0204, at, message).help(help));
            return None;
        };
        if field.node == "time" {
            return Some((FieldSource::Time, Type::Timestamp));
        }
        if let Some((id, known)) = schema.field(&field.node) {
            return Some((FieldSource::Field(id), known.ty.value_type()));
        }
        let message = format!("`{}` has no field `{}`", schema.name, field.node);
        if let Some(diagnostic) = self.globals.unknown_field(stream, &field.node, field.span, message) {
            self.report(diagnostic);
        }
        None
    }

    /// The type of an aggregate of values of type `ty`; one that makes no sense is reported.
    pub(super) fn result_type(
        &mut self,
        aggregate: Aggregate,
        ty: Type,
        argument: &tree::Expr,
    ) -> Option<Type> {
        let result = aggregate.result(ty);
        if result.is_none() {
            let name = aggregate.name();
            let this = written(argument);
            let needs = match aggregate {
                Aggregate::Min | Aggregate::Max => "values that have an order",
                Aggregate::Stddev => "numbers",
                _ => "numbers or durations",
            };
            let message = format!("`{name}` needs {needs}, but this is `{ty}`");
            self.report(Diagnostic::new(E0201, argument.span, message).help(format!(
                "`count({this})` counts the values, `count_distinct({this})` the different ones"
            )));
        }
        result
    }

    /// Checks the condition of an aggregate and splits it.
    fn past_condition(
        &mut self,
        condition: &'t tree::Expr,
        current: Option<StreamId>,
        history: &mut History,
    ) -> Option<()> {
        let place = Place::Past { stream: history.stream, current };
        let outer = std::mem::replace(&mut self.place, place);
        let typed = self.check(condition);
        if let Some(typed) = typed.as_ref().filter(|typed| typed.ty == Type::Bool) {
            self.judge(condition, &typed.expr);
        }
        self.place = outer;
        let typed = typed?;
        self.expect_bool(&typed, condition, "`where` needs a condition")?;
        super::lint::negated_past(condition, self.globals.schema(history.stream), self.diagnostics);
        let parts = match typed.expr {
            Expr::And(parts) => parts.into_vec(),
            other => vec![other],
        };
        let (mut filter, mut gate, mut scan) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            match Side::of(&part) {
                Side::Past | Side::Neither => filter.push(seen_from_itself(part)),
                Side::Current => gate.push(part),
                Side::Both => match equality(part) {
                    Ok(sides) => history.same.push(sides),
                    Err(part) => scan.push(part),
                },
            }
        }
        if !scan.is_empty() {
            let message = "each past event has to be compared with the current one";
            self.report(
                Diagnostic::new(W0520, condition.span, message)
                    .label("takes time in proportion to the events in the window")
                    .help("only comparisons with `==` between the past event and `this` are looked up; keep the window short, or compare with a constant"),
            );
        }
        history.filter = conjunction(filter);
        history.gate = conjunction(gate);
        history.scan = conjunction(scan);
        Some(())
    }

    /// `this.field`: a field of the current event, in the condition of an aggregate over the past.
    pub(super) fn this(&mut self, field: &tree::Name, span: Span) -> Option<Typed> {
        let Place::Past { current, .. } = self.place else {
            let message = "`this` is the current event, in the `where` of an aggregate over the past";
            let help = match self.place {
                Place::Condition { .. } => {
                    format!("here a field of the event being tested stands alone: `{}`", field.node)
                }
                _ => "there is no such event here".to_owned(),
            };
            self.report(Diagnostic::new(E0223, span, message).help(help));
            return None;
        };
        let Some(stream) = current else {
            let message = "an alert has no current event";
            let help = "compare with what was captured: `name.field`";
            self.report(Diagnostic::new(E0223, span, message).help(help));
            return None;
        };
        if field.node == "time" {
            return Some(Typed::new(Expr::Time, Type::Timestamp));
        }
        let schema = self.globals.schema(stream);
        if let Some((id, known)) = schema.field(&field.node) {
            return Some(Typed::new(Expr::Field(id), known.ty.value_type()));
        }
        let message =
            format!("the current event is one of `{}`, which has no field `{}`", schema.name, field.node);
        if let Some(diagnostic) = self.globals.unknown_field(stream, &field.node, field.span, message) {
            self.report(diagnostic);
        }
        None
    }
}

/// Which events an expression looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Neither,
    /// The past event.
    Past,
    /// The current event, or what has been captured.
    Current,
    Both,
}

impl Side {
    fn of(expr: &Expr) -> Side {
        let (mut past, mut current) = (false, false);
        let mut rest = vec![expr];
        while let Some(expr) = rest.pop() {
            past |= matches!(expr, Expr::Past(..));
            current |= matches!(expr, Expr::Field(_) | Expr::Time | Expr::Key(_) | Expr::Register(_));
            rest.extend(expr.operands());
        }
        match (past, current) {
            (false, false) => Side::Neither,
            (true, false) => Side::Past,
            (false, true) => Side::Current,
            (true, true) => Side::Both,
        }
    }
}

/// The two sides of an equality between the past event and the current one, the past first;
/// otherwise the expression as it was.
fn equality(expr: Expr) -> Result<(Expr, Expr), Expr> {
    match expr {
        Expr::Compare(Comparison::Eq, pair) => match (Side::of(&pair.0), Side::of(&pair.1)) {
            (Side::Past, Side::Current) => Ok((seen_from_itself(pair.0), pair.1)),
            (Side::Current, Side::Past) => Ok((seen_from_itself(pair.1), pair.0)),
            _ => Err(Expr::Compare(Comparison::Eq, pair)),
        },
        other => Err(other),
    }
}

/// What looks at the past event alone, as an expression that is evaluated on that event.
fn seen_from_itself(expr: Expr) -> Expr {
    expr.map_leaves(&|leaf| match leaf {
        Expr::Past(FieldSource::Field(field), _) => Expr::Field(field),
        Expr::Past(FieldSource::Time, _) => Expr::Time,
        other => other,
    })
}
