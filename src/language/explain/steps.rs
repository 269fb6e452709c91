//! The pattern step by step.

use crate::diagnostic::Span;
use crate::event::Duration;
use crate::language::tree::{Atom, Element, Group, GroupKind, Link, LinkKind, Sequence, Spanned};

use super::notes::{Spot, before};
use super::phrase::{manner, rounds, without_parentheses};
use super::shape::{
    Item, count, exact, has_any, is_nullable, is_once, is_open, is_plain, is_short, is_simple_count, items,
    single, skips,
};
use super::words::{self, code, sentences};
use super::{Explainer, Point};

impl<'t> Explainer<'_, 't> {
    /// The steps of the match, and what holds for all of them.
    pub fn pattern(&self) -> Vec<Point> {
        let Some(clause) = self.rule.pattern else { return Vec::new() };
        let mut points = self.steps(&clause.pattern, true, true, true);
        if let Some(within) = &clause.within
            && exact(&clause.pattern) != Some(1)
        {
            points.push(Point::new(self.limit(within), Some(within.span)));
        }
        if !self.is_one_event() {
            let text = "every event that can come first begins a partial match of its own, also while others are open";
            points.push(Point::new(words::sentence(text), None));
        }
        if skips(&clause.pattern) {
            let unless = if self.has_any() { ", except where every way is tried" } else { "" };
            let text = format!(
                "an event that fits what can come next is always taken{unless}; one that fits nothing is passed over"
            );
            points.push(Point::new(words::sentence(&text), None));
        }
        points
    }

    /// The time limit of the whole match.
    pub fn limit(&self, within: &Spanned<Duration>) -> String {
        let span = words::duration(within.node);
        format!(
            "All events taken lie within {span}, from the first to the last; exactly {span} is still in time."
        )
    }

    /// The parts of a sequence. `is_end`: nothing of the pattern follows it; `is_start`: nothing
    /// certain precedes it.
    fn steps(&self, sequence: &'t Sequence, top: bool, is_end: bool, is_start: bool) -> Vec<Point> {
        let items = items(sequence);
        let mut points = Vec::new();
        let mut spot = Spot { top, is_last: false, is_start, before: None, after: None, after_open: false };
        for (index, item) in items.iter().enumerate() {
            spot.is_last = is_end && index + 1 == items.len();
            spot.after = items.get(index + 1).copied();
            let mut point = match item {
                Item::Step(link, element) => {
                    let point = self.step(*link, element, spot);
                    spot.after_open = is_open(element);
                    spot.is_start &= is_nullable(element);
                    point
                }
                Item::Absence(absence) => {
                    let text = self.absence(absence, spot);
                    spot.after_open &= absence.duration.is_none();
                    Point::new(text, Some(absence.span))
                }
            };
            // A `not` without a span leaves open from when on it holds.
            let guards = matches!(item, Item::Absence(absence) if absence.duration.is_none());
            spot.before = if guards { spot.before } else { Some(*item) };
            point.numbered = items.len() > 1;
            points.push(point);
        }
        points
    }

    /// A step with its link.
    fn step(&self, link: Option<&Link>, element: &'t Element, spot: Spot<'t>) -> Point {
        let span = link.map_or(element.span, |link| link.span.to(element.span));
        let lead = link.map(|link| self.lead(link, spot)).unwrap_or_default();
        let mut notes: Vec<String> = Vec::new();
        if let Some(link) = link {
            notes.extend(self.link_notes(link, element, spot));
        }
        notes.extend(self.count_notes(element, spot));
        let group = match &element.atom {
            Atom::Group(group) if single(&element.atom).is_none() => Some(&**group),
            _ => None,
        };
        let is_plain = match &element.atom {
            Atom::Element(inner) => is_simple_count(inner),
            _ => is_short(element) && group.is_none_or(is_plain),
        };
        if is_plain {
            notes.extend(group.into_iter().flat_map(|group| self.group_notes(group, element)));
            let phrase = self.known_phrase(element);
            return Point::new(sentences(&prefixed(format!("{lead}{phrase}"), notes)), Some(span));
        }
        let (head, children) = match (&element.atom, group) {
            (_, Some(group)) => {
                notes.extend(self.group_notes(group, element));
                (self.group_head(group, element), self.group_points(group, spot))
            }
            (Atom::Element(inner), _) => {
                let spot = Spot { top: false, before: None, after: None, ..spot };
                (self.rounds_of(element, "the following"), vec![self.step(None, inner, spot)])
            }
            (Atom::Name { .. } | Atom::Group(_), None) => (self.element_phrase(element), Vec::new()),
        };
        let mut point = Point::new(sentences(&prefixed(format!("{lead}{head}"), notes)), Some(span));
        point.children = children;
        point
    }

    /// How a step follows: the words before it.
    fn lead(&self, link: &Link, spot: Spot<'t>) -> String {
        let within = link.within.as_ref().map(|within| words::duration(within.node));
        match (link.kind, within) {
            (LinkKind::Next, None) => "directly after that, ".to_owned(),
            (LinkKind::Next, Some(span)) => {
                format!("directly after that, within {span} of {}, ", before(spot))
            }
            (_, None) => "then ".to_owned(),
            (_, Some(span)) => format!("then, within {span} of {}, ", before(spot)),
        }
    }

    /// An element as in a sentence, with the name that it is captured as.
    fn known_phrase(&self, element: &'t Element) -> String {
        let phrase = self.element_phrase(element);
        let phrase = without_parentheses(&phrase).to_owned();
        match single(&element.atom) {
            Some((_, Some(alias))) => {
                let alias = code(&alias.node);
                phrase.replacen(&format!(" ({alias})"), &format!(" (known as {alias})"), 1)
            }
            _ => phrase,
        }
    }

    /// What the group of an element consists of, told before its parts.
    fn group_head(&self, group: &'t Group, element: &Element) -> String {
        let what = match (group.branches.len(), group.kind) {
            (0 | 1, _) => "the following steps",
            (_, GroupKind::Or) => "one of the following",
            (2, GroupKind::And) => "both of the following, in any order",
            (_, GroupKind::And) => "all of the following, in any order",
        };
        self.rounds_of(element, what)
    }

    fn rounds_of(&self, element: &Element, what: &str) -> String {
        match count(element) {
            Some((times, _)) if is_once(times) => what.to_owned(),
            Some((times, _)) if times.max == Some(1) => format!("{} {what}", rounds(times)),
            Some((times, modifiers)) => format!("{}{}, {what}", rounds(times), manner(&modifiers)),
            None => what.to_owned(),
        }
    }

    /// The parts of a group: its steps, or its branches.
    fn group_points(&self, group: &'t Group, spot: Spot<'t>) -> Vec<Point> {
        if let [branch] = group.branches.as_slice() {
            return self.steps(branch, false, spot.is_last, spot.is_start);
        }
        let branch = |sequence: &'t Sequence| {
            let mut steps = self.steps(sequence, false, spot.is_last, spot.is_start);
            if steps.len() == 1 {
                return steps.remove(0);
            }
            let mut point = Point::new("In this order:".to_owned(), Some(sequence.span));
            point.children = steps;
            point
        };
        group.branches.iter().map(branch).collect()
    }

    /// Whether the pattern tries several ways from one beginning.
    pub fn has_any(&self) -> bool {
        self.rule.pattern.is_some_and(|clause| has_any(&clause.pattern))
    }

    /// The step or absence that stands at a place of the file.
    pub fn point_at(&self, span: Span) -> Option<Point> {
        let points = self.pattern();
        find(&points, span)
    }
}

fn find(points: &[Point], span: Span) -> Option<Point> {
    let holds = |point: &&Point| {
        point.span.is_some_and(|outer| {
            outer.file == span.file && outer.start <= span.start && span.end <= outer.end
        })
    };
    let point = points.iter().find(holds)?;
    Some(find(&point.children, span).unwrap_or_else(|| point.clone()))
}

fn prefixed(first: String, rest: Vec<String>) -> Vec<String> {
    std::iter::once(first).chain(rest).collect()
}
