//! A small evaluator for the conditions that the reference matcher meets.
//!
//! It knows the fields of stream `s`, captures and aggregates over them, in three-valued logic. It
//! shares nothing with the library but the syntax tree.

use tripline::language::tree::{BinaryOp, Expr, ExprKind, InSet, UnaryOp};

use super::case::Event;

/// A loop of the pattern, by its address in the tree, and the number of the repetition.
pub type Repetition = (usize, u32);

/// A captured event.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The variable.
    pub variable: String,
    /// The event.
    pub event: Event,
    /// Its place in the sequence of the key.
    pub position: usize,
    /// In which repetition of each loop around it, from the outermost in.
    pub repetitions: Vec<Repetition>,
}

/// What a condition can see.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    /// The event being tested.
    pub event: &'a Event,
    /// What the run holds.
    pub captured: &'a [Capture],
    /// In which repetition of each loop the condition stands.
    pub repetitions: &'a [Repetition],
}

/// A value; null is *unknown*.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
}

/// Whether a condition holds: only when it is true, not when it is unknown.
pub fn holds(condition: &Expr, sight: Sight<'_>) -> bool {
    value(condition, sight) == Value::Bool(true)
}

fn value(expr: &Expr, sight: Sight<'_>) -> Value {
    match &expr.kind {
        ExprKind::Null => Value::Null,
        ExprKind::Bool(bool) => Value::Bool(*bool),
        ExprKind::Int(int) => Value::Int(*int),
        ExprKind::Str(text) => Value::Text(text.clone()),
        ExprKind::Name(name) => field(sight.event, name),
        ExprKind::Field(of, name) => match captured(of, sight) {
            Some(event) => field(&event, &name.node),
            None => Value::Null,
        },
        ExprKind::Call { function, arguments, condition: None, over: None } => {
            aggregate(&function.node, &arguments[0], sight)
        }
        ExprKind::Unary(op, operand) => match (op.node, value(operand, sight)) {
            (UnaryOp::Not, Value::Bool(bool)) => Value::Bool(!bool),
            (UnaryOp::Neg, Value::Int(int)) => Value::Int(-int),
            (_, Value::Null) => Value::Null,
            (op, value) => panic!("{op:?} of {value:?}"),
        },
        ExprKind::Binary(left, op, right) => binary(value(left, sight), op.node, value(right, sight)),
        ExprKind::And(parts) => connect(parts, sight, false),
        ExprKind::Or(parts) => connect(parts, sight, true),
        ExprKind::In { value: sought, set: InSet::Values(values), negated } => {
            one_of(value(sought, sight), values, *negated, sight)
        }
        ExprKind::IsMissing(operand, missing) => {
            Value::Bool((value(operand, sight) == Value::Null) == *missing)
        }
        other => panic!("the generator does not write {other:?}"),
    }
}

fn field(event: &Event, name: &str) -> Value {
    match name {
        "id" => Value::Int(event.id),
        "k" => Value::Text(event.k.clone()),
        "t" => Value::Text(event.t.clone()),
        "v" => event.v.map_or(Value::Null, Value::Int),
        other => panic!("stream s has no field {other} that the evaluator knows"),
    }
}

/// The event that `v`, `first(v)` or `last(v)` stands for.
fn captured(expr: &Expr, sight: Sight<'_>) -> Option<Event> {
    match &expr.kind {
        ExprKind::Name(variable) => sight
            .captured
            .iter()
            .find(|capture| {
                capture.variable == *variable && same_repetition(&capture.repetitions, sight.repetitions)
            })
            .map(|capture| capture.event.clone()),
        ExprKind::Call { function, arguments, .. } => {
            let events = captures(&arguments[0], sight);
            match function.node.as_str() {
                "first" => events.first().cloned(),
                "last" => events.last().cloned(),
                other => panic!("{other} has no fields"),
            }
        }
        other => panic!("{other:?} has no fields"),
    }
}

/// Whether two places are in the same repetition of every loop that is around both.
fn same_repetition(one: &[Repetition], other: &[Repetition]) -> bool {
    one.iter().zip(other).take_while(|(one, other)| one.0 == other.0).all(|(one, other)| one.1 == other.1)
}

/// All events captured as a variable, in order.
fn captures(variable: &Expr, sight: Sight<'_>) -> Vec<Event> {
    let ExprKind::Name(name) = &variable.kind else { panic!("{variable:?} is not a variable") };
    sight.captured.iter().filter(|capture| capture.variable == *name).map(|c| c.event.clone()).collect()
}

fn aggregate(function: &str, argument: &Expr, sight: Sight<'_>) -> Value {
    if function == "count" {
        return Value::Int(captures(argument, sight).len() as i64);
    }
    let ExprKind::Field(variable, name) = &argument.kind else {
        panic!("{function} of {argument:?}");
    };
    let numbers: Vec<i64> = captures(variable, sight)
        .iter()
        .filter_map(|event| match field(event, &name.node) {
            Value::Int(int) => Some(int),
            _ => None,
        })
        .collect();
    match function {
        "sum" => Value::Int(numbers.iter().sum()),
        "min" => numbers.into_iter().min().map_or(Value::Null, Value::Int),
        "max" => numbers.into_iter().max().map_or(Value::Null, Value::Int),
        other => panic!("the generator does not write {other}"),
    }
}

fn binary(left: Value, op: BinaryOp, right: Value) -> Value {
    if op == BinaryOp::Default {
        return if left == Value::Null { right } else { left };
    }
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Value::Null,
        (Value::Int(left), Value::Int(right)) => match op {
            BinaryOp::Add => Value::Int(left + right),
            BinaryOp::Sub => Value::Int(left - right),
            op => Value::Bool(compare(left.cmp(&right), op)),
        },
        (Value::Text(left), Value::Text(right)) => Value::Bool(compare(left.cmp(&right), op)),
        (left, right) => panic!("{op:?} of {left:?} and {right:?}"),
    }
}

fn compare(order: std::cmp::Ordering, op: BinaryOp) -> bool {
    match op {
        BinaryOp::Eq => order.is_eq(),
        BinaryOp::Ne => order.is_ne(),
        BinaryOp::Lt => order.is_lt(),
        BinaryOp::Le => order.is_le(),
        BinaryOp::Gt => order.is_gt(),
        BinaryOp::Ge => order.is_ge(),
        other => panic!("{other:?} does not compare"),
    }
}

/// `and` (decided by a false) or `or` (decided by a true).
fn connect(parts: &[Expr], sight: Sight<'_>, decisive: bool) -> Value {
    let values: Vec<Value> = parts.iter().map(|part| value(part, sight)).collect();
    if values.contains(&Value::Bool(decisive)) {
        Value::Bool(decisive)
    } else if values.contains(&Value::Null) {
        Value::Null
    } else {
        Value::Bool(!decisive)
    }
}

fn one_of(sought: Value, values: &[Expr], negated: bool, sight: Sight<'_>) -> Value {
    let equal: Vec<Value> =
        values.iter().map(|v| binary(sought.clone(), BinaryOp::Eq, value(v, sight))).collect();
    if equal.contains(&Value::Bool(true)) {
        Value::Bool(!negated)
    } else if equal.contains(&Value::Null) {
        Value::Null
    } else {
        Value::Bool(negated)
    }
}
