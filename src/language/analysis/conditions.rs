//! Conditions that are always true or never: what no event, or every event, would fit.
//!
//! Enters: a condition as written and as checked. Leaves: warnings at the smallest part of it that is
//! always true or never, with the two halves that exclude each other where there are such. What can be
//! told is said in [`crate::expression::Truth`]; a warning is never wrong, but not everything is found.
//!
//! The two forms are walked through together, so that a part has its place in the text. Where they
//! differ, because a definition was put in or a constant left out, the parts have no place, and what is
//! found in them is told of the whole.

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::{W0503, W0504};
use crate::event::{FieldId, StreamId, StreamSchema, Type, Value};
use crate::expression::{
    Aggregate, Expr, Facts, FieldSource, HistoryId, Known, RegisterId, RegisterSpec, Truth, clash, subject,
};
use crate::language::checked::RunRegister;
use crate::language::tree::{self, ExprKind, InSet, UnaryOp};

use super::expression::{Checker, Place};
use super::scope::Globals;
use super::variables::{Registers, Variables};

/// Most operations of conditions of a rule set that are looked at, each condition counted at every place
/// where a pattern tests for it: a rule set that people write has far fewer.
pub const MAX_JUDGED: usize = 500_000;

/// What a condition can see.
struct Sight<'a> {
    /// The stream of the event being tested; in the condition of an aggregate over the past, of the
    /// current event.
    current: Option<&'a StreamSchema>,
    /// The stream of the past event.
    past: Option<&'a StreamSchema>,
    registers: &'a Registers,
    variables: Option<&'a Variables>,
    globals: &'a Globals<'a>,
}

impl Known for Sight<'_> {
    fn field(&self, field: FieldId) -> (Type, bool) {
        declared(self.current, field)
    }

    fn register(&self, register: RegisterId) -> RegisterSpec {
        self.registers.as_slice()[register.0 as usize].spec
    }

    fn history(&self, history: HistoryId) -> RegisterSpec {
        self.registers.histories()[history.0 as usize].register
    }

    fn past(&self, source: FieldSource) -> (Type, bool) {
        match source {
            FieldSource::Field(field) => declared(self.past, field),
            FieldSource::Time => (Type::Timestamp, false),
            FieldSource::Event => (Type::Bool, false),
        }
    }
}

fn declared(schema: Option<&StreamSchema>, field: FieldId) -> (Type, bool) {
    let schema = schema.expect("only an event has fields");
    let field = &schema.fields[field.0 as usize];
    (field.ty.value_type(), field.optional)
}

impl<'t> Checker<'_, 't> {
    /// Warns about a condition, or a part of it, that is always true or never.
    pub(super) fn judge(&mut self, condition: &'t tree::Expr, typed: &Expr) {
        if let Some(value) = typed.as_const() {
            let diagnostic = constant(value, condition, matches!(self.place, Place::Past { .. }));
            return self.diagnostics.push(diagnostic);
        }
        if !self.globals.judged.take(typed.size().operations) {
            return;
        }
        let schema = |stream: StreamId| self.globals.schema(stream);
        let (current, past) = match self.place {
            Place::Condition { stream, .. } => (Some(schema(stream)), None),
            Place::Past { stream, current } => (current.map(schema), Some(schema(stream))),
            Place::Alert { .. } | Place::Constant => return,
        };
        let variables = self.visible.variables;
        let sight = Sight { current, past, registers: self.registers, variables, globals: self.globals };
        let walk = Walk { sight: &sight, whole: condition };
        let (truth, found) = walk.look(condition, typed);
        for finding in found {
            self.diagnostics.push(walk.report(&finding, truth.yes.is_none()));
        }
    }
}

/// A condition that depends on nothing.
fn constant(value: &Value, condition: &tree::Expr, is_past: bool) -> Diagnostic {
    let which = if is_past { "past event" } else { "event" };
    match value {
        Value::Bool(true) => Diagnostic::new(W0503, condition.span, "this condition is always true")
            .label(format!("every {which} fits"))
            .help("take the `where` away if that is meant"),
        _ => Diagnostic::new(W0504, condition.span, "this condition is never true")
            .label(format!("no {which} fits"))
            .help("correct it, or take out what it is the condition of"),
    }
}

