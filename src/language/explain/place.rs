//! What one place of a rule file means, for editors that show it under the cursor.

use crate::diagnostic::Span;
use crate::event::Duration;
use crate::language::tree::{
    Atom, ClauseKind, Element, File, Link, LinkKind, Match, Modifier, Name, Part, Quantifier, Sequence,
    Spanned,
};

use super::names::{RuleParts, RuleSet};
use super::notes::{COMBINATIONS, LAZY, group_limit};
use super::phrase::{amount, rounds};
use super::shape::{count, single};
use super::words::{self, sentence};
use super::{Explainer, Point};

/// What a place means.
#[derive(Clone, Debug, PartialEq)]
pub struct Hover {
    /// The part of the file that it is about.
    pub span: Span,
    /// One or a few sentences, as Markdown.
    pub text: String,
}

impl<'t> RuleSet<'t> {
    /// What stands at a byte of a file of this set: a step of a pattern, a link, a count, an absence, a
    /// time limit, an event definition, another clause, or the rule at its name. `None` where
    /// nothing is to be said.
    pub fn at(&self, file: &File, byte: u32) -> Option<Hover> {
        let first = file.items.iter().find_map(|item| match item {
            crate::language::tree::Item::Rule(rule) => Some(rule.span.file),
            _ => None,
        })?;
        let rule = self.rule_at(first, byte)?;
        let parts = RuleParts::new(rule);
        let explainer = Explainer { set: self, rule: &parts };
        if holds(rule.name.span, byte) {
            return Some(Hover { span: rule.name.span, text: explainer.summary() });
        }
        let clause = rule.clauses.iter().find(|clause| holds(clause.span, byte))?;
        let of = |point: Point| Some(Hover { span: clause.span, text: point.to_markdown() });
        let find = |points: Vec<Point>| {
            points.into_iter().find(|point| point.span == Some(clause.span)).and_then(of)
        };
        match &clause.kind {
            ClauseKind::Match(pattern) => explainer
                .at_pattern(pattern, byte)
                .or_else(|| Some(Hover { span: clause.span, text: explainer.summary() })),
            ClauseKind::Event(event) => of(explainer.event(event)),
            ClauseKind::By(_) => find(explainer.grouping()),
            ClauseKind::Overlap(_) => of(explainer.overlap()),
            ClauseKind::OnTimeout(_) => find(explainer.reporting()),
            ClauseKind::Max(_) => explainer.bounds().into_iter().next().and_then(of),
            ClauseKind::Alert(_) | ClauseKind::To(_) | ClauseKind::Limit(_) | ClauseKind::Mode(_) => {
                find(explainer.alerting())
            }
            ClauseKind::Runbook(_) => find(explainer.alerting()),
            ClauseKind::About(_) | ClauseKind::Tags(_) => None,
        }
    }
}

/// Whether a span holds a byte, or ends at it: a cursor behind a word is at the word.
fn holds(span: Span, byte: u32) -> bool {
    (span.start..=span.end).contains(&byte)
}

fn hover(span: Span, text: &str) -> Option<Hover> {
    Some(Hover { span, text: sentence(text) })
}

