//! What can be told of a pattern from its form: its parts, how often they come, what may be left out.

use crate::language::tree::{
    Absence, Atom, Count, Element, Group, GroupKind, Link, LinkKind, Modifier, Name, Part, Quantifier,
    Sequence,
};

/// Most names that a part of a pattern may have to be told inside a sentence.
pub(super) const MAX_NAMES: usize = 6;

/// A part of a sequence, where parentheses that only enclose steps have been taken away.
#[derive(Clone, Copy)]
pub(super) enum Item<'t> {
    /// A link, which the first part has none of, and what it joins.
    Step(Option<&'t Link>, &'t Element),
    /// What must not come.
    Absence(&'t Absence),
}

/// The parts of a sequence in order.
pub(super) fn items(sequence: &Sequence) -> Vec<Item<'_>> {
    let mut all = Vec::new();
    collect(sequence, None, &mut all);
    all
}

fn collect<'t>(sequence: &'t Sequence, link: Option<&'t Link>, all: &mut Vec<Item<'t>>) {
    collect_element(&sequence.first, link, all);
    for part in &sequence.rest {
        match part {
            Part::Step { link, element } => collect_element(element, Some(link), all),
            Part::Absence(absence) => all.push(Item::Absence(absence)),
        }
    }
}

fn collect_element<'t>(element: &'t Element, link: Option<&'t Link>, all: &mut Vec<Item<'t>>) {
    match plain_group(element) {
        Some(inner) => collect(inner, link, all),
        None => all.push(Item::Step(link, element)),
    }
}

/// The steps of parentheses that say nothing themselves: not counted, without a limit or branches.
/// What ends in an absence keeps them, because the absence is wrong there.
fn plain_group(element: &Element) -> Option<&Sequence> {
    if element.quantifier.is_some() || element.until.is_some() {
        return None;
    }
    let Atom::Group(group) = &element.atom else { return None };
    let [branch] = group.branches.as_slice() else { return None };
    let ends_well = !matches!(branch.rest.last(), Some(Part::Absence(_)));
    (group.within.is_none() && ends_well).then_some(branch)
}

/// How often an element comes: at least and at most, and its modifiers. `None`: exactly once, not
/// counted.
pub(super) fn count(element: &Element) -> Option<(Count, Vec<Modifier>)> {
    match element.quantifier.as_ref()? {
        Quantifier::Optional(_) => Some((Count { min: 0, max: Some(1) }, Vec::new())),
        Quantifier::Count(count, modifiers) => {
            Some((count.node, modifiers.iter().map(|modifier| modifier.node).collect()))
        }
    }
}

/// The name of an atom that is a single event, perhaps in parentheses, and what it is captured as.
pub(super) fn single(atom: &Atom) -> Option<(&Name, Option<&Name>)> {
    match atom {
        Atom::Name { name, alias } => Some((name, alias.as_ref())),
        Atom::Group(group) => match group.branches.as_slice() {
            [branch] if branch.rest.is_empty() && is_bare(&branch.first) => single(&branch.first.atom),
            _ => None,
        },
        Atom::Element(_) => None,
    }
}

/// Whether an element says nothing besides what is taken.
pub(super) fn is_bare(element: &Element) -> bool {
    element.quantifier.is_none() && element.until.is_none()
}

/// Whether an element may take nothing.
pub(super) fn is_nullable(element: &Element) -> bool {
    count(element).is_some_and(|(count, _)| count.min == 0)
        || match &element.atom {
            Atom::Name { .. } => false,
            Atom::Element(inner) => is_nullable(inner),
            Atom::Group(group) => match group.kind {
                GroupKind::Or => group.branches.iter().any(is_nullable_sequence),
                GroupKind::And => group.branches.iter().all(is_nullable_sequence),
            },
        }
}

fn is_nullable_sequence(sequence: &Sequence) -> bool {
    is_nullable(&sequence.first)
        && sequence.rest.iter().all(|part| match part {
            Part::Step { element, .. } => is_nullable(element),
            Part::Absence(_) => true,
        })
}

/// How many names an element has, at most `limit`; parentheses count as well.
fn weight(element: &Element, limit: usize) -> usize {
    let until = usize::from(element.until.is_some());
    until
        + match &element.atom {
            Atom::Name { .. } => 1,
            Atom::Element(inner) => 1 + weight(inner, limit),
            Atom::Group(group) => {
                let mut sum = usize::from(group.within.is_some());
                for branch in &group.branches {
                    if sum > limit {
                        break;
                    }
                    sum += sequence_weight(branch, limit - sum.min(limit));
                }
                sum
            }
        }
}

