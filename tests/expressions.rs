//! Random expressions against a second, plain evaluation: three-valued logic, numbers of both types,
//! overflow, times and spans. What the compiler folds must be what the engine would compute.

use std::cell::Cell;
use std::cmp::Ordering;
use std::fmt::Write;
use std::sync::Arc;

use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use tripline::diagnostic::{Sources, Style, render_all};
use tripline::engine::{Engine, EngineOptions};
use tripline::event::{Duration, Event, Position, StreamId, Timestamp, Type, Value};
use tripline::program::Program;

/// An expression with the types of what it holds.
#[derive(Debug)]
enum Expr {
    Leaf(Type, Value),
    Not(Box<Expr>),
    Neg(Box<Expr>),
    Joined(&'static str, Vec<Expr>),
    Compare(&'static str, Box<[Expr; 2]>),
    Arithmetic(char, Type, Box<[Expr; 2]>),
    Default(Type, Box<[Expr; 2]>),
    If(Type, Box<[Expr; 3]>),
    In(bool, Box<Expr>, Vec<Expr>),
    IsMissing(bool, Box<Expr>),
}

// --- Making one up

struct Maker(ChaCha8Rng);

impl Maker {
    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        *list.choose(&mut self.0).expect("the list is not empty")
    }

    fn leaf(&mut self, ty: Type) -> Expr {
        let value = match ty {
            _ if self.0.random_ratio(1, 8) => Value::Null,
            Type::Bool => Value::Bool(self.0.random()),
            Type::Int => Value::Int(self.pick(&[
                0,
                1,
                -1,
                2,
                7,
                i64::MAX,
                -i64::MAX,
                1 << 53,
                (1 << 53) + 1,
                9_223_372_036_854_774_784,
            ])),
            Type::Float => Value::Float(self.pick(&[
                0.0,
                1.0,
                -1.5,
                0.1,
                2.0,
                1e300,
                9_007_199_254_740_992.0,
                9_223_372_036_854_774_784.0,
            ])),
            Type::Str => Value::text(self.pick(&["", "a", "ab", "b"])),
            Type::Duration => {
                let us = self.pick(&[0, 1_000_000, 1_500_000, 300_000_000, 9_223_372_022_400_000_000]);
                Value::Duration(Duration::from_micros(us))
            }
            _ => Value::Timestamp(Timestamp::from_micros(self.pick(&[0, 5_000_000, i64::MAX - 1]))),
        };
        Expr::Leaf(ty, value)
    }

    fn number(&mut self) -> Type {
        self.pick(&[Type::Int, Type::Float])
    }

    fn two(&mut self, a: Type, b: Type, depth: usize) -> Box<[Expr; 2]> {
        Box::new([self.expr(a, depth), self.expr(b, depth)])
    }

    fn expr(&mut self, ty: Type, depth: usize) -> Expr {
        if depth == 0 || self.0.random_ratio(1, 6) {
            return self.leaf(ty);
        }
        let depth = depth - 1;
        match self.0.random_range(0..8) {
            0 => {
                // Of a float, one side may be an integer.
                let other = if ty == Type::Float { self.number() } else { ty };
                Expr::Default(ty, self.two(other, ty, depth))
            }
            1 => {
                let other = if ty == Type::Float { self.number() } else { ty };
                let parts = [self.expr(Type::Bool, depth), self.expr(ty, depth), self.expr(other, depth)];
                Expr::If(ty, Box::new(parts))
            }
            _ if ty == Type::Bool => self.condition(depth),
            _ => self.arithmetic(ty, depth),
        }
    }

    fn condition(&mut self, depth: usize) -> Expr {
        let ty = self.pick(&[Type::Int, Type::Float, Type::Str, Type::Duration, Type::Timestamp, Type::Bool]);
        let other = if matches!(ty, Type::Int | Type::Float) { self.number() } else { ty };
        match self.0.random_range(0..8) {
            0 => Expr::Not(Box::new(self.expr(Type::Bool, depth))),
            1 | 2 => {
                let count = self.0.random_range(2..4);
                let word = self.pick(&["and", "or"]);
                Expr::Joined(word, (0..count).map(|_| self.expr(Type::Bool, depth)).collect())
            }
            3 => Expr::IsMissing(self.0.random(), Box::new(self.expr(ty, depth))),
            4 => {
                let members = (0..self.0.random_range(1..4)).map(|_| self.expr(other, depth)).collect();
                Expr::In(self.0.random(), Box::new(self.expr(ty, depth)), members)
            }
            _ => {
                let all = ["==", "!=", "<", "<=", ">", ">="];
                let word = self.pick(if ty == Type::Bool { &all[..2] } else { &all });
                Expr::Compare(word, self.two(ty, other, depth))
            }
        }
    }

    fn arithmetic(&mut self, ty: Type, depth: usize) -> Expr {
        use Type::{Duration, Float, Int, Str, Timestamp};
        let number = self.number();
        let negated = matches!(ty, Int | Float | Duration) && self.0.random_ratio(1, 5);
        if negated {
            return Expr::Neg(Box::new(self.expr(ty, depth)));
        }
        let (sign, a, b) = match ty {
            Int => (self.pick(&['+', '-', '*', '%']), Int, Int),
            Float => self.pick(&[
                ('+', number, Float),
                ('-', Float, number),
                ('*', number, Float),
                ('/', number, Int),
                ('/', number, Float),
                ('/', Duration, Duration),
            ]),
            Str => ('+', Str, Str),
            Timestamp => self.pick(&[
                ('+', Timestamp, Duration),
                ('+', Duration, Timestamp),
                ('-', Timestamp, Duration),
            ]),
            _ => self.pick(&[
                ('+', Duration, Duration),
                ('-', Duration, Duration),
                ('-', Timestamp, Timestamp),
                ('*', Duration, number),
                ('*', number, Duration),
                ('/', Duration, number),
            ]),
        };
        Expr::Arithmetic(sign, ty, self.two(a, b, depth))
    }
}

// --- The plain evaluation

/// Counts what could not be computed.
#[derive(Default)]
struct Faults(Cell<u64>);

impl Faults {
    fn or_null(&self, value: Option<Value>) -> Value {
        value.unwrap_or_else(|| {
            self.0.set(self.0.get() + 1);
            Value::Null
        })
    }
}

impl Expr {
    fn value(&self, faults: &Faults) -> Value {
        match self {
            Expr::Leaf(_, value) => value.clone(),
            Expr::Neg(x) => match x.value(faults) {
                Value::Int(x) => faults.or_null(x.checked_neg().map(Value::Int)),
                Value::Float(x) => Value::Float(-x),
                Value::Duration(x) => faults.or_null(span(-i128::from(x.as_micros()))),
                _ => Value::Null,
            },
            Expr::Arithmetic(sign, ty, sides) => {
                let (a, b) = (sides[0].value(faults), sides[1].value(faults));
                if a.is_null() || b.is_null() {
                    return Value::Null;
                }
                faults.or_null(combine(*sign, *ty, &a, &b))
            }
            Expr::Default(ty, sides) => {
                let first = sides[0].value(faults);
                widened(if first.is_null() { sides[1].value(faults) } else { first }, *ty)
            }
            Expr::If(ty, parts) => {
                let taken =
                    if parts[0].value(faults).as_bool() == Some(true) { &parts[1] } else { &parts[2] };
                widened(taken.value(faults), *ty)
            }
            condition => condition.truth(faults).map_or(Value::Null, Value::Bool),
        }
    }