impl<'t> Explainer<'_, 't> {
    fn at_pattern(&self, clause: &'t Match, byte: u32) -> Option<Hover> {
        let behind = clause.pattern.span.end;
        if let Some(within) = clause.within.as_ref().filter(|within| behind < byte && byte <= within.span.end)
        {
            let span = Span { start: behind, ..within.span };
            return Some(Hover { span, text: self.limit(within) });
        }
        self.at_sequence(&clause.pattern, byte)
    }

    fn at_sequence(&self, sequence: &'t Sequence, byte: u32) -> Option<Hover> {
        if holds(sequence.first.span, byte) {
            return self.at_element(&sequence.first, byte);
        }
        let part = sequence.rest.iter().find(|part| match part {
            Part::Step { link, element } => holds(link.span.to(element.span), byte),
            Part::Absence(absence) => holds(absence.span, byte),
        })?;
        match part {
            Part::Step { link, .. } if holds(link.span, byte) => self.at_link(link, byte),
            Part::Step { element, .. } => self.at_element(element, byte),
            Part::Absence(absence) => {
                let step = self.point(absence.span)?;
                let text = if holds(absence.name.span, byte) {
                    self.with_event(step.text, &absence.name)
                } else {
                    step.text
                };
                Some(Hover { span: absence.span, text })
            }
        }
    }

    fn at_link(&self, link: &Link, byte: u32) -> Option<Hover> {
        let limit = link.within.as_ref().map(|within| {
            let span = words::duration(within.node);
            sentence(&format!("at most {span} after the event taken last; exactly {span} is still in time"))
        });
        if let (Some(within), Some(limit)) = (&link.within, &limit)
            && holds(within.span, byte)
        {
            return Some(Hover { span: within.span, text: limit.clone() });
        }
        let text = match link.kind {
            LinkKind::Then => "later: events in between that fit nothing are passed over".to_owned(),
            LinkKind::ThenAny => {
                "any later one: an event that fits is both taken and passed over for a later one, so one beginning can lead to several matches".to_owned()
            }
            LinkKind::Next => format!("directly after: the very next event of {}", self.sequence_name()),
        };
        let text = [Some(sentence(&text)), limit].into_iter().flatten().collect::<Vec<_>>().join(" ");
        Some(Hover { span: link.span, text })
    }

    fn at_element(&self, element: &'t Element, byte: u32) -> Option<Hover> {
        if let Some(found) = self.at_quantifier(element, byte) {
            return Some(found);
        }
        if let Some(until) = element.until.as_ref().filter(|until| holds(until.span, byte)) {
            let min = count(element).map_or(1, |(count, _)| count.min);
            return Some(Hover {
                span: until.span,
                text: self.with_event(sentence(&self.until(until, min)), until),
            });
        }
        match &element.atom {
            Atom::Element(inner) if holds(inner.span, byte) => self.at_element(inner, byte),
            Atom::Group(group) => {
                let behind = group.branches.last().map_or(group.span.start, |branch| branch.span.end);
                let of_limit = |within: &Spanned<Duration>| Hover {
                    span: Span { start: behind, ..within.span },
                    text: sentence(&group_limit(within, false)),
                };
                let is_within = |within: &&Spanned<Duration>| behind < byte && byte <= within.span.end;
                let within = group.within.as_ref().filter(is_within).map(of_limit);
                let inside = || group.branches.iter().find(|branch| holds(branch.span, byte));
                within.or_else(|| inside().and_then(|branch| self.at_sequence(branch, byte))).or_else(|| {
                    let point = self.point(element.span)?;
                    Some(Hover { span: group.span, text: point.to_markdown() })
                })
            }
            Atom::Name { name, .. } => {
                let step = self
                    .point(element.span)
                    .map_or_else(|| sentence(&self.element_phrase(element)), |point| point.text);
                Some(Hover { span: element.span, text: self.with_event(step, name) })
            }
            Atom::Element(_) => None,
        }
    }

    fn at_quantifier(&self, element: &'t Element, byte: u32) -> Option<Hover> {
        let (times, _) = count(element)?;
        let is_single = single(&element.atom).is_some();
        match element.quantifier.as_ref()? {
            Quantifier::Optional(span) if holds(*span, byte) => {
                hover(*span, "this may be left out; an event that also fits what comes after is taken here")
            }
            Quantifier::Count(written, _) if holds(written.span, byte) => {
                let text = match is_single {
                    true => amount(times, "events", "event"),
                    false => rounds(times),
                };
                hover(written.span, &text)
            }
            Quantifier::Count(_, modifiers) => {
                let modifier = modifiers.iter().find(|modifier| holds(modifier.span, byte))?;
                hover(modifier.span, &self.modifier(modifier.node, is_single))
            }
            Quantifier::Optional(_) => None,
        }
    }

    fn modifier(&self, modifier: Modifier, is_single: bool) -> String {
        match modifier {
            Modifier::Lazy => LAZY.to_owned(),
            Modifier::Consecutive => self.consecutive_note(is_single),
            Modifier::Any => COMBINATIONS.to_owned(),
        }
    }

    /// The step or absence of the pattern that a span stands for.
    fn point(&self, span: Span) -> Option<Point> {
        self.point_at(span)
    }

    /// A text, and what the event that it is about means.
    fn with_event(&self, text: String, name: &Name) -> String {
        match self.rule.event(&name.node) {
            Some(event) => format!("{text}\n\n{}", self.event(event).to_markdown()),
            None => text,
        }
    }
}
