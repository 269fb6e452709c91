//! Expressions: names resolved, types settled. What operators, calls and constants mean is in the
//! modules beside this one.

use compact_str::CompactString;

use crate::diagnostic::codes::{E0201, E0207, E0208, E0212};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::event::{StreamId, Type, Value};
use crate::expression::{Expr, FieldSource, Size};
use crate::language::tree::{self, ExprKind};

use super::fold::{boolean, constant, fold};
use super::scope::Globals;
use super::variables::{Registers, Visible};

/// Most operations that one expression may hold once definitions are put in.
pub const MAX_OPERATIONS: usize = 10_000;
/// Most operations of all expressions of a rule set, each counted at every place where a pattern or
/// a definition makes use of it.
pub const MAX_ALL_OPERATIONS: usize = 5_000_000;
/// Deepest nesting once definitions are put in.
pub const MAX_DEPTH: usize = 128;

/// An expression with its type.
#[derive(Clone, Debug)]
pub(super) struct Typed {
    pub expr: Expr,
    pub ty: Type,
}

impl Typed {
    pub fn new(expr: Expr, ty: Type) -> Typed {
        Typed { expr, ty }
    }
}

/// Where an expression stands, which decides what its names mean.
pub(super) enum Place<'a> {
    /// A `let` or a `def`: no event, no captures.
    Constant,
    /// The condition of an event: bare names are fields of the event of this stream.
    Condition {
        /// The stream of the event being tested.
        stream: StreamId,
        /// Where the pattern tests for it.
        tested: Span,
    },
    /// The condition of an aggregate over the past: bare names are fields of the past event.
    Past {
        /// The stream of the past event.
        stream: StreamId,
        /// The stream of the event from which it is seen; none in an alert.
        current: Option<StreamId>,
    },
    /// The title or a field of an alert: bare names are parts of the key.
    Alert {
        /// The key's parts; `None` when it could not be understood, which has been reported.
        key: Option<&'a [KeyName]>,
    },
}

/// A part of the key as alerts name it.
#[derive(Clone, Debug)]
pub(super) struct KeyName {
    /// Its name, as in the first stream.
    pub name: CompactString,
    /// Its type; `None` when that is not known, which has been reported.
    pub ty: Option<Type>,
    /// Its names in other streams, which alerts do not use.
    pub others: Vec<CompactString>,
}

/// What a parameter stands for.
pub(super) struct Argument {
    typed: Typed,
    size: Size,
}

impl Argument {
    pub fn new(typed: Typed) -> Argument {
        Argument { size: typed.expr.size(), typed }
    }
}

/// Checks expressions of one place.
pub(super) struct Checker<'g, 't> {
    pub globals: &'g Globals<'t>,
    pub diagnostics: &'g mut Diagnostics,
    pub place: Place<'g>,
    /// The captures that can be seen.
    pub visible: Visible<'g>,
    /// What is kept of captures; grows by what this expression reads.
    pub registers: &'g mut Registers,
    /// Parameters of the definition being put in.
    pub(super) parameters: Vec<(&'t str, Argument)>,
    operations: usize,
    /// How deep the place being checked is nested.
    depth: usize,
    /// The call, in the text being checked, whose definition is being put in.
    expanding: Option<Span>,
    /// Whether it has been reported as too large: then nothing more of it is looked at.
    is_too_large: bool,
    /// What the expressions of the text have become, by their places, if that is wanted.
    pub(super) pieces: Option<Vec<(Span, Expr)>>,
}

impl<'g, 't> Checker<'g, 't> {
    pub fn new(
        globals: &'g Globals<'t>,
        diagnostics: &'g mut Diagnostics,
        place: Place<'g>,
        visible: Visible<'g>,
        registers: &'g mut Registers,
    ) -> Checker<'g, 't> {
        Checker {
            globals,
            diagnostics,
            place,
            visible,
            registers,
            parameters: Vec::new(),
            operations: 0,
            depth: 0,
            expanding: None,
            is_too_large: false,
            pieces: None,
        }
    }