    fn truth(&self, faults: &Faults) -> Option<bool> {
        match self {
            Expr::Not(x) => x.value(faults).as_bool().map(|truth| !truth),
            Expr::Joined(word, operands) => {
                let decides = *word == "or";
                let mut unknown = false;
                for operand in operands {
                    match operand.value(faults).as_bool() {
                        Some(truth) if truth == decides => return Some(decides),
                        Some(_) => {}
                        None => unknown = true,
                    }
                }
                (!unknown).then_some(!decides)
            }
            Expr::Compare(word, sides) => {
                let order = compare(&sides[0].value(faults), &sides[1].value(faults))?;
                Some(match *word {
                    "==" => order == Ordering::Equal,
                    "!=" => order != Ordering::Equal,
                    "<" => order == Ordering::Less,
                    "<=" => order != Ordering::Greater,
                    ">" => order == Ordering::Greater,
                    _ => order != Ordering::Less,
                })
            }
            Expr::In(negated, x, members) => {
                // `x in (a, b)` is `x == a or x == b`.
                let value = x.value(faults);
                let mut found = Some(false);
                for member in members {
                    match compare(&value, &member.value(faults)) {
                        Some(Ordering::Equal) => {
                            found = Some(true);
                            break;
                        }
                        Some(_) => {}
                        None => found = None,
                    }
                }
                found.map(|found| found != *negated)
            }
            Expr::IsMissing(missing, x) => Some(x.value(faults).is_null() == *missing),
            other => other.value(faults).as_bool(),
        }
    }
}

fn widened(value: Value, ty: Type) -> Value {
    match (value, ty) {
        (Value::Int(x), Type::Float) => Value::Float(x as f64),
        (value, _) => value,
    }
}

fn span(us: i128) -> Option<Value> {
    Some(Value::Duration(Duration::from_micros(i64::try_from(us).ok()?)))
}

fn time(us: i128) -> Option<Value> {
    Some(Value::Timestamp(Timestamp::from_micros(i64::try_from(us).ok()?)))
}

/// The value of a whole type as an integer: microseconds of times and spans.
fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Int(x) => Some(i128::from(*x)),
        Value::Duration(x) => Some(i128::from(x.as_micros())),
        Value::Timestamp(x) => Some(i128::from(x.as_micros())),
        _ => None,
    }
}

