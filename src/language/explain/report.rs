//! When a rule reports: what completes a match, what may follow, and what a report ends.

use crate::language::tree::{Atom, Element, GroupKind, Match, Overlap, Part, Sequence};

use super::phrase::{Item, count, exact, is_nullable, items, single};
use super::words::{self, code, ordinal, sentences};
use super::{Explainer, Point};

impl<'t> Explainer<'_, 't> {
    /// When a match is reported, what the report ends, and what becomes of what runs out of time.
    pub fn reporting(&self) -> Vec<Point> {
        let Some(clause) = self.rule.pattern else { return Vec::new() };
        let mut points = vec![Point::new(self.completion(&clause.pattern), Some(clause.pattern.span))];
        points.push(self.overlap());
        points.extend(self.timeout());
        points
    }

    /// What completes a match.
    fn completion(&self, pattern: &'t Sequence) -> String {
        let within = self.rule.pattern.and_then(|clause| clause.within.as_ref()).map(|within| words::duration(within.node));
        if let Some(Part::Absence(absence)) = pattern.rest.last() {
            let name = code(&absence.name.node);
            let moment = match (&absence.duration, within) {
                (Some(duration), _) => format!("{} after the last event taken", words::duration(duration.node)),
                (None, Some(within)) => format!("{within} after the first event"),
                (None, None) => "that moment".to_owned(),
            };
            let known = match (absence.next, &absence.duration) {
                (true, None) => format!(
                    "it is reported as soon as the next event is not that; or, if none has come, when event time has passed {moment}"
                ),
                _ => format!("it is reported when event time has passed {moment}: only then is it certain that no {name} event came"),
            };
            return words::sentence(&known);
        }
        let (moment, goes_on) = self.end(pattern, true);
        let goes_on = if goes_on { self.goes_on(pattern) } else { String::new() };
        sentences(&[format!("it is reported {moment}").as_str(), &goes_on])
    }

    /// What becomes of a match that could take more when it is reported.
    fn goes_on(&self, pattern: &Sequence) -> String {
        let more = "more could be taken at the end, but it is not waited for";
        match self.rule.overlap {
            None | Some(Overlap::None | Overlap::PerStart) => {
                format!("{more}: the report ends this partial match")
            }
            Some(Overlap::All) => "it is reported again with each further event that is then taken".to_owned(),
            Some(Overlap::ResumeAtFirst(name) | Overlap::ResumeAtLast(name)) => {
                let first = items(pattern).first().and_then(|item| match item {
                    Item::Step(_, element) => single(&element.atom).map(|(name, alias)| alias.unwrap_or(name)),
                    Item::Absence(_) => None,
                });
                match first {
                    Some(first) if first.node != name.node && !may_begin_otherwise(pattern) => {
                        format!("{more}: the report ends this partial match, unless no {} event was taken", code(&name.node))
                    }
                    _ => "it is reported again with each further event that is then taken, as long as no report has ended it".to_owned(),
                }
            }
        }
    }

    /// When a sequence is complete, and whether more of it could be taken then.
    fn end(&self, sequence: &'t Sequence, top: bool) -> (String, bool) {
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
                        let moment = format!("when event time has passed the {span} without {name} event");
                        return (moment.replace("without ", "without a further "), trailing);
                    }
                }
            }
        }
        let whole = if top { "as soon as all that is needed has been taken" } else { "when that is complete" };
        (whole.to_owned(), trailing)
    }

    fn element_end(&self, element: &'t Element) -> (String, bool) {
        let (times, is_counted) = match count(element) {
            Some((times, _)) => (times.min.max(1), true),
            None => (1, false),
        };
        let is_open = count(element).is_some_and(|(count, _)| count.max != Some(count.min));
        if let Some((name, alias)) = single(&element.atom) {
            let name = code(&alias.unwrap_or(name).node);
            return match is_counted && (times > 1 || is_open) {
                true => (format!("at once with the {} {name} event", ordinal(times)), is_open),
                false => (format!("at once with the {name} event"), is_open),
            };
        }
        let (moment, inner_goes_on) = match &element.atom {
            Atom::Name { .. } => (String::new(), false),
            Atom::Element(inner) => self.element_end(inner),
            Atom::Group(group) => match group.branches.as_slice() {
                [branch] => self.end(branch, false),
                branches => {
                    let goes_on = branches.iter().any(|branch| self.end(branch, false).1);
                    let moment = match group.kind {
                        GroupKind::Or => "as soon as one of the branches at the end is complete",
                        GroupKind::And => "as soon as all of what comes in any order at the end is there",
                    };
                    (moment.to_owned(), goes_on)
                }
            },
        };
        let moment = match is_counted && (times > 1 || is_open) {
            true => format!("when the {} round at the end is complete", ordinal(times)),
            false => moment,
        };
        (moment, is_open || inner_goes_on)
    }

    /// What a report does to the other partial matches.
    pub fn overlap(&self) -> Point {
        let what = if self.rule.timeout.is_some() { "a report (also of a time-out)" } else { "a report" };
        let same = self.same_key();
        let text = match self.rule.overlap {
            None | Some(Overlap::None) => format!(
                "no event is in two alerts: {what} ends all other partial matches{same} that began at or before its last event"
            ),
            Some(Overlap::PerStart) => {
                format!("one alert for each first event: {what} ends all other partial matches that began with the same event")
            }
            Some(Overlap::All) => "every match is reported, whatever events it shares with others".to_owned(),
            Some(Overlap::ResumeAtFirst(name)) => format!(
                "{what} ends all partial matches{same} that began before its first {} event; what began with that event or later goes on",
                code(&name.node)
            ),
            Some(Overlap::ResumeAtLast(name)) => format!(
                "{what} ends all partial matches{same} that began before its last {} event; what began with that event or later goes on",
                code(&name.node)
            ),
        };
        let unwritten = "this is the default, `overlap none`";
        let notes = match self.rule.overlap {
            None => unwritten,
            Some(Overlap::ResumeAtFirst(_) | Overlap::ResumeAtLast(_)) => "one that took none of these ends nothing",
            Some(_) => "",
        };
        Point::new(sentences(&[text.as_str(), notes]), self.rule.span("overlap"))
    }

    /// What becomes of partial matches that run out of time.
    fn timeout(&self) -> Vec<Point> {
        let Some(clause) = self.rule.pattern else { return Vec::new() };
        if let Some(timeout) = self.rule.timeout {
            let after = match &timeout.after {
                Some(after) => format!("; only if {} event had been taken", one_or(&after.node)),
                None => String::new(),
            };
            let alert = self.alert_phrase(&timeout.alert);
            let texts = [
                format!("a partial match that runs out of time raises {alert}{after}"),
                "it runs out of time when event time has passed the last moment at which its next step could have come".to_owned(),
                "one that ends for another reason does not, nor does one that has been reported".to_owned(),
            ];
            return vec![Point::new(sentences(&texts), Some(timeout.span))];
        }
        if exact(&clause.pattern) == Some(1) {
            return Vec::new();
        }
        let text = match self.is_limited() {
            true => "a partial match that runs out of time ends without an alert",
            false => "nothing limits the time between its events: a partial match waits for the next one as long as it takes",
        };
        vec![Point::new(words::sentence(text), None)]
    }

    /// Whether anything limits the time of the pattern.
    fn is_limited(&self) -> bool {
        self.rule.pattern.is_some_and(|clause| clause.within.is_some() || sequence_is_limited(&clause.pattern))
    }

    /// Whether the rule waits for event time to pass.
    pub fn waits_for_time(&self) -> bool {
        let absence = |clause: &Match| {
            let rest = &clause.pattern.rest;
            let ends = matches!(rest.last(), Some(Part::Absence(_)));
            ends || rest.iter().any(|part| matches!(part, Part::Absence(absence) if absence.duration.is_some()))
        };
        self.rule.timeout.is_some() || self.rule.pattern.is_some_and(absence)
    }
}

/// ``a `b` ``
fn one_or(name: &str) -> String {
    format!("{} {}", words::article(name), code(name))
}

/// Whether the first event of a match may be another than that of the first step.
fn may_begin_otherwise(pattern: &Sequence) -> bool {
    is_nullable(&pattern.first) || single(&pattern.first.atom).is_none()
}

fn sequence_is_limited(sequence: &Sequence) -> bool {
    let limited_link = sequence.rest.iter().any(|part| matches!(part, Part::Step { link, .. } if link.within.is_some()));
    limited_link
        || items(sequence).into_iter().any(|item| match item {
            Item::Step(link, element) => link.is_some_and(|link| link.within.is_some()) || element_is_limited(element),
            Item::Absence(_) => false,
        })
}

fn element_is_limited(element: &Element) -> bool {
    match &element.atom {
        Atom::Name { .. } => false,
        Atom::Element(inner) => element_is_limited(inner),
        Atom::Group(group) => group.within.is_some() || group.branches.iter().any(sequence_is_limited),
    }
}