    /// Runs `check` with the parameters of a definition in sight, and those alone.
    pub fn with_parameters<T>(
        &mut self,
        parameters: Vec<(&'t str, Argument)>,
        check: impl FnOnce(&mut Checker<'g, 't>) -> T,
    ) -> T {
        let outer = std::mem::replace(&mut self.parameters, parameters);
        let place = std::mem::replace(&mut self.place, Place::Constant);
        let result = check(self);
        self.place = place;
        self.parameters = outer;
        result
    }

    /// Whether the name is a parameter of the definition being put in.
    pub fn is_parameter(&self, name: &str) -> bool {
        self.parameters.iter().any(|(parameter, _)| *parameter == name)
    }

    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The typed expression; `None` when something is wrong, which has been reported.
    pub fn check(&mut self, expr: &'t tree::Expr) -> Option<Typed> {
        if self.is_too_large || self.diagnostics.is_full() {
            return None;
        }
        self.charge(Size { operations: 1, depth: 1 }, expr.span)?;
        self.depth += 1;
        let typed = self.check_kind(expr);
        self.depth -= 1;
        let typed = fold(typed?);
        if let Some(Value::Str(text)) = typed.expr.as_const() {
            self.charge(Size { operations: text.len() / Size::BYTES, depth: 0 }, expr.span)?;
        }
        if let (Some(pieces), None) = (&mut self.pieces, self.expanding) {
            pieces.push((expr.span, typed.expr.clone()));
        }
        Some(typed)
    }

    /// Counts operations of that depth at the place in hand; `None` when they are too many or too
    /// deep, which is reported once.
    fn charge(&mut self, size: Size, span: Span) -> Option<()> {
        self.operations += size.operations;
        let limit = if self.operations > MAX_OPERATIONS || self.depth + size.depth > MAX_DEPTH {
            too_large(self.expanding.unwrap_or(span))
        } else if !self.globals.operations.take(size.operations) {
            all_too_large(self.expanding.unwrap_or(span))
        } else {
            return Some(());
        };
        self.is_too_large = true;
        self.report(limit);
        None
    }

    fn check_kind(&mut self, expr: &'t tree::Expr) -> Option<Typed> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Null => Some(constant(Value::Null)),
            ExprKind::Bool(b) => Some(constant(Value::Bool(*b))),
            ExprKind::Int(i) => Some(constant(Value::Int(*i))),
            ExprKind::Float(x) => Some(constant(Value::float(*x))),
            ExprKind::Str(text) => Some(constant(Value::text(text))),
            ExprKind::Duration(duration) => Some(constant(Value::Duration(*duration))),
            ExprKind::Name(name) => self.name(name, span),
            ExprKind::Field(of, field) => self.field(of, field, span),
            ExprKind::Index(of, keys) => self.lookup(of, keys, None, span),
            ExprKind::Call { function, arguments, condition, over } => {
                self.call(function, arguments, condition.as_deref(), over.as_ref(), span)
            }
            ExprKind::Unary(operator, operand) => self.unary(operator, operand),
            ExprKind::Binary(left, operator, right) => self.binary(left, operator, right),
            ExprKind::And(operands) => self.connective(operands, "and").map(|xs| boolean(Expr::And(xs))),
            ExprKind::Or(operands) => self.connective(operands, "or").map(|xs| boolean(Expr::Or(xs))),
            ExprKind::In { value, set, negated } => {
                let typed = self.membership(value, set)?;
                Some(if *negated { boolean(Expr::Not(Box::new(typed.expr))) } else { typed })
            }
            ExprKind::Like(value, pattern) => self.like(value, pattern),
            ExprKind::Matches(value, pattern) => self.matches(value, pattern),
            ExprKind::IsMissing(value, missing) => {
                let test = Expr::IsMissing(Box::new(self.check(value)?.expr));
                Some(boolean(if *missing { test } else { Expr::Not(Box::new(test)) }))
            }
        }
    }

    /// The typed condition of an event, with the warnings that it deserves.
    pub fn condition(&mut self, condition: &'t tree::Expr) -> Option<Expr> {
        let typed = self.check(condition)?;
        self.expect_bool(&typed, condition, "`where` needs a condition")?;
        self.judge(condition, &typed.expr);
        Some(typed.expr)
    }