/// `None` when it cannot be computed.
fn combine(sign: char, ty: Type, a: &Value, b: &Value) -> Option<Value> {
    let exact = || match (sign, whole(a)?, whole(b)?) {
        ('+', a, b) => Some(a + b),
        ('-', a, b) => Some(a - b),
        ('*', a, b) => Some(a * b),
        ('/', a, b) => a.checked_div(b),
        (_, a, b) => a.checked_rem(b),
    };
    let float = || -> Option<f64> {
        let number = |value: &Value| value.as_f64().or_else(|| whole(value).map(|us| us as f64));
        let (a, b) = (number(a)?, number(b)?);
        let result = match sign {
            '+' => a + b,
            '-' => a - b,
            '*' => a * b,
            _ if b == 0.0 => return None,
            _ => a / b,
        };
        (!result.is_nan()).then_some(result)
    };
    let is_float = |value: &Value| matches!(value, Value::Float(_));
    match ty {
        Type::Int => Some(Value::Int(i64::try_from(exact()?).ok()?)),
        Type::Float => float().map(Value::Float),
        Type::Str => Some(Value::text(format!("{a}{b}"))),
        Type::Timestamp => time(exact()?),
        _ if is_float(a) || is_float(b) => {
            let us = float()?;
            if us.is_finite() && us.abs() < 9.2e18 { span(us as i128) } else { None }
        }
        _ => span(exact()?),
    }
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Str(a), Value::Str(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Float(x), other) => Some(compare_exactly(whole(other)?, *x).reverse()),
        (other, Value::Float(x)) => Some(compare_exactly(whole(other)?, *x)),
        (a, b) => Some(whole(a)?.cmp(&whole(b)?)),
    }
}

/// Compares without rounding the integer: the floats in between are whole numbers and a rest.
fn compare_exactly(int: i128, float: f64) -> Ordering {
    if float.abs() >= 1e20 {
        return if float > 0.0 { Ordering::Less } else { Ordering::Greater };
    }
    let floor = float.floor();
    int.cmp(&(floor as i128)).then(if float > floor { Ordering::Less } else { Ordering::Equal })
}

// --- Writing it as a rule does

/// Writes expressions; what stands for a leaf is decided by `literal`.
struct Writer<'m> {
    fields: Vec<(Type, Value)>,
    literal: Option<&'m mut Maker>,
}

impl Writer<'_> {
    fn text(&mut self, expr: &Expr) -> String {
        match expr {
            Expr::Leaf(ty, value) => self.leaf(*ty, value),
            Expr::Not(x) => format!("(not {})", self.text(x)),
            Expr::Neg(x) => format!("(-{})", self.text(x)),
            Expr::Joined(word, operands) => {
                let operands: Vec<String> = operands.iter().map(|operand| self.text(operand)).collect();
                format!("({})", operands.join(&format!(" {word} ")))
            }
            Expr::Compare(word, sides) => {
                format!("({} {word} {})", self.text(&sides[0]), self.text(&sides[1]))
            }
            Expr::Arithmetic(sign, _, sides) => {
                format!("({} {sign} {})", self.text(&sides[0]), self.text(&sides[1]))
            }
            Expr::Default(_, sides) => format!("({} ?? {})", self.text(&sides[0]), self.text(&sides[1])),
            Expr::If(_, parts) => {
                let [a, b, c] = &**parts;
                format!("if({}, {}, {})", self.text(a), self.text(b), self.text(c))
            }
            Expr::In(negated, x, members) => {
                let value = self.text(x);
                let members: Vec<String> = members.iter().map(|member| self.text(member)).collect();
                format!("({value} {}in ({}))", if *negated { "not " } else { "" }, members.join(", "))
            }
            Expr::IsMissing(missing, x) => {
                format!("({} is {})", self.text(x), if *missing { "missing" } else { "present" })
            }
        }
    }

    fn leaf(&mut self, ty: Type, value: &Value) -> String {
        let is_literal =
            ty != Type::Timestamp && self.literal.as_mut().is_some_and(|maker| maker.0.random_ratio(2, 3));
        if !is_literal {
            self.fields.push((ty, value.clone()));
            return format!("a.x{}", self.fields.len() - 1);
        }
        match value {
            Value::Null => format!("if(false, {}, null)", literal(&example(ty))),
            value => literal(value),
        }
    }
}