/// A part that always or never holds.
struct Finding<'t> {
    written: &'t tree::Expr,
    typed: &'t Expr,
    /// Its parts, each with its place, when they have one.
    parts: Vec<(&'t tree::Expr, &'t Expr)>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Never true.
    Never,
    /// Never false; and never unknown either, if that is certain.
    Always { certainly: bool },
}

impl Kind {
    fn of(truth: &Truth) -> Option<Kind> {
        match (&truth.yes, &truth.no) {
            (None, _) => Some(Kind::Never),
            (_, None) => Some(Kind::Always { certainly: truth.not_yes.is_none() }),
            _ => None,
        }
    }
}

struct Walk<'a> {
    sight: &'a Sight<'a>,
    whole: &'a tree::Expr,
}

impl<'t> Walk<'t> {
    /// When the part has which outcome, and what is to be told of it. The parser bounds how deep the
    /// written form is nested.
    fn look(&self, written: &'t tree::Expr, typed: &'t Expr) -> (Truth, Vec<Finding<'t>>) {
        let parts = aligned(written, typed).unwrap_or_default();
        let (mut truths, mut found) = (Vec::new(), Vec::new());
        for (written, typed) in &parts {
            let (truth, findings) = self.look(written, typed);
            truths.push(truth);
            found.extend(findings);
        }
        let mut kinds = truths.iter().filter_map(Kind::of).collect::<Vec<_>>();
        let truth = match typed {
            _ if parts.is_empty() => Truth::of(typed, self.sight),
            Expr::And(_) => Truth::all(truths),
            Expr::Or(_) => Truth::any(truths),
            _ => truths.remove(0).not(),
        };
        if let Some(kind) = Kind::of(&truth) {
            // What makes a part never hold alone has been found in it.
            let is_never = |kind: &Kind| *kind == Kind::Never;
            kinds.retain(|part| is_never(part) == is_never(&kind));
            if kinds.is_empty() || matches!(typed, Expr::Not(_)) {
                found = vec![Finding { written, typed, parts, kind }];
            } else {
                found.retain(|finding| is_never(&finding.kind) == is_never(&kind));
            }
        }
        (truth, found)
    }

    fn report(&self, finding: &Finding<'t>, is_whole_never: bool) -> Diagnostic {
        let is_whole = finding.written.span == self.whole.span;
        let this = if is_whole { "this condition" } else { "this part of the condition" };
        let so = if is_whole_never && !is_whole { ", so no event fits" } else { "" };
        let typed = finding.typed;
        let (code, message) = match finding.kind {
            Kind::Never => (W0504, format!("{this} is never true{so}")),
            Kind::Always { certainly: true } => (W0503, format!("{this} is always true")),
            Kind::Always { certainly: false } => match self.sight.optional_field(typed) {
                Some(field) => (W0503, format!("{this} is true of every event that has `{field}`")),
                None => (W0503, format!("{this} is never false")),
            },
        };
        match self.halves(finding) {
            Some(halves) => {
                self.between(Diagnostic::new(code, finding.written.span, message), finding, &halves)
            }
            None => self.alone(Diagnostic::new(code, finding.written.span, message), finding),
        }
    }

    /// The parts that exclude each other, and for what.
    fn halves(&self, finding: &Finding<'t>) -> Option<(Option<String>, Vec<usize>)> {
        let operands = match (finding.kind, finding.typed) {
            (Kind::Never, Expr::And(operands)) | (Kind::Always { .. }, Expr::Or(operands)) => operands,
            _ => return None,
        };
        let facts = |operand| {
            let truth = Truth::of(operand, self.sight);
            if finding.kind == Kind::Never { truth.yes } else { truth.no }
        };
        let facts: Vec<Facts> = operands.iter().map(facts).collect();
        let (name, places) = clash(&facts.iter().collect::<Vec<_>>())?;
        Some((self.sight.name_of(&name, finding.typed), places))
    }

