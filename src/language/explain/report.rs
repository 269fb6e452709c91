//! When a rule reports: what completes a match, what may follow, and what a report ends.

use crate::language::tree::{Atom, Element, GroupKind, Match, Name, Overlap, Part, Sequence};

use super::notes::named;
use super::shape::{self, Item, count, exact, is_nullable, items, single};
use super::value::one;
use super::words::{self, code, ordinal, sentences};
use super::{Explainer, Point};

impl<'t> Explainer<'_, 't> {
    /// When a match is reported, what the report ends, and what becomes of what runs out of time.
    pub fn reporting(&self) -> Vec<Point> {
        let Some(clause) = self.rule.pattern else { return Vec::new() };
        let mut points = vec![Point::new(self.completion(&clause.pattern), Some(clause.pattern.span))];
        points.extend((!self.is_one_event()).then(|| self.overlap()));
        points.extend(self.timeout());
        points
    }

    /// Whether a match is one event, so that none can be in the way of another.
    pub fn is_one_event(&self) -> bool {
        self.rule.pattern.is_some_and(|clause| {
            exact(&clause.pattern) == Some(1)
                && !items(&clause.pattern).iter().any(|item| matches!(item, Item::Absence(_)))
        })
    }

    /// What completes a match.
    fn completion(&self, pattern: &'t Sequence) -> String {
        let within = self
            .rule
            .pattern
            .and_then(|clause| clause.within.as_ref())
            .map(|within| words::duration(within.node));
        if self.is_one_event() {
            return "Every such event is a match, and is reported at once.".to_owned();
        }
        let Some(Part::Absence(absence)) = pattern.rest.last() else {
            let (moment, goes_on) = self.end(pattern);
            let goes_on = if goes_on { self.goes_on(pattern) } else { String::new() };
            return sentences(&[format!("a match is reported {moment}").as_str(), &goes_on]);
        };
        let name = code(&absence.name.node);
        let moment = match (&absence.duration, within) {
            (Some(duration), _) => {
                format!("{} after {}", words::duration(duration.node), self.before_the_end(pattern))
            }
            (None, Some(within)) => format!("{within} after the first event"),
            (None, None) => {
                return format!(
                    "A match is never reported: nothing says for how long no {name} event may come."
                );
            }
        };
        words::sentence(&match (absence.next, &absence.duration) {
            (true, None) => format!(
                "a match is reported with the next event, if that is not {}; or, if none has come, when event time has passed {moment}",
                one(&absence.name.node)
            ),
            _ => format!(
                "a match is reported when event time has passed {moment}: only then is it certain that no {name} event came"
            ),
        })
    }

    /// What the span of an absence at the end counts from.
    fn before_the_end(&self, pattern: &'t Sequence) -> String {
        let items = items(pattern);
        let before = items.len().checked_sub(2).and_then(|index| items.get(index));
        match before {
            Some(Item::Absence(_)) => "the end of the absence before it".to_owned(),
            Some(Item::Step(_, element)) if !is_nullable(element) => {
                named(element, "last").unwrap_or_else(|| "the last event taken".to_owned())
            }
            _ => "the last event taken".to_owned(),
        }
    }

    /// What becomes of a match that could take more when it is reported.
    fn goes_on(&self, pattern: &Sequence) -> String {
        let ends =
            "more could be taken at the end, but it is not waited for: the report ends this partial match";
        let again = "it is reported again with each further event that is then taken";
        match self.rule.overlap {
            None | Some(Overlap::None | Overlap::PerStart) => ends.to_owned(),
            Some(Overlap::All) => again.to_owned(),
            Some(Overlap::ResumeAtFirst(name) | Overlap::ResumeAtLast(name)) => {
                let first = items(pattern).first().and_then(|item| match item {
                    Item::Step(_, element) if !is_nullable(element) => {
                        single(&element.atom).map(|(name, alias)| alias.unwrap_or(name))
                    }
                    Item::Step(..) | Item::Absence(_) => None,
                });
                match first {
                    Some(first)
                        if first.node != name.node && self.rule.maybe.contains(name.node.as_str()) =>
                    {
                        format!("{ends}, unless no {} event was taken", code(&name.node))
                    }
                    Some(first) if first.node != name.node => ends.to_owned(),
                    _ => format!("{again}, as long as no report has ended it"),
                }
            }
        }
    }

    /// When a sequence is complete, and whether more of it could be taken then.
    fn end(&self, sequence: &'t Sequence) -> (String, bool) {
        let mut trailing = false;
        for item in items(sequence).into_iter().rev() {
            match item {
                Item::Step(_, element) if is_nullable(element) => trailing = true,
                Item::Step(_, element) => {
                    let (moment, goes_on) = self.element_end(element);
                    return (moment, goes_on || trailing);
                }
                Item::Absence(absence) => {
                    if let Some(duration) = &absence.duration {
                        let (name, span) = (code(&absence.name.node), words::duration(duration.node));
                        return (
                            format!("when event time has passed the {span} without {name} events"),
                            trailing,
                        );
                    }
                }
            }
        }
        ("as soon as all that is needed has been taken".to_owned(), trailing)
    }

    fn element_end(&self, element: &'t Element) -> (String, bool) {
        let (min, is_open) = match count(element) {
            Some((times, _)) => (times.min.max(1), times.max != Some(times.min)),
            None => (1, false),
        };
        if let Some((name, alias)) = single(&element.atom) {
            let name = code(&alias.unwrap_or(name).node);
            return match min > 1 || is_open {
                true => (format!("at once with the {} {name} event", ordinal(min)), is_open),
                false => (format!("at once with the {name} event"), is_open),
            };
        }
        let (moment, inner_goes_on) = match &element.atom {
            Atom::Name { .. } => (String::new(), false),
            Atom::Element(inner) => self.element_end(inner),
            Atom::Group(group) => match group.branches.as_slice() {
                [branch] => self.end(branch),
                branches => {
                    let goes_on = branches.iter().any(|branch| self.end(branch).1);
                    let moment = match group.kind {
                        GroupKind::Or => "as soon as one of the alternatives at its end is complete",
                        GroupKind::And => "as soon as the last of what comes in any order is complete",
                    };
                    (moment.to_owned(), goes_on)
                }
            },
        };
        let moment =
            match (min > 1 || is_open, moment.starts_with("at once with") && !moment.contains(" round")) {
                (true, true) => format!("{moment} of the {} round", ordinal(min)),
                (true, false) => format!("when the {} round at its end is complete", ordinal(min)),
                (false, _) => moment,
            };
        (moment, is_open || inner_goes_on)
    }

    /// What a report does to the other partial matches.
    pub fn overlap(&self) -> Point {
        let what = if self.rule.timeout.is_some() { "a report, also of a time-out," } else { "a report" };
        let same = self.same_key();
        let text = match self.rule.overlap {
            None | Some(Overlap::None) => format!(
                "no event is in two alerts: {what} ends all partial matches{same} that began at or before its last event"
            ),
            Some(Overlap::PerStart) => {
                format!(
                    "one alert for each first event: {what} ends all partial matches that began with the same event"
                )
            }
            Some(Overlap::All) => "every match is reported, whatever events it shares with others".to_owned(),
            Some(Overlap::ResumeAtFirst(name)) => self.resume(name, "first", what),
            Some(Overlap::ResumeAtLast(name)) => self.resume(name, "last", what),
        };
        let default = match self.rule.overlap {
            None => "that is the default, because the rule has no `overlap`",
            Some(_) => "",
        };
        Point::new(sentences(&[text.as_str(), default]), self.rule.span("overlap"))
    }

    fn resume(&self, name: &Name, which: &str, what: &str) -> String {
        let (same, shown) = (self.same_key(), code(&name.node));
        let which =
            if self.rule.several.contains(name.node.as_str()) { format!("{which} ") } else { String::new() };
        let none = match self.rule.maybe.contains(name.node.as_str()) {
            true => format!("; one that took no {shown} event ends nothing"),
            false => String::new(),
        };
        format!(
            "{what} ends all partial matches{same} that began before its {which}{shown} event; those that began with that event or later go on{none}"
        )
    }

    /// What becomes of partial matches that run out of time.
    fn timeout(&self) -> Vec<Point> {
        let Some(clause) = self.rule.pattern else { return Vec::new() };
        if let Some(timeout) = self.rule.timeout {
            let after = match &timeout.after {
                Some(after) => format!(" after {} event had been taken", one_or(&after.node)),
                None => String::new(),
            };
            let alert = self.alert_phrase(&timeout.alert);
            let texts = [
                format!("a partial match that runs out of time{after} raises {alert}"),
                "it runs out of time when event time has passed the last moment at which its next step could have come".to_owned(),
                "one that ends for another reason raises nothing, nor does one that has been reported".to_owned(),
            ];
            let mut point = Point::new(sentences(&texts), self.rule.span("on timeout"));
            point.children = self.alert_fields(&timeout.alert);
            return vec![point];
        }
        if exact(&clause.pattern) == Some(1) {
            return Vec::new();
        }
        let text = match self.is_limited() {
            true => "a partial match that runs out of time ends without an alert",
            false => {
                "nothing limits the time between its events: a partial match waits for the next one as long as it takes"
            }
        };
        vec![Point::new(words::sentence(text), None)]
    }

    /// Whether anything limits the time of the pattern.
    fn is_limited(&self) -> bool {
        self.rule.pattern.is_some_and(|clause| clause.within.is_some() || shape::is_limited(&clause.pattern))
    }

    /// Whether the rule waits for event time to pass.
    pub fn waits_for_time(&self) -> bool {
        let absence = |clause: &Match| {
            let rest = &clause.pattern.rest;
            let ends = matches!(rest.last(), Some(Part::Absence(_)));
            ends || rest
                .iter()
                .any(|part| matches!(part, Part::Absence(absence) if absence.duration.is_some()))
        };
        self.rule.timeout.is_some() || self.rule.pattern.is_some_and(absence)
    }
}

/// A name with its article.
fn one_or(name: &str) -> String {
    format!("{} {}", words::article(name), code(name))
}