fn example(ty: Type) -> Value {
    match ty {
        Type::Bool => Value::Bool(true),
        Type::Int => Value::Int(1),
        Type::Float => Value::Float(1.5),
        Type::Str => Value::text("a"),
        _ => Value::Duration(Duration::SECOND),
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Str(text) => format!("\"{text}\""),
        Value::Int(x) if *x < 0 => format!("(-{})", x.unsigned_abs()),
        Value::Float(x) if x.fract() == 0.0 => format!("({x}.0)"),
        Value::Float(x) => format!("({x})"),
        other => other.to_string(),
    }
}

// --- The engine's answer

/// What the engine computes for expressions over one event, and how often it could not.
fn computed(texts: &[String], fields: &[(Type, Value)]) -> (Vec<Value>, u64) {
    let mut rules = "stream s {\n".to_owned();
    for (number, (ty, _)) in fields.iter().enumerate() {
        writeln!(rules, "x{number} {ty}?").expect("writing to a String cannot fail");
    }
    rules.push_str("}\nrule r {\nmatch s as a\nalert low \"x\" {\n");
    for (number, text) in texts.iter().enumerate() {
        writeln!(rules, "y{number} = {text}").expect("writing to a String cannot fail");
    }
    rules.push_str("}\n}\n");
    let sources = Sources::new([("rules.trip", rules.clone())]);
    let (program, diagnostics) = Program::compile(&sources);
    let program =
        program.unwrap_or_else(|| panic!("{rules}\n{}", render_all(&diagnostics, &sources, Style::Plain)));
    let mut engine = Engine::new(Arc::new(program), EngineOptions::RECORDED);
    let values: Vec<Value> = fields.iter().map(|(_, value)| value.clone()).collect();
    let now = Timestamp::from_micros(0);
    engine.push(Event::new(StreamId(0), now, Position::default(), values, *b"{}"), now).expect("in time");
    engine.finish();
    let alert = engine.take_alerts().pop().expect("every event matches");
    (alert.fields.into_iter().map(|(_, value)| value).collect(), engine.stats().rules.faults[0])
}

#[test]
fn expressions_are_computed_as_the_language_says() {
    let types = [Type::Bool, Type::Int, Type::Float, Type::Str, Type::Duration, Type::Timestamp];
    let mut null = 0;
    for seed in 0..1_500 {
        let mut maker = Maker(ChaCha8Rng::seed_from_u64(seed));
        let exprs: Vec<(Type, Expr)> = types.iter().map(|ty| (*ty, maker.expr(*ty, 4))).collect();
        let faults = Faults::default();
        let expected: Vec<Value> = exprs.iter().map(|(_, expr)| expr.value(&faults)).collect();

        let mut writer = Writer { fields: Vec::new(), literal: None };
        let texts: Vec<String> = exprs.iter().map(|(_, expr)| writer.text(expr)).collect();
        let (values, counted) = computed(&texts, &writer.fields);
        check(seed, &exprs, &texts, &values, &expected);
        assert_eq!(counted, faults.0.get(), "seed {seed}: what cannot be computed is counted\n{texts:#?}");

        let mut writer = Writer { fields: Vec::new(), literal: Some(&mut maker) };
        let texts: Vec<String> = exprs.iter().map(|(_, expr)| writer.text(expr)).collect();
        let (values, counted) = computed(&texts, &writer.fields);
        check(seed, &exprs, &texts, &values, &expected);
        assert!(counted <= faults.0.get(), "seed {seed}: what is folded is not counted");
        null += expected.iter().filter(|value| value.is_null()).count();
    }
    assert!((1_000..5_000).contains(&null), "{null} values are null");
}

fn check(seed: u64, exprs: &[(Type, Expr)], texts: &[String], values: &[Value], expected: &[Value]) {
    for (((ty, _), text), (value, expected)) in exprs.iter().zip(texts).zip(values.iter().zip(expected)) {
        assert_eq!(value, expected, "seed {seed}: {text}");
        assert!(value.is_null() || value.ty() == *ty, "seed {seed}: {text} is {}", value.ty());
    }
}