fn sequence_weight(sequence: &Sequence, limit: usize) -> usize {
    let mut sum = weight(&sequence.first, limit);
    for part in &sequence.rest {
        if sum > limit {
            break;
        }
        sum += match part {
            Part::Step { element, .. } => weight(element, limit),
            Part::Absence(_) => 1,
        };
    }
    sum
}

/// Whether an element is short enough to be told inside a sentence.
pub(super) fn is_short(element: &Element) -> bool {
    weight(element, MAX_NAMES) <= MAX_NAMES
}

/// How many events a sequence takes, if that is always the same number.
pub(super) fn exact(sequence: &Sequence) -> Option<u64> {
    let mut sum = 0_u64;
    for item in items(sequence) {
        if let Item::Step(_, element) = item {
            sum = sum.saturating_add(exact_element(element)?);
        }
    }
    Some(sum)
}

fn exact_element(element: &Element) -> Option<u64> {
    let times = match count(element) {
        None => 1,
        Some((Count { min, max }, _)) if max == Some(min) => u64::from(min),
        Some(_) => return None,
    };
    let once = match &element.atom {
        Atom::Name { .. } => 1,
        Atom::Element(inner) => exact_element(inner)?,
        Atom::Group(group) => {
            let mut branches = group.branches.iter().map(exact);
            match group.kind {
                GroupKind::And => {
                    branches.try_fold(0_u64, |sum, branch| Some(sum.saturating_add(branch?)))?
                }
                GroupKind::Or => {
                    let first = branches.next().flatten()?;
                    branches.all(|branch| branch == Some(first)).then_some(first)?
                }
            }
        }
    };
    Some(once.saturating_mul(times))
}

/// Whether a count says no more than that something comes.
pub(super) fn is_once(count: Count) -> bool {
    (count.min, count.max) == (1, Some(1))
}

/// Whether a pattern lets events pass that fit nothing.
pub(super) fn skips(sequence: &Sequence) -> bool {
    items(sequence).into_iter().any(|item| match item {
        Item::Absence(_) => true,
        Item::Step(link, element) => {
            link.is_some_and(|link| link.kind != LinkKind::Next) || element_skips(element)
        }
    })
}

fn element_skips(element: &Element) -> bool {
    let in_loop = count(element).is_some_and(|(count, modifiers)| {
        count.max != Some(1) && !modifiers.contains(&Modifier::Consecutive)
    });
    in_loop
        || match &element.atom {
            Atom::Name { .. } => false,
            Atom::Element(inner) => element_skips(inner),
            Atom::Group(group) => {
                let joined = group.kind == GroupKind::And && group.branches.len() > 1;
                joined || group.branches.iter().any(skips)
            }
        }
}

/// Whether a pattern tries several ways from one beginning.
pub(super) fn has_any(sequence: &Sequence) -> bool {
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
            Atom::Group(group) => group.branches.iter().any(has_any),
        }
}

/// Whether an element is a single event that comes at most once.
pub(super) fn is_one(element: &Element) -> bool {
    single(&element.atom).is_some() && count(element).is_none_or(|(count, _)| count.max == Some(1))
}

/// Whether a count inside a count says all that is to be said of it.
pub(super) fn is_simple_count(element: &Element) -> bool {
    single(&element.atom).is_some()
        && element.until.is_none()
        && count(element)
            .is_none_or(|(count, modifiers)| count.max == Some(count.min) && modifiers.is_empty())
}

/// Whether each branch of a group is one event, so that a sentence holds all of it.
pub(super) fn is_plain(group: &Group) -> bool {
    group.branches.iter().all(|branch| {
        branch.rest.is_empty() && is_bare(&branch.first) && single(&branch.first.atom).is_some()
    })
}

/// Whether more of an element may be taken when what follows it could be taken as well.
pub(super) fn is_open(element: &Element) -> bool {
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

/// Whether a link or a group limits the time of a pattern.
pub(super) fn is_limited(sequence: &Sequence) -> bool {
    let limited_link =
        sequence.rest.iter().any(|part| matches!(part, Part::Step { link, .. } if link.within.is_some()));
    limited_link
        || items(sequence).into_iter().any(|item| match item {
            Item::Step(link, element) => {
                link.is_some_and(|link| link.within.is_some()) || element_is_limited(element)
            }
            Item::Absence(_) => false,
        })
}

fn element_is_limited(element: &Element) -> bool {
    match &element.atom {
        Atom::Name { .. } => false,
        Atom::Element(inner) => element_is_limited(inner),
        Atom::Group(group) => group.within.is_some() || group.branches.iter().any(is_limited),
    }
}
