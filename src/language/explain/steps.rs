//! The pattern step by step.

use crate::diagnostic::Span;
use crate::event::Duration;
use crate::language::tree::{
    Absence, Atom, Element, Group, GroupKind, Link, LinkKind, Modifier, Name, Sequence, Spanned,
};

use super::phrase::without_parentheses;
use super::phrase::{Item, count, exact, is_nullable, is_short, items, manner, rounds, single, skips};
use super::value::one;
use super::words::{self, code, sentences};
use super::{Explainer, Point, phrase};

/// What `lazy` does.
pub(super) const LAZY: &str =
    "once there are enough, an event that fits what comes after counts as that, even if it fits here as well";
/// What `any` does in a count.
pub(super) const COMBINATIONS: &str =
    "every combination is tried: after the first, an event that fits is both taken and passed over";

/// Where a part of the pattern stands.
#[derive(Clone, Copy)]
struct Spot<'t> {
    /// Whether it belongs to the sequence of the match itself, whose end is the end of the match.
    top: bool,
    /// Whether nothing of the pattern follows it.
    is_last: bool,
    /// Whether all before it may have been left out.
    is_start: bool,
    /// What stands before it in its sequence.
    before: Option<Item<'t>>,
    /// What stands behind it in its sequence.
    after: Option<Item<'t>>,
    /// Whether more of an open count, or something optional, may be taken before it.
    after_open: bool,
}

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

    fn link_notes(&self, link: &Link, element: &'t Element, spot: Spot<'t>) -> Vec<String> {
        let is_single = is_once(element);
        let mut notes = Vec::new();
        match link.kind {
            LinkKind::Next => notes.push(self.next_note(element, spot)),
            LinkKind::ThenAny => notes.push(any_note(element)),
            LinkKind::Then => {}
        }
        if link.within.is_some() && !is_single {
            notes.push(format!("that limit holds for {}", first_of(element)));
        }
        notes
    }

    /// What `next` demands of a step.
    fn next_note(&self, element: &Element, spot: Spot<'t>) -> String {
        let it = first_of(element);
        let start = if spot.is_start { ", unless the match begins with it" } else { "" };
        let sequence = self.sequence_name();
        format!(
            "{it} must be the very next event of {sequence}, whether that one fits anything or not{start}"
        )
    }

    /// What a count means beyond its number.
    fn count_notes(&self, element: &'t Element, spot: Spot<'t>) -> Vec<String> {
        let mut notes = Vec::new();
        let Some((times, modifiers)) = count(element) else { return notes };
        if times.max != Some(1) {
            if modifiers.contains(&Modifier::Consecutive) {
                notes.push(self.consecutive_note(single(&element.atom).is_some()));
            }
            if modifiers.contains(&Modifier::Any) {
                notes.push(COMBINATIONS.to_owned());
            }
        }
        let is_open = times.max != Some(times.min);
        if is_open && !spot.is_last && self.may_share(element, spot) {
            notes.push(match (modifiers.contains(&Modifier::Lazy), single(&element.atom)) {
                (true, _) => LAZY.to_owned(),
                (false, Some((name, _))) if times.max != Some(1) => {
                    format!(
                        "an event that also fits what comes after counts as a further {} event",
                        code(&name.node)
                    )
                }
                (false, _) => "an event that also fits what comes after is taken here".to_owned(),
            });
        }
        if let Some(until) = &element.until {
            notes.push(self.until(until, times.min));
        }
        notes
    }

    /// What `consecutive` demands.
    pub fn consecutive_note(&self, is_single: bool) -> String {
        let each = if is_single { "each" } else { "each round" };
        format!(
            "{each} directly follows the one before, with no other event of {} in between",
            self.sequence_name()
        )
    }

    /// Whether an event could fit both an element and what comes after it, as far as streams tell.
    fn may_share(&self, element: &'t Element, spot: Spot<'t>) -> bool {
        let (Some((name, _)), Some(after)) = (single(&element.atom), spot.after) else { return true };
        let other = match after {
            Item::Step(_, next) if !is_nullable(next) => single(&next.atom).map(|(name, _)| name),
            Item::Step(..) => None,
            Item::Absence(absence) => return absence.duration.is_none(),
        };
        other.is_none_or(|other| self.rule.stream_of(&name.node) == self.rule.stream_of(&other.node))
    }

    /// `until NAME`
    pub fn until(&self, until: &Name, min: u32) -> String {
        let fails = match min {
            0 | 1 => String::new(),
            min => {
                format!("; if there are fewer than {} by then, there is no match", words::number(min.into()))
            }
        };
        format!(
            "once one has been taken, {} ends this: from it on no more are taken{fails}",
            one(&until.node)
        )
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
            Some((times, _)) if phrase::is_once(times) => what.to_owned(),
            Some((times, _)) if times.max == Some(1) => format!("{} {what}", rounds(times)),
            Some((times, modifiers)) => format!("{}{}, {what}", rounds(times), manner(&modifiers)),
            None => what.to_owned(),
        }
    }

    /// What holds for a group as a whole.
    fn group_notes(&self, group: &Group, element: &Element) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        if group.branches.len() > 1 {
            notes.push(match group.kind {
                GroupKind::Or => {
                    "an event that fits several of them counts for the first of these".to_owned()
                }
                GroupKind::And if is_plain(group) => "they are different events".to_owned(),
                GroupKind::And => {
                    "they are different events; one part that has begun is finished before another begins"
                        .to_owned()
                }
            });
        }
        if let Some(within) = &group.within {
            let repeats = count(element).is_some_and(|(count, _)| count.max != Some(1));
            notes.push(group_limit(within, repeats));
        }
        notes
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

    /// Something that must not come.
    fn absence(&self, absence: &Absence, spot: Spot<'t>) -> String {
        let name = code(&absence.name.node);
        let sequence = self.sequence_name();
        let within = self.rule.pattern.and_then(|clause| clause.within.as_ref());
        let within = within.filter(|_| spot.top).map(|within| words::duration(within.node));
        let is_last = spot.after.is_none();
        match (&absence.duration, absence.next) {
            (Some(duration), _) => {
                let span = words::duration(duration.node);
                let again = match spot.after_open {
                    true => {
                        "if another event is taken before they are over, they begin anew with that one; once they are over, no more are taken there"
                    }
                    false => "",
                };
                let text = format!("then no {name} event in the {span} after {}", before(spot));
                sentences(&[text.as_str(), "one at exactly their end still counts against it", again])
            }
            (None, false) if is_last => match within {
                Some(span) => sentences(&[
                    format!("then no {name} event until {span} after the first event of the match").as_str(),
                    "one at exactly that moment still counts against it",
                ]),
                None => words::sentence(&format!("then no {name} event; nothing says for how long")),
            },
            (None, true) if is_last => {
                let none = within.map(|span| {
                    format!("if none comes until {span} after the first event of the match, that is as good")
                });
                let text =
                    format!("the very next event of {sequence} must not be {}", one(&absence.name.node));
                sentences(&[text, none.unwrap_or_default()])
            }
            (None, false) => {
                let next = after(spot);
                let text = format!("no {name} event comes between {} and {next}", before(spot));
                sentences(&[text, format!("that one itself does not count, even if it fits {name} as well")])
            }
            (None, true) => {
                let from =
                    if matches!(spot.before, Some(Item::Absence(_))) { " after that time" } else { "" };
                let name = one(&absence.name.node);
                let text = format!(
                    "the very next event of {sequence}{from} must not be {name}, even if it would fit the next step"
                );
                words::sentence(&text)
            }
        }
    }

    /// Whether the pattern tries several ways from one beginning.
    pub fn has_any(&self) -> bool {
        self.rule.pattern.is_some_and(|clause| sequence_has_any(&clause.pattern))
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

fn sequence_has_any(sequence: &Sequence) -> bool {
    items(sequence).into_iter().any(|item| match item {
        Item::Absence(_) => false,
        Item::Step(link, element) => {
            link.is_some_and(|link| link.kind == LinkKind::ThenAny) || element_has_any(element)
        }
    })
}

fn element_has_any(element: &Element) -> bool {
    count(element).is_some_and(|(_, modifiers)| modifiers.contains(&Modifier::Any))
        || match &element.atom {
            Atom::Name { .. } => false,
            Atom::Element(inner) => element_has_any(inner),
            Atom::Group(group) => group.branches.iter().any(sequence_has_any),
        }
}

/// What `then any` does.
fn any_note(element: &Element) -> String {
    let fits = match is_once(element) {
        true => "an event that fits".to_owned(),
        false => format!("an event that fits as {}", first_of(element)),
    };
    format!(
        "every way is tried: {fits} is both taken and passed over for a later one, so one beginning can lead to several matches"
    )
}

/// What a link joins of an element.
fn first_of(element: &Element) -> &'static str {
    match (is_once(element), single(&element.atom)) {
        (true, _) => "it",
        (false, Some(_)) => "the first of them",
        (false, None) => "its first event",
    }
}

