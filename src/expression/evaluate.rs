//! Evaluation, with SQL's three-valued logic: null is "unknown".

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::Write;

use super::aggregate::{FieldSource, Register, RegisterSpec};
use super::expr::{Arithmetic, Comparison, Expr, Template};
use super::history::History;
use crate::event::{Duration, Event, Value};
use crate::table::{NO_TABLES, Tables};

/// The longest text that `+` makes, in bytes.
pub const MAX_TEXT: usize = 1 << 20;

/// How often a value could not be computed: integer overflow, division by zero, a function that has
/// no value for its arguments.
#[derive(Debug, Default)]
pub struct Faults(Cell<u64>);

impl Faults {
    /// The number since it was last taken.
    pub fn take(&self) -> u64 {
        self.0.take()
    }

    /// Counts one.
    pub fn add(&self) {
        self.0.set(self.0.get() + 1);
    }
}

/// What an expression can see.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The event being looked at; none in an alert.
    pub event: Option<&'a Event>,
    /// The values of the key.
    pub key: &'a [Value],
    /// What the registers say of captured events.
    pub captured: Captured<'a>,
    /// What the registers are.
    pub specs: &'a [RegisterSpec],
    /// The contents of lists and tables.
    pub tables: &'a Tables,
    /// The past of streams; none where nothing reads it.
    pub history: Option<&'a dyn History>,
    /// In the condition of an aggregate over the past, what it reads of the past event.
    pub past: &'a [(FieldSource, Value)],
    /// Where what cannot be computed is counted.
    pub faults: &'a Faults,
}

/// What the registers say of captured events, in the order of [`Scope::specs`].
#[derive(Clone, Copy, Debug)]
pub enum Captured<'a> {
    /// What they keep.
    Kept(&'a [Register]),
    /// What they would keep of the only event, if there is one.
    Only {
        /// The event.
        event: Option<&'a Event>,
        /// For each register, whether it is to read the event.
        reads: &'a [bool],
    },
}

impl<'a> Scope<'a> {
    /// Sees nothing but constants.
    pub fn bare(faults: &'a Faults) -> Scope<'a> {
        Scope {
            event: None,
            key: &[],
            captured: Captured::Kept(&[]),
            specs: &[],
            tables: &NO_TABLES,
            history: None,
            past: &[],
            faults,
        }
    }
}

impl Expr {
    /// Whether the condition holds: it is true, not unknown.
    pub fn holds(&self, scope: &Scope<'_>) -> bool {
        self.truth(scope) == Some(true)
    }

    /// The truth value; `None` is unknown.
    pub fn truth(&self, scope: &Scope<'_>) -> Option<bool> {
        match self {
            Expr::Not(x) => x.truth(scope).map(|truth| !truth),
            Expr::And(xs) => every(xs, scope, true),
            Expr::Or(xs) => every(xs, scope, false),
            Expr::Compare(comparison, pair) => {
                let order = pair.0.value(scope).compare(&pair.1.value(scope))?;
                Some(match comparison {
                    Comparison::Eq => order.is_eq(),
                    Comparison::Ne => order.is_ne(),
                    Comparison::Lt => order.is_lt(),
                    Comparison::Le => order.is_le(),
                    Comparison::Gt => order.is_gt(),
                    Comparison::Ge => order.is_ge(),
                })
            }
            Expr::InSet(x, set) => {
                let value = x.value(scope);
                if value.is_null() { None } else { Some(set.contains(&*value)) }
            }
            Expr::InTable(x, table) => scope.tables.contains(table.id, &x.value(scope)),
            Expr::InList(x, members) => in_list(&x.value(scope), members, scope),
            Expr::InNetworks(x, networks) => match &*x.value(scope) {
                Value::Ip(address) => Some(networks.iter().any(|network| network.contains(address))),
                _ => None,
            },
            Expr::Like(x, wildcard) => match &*x.value(scope) {
                Value::Str(text) => Some(wildcard.is_match(text)),
                _ => None,
            },
            Expr::Matches(x, regex) => match &*x.value(scope) {
                Value::Str(text) => Some(regex.is_match(text)),
                _ => None,
            },
            Expr::IsMissing(x) => Some(x.value(scope).is_null()),
            other => other.value(scope).as_bool(),
        }
    }

