//! Parts of a pattern as phrases that stand inside a sentence: "three or more `tiny` events, then a
//! `big` event".

use crate::language::tree::{
    Absence, Atom, Count, Element, Group, GroupKind, Link, LinkKind, Modifier, Name, Sequence,
};

use super::Explainer;
use super::shape::{Item, MAX_NAMES, count, exact, is_bare, is_once, is_short, items, single};
use super::value::one;
use super::words::{self, article, code, list, number};

/// Most parts of a sequence that are told in one sentence.
const MAX_PARTS: usize = 8;

/// "three or more", "up to five"; with `nouns` behind it and, where that is needed, a note.
pub(super) fn amount(count: Count, nouns: &str, noun: &str) -> String {
    let Count { min, max } = count;
    let named = |value: u32| number(value.into());
    match (min, max) {
        (_, Some(0)) => format!("no {noun}"),
        (1, Some(1)) => format!("one {noun}"),
        (0, Some(1)) => format!("perhaps one {noun}"),
        (0, None) => format!("any number of {nouns} (or none)"),
        (min, None) => format!("{} or more {nouns}", named(min)),
        (0, Some(max)) => format!("up to {} {nouns} (or none)", named(max)),
        (min, Some(max)) if min == max => format!("{} {nouns}", named(min)),
        (min, Some(max)) => format!("{} to {} {nouns}", named(min), named(max)),
    }
}

/// "two or more times"
pub(super) fn rounds(count: Count) -> String {
    match (count.min, count.max) {
        (0, Some(1)) => "perhaps".to_owned(),
        (0, None) => "any number of times (or never)".to_owned(),
        (0, Some(max)) => format!("up to {} (or never)", words::times(max)),
        (min, Some(max)) if min == max => words::times(min),
        _ => amount(count, "times", "time"),
    }
}

/// What the modifiers of a count add to it.
pub(super) fn manner(modifiers: &[Modifier]) -> String {
    let words = [
        (Modifier::Consecutive, " in direct succession"),
        (Modifier::Any, " in every combination"),
        (Modifier::Lazy, " (as few as possible)"),
    ];
    let said = words.into_iter().filter(|(modifier, _)| modifiers.contains(modifier));
    said.map(|(_, words)| words).collect()
}

