//! Expressions: names resolved, types settled, constants folded.

use compact_str::CompactString;

use crate::diagnostic::codes::{E0201, E0202, E0203, E0207, E0208, E0212};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::event::{StreamId, Type, Value};
use crate::expression::{Arithmetic, Comparison, Expr, Faults, Scope, Size};
use crate::language::tree::{self, BinaryOp, ExprKind, UnaryOp};

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
            ExprKind::Index(of, _) => {
                self.table(of);
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

    /// The typed condition of an event, with the warnings that it deserves.
    pub fn condition(&mut self, condition: &'t tree::Expr) -> Option<Expr> {
        let typed = self.check(condition)?;
        self.expect_bool(&typed, condition, "`where` needs a condition")?;
        super::lint::constant_condition(&typed.expr, condition.span, self.diagnostics);
        if let Place::Condition { stream, .. } = self.place {
            let schema = self.globals.schema(stream);
            super::lint::negated_optional(condition, schema, self.diagnostics);
        }
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

    fn unary(&mut self, operator: &tree::Spanned<UnaryOp>, operand: &'t tree::Expr) -> Option<Typed> {
        let typed = self.check(operand)?;
        match operator.node {
            UnaryOp::Not => {
                self.expect_bool(&typed, operand, "`not` needs a condition")?;
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
                        format!("`-` needs a number or a duration, but this is `{other}`"),
                    ));
                    None
                }
            },
        }
    }

    fn connective(&mut self, operands: &'t [tree::Expr], word: &str) -> Option<Box<[Expr]>> {
        let mut all = Some(Vec::new());
        for (index, operand) in operands.iter().enumerate() {
            let before = index.checked_sub(1).map(|before| &operands[before]);
            let typed = self.check(operand).and_then(|typed| match alternative(before, operand, word) {
                Some(diagnostic) if typed.ty != Type::Bool => {
                    self.report(diagnostic);
                    None
                }
                _ => self.expect_bool(&typed, operand, &format!("`{word}` joins conditions")).map(|()| typed),
            });
            match (&mut all, typed) {
                (Some(list), Some(typed)) => list.push(typed.expr),
                _ => all = None,
            }
        }
        all.map(Vec::into_boxed_slice)
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
                            .help(format!("write `{} is {word}`", written(other))),
                    );
                    return None;
                }
            }
        }
        let (a, b) = (self.check(left), self.check(right));
        let (a, b) = (a?, b?);
        if operator.node.is_comparison() && is_chained(left) {
            return None;
        }
        match operator.node {
            BinaryOp::Default => {
                let sides = [(&a, left.span), (&b, right.span)];
                let ty = self.common_type(sides, "`??` needs two values of one type")?;
                let operands = [widen(a, ty), widen(b, ty)];
                Some(Typed::new(Expr::Coalesce(operands.into()), ty))
            }
            comparison if comparison.is_comparison() => {
                let (a, b) = self.coerce_text(a, left.span, b, right.span)?;
                self.comparison(comparison, (a, left), (b, right), operator.span)
            }
            _ => self.arithmetic(operator, (a, left.span), (b, right.span)),
        }
    }

    fn comparison(
        &mut self,
        operator: BinaryOp,
        (a, left): (Typed, &tree::Expr),
        (b, right): (Typed, &tree::Expr),
        span: Span,
    ) -> Option<Typed> {
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
            self.report(cannot_compare((&a, left), (&b, right), span));
            return None;
        }
        let ordered =
            matches!(comparison, Comparison::Eq | Comparison::Ne) || !matches!(a.ty, Type::Bool | Type::Ip);
        if !ordered {
            self.report(
                Diagnostic::new(E0202, span, format!("values of type `{}` have no order", a.ty))
                    .help("only `==` and `!=` compare them"),
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

    /// A constant text as the timestamp or address that it writes.
    pub fn read_text(&mut self, text: Typed, wanted: Type, span: Span) -> Option<Typed> {
        let Some(Value::Str(written)) = text.expr.as_const() else { return Some(text) };
        let value = match wanted {
            // As addresses and times in records are read.
            Type::Ip => written.parse::<std::net::IpAddr>().ok().map(|ip| Value::Ip(ip.to_canonical())),
            _ => crate::event::Timestamp::parse(written).map(Value::Timestamp),
        };
        if value.is_none() {
            let example = if wanted == Type::Ip { "10.0.0.1" } else { "2026-03-01T08:00:00Z" };
            self.report(
                Diagnostic::new(
                    E0201,
                    span,
                    format!("this is compared with a value of type `{wanted}`, but cannot be read as one"),
                )
                .help(format!("write it like `\"{example}\"`")),
            );
        }
        value.map(constant)
    }

    /// The type that two values share, ints widening to floats.
    pub fn common_type(&mut self, sides: [(&Typed, Span); 2], why: &str) -> Option<Type> {
        let [(a, a_span), (b, b_span)] = sides;
        match (a.ty, b.ty) {
            (a, b) if a == b => Some(a),
            (Type::Null, other) | (other, Type::Null) => Some(other),
            (a, b) if a.is_number() && b.is_number() => Some(Type::Float),
            (a, b) => {
                let message = format!("{why}, but these are `{a}` and `{b}`");
                let diagnostic = Diagnostic::new(E0202, b_span, message).label(format!("`{b}`"));
                self.report(diagnostic.also(a_span, format!("`{a}`")));
                None
            }
        }
    }

    fn arithmetic(
        &mut self,
        operator: &tree::Spanned<BinaryOp>,
        (a, a_span): (Typed, Span),
        (b, b_span): (Typed, Span),
    ) -> Option<Typed> {
        let arithmetic = match operator.node {
            BinaryOp::Add => Arithmetic::Add,
            BinaryOp::Sub => Arithmetic::Sub,
            BinaryOp::Mul => Arithmetic::Mul,
            BinaryOp::Div => Arithmetic::Div,
            _ => Arithmetic::Rem,
        };
        let Some(ty) = arithmetic_type(arithmetic, a.ty, b.ty) else {
            let message = format!("`{}` cannot combine `{}` and `{}`", operator.node.as_str(), a.ty, b.ty);
            let mut diagnostic = Diagnostic::new(E0202, operator.span, message)
                .also(a_span, format!("`{}`", a.ty))
                .also(b_span, format!("`{}`", b.ty));
            if let Some(help) = arithmetic_help(arithmetic, a.ty, b.ty) {
                diagnostic = diagnostic.help(help);
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
                    format!("{what} must be text, but this is `{}`", typed.ty),
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

/// `country == "DE" or "FR"`: a value where a whole condition was meant.
fn alternative(before: Option<&tree::Expr>, operand: &tree::Expr, word: &str) -> Option<Diagnostic> {
    let is_value = matches!(operand.kind, ExprKind::Str(_) | ExprKind::Int(_) | ExprKind::Float(_));
    let before = before.filter(|_| is_value)?;
    let ExprKind::Binary(left, operator, right) = &before.kind else { return None };
    if !operator.node.is_comparison() {
        return None;
    }
    let (left, sign, right, this) = (written(left), operator.node.as_str(), written(right), written(operand));
    let message = format!("`{word}` joins whole conditions, but this is a value alone");
    Some(Diagnostic::new(E0207, operand.span, message).help(match (operator.node, word) {
        (BinaryOp::Eq, "or") => format!("write `{left} in ({right}, {this})`"),
        _ => format!("write `{left} {sign} {right} {word} {left} {sign} {this}`"),
    }))
}

/// Whether the left side of a comparison is a comparison without parentheses, which the parser has
/// reported.
fn is_chained(left: &tree::Expr) -> bool {
    match &left.kind {
        ExprKind::Binary(a, operator, b) => operator.node.is_comparison() && left.span == a.span.to(b.span),
        _ => false,
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

fn cannot_compare(
    (a, left): (&Typed, &tree::Expr),
    (b, right): (&Typed, &tree::Expr),
    span: Span,
) -> Diagnostic {
    let diagnostic = Diagnostic::new(E0202, span, format!("`{}` and `{}` cannot be compared", a.ty, b.ty))
        .also(left.span, format!("`{}`", a.ty))
        .also(right.span, format!("`{}`", b.ty));
    let help = match (a.ty, b.ty) {
        (Type::Bool, _) => format!("it is a condition by itself: write `{0}` or `not {0}`", written(left)),
        (_, Type::Bool) => format!("it is a condition by itself: write `{0}` or `not {0}`", written(right)),
        (Type::Str, other) | (other, Type::Str) if other.is_number() => {
            // The side that is written out is the one that is easily changed.
            match (&left.kind, &right.kind) {
                (ExprKind::Str(text), _) | (_, ExprKind::Str(text)) if text.parse::<f64>().is_ok() => {
                    format!("write `{text}` without quotes")
                }
                (ExprKind::Int(_) | ExprKind::Float(_), _) => format!("write `\"{}\"`", written(left)),
                (_, ExprKind::Int(_) | ExprKind::Float(_)) => format!("write `\"{}\"`", written(right)),
                _ => "text and numbers never mix: declare both fields with the same type".to_owned(),
            }
        }
        (Type::Duration, other) | (other, Type::Duration) if other.is_number() => {
            "write the number with a unit, such as `30s`, or use `seconds(…)`".to_owned()
        }
        (Type::Timestamp, Type::Duration) | (Type::Duration, Type::Timestamp) => {
            "the difference of two times is a duration, such as `time - earlier.time`".to_owned()
        }
        (Type::Timestamp, other) | (other, Type::Timestamp) if other.is_number() => {
            "write the time as a text, such as `\"2026-03-01T08:00:00Z\"`".to_owned()
        }
        _ => return diagnostic,
    };
    diagnostic.help(help)
}

fn arithmetic_help(operator: Arithmetic, a: Type, b: Type) -> Option<&'static str> {
    let either = |ty| (a == ty) != (b == ty);
    Some(match operator {
        Arithmetic::Rem if a.is_number() && b.is_number() => "`%` is for integers: use `floor(…)` to get one",
        Arithmetic::Add if either(Type::Str) => {
            "`+` joins texts only; a title mixes them with other values: `\"{merchant}: {amount}\"`"
        }
        _ if a == Type::Bool || b == Type::Bool => "use `if(condition, 1, 0)` to count a condition",
        _ if either(Type::Str) => "text and numbers never mix",
        _ if (a == Type::Duration && b.is_number()) || (b == Type::Duration && a.is_number()) => {
            "write the number with a unit, such as `30s`, or use `seconds(…)`"
        }
        _ if (a == Type::Timestamp && b.is_number()) || (b == Type::Timestamp && a.is_number()) => {
            "write the number with a unit, such as `30s`"
        }
        Arithmetic::Add if a == Type::Timestamp && b == Type::Timestamp => {
            "the difference of two times is a duration: write `-`"
        }
        Arithmetic::Mul if a == Type::Duration && b == Type::Duration => {
            "make one of them a number: `seconds(…)`"
        }
        _ => return None,
    })
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