    /// The value.
    pub fn value<'a>(&'a self, scope: &Scope<'a>) -> Cow<'a, Value> {
        match self {
            Expr::Const(value) => Cow::Borrowed(value),
            Expr::Field(field) => match scope.event {
                Some(event) => Cow::Borrowed(event.value(*field)),
                None => Cow::Owned(Value::Null),
            },
            Expr::Time => Cow::Owned(scope.event.map_or(Value::Null, |event| Value::Timestamp(event.time()))),
            Expr::Key(part) => Cow::Borrowed(&scope.key[*part as usize]),
            Expr::Register(id) => register(scope, id.0 as usize),
            Expr::History(id) => {
                Cow::Owned(scope.history.map_or(Value::Null, |history| history.value(*id, scope)))
            }
            Expr::Past(source, _) => {
                let read = scope.past.iter().find(|(known, _)| known == source);
                read.map_or(Cow::Owned(Value::Null), |(_, value)| Cow::Borrowed(value))
            }
            Expr::Neg(x) => Cow::Owned(negate(&x.value(scope), scope.faults)),
            Expr::ToFloat(x) => Cow::Owned(x.value(scope).as_f64().map_or(Value::Null, Value::Float)),
            Expr::Arithmetic(operator, pair) => {
                let (a, b) = (pair.0.value(scope), pair.1.value(scope));
                Cow::Owned(arithmetic(*operator, &a, &b, scope.faults))
            }
            Expr::Coalesce(xs) => xs
                .iter()
                .map(|x| x.value(scope))
                .find(|value| !value.is_null())
                .unwrap_or(Cow::Owned(Value::Null)),
            Expr::If(three) => match three.0.truth(scope) {
                Some(true) => three.1.value(scope),
                // An unknown condition does not hold.
                _ => three.2.value(scope),
            },
            Expr::Lookup(key, table, column) => {
                let key: smallvec::SmallVec<[Cow<'a, Value>; 4]> =
                    key.iter().map(|part| part.value(scope)).collect();
                scope.tables.cell(table.id, &key, *column)
            }
            Expr::Call(function, arguments) => {
                let mut values = smallvec::SmallVec::<[Value; 4]>::new();
                for argument in arguments {
                    let value = argument.value(scope);
                    if value.is_null() {
                        return Cow::Owned(Value::Null);
                    }
                    values.push(value.into_owned());
                }
                let result = (function.evaluate)(&values);
                Cow::Owned(if result.is_null() { fault(scope.faults) } else { result })
            }
            condition => Cow::Owned(condition.truth(scope).map_or(Value::Null, Value::Bool)),
        }
    }
}

fn register<'a>(scope: &Scope<'a>, index: usize) -> Cow<'a, Value> {
    let spec = &scope.specs[index];
    let made;
    let register = match scope.captured {
        Captured::Kept(registers) => match &registers[index] {
            Register::Value { value, .. } => return Cow::Borrowed(value),
            other => other,
        },
        Captured::Only { event, reads } => {
            let event = event.filter(|_| reads[index]);
            if spec.is_value() {
                return event.map_or(Cow::Owned(Value::Null), |event| spec.source.look(event));
            }
            made = spec.of(event);
            &made
        }
    };
    let value = spec.value(register);
    let overflows = value.is_null() && !register.is_empty();
    Cow::Owned(if overflows { fault(scope.faults) } else { value })
}

/// `and` when `neutral` is true, `or` when it is false: the opposite of `neutral` decides at once,
/// otherwise an unknown operand makes the whole unknown.
fn every(operands: &[Expr], scope: &Scope<'_>, neutral: bool) -> Option<bool> {
    let mut result = Some(neutral);
    for operand in operands {
        match operand.truth(scope) {
            Some(truth) if truth != neutral => return Some(!neutral),
            Some(_) => {}
            None => result = None,
        }
    }
    result
}

/// `x in (…)`: true when a member equals it, otherwise unknown if one of the comparisons is.
fn in_list(value: &Value, members: &[Expr], scope: &Scope<'_>) -> Option<bool> {
    let mut result = Some(false);
    for member in members {
        match value.compare(&member.value(scope)) {
            Some(order) if order.is_eq() => return Some(true),
            Some(_) => {}
            None => result = None,
        }
    }
    result
}