/// Whether an element is a single event that comes at most once.
fn is_once(element: &Element) -> bool {
    single(&element.atom).is_some() && count(element).is_none_or(|(count, _)| count.max == Some(1))
}

/// Whether a count inside a count says all that is to be said of it.
fn is_simple_count(element: &Element) -> bool {
    single(&element.atom).is_some()
        && element.until.is_none()
        && count(element)
            .is_none_or(|(count, modifiers)| count.max == Some(count.min) && modifiers.is_empty())
}

/// Whether each branch of a group is one event, so that a sentence holds all of it.
fn is_plain(group: &Group) -> bool {
    group.branches.iter().all(|branch| {
        branch.rest.is_empty() && branch.first.quantifier.is_none() && single(&branch.first.atom).is_some()
    })
}

/// Whether more of an element may be taken when what follows it could be taken as well.
fn is_open(element: &Element) -> bool {
    let own = count(element).is_some_and(|(count, _)| count.max != Some(count.min));
    own || match &element.atom {
        Atom::Name { .. } => false,
        Atom::Element(inner) => is_open(inner),
        Atom::Group(group) => group.branches.iter().any(|branch| {
            items(branch).last().is_some_and(|item| match item {
                Item::Step(_, element) => is_open(element),
                Item::Absence(_) => false,
            })
        }),
    }
}

