//! What can be told of a pattern from its form alone: what could match nothing, which names it
//! gives, which counts cannot be.

use compact_str::CompactString;

use crate::diagnostic::codes::{E0308, E0403};
use crate::diagnostic::{Diagnostic, Span};
use crate::language::checked::AbsenceKind;
use crate::language::tree::{self, Atom, Modifier, Quantifier, Spanned};

/// Greatest count that a pattern may ask for.
pub const MAX_COUNT: u32 = 10_000;

/// What is wrong with a count and its modifiers.
pub(super) fn wrong_count(
    count: &Spanned<tree::Count>,
    modifiers: &[Spanned<Modifier>],
) -> Option<Diagnostic> {
    let tree::Count { min, max } = count.node;
    let wrong =
        |span: Span, message: &str, help: &str| Some(Diagnostic::new(E0308, span, message).help(help));
    let find = |wanted| modifiers.iter().find(|modifier| modifier.node == wanted);
    if max == Some(0) {
        let message = "something that comes zero times is no part of a match";
        return wrong(count.span, message, "write `then not …` for what must not come");
    }
    if let Some(max) = max.filter(|max| *max < min) {
        return wrong(count.span, "the count goes down", &format!("write `{max}..{min}`"));
    }
    if min.max(max.unwrap_or(0)) > MAX_COUNT {
        let message = format!("a count may be at most {MAX_COUNT}");
        return Some(Diagnostic::new(E0403, count.span, message).help("ask for fewer within a shorter time"));
    }
    if let (true, Some(lazy)) = (max == Some(min), find(Modifier::Lazy)) {
        let help = "it always takes the same number; take `lazy` away";
        return wrong(lazy.span, "an exact count cannot be lazy", help);
    }
    match (find(Modifier::Any), find(Modifier::Consecutive)) {
        (Some(any), Some(consecutive)) => Some(
            Diagnostic::new(E0308, any.span, "repetitions cannot be both `consecutive` and `any`")
                .also(consecutive.span, "this lets none in between")
                .help("keep one of the two"),
        ),
        _ => None,
    }
}

/// For how long an absence says that something must not come.
pub(super) fn absence_kind(absence: &tree::Absence) -> AbsenceKind {
    match &absence.duration {
        Some(duration) => AbsenceKind::For(duration.node),
        None if absence.next => AbsenceKind::Next,
        None => AbsenceKind::Between,
    }
}

/// Names of the variables of a sequence, in order.
pub(super) fn collect_names(sequence: &tree::Sequence, names: &mut Vec<CompactString>) {
    let rest = sequence.rest.iter().filter_map(|part| match part {
        tree::Part::Step { element, .. } => Some(element),
        tree::Part::Absence(_) => None,
    });
    for element in std::iter::once(&sequence.first).chain(rest) {
        collect_element_names(element, names);
    }
}

fn collect_element_names(element: &tree::Element, names: &mut Vec<CompactString>) {
    match &element.atom {
        Atom::Name { name, alias } => names.push(CompactString::new(&alias.as_ref().unwrap_or(name).node)),
        Atom::Group(group) => group.branches.iter().for_each(|branch| collect_names(branch, names)),
        Atom::Element(element) => collect_element_names(element, names),
    }
}

/// Whether all of a sequence could be left out.
pub(super) fn is_nullable(sequence: &tree::Sequence) -> bool {
    is_nullable_element(&sequence.first)
        && sequence.rest.iter().all(|part| match part {
            tree::Part::Step { element, .. } => is_nullable_element(element),
            tree::Part::Absence(_) => true,
        })
}

/// Whether an element could take nothing.
pub(super) fn is_nullable_element(element: &tree::Element) -> bool {
    match &element.quantifier {
        Some(Quantifier::Optional(_)) => true,
        Some(Quantifier::Count(count, _)) if count.node.min == 0 => true,
        _ => is_nullable_atom(&element.atom),
    }
}

/// Whether an atom could take nothing.
pub(super) fn is_nullable_atom(atom: &Atom) -> bool {
    match atom {
        Atom::Name { .. } => false,
        Atom::Group(group) => match group.kind {
            tree::GroupKind::Or => group.branches.iter().any(is_nullable),
            tree::GroupKind::And => group.branches.iter().all(is_nullable),
        },
        Atom::Element(element) => is_nullable_element(element),
    }
}

/// Whether an atom takes exactly one event: a name, perhaps in parentheses.
pub(super) fn is_single_step(atom: &Atom) -> bool {
    match atom {
        Atom::Name { .. } => true,
        Atom::Group(group) => match group.branches.as_slice() {
            [branch] => {
                branch.rest.is_empty()
                    && branch.first.quantifier.is_none()
                    && is_single_step(&branch.first.atom)
            }
            _ => false,
        },
        Atom::Element(_) => false,
    }
}
