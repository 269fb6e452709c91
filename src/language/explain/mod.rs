//! Rules in plain English: what a rule does, for people who did not write it.
//!
//! Enters: the syntax trees of a rule set ([`RuleSet`]). Leaves: an [`Explanation`] of a rule, which
//! is a summary and lists of precise points, or a [`Hover`] on one place of a file. All texts are
//! Markdown in which only names and code are marked, with backquotes.
//!
//! The words follow `docs/language.md`. They are made from the tree alone, so that a rule with
//! mistakes is explained as far as it could be read: nothing here judges whether it is right.
//!
//! Invariants: every event that a pattern names is mentioned; trees nest as deep as the parser lets
//! them, which bounds the recursion; a text grows linearly with its rule.

mod clauses;
mod code;
mod condition;
mod events;
mod markdown;
mod names;
mod notes;
mod phrase;
mod place;
mod report;
mod shape;
mod steps;
mod value;
mod words;

use crate::diagnostic::Span;
use crate::language::tree::Rule;

pub use markdown::{Piece, pieces};
pub use names::RuleSet;
pub use place::Hover;

use names::RuleParts;
use value::{Place, Scope};

/// What a rule does.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The rule's name.
    pub name: String,
    /// What its author says that it is about: no Markdown, and without control characters.
    pub about: Option<String>,
    /// A short paragraph.
    pub summary: String,
    /// The precise points.
    pub sections: Vec<Section>,
}

/// Points that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Its title, without Markdown.
    pub title: &'static str,
    /// The points in order; never empty.
    pub points: Vec<Point>,
}

/// One or a few sentences about a part of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The sentences.
    pub text: String,
    /// Whether it is a step, which is counted.
    pub numbered: bool,
    /// The part that it is about: an event definition, an element or absence of the pattern, a clause.
    /// `None` for what is in force although nothing is written.
    pub span: Option<Span>,
    /// What belongs to it.
    pub children: Vec<Point>,
}

impl Point {
    fn new(text: String, span: Option<Span>) -> Point {
        Point { text, numbered: false, span, children: Vec::new() }
    }
}

/// Explains the parts of one rule.
#[derive(Clone, Copy)]
struct Explainer<'s, 't> {
    set: &'s RuleSet<'t>,
    rule: &'s RuleParts<'t>,
}

impl<'s, 't> Explainer<'s, 't> {
    /// What names mean in an expression that stands at `place`.
    fn scope<'p>(&self, place: Place<'p>) -> Scope<'p, 't>
    where
        's: 'p,
    {
        Scope { set: self.set, rule: self.rule, place }
    }

    fn sections(&self) -> Vec<Section> {
        let sections = [
            ("Events", self.events()),
            ("Names", self.names()),
            ("Grouping", self.grouping()),
            ("Pattern", self.pattern()),
            ("When it is reported", self.reporting()),
            ("Alert", self.alerting()),
            ("Event time", self.event_time()),
            ("Bounds", self.bounds()),
        ];
        let sections = sections.into_iter().map(|(title, points)| Section { title, points });
        sections.filter(|section| !section.points.is_empty()).collect()
    }
}

impl<'t> RuleSet<'t> {
    /// Explains a rule of this set.
    pub fn explain(&self, rule: &'t Rule) -> Explanation {
        let parts = RuleParts::new(rule);
        let explainer = Explainer { set: self, rule: &parts };
        Explanation {
            name: rule.name.node.clone(),
            about: parts.about.map(|about| about.node.replace(char::is_control, " ")),
            summary: explainer.summary(),
            sections: explainer.sections(),
        }
    }
}
