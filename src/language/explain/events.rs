//! What the events of a rule are, and the names that their conditions use.

use std::collections::BTreeSet;

use crate::event::Duration;
use crate::language::tree::{EventDef, Expr, ExprKind, Stream, StreamBody, TimeClause, UnaryOp};

use super::markdown::{Piece, pieces};
use super::names::is_literal;
use super::value::Place;
use super::words::{self, article, code, codes, list, sentences};
use super::{Explainer, Point, code as written};

/// The longest list of conditions that is one sentence, in bytes; a longer one becomes a list.
const LONGEST_SENTENCE: usize = 150;

impl<'t> Explainer<'_, 't> {
    /// What each event definition means, then the streams that the pattern names itself.
    pub fn events(&self) -> Vec<Point> {
        let mut points: Vec<Point> = self.rule.events.iter().map(|event| self.event(event)).collect();
        for name in self.rule.named.iter().filter(|name| self.rule.event(name).is_none()) {
            let shown = code(name);
            points.push(Point::new(
                match self.set.streams.contains_key(name) {
                    true => format!("{shown} is any event of the stream {shown}."),
                    false => format!("{shown} is neither an event of this rule nor a stream."),
                },
                None,
            ));
        }
        points
    }

    /// `event NAME = STREAM where condition`
    pub fn event(&self, event: &'t EventDef) -> Point {
        let (name, stream) = (code(&event.name.node), code(&event.stream.node));
        let span = Some(
            event
                .name
                .span
                .to(event.condition.as_ref().map_or(event.stream.span, |condition| condition.span)),
        );
        let unused = match self.rule.pattern {
            Some(_) if !self.rule.is_named(&event.name.node) => "The pattern does not use it",
            _ => "",
        };
        let Some(condition) = &event.condition else {
            return Point::new(sentences(&[format!("{name} is any {stream} event").as_str(), unused]), span);
        };
        let scope = self.scope(Place::Condition(&event.stream.node));
        let article = article(&event.stream.node);
        let without = self.without(&scope.needed(condition));
        let clauses = scope.clauses(condition);
        let text = list(&clauses, "and");
        if clauses.len() == 1 || text.len() <= LONGEST_SENTENCE {
            let text = format!("{name} is {article} {stream} event where {text}");
            return Point::new(sentences(&[text.as_str(), &without, unused]), span);
        }
        let head = format!("{name} is {article} {stream} event for which all of this holds:");
        let mut point = Point::new(sentences(&[unused, &head]), span);
        point.children = clauses.iter().map(|clause| Point::new(words::sentence(clause), None)).collect();
        if !without.is_empty() {
            point.children.push(Point::new(words::sentence(&without), None));
        }
        point
    }

    /// What becomes of events that lack one of these fields.
    fn without(&self, fields: &BTreeSet<String>) -> String {
        match fields.is_empty() {
            true => String::new(),
            false => format!("an event without {} does not fit", codes(fields, "or")),
        }
    }

    /// The constants and definitions that the conditions and alerts use, except those whose value the
    /// conditions show.
    pub fn names(&self) -> Vec<Point> {
        let used = self.rule.expressions();
        let told_of = self.events().into_iter().chain(self.alerting()).chain(self.reporting());
        let texts: Vec<String> = told_of.map(|point| all_text(&point)).collect();
        let shown: BTreeSet<&str> = texts.iter().flat_map(|text| told(text)).collect();
        let mut points = Vec::new();
        for name in self.set.names_used(&used) {
            let scope = self.scope(Place::Definition);
            if let Some(definition) = self.set.definitions.get(name) {
                let parameters: Vec<&str> =
                    definition.parameters.iter().map(|parameter| parameter.name.node.as_str()).collect();
                let head = code(&format!("{name}({})", parameters.join(", ")));
                let body = match is_condition(&definition.body) {
                    true => format!("holds when {}", scope.clause(&definition.body)),
                    false => format!("is {}", scope.value(&definition.body)),
                };
                points.push(Point::new(format!("{head} {body}."), None));
            } else if let Some(constant) = self.set.constants.get(name)
                && !shown.contains(name)
            {
                let value = match is_literal(&constant.value) {
                    true => scope.quantity(&constant.value),
                    false => code(&written::expression(&constant.value)),
                };
                points.push(Point::new(format!("{} is {value}.", code(name)), None));
            }
        }
        points
    }

    /// When events happen, and how long they are waited for. Streams alike are told together.
    pub fn event_time(&self) -> Vec<Point> {
        let mut told: Vec<(String, Vec<&str>)> = Vec::new();
        let streams = self.rule.streams.iter().copied().chain(self.rule.past_streams());
        for stream in streams.filter_map(|name| self.set.streams.get(name)) {
            let text = self.stream_time(stream);
            match told.iter_mut().find(|(other, _)| *other == text) {
                Some((_, names)) => names.push(&stream.name.node),
                None => told.push((text, vec![&stream.name.node])),
            }
        }
        let point =
            |(text, names): (String, Vec<&str>)| Point::new(format!("{}: {text}", codes(names, "and")), None);
        let mut points: Vec<Point> = told.into_iter().map(point).collect();
        if self.waits_for_time() && !points.is_empty() {
            let text = "event time has passed a moment when every source has sent an event later by more than its `late`, or is no longer waited for";
            points.push(Point::new(words::sentence(text), None));
        }
        points
    }

    fn stream_time(&self, stream: &Stream) -> String {
        if let StreamBody::Rule(rule) = &stream.body {
            let rule = code(&rule.node);
            return format!(
                "Its events are the alerts of the rule {rule}, at the times at which they were decided."
            );
        }
        let field = match &stream.time {
            Some(TimeClause::Field(field)) => Some(field),
            Some(TimeClause::Arrival(_)) | None => None,
        };
        let time = match field {
            Some(field) => format!("the time of an event is its {}", code(&field.node)),
            None => "the time of an event is that of its arrival".to_owned(),
        };
        let late = match &stream.late {
            Some(late) if field.is_some() && late.node > Duration::ZERO => {
                let late = words::duration(late.node);
                format!("it may come up to {late} behind newer ones, so alerts come about that much later")
            }
            _ => String::new(),
        };
        let idle = match &stream.idle {
            Some(idle) => format!(
                "a source that has been quiet for {} is no longer waited for",
                words::duration(idle.node)
            ),
            None if field.is_some() && self.waits_for_time() => {
                "there is no `idle`: a source that falls quiet holds back what waits for event time"
                    .to_owned()
            }
            None => String::new(),
        };
        sentences(&[time, late, idle])
    }

    /// The streams in whose sequence the pattern looks, as in "the very next event of `auth`".
    pub fn sequence_name(&self) -> String {
        let same = self.same_key().replacen(" of the", " with the", 1);
        format!("{}{same}", codes(&self.rule.streams, "or"))
    }
}