    /// Parts that exclude each other.
    fn between(
        &self,
        mut diagnostic: Diagnostic,
        finding: &Finding<'t>,
        (name, places): &(Option<String>, Vec<usize>),
    ) -> Diagnostic {
        let is_never = finding.kind == Kind::Never;
        let what = match (name, is_never) {
            (Some(name), true) => format!("no `{name}` fits"),
            (Some(name), false) => format!("every `{name}` fits"),
            (None, true) => "nothing fits".to_owned(),
            (None, false) => "everything fits".to_owned(),
        };
        let of_two = match places.as_slice() {
            [first, second] => finding.parts.get(*first).zip(finding.parts.get(*second)),
            _ => None,
        };
        diagnostic = match of_two {
            Some(((first, _), (second, _))) => {
                diagnostic.primary.span = second.span;
                let which = if is_never { "both" } else { "one of the two" };
                diagnostic.label(format!("{what} {which}")).also(first.span, "")
            }
            None if is_never => diagnostic.label(format!("{what} all of it")),
            None => diagnostic.label(format!("{what} some of it")),
        };
        let help = if is_never {
            "join them with `or` if one of them is enough"
        } else {
            "join them with `and` if all of them must hold"
        };
        diagnostic.help(help)
    }

    /// A part that is what it is by itself.
    fn alone(&self, diagnostic: Diagnostic, finding: &Finding<'t>) -> Diagnostic {
        let is_whole = finding.written.span == self.whole.span;
        let diagnostic = match (self.sight.reason(finding.typed), finding.kind) {
            (Some(reason), _) => diagnostic.label(reason),
            (None, Kind::Never) if is_whole => diagnostic.label("no event fits"),
            (None, Kind::Always { certainly: true }) if is_whole => diagnostic.label("every event fits"),
            _ => diagnostic,
        };
        match finding.kind {
            Kind::Never => diagnostic.help("take it out, or correct what it asks for"),
            Kind::Always { .. } => diagnostic.help("take it out if that is meant"),
        }
    }
}

/// The parts of a condition, each as written and as checked; `None` where they have no place.
fn aligned<'t>(written: &'t tree::Expr, typed: &'t Expr) -> Option<Vec<(&'t tree::Expr, &'t Expr)>> {
    let (written, typed): (Vec<&tree::Expr>, &[Expr]) = match (&written.kind, typed) {
        (ExprKind::And(_), Expr::And(typed)) => (flat(written, true), typed),
        (ExprKind::Or(_), Expr::Or(typed)) => (flat(written, false), typed),
        (ExprKind::Unary(operator, operand), Expr::Not(typed)) if operator.node == UnaryOp::Not => {
            (vec![operand], std::slice::from_ref(typed))
        }
        _ => return None,
    };
    let is_aligned = written.len() == typed.len()
        && written.iter().zip(typed).all(|(written, typed)| is_like(written, typed));
    is_aligned.then(|| written.into_iter().zip(typed).collect())
}

/// The operands of a chain of `and`, or of `or`, with those of chains in parentheses.
fn flat(chain: &tree::Expr, is_and: bool) -> Vec<&tree::Expr> {
    let mut flat = Vec::new();
    let mut rest = vec![chain];
    while let Some(expr) = rest.pop() {
        match &expr.kind {
            ExprKind::And(operands) if is_and => rest.extend(operands.iter().rev()),
            ExprKind::Or(operands) if !is_and => rest.extend(operands.iter().rev()),
            _ => flat.push(expr),
        }
    }
    flat
}

/// Whether the one can have become the other.
fn is_like(written: &tree::Expr, typed: &Expr) -> bool {
    match &written.kind {
        ExprKind::And(_) => matches!(typed, Expr::And(_)),
        ExprKind::Or(_) => matches!(typed, Expr::Or(_)),
        ExprKind::Unary(..) | ExprKind::In { negated: true, .. } | ExprKind::IsMissing(_, false) => {
            matches!(typed, Expr::Not(_))
        }
        ExprKind::In { set: InSet::Values(_), .. } => {
            matches!(typed, Expr::InSet(..) | Expr::InList(..) | Expr::InNetworks(..))
        }
        ExprKind::Binary(_, operator, _) if operator.node.is_comparison() => {
            matches!(typed, Expr::Compare(..))
        }
        ExprKind::Like(..) => matches!(typed, Expr::Like(..)),
        ExprKind::Matches(..) => matches!(typed, Expr::Matches(..)),
        ExprKind::IsMissing(_, true) => matches!(typed, Expr::IsMissing(_)),
        _ => true,
    }
}