    fn name(&mut self, name: &str, span: Span) -> Option<Typed> {
        if let Some(at) = self.parameters.iter().position(|(parameter, _)| *parameter == name) {
            let size = self.parameters[at].1.size;
            // The name itself has been counted.
            self.charge(Size { operations: size.operations - 1, depth: size.depth - 1 }, span)?;
            return Some(self.parameters[at].1.typed.clone());
        }
        match &self.place {
            Place::Condition { stream, .. } => {
                if name == "time" {
                    return Some(Typed::new(Expr::Time, Type::Timestamp));
                }
                if let Some((id, field)) = self.globals.schema(*stream).field(name) {
                    return Some(Typed::new(Expr::Field(id), field.ty.value_type()));
                }
            }
            Place::Past { stream, .. } => {
                if name == "time" {
                    return Some(Typed::new(Expr::Past(FieldSource::Time, Type::Timestamp), Type::Timestamp));
                }
                if let Some((id, field)) = self.globals.schema(*stream).field(name) {
                    let ty = field.ty.value_type();
                    return Some(Typed::new(Expr::Past(FieldSource::Field(id), ty), ty));
                }
            }
            Place::Alert { key: Some(key) } => {
                if let Some(part) = key.iter().position(|part| part.name == name) {
                    return key[part].ty.map(|ty| Typed::new(Expr::Key(part as u32), ty));
                }
            }
            Place::Alert { key: None } | Place::Constant => {}
        }
        if let Some(value) = self.globals.constants.get(name) {
            return value.clone();
        }
        if let Some(diagnostic) = self.unknown_name(name, span) {
            self.report(diagnostic);
        }
        None
    }

    /// Reports when `typed` is not a condition.
    pub fn expect_bool(&mut self, typed: &Typed, expr: &tree::Expr, why: &str) -> Option<()> {
        if matches!(typed.ty, Type::Bool | Type::Null) {
            return Some(());
        }
        let example = match typed.ty {
            Type::Str => "== \"text\"",
            Type::Int | Type::Float => "> 0",
            Type::Duration => "> 5m",
            _ => "== …",
        };
        let this = written(expr);
        let message = format!("{why}, but this is `{}`", typed.ty);
        let help = format!("compare it, such as `{this} {example}`, or ask `{this} is present`");
        self.report(Diagnostic::new(E0207, expr.span, message).help(help));
        None
    }

    /// The text of an expression that must be a constant text.
    pub fn constant_text(&mut self, expr: &'t tree::Expr, what: &str) -> Option<CompactString> {
        let typed = self.check(expr)?;
        match typed.expr.as_const() {
            Some(Value::Str(text)) => Some(text.clone()),
            Some(_) => {
                let message = format!("{what} must be text, but this is `{}`", typed.ty);
                let help = "write it between quotation marks: `\"…\"`";
                self.report(Diagnostic::new(E0201, expr.span, message).help(help));
                None
            }
            None => {
                self.report(
                    Diagnostic::new(E0212, expr.span, format!("{what} must be constant"))
                        .help("write it out, or name it with `let`"),
                );
                None
            }
        }
    }

    /// Puts the body of a definition in the place of its call at `span`.
    pub fn expand(&mut self, definition: &'t tree::Def, arguments: Vec<Typed>, span: Span) -> Option<Typed> {
        let parameters = definition
            .parameters
            .iter()
            .map(|parameter| parameter.name.node.as_str())
            .zip(arguments.into_iter().map(Argument::new))
            .collect();
        let is_outermost = self.expanding.is_none();
        self.expanding.get_or_insert(span);
        let typed = self.with_parameters(parameters, |checker| checker.check(&definition.body));
        if is_outermost {
            self.expanding = None;
        }
        typed
    }
}

fn too_large(span: Span) -> Diagnostic {
    Diagnostic::new(
        E0208,
        span,
        format!(
            "with its definitions put in, this expression is larger than {MAX_OPERATIONS} operations or nested more than {MAX_DEPTH} deep"
        ),
    )
    .help("split it, or let the definitions call each other less often")
}

fn all_too_large(span: Span) -> Diagnostic {
    let message = format!(
        "the expressions up to here hold more than {MAX_ALL_OPERATIONS} operations with definitions put in"
    );
    Diagnostic::new(E0208, span, message).help("make definitions smaller, or use them at fewer places")
}

/// An expression as it may stand in a hint: short ones as written, others as an ellipsis.
pub(super) fn written(expr: &tree::Expr) -> String {
    match &expr.kind {
        ExprKind::Name(name) => name.clone(),
        ExprKind::Int(number) => number.to_string(),
        ExprKind::Float(number) => number.to_string(),
        ExprKind::Duration(duration) => duration.to_string(),
        ExprKind::Str(text) if text.len() <= 30 => format!("{text:?}"),
        ExprKind::Field(of, field) => match (&of.kind, written(of).as_str()) {
            (ExprKind::Name(_) | ExprKind::Call { .. }, of) if of != "…" => format!("{of}.{}", field.node),
            _ => "…".to_owned(),
        },
        ExprKind::Call { function, arguments, condition: None, over: None } => match arguments.as_slice() {
            [argument] if written(argument) != "…" => format!("{}({})", function.node, written(argument)),
            _ => "…".to_owned(),
        },
        _ => "…".to_owned(),
    }
}