impl<'t> Explainer<'_, 't> {
    /// An element without its link: "three or more `tiny` events".
    pub fn element_phrase(&self, element: &'t Element) -> String {
        let until = match &element.until {
            Some(until) => format!(" until {} comes", one(&until.node)),
            None => String::new(),
        };
        // A group that comes once is a group.
        let counted =
            count(element).filter(|(count, _)| !is_once(*count) || self.nouns(&element.atom).is_some());
        let Some((count, modifiers)) = counted else {
            return match &element.atom {
                Atom::Group(group) => self.group_phrase(group),
                Atom::Element(inner) => self.element_phrase(inner),
                Atom::Name { name, alias } => single_phrase(name, alias.as_ref()),
            } + &until;
        };
        let manner = manner(&modifiers);
        if let Some(nouns) = self.nouns(&element.atom) {
            let (count, how) = (amount(count, &format!("{nouns} events"), &format!("{nouns} event")), manner);
            let known = single(&element.atom).and_then(|(_, alias)| alias);
            let known = known.map(|alias| format!(" ({})", code(&alias.node))).unwrap_or_default();
            return format!("{count}{known}{how}{until}");
        }
        let body = match &element.atom {
            Atom::Group(group) => self.group_phrase(group),
            Atom::Element(inner) => self.element_phrase(inner),
            Atom::Name { name, alias } => single_phrase(name, alias.as_ref()),
        };
        let body = if body.starts_with('(') { body } else { format!("({body})") };
        format!("{}{manner} {body}{until}", rounds(count))
    }

    /// The names that stand before "events" in a count: `tiny`, or `a` or `b`.
    fn nouns(&self, atom: &'t Atom) -> Option<String> {
        if let Some((name, _)) = single(atom) {
            return Some(code(&name.node));
        }
        let Atom::Group(group) = atom else { return None };
        let is_plain =
            group.kind == GroupKind::Or && group.within.is_none() && group.branches.len() <= MAX_NAMES;
        let names: Vec<String> = group
            .branches
            .iter()
            .map(|branch| match single(&branch.first.atom) {
                Some((name, None)) if branch.rest.is_empty() && is_bare(&branch.first) => {
                    Some(code(&name.node))
                }
                _ => None,
            })
            .collect::<Option<_>>()?;
        is_plain.then(|| list(&names, "or"))
    }

    /// A group, in parentheses if it has more than one step in a row.
    fn group_phrase(&self, group: &'t Group) -> String {
        let within = group.within.as_ref().map(|within| words::duration(within.node));
        let text = match group.branches.as_slice() {
            [branch] => self.sequence_phrase(branch, within.as_deref()),
            branches => {
                let phrases: Vec<String> = branches.iter().map(|branch| self.branch_phrase(branch)).collect();
                let text = match group.kind {
                    GroupKind::Or => format!("either {}", list(&phrases, "or")),
                    GroupKind::And => format!("{} in any order", list(&phrases, "and")),
                };
                match within {
                    Some(within) => format!("{text}, within {within}"),
                    None => text,
                }
            }
        };
        if words::has_comma(&text) { format!("({text})") } else { text }
    }

    fn branch_phrase(&self, branch: &'t Sequence) -> String {
        let phrase = self.sequence_phrase(branch, None);
        let combines = phrase.starts_with("either") || phrase.ends_with(" in any order");
        if words::has_comma(&phrase) || combines { format!("({phrase})") } else { phrase }
    }

    /// The steps of a sequence one after the other, all within a time.
    pub fn sequence_phrase(&self, sequence: &'t Sequence, within: Option<&str>) -> String {
        let items = items(sequence);
        let mut text = String::new();
        let mut guards: Vec<String> = Vec::new();
        let mut limit = within.filter(|_| exact(sequence) != Some(1)).map(|within| {
            let all = if exact(sequence) == Some(2) { "both" } else { "all" };
            format!(", {all} within {within}")
        });
        for (index, item) in items.iter().enumerate() {
            if index == MAX_PARTS && items.len() > MAX_PARTS + 1 {
                let more = words::plural((items.len() - index) as u64, "more part");
                text.push_str(&format!(", then {more} (see below)"));
                break;
            }
            let is_last = index + 1 == items.len();
            match item {
                Item::Step(link, element) => {
                    text.push_str(&self.linked_phrase(
                        *link,
                        element,
                        &guards.join(" and "),
                        (index, items.len() == 1),
                    ));
                    guards.clear();
                }
                Item::Absence(absence) if absence.duration.is_none() && !is_last => {
                    let name = one(&absence.name.node);
                    guards.push(match absence.next {
                        true => format!("unless the very next event is {name}"),
                        false => format!("with no {} event in between", code(&absence.name.node)),
                    });
                }
                Item::Absence(absence) => {
                    if is_last {
                        text.push_str(&limit.take().unwrap_or_default());
                    }
                    text.push_str(&self.absence_phrase(absence, within, exact(sequence) == Some(1)));
                }
            }
        }
        text.push_str(&limit.unwrap_or_default());
        text
    }

    /// A step with its link.
    fn linked_phrase(
        &self,
        link: Option<&Link>,
        element: &'t Element,
        guard: &str,
        place: (usize, bool),
    ) -> String {
        let (index, alone) = place;
        let phrase = match is_short(element) {
            true if alone => without_parentheses(&self.element_phrase(element)).to_owned(),
            true => self.element_phrase(element),
            false if alone => "the group of events below".to_owned(),
            false => format!("the group of events in step {} below", index + 1),
        };
        let Some(link) = link else { return phrase };
        let within = link.within.as_ref().map(|within| format!(" within {}", words::duration(within.node)));
        let within = within.unwrap_or_default();
        let comma = if guard.is_empty() { String::new() } else { format!(", {guard},") };
        match link.kind {
            LinkKind::Then => format!(", then{comma}{within} {phrase}"),
            LinkKind::ThenAny => match (single(&element.atom), &element.quantifier) {
                (Some((name, alias)), None) => {
                    let alias = alias.map(|alias| format!(" ({})", code(&alias.node))).unwrap_or_default();
                    format!(", then{comma}{within} any later {} event{alias}", code(&name.node))
                }
                _ => format!(", then{comma}{within}, tried in every way, {phrase}").replace(",,", ","),
            },
            LinkKind::Next if guard.is_empty() => format!(", directly followed{within} by {phrase}"),
            LinkKind::Next => format!(", then{comma}{within} directly {phrase}"),
        }
    }

    /// An absence that lasts a time or ends the match.
    fn absence_phrase(&self, absence: &Absence, within: Option<&str>, after_one: bool) -> String {
        let name = code(&absence.name.node);
        match (&absence.duration, absence.next, within) {
            (Some(duration), _, _) => {
                format!(", then no {name} event for {}", words::duration(duration.node))
            }
            (None, true, Some(within)) => {
                let first = if after_one { "of it" } else { "of the first" };
                let an = article(&absence.name.node);
                format!(
                    ", and the next event, if one comes within {within} {first}, is not {an} {name} event"
                )
            }
            (None, true, None) => {
                format!(", and the next event is not {} {name} event", article(&absence.name.node))
            }
            (None, false, Some(within)) if after_one => format!(", then no {name} event for {within}"),
            (None, false, Some(within)) => {
                format!(", then no {name} event until {within} after the first event")
            }
            (None, false, None) => format!(", then no {name} event"),
        }
    }
}

/// A single event, with the name that it is captured as.
fn single_phrase(name: &Name, alias: Option<&Name>) -> String {
    let alias = alias.map(|alias| format!(" ({})", code(&alias.node))).unwrap_or_default();
    format!("{}{alias}", one(&name.node))
}

/// A phrase without the parentheses around all of it.
pub(super) fn without_parentheses(phrase: &str) -> &str {
    let Some(inner) = phrase.strip_prefix('(').and_then(|phrase| phrase.strip_suffix(')')) else {
        return phrase;
    };
    let mut depth = 1_u32;
    for c in inner.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return phrase;
        }
    }
    inner
}