/// Whether an expression is true or false rather than a value, as far as its form tells.
pub(super) fn is_condition(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::And(_) | ExprKind::Or(_) | ExprKind::In { .. } | ExprKind::Bool(_) => true,
        ExprKind::Like(..) | ExprKind::Matches(..) | ExprKind::IsMissing(..) => true,
        ExprKind::Unary(op, _) => op.node == UnaryOp::Not,
        ExprKind::Binary(_, op, _) => op.node.is_comparison(),
        ExprKind::Call { function, .. } => {
            matches!(function.node.as_str(), "contains" | "starts_with" | "ends_with")
        }
        _ => false,
    }
}

/// The names whose values a text tells: those with parentheses behind them.
fn told(text: &str) -> Vec<&str> {
    let pieces = pieces(text);
    let pairs = pieces.windows(2).filter_map(|pair| match pair {
        [Piece::Code(name), Piece::Text(behind)]
            if behind.starts_with(" (") && !behind.starts_with(" (or ") =>
        {
            Some(*name)
        }
        _ => None,
    });
    pairs.collect()
}

/// All text of a point and of what belongs to it.
fn all_text(point: &Point) -> String {
    let mut text = point.text.clone();
    point.children.iter().for_each(|child| text.push_str(&all_text(child)));
    text
}
