//! What is said of a step beyond its phrase: what its link, its count and its limits demand, and what
//! must not come.

use crate::event::Duration;
use crate::language::tree::{Absence, Element, Group, GroupKind, Link, LinkKind, Modifier, Name, Spanned};

use super::Explainer;
use super::shape::{Item, count, is_nullable, is_one, is_plain, single};
use super::value::one;
use super::words::{self, code, sentences};

/// What `lazy` does.
pub(super) const LAZY: &str =
    "once there are enough, an event that fits what comes after counts as that, even if it fits here as well";

/// What `any` does in a count.
pub(super) const COMBINATIONS: &str =
    "every combination is tried: after the first, an event that fits is both taken and passed over";

/// Where a part of the pattern stands.
#[derive(Clone, Copy)]
pub(super) struct Spot<'t> {
    /// Whether it belongs to the sequence of the match itself, whose end is the end of the match.
    pub top: bool,
    /// Whether nothing of the pattern follows it.
    pub is_last: bool,
    /// Whether all before it may have been left out.
    pub is_start: bool,
    /// What stands before it in its sequence.
    pub before: Option<Item<'t>>,
    /// What stands behind it in its sequence.
    pub after: Option<Item<'t>>,
    /// Whether more of an open count, or something optional, may be taken before it.
    pub after_open: bool,
}

impl<'t> Explainer<'_, 't> {
    pub fn link_notes(&self, link: &Link, element: &'t Element, spot: Spot<'t>) -> Vec<String> {
        let is_single = is_one(element);
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
    pub fn count_notes(&self, element: &'t Element, spot: Spot<'t>) -> Vec<String> {
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

    /// What holds for a group as a whole.
    pub fn group_notes(&self, group: &Group, element: &Element) -> Vec<String> {
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

    /// Something that must not come.
    pub fn absence(&self, absence: &Absence, spot: Spot<'t>) -> String {
        let name = code(&absence.name.node);
        let sequence = self.sequence_name();
        let within = self.rule.pattern.and_then(|clause| clause.within.as_ref());
        let within = within.filter(|_| spot.top).map(|within| words::duration(within.node));
        let is_last = spot.after.is_none();
        match (&absence.duration, absence.next) {
            (Some(duration), _) => {
                let span = words::span(duration.node);
                let again = match spot.after_open {
                    true => {
                        "if another event is taken before it is over, that time begins anew with that event; once it is over, no more are taken there"
                    }
                    false => "",
                };
                let text = format!("then no {name} event in the {span} after {}", before(spot));
                sentences(&[
                    text.as_str(),
                    "one at exactly the end of that time still counts against it",
                    again,
                ])
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
}

/// What `then any` does.
fn any_note(element: &Element) -> String {
    let fits = match is_one(element) {
        true => "an event that fits".to_owned(),
        false => format!("an event that fits as {}", first_of(element)),
    };
    format!(
        "every way is tried: {fits} is both taken and passed over for a later one, so one beginning can lead to several matches"
    )
}

/// What a link joins of an element.
fn first_of(element: &Element) -> &'static str {
    match (is_one(element), single(&element.atom)) {
        (true, _) => "it",
        (false, Some(_)) => "the first of them",
        (false, None) => "its first event",
    }
}

/// The moment from which what stands at a spot counts its time.
pub(super) fn before(spot: Spot<'_>) -> String {
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
    Some(match is_one(element) {
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
