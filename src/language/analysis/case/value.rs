//! Values of tests: constants, in the form in which a record of the stream would hold them.

use std::net::IpAddr;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::{E0104, E0201, E0212, E0448};
use crate::event::{Duration, FieldType, Timestamp, Type, Value};
use crate::language::tree::{self, ExprKind};

use super::super::expression::{Checker, Place};
use super::super::variables::{Registers, Visible};
use super::CaseChecker;

/// What must be written at a place, in words, with an example.
struct Form {
    is: &'static str,
    write: &'static str,
}

fn form(ty: FieldType) -> Form {
    match ty {
        FieldType::Bool => Form { is: "a bool", write: "`true` or `false`" },
        FieldType::Int => Form { is: "an int", write: "a number such as `12`" },
        FieldType::Float => Form { is: "a float", write: "a number such as `12.5`" },
        FieldType::Str => Form { is: "a string", write: "a text in quotes" },
        FieldType::Timestamp(None) => Form {
            is: "a timestamp",
            write: "a time such as `\"2026-03-01T08:00:00Z\"`, or a duration from the test's beginning such as `90s`",
        },
        FieldType::Timestamp(Some(_)) => Form {
            is: "a timestamp",
            write: "a number as in the stream's records, a time such as `\"2026-03-01T08:00:00Z\"`, or a duration from the test's beginning such as `90s`",
        },
        FieldType::Duration => Form { is: "a duration", write: "a duration such as `5m`" },
        FieldType::Ip => Form { is: "an ip", write: "an address as text, such as `\"192.0.2.1\"`" },
    }
}

impl<'t> CaseChecker<'_, '_, 't> {
    /// The value of an expression, which must be constant; `None` when something is wrong, which has
    /// been reported.
    pub(super) fn constant(&mut self, expr: &'t tree::Expr) -> Option<Value> {
        let globals = self.sight.globals;
        if let ExprKind::Name(name) = &expr.kind
            && !globals.constants.contains_key(name.as_str())
        {
            if !globals.reported.contains(name) {
                let message = format!("there is no constant `{name}`");
                let help = format!("a text is written in quotes: `\"{name}\"`");
                self.diagnostics.push(Diagnostic::new(E0104, expr.span, message).help(help));
            }
            return None;
        }
        let mut registers = Registers::default();
        let mut checker =
            Checker::new(globals, self.diagnostics, Place::Constant, Visible::NOTHING, &mut registers);
        let typed = checker.check(expr)?;
        let Some(value) = typed.expr.as_const() else {
            let message = "a value of a test must be constant";
            self.diagnostics.push(Diagnostic::new(E0212, expr.span, message).help("write it out"));
            return None;
        };
        if value.is_null() && typed.ty != Type::Null {
            let message = "this has no value: a division by zero, or a number that grows too large";
            self.diagnostics.push(Diagnostic::new(E0201, expr.span, message));
            return None;
        }
        Some(value.clone())
    }

    /// The value of `what`, which is of that type, as a record can hold it. Null passes if `optional`.
    /// `None` when something is wrong, which has been reported.
    pub(super) fn value(
        &mut self,
        expr: &'t tree::Expr,
        what: &str,
        ty: FieldType,
        optional: bool,
        base: Timestamp,
    ) -> Option<Value> {
        let value = self.constant(expr)?;
        if value.is_null() {
            if !optional {
                let message = format!("{what} is never missing");
                let help = format!("write {}", form(ty).write);
                self.diagnostics.push(Diagnostic::new(E0201, expr.span, message).help(help));
            }
            return optional.then_some(value);
        }
        if let (FieldType::Timestamp(_), Value::Duration(offset)) = (ty, &value) {
            return self.time(base, *offset, expr.span).map(Value::Timestamp);
        }
        let found = value.ty();
        let fitting = as_record_value(ty, value);
        if fitting.is_none() {
            let Form { is, write } = form(ty);
            let this = match found {
                Type::Str if is_read_from_text(ty) => "this text is none".to_owned(),
                Type::Float if ty == FieldType::Int => "this has a fraction".to_owned(),
                Type::Float if ty == FieldType::Float => "this is not finite".to_owned(),
                found => format!("this is `{found}`"),
            };
            let message = format!("{what} is {is}, but {this}");
            self.diagnostics.push(Diagnostic::new(E0201, expr.span, message).help(format!("write {write}")));
        }
        fitting
    }

    /// A time of the test; `None` when it lies outside of what can be written, which is reported.
    pub(super) fn time(
        &mut self,
        base: Timestamp,
        offset: Duration,
        span: crate::diagnostic::Span,
    ) -> Option<Timestamp> {
        let time = base.as_micros().checked_add(offset.as_micros()).map(Timestamp::from_micros);
        // What can be written can be read back, and stands in no record otherwise.
        let time = time.filter(|time| Timestamp::parse(&time.to_string()) == Some(*time));
        if time.is_none() {
            let message = format!("{offset} after {base} lies beyond the year 9999");
            let help = "records cannot hold such a time; use a smaller one";
            self.diagnostics.push(Diagnostic::new(E0448, span, message).help(help));
        }
        time
    }
}

/// Whether records hold such a value as text.
fn is_read_from_text(ty: FieldType) -> bool {
    matches!(ty, FieldType::Timestamp(_) | FieldType::Duration | FieldType::Ip)
}

/// The value as one that the field of a record can hold; `None` when it cannot. A time as text or
/// number stays what it is, so that it is read as production does.
fn as_record_value(ty: FieldType, value: Value) -> Option<Value> {
    let fits = match (ty, &value) {
        (FieldType::Bool, Value::Bool(_))
        | (FieldType::Int | FieldType::Float, Value::Int(_))
        | (FieldType::Str, Value::Str(_))
        | (FieldType::Timestamp(_), Value::Timestamp(_))
        | (FieldType::Timestamp(Some(_)), Value::Int(_))
        | (FieldType::Duration, Value::Duration(_))
        | (FieldType::Ip, Value::Ip(_)) => true,
        // As in records: a float without a fraction is an integer too.
        (FieldType::Int, Value::Float(x)) => x.fract() == 0.0 && x.abs() < 9.0e18,
        (FieldType::Float | FieldType::Timestamp(Some(_)), Value::Float(x)) => x.is_finite(),
        (FieldType::Timestamp(_), Value::Str(text)) => Timestamp::parse(text).is_some(),
        (FieldType::Duration, Value::Str(text)) => Duration::parse(text).is_some(),
        (FieldType::Ip, Value::Str(text)) => text.parse::<IpAddr>().is_ok(),
        _ => false,
    };
    fits.then_some(value)
}
