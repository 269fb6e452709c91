//! Expressions: names resolved, types settled, constants folded.

use compact_str::CompactString;

use crate::diagnostic::codes::{E0102, E0104, E0201, E0202, E0203, E0208, E0212, E0213};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use crate::event::{StreamId, Type, Value};
use crate::expression::{Arithmetic, Comparison, Expr, Faults, Scope};
use crate::language::checked::RunRegister;
use crate::language::tree::{self, BinaryOp, ExprKind, UnaryOp};

use super::scope::Globals;
use super::variables::Visible;

/// Most operations that one expression may hold once definitions are put in.
pub const MAX_OPERATIONS: usize = 10_000;
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
    },
    /// The title or a field of an alert: bare names are parts of the key.
    Alert {
        /// Names and types of the key's parts.
        key: &'a [(CompactString, Type)],
    },
}

/// Checks expressions of one place.
pub(super) struct Checker<'g, 't> {
    pub globals: &'g Globals<'t>,
    pub diagnostics: &'g mut Diagnostics,
    pub place: Place<'g>,
    /// The captures that can be seen.
    pub visible: Visible<'g>,
    /// What is kept of captures; grows by what this expression reads.
    pub registers: &'g mut Vec<RunRegister>,
    /// Parameters of the definition being put in.
    parameters: Vec<(&'t str, Typed)>,
    operations: usize,
    depth: usize,
}

impl<'g, 't> Checker<'g, 't> {
    pub fn new(
        globals: &'g Globals<'t>,
        diagnostics: &'g mut Diagnostics,
        place: Place<'g>,
        visible: Visible<'g>,
        registers: &'g mut Vec<RunRegister>,
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
        }
    }