/// The moment from which what stands at a spot counts its time.
fn before(spot: Spot<'_>) -> String {
    match spot.before {
        Some(Item::Absence(_)) => "the end of that time".to_owned(),
        Some(Item::Step(_, element)) if !is_nullable(element) => {
            named(element, "last").unwrap_or_else(|| "the event taken last".to_owned())
        }
        _ => "the event taken last".to_owned(),
    }
}

/// The event with which what stands at a spot is over.
fn after(spot: Spot<'_>) -> String {
    match spot.after {
        Some(Item::Step(_, element)) if !is_nullable(element) => {
            named(element, "first").unwrap_or_else(|| "the event that is taken next".to_owned())
        }
        _ => "the event that is taken next".to_owned(),
    }
}

/// The first or last event of an element that is a single one, perhaps several times.
pub(super) fn named(element: &Element, which: &str) -> Option<String> {
    let (name, alias) = single(&element.atom)?;
    let name = code(&alias.unwrap_or(name).node);
    Some(match is_once(element) {
        true => format!("the {name} event"),
        false => format!("the {which} {name} event"),
    })
}

/// `within` in parentheses.
pub(super) fn group_limit(within: &Spanned<Duration>, repeats: bool) -> String {
    let span = words::duration(within.node);
    let each = if repeats { "each time, " } else { "" };
    format!(
        "{each}all of this lies within {span}, from the first event to the last; exactly {span} is still in time"
    )
}

fn prefixed(first: String, rest: Vec<String>) -> Vec<String> {
    std::iter::once(first).chain(rest).collect()
}
