//! Patterns: what stands behind `match`.

use super::super::tree::{
    Absence, Atom, Element, Group, GroupKind, Link, LinkKind, Match, Modifier, Part, Quantifier, Sequence,
};
use super::Formatter;
use super::layout::Doc;

impl Formatter<'_> {
    /// `match …`
    pub(super) fn match_(&mut self, match_: &Match) -> Doc {
        let mut docs = self.sequence(&match_.pattern);
        docs.extend(match_.within.as_ref().map(|within| self.duration(Doc::Line, "within", within)));
        let pattern = Doc::Group(Box::new(Doc::align(docs)));
        Doc::All(vec![Doc::text("match"), Doc::Space, pattern])
    }

    /// A sequence, which may be split before its links.
    fn sequence(&mut self, sequence: &Sequence) -> Vec<Doc> {
        let mut docs = vec![self.element(&sequence.first)];
        for part in &sequence.rest {
            docs.push(match part {
                Part::Step { link, element } => self.linked(link, element),
                Part::Absence(absence) => self.absence(absence),
            });
        }
        docs
    }

    fn linked(&mut self, link: &Link, element: &Element) -> Doc {
        let comments = self.source.comments(element.span.start);
        let words = match link.kind {
            LinkKind::Then => "then",
            LinkKind::ThenAny => "then any",
            LinkKind::Next => "next",
        };
        let mut docs = vec![comments, Doc::Line, Doc::text(words)];
        docs.extend(link.within.as_ref().map(|within| self.duration(Doc::Space, "within", within)));
        docs.extend([Doc::Space, self.element(element)]);
        Doc::All(docs)
    }

    fn absence(&mut self, absence: &Absence) -> Doc {
        let comments = self.source.comments(absence.name.span.start);
        let words = if absence.next { "next not" } else { "then not" };
        let mut docs = vec![comments, Doc::Line, Doc::text(words), Doc::Space, self.name(&absence.name)];
        docs.extend(absence.duration.as_ref().map(|span| self.duration(Doc::Space, "for", span)));
        Doc::All(docs)
    }

    fn element(&mut self, element: &Element) -> Doc {
        let mut docs = Vec::new();
        match &element.quantifier {
            None => {}
            Some(Quantifier::Optional(span)) => {
                docs.extend([self.source.comments(span.start), Doc::text("optional"), Doc::Space]);
            }
            Some(Quantifier::Count(count, modifiers)) => {
                docs.extend([self.written(count), Doc::Space]);
                for modifier in modifiers {
                    let comments = self.source.comments(modifier.span.start);
                    docs.extend([comments, Doc::text(word(modifier.node)), Doc::Space]);
                }
            }
        }
        docs.push(self.atom(&element.atom));
        if let Some(until) = &element.until {
            let comments = self.source.comments(until.span.start);
            docs.extend([comments, Doc::Space, Doc::text("until"), Doc::Space, self.name(until)]);
        }
        Doc::All(docs)
    }

    fn atom(&mut self, atom: &Atom) -> Doc {
        match atom {
            Atom::Name { name, alias } => {
                let mut docs = vec![self.name(name)];
                if let Some(alias) = alias {
                    let comments = self.source.comments(alias.span.start);
                    docs.extend([comments, Doc::Space, Doc::text("as"), Doc::Space, self.name(alias)]);
                }
                Doc::All(docs)
            }
            Atom::Group(group) => self.group(group),
            Atom::Element(element) => self.element(element),
        }
    }

    fn group(&mut self, group: &Group) -> Doc {
        let word = match group.kind {
            GroupKind::Or => "or",
            GroupKind::And => "and",
        };
        let opening = self.source.comments(group.span.start);
        let mut docs = Vec::new();
        for (index, branch) in group.branches.iter().enumerate() {
            if index > 0 {
                docs.push(self.source.comments(branch.span.start));
                docs.extend([Doc::Line, Doc::text(word), Doc::Space]);
            }
            let sequence = self.sequence(branch);
            match group.branches.as_slice() {
                [_] => docs.extend(sequence),
                _ => docs.push(Doc::Group(Box::new(Doc::align(sequence)))),
            }
        }
        docs.extend(group.within.as_ref().map(|within| self.duration(Doc::Line, "within", within)));
        docs.push(self.source.comments_inside(group.span.end - 1));
        Doc::All(vec![opening, Doc::group(vec![Doc::text("("), Doc::align(docs), Doc::text(")")])])
    }
}

fn word(modifier: Modifier) -> &'static str {
    match modifier {
        Modifier::Lazy => "lazy",
        Modifier::Consecutive => "consecutive",
        Modifier::Any => "any",
    }
}