    /// Runs `check` with the parameters of a definition in sight, and those alone.
    pub fn with_parameters<T>(
        &mut self,
        parameters: Vec<(&'t str, Typed)>,
        check: impl FnOnce(&mut Checker<'g, 't>) -> T,
    ) -> T {
        let outer = std::mem::replace(&mut self.parameters, parameters);
        let place = std::mem::replace(&mut self.place, Place::Constant);
        let result = check(self);
        self.place = place;
        self.parameters = outer;
        result
    }

    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The typed expression; `None` when something is wrong, which has been reported.
    pub fn check(&mut self, expr: &'t tree::Expr) -> Option<Typed> {
        self.operations += 1;
        if self.operations > MAX_OPERATIONS || self.depth >= MAX_DEPTH {
            if self.operations != usize::MAX {
                // Reported once: what follows returns at once without another word.
                self.operations = usize::MAX - 1;
                self.report(too_large(expr.span));
            }
            return None;
        }
        self.depth += 1;
        let typed = self.check_kind(expr);
        self.depth -= 1;
        typed.map(fold)
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
            ExprKind::Index(of, _) => {
                self.report(super::scope::not_yet(of.span, "tables"));
                None
            }
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

    fn name(&mut self, name: &str, span: Span) -> Option<Typed> {
        if let Some((_, typed)) = self.parameters.iter().find(|(parameter, _)| *parameter == name) {
            return Some(typed.clone());
        }
        match &self.place {
            Place::Condition { stream } => {
                if name == "time" {
                    return Some(Typed::new(Expr::Time, Type::Timestamp));
                }
                if let Some((id, field)) = self.globals.schema(*stream).field(name) {
                    return Some(Typed::new(Expr::Field(id), field.ty.value_type()));
                }
            }
            Place::Alert { key } => {
                if let Some(part) = key.iter().position(|(part, _)| part == name) {
                    return Some(Typed::new(Expr::Key(part as u32), key[part].1));
                }
            }
            Place::Constant => {}
        }
        if let Some(value) = self.globals.constants.get(name) {
            return value.clone();
        }
        let diagnostic = self.unknown_name(name, span);
        self.report(diagnostic);
        None
    }

    fn unknown_name(&self, name: &str, span: Span) -> Diagnostic {
        if self.visible.is_variable(name) {
            return Diagnostic::new(E0213, span, format!("`{name}` is a captured event, not a value"))
                .help(format!("read one of its fields, such as `{name}.amount`, or `count({name})`"));
        }
        let mut known: Vec<&str> = self.globals.constants.keys().copied().collect();
        known.extend(self.parameters.iter().map(|(parameter, _)| *parameter));
        let diagnostic = match &self.place {
            Place::Condition { stream } => {
                let schema = self.globals.schema(*stream);
                known.extend(schema.fields.iter().map(|field| field.name.as_str()));
                known.push("time");
                Diagnostic::new(E0102, span, format!("`{}` has no field `{name}`", schema.name))
            }
            Place::Alert { key } => {
                known.extend(key.iter().map(|(part, _)| part.as_str()));
                Diagnostic::new(E0104, span, format!("`{name}` is neither a part of the key nor a constant"))
            }
            Place::Constant => {
                Diagnostic::new(E0104, span, format!("there is no constant or parameter `{name}`"))
            }
        };
        if let Some(near) = nearest(name, known) {
            return diagnostic.help(format!("did you mean `{near}`?"));
        }
        match &self.place {
            Place::Alert { .. } => diagnostic.help("an alert reads captured events: write `variable.field`"),
            Place::Condition { stream } => {
                let fields: Vec<&str> =
                    self.globals.schema(*stream).fields.iter().map(|field| field.name.as_str()).collect();
                diagnostic.help(format!("its fields are: {}", fields.join(", ")))
            }
            Place::Constant => diagnostic,
        }
    }

    fn unary(&mut self, operator: &tree::Spanned<UnaryOp>, operand: &'t tree::Expr) -> Option<Typed> {
        let typed = self.check(operand)?;
        match operator.node {
            UnaryOp::Not => {
                self.expect_bool(&typed, operand.span, "`not` needs a condition")?;
                Some(boolean(Expr::Not(Box::new(typed.expr))))
            }
            UnaryOp::Neg => match typed.ty {
                Type::Int | Type::Float | Type::Duration => {
                    Some(Typed::new(Expr::Neg(Box::new(typed.expr)), typed.ty))
                }
                other => {
                    self.report(Diagnostic::new(
                        E0202,
                        operand.span,
                        format!("`-` needs a number or a duration, but this is {other}"),
                    ));
                    None
                }
            },
        }
    }

    fn connective(&mut self, operands: &'t [tree::Expr], word: &str) -> Option<Box<[Expr]>> {
        let mut all = Some(Vec::new());
        for operand in operands {
            let typed = self.check(operand).and_then(|typed| {
                self.expect_bool(&typed, operand.span, &format!("`{word}` joins conditions")).map(|()| typed)
            });
            match (&mut all, typed) {
                (Some(list), Some(typed)) => list.push(typed.expr),
                _ => all = None,
            }
        }
        all.map(Vec::into_boxed_slice)
    }

    /// Reports when `typed` is not a condition.
    pub fn expect_bool(&mut self, typed: &Typed, span: Span, why: &str) -> Option<()> {
        if matches!(typed.ty, Type::Bool | Type::Null) {
            return Some(());
        }
        let hint = match typed.ty {
            Type::Str => "compare it: `… == \"text\"`, or ask `… is present`",
            Type::Int | Type::Float => "compare it: `… > 0`, or ask `… is present`",
            _ => "compare it with something, or ask `… is present`",
        };
        self.report(Diagnostic::new(E0201, span, format!("{why}, but this is {}", typed.ty)).help(hint));
        None
    }

    fn binary(
        &mut self,
        left: &'t tree::Expr,
        operator: &tree::Spanned<BinaryOp>,
        right: &'t tree::Expr,
    ) -> Option<Typed> {
        if operator.node.is_comparison() {
            for (side, other) in [(left, right), (right, left)] {
                if matches!(side.kind, ExprKind::Null) {
                    let word = if operator.node == BinaryOp::Ne { "present" } else { "missing" };
                    self.report(
                        Diagnostic::new(E0203, side.span, "a comparison with null is never true")
                            .also(other.span, "this is compared")
                            .help(format!("write `… is {word}`")),
                    );
                    return None;
                }
            }
        }
        let (a, b) = (self.check(left), self.check(right));
        let (a, b) = (a?, b?);
        match operator.node {
            BinaryOp::Default => {
                let ty = self.common_type(&a, &b, operator.span, "`??` needs two values of one type")?;
                let operands = [widen(a, ty), widen(b, ty)];
                Some(Typed::new(Expr::Coalesce(operands.into()), ty))
            }
            comparison if comparison.is_comparison() => {
                let (a, b) = self.coerce_text(a, left.span, b, right.span)?;
                self.comparison(comparison, a, b, operator.span)
            }
            arithmetic => self.arithmetic(arithmetic, a, b, left.span.to(right.span)),
        }
    }

    fn comparison(&mut self, operator: BinaryOp, a: Typed, b: Typed, span: Span) -> Option<Typed> {
        let comparison = match operator {
            BinaryOp::Eq => Comparison::Eq,
            BinaryOp::Ne => Comparison::Ne,
            BinaryOp::Lt => Comparison::Lt,
            BinaryOp::Le => Comparison::Le,
            BinaryOp::Gt => Comparison::Gt,
            _ => Comparison::Ge,
        };
        let same = a.ty == b.ty || (a.ty.is_number() && b.ty.is_number());
        if !same && a.ty != Type::Null && b.ty != Type::Null {
            self.report(cannot_compare(&a, &b, span));
            return None;
        }
        let ordered =
            matches!(comparison, Comparison::Eq | Comparison::Ne) || !matches!(a.ty, Type::Bool | Type::Ip);
        if !ordered {
            self.report(
                Diagnostic::new(E0202, span, format!("values of type {} have no order", a.ty))
                    .help("only `==` and `!=` make sense here"),
            );
            return None;
        }
        Some(boolean(Expr::Compare(comparison, Box::new((a.expr, b.expr)))))
    }

    /// A constant text beside a timestamp or an address is read as one.
    pub fn coerce_text(&mut self, a: Typed, a_span: Span, b: Typed, b_span: Span) -> Option<(Typed, Typed)> {
        if b.ty == Type::Str && matches!(a.ty, Type::Timestamp | Type::Ip) {
            let b = self.read_text(b, a.ty, b_span)?;
            return Some((a, b));
        }
        if a.ty == Type::Str && matches!(b.ty, Type::Timestamp | Type::Ip) {
            let a = self.read_text(a, b.ty, a_span)?;
            return Some((a, b));
        }
        Some((a, b))
    }

    fn read_text(&mut self, text: Typed, wanted: Type, span: Span) -> Option<Typed> {
        let Some(Value::Str(written)) = text.expr.as_const() else { return Some(text) };
        let value = match wanted {
            Type::Ip => written.parse().ok().map(Value::Ip),
            _ => written
                .parse::<jiff::Timestamp>()
                .ok()
                .map(|time| Value::Timestamp(crate::event::Timestamp::from_micros(time.as_microsecond()))),
        };
        if value.is_none() {
            let example = if wanted == Type::Ip { "10.0.0.1" } else { "2026-03-01T08:00:00Z" };
            self.report(
                Diagnostic::new(
                    E0201,
                    span,
                    format!("this text is compared with {wanted}, but cannot be read as one"),
                )
                .help(format!("write it as `\"{example}\"`")),
            );
        }
        value.map(constant)
    }

    /// The type that two values share, ints widening to floats.
    pub fn common_type(&mut self, a: &Typed, b: &Typed, span: Span, why: &str) -> Option<Type> {
        match (a.ty, b.ty) {
            (a, b) if a == b => Some(a),
            (Type::Null, other) | (other, Type::Null) => Some(other),
            (a, b) if a.is_number() && b.is_number() => Some(Type::Float),
            (a, b) => {
                self.report(Diagnostic::new(E0202, span, format!("{why}, but these are {a} and {b}")));
                None
            }
        }
    }

    fn arithmetic(&mut self, operator: BinaryOp, a: Typed, b: Typed, span: Span) -> Option<Typed> {
        let arithmetic = match operator {
            BinaryOp::Add => Arithmetic::Add,
            BinaryOp::Sub => Arithmetic::Sub,
            BinaryOp::Mul => Arithmetic::Mul,
            BinaryOp::Div => Arithmetic::Div,
            _ => Arithmetic::Rem,
        };
        let Some(ty) = arithmetic_type(arithmetic, a.ty, b.ty) else {
            let mut diagnostic = Diagnostic::new(
                E0202,
                span,
                format!("`{}` cannot combine {} and {}", operator.as_str(), a.ty, b.ty),
            );
            if arithmetic == Arithmetic::Rem && (a.ty == Type::Float || b.ty == Type::Float) {
                diagnostic = diagnostic.help("`%` is for integers; use `floor(…)` to get one");
            } else if (a.ty == Type::Str) != (b.ty == Type::Str) {
                diagnostic = diagnostic.help("text and numbers never mix");
            } else if (a.ty == Type::Duration) != (b.ty == Type::Duration) {
                diagnostic = diagnostic.help("turn the duration into a number with `seconds(…)`");
            }
            self.report(diagnostic);
            return None;
        };
        // Float arithmetic must not overflow as integers would.
        let both = if ty == Type::Float && a.ty.is_number() && b.ty.is_number() {
            (widen(a, ty), widen(b, ty))
        } else {
            (a.expr, b.expr)
        };
        Some(Typed::new(Expr::Arithmetic(arithmetic, Box::new(both)), ty))
    }

    /// The text of an expression that must be a constant text.
    pub fn constant_text(&mut self, expr: &'t tree::Expr, what: &str) -> Option<CompactString> {
        let typed = self.check(expr)?;
        match typed.expr.as_const() {
            Some(Value::Str(text)) => Some(text.clone()),
            Some(_) => {
                self.report(Diagnostic::new(
                    E0201,
                    expr.span,
                    format!("{what} must be text, but this is {}", typed.ty),
                ));
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

    /// Puts the body of a definition in the place of its call.
    pub fn expand(&mut self, definition: &'t tree::Def, arguments: Vec<Typed>) -> Option<Typed> {
        let parameters = definition
            .parameters
            .iter()
            .map(|parameter| parameter.name.node.as_str())
            .zip(arguments)
            .collect();
        self.with_parameters(parameters, |checker| checker.check(&definition.body))
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

fn cannot_compare(a: &Typed, b: &Typed, span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::new(E0202, span, format!("{} and {} cannot be compared", a.ty, b.ty));
    match (a.ty, b.ty) {
        (Type::Str, other) | (other, Type::Str) if other.is_number() => diagnostic
            .help("text and numbers never mix: take the quotes away, or declare the field with another type"),
        (Type::Duration, other) | (other, Type::Duration) if other.is_number() => {
            diagnostic.help("write the number as a duration, such as `30s`, or use `seconds(…)`")
        }
        (Type::Timestamp, Type::Duration) | (Type::Duration, Type::Timestamp) => {
            diagnostic.help("the difference of two timestamps is a duration: `time - other.time`")
        }
        (Type::Bool, _) | (_, Type::Bool) => {
            diagnostic.help("write the condition itself, or `not` before it")
        }
        _ => diagnostic,
    }
}

fn arithmetic_type(operator: Arithmetic, a: Type, b: Type) -> Option<Type> {
    use Arithmetic::{Add, Div, Mul, Rem, Sub};
    use Type::{Duration, Float, Int, Null, Str, Timestamp};
    Some(match (operator, a, b) {
        (_, Null, Null) => Null,
        (Rem, Int | Null, Int | Null) => Int,
        (Rem, ..) => return None,
        (Div, Int | Float | Null, Int | Float | Null) => Float,
        (Add | Sub | Mul, Int, Int | Null) | (Add | Sub | Mul, Null, Int) => Int,
        (Add | Sub | Mul, Int | Float | Null, Int | Float | Null) => Float,
        (Add, Str, Str | Null) | (Add, Null, Str) => Str,
        (Add, Timestamp, Duration) | (Add, Duration, Timestamp) | (Sub, Timestamp, Duration) => Timestamp,
        (Sub, Timestamp, Timestamp) => Duration,
        (Add | Sub, Duration, Duration) => Duration,
        (Mul, Duration, Int | Float) | (Mul, Int | Float, Duration) | (Div, Duration, Int | Float) => {
            Duration
        }
        (Div, Duration, Duration) => Float,
        _ => return None,
    })
}

/// The expression as one of type `wanted`, where an int becomes a float.
pub(super) fn widen(typed: Typed, wanted: Type) -> Expr {
    match (wanted, typed.ty, typed.expr) {
        (Type::Float, Type::Int, Expr::Const(value)) => {
            Expr::Const(value.as_f64().map_or(Value::Null, Value::Float))
        }
        (Type::Float, Type::Int, expr) => Expr::ToFloat(Box::new(expr)),
        (_, _, expr) => expr,
    }
}

pub(super) fn constant(value: Value) -> Typed {
    let ty = value.ty();
    Typed::new(Expr::Const(value), ty)
}

pub(super) fn boolean(expr: Expr) -> Typed {
    Typed::new(expr, Type::Bool)
}

/// Computes what depends on constants alone. The type stays, also when the value is null.
fn fold(typed: Typed) -> Typed {
    let foldable = !matches!(
        typed.expr,
        Expr::Const(_) | Expr::Field(_) | Expr::Time | Expr::Key(_) | Expr::Register(_)
    ) && typed.expr.operands().into_iter().all(Expr::is_const);
    if foldable {
        let faults = Faults::default();
        let scope = Scope { event: None, key: &[], registers: &[], specs: &[], faults: &faults };
        let value = typed.expr.value(&scope).into_owned();
        return Typed::new(Expr::Const(value), typed.ty);
    }
    match typed.expr {
        Expr::And(operands) => simplify(operands, true, typed.ty),
        Expr::Or(operands) => simplify(operands, false, typed.ty),
        expr => Typed::new(expr, typed.ty),
    }
}

/// Takes constant operands out of `and` (`neutral` true) and `or`, and puts nested ones of the same
/// kind on one level.
fn simplify(operands: Box<[Expr]>, neutral: bool, ty: Type) -> Typed {
    let mut kept = Vec::new();
    for operand in operands {
        match operand {
            Expr::Const(Value::Bool(b)) if b == neutral => {}
            Expr::Const(Value::Bool(b)) => return Typed::new(Expr::Const(Value::Bool(b)), ty),
            Expr::And(inner) if neutral => kept.extend(inner),
            Expr::Or(inner) if !neutral => kept.extend(inner),
            other => kept.push(other),
        }
    }
    let expr = match (kept.len(), neutral) {
        (0, _) => Expr::Const(Value::Bool(neutral)),
        (1, _) => kept.remove(0),
        (_, true) => Expr::And(kept.into()),
        (_, false) => Expr::Or(kept.into()),
    };
    Typed::new(expr, ty)
}