fn negate(value: &Value, faults: &Faults) -> Value {
    let negated = match value {
        Value::Int(i) => i.checked_neg().map(Value::Int),
        Value::Float(x) => Some(Value::Float(-x)),
        Value::Duration(d) => {
            d.as_micros().checked_neg().map(|us| Value::Duration(Duration::from_micros(us)))
        }
        _ => return Value::Null,
    };
    negated.unwrap_or_else(|| fault(faults))
}

fn fault(faults: &Faults) -> Value {
    faults.add();
    Value::Null
}

/// The analysis admits exactly the combinations of types below; anything else can only hold a null.
fn arithmetic(operator: Arithmetic, a: &Value, b: &Value, faults: &Faults) -> Value {
    use Arithmetic::{Add, Div, Mul, Rem, Sub};
    use Value::{Duration as Span, Float, Int, Null, Str, Timestamp as Time};
    let span = |us: Option<i64>| us.map(|us| Span(Duration::from_micros(us)));
    let result = match (operator, a, b) {
        (_, Null, _) | (_, _, Null) => return Null,
        (Add, Int(a), Int(b)) => a.checked_add(*b).map(Int),
        (Sub, Int(a), Int(b)) => a.checked_sub(*b).map(Int),
        (Mul, Int(a), Int(b)) => a.checked_mul(*b).map(Int),
        // The remainder of the least integer and -1 is 0, though their quotient overflows.
        (Rem, Int(a), Int(b)) => (*b != 0).then(|| Int(a.wrapping_rem(*b))),
        (Add, Str(a), Str(b)) if a.len() + b.len() > MAX_TEXT => None,
        (Add, Str(a), Str(b)) => {
            let mut text = a.clone();
            text.push_str(b);
            Some(Str(text))
        }
        (Add, Time(t), Span(d)) | (Add, Span(d), Time(t)) => {
            t.as_micros().checked_add(d.as_micros()).map(|us| Time(crate::event::Timestamp::from_micros(us)))
        }
        (Sub, Time(t), Span(d)) => {
            t.as_micros().checked_sub(d.as_micros()).map(|us| Time(crate::event::Timestamp::from_micros(us)))
        }
        (Sub, Time(a), Time(b)) => a.since(*b).map(Span),
        (Add, Span(a), Span(b)) => span(a.as_micros().checked_add(b.as_micros())),
        (Sub, Span(a), Span(b)) => span(a.as_micros().checked_sub(b.as_micros())),
        (Mul, Span(d), Int(i)) | (Mul, Int(i), Span(d)) => span(d.as_micros().checked_mul(*i)),
        (Mul, Span(d), Float(x)) | (Mul, Float(x), Span(d)) => span(to_int(d.as_micros() as f64 * x)),
        (Div, Span(a), Span(b)) => divide(a.as_micros() as f64, b.as_micros() as f64),
        (Div, Span(a), Int(b)) => span(a.as_micros().checked_div(*b)),
        (Div, Span(a), Float(b)) if *b != 0.0 => span(to_int(a.as_micros() as f64 / b)),
        (Div, Span(_), Float(_)) => None,
        _ => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => match operator {
                Add => finite(a + b),
                Sub => finite(a - b),
                Mul => finite(a * b),
                Div => divide(a, b),
                Rem => None,
            },
            _ => return Null,
        },
    };
    result.unwrap_or_else(|| fault(faults))
}

fn divide(a: f64, b: f64) -> Option<Value> {
    if b == 0.0 { None } else { finite(a / b) }
}

fn finite(x: f64) -> Option<Value> {
    if x.is_nan() { None } else { Some(Value::Float(x)) }
}

fn to_int(x: f64) -> Option<i64> {
    (x.is_finite() && x.abs() < 9.2e18).then_some(x as i64)
}

impl Template {
    /// The text with the values filled in.
    pub fn render(&self, scope: &Scope<'_>) -> String {
        let mut text = String::new();
        for (before, expression) in &self.parts {
            text.push_str(before);
            if let Some(expression) = expression {
                write!(text, "{}", expression.value(scope)).expect("writing to a String cannot fail");
            }
        }
        text
    }
}
