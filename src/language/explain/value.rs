//! Values in words: what stands on the sides of a comparison.

use crate::event::Type;
use crate::language::tree::{BinaryOp, Expr, ExprKind, Name, Over, UnaryOp};

use super::code;
use super::names::{RuleParts, RuleSet, is_literal};
use super::words::{self, article, list};

/// Where an expression stands, which decides what its names mean.
#[derive(Clone, Copy)]
pub(super) enum Place<'s> {
    /// In the condition of an event of this stream.
    Condition(&'s str),
    /// In the `where` of a history aggregate over this stream.
    Past(&'s str),
    /// In an alert or `limit`: the whole match is known.
    Match,
    /// In a constant or definition.
    Definition,
}

/// What the names in an expression mean.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s, 't> {
    pub set: &'s RuleSet<'t>,
    pub rule: &'s RuleParts<'t>,
    pub place: Place<'s>,
}

impl<'t> Scope<'_, 't> {
    /// A value as a noun: `the average `amount` of the `small` events so far`.
    pub fn value(&self, expr: &Expr) -> String {
        self.natural(expr).unwrap_or_else(|| words::code(&code::expression(expr)))
    }

    /// The same of something that is compared by size: large numbers get commas.
    pub fn quantity(&self, expr: &Expr) -> String {
        match &expr.kind {
            ExprKind::Int(number) => words::grouped(&number.to_string()),
            ExprKind::Float(number) => words::grouped(&float(*number)),
            _ => self.value(expr),
        }
    }

    /// The words for a value that has natural ones.
    fn natural(&self, expr: &Expr) -> Option<String> {
        match &expr.kind {
            ExprKind::Null => Some("null".to_owned()),
            ExprKind::Bool(value) => Some(value.to_string()),
            ExprKind::Int(number) => Some(number.to_string()),
            ExprKind::Float(number) => Some(float(*number)),
            ExprKind::Str(text) => Some(words::code(&code::quoted(text))),
            ExprKind::Duration(span) => Some(words::duration(*span)),
            ExprKind::Name(name) => Some(self.name(name)),
            ExprKind::Field(of, field) => self.field(of, field),
            ExprKind::Call { function, arguments, condition, over } => {
                self.aggregate(function, arguments, condition.as_deref(), over.as_ref()).or_else(|| {
                    let is_plain = condition.is_none() && over.is_none();
                    is_plain.then(|| self.call(&function.node, arguments)).flatten()
                })
            }
            ExprKind::Unary(op, of) if op.node == UnaryOp::Neg => match of.kind {
                ExprKind::Int(_) | ExprKind::Float(_) => Some(format!("-{}", self.natural(of)?)),
                _ => None,
            },
            ExprKind::Binary(left, op, right) => self.combined(left, op.node, right),
            _ => None,
        }
    }

    fn name(&self, name: &str) -> String {
        if name == "time" && matches!(self.place, Place::Condition(_) | Place::Past(_)) {
            return "its time".to_owned();
        }
        let shown = words::code(name);
        match self.set.literal(name).filter(|_| !self.is_field(name)) {
            Some(value) => format!("{shown} ({})", self.quantity(value)),
            None => shown,
        }
    }

    /// Whether a bare name is a field here rather than a constant.
    fn is_field(&self, name: &str) -> bool {
        match self.place {
            Place::Condition(stream) | Place::Past(stream) => self.set.field(stream, name).is_some(),
            Place::Match | Place::Definition => false,
        }
    }

    /// `v.f`, `first(v).f`, `this.f`, `table[key].column`
    fn field(&self, of: &Expr, field: &Name) -> Option<String> {
        let event = match &of.kind {
            ExprKind::Name(name) if name == "this" && matches!(self.place, Place::Past(_)) => {
                return Some(format!("this event's {}", words::code(&field.node)));
            }
            ExprKind::Index(table, keys) => {
                let ExprKind::Name(table) = &table.kind else { return None };
                let keys: Vec<String> = keys.iter().map(|key| self.value(key)).collect();
                let (field, table) = (words::code(&field.node), words::code(table));
                return Some(format!("the {field} of {} in the table {table}", list(&keys, "and")));
            }
            _ => self.event(of)?,
        };
        Some(match field.node.as_str() {
            "time" => format!("the time of {event}"),
            name => format!("the {} of {event}", words::code(name)),
        })
    }

    /// A captured event: `v`, `first(v)`, `last(v)`.
    fn event(&self, expr: &Expr) -> Option<String> {
        match &expr.kind {
            ExprKind::Name(name) => {
                let round = match self.place {
                    Place::Condition(_) if self.rule.repeated.contains(name.as_str()) => " of the same round",
                    _ => "",
                };
                Some(format!("the {} event{round}", words::code(name)))
            }
            ExprKind::Call { function, arguments, condition: None, over: None } => {
                let [Expr { kind: ExprKind::Name(name), .. }] = arguments.as_slice() else { return None };
                let so_far = match (function.node.as_str(), self.place) {
                    ("first", _) => "",
                    ("last", Place::Condition(_)) => " so far",
                    ("last", _) => "",
                    _ => return None,
                };
                Some(format!("the {} {} event{so_far}", function.node, words::code(name)))
            }
            _ => None,
        }
    }

    /// The event whose time an expression is.
    fn event_of_time(&self, expr: &Expr) -> Option<String> {
        match &expr.kind {
            ExprKind::Name(name) if name == "time" && matches!(self.place, Place::Condition(_)) => {
                Some("this event".to_owned())
            }
            ExprKind::Field(of, field) if field.node == "time" => self.event(of),
            _ => None,
        }
    }

    /// An aggregate over captured events or over history.
    fn aggregate(
        &self,
        function: &Name,
        arguments: &[Expr],
        condition: Option<&Expr>,
        over: Option<&Over>,
    ) -> Option<String> {
        let [argument] = arguments else { return None };
        let (name, field) = match &argument.kind {
            ExprKind::Name(name) => (name, None),
            ExprKind::Field(of, field) => match &of.kind {
                ExprKind::Name(name) => (name, Some(words::code(&field.node))),
                _ => return None,
            },
            _ => return None,
        };
        let events = self.events(name, condition, over)?;
        Some(match (function.node.as_str(), field) {
            ("count", None) => format!("the number of {events}"),
            ("count", Some(field)) => format!("the number of {field} values of {events}"),
            ("count_distinct", Some(field)) => format!("the number of different {field} values of {events}"),
            ("sum", Some(field)) => format!("the total {field} of {events}"),
            ("avg", Some(field)) => format!("the average {field} of {events}"),
            ("min", Some(field)) => format!("the smallest {field} of {events}"),
            ("max", Some(field)) => format!("the largest {field} of {events}"),
            ("stddev", Some(field)) => format!("the standard deviation of {field} of {events}"),
            _ => return None,
        })
    }

    /// The events that an aggregate is over.
    fn events(&self, name: &str, condition: Option<&Expr>, over: Option<&Over>) -> Option<String> {
        let Some(over) = over else {
            let so_far = if matches!(self.place, Place::Condition(_)) { " so far" } else { "" };
            return condition.is_none().then(|| format!("{} events{so_far}", words::code(name)));
        };
        // The past is that of a stream, also where an event of the rule is called like it.
        let events = match self.rule.event(name) {
            Some(_) => format!("events of the stream {}", words::code(name)),
            None => format!("{} events", words::code(name)),
        };
        let span = words::span(over.duration.node);
        let past = Scope { place: Place::Past(name), ..*self };
        let mut notes: Vec<String> = Vec::new();
        notes.extend(condition.map(|condition| format!("only those where {}", past.clause(condition))));
        let is_alert = matches!(self.place, Place::Match);
        let when = match over.previous {
            true if is_alert => {
                notes.push("without the event that completed the match".to_owned());
                format!("in the {span} up to the alert")
            }
            true => format!("in the {span} before this event"),
            false if is_alert => format!("in the {span} up to the alert"),
            false => {
                // An event of another stream is not among those of the past.
                let is_own = matches!(self.place, Place::Condition(stream) if stream == name);
                notes.extend(is_own.then(|| "this event included".to_owned()));
                format!("in the last {span}")
            }
        };
        let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
        Some(format!("{events} {when}{notes}"))
    }

    /// A call of a function that is spoken of by its result.
    fn call(&self, function: &str, arguments: &[Expr]) -> Option<String> {
        if self.set.definitions.contains_key(function) {
            return None;
        }
        if let ("abs", [Expr { kind: ExprKind::Binary(left, op, right), .. }]) = (function, arguments)
            && op.node == BinaryOp::Sub
        {
            return Some(format!(
                "the difference between {} and {}",
                self.operand(left)?,
                self.operand(right)?
            ));
        }
        // What is calculated would run into the words around it.
        let value = |index: usize| {
            let argument = arguments.get(index)?;
            match &argument.kind {
                ExprKind::Binary(left, op, right) => {
                    let is_span = op.node == BinaryOp::Sub && self.is_time(left) && self.is_time(right);
                    if is_span { self.natural(argument) } else { None }
                }
                _ => Some(self.value(argument)),
            }
        };
        Some(match (function, arguments.len()) {
            ("hour" | "date", 1) => format!("the {function} of {} (UTC)", value(0)?),
            ("weekday", 1) => format!("the weekday of {} (UTC, Monday is 1)", value(0)?),
            ("hour" | "date", 2) => format!("the {function} of {} in {}", value(0)?, value(1)?),
            ("weekday", 2) => format!("the weekday of {} in {} (Monday is 1)", value(0)?, value(1)?),
            ("lower", 1) => format!("{} in small letters", value(0)?),
            ("upper", 1) => format!("{} in capital letters", value(0)?),
            ("length", 1) => format!("the length of {}", value(0)?),
            ("abs", 1) => format!("the absolute value of {}", value(0)?),
            ("seconds" | "minutes" | "hours", 1) => format!("{} in {function}", value(0)?),
            ("min", 2) => format!("the smaller of {} and {}", value(0)?, value(1)?),
            ("max", 2) => format!("the larger of {} and {}", value(0)?, value(1)?),
            ("coalesce", 2) => self.combined(arguments.first()?, BinaryOp::Default, arguments.get(1)?)?,
            _ => return None,
        })
    }

    /// Two operands of `??` or of arithmetic. Only flat arithmetic has natural words.
    fn combined(&self, left: &Expr, op: BinaryOp, right: &Expr) -> Option<String> {
        if op == BinaryOp::Default {
            return Some(format!("{} (or {} if missing)", self.operand(left)?, self.operand(right)?));
        }
        if op == BinaryOp::Sub
            && let (Some(later), Some(earlier)) = (self.event_of_time(left), self.event_of_time(right))
        {
            return Some(match later.as_str() {
                "this event" => format!("the time since {earlier}"),
                _ => format!("the time from {earlier} to {later}"),
            });
        }
        let word = match op {
            BinaryOp::Add => "plus",
            BinaryOp::Sub => "minus",
            BinaryOp::Mul => "times",
            BinaryOp::Div => "divided by",
            _ => return None,
        };
        let own = |expr: &Expr, other: &Expr, words: String| match &expr.kind {
            // Beside what other events hold it must be clear whose field is meant.
            ExprKind::Name(name)
                if self.is_field(name) && !matches!(other.kind, ExprKind::Name(_)) && !is_literal(other) =>
            {
                format!("its own {words}")
            }
            _ => words,
        };
        let (left_words, right_words) = (self.operand(left)?, self.operand(right)?);
        Some(format!("{} {word} {}", own(left, right, left_words), own(right, left, right_words)))
    }

    /// An operand that may stand in a calculation without parentheses around its words.
    fn operand(&self, expr: &Expr) -> Option<String> {
        match &expr.kind {
            ExprKind::Binary(..) => None,
            ExprKind::Call { over: Some(_), condition: Some(_), .. } => None,
            _ => self.natural(expr),
        }
    }

    /// Whether an expression is a point in time.
    pub fn is_time(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Name(name) => match self.place {
                Place::Condition(stream) | Place::Past(stream) => {
                    name == "time" || self.set.field_type(stream, name) == Some(Type::Timestamp)
                }
                Place::Match | Place::Definition => name == "time",
            },
            ExprKind::Field(_, field) => field.node == "time",
            ExprKind::Binary(left, op, right) => {
                matches!(op.node, BinaryOp::Add | BinaryOp::Sub) && self.is_time(left) && !self.is_time(right)
            }
            _ => false,
        }
    }
}

/// A number as few digits write it: `500`, `0.9`.
fn float(number: f64) -> String {
    let short = number.to_string();
    // A number with many zeros is told better by its power of ten.
    if short.len() > 24 { format!("{number:e}") } else { short }
}

/// `a `big` event`
pub(super) fn one(name: &str) -> String {
    format!("{} {} event", article(name), words::code(name))
}