impl Sight<'_> {
    /// The one field of an expression that may be missing.
    fn optional_field(&self, typed: &Expr) -> Option<String> {
        let mut found = BTreeSet::new();
        let mut rest = vec![typed];
        while let Some(expr) = rest.pop() {
            match expr {
                Expr::Field(field) if self.field(*field).1 => drop(found.insert(self.name(expr)?)),
                Expr::Past(source, _) if self.past(*source).1 => drop(found.insert(self.name(expr)?)),
                // These may have no value for other reasons.
                Expr::Register(_) | Expr::History(_) | Expr::Arithmetic(..) | Expr::Call(..) => return None,
                _ => {}
            }
            rest.extend(expr.operands());
        }
        let only = found.pop_first()?;
        found.is_empty().then_some(only)
    }

    /// What the subject with that canonical text is called in `within`.
    fn name_of(&self, wanted: &str, within: &Expr) -> Option<String> {
        let mut rest = vec![within];
        while let Some(expr) = rest.pop() {
            let is_leaf = matches!(
                expr,
                Expr::Field(_) | Expr::Past(..) | Expr::Time | Expr::Register(_) | Expr::Call(..)
            );
            if is_leaf && subject(expr) == wanted {
                return self.name(expr);
            }
            rest.extend(expr.operands());
        }
        None
    }

    /// A field, a captured value or a call as it is written.
    fn name(&self, expr: &Expr) -> Option<String> {
        Some(match expr {
            Expr::Field(field) => {
                let this = if self.past.is_some() { "this." } else { "" };
                format!("{this}{}", self.current?.fields[field.0 as usize].name)
            }
            Expr::Time | Expr::Past(FieldSource::Time, _) => "time".to_owned(),
            Expr::Past(FieldSource::Field(field), _) => self.past?.fields[field.0 as usize].name.to_string(),
            Expr::Register(register) => {
                self.register_name(&self.registers.as_slice()[register.0 as usize])?
            }
            Expr::Call(function, arguments) => {
                let arguments: Option<Vec<String>> =
                    arguments.iter().map(|argument| self.name(argument)).collect();
                format!("{}({})", function.name, arguments?.join(", "))
            }
            Expr::Const(Value::Str(text)) => format!("{text:?}"),
            Expr::Const(value) => value.to_string(),
            Expr::ToFloat(of) => self.name(of)?,
            _ => return None,
        })
    }

    fn register_name(&self, register: &RunRegister) -> Option<String> {
        let variable = self.variables?.iter().nth(register.variable.0 as usize)?;
        let field = match register.spec.source {
            FieldSource::Field(field) => {
                let fields = &self.globals.schema(variable.stream?).fields;
                format!(".{}", fields[field.0 as usize].name)
            }
            FieldSource::Time => ".time".to_owned(),
            FieldSource::Event => String::new(),
        };
        Some(match register.spec.aggregate {
            Aggregate::Last => format!("{}{field}", variable.name),
            Aggregate::First => format!("first({}){field}", variable.name),
            aggregate => format!("{}({}{field})", aggregate.name(), variable.name),
        })
    }

    /// Why a condition that is neither `and` nor `or` always or never holds.
    fn reason(&self, typed: &Expr) -> Option<String> {
        match typed {
            Expr::Not(of) => self.reason(of),
            Expr::IsMissing(of) => match &**of {
                Expr::Field(_) => {
                    Some(format!("`{}` is declared without `?`, so it is never missing", self.name(of)?))
                }
                _ => Some("this always has a value".to_owned()),
            },
            Expr::Compare(_, pair) if subject(&pair.0) == subject(&pair.1) => {
                Some("both sides are the same".to_owned())
            }
            Expr::Compare(_, pair)
                if [&pair.0, &pair.1].iter().any(|side| side.as_const().is_some_and(Value::is_null)) =>
            {
                Some("one side has no value".to_owned())
            }
            Expr::Compare(_, pair) => {
                let of = if pair.0.is_const() { &pair.1 } else { &pair.0 };
                let name = self.name(of)?;
                match of {
                    Expr::Call(function, _) if function.name == "hour" => {
                        Some(format!("`{name}` is from 0 to 23"))
                    }
                    Expr::Call(function, _) if function.name == "weekday" => {
                        Some(format!("`{name}` is from 1, Monday, to 7"))
                    }
                    Expr::Call(function, _) if function.name == "length" => {
                        Some(format!("`{name}` is never negative"))
                    }
                    Expr::Register(_) if name.starts_with("count") => {
                        Some(format!("`{name}` is never negative"))
                    }
                    Expr::Field(field) if self.field(*field).0 == Type::Int => {
                        Some(format!("`{name}` is a whole number"))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}
